"""The canonical garment vocabulary, the presets, and how a user's words become labels."""

from __future__ import annotations

from ..tensors import unknown_name

GARMENT_LABELS = (
    "upper", "outer", "dress", "pants", "skirt", "lower", "footwear", "legwear", "headwear", "neckwear",
)  # fmt: skip
"""Cloth that a user swaps. `lower` is what a method says that cannot tell trousers from a skirt."""

CARRIED_LABELS = ("bag", "accessory")
PART_LABELS = ("hair", "skin", "head", "face", "neck", "hands", "arms", "legs")
"""What a person is apart from clothes. Head is hair, headwear and face; the last five divide the skin."""

LABELS = GARMENT_LABELS + CARRIED_LABELS + PART_LABELS
LEGEND = ("background", *LABELS)
"""What the numbers of a picture of labels mean; new ones are only appended."""

PRESETS: dict[str, tuple[str, ...]] = {
    "outfit": ("upper", "outer", "dress", "pants", "skirt", "lower"),
    "garments": GARMENT_LABELS,
    "tops": ("upper", "outer", "dress"),
    "bottoms": ("pants", "skirt", "lower"),
    "dress": ("dress",),
    "outerwear": ("outer",),
    "footwear": ("footwear",),
    "accessories": ("headwear", "neckwear", "bag", "accessory"),
    "person": LABELS,
}


def parse_what(what: str) -> tuple[str, ...]:
    """The canonical labels meant by a preset, a label, or several of them separated by commas, in their first order.

    Raises `UnknownName` for a word that is neither, and for an empty text.
    """
    labels: dict[str, None] = {}
    for word in (part.strip().lower() for part in what.split(",")):
        if not word and labels:
            continue
        if word not in PRESETS and word not in LABELS:
            raise unknown_name("Garment", word, (*PRESETS, *(label for label in LABELS if label not in PRESETS)))
        labels.update(dict.fromkeys(PRESETS.get(word, (word,))))
    return tuple(labels)

"""What a new garment covers: one record per cut, the garments that each region of the body takes away, and what can be
chosen besides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...tensors import RangeError, unknown_name
from ..vocabulary import CARRIED_LABELS, GARMENT_LABELS, PART_LABELS, parse_what

AUTO = "auto"
UPPER, LOWER, FULL = "upper body", "lower body", "full body"
REGIONS = (AUTO, UPPER, LOWER, FULL)
"""Which garments the new one takes the place of; auto is what its cut demands."""

BOTTOMS = ("pants", "skirt", "lower")
TAKEN = {
    UPPER: ("upper", "outer", "dress"),
    LOWER: (*BOTTOMS, "dress"),
    FULL: ("upper", "outer", "dress", *BOTTOMS),
}
"""The garments that go, by region. Of a dress the lower body takes what lies below the waist."""

OVERLAPPED = {UPPER: (*BOTTOMS, "legwear"), LOWER: ("legwear",), FULL: ("legwear",)}
"""Kept garments that a new one may hang over, as far as its cut reaches."""

# Levels of a standing figure in heads below the crown (a head is crown to chin; 7.2 of them from crown to soles).
CHEST, WAIST, HIP, MID_THIGH, KNEE, CALF, ANKLE = 2.0, 2.8, 3.7, 4.7, 5.3, 5.8, 6.85
# How far sleeves reach from the shoulder, in heads: an upper arm is about 1.4 of them long.
SHORT_SLEEVE, LONG_SLEEVE = 1.1, math.inf

TIGHT, SMOOTH, HULL, BOX = "tight", "smooth", "hull", "box"
SILHOUETTES = (TIGHT, SMOOTH, HULL, BOX)
"""Each contains the one before."""

DEFAULT_PROTECT = ("head", "hair", "face", "hands", "feet", "bag")
# Shadow and protection margin in heads, at most.
MOST_MARGIN = 1.0
SHADOW, PROTECT_MARGIN, LOOSENESS = 0.12, 0.05, 0.2

# A model's own words for what is no garment that another one is tried on in place of.
NOT_REPLACED = (
    "underwear", "bra", "intimate", "panties", "briefs", "boxers", "lingerie", "corset", "swimwear", "swimsuit",
    "bikini",
)  # fmt: skip


@dataclass(frozen=True)
class Cut:
    """One target.

    region: which garments it takes away. arms: how far from the shoulder it covers them where they are bare, in heads;
    at most to the hands. legs: whether it covers them where they are bare, down to the feet. hem: how far it hangs, in
    heads below the crown; None: where the old one ends. start: where that drape begins. flare: how much wider it
    gets on each side per length, from the hip down. width: heads by which the new cloth stands off arms, legs, trunk.
    """

    region: str
    arms: float = 0.0
    legs: bool = False
    hem: float | None = None
    start: float = WAIST
    flare: float = 0.0
    width: float = 0.0

    @property
    def drapes(self) -> bool:
        """Whether it hangs down in one piece."""
        return self.hem is not None or self.flare > 0

    @property
    def adds(self) -> bool:
        """Whether it covers more than the old garment did."""
        return self.arms > 0 or self.legs or self.drapes


CUTS: dict[str, Cut] = {
    "as worn": Cut(FULL),
    "sleeveless": Cut(UPPER),
    "short sleeve": Cut(UPPER, arms=SHORT_SLEEVE, width=0.08),
    "long sleeve": Cut(UPPER, arms=LONG_SLEEVE, width=0.08),
    "cropped": Cut(UPPER),
    "long top": Cut(UPPER, hem=MID_THIGH, start=CHEST, flare=0.05, width=0.05),
    "flared": Cut(FULL, flare=0.3),
    "coat": Cut(UPPER, arms=LONG_SLEEVE, hem=CALF, start=CHEST, flare=0.08, width=0.14),
    "trousers": Cut(LOWER, legs=True, width=0.1),
    "shorts": Cut(LOWER),
    "skirt": Cut(LOWER, hem=KNEE, flare=0.12, width=0.05),
    "long skirt": Cut(LOWER, hem=ANKLE, flare=0.12, width=0.05),
    "dress": Cut(FULL, hem=KNEE, start=CHEST, flare=0.12, width=0.05),
    "long sleeve dress": Cut(FULL, arms=LONG_SLEEVE, hem=KNEE, start=CHEST, flare=0.12, width=0.08),
    "long dress": Cut(FULL, hem=ANKLE, start=CHEST, flare=0.12, width=0.05),
}
"""Sleeveless, cropped and shorts cover the old garment, so that it can be replaced, and nothing else."""


def taken_labels(region: str, labels: str | Sequence[str] = ()) -> tuple[str, ...]:
    """The labels of the garments that go: those of the region, or `labels` (as `parse_what` reads them) instead.

    Raises `RangeError` where `labels` names anything but garments: the area always starts from one that is worn.
    """
    words = parse_what(labels) if isinstance(labels, str) and labels.strip() else tuple(labels)
    for word in words:
        if word in PART_LABELS or word in CARRIED_LABELS:
            raise RangeError(
                f"a new garment takes the place of a garment, not of {word!r}; name garments that are worn."
            )
        if word not in GARMENT_LABELS:
            raise unknown_name("Garment", word, GARMENT_LABELS)
    return words or TAKEN[region]


def is_replaced(native_label: str) -> bool:
    """Whether something a model calls by this word may be the start of a new garment's area."""
    words = native_label.lower().replace("-", " ").replace("_", " ").replace(",", " ").replace("/", " ").split()
    return not any(word in NOT_REPLACED for word in words)

"""What people wear, in the words of a prompt: colours and garments, nothing about the persons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from ..color import parse_colours, srgb_to_oklab
from ..kernels import support_box
from ..tensors import as_image, resize_mask
from .annotations.write import UNNAMED
from .garments import Garment, Garments
from .taxonomies import PART_OWNERS
from .vocabulary import CARRIED_LABELS, GARMENT_LABELS, LABELS

WORDS = {
    "outer": "jacket", "upper": "top", "dress": "dress", "pants": "trousers", "skirt": "skirt", "lower": "bottoms",
    "legwear": "legwear", "footwear": "shoes", "headwear": "hat", "neckwear": "scarf", "bag": "bag",
    "accessory": "accessory", UNNAMED: "garment",
}  # fmt: skip
"""Canonical label -> plain English, in the order of a sentence."""

# Models' words that are no English, or say less than the canonical one; "" takes that.
PLAIN_WORDS = {
    "upper clothes": "", "top": "top", "coat": "coat", "jumpsuits": "jumpsuit", "accessories": "", "vest dress":
    "sleeveless dress", "sling": "strappy top", "sling dress": "strappy dress", "short sleeve top": "short-sleeved top",
    "long sleeve top": "long-sleeved top", "short sleeve outwear": "short-sleeved jacket", "long sleeve outwear":
    "long-sleeved jacket", "short sleeve dress": "short-sleeved dress", "long sleeve dress": "long-sleeved dress",
    "outer": "", "footwear": "", "headwear": "", "feet": "", "jewelry": "jewellery", "bra": "", "panties": "",
    "intimate": "", "scarf/tie": "", "shoe": "shoes", "sock": "socks", "glove": "gloves", "boot": "boots", "sneaker":
    "sneakers", "sandal": "sandals", "heel": "heels", "suit": "suit jacket", "trouser": "trousers", "pants": "trousers",
    "leg warmer": "leg warmers",
}  # fmt: skip

# Colours of cloth as cameras show it, several for what spreads wide.
COLOURS = {
    "black": "#050505 #161616 #262626 #1e1c20", "dark grey": "#434343 #55565a", "grey": "#7c7c7c #949496",
    "light grey": "#b9babc #cacaca", "white": "#ffffff #eeeeee #e0e2e6 #dedad6 #d6dae3", "cream": "#f6ecd4 #efe3c8",
    "beige": "#d9c3a3 #c6ab86 #b9a286", "light brown": "#a37550 #94704f", "brown": "#6b4528 #5a3c2c #74523e",
    "dark brown": "#3a251b #2f211b", "red": "#d21a1e #b31b25 #e0453c", "dark red": "#741420 #591620", "orange":
    "#ef7a1d #e05c1a #f2984a", "yellow": "#f4d823 #f7e47c", "mustard yellow": "#c8971c #b98a2a", "green":
    "#2f8f3e #4a9b55 #38b048", "dark green": "#1d4528 #24402f", "light green": "#a8d8a2 #8cc490", "olive green":
    "#6a6a32 #55573a #7d7b4c", "teal": "#12747a #1c5a60", "turquoise": "#3cc6c0 #7fd6d0", "blue":
    "#1f5fc6 #2a4fa0 #4d77b8 #546f96", "light blue": "#9cc3e6 #7fa9d6 #bcd2e8 #8fa5c0", "dark blue":
    "#1d3160 #2b3f63 #33425c", "navy blue": "#131b38 #1c2238 #0a0a72", "purple": "#6a2d92 #553070 #7c4f9c",
    "light purple": "#b8a2dc #cbb8e4", "pink": "#f19ab8 #f6c5d3 #e0a0a8 #ef8f86", "hot pink": "#e63c8a #d42a78",
}  # fmt: skip

# Colours are looked at on a reduction of at most so many pixels a side; a step of hue counts more than one of shade.
LONGEST_SIDE = 160
LIGHTNESS_WEIGHT, HUE_WEIGHT = 0.6, 2.0
# Weighted OKLab: groups of pixels nearer to each other than this are one colour in light and shade.
ONE_COLOUR = 0.15
GROUPS, ROUNDS = 5, 8
FAR = 100.0  # farther than any two colours
# A colour beside the main one is named from this share of the garment on.
SECOND_SHARE = 1 / 3
# Where no colour has this share and this many have that one, it is multicoloured.
MAIN_SHARE, MANY, MANY_SHARE = 0.4, 3, 0.12
# What has less than this share of everything that its person wears is a speck; small things may be smaller.
LEAST_SHARE, LEAST_SMALL_SHARE = 0.01, 0.002
# Of garments that a person wears one of, doubtful ones are left unsaid: below this score (the overlap to expect) and
# this share of the largest. Tops are not among them: those under a jacket are small and doubtful, and there.
RIVALS = (("dress", "skirt", "pants", "lower"), ("outer", "upper"))
DOUBTFUL, DOUBTFUL_SHARE = 0.3, 0.35
SMALL = ("footwear", "headwear", "neckwear", *CARRIED_LABELS)


def describe_outfit(image: Tensor, garments: Garments) -> str:
    """What is worn in each picture of ``[B,H,W,C]``, a line each, such as "light blue top, dark blue jeans, red bag".

    People are separated by semicolons, from left to right as the garments count them; a picture without garments is an
    empty line. A garment is called by its model's word where that is plain English, else by its label (`WORDS`); its
    colour is the main one of the inner part of its mask, or two where both have a third (`COLOURS`), or multicoloured.
    Nothing is said about the persons, and nothing about patterns, sleeves or cloth that no model tells.
    """
    image = as_image(image)
    lines: list[str] = []
    for index in range(garments.batch):
        picture = image[min(index, len(image) - 1)]
        items = garments.of_image(index).items
        people = [[item for item in items if item.person == one] for one in sorted({item.person for item in items})]
        sentences = [", ".join(_phrases(picture, person)) for person in people]
        lines.append("; ".join(sentence for sentence in sentences if sentence))
    return "\n".join(lines)


def colour_names(image: Tensor, mask: Tensor) -> str:
    """The colour of what a mask ``[H,W]`` covers of a picture ``[H,W,C]``, such as "red" or "black and white"; "" of
    nothing.
    """
    colours, weights = _inner_colours(image, mask)
    if not len(colours):
        return ""
    groups = _merge(*_group(colours, weights))
    groups.sort(key=lambda group: -group[1])
    if groups[0][1] < MAIN_SHARE and sum(share >= MANY_SHARE for _, share in groups) >= MANY:
        return "multicoloured"
    names = list(dict.fromkeys(_name(colour) for colour, share in groups if share >= SECOND_SHARE))
    return " and ".join(names[:2] or [_name(groups[0][0])])


def _phrases(picture: Tensor, items: Sequence[Garment]) -> Iterable[str]:
    """One phrase for each kind of garment, in the order of `WORDS`."""
    kinds: dict[tuple[str, str], Tensor] = {}
    for item in (item for item in items if not _is_doubtful(item, items)):
        kind = (item.label, _word(item))
        mask = item.mask.to(picture.device, torch.float32)
        kinds[kind] = torch.maximum(kinds[kind], mask) if kind in kinds else mask
    total = sum(float(mask.sum()) for mask in kinds.values())
    order = list(WORDS)
    for (label, word), mask in sorted(kinds.items(), key=lambda kind: order.index(kind[0][0])):
        least = LEAST_SMALL_SHARE if label in SMALL else LEAST_SHARE
        if word and float(mask.sum()) >= least * total:
            yield f"{colour_names(picture, mask)} {word}".strip()


def _is_doubtful(item: Garment, items: Sequence[Garment]) -> bool:
    """Whether the garment is rather a piece of another one that was taken for one of its own."""
    family = next((labels for labels in RIVALS if item.label in labels), ())
    if item.score >= DOUBTFUL or item.label == "upper":
        return False
    largest = max((float(other.mask.sum()) for other in items if other.label in family), default=0.0)
    return float(item.mask.sum()) < DOUBTFUL_SHARE * largest


def _word(item: Garment) -> str:
    """What the garment is called; "" for what is better left unsaid."""
    native = " ".join(item.native_label.lower().replace("_", " ").replace("-", " ").split())
    native = native.removeprefix("left ").removeprefix("right ")
    if native in PLAIN_WORDS:
        native = PLAIN_WORDS[native]
    elif native == "t shirt":
        native = "T-shirt"
    if native and "," not in native and native not in LABELS and native not in PART_OWNERS:
        return native
    if native in GARMENT_LABELS and native == WORDS.get(native):
        return native
    return "" if item.label == "accessory" else WORDS.get(item.label, "")


def _inner_colours(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Colours ``[N,3]``, weighted OKLab, and weights ``[N]`` of the mask's inner part, away from its soft edge."""
    box = support_box(mask >= 0.5)
    if box is None:
        return torch.empty(0, 3), torch.empty(0)
    part = (slice(box[1], box[3]), slice(box[0], box[2]))
    scale = min(1.0, LONGEST_SIDE / max(part[0].stop - part[0].start, part[1].stop - part[1].start))
    size = [max(1, round((side.stop - side.start) * scale)) for side in part]
    colours = image[part][..., :3].to(torch.float32).nan_to_num(0, 0, 0).clamp(0, 1)
    inside = resize_mask((mask[part] >= 0.5).float().unsqueeze(0), size[0], size[1])
    # Weighted before it is reduced, so that what lies beside the mask does not bleed in.
    planes = (colours * (mask[part] >= 0.5).unsqueeze(-1)).permute(2, 0, 1).unsqueeze(0)
    reduced = functional.interpolate(planes, size, mode="bilinear", antialias=True)[0] / inside.clamp(min=1e-3)
    core = -functional.max_pool2d(-functional.pad(inside, (1, 1, 1, 1)), 3, 1)
    weights = core if float(core.sum()) >= 0.1 * float(inside.sum()) else inside
    chosen = weights.flatten() > 0.01
    return _weigh(srgb_to_oklab(reduced.flatten(1).T[chosen].clamp(0, 1))), weights.flatten()[chosen]


def _weigh(oklab: Tensor) -> Tensor:
    return oklab * torch.tensor([LIGHTNESS_WEIGHT, HUE_WEIGHT, HUE_WEIGHT], device=oklab.device)


def _group(colours: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Centres ``[K,3]`` and shares ``[K]`` of groups of colours: k-means, begun with the farthest (Gonzalez 1985)."""
    mean = (colours * weights.unsqueeze(1)).sum(0) / weights.sum()
    nearest = (colours - mean).square().sum(1) * weights
    centres: list[Tensor] = []
    for _ in range(min(GROUPS, len(colours))):
        centres.append(colours[nearest.argmax()])
        nearest = torch.minimum(nearest, (colours - centres[-1]).square().sum(1) * weights)
    palette = torch.stack(centres)
    for _ in range(ROUNDS):
        members = functional.one_hot(torch.cdist(colours, palette).argmin(1), len(palette)) * weights.unsqueeze(1)
        sizes = members.sum(0)
        palette = torch.where(sizes.unsqueeze(1) > 0, members.T @ colours / sizes.clamp(min=1e-6).unsqueeze(1), palette)
    members = functional.one_hot(torch.cdist(colours, palette).argmin(1), len(palette)) * weights.unsqueeze(1)
    return palette, members.sum(0) / weights.sum()


def _merge(palette: Tensor, shares: Tensor) -> list[tuple[Tensor, float]]:
    """The groups, the nearest two of them joined until all lie farther apart than one colour spreads."""
    sizes = cast("list[float]", shares.tolist())
    centres = list(palette.unbind(0))
    groups: list[tuple[Tensor, float]] = [(one, share) for one, share in zip(centres, sizes, strict=True) if share > 0]
    while len(groups) > 1:
        places = torch.stack([centre for centre, _ in groups])
        apart = torch.cdist(places, places) + FAR * torch.eye(len(groups), device=places.device)
        i, j = divmod(int(apart.argmin()), len(groups))
        if float(apart[i, j]) > ONE_COLOUR:
            break
        share = groups[i][1] + groups[j][1]
        joined = (groups[i][0] * groups[i][1] + groups[j][0] * groups[j][1]) / share
        groups = [*(group for number, group in enumerate(groups) if number not in (i, j)), (joined, share)]
    return groups


def _name(colour: Tensor) -> str:
    names = [name for name, samples in COLOURS.items() for _ in samples.split()]
    samples = _weigh(srgb_to_oklab(parse_colours(" ".join(COLOURS.values())))).to(colour.device)
    return names[int((samples - colour).square().sum(1).argmin())]

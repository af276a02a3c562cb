"""What a mask must not cover: parts of the body, shoes and bags, and the garments that are not meant.

A part is looked for where its kind is known best: body parts in `Garments.parts`, things that are worn or carried among
the garments and, where nobody asked for them, in `Garments.labels`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from ..errors import join_words
from ..kernels import label_regions
from ..tensors import ShapeError, as_finite_mask, check_name, match_batch
from .feet import bare_feet
from .garments import Garments
from .hands import worn_on_hands
from .part_masks import PartMasks
from .parts import PARTS
from .protection import BAG, FEET, HEAD, OTHERS, PROTECTABLE
from .shape import feather_mask, grow_mask
from .vocabulary import CARRIED_LABELS, GARMENT_LABELS, LEGEND

WORN_LABELS = GARMENT_LABELS + CARRIED_LABELS
# What a mask covers by so much is what it is meant for; small things that a grown mask may cover by chance are meant
# only where so much of the mask is nothing else.
MEANT, MEANT_SMALL = 0.5, 1 / 3
# Regions of labels smaller than this share of the picture are crumbs of the parser.
LEAST_REGION = 5e-5
SMALL_LABELS = ("footwear", "bag", "accessory")

Target = Sequence[str] | Tensor


def protected_area(
    garments: Garments, parts: Sequence[str], *, margin_px: float | Mapping[str, float] = 0.0,
    soft_px: float | Mapping[str, float] = 0.0, target: Target = (), scale: Sequence[float] = (),
) -> Tensor:  # fmt: skip
    """What is to be kept ``[B,H,W]``, float32, 1 = keep: the greatest of the parts, each with its margin and soft edge.

    parts: of `PROTECTABLE`. margin_px: how far beyond its contour a part is kept; negative lets a mask reach under its
    rim. soft_px: over so many px the edge runs from 1 to 0, its middle on the margin's line. Both for all parts, or by
    part; a part that is missing there has none. target: what the mask is meant for, labels or the mask ``[B,H,W]``
    itself, which means the garments that it covers at least by half, and shoes, bags and accessories that make up a
    third of it; what is meant is never among the "other garments", nor meant shoes among the feet, a meant bag under
    "bag" or a meant hat on the head. scale: for each picture what margins and widths are multiplied by, as from
    `head_heights_px`; none: 1.

    A part that the garments cannot tell is kept in what holds it (skin for hands), or not at all: `untold_parts` says
    so. Raises `UnknownName` for another part, `RangeError` for margins beyond `GROW_LIMIT_PX`, `ShapeError` for a
    target mask of another size.
    """
    for part in parts:
        check_name("Part", part, PROTECTABLE)
    scales = list(scale) or [1.0] * garments.batch
    meant = _Meant(garments, target)
    kept: Tensor | None = None
    for (margin, soft), names in _by_edge(parts, margin_px, soft_px).items():
        area = _parts_area(garments, names, meant)
        edged = torch.cat(
            [
                feather_mask(grow_mask(plane, margin * scales[index % len(scales)]), soft * scales[index % len(scales)])
                for index, plane in enumerate(area)
            ]
        )
        kept = edged if kept is None else torch.maximum(kept, edged)
    return _nothing(garments) if kept is None else kept


def protect_mask(mask: Tensor, protected: Tensor) -> Tensor:
    """The mask ``[B,H,W]``, in its dtype, without what is protected: ``mask * (1 - protected)``.

    protected: ``[B,H,W]``, 1 = keep; batches 1 and N go together. Raises `ShapeError` for another size.
    """
    mask, protected = as_finite_mask(mask), as_finite_mask(protected, "protected")
    if mask.shape[1:] != protected.shape[1:]:
        raise ShapeError(
            f"mask is {mask.shape[2]}x{mask.shape[1]} but the protected area is "
            f"{protected.shape[2]}x{protected.shape[1]}; make both from one picture."
        )
    mask, protected = match_batch((mask, protected.to(mask.device)), ("mask", "protected"))
    left = mask.float() * (1 - protected.float().clamp(0, 1))
    return left.to(mask.dtype)


def untold_parts(garments: Garments, parts: Sequence[str]) -> tuple[str, ...]:
    """A sentence for each group of parts that these garments cannot tell, and what is kept instead, if anything."""
    known = set(garments.parts)
    held = [part for part in parts if part in (*PARTS, HEAD) and part not in known and known & {"skin", "hair"}]
    lost = [part for part in parts if part in (*PARTS, HEAD, "hair") and part not in (*known, *held)]
    lines: list[str] = []
    if held:
        instead = "skin and hair are" if HEAD in held else "skin is"
        lines.append(
            f"{garments.method} cannot tell {join_words(held, 'and')} apart from other skin; all {instead} kept."
        )
    if FEET in parts and "legs" not in known:
        lines.append(f"{garments.method} cannot tell bare feet; only shoes are kept.")
    if garments.labels is None and {BAG, FEET, OTHERS} & set(parts):
        lines.append(f"{garments.method} tells other garments, shoes and bags only as far as they were asked for.")
    if lost:
        lines.append(
            f"{join_words(lost, 'and')} cannot be protected: {garments.method} tells no body parts; use the parser."
        )
    return tuple(lines)


def absent_parts(garments: Garments, parts: Sequence[str]) -> tuple[str, ...]:
    """A sentence with the body parts that could be told but are in none of the pictures; none where all are there."""
    known = garments.parts
    absent: list[str] = []
    for part in (part for part in parts if part in known):
        if isinstance(known, PartMasks):  # their small planes tell it; full ones cost time
            there = any(bool((person.planes[part] >= 0.5).any()) for person in known.persons)
        else:
            there = bool((known[part] >= 0.5).any())
        absent += [] if there else [part]
    return (f"not in the picture: {', '.join(absent)}",) if absent else ()


def kept_garments(garments: Garments, parts: Sequence[str], *, target: Target = ()) -> tuple[str, ...]:
    """The labels of the garments that are kept for one of the parts, in the order of the vocabulary."""
    meant = _Meant(garments, target)
    wanted = {OTHERS: WORN_LABELS, BAG: (BAG,), FEET: ("footwear",)}
    labels = {label for part in parts for label in wanted.get(part, ())}
    return tuple(label for label in WORN_LABELS if label in labels and bool((meant.others(label) >= MEANT).any()))


def _parts_area(garments: Garments, parts: Sequence[str], meant: _Meant) -> Tensor:
    """Some of `PROTECTABLE` as they lie in the pictures, ``[B,H,W]``, float32, without a margin."""
    body = {part for part in parts if part in (HEAD, "hair", *PARTS)}
    if HEAD in body and meant.is_worn_on_head():  # the head's mask holds hat and glasses
        body = body - {HEAD} | {"hair", "face"}
    areas = [_nothing(garments), _body_area(garments, body)]
    if "hands" in body:
        areas.append(worn_on_hands(garments, meant.others("accessory")))
    if FEET in parts:
        areas += [meant.others("footwear"), bare_feet(garments)]
    if OTHERS in parts:
        areas += [meant.others(label) for label in WORN_LABELS]
    elif BAG in parts:
        areas.append(meant.others(BAG))
    return _greatest(areas)


def _body_area(garments: Garments, names: Collection[str]) -> Tensor:
    """Body parts as one ``[B,H,W]``, without gaps where they meet; what is not told apart in what holds it."""
    known = garments.parts
    held = [name for name in names if name not in known]
    wanted = {name for name in names if name in known}
    wanted |= {"skin"} & set(known) if any(name != "hair" for name in held) else set[str]()
    wanted |= {"hair"} & set(known) if HEAD in held else set[str]()
    if isinstance(known, PartMasks):
        return known.together(wanted).float() if wanted else _nothing(garments)
    area = _nothing(garments)
    for name in sorted(wanted - {HEAD, "skin"} - (set(PARTS) if "skin" in wanted else set[str]())):
        area = (area + known[name].to(area)).clamp(max=1)
    return _greatest([area, *(known[name].float() for name in ("skin", HEAD) if name in wanted)])


class _Meant:
    """Which garments of a batch are meant by a target, and which are others."""

    def __init__(self, garments: Garments, target: Target) -> None:
        self._garments = garments
        self._mask = _match_target(garments, target) if isinstance(target, Tensor) else None
        self._labels = () if isinstance(target, Tensor) else _with_lower(target)
        self._batch = max(garments.batch, len(self._mask) if self._mask is not None else 1)

    def others(self, label: str) -> Tensor:
        """The garments of a label that are not meant, ``[B,H,W]``: their masks, and beside them their labels."""
        whole = _nothing(self._garments, self._batch)
        for index, plane in enumerate(whole):  # each picture has garments of its own
            of_label = [item for item in self._garments.of_image(self._of(index)).items if item.label == label]
            for item in of_label:
                if not self._is_meant(item.mask, label, index):
                    torch.maximum(plane, item.mask.to(plane), out=plane)
            seen = _greatest([torch.zeros_like(plane), *(item.mask.to(plane) for item in of_label)])
            torch.maximum(plane, self._unseen(label, index, seen), out=plane)
        return whole

    def is_worn_on_head(self) -> bool:
        """Whether a hat or an accessory is meant."""
        if self._mask is None:
            return bool({"headwear", "accessory"} & set(self._labels))
        worn = self._garments.select(["headwear", "accessory"]).items
        images = range(self._batch)
        return any(
            self._is_meant(item.mask, item.label, i) for item in worn for i in images if self._of(i) == item.image
        )

    def _of(self, index: int) -> int:
        return index % self._garments.batch

    def _is_meant(self, mask: Tensor, label: str, index: int) -> bool:
        if self._mask is None:
            return label in self._labels
        there = mask.float()
        target = self._mask[index].to(there)
        least = MEANT_SMALL * target.sum() if label in SMALL_LABELS else MEANT * there.sum()
        return bool((there * target).sum() >= least)

    def _unseen(self, label: str, index: int, seen: Tensor) -> Tensor:
        """Where the picture of labels has connected regions of a label that no garment of it explains."""
        labels = self._garments.labels
        if labels is None or (self._mask is None and label in self._labels):
            return torch.zeros_like(seen)
        there = (labels[self._of(index)] == LEGEND.index(label)).to(seen.device)
        if not bool(there.any()):
            return torch.zeros_like(seen)
        if self._mask is None and not bool(seen.any()):
            return there.float()
        regions = label_regions(there).flatten().long()
        areas = torch.bincount(regions).float()
        left = (_share_of_regions(regions, areas, seen) < MEANT) & (areas >= LEAST_REGION * seen.numel())
        if self._mask is not None and label in SMALL_LABELS:
            left &= not self._is_meant(there, label, index)
        elif self._mask is not None:
            left &= _share_of_regions(regions, areas, self._mask[index].to(seen)) < MEANT
        left[0] = False
        return left[regions].view(seen.shape).float()


def _share_of_regions(regions: Tensor, areas: Tensor, values: Tensor) -> Tensor:
    return torch.zeros_like(areas).index_add_(0, regions, values.flatten().float()) / areas.clamp_min(1)


def _match_target(garments: Garments, target: Tensor) -> Tensor:
    """The target mask with as many planes as there are pictures, or more where one picture has several masks."""
    mask = as_finite_mask(target, "target")
    if tuple(mask.shape[1:]) != (garments.height, garments.width):
        raise ShapeError(
            f"the garments are of a {garments.width}x{garments.height} picture, the mask is "
            f"{mask.shape[2]}x{mask.shape[1]}; detect them in the picture that the mask is of."
        )
    if garments.batch not in (1, len(mask)) and len(mask) != 1:
        raise ShapeError(
            f"the garments are of {garments.batch} pictures beside {len(mask)} masks; give one or as many."
        )
    return mask.expand(max(garments.batch, len(mask)), *mask.shape[1:])


def _with_lower(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels; where trousers or skirts are meant also `lower`, the word of methods that cannot tell them apart."""
    bottoms = ("pants", "skirt")
    if "lower" in labels:
        return (*labels, *bottoms)
    return (*labels, "lower") if set(bottoms) & set(labels) else tuple(labels)


def _by_edge(
    parts: Sequence[str], margin: float | Mapping[str, float], soft: float | Mapping[str, float]
) -> dict[tuple[float, float], list[str]]:
    """Margin and softness -> the parts that have them; these are grown as one."""
    groups: dict[tuple[float, float], list[str]] = {}
    for part in dict.fromkeys(parts):
        edge = tuple(float(one.get(part, 0.0)) if isinstance(one, Mapping) else float(one) for one in (margin, soft))
        groups.setdefault((edge[0], edge[1]), []).append(part)
    return groups


def _greatest(planes: Sequence[Tensor]) -> Tensor:
    greatest = planes[0]
    for plane in planes[1:]:
        greatest = torch.maximum(greatest, plane.to(greatest))
    return greatest


def _nothing(garments: Garments, batch: int | None = None) -> Tensor:
    device = next((item.mask.device for item in garments.items), None)
    device = device or (garments.labels.device if garments.labels is not None else torch.device("cpu"))
    return torch.zeros((batch or garments.batch, garments.height, garments.width), device=device)

"""One repainted crop after the other joined to its picture: moved back, its colours matched, its seam hidden."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import box_around
from ..resampling import restore_planes
from ..tensors import check_name
from .align import ALIGNMENTS, Alignment, Move, find_alignment
from .color_match import CELL_PX, METHODS, SPACES, ColourFit, apply_fits, fit_colours
from .seams import SEAMS, join_images, seam_box

# How far outside the mask a crop is compared with its picture: as far as a model's tone is one, within the context that
# most crops have.
RING_PX = 64
STITCH_MATCHES = ("none", *METHODS)

CropBox = tuple[int, int, int, int]


@dataclass(frozen=True)
class Joining:
    """How crops are brought back; the arguments of `stitch_inpainted` of these names."""

    seam: str = "linear"
    match_colours: str = "none"
    width_px: float | None = None
    match_space: str = "sRGB"
    align: str = "off"

    def __post_init__(self) -> None:
        check_name("Match colours", self.match_colours, STITCH_MATCHES)
        check_name("Match space", self.match_space, SPACES)
        check_name("Seam", self.seam, SEAMS)
        check_name("Align", self.align, ALIGNMENTS)


@dataclass(frozen=True)
class Found:
    """What was found of one crop and undone; None for what was not asked for, or where too few pixels tell."""

    alignment: Alignment | None = None
    colours: ColourFit | None = None


def inside_frame(box: CropBox, width: int, height: int) -> CropBox:
    """The part of the box that lies inside a frame of this size."""
    return max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)


def keep_range(resampled: Tensor, source: Tensor) -> Tensor:
    """Clamps what resampling overshot to 0..1, or to the source's own range where that is wider (HDR)."""
    low = source.float().amin(dim=(1, 2, 3)).clamp(max=0).view(-1, 1, 1, 1)
    high = source.float().amax(dim=(1, 2, 3)).clamp(min=1).view(-1, 1, 1, 1)
    return resampled.clamp(low, high)


@dataclass(frozen=True)
class Region:
    """One crop: of which picture of the result, its original ``[H,W,C]``, mask ``[H,W]``, box and pixels ``[1,h,w,C]``.

    joined: x0 y0 x1 y1 in px of the picture, where its mask is above 0; None where it is nowhere.
    """

    picture: int
    original: Tensor
    mask: Tensor
    box: CropBox
    inside: CropBox
    joined: CropBox | None
    crop: Tensor


@dataclass(frozen=True)
class Joined:
    """A region joined to the picture: where, its pixels ``[h,w,C]`` float32, and how far they are new ``[h,w]``."""

    box: CropBox
    pixels: Tensor
    share: Tensor


def overlapping(regions: Sequence[Region]) -> list[list[int]]:
    """The numbers of the regions that are joined somewhere, in groups whose joined boxes hang together."""
    groups: list[list[int]] = []
    for index, region in enumerate(regions):
        if region.joined is None:
            continue
        apart = [group for group in groups if not any(_overlap(region, regions[other]) for other in group)]
        near = [other for group in groups if group not in apart for other in group]
        groups = [*apart, [*near, index]]
    return groups


def _overlap(first: Region, second: Region) -> bool:
    if first.picture != second.picture or first.joined is None or second.joined is None:
        return False
    (a0, b0, a1, b1), (c0, d0, c1, d1) = first.joined, second.joined
    return a0 < c1 and c0 < a1 and b0 < d1 and d0 < b1


def join_region(region: Region, base: Tensor, joining: Joining) -> tuple[Joined, Found]:
    """The region joined to the picture ``[H,W,C]`` alone, cut to where its mask is above 0, and what was found of it.

    Its place is found first, then its colours, both against the region's own original; then it is joined.
    """
    assert region.joined is not None
    share = _closed(region, joining.seam)
    needed = _needed(region, share, joining)
    alignment = _align(region, joining)
    move = alignment.move if alignment and alignment.applies else Move()
    channels = min(base.shape[-1], region.crop.shape[-1])
    new = _restore(region, needed, move)[..., :channels]
    x0, y0, x1, y1 = needed
    fit = None
    if joining.match_colours != "none":
        old, mask = region.original[None, y0:y1, x0:x1, :channels], region.mask[None, y0:y1, x0:x1]
        (fit,) = fit_colours(new, old, mask, method=joining.match_colours, space=joining.match_space, ring_px=RING_PX)
        new = apply_fits(new, (fit,), out=new)
    left, top = x0 - region.inside[0], y0 - region.inside[1]
    share = share[top : top + y1 - y0, left : left + x1 - x0]
    old = base[None, y0:y1, x0:x1, :channels].float()
    pixels = join_images(old, new, share[None], seam=joining.seam, width_px=joining.width_px)[0]
    a0, b0, a1, b1 = region.joined
    cut = slice(b0 - y0, b1 - y0), slice(a0 - x0, a1 - x0)
    return Joined(region.joined, pixels[cut], share[cut]), Found(alignment, fit)


def _closed(region: Region, seam: str) -> Tensor:
    """The region's mask inside the crop ``[h,w]``; for seams that hold on to the base 0 on the crop's outermost pixels.

    Not on those at the frame, beyond which there is no base.
    """
    x0, y0, x1, y1 = region.inside
    share = region.mask[y0:y1, x0:x1]
    if seam == "linear":
        return share
    height, width = region.mask.shape
    left, top, right, bottom = int(x0 > 0), int(y0 > 0), int(x1 < width), int(y1 < height)
    inner = share[top : share.shape[0] - bottom, left : share.shape[1] - right]
    return functional.pad(inner, (left, right, top, bottom))


def _needed(region: Region, share: Tensor, joining: Joining) -> CropBox:
    """What of the picture has to be looked at: where the region is joined, and what seam and colours want around it."""
    assert region.joined is not None
    x0, y0, x1, y1 = region.inside
    boxes = [region.joined]
    seam = seam_box(share, seam=joining.seam, width_px=joining.width_px)
    if seam:
        boxes.append((x0 + seam[0], y0 + seam[1], x0 + seam[2], y0 + seam[3]))
    if joining.match_colours != "none":
        ring = RING_PX + CELL_PX
        a0, b0, a1, b1 = region.joined
        boxes.append((max(a0 - ring, x0), max(b0 - ring, y0), min(a1 + ring, x1), min(b1 + ring, y1)))
    return box_around(boxes)


def _align(region: Region, joining: Joining) -> Alignment | None:
    if joining.align == "off":
        return None
    x0, y0, x1, y1 = region.inside
    around = (x0 - region.box[0], region.box[2] - x1, y0 - region.box[1], region.box[3] - y1)
    original, mask = region.original[None, y0:y1, x0:x1], region.mask[None, y0:y1, x0:x1]
    if any(around):
        original = functional.pad(original.permute(0, 3, 1, 2), around, mode="replicate").permute(0, 2, 3, 1)
        mask = functional.pad(mask, around, value=1.0)
    return find_alignment(region.crop, original, mask, zoom=joining.align == "shift and zoom")


def _restore(region: Region, needed: CropBox, move: Move) -> Tensor:
    """What is needed of one repainted crop at the picture's scale, moved back, ``[1,h,w,C]`` float32."""
    planes = _repeat_border(region, move)
    box = region.box
    restored = restore_planes(
        planes,
        box[3] - box[1],
        box[2] - box[0],
        rows=slice(needed[1] - box[1], needed[3] - box[1]),
        columns=slice(needed[0] - box[0], needed[2] - box[0]),
        shift=(move.x, move.y),
        zoom=move.zoom,
    )
    return keep_range(restored, planes).permute(0, 2, 3, 1)


def _repeat_border(region: Region, move: Move) -> Tensor:
    """The crop ``[1,C,h,w]``, in whose part beyond the frame the border pixels go on: no padding bleeds into it."""
    planes, box, inside = region.crop.permute(0, 3, 1, 2), region.box, region.inside
    for axis, side, shift in ((0, planes.shape[-1], move.x), (1, planes.shape[-2], move.y)):
        start, length = box[axis], box[axis + 2] - box[axis]
        if (start, start + length) == (inside[axis], inside[axis + 2]):
            continue
        edges = [
            side / 2 + move.zoom * ((inside[end] - start) * side / length - side / 2) + shift
            for end in (axis, axis + 2)
        ]
        first, end = (math.ceil(edge - 0.5) for edge in edges)  # by the pixels' centres
        places = torch.arange(side, device=planes.device).clamp(first, max(first, end - 1)).clamp(0, side - 1)
        planes = planes.index_select(3 - axis, places)
    return planes


def put_joined(joined: Sequence[Joined], result: Tensor, changed: Tensor) -> None:
    """Writes regions that overlap, or a single one, into the picture ``[H,W,C]`` and its mask of changes ``[H,W]``."""
    lefts, tops, rights, bottoms = zip(*(part.box for part in joined), strict=True)
    x0, y0, x1, y1 = min(lefts), min(tops), max(rights), max(bottoms)
    place = result[y0:y1, x0:x1, : joined[0].pixels.shape[-1]]
    if len(joined) == 1:
        pixels, largest = joined[0].pixels, joined[0].share.float()
    else:
        pixels, largest = _accumulate(joined, place.float(), (x0, y0))
    pixels = pixels.to(result.dtype)
    differs = (pixels != place).any(-1)
    covered = changed[y0:y1, x0:x1]
    covered.copy_(torch.where(largest > 0, largest.clamp(0, 1) * differs, covered))
    place.copy_(pixels)


def _accumulate(joined: Sequence[Joined], old: Tensor, origin: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The picture's part ``[h,w,C]`` with all that the regions change in it, and the largest of their masks."""
    total, (sums, counts, largest) = torch.zeros_like(old), old.new_zeros((3, *old.shape[:2]))
    for part in joined:
        rows = slice(part.box[1] - origin[1], part.box[3] - origin[1])
        columns = slice(part.box[0] - origin[0], part.box[2] - origin[0])
        share = part.share.float().clamp(0, 1)
        covered = share > 0
        total[rows, columns] += torch.where(covered.unsqueeze(-1), part.pixels, 0)
        sums[rows, columns] += share
        counts[rows, columns] += covered
        torch.maximum(largest[rows, columns], share, out=largest[rows, columns])
    counts = counts.unsqueeze(-1)
    several = old + (total - counts * old) / sums.clamp_min(1).unsqueeze(-1)
    return torch.where(counts > 1, several, torch.where(counts == 1, total, old)), largest

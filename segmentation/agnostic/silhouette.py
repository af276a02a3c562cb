"""The outline of a new garment's area: as tight as it is known, rounded, its hull, or a box."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ...kernels import support_box
from ...tensors import NOTHING
from ..shape import GROW_LIMIT_PX, grow_mask, grow_region
from .cuts import BOX, HULL, TIGHT
from .hull import cover_hull, outer_corners

# In heads: bays narrower than twice the first are filled, threads between them narrower than twice the second go again.
CLOSING, OPENING = 0.35, 0.15
# What protected things leave of the area's room goes where it is narrower than twice this, in heads.
THREADS = 0.1
# A hull reaches no farther than this from what it holds, in heads: spread arms do not claim all that is under them.
HULL_REACH = 1.0
HALF = 0.5


def shape_area(area: Tensor, silhouette: str, head_px: float, grow_px: float = 0.0) -> Tensor:
    """What of the area ``[h,w]`` is at least one half, in the outline asked for, grown by `grow_px`; float32.

    smooth: closed, then opened, by exact distances. hull: the convex hull as far as it lies within a head of the area.
    box: the box around the grown hull. head_px: what a head measures, the unit of roundness. Only a grown outline has a
    soft rim.
    """
    inside = area >= HALF
    shaped = inside
    if silhouette != TIGHT:
        closed = ~grow_region(~grow_region(inside, CLOSING * head_px), CLOSING * head_px)
        shaped = inside | _open(closed, OPENING * head_px)
    soft = _with_rim(shaped, area)
    if silhouette in (HULL, BOX):
        whole = cover_hull(outer_corners(inside), area) * grow_region(inside, HULL_REACH * head_px)
        shaped, soft = shaped | (whole >= HALF), torch.maximum(soft, whole)
    hard = shaped.float()
    grown = torch.maximum(hard, grow(soft, grow_px)) if grow_px > 0 else hard
    return torch.maximum(grown, _box(grown)) if silhouette == BOX else grown


def drop_threads(area: Tensor, head_px: float) -> Tensor:
    """What of the area ``[h,w]`` is at least one half and no thread, with a pixel around it for its soft edge."""
    return grow(_open(area >= HALF, THREADS * head_px).float(), 1.0)


def _open(region: Tensor, radius_px: float) -> Tensor:
    return grow_region(~grow_region(~region, radius_px), radius_px)


def _with_rim(shaped: Tensor, area: Tensor) -> Tensor:
    """The shape with the soft values of the area where both end: a slanting edge that is hard grows in steps."""
    ends = shaped & _around(~shaped) & (area >= HALF)
    starts = ~shaped & _around(area >= HALF)
    return torch.where(ends | starts, area, shaped.float())


def _around(region: Tensor) -> Tensor:
    """The region ``[h,w]`` and the pixels that touch it."""
    return functional.max_pool2d(region.float()[None, None], 3, 1, 1)[0, 0] > 0


def grow(area: Tensor, radius_px: float) -> Tensor:
    """The area ``[h,w]`` grown by a disk; fast where it is hard."""
    return grow_mask(area.unsqueeze(0), min(radius_px, float(GROW_LIMIT_PX)))[0]


def _box(area: Tensor) -> Tensor:
    box = support_box(area > NOTHING)
    whole = torch.zeros_like(area)
    if box is not None:
        whole[box[1] : box[3], box[0] : box[2]] = 1.0
    return whole

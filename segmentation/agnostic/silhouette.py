"""The outline of a new garment's area: as tight as it is known, rounded, its hull, or a box."""

from __future__ import annotations

import torch
from torch import Tensor

from ...kernels import support_box
from ...tensors import NOTHING
from ..shape import GROW_LIMIT_PX, grow_mask, grow_region
from .cuts import BOX, HULL, TIGHT
from .hull import cover_hull, outer_corners

# In heads: bays narrower than twice the first are filled, threads between them narrower than twice the second go again.
CLOSING, OPENING = 0.35, 0.15
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
        shaped = inside | grow_region(~grow_region(~closed, OPENING * head_px), OPENING * head_px)
    if silhouette in (HULL, BOX):
        whole = cover_hull(outer_corners(inside), area) >= HALF
        shaped = shaped | (whole & grow_region(inside, HULL_REACH * head_px))
    grown = grow(shaped.float(), grow_px)
    return torch.maximum(grown, _box(grown)) if silhouette == BOX else grown


def grow(area: Tensor, radius_px: float) -> Tensor:
    """The area ``[h,w]`` grown by a disk; fast where it is hard."""
    return grow_mask(area.unsqueeze(0), min(radius_px, float(GROW_LIMIT_PX)))[0]


def _box(area: Tensor) -> Tensor:
    box = support_box(area > NOTHING)
    whole = torch.zeros_like(area)
    if box is not None:
        whole[box[1] : box[3], box[0] : box[2]] = 1.0
    return whole

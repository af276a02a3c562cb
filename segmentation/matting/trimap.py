"""Trimaps: what of a mask is surely garment, what surely is not, and the band between that is to be found out."""

from __future__ import annotations

import torch
from torch import Tensor

from ...kernels import remove_small_regions
from ...tensors import as_finite_mask, check_range
from ..shape import GROW_LIMIT_PX, grow_region

# Values of a mask between these two are unsure of themselves.
SURELY_NOT, SURELY = 0.05, 0.95
UNKNOWN = 0.5
# The least half width of a band that is told from the mask: this share of the picture's short side, at least 2 px.
LEAST_SHARE, LEAST_PX = 1 / 256, 2.0


def make_trimap(mask: Tensor, *, inside_px: float = 0.0, outside_px: float = 0.0) -> Tensor:
    """The trimap ``[B,H,W]`` of a soft mask, in its dtype: 1 surely garment, 0 surely not, 0.5 unknown.

    Unknown is what lies between 0.05 and 0.95 and what lies within `inside_px` (into the garment) or `outside_px` (out
    of it) of that or of a hard edge, as the crow flies. 0 takes the width from the mask: half of what its soft edge is
    wide there, at least 1/256 of the picture's short side and 2 px. Parts too narrow for the width keep their middle,
    so that a strap stays surely garment and a slit surely none. Raises `RangeError` beyond 512 px.
    """
    mask = as_finite_mask(mask)
    check_range("inside_px", inside_px, 0, GROW_LIMIT_PX)
    check_range("outside_px", outside_px, 0, GROW_LIMIT_PX)
    return torch.stack([_trimap(plane.float(), inside_px, outside_px) for plane in mask]).to(mask.dtype)


def read_trimap(trimap: Tensor) -> tuple[Tensor, Tensor]:
    """What a trimap, drawn by hand perhaps, says is surely garment and surely not: bool, of its shape."""
    return trimap >= SURELY, trimap <= SURELY_NOT


def _trimap(plane: Tensor, inside_px: float, outside_px: float) -> Tensor:
    front, back = read_trimap(plane)
    if not (bool((~back).any()) and bool((~front).any())):
        return front.float()
    result = torch.full_like(plane, UNKNOWN)
    result[_sure_part(front, plane, inside_px)] = 1
    result[_sure_part(back, 1 - plane, outside_px)] = 0
    return result


def _sure_part(region: Tensor, values: Tensor, width_px: float) -> Tensor:
    """The part of `region` ``[H,W]`` that lies farther than the width from all else, and the middle of narrow parts."""
    if width_px:
        near, farthest = grow_region(~region, width_px), width_px
    else:
        near, farthest = _near_soft(region, values)
    sure = region & ~near
    # What is narrower than twice the width has nothing left: it is given ever narrower bands, down to none; not the
    # notches of a ragged edge, which are smaller than the width's square.
    radius = farthest
    lost = (region & ~grow_region(sure, farthest + 1)).unsqueeze(0)
    lost = remove_small_regions(lost, lost.float(), farthest * farthest)[0]
    while radius >= 1 and bool(lost.any()):
        radius /= 2
        sure |= lost & ~grow_region(~region, radius) if radius >= 1 else lost
        lost &= ~grow_region(sure, radius + 1)
    return sure


def _near_soft(region: Tensor, values: Tensor) -> tuple[Tensor, float]:
    """What of the plane lies too near to what is not `region`, each soft edge reaching half as far as it is wide.

    Widths double from step to step: a disk of that radius fits where the edge is so wide (its opening).
    """
    radius = max(LEAST_PX, LEAST_SHARE * min(region.shape))
    near = grow_region(~region, radius)
    soft = ~region & (values > SURELY_NOT)
    farthest, wide = radius, _shrink(soft, radius)
    while bool(wide.any()) and 2 * radius <= GROW_LIMIT_PX:
        # Grown by its own radius the shrunk part is the wide one again, and by once more it reaches beyond its edge.
        near |= grow_region(wide, 2 * radius)
        farthest, radius = radius, 2 * radius
        wide = _shrink(soft, radius)
    return near, farthest


def _shrink(region: Tensor, radius: float) -> Tensor:
    return ~grow_region(~region, radius)

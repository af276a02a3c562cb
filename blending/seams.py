"""A layer joined to a base along a mask so that no seam shows: linear, multi-band or Poisson."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import box_mean, expand_planes, reduce_planes, support_box
from ..tensors import ShapeError, as_image, check_name, check_range, match_batch, match_mask
from .poisson import spread_from_rim

# Without a width given, colours blend over the mask's own feather, and over at least so many pixels: the wider the
# band, the more of a new garment's colour is lost where the garment comes near the mask's edge.
LEAST_WIDTH_PX = 16
WIDEST_PX = 1024
# Under a hard mask the band of cells 2^k px wide is whole about six cells inside the mask's edge.
CELLS_PER_WIDTH = 6
# A band that is taken less than so far even in the middle of the mask is left to the next finer one.
WHOLE = 0.99


def join_images(
    base: Tensor, layer: Tensor, mask: Tensor, *, seam: str = "linear", width_px: float | None = None
) -> Tensor:
    """`layer` inside the mask, `base` outside, with the base's channels, dtype and device; mask 0 is base bit for bit.

    base, layer: ``[B,H,W,3|4]``, of one size; batches 1 and N go together. Channels that both have are joined; HDR
    values pass. mask: ``[B,H,W]``, 0..1. Only the mask's box is worked on. seam:

    - "linear": the mask says how much of the layer each pixel takes.
    - "multi-band": fine detail changes over within a few pixels of the line where the mask is half its largest value,
      coarser structure over ever wider bands, up to `width_px` (by default the mask's feather, at least
      `LEAST_WIDTH_PX`; less where the mask is too thin for it). No band leaves the part where the mask is above 0, so
      a hard mask's bands lie inside its edge. The mask's largest value is the opacity. Burt & Adelson, "A
      Multiresolution Spline With Application to Image Mosaics" (1983).
    - "poisson": the layer's own contrasts, put on the base's colours along the rim of the part where the mask is above
      0; the mask then says how much of that each pixel takes. At the frame nothing pulls. A mask without a rim gives
      the layer as it is. Perez, Gangnet, Blake, "Poisson Image Editing" (2003), equation 7, with gradients of the
      layer; solved as `spread_from_rim` says.

    The last two look at the layer a little outside the mask too, mix colours premultiplied where there is alpha, count
    a difference that is not finite as none, and clamp to 0..1, or to the pictures' own range where that is wider (HDR).

    Raises `ShapeError` for different sizes, `UnknownName` for the seam, `RangeError` for the width.
    """
    base, layer = as_image(base, "base"), as_image(layer, "layer").to(base.device)
    check_name("Seam", seam, SEAMS)
    if width_px is not None:
        check_range("width_px", width_px, 0, WIDEST_PX)
    if layer.shape[1:3] != base.shape[1:3]:
        raise ShapeError(
            f"layer is {layer.shape[2]}x{layer.shape[1]} but base is {base.shape[2]}x{base.shape[1]}; scale the layer "
            "to the base's size."
        )
    base, layer, mask = match_batch((base, layer, match_mask(mask, base)), ("base", "layer", "mask"))
    result = base.clone()
    channels = slice(min(base.shape[-1], layer.shape[-1]))
    for index, plane in enumerate(mask):  # each picture has a box of its own
        found = _find_seam(plane, seam, width_px)
        if found is None:
            continue
        rows, columns, levels = found
        old, new = (image[index, rows, columns, channels].float() for image in (base, layer))
        share = plane[rows, columns].float().clamp(0, 1)
        joined = _join(old, new, share, seam, levels)
        result[index, rows, columns, channels] = torch.where(share.unsqueeze(-1) > 0, joined, old, out=joined)
    return result


def seam_box(mask: Tensor, *, seam: str = "linear", width_px: float | None = None) -> tuple[int, int, int, int] | None:
    """x0 y0 x1 y1 of all that `join_images` looks at under a mask ``[H,W]``; None where nothing is to be joined.

    Cut to it, pictures and mask are joined bit for bit as the whole ones are.
    """
    found = _find_seam(mask, seam, width_px)
    if found is None:
        return None
    rows, columns, _ = found
    return columns.start, rows.start, columns.stop, rows.stop


def _find_seam(mask: Tensor, seam: str, width_px: float | None) -> tuple[slice, slice, int] | None:
    """The rows and columns that are looked at under a mask ``[H,W]``, and how many levels their pyramid has."""
    found = support_box(mask > 0)
    if found is None:
        return None
    x0, y0, x1, y1 = found
    levels = _count_levels(mask[y0:y1, x0:x1].float(), width_px) if seam == "multi-band" else 0
    return _widen(y0, y1, levels, mask.shape[0]), _widen(x0, x1, levels, mask.shape[1]), levels


def _widen(start: int, end: int, levels: int, size: int) -> slice:
    """The range with what its pyramid looks at around it, starting on a cell of the coarsest level."""
    cell = 2**levels
    return slice(max(start - 2 * cell, 0) // cell * cell, min(end + 2 * cell, size))


def _join(old: Tensor, new: Tensor, share: Tensor, seam: str, levels: int) -> Tensor:
    """The joined part ``[h,w,C]`` of one picture; pixels with share 0 hold anything."""
    if seam == "linear":
        return SEAMS[seam](old, new, share, levels)
    ranges = [_finite(image).aminmax() for image in (old, new)]
    low, high = (min(0.0, *(float(r.min) for r in ranges)), max(1.0, *(float(r.max) for r in ranges)))
    return SEAMS[seam](old, new, share, levels).clamp(low, high)


def _join_linear(old: Tensor, new: Tensor, share: Tensor, levels: int = 0) -> Tensor:
    return (new - old).mul_(share.unsqueeze(-1)).add_(old)


def _join_poisson(old: Tensor, new: Tensor, share: Tensor, levels: int) -> Tensor:
    """The layer with a smooth sheet of colour added; alpha, which a sheet would take away, is only mixed."""
    rim = old - new
    if _see_through(old, new):
        rim = rim * (old[..., 3:] * new[..., 3:])
    sheet = spread_from_rim(share > 0, _finite(rim[..., :3].permute(2, 0, 1))).permute(1, 2, 0)
    shifted = torch.cat([new[..., :3] + sheet, new[..., 3:]], dim=-1)
    return _premultiplied(_join_linear, old, shifted, share)


def _premultiplied(
    join: Callable[[Tensor, Tensor, Tensor, int], Tensor], old: Tensor, new: Tensor, share: Tensor, levels: int = 0
) -> Tensor:
    """What `join` makes of the pictures times their alpha, with straight alpha again."""
    if not _see_through(old, new):
        return join(old, new, share, levels)
    old, layer = (torch.cat([image[..., :3] * image[..., 3:], image[..., 3:]], dim=-1) for image in (old, new))
    joined = join(old, layer, share, levels)
    alpha = joined[..., 3:].clamp(0, 1)
    return torch.cat([torch.where(alpha > 0, joined[..., :3] / alpha, new[..., :3]), alpha], dim=-1)


def _see_through(old: Tensor, new: Tensor) -> bool:
    return old.shape[-1] == 4 and bool(((old[..., 3] < 1) | (new[..., 3] < 1)).any())


def _join_multi_band(old: Tensor, new: Tensor, share: Tensor, levels: int) -> Tensor:
    return _premultiplied(_join_bands, old, new, share, levels)


def _join_bands(old: Tensor, new: Tensor, share: Tensor, levels: int) -> Tensor:
    """The bands of the difference, each under a weight of its own scale; what is left of it under the coarsest."""
    finer = _finite((new - old).permute(2, 0, 1).unsqueeze(0)).contiguous()
    opacity = share.amax()
    support = (share > 0).float()[None, None]
    half = box_mean((share >= opacity / 2).float()[None, None], 1)
    weight = half * support
    bands: list[Tensor] = []
    for _ in range(levels):
        support, half = _erode(support), reduce_planes(half)
        next_weight = half * box_mean(-functional.max_pool2d(-support, 3, stride=1, padding=1), 1)
        if float(next_weight.amax()) < WHOLE:
            break
        coarser = reduce_planes(finer)
        bands.append((finer - expand_planes(coarser, *_size(finer))).mul_(weight))
        finer, weight = coarser, next_weight
    if not bands:
        return _join_linear(old, new, share, levels)
    total = finer * weight
    for band in reversed(bands):
        total = expand_planes(total, *_size(band)).add_(band)
    return old + opacity * total[0].permute(1, 2, 0)


def _erode(support: Tensor) -> Tensor:
    """The next coarser level of the support: the cells that reach no pixel outside it when they are expanded."""
    across = functional.max_pool2d(-support, (1, 5), stride=(1, 2), padding=(0, 2))
    return -functional.max_pool2d(across, (5, 1), stride=(2, 1), padding=(2, 0))


def _count_levels(share: Tensor, width_px: float | None) -> int:
    """How often the pyramid is halved so that its coarsest band changes over within `width_px`."""
    if width_px is None:
        width_px = min(max(LEAST_WIDTH_PX, _feather_px(share)), WIDEST_PX)
    return int(math.log2(max(width_px / CELLS_PER_WIDTH, 1)))


def _feather_px(share: Tensor) -> float:
    """The mean width of the mask's soft rim: its area over its length, which is the mask's total variation."""
    top = share.amax()
    down = functional.pad(share[1:] - share[:-1], (0, 0, 0, 1))
    across = functional.pad(share[:, 1:] - share[:, :-1], (0, 1))
    length = torch.hypot(down, across).sum() / top
    return float(((share > 0) & (share < top)).sum() / length.clamp_min(1))


def _finite(planes: Tensor) -> Tensor:
    return planes.nan_to_num(0.0, 0.0, 0.0)


def _size(planes: Tensor) -> tuple[int, int]:
    return planes.shape[-2], planes.shape[-1]


SEAMS: dict[str, Callable[[Tensor, Tensor, Tensor, int], Tensor]] = {
    "linear": _join_linear,
    "multi-band": _join_multi_band,
    "poisson": _join_poisson,
}
"""Name -> (base, layer, share of the mask, levels) -> the joined part."""

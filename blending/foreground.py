"""The colours of a cut-out without what shines through from behind it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import box_mean, support_box
from ..tensors import as_image, check_range, match_batch, match_mask

# Half the windows of the paper's two passes (90 and 6 px), made for pictures of about a megapixel.
RADIUS_PX, FINE_RADIUS_PX = 45, 3
LARGEST_RADIUS_PX = 512
# Windows of more cells than this to a side are averaged on a grid of cells of several pixels.
CELLS_PER_RADIUS = 6
# Less mask than this within a window says nothing about a colour.
LEAST_SHARE = 1e-4


class Layers(NamedTuple):
    """Straight colours ``[B,H,W,3]`` of what the mask covers and of what lies behind."""

    foreground: Tensor
    background: Tensor


def estimate_foreground(image: Tensor, mask: Tensor, *, radius_px: int = RADIUS_PX) -> Tensor:
    """The straight colours ``[B,H,W,3]`` of what the mask covers, in the image's dtype, with the mask as their alpha.

    image: ``[B,H,W,3|4]``, of which alpha is not looked at. mask: ``[B,H,W]``; batches 1 and N go together. Where the
    mask is 1 the image stays bit for bit; where it is between, the background's share is taken out of the colour; where
    it is 0 the nearest colours go on outwards, as far as `radius_px` sees any, so that nothing behind comes back in
    when the cut-out is scaled or blurred. Colours stay in 0..1, or in the image's own range where that is wider (HDR).

    radius_px: how far clean colours are looked for, 1..`LARGEST_RADIUS_PX`; wider than the widest soft rim.

    Two-pass blur-fusion: Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021, equations 4 to 7.
    Raises `ShapeError` for different sizes, `RangeError` for the radius.
    """
    return estimate_layers(image, mask, radius_px=radius_px).foreground


def estimate_layers(image: Tensor, mask: Tensor, *, radius_px: int = RADIUS_PX) -> Layers:
    """Foreground as `estimate_foreground` gives it, and background colours, the same with the mask inverted."""
    image = as_image(image)
    check_range("radius_px", radius_px, 1, LARGEST_RADIUS_PX)
    mask, image = match_batch((match_mask(mask, image), image[..., :3]), ("mask", "image"))
    foreground, background = image.clone(), image.clone()
    for index in range(len(image)):  # each picture has a box of its own
        alpha = mask[index].float().clamp(0, 1)
        box = support_box(_near_both(alpha, radius_px))
        if box is None:
            continue
        part = (index, slice(box[1], box[3]), slice(box[0], box[2]))
        colours = image[part].float()
        front, behind = _blur_fusion(colours, alpha[part[1:]], radius_px)
        share = alpha[part[1:]].unsqueeze(-1)
        foreground[part] = torch.where(share < 1, front.to(image.dtype), image[part])
        background[part] = torch.where(share > 0, behind.to(image.dtype), image[part])
    return Layers(foreground, background)


def _near_both(alpha: Tensor, radius: int) -> Tensor:
    """Where a window of `radius` may see the mask and what lies outside it, ``[H,W]``; rounded up to whole cells."""
    cell = max(1, radius // CELLS_PER_RADIUS)
    planes = torch.stack([alpha, 1 - alpha]).unsqueeze(0)
    cells = functional.max_pool2d(planes, cell, ceil_mode=True)
    reach = radius // cell + 1
    across = functional.max_pool2d(cells, (1, 2 * reach + 1), stride=1, padding=(0, reach))
    seen = functional.max_pool2d(across, (2 * reach + 1, 1), stride=1, padding=(reach, 0)).amin(1)[0] > 0
    height, width = alpha.shape
    return seen.repeat_interleave(cell, 0)[:height].repeat_interleave(cell, 1)[:, :width]


def _blur_fusion(colours: Tensor, alpha: Tensor, radius_px: int) -> tuple[Tensor, Tensor]:
    """Foreground and background ``[h,w,3]`` of one part of a picture."""
    image, share = colours.permute(2, 0, 1).unsqueeze(0).contiguous(), alpha[None, None]
    low, high = image.amin().clamp(max=0), image.amax().clamp(min=1)
    front = behind = image
    for radius in dict.fromkeys((radius_px, min(FINE_RADIUS_PX, radius_px))):
        front_mean, behind_mean = _mean_within(front, share, radius), _mean_within(behind, 1 - share, radius)
        rest = image - share * front_mean - (1 - share) * behind_mean
        front = (front_mean + share * rest).clamp(low, high)
        behind = (behind_mean + (1 - share) * rest).clamp(low, high)
    return front[0].permute(1, 2, 0), behind[0].permute(1, 2, 0)


def _mean_within(planes: Tensor, weight: Tensor, radius: int) -> Tensor:
    """The weighted mean over the square of `radius`; where the square holds no weight, the planes themselves."""
    sums = _box(torch.cat([planes * weight, weight], dim=1), radius)
    total = sums[:, 3:]
    return torch.where(total > LEAST_SHARE, sums[:, :3] / total.clamp_min(LEAST_SHARE), planes)


def _box(planes: Tensor, radius: int) -> Tensor:
    cell = radius // CELLS_PER_RADIUS
    if cell < 2:
        return box_mean(planes, radius)
    height, width = planes.shape[-2:]
    cells = functional.avg_pool2d(planes, cell, ceil_mode=True, count_include_pad=False)
    means = box_mean(cells, round((2 * radius + 1) / cell - 1) // 2)
    wide = functional.interpolate(means, scale_factor=float(cell), mode="bilinear", align_corners=False)
    return wide[..., :height, :width]

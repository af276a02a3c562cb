"""Masks made to follow the picture: holes and islands by area, edges by the guided filter."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import box_mean, remove_small_regions
from ..tensors import as_image, as_mask, check_range, match_batch, match_mask

# Below this a soft value counts as nothing and above 1 - it as full, where regions are told apart.
HAZE = 0.05
# The edge filter runs on a picture reduced by this much once the window allows.
MAX_SUBSAMPLE = 4
MIN_COARSE_RADIUS_PX = 3
# A window whose mean is nearer to 0 or 1 than this holds no edge; float32 box means err by about 1e-6.
STEP = 1e-5


def clean_mask(mask: Tensor, *, islands_px: float = 0.0, holes_px: float = 0.0) -> Tensor:
    """The mask ``[B,H,W]``, in its dtype, without islands smaller than `islands_px` and with smaller holes filled.

    The size of an island is the sum of its values, of a hole the sum of what it lacks to 1, so soft regions count for
    what they cover. A hole that is open to the frame is no hole. Values elsewhere stay bit for bit; 0 leaves all as is.
    """
    mask = as_mask(mask)
    check_range("islands_px", islands_px, 0, float("inf"))
    check_range("holes_px", holes_px, 0, float("inf"))
    if islands_px > 0:
        support = mask > HAZE
        kept = remove_small_regions(support, mask.float(), islands_px)
        mask = mask.masked_fill(support & ~kept, 0)
    if holes_px > 0:
        gaps = mask < 1 - HAZE
        open_gaps = remove_small_regions(gaps, 1 - mask.float(), holes_px, keep_at_frame=True)
        mask = mask.masked_fill(gaps & ~open_gaps, 1)
    return mask


def refine_edges(image: Tensor, mask: Tensor, *, radius_px: int = 8, epsilon: float = 1e-4) -> Tensor:
    """The mask ``[B,H,W]``, in its dtype, with its edge laid on the picture's nearest edge; 0 and 1 stay inside.

    image: ``[B,H,W,C]``, mask of the same size; batches 1 and N go together. radius_px: how far from the mask's edge
    the picture's edge is looked for; 0 leaves all as is. epsilon: see `guided_filter`. Only pixels within `radius_px`
    of a value that is neither 0 nor 1, or of a step, can change.
    """
    image = as_image(image)
    mask, image = match_batch((match_mask(mask, image), image), ("mask", "image"))
    check_range("radius_px", radius_px, 0, 1024)
    if radius_px == 0:
        return mask
    factor = max(1, min(MAX_SUBSAMPLE, radius_px // MIN_COARSE_RADIUS_PX, *(side // 2 for side in mask.shape[1:])))
    refined = guided_filter(image, mask, radius_px=radius_px, epsilon=epsilon, subsample=factor)
    around = box_mean(mask.float().unsqueeze(1), radius_px).squeeze(1)
    undecided = (around > STEP) & (around < 1 - STEP)
    return torch.where(undecided, refined.clamp(0, 1), mask.float()).to(mask.dtype)


def guided_filter(guide: Tensor, mask: Tensor, *, radius_px: int, epsilon: float, subsample: int = 1) -> Tensor:
    """The mask ``[B,H,W]``, float32, redrawn as a local linear function of the guide picture's colours.

    guide: ``[B,H,W,3]``; mask: ``[B,H,W]``, same batch. radius_px: of the window. epsilon: variance (of 0..1 colours)
    below which an edge of the picture is ignored. Not clamped. He, Sun, Tang, "Guided Image Filtering" (2013).
    subsample: the functions are found on a picture reduced by this much (He & Sun, "Fast Guided Filter", 2015).
    """
    colours = guide[..., :3].float().permute(0, 3, 1, 2)
    values = mask.float().unsqueeze(1)
    height, width = mask.shape[1:]
    if subsample == 1:
        found = window_coefficients(colours, values, radius_px, epsilon)
    else:
        size = (math.ceil(height / subsample), math.ceil(width / subsample))
        small = functional.interpolate(colours, size, mode="bilinear", antialias=True)
        value = functional.interpolate(values, size, mode="bilinear", antialias=True)
        found = window_coefficients(small, value, round(radius_px / subsample), epsilon)
    refined = _at_size(found[:, 3:], height, width)
    for channel in range(3):  # one by one: two planes of the full size at a time instead of eight
        refined = refined + _at_size(found[:, channel : channel + 1], height, width) * colours[:, channel : channel + 1]
    return refined.squeeze(1)


def _at_size(planes: Tensor, height: int, width: int) -> Tensor:
    if planes.shape[2:] == (height, width):
        return planes
    return functional.interpolate(planes, (height, width), mode="bilinear")


def window_coefficients(colours: Tensor, values: Tensor, radius_px: int, epsilon: float) -> Tensor:
    """Slopes and offset ``[B,4,H,W]`` of the linear functions that turn colours ``[B,3,H,W]`` into values
    ``[B,1,H,W]``, the mean over all windows that hold a pixel.
    """
    mean_colour = box_mean(colours, radius_px)
    mean_value = box_mean(values, radius_px)
    covariance = box_mean(colours * values, radius_px) - mean_colour * mean_value
    slope = _solve_symmetric(_colour_covariance(colours, mean_colour, radius_px), covariance, epsilon)
    offset = mean_value - (slope * mean_colour).sum(1, keepdim=True)
    return box_mean(torch.cat([slope, offset], dim=1), radius_px)


def _colour_covariance(colours: Tensor, mean: Tensor, radius_px: int) -> tuple[Tensor, ...]:
    """The six different entries rr, rg, rb, gg, gb, bb of each window's colour covariance, each ``[B,H,W]``."""
    red, green, blue = colours.unbind(1)
    products = torch.stack([red * red, red * green, red * blue, green * green, green * blue, blue * blue], dim=1)
    red, green, blue = mean.unbind(1)
    squares = torch.stack([red * red, red * green, red * blue, green * green, green * blue, blue * blue], dim=1)
    return (box_mean(products, radius_px) - squares).unbind(1)


def _solve_symmetric(matrix: tuple[Tensor, ...], right: Tensor, epsilon: float) -> Tensor:
    """Solves (matrix + epsilon I) x = right per pixel; right and x are ``[B,3,H,W]``.

    By LDL^T (Golub & Van Loan, section 4.1.2), which float32 bears where a flat picture leaves little but epsilon.
    """
    rr, rg, rb, gg, gb, bb = matrix
    rr, gg, bb = rr + epsilon, gg + epsilon, bb + epsilon
    lower_gr, lower_br = rg / rr, rb / rr
    pivot_g, rest_gb = gg - lower_gr * rg, gb - lower_br * rg
    lower_bg = rest_gb / pivot_g
    pivot_b = bb - lower_br * rb - lower_bg * rest_gb
    red, green, blue = right.unbind(1)
    green = green - lower_gr * red
    blue = (blue - lower_br * red - lower_bg * green) / pivot_b
    green = green / pivot_g - lower_bg * blue
    red = red / rr - lower_gr * green - lower_br * blue
    return torch.stack((red, green, blue), dim=1)

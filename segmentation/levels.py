"""Values of masks stretched: levels, the normalisation levels of maskilayer, contours smoothed."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..kernels import gaussian_blur
from ..tensors import RangeError, as_mask, check_range

MOST_NORMALISATION = 5.0
SMOOTH_LIMIT_PX = 256
# The cut and the exponent of maskilayer's levels 2 and up (twardoch/maskilayer 1.0.7, `normalize_mask_arr`).
WIDEST_BAND, BAND_DECAY = 0.25, 0.5
STRONGEST_GAMMA, GAMMA_DECAY = 0.75, 2.0


def stretch_levels(mask: Tensor, low: float, high: float) -> Tensor:
    """The mask ``[B,H,W]``, in its dtype, with `low` and less as 0, `high` and more as 1, straight between.

    ``low == high`` cuts the mask there (values from it on are 1). Raises `RangeError` where they are not 0 <= low <=
    high <= 1.
    """
    mask = as_mask(mask)
    check_range("low", low, 0, 1)
    check_range("high", high, 0, 1)
    if low > high:
        raise RangeError(f"low is {low} and high is {high}; give low <= high.")
    if (low, high) == (0, 1):
        return mask
    if low == high:
        return (mask >= low).to(mask.dtype)
    return ((mask.float() - low) / (high - low)).clamp(0, 1).to(mask.dtype)


def normalise_mask(mask: Tensor, level: float) -> Tensor:
    """The mask ``[B,H,W]``, in its dtype, hardened as maskilayer's ``--norm`` does; 0 gives it back unchanged.

    level: up to 1 each picture's least value becomes 0 and its greatest 1; above, values near them become equal to
    them as well (a quarter of the range at each end at 2, 0.44 at 5) and what is left is raised by an exponent below 1,
    which widens the mask. A picture whose values are all alike stays as it is. Raises `RangeError` beyond 0..5.
    """
    mask = as_mask(mask)
    check_range("normalise", level, 0, MOST_NORMALISATION)
    if level == 0:
        return mask
    flat = mask.amin((1, 2), keepdim=True) == mask.amax((1, 2), keepdim=True)
    values = _stretch(mask.float())
    if level > 1:
        cut = 0.5 - WIDEST_BAND * math.exp(-BAND_DECAY * (level - 2))
        exponent = 1 - STRONGEST_GAMMA * (1 - math.exp(-GAMMA_DECAY * (level - 1)))
        values = _stretch(_stretch(values.clamp(cut, 1 - cut)) ** exponent)
    return torch.where(flat, mask, values.to(mask.dtype))


def _stretch(values: Tensor) -> Tensor:
    """Each picture's values over the whole of 0..1; those of a flat one become 0."""
    low, high = values.amin((1, 2), keepdim=True), values.amax((1, 2), keepdim=True)
    return (values - low) / (high - low).clamp_min(torch.finfo(torch.float32).tiny)


def smooth_mask(mask: Tensor, radius_px: float) -> Tensor:
    """The mask ``[B,H,W]``, in its dtype, with a rounder contour; 0 gives it back unchanged.

    Corners, dents and threads narrower than about `radius_px` go; a straight edge stays where it is and becomes one
    pixel wide, however soft it was. A Gaussian of half the radius, made as steep again as an antialiased edge. Raises
    `RangeError` beyond 0..256 px.
    """
    mask = as_mask(mask)
    check_range("smooth", radius_px, 0, SMOOTH_LIMIT_PX)
    if radius_px == 0:
        return mask
    sigma = radius_px / 2
    soft = gaussian_blur(mask.float().unsqueeze(1), sigma).squeeze(1)
    # A step that is blurred has the slope 1 / (sigma sqrt(2 pi)) in its middle.
    steepness = max(1.0, sigma * math.sqrt(2 * math.pi))
    return ((soft - 0.5) * steepness + 0.5).clamp(0, 1).to(mask.dtype)

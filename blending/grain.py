"""Grain: added to a picture, and matched between a repainted part and what lies around it."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import GAUSSIAN_REACH, gaussian_blur
from ..tensors import HemlineError, check_range

AMOUNT_LIMIT, SIZE_LIMIT_PX = 100.0, 64.0
# Standard deviation of the grain of amount 1 in the middle tones, in encoded values: a fast film's.
GRAIN_STRENGTH = 0.05
# What it falls to in black and white, where film has little to show: (4 v (1 - v)) ** EXPONENT of the value v.
GRAIN_EXPONENT = 0.5
# The median of |x| of a standard normal variable.
MEDIAN_DEVIATION = 0.6745
# Fewer pixels than this tell nothing about grain.
FEWEST_PIXELS = 64
# More than this tell no more: the median of so many is sure to half a per cent.
MOST_PIXELS = 2**17
# Difference of two discrete second derivatives: blind to flat and sloping parts, answers white noise of standard
# deviation s with 6 s (J. Immerkaer, "Fast noise variance estimation", 1996).
NOISE_KERNEL = ((1.0, -2.0, 1.0), (-2.0, 4.0, -2.0), (1.0, -2.0, 1.0))
NOISE_GAIN = 6.0


def add_grain(
    image: Tensor, *, amount: float = 1.0, size: float = 0.6, monochrome: bool = True, seed: int = 0
) -> Tensor:
    """The image ``[B,H,W,3|4]`` with film grain; alpha stays, HDR values above 1 get none. Not clamped.

    amount: 1 is a standard deviation of 0.05 in the middle tones. size: sigma of a grain in px; 0 = single pixels.
    monochrome: the same on all channels. The same seed gives the same grain; each picture of a batch gets its own.
    Raises `RangeError`.
    """
    check_range("amount", amount, 0, AMOUNT_LIMIT)
    colours = image[..., :3]
    visible = (4 * colours * (1 - colours)).clamp(min=0) ** GRAIN_EXPONENT
    noise = _noise(colours, size, monochrome, seed)
    return torch.cat((colours + GRAIN_STRENGTH * amount * visible * noise, image[..., 3:]), -1)


def match_grain(image: Tensor, mask: Tensor | None, *, amount: float = 1.0, size: float = 0.0, seed: int = 0) -> Tensor:
    """The image with so much grain added where the mask is 1 as that part lacks, channel by channel.

    Grain is what a fine second derivative sees (`estimate_grain`), so fine texture outside the mask counts as grain,
    and soft grain (of an enlarged or strongly compressed picture) is underestimated: raise `amount` and `size` then.
    Nothing is added where the masked part has more. Raises `HemlineError` without a mask.
    """
    if mask is None:
        raise HemlineError("match grain compares inside and outside of a mask, and none is connected; connect one.")
    check_range("amount", amount, 0, AMOUNT_LIMIT)
    colours = image[..., :3]
    missing = estimate_grain(colours, mask < 0.5).square() - estimate_grain(colours, mask >= 0.5).square()
    strength = amount * missing.clamp(min=0).sqrt()
    grainy = colours + strength[:, None, None] * _noise(colours, size, False, seed)
    return torch.cat((grainy, image[..., 3:]), -1)


def estimate_grain(colours: Tensor, where: Tensor) -> Tensor:
    """Standard deviation ``[B,3]`` of the white noise in the pixels ``[B,H,W,3]`` that `where` marks.

    where: ``[B,H,W]``, bool. Median of the absolute response, which edges and texture hardly move while they are the
    smaller part. Pixels whose neighbours are not all marked do not count; where fewer than 64 do, it is 0.
    """
    kernel = torch.tensor(NOISE_KERNEL, device=colours.device).view(1, 1, 3, 3)
    found = colours.new_zeros(colours.shape[0], 3)
    if min(colours.shape[1:3]) < 3:
        return found
    whole = -functional.max_pool2d((~where).float().unsqueeze(1), 3, stride=1) == 0
    for picture in range(len(colours)):  # medians of differently many pixels each
        planes = colours[picture].permute(2, 0, 1).unsqueeze(1)
        response = functional.conv2d(planes, kernel).squeeze(1)[:, whole[picture, 0]].abs()
        if response.shape[1] >= FEWEST_PIXELS:
            response = response[:, :: math.ceil(response.shape[1] / MOST_PIXELS)]
            found[picture] = response.median(1).values / (MEDIAN_DEVIATION * NOISE_GAIN)
    return found


def _noise(like: Tensor, size: float, monochrome: bool, seed: int) -> Tensor:
    """Noise ``[B,H,W,3|1]`` of standard deviation 1 whose grains have the sigma `size`."""
    check_range("size", size, 0, SIZE_LIMIT_PX)
    check_range("seed", seed, 0, 2**63 - 1)
    source = torch.Generator().manual_seed(seed)  # on the CPU, so that every device gives the same grain
    batch, height, width = like.shape[:3]
    white = torch.randn((batch, 1 if monochrome else 3, height, width), generator=source).to(like.device)
    if size == 0:
        return white.permute(0, 2, 3, 1)
    half = math.ceil(GAUSSIAN_REACH * size) + 1
    impulse = (torch.arange(-half, half + 1) == 0).float().view(1, 1, 1, -1)
    kernel = gaussian_blur(impulse.expand(1, 1, 1, -1), size).flatten()
    # A blur along both axes leaves the sum of the squared kernel, per axis, of white noise's variance.
    return (gaussian_blur(white, size) / kernel.square().sum()).permute(0, 2, 3, 1)

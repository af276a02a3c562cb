"""Colour spaces: sRGB-encoded and linear light."""

from __future__ import annotations

import torch
from torch import Tensor


def srgb_to_linear(image: Tensor) -> Tensor:
    """Linear light from sRGB-encoded values, any shape; values above 1 go on along the curve, negative ones mirrored.

    IEC 61966-2-1:1999, section 5.2.
    """
    magnitude = image.abs()
    curved = ((magnitude + 0.055) / 1.055).clamp(min=0) ** 2.4
    return torch.where(magnitude <= 0.04045, magnitude / 12.92, curved).copysign(image)


def linear_to_srgb(image_linear: Tensor) -> Tensor:
    """sRGB-encoded values from linear light; the inverse of `srgb_to_linear` over all its values."""
    magnitude = image_linear.abs()
    # The clamp keeps the curve's unused branch finite at 0.
    curved = 1.055 * magnitude.clamp(min=1e-8) ** (1 / 2.4) - 0.055
    return torch.where(magnitude <= 0.0031308, magnitude * 12.92, curved).copysign(image_linear)

"""Colour spaces that masks and pictures both work in: sRGB-encoded values, linear light, OKLab."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from .tensors import RangeError

_invert = cast("Callable[[Tensor], Tensor]", torch.linalg.inv)  # torch leaves it untyped

# B. Ottosson, "A perceptual color space for image processing" (2020): linear sRGB -> cone response -> Lab.
OKLAB_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
OKLAB_AXES = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


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


def linear_to_oklab(image_linear: Tensor) -> Tensor:
    """OKLab of linear light ``[...,3]``, float32: lightness 0..1 (above for HDR), a and b around 0."""
    cones = image_linear.float() @ torch.tensor(OKLAB_CONES, device=image_linear.device).T
    return (cones.abs() ** (1 / 3)).copysign(cones) @ torch.tensor(OKLAB_AXES, device=image_linear.device).T


def oklab_to_linear(image_oklab: Tensor) -> Tensor:
    """Linear light ``[...,3]`` of OKLab colours, float32; colours outside the sRGB gamut give values outside 0..1."""
    cones = image_oklab.float() @ _inverse(OKLAB_AXES, image_oklab)
    return cones**3 @ _inverse(OKLAB_CONES, image_oklab)


def srgb_to_oklab(image: Tensor) -> Tensor:
    """OKLab of sRGB-encoded colours ``[...,3]``; same shape, float32."""
    return linear_to_oklab(srgb_to_linear(image.float()))


def oklab_to_srgb(image_oklab: Tensor) -> Tensor:
    """sRGB-encoded colours ``[...,3]`` of OKLab ones, float32, out of gamut as `oklab_to_linear` gives them."""
    return linear_to_srgb(oklab_to_linear(image_oklab))


def parse_colours(text: str) -> Tensor:
    """The colours ``[N,3]``, sRGB-encoded, float32, of a text like "#ff8800 #fff", split by spaces, commas or ``;``.

    Raises `RangeError` for an empty text and for anything but # with three or six hexadecimal digits.
    """
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    found = [re.fullmatch(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", word) for word in words]
    if not words or not all(found):
        raise RangeError(f"colour {text.strip()!r} is none; write it like #ff8800, several with spaces between.")
    digits = [match[1] if len(match[1]) == 6 else "".join(2 * sign for sign in match[1]) for match in found if match]
    return torch.tensor([list(bytes.fromhex(word)) for word in digits], dtype=torch.float32) / 255


def _inverse(matrix: tuple[tuple[float, ...], ...], like: Tensor) -> Tensor:
    """The inverse of a 3x3 matrix, transposed, ready to stand at the right of ``[...,3]``."""
    return _invert(torch.tensor(matrix, dtype=torch.float64)).T.float().to(like.device)

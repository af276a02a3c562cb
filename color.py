"""Colour spaces that masks and pictures both work in: sRGB-encoded values, linear light, OKLab."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import torch
from torch import Tensor

from .tensors import RangeError

Matrix = tuple[tuple[float, float, float], ...]

# IEC 61966-2-1:1999: below these the curve is a line of this slope.
ENCODED_KNEE, LINEAR_KNEE, SLOPE = 0.04045, 0.0031308, 12.92
# Minimax polynomials without a constant term, exact at white, of what the curve adds to that line: for decoding in
# t = encoded - knee, for encoding in r = linear ** (1/4) - knee ** (1/4). They err by at most 6e-6 and 2e-6.
DECODING = (0.00123132047, 0.581863001, 0.7323377, -0.643637482, 0.612033629, -0.363101658, 0.0932784498)
LINEAR_KNEE_ROOT = 0.2365450412  # as float32 has it, so that black stays black
ENCODING = (0.672688368, 0.942842735, -0.393324888, 0.341696763, -0.224871881, 0.0691858519)

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
OKLAB_CONES_INVERSE = (
    (4.07674166135, -3.30771159041, 0.230969928729),
    (-1.26843800409, 2.60975740066, -0.34131939631),
    (-0.00419608654184, -0.703418614459, 1.70761470093),
)
OKLAB_AXES_INVERSE = (
    (0.999999998451, 0.396337792174, 0.215803758061),
    (1.00000000888, -0.105561342324, -0.0638541747717),
    (1.00000005467, -0.089484182095, -1.29148553786),
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


def srgb_to_linear_fast(image: Tensor) -> Tensor:
    """`srgb_to_linear` of a float32 tensor by a polynomial: within 1e-5 over 0..1, the exact curve outside.

    Every value comes out the same bits wherever it stands in the tensor, which `**` does not promise.
    """
    above_knee = (image - ENCODED_KNEE).clamp_(min=0)
    return _exact_outside_unit(image, (image * (1 / SLOPE)).add_(_polynomial(above_knee, DECODING)), srgb_to_linear)


def linear_to_srgb_fast(image_linear: Tensor) -> Tensor:
    """`linear_to_srgb` of a float32 tensor by a polynomial, with the promises of `srgb_to_linear_fast`."""
    above_knee = image_linear.clamp(min=LINEAR_KNEE).rsqrt_().rsqrt_().sub_(LINEAR_KNEE_ROOT)
    line = image_linear.clamp(max=LINEAR_KNEE).mul_(SLOPE)
    return _exact_outside_unit(image_linear, line.add_(_polynomial(above_knee, ENCODING)), linear_to_srgb)


def _polynomial(values: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """The sum of ``coefficients[k] * values ** (k + 1)`` by Horner's rule, in one buffer."""
    *lower, highest = _constants(coefficients, values.device)
    total = values * highest
    for coefficient in reversed(lower):
        total.add_(coefficient).mul_(values)
    return total


@functools.cache
def _constants(numbers: tuple[float, ...], device: torch.device) -> tuple[Tensor, ...]:
    """The numbers as tensors: turning one into a tensor takes as long as adding it to a strip."""
    return torch.tensor(numbers, device=device).unbind()


def _exact_outside_unit(values: Tensor, fast: Tensor, curve: Callable[[Tensor], Tensor]) -> Tensor:
    low, high = torch.aminmax(values)
    if float(low) >= 0 and float(high) <= 1:
        return fast
    outside = ~((values >= 0) & (values <= 1))
    return torch.where(outside, curve(widen(values)).to(fast.dtype), fast)


def widen(values: Tensor) -> Tensor:
    """The values in float64 where the device has it.

    Transcendental functions of float32 may differ in the last bit between a vector's body and its tail; rounded from
    float64 they do not, so that tiles give the whole picture's bits.
    """
    return values if values.device.type == "mps" else values.double()


def cube_root(values: Tensor) -> Tensor:
    """The real cube root of a float32 tensor, within 1e-6 of its size; the same bits wherever a value stands.

    A guess from the exponent's bits and two steps of Halley's method, each of which triples the right digits.
    """
    magnitude = values.abs().clamp_(min=1e-30)
    third = (magnitude.view(torch.int32) * (1 / 3)).to(torch.int32)  # dividing integers takes ten times as long
    root = (third + 0x2A5137A0).view(torch.float32)
    for _ in range(2):
        cube = root * root * root
        root = root * (cube + 2 * magnitude) / (2 * cube + magnitude)
    return root.copysign(values)


def linear_to_oklab(image_linear: Tensor) -> Tensor:
    """OKLab of linear light ``[...,3]``, float32: lightness 0..1 (above for HDR), a and b around 0."""
    return _mix_channels(cube_root(_mix_channels(image_linear.float(), OKLAB_CONES)), OKLAB_AXES)


def oklab_to_linear(image_oklab: Tensor) -> Tensor:
    """Linear light ``[...,3]`` of OKLab colours, float32; colours outside the sRGB gamut give values outside 0..1."""
    cones = _mix_channels(image_oklab.float(), OKLAB_AXES_INVERSE)
    return _mix_channels(cones * cones * cones, OKLAB_CONES_INVERSE)


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


def _mix_channels(colours: Tensor, matrix: Matrix) -> Tensor:
    """The matrix times every colour ``[...,3]``, summed in the same order everywhere; keeps the memory layout."""
    mixed = torch.empty_like(colours)
    for row, (first, second, third) in enumerate(matrix):
        total = colours[..., 0] * first + colours[..., 1] * second + colours[..., 2] * third
        mixed[..., row] = total
    return mixed

"""Masks out of a picture's values: colour range, luminance range, edges."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from ..color import linear_to_oklab, parse_colours, srgb_to_linear, srgb_to_oklab
from ..kernels import GAUSSIAN_REACH, gaussian_blur, remove_small_regions
from ..tensors import HemlineError, RangeError, check_name, check_range
from .coverage import parse_points

# IEC 61966-2-1 / ITU-R BT.709: the share of each primary in relative luminance Y.
LUMINANCE_WEIGHTS = (0.2126, 0.7152, 0.0722)
MEASURES = ("lightness", "luminance")
EDGE_LIMIT_PX = 256


def select_colour_range(
    image: Tensor, *, colour: str = "", tolerance: float = 0.1, softness: float = 0.05, points: str = "",
    lightness_weight: float = 1.0,
) -> Tensor:  # fmt: skip
    """1 where the picture ``[B,H,W,C]`` is nearer than `tolerance` to one of the colours, 0 from ``+ softness`` on.

    Distance: Euclidean in OKLab, black to white being 1 (CSS Color 4, "deltaEOK"). colour: "#rrggbb", several with
    spaces between; empty: the colours at the points. points: "x y x y ..." as `parse_points` reads them; then only what
    hangs together with one of them is selected (a magic wand). lightness_weight: how much lightness counts in the
    distance; lower it to follow a cloth through its folds and shadows. Raises `RangeError`.
    """
    check_range("tolerance", tolerance, 0, 10)
    check_range("softness", softness, 0, 10)
    check_range("lightness_weight", lightness_weight, 0, 10)
    weights = torch.tensor([lightness_weight, 1.0, 1.0], device=image.device)
    pixels = srgb_to_oklab(image[..., :3]) * weights
    seeds = _seeds(points, *image.shape[1:3])
    if not colour.strip() and not seeds:
        raise HemlineError("colour range knows no colour; give colour, or points to take it from.")
    if colour.strip():
        # [N,1,1,1,3]: the same colours for every picture; from points each picture has its own.
        targets = (srgb_to_oklab(parse_colours(colour)).to(image.device) * weights).view(-1, 1, 1, 1, 3)
    else:
        targets = torch.stack([pixels[:, y : y + 1, x : x + 1] for y, x in seeds])
    distance = torch.full_like(pixels[..., 0], math.inf)
    for target in targets:
        distance = torch.minimum(distance, (pixels - target).square().sum(-1))
    mask = _fall(distance.sqrt() - tolerance, softness)
    return _keep_connected(mask, seeds) if seeds else mask


def select_luminance_range(
    image: Tensor, *, low: float = 0.5, high: float = 1.0, softness: float = 0.1, measure: str = "lightness"
) -> Tensor:
    """1 where the picture's lightness lies in low..high, falling to 0 over `softness` beyond either end.

    measure: "lightness" (OKLab L, even to the eye) or "luminance" (Y of linear light, BT.709); both are 0 for black
    and 1 for white. ``high = 1`` has no upper end, so HDR highlights count. Raises `RangeError`, `UnknownName`.
    """
    check_range("low", low, 0, 1)
    check_range("high", high, 0, 1)
    check_range("softness", softness, 0, 1)
    if low > high:
        raise RangeError(f"low is {low:g} and high is {high:g}; give low <= high.")
    light = srgb_to_linear(image[..., :3].float())
    if check_name("Measure", measure, MEASURES) == "luminance":
        value = light @ torch.tensor(LUMINANCE_WEIGHTS, device=image.device)
    else:
        value = linear_to_oklab(light)[..., 0]
    mask = _fall(low - value, softness)
    return mask if high == 1 else torch.minimum(mask, _fall(value - high, softness))


def find_edges(image: Tensor, *, scale: float = 1.0, contrast: float = 0.25) -> Tensor:
    """1 at edges of the picture that are at least `contrast` high, in proportion less at fainter ones, 0 on flat parts.

    Gradient of a Gaussian with sigma `scale` px, over the three channels of OKLab together, in units of the step: an
    ideal straight step between two colours measures their OKLab distance whatever the scale, so that `contrast` means
    what `tolerance` means in a colour range. Larger scales see blurred edges and pass over fine texture. Lindeberg,
    "Edge detection and ridge detection with automatic scale selection" (1998). Raises `RangeError`.
    """
    check_range("scale", scale, 0, EDGE_LIMIT_PX)
    check_range("contrast", contrast, 1e-4, 10)
    planes = gaussian_blur(srgb_to_oklab(image[..., :3]).permute(0, 3, 1, 2), scale)
    strength = _gradient(planes).square_().sum((1, 2)).sqrt_() / _step_response(scale)
    return (strength / contrast).clamp_(0, 1)


def _fall(excess: Tensor, softness: float) -> Tensor:
    """1 where `excess` is 0 or less, 0 from `softness` on."""
    return (1 - excess / softness).clamp(0, 1) if softness > 0 else (excess <= 0).float()


def _seeds(points: str, height: int, width: int) -> list[tuple[int, int]]:
    """The pixels (row, column) that hold the points; a point on the frame belongs to the last pixel before it."""
    found = parse_points(points, height, width)
    for x, y in found:
        if not (0 <= x <= width and 0 <= y <= height):
            raise RangeError(f"point {x:g} {y:g} misses the {width}x{height} picture.")
    return [(min(math.floor(y), height - 1), min(math.floor(x), width - 1)) for x, y in found]


def _keep_connected(mask: Tensor, seeds: list[tuple[int, int]]) -> Tensor:
    """The mask without the regions (of values above 0) that hold no seed."""
    support = mask > 0
    marks = torch.zeros_like(mask)
    for y, x in seeds:
        marks[:, y, x] = 1
    return torch.where(remove_small_regions(support, marks, 0.5), mask, 0)


def _gradient(planes: Tensor) -> Tensor:
    """Central differences along x and y, ``[B,C,2,H,W]``; at the frame the pixel beyond is the frame's."""
    wide = functional.pad(planes, (1, 1, 1, 1), mode="replicate")
    across = wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]
    down = wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]
    return torch.stack((across, down), dim=2) / 2


def _step_response(scale: float) -> float:
    """The largest central difference of a step of height 1 that was blurred with sigma `scale`."""
    half = math.ceil(GAUSSIAN_REACH * scale) + 2
    step = (torch.arange(2 * half) >= half).float().view(1, 1, 1, -1)
    return float(_gradient(gaussian_blur(step, scale)).amax())

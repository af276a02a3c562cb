"""Masks drawn as gradients and patterns."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import torch
from torch import Tensor

from ..tensors import RangeError, check_name, check_range
from .coverage import Axes, Point, cover, parse_area, parse_points, pixel_middles, turn_normal, turned_axes

EASINGS = ("linear", "smoothstep")


def draw_linear_gradient(
    height: int, width: int, *, angle: float = 0.0, points: str = "", stops: str = "0 0 1 1", easing: str = "linear"
) -> Tensor:
    """A gradient ``[H,W]`` from 0 to 1 along `angle`, corner to corner of the frame, or from one point to another.

    points: "x0 y0 x1 y1", start and end, in place of the angle; beyond them the end values go on. stops: "position
    value position value ...", positions rising, all 0..1. easing: "linear" or "smoothstep" between stops.
    """
    ends = parse_points(points, height, width)
    if len(ends) not in (0, 2) or (ends and ends[0] == ends[1]):
        raise RangeError(f"a linear gradient has two different ends, not {points.strip()!r}; write x0 y0 x1 y1.")
    if not ends:
        direction = (math.cos(math.radians(angle)), math.sin(math.radians(angle)))
        half = (width * abs(direction[0]) + height * abs(direction[1])) / 2  # as CSS lays out linear-gradient()
        ends = [(width / 2 + side * half * direction[0], height / 2 + side * half * direction[1]) for side in (-1, 1)]
    (x0, y0), (x1, y1) = ends
    x, y = pixel_middles(height, width)
    square = (x1 - x0) ** 2 + (y1 - y0) ** 2
    return _ease((x - x0) * ((x1 - x0) / square) + (y - y0) * ((y1 - y0) / square), stops, easing)


def draw_radial_gradient(
    height: int, width: int, *, area: str = "", angle: float = 0.0, stops: str = "0 1 1 0", easing: str = "linear"
) -> Tensor:
    """A gradient ``[H,W]`` from 1 in the middle of `area` to 0 at the rim of the ellipse that fills it; see
    `draw_linear_gradient` for stops and easing.
    """
    middle, (a, b) = parse_area(area, height, width)
    x, y = turned_axes(height, width, middle, angle)
    return _ease(torch.hypot(x / a, y / b), stops, easing)


def draw_angular_gradient(
    height: int, width: int, *, area: str = "", angle: float = 0.0, stops: str = "0 0 1 1", easing: str = "linear"
) -> Tensor:
    """A gradient ``[H,W]`` that goes once round the middle of `area`, clockwise from `angle`; see
    `draw_linear_gradient` for stops and easing.
    """
    middle, _ = parse_area(area, height, width)
    x, y = turned_axes(height, width, middle, angle)
    return _ease(torch.remainder(torch.atan2(y, x) / (2 * math.pi), 1), stops, easing)


def draw_stripes(
    height: int, width: int, *, size: float = 32.0, share: float = 0.5, angle: float = 0.0, feather: float = 0.0
) -> Tensor:
    """Stripes ``[H,W]`` every `size` px along `angle`, 1 over `share` of each, the first beginning at the frame's
    corner. Raises `RangeError`.
    """
    check_range("size", size, 2, math.inf)
    check_range("share", share, 0, 1)
    x, _ = turned_axes(height, width, (0.0, 0.0), angle)
    return _bands(x, size, share, feather, turn_normal(torch.ones(1), torch.zeros(1), angle)).expand(height, width)


def draw_checker(height: int, width: int, *, size: float = 32.0, angle: float = 0.0, feather: float = 0.0) -> Tensor:
    """A checker board ``[H,W]`` with fields of `size` px, the first, at the frame's corner, being 1.

    Raises `RangeError`.
    """
    check_range("size", size, 1, math.inf)
    x, y = turned_axes(height, width, (0.0, 0.0), angle)
    one, none = torch.ones(1), torch.zeros(1)
    across = _bands(x, 2 * size, 0.5, feather, turn_normal(one, none, angle))
    down = _bands(y, 2 * size, 0.5, feather, turn_normal(none, one, angle))
    return across * down + (1 - across) * (1 - down)


def _bands(offset: Tensor, period: float, share: float, feather: float, normal: Axes) -> Tensor:
    """1 over the first `share` of every period, with soft edges; a feather is at most the shorter of the two parts."""
    width = share * period
    if width in (0, period):
        return torch.full_like(offset, 1.0 if width else 0.0)
    from_middle = (torch.remainder(offset - width / 2 + period / 2, period) - period / 2).abs()
    return cover(from_middle - width / 2, normal, min(feather, width, period - width))


def _ease(position: Tensor, stops: str, easing: str) -> Tensor:
    """The value at each position of the gradient, between the two stops around it."""
    check_name("Easing", easing, EASINGS)
    pairs = _stops(stops)
    value = torch.full_like(position, pairs[0][1])
    for (start, before), (end, after) in pairwise(pairs):
        if end == start:
            value = torch.where(position >= start, after, value)
            continue
        share = ((position - start) / (end - start)).clamp(0, 1)
        if easing == "smoothstep":
            share = share * share * (3 - 2 * share)
        value = torch.where(position >= start, before + share * (after - before), value)
    return value.clamp(0, 1)


def _stops(text: str) -> list[Point]:
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
    rising = all(first[0] <= second[0] for first, second in pairwise(pairs))
    if len(numbers) < 4 or len(numbers) % 2 or not rising or not all(0 <= number <= 1 for number in numbers):
        raise RangeError(f"stops {text.strip()!r} are none; write position value position value, 0 to 1, rising.")
    return pairs

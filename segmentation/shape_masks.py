"""Masks that need no picture: shapes by their exact signed distance, gradients, stripes and checkers.

Coordinates are continuous: 0,0 is the frame's upper left corner, a pixel's middle lies at a half. What reaches beyond
the frame is cut off, not faded. Angles are in degrees, clockwise on the screen, 0 pointing right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor

from ..tensors import RangeError, check_name, check_range
from .shape import FEATHER_SIGMAS

Point = tuple[float, float]

FEATHER_LIMIT_PX = 4096
SIDE_LIMIT = 1000
EASINGS = ("linear", "smoothstep")
# Beyond so many sigmas an edge of a Gaussian profile differs from 0 and 1 by less than 1e-7.
PROFILE_REACH = 5.5
ELLIPSE_STEPS = 5

_erfc = cast("Callable[[Tensor], Tensor]", torch.special.erfc)  # torch leaves it untyped


def parse_points(text: str, height: int, width: int) -> list[Point]:
    """The points in pixels of a text like "x y, x y"; all numbers within 0..1 are shares of width and height.

    Any spaces, commas, ``;`` and line ends separate. Raises `RangeError` for anything but pairs of finite numbers.
    """
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = [math.nan]
    if len(numbers) % 2 or not all(map(math.isfinite, numbers)):
        raise RangeError(f"points {text.strip()!r} are no pairs of numbers; write x y x y ...")
    shares = all(0 <= number <= 1 for number in numbers)
    across, down = (width, height) if shares else (1, 1)
    return [(x * across, y * down) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]


def draw_rectangle(
    height: int, width: int, *, area: str = "", radius: float = 0.0, angle: float = 0.0, feather: float = 0.0
) -> Tensor:
    """A rectangle ``[H,W]`` that fills `area` ("x0 y0 x1 y1", the whole frame if empty), turned by `angle` about its
    middle. radius: of its corners, px, at most half the shorter side. feather: see `_cover`.

    Signed distance: I. Quilez, "2D distance functions" (sdRoundedBox).
    """
    middle, half = _area(area, height, width)
    check_range("radius", radius, 0, math.inf)
    radius = min(radius, *half)
    x, y = _turned_grid(height, width, middle, angle)
    across, down = x.abs() - (half[0] - radius), y.abs() - (half[1] - radius)
    outside = torch.hypot(across.clamp(min=0), down.clamp(min=0))
    return _cover(outside + torch.maximum(across, down).clamp(max=0) - radius, feather)


def draw_ellipse(height: int, width: int, *, area: str = "", angle: float = 0.0, feather: float = 0.0) -> Tensor:
    """The ellipse ``[H,W]`` that fills `area`, turned by `angle` about its middle.

    Exact distance, so that the feather is as wide at the ends as at the sides: the nearest point by steps along the
    circle of curvature, C. Chatfield, "Simple method for distance to ellipse" (2017).
    """
    middle, (a, b) = _area(area, height, width)
    x, y = (plane.abs().expand(height, width) for plane in _turned_grid(height, width, middle, angle))
    cos = sin = torch.full((height, width), math.sqrt(0.5))
    for _ in range(ELLIPSE_STEPS):
        evolute_x, evolute_y = (a * a - b * b) / a * cos**3, (b * b - a * a) / b * sin**3
        radius = torch.hypot(a * cos - evolute_x, b * sin - evolute_y)
        length = torch.hypot(x - evolute_x, y - evolute_y).clamp(min=1e-12)
        cos = (((x - evolute_x) * radius / length + evolute_x) / a).clamp(0, 1)
        sin = (((y - evolute_y) * radius / length + evolute_y) / b).clamp(0, 1)
        norm = torch.hypot(cos, sin)
        known = norm > 0  # in the middle of a circle every direction is as good as the other
        cos, sin = torch.where(known, cos / norm, math.sqrt(0.5)), torch.where(known, sin / norm, math.sqrt(0.5))
    distance = torch.hypot(x - a * cos, y - b * sin)
    return _cover(torch.where((x / a) ** 2 + (y / b) ** 2 < 1, -distance, distance), feather)


def draw_polygon(
    height: int, width: int, *, points: str = "0.5 0.1 0.9 0.9 0.1 0.9", angle: float = 0.0, feather: float = 0.0
) -> Tensor:
    """The polygon ``[H,W]`` with the corners `points`, closed by itself, turned by `angle` about its box's middle.

    Where it crosses itself the even-odd rule tells inside from outside, as in SVG. Work grows with the pixels near its
    edges. Raises `RangeError` for fewer than three corners.
    """
    corners = parse_points(points, height, width)
    if len(corners) < 3:
        raise RangeError(f"a polygon of {len(corners)} points is none; give three or more as x y x y x y.")
    return _cover_polygon(_turned(corners, angle), height, width, feather)


def draw_regular_polygon(
    height: int, width: int, *, area: str = "", sides: int = 6, inner: float = 1.0, angle: float = 0.0,
    feather: float = 0.0,
) -> Tensor:  # fmt: skip
    """A polygon ``[H,W]`` of equal sides in the ellipse that fills `area`, one corner up, turned by `angle`.

    inner: below 1 it becomes a star, whose inner corners lie at that share of the way out. Raises `RangeError`.
    """
    check_range("sides", sides, 3, SIDE_LIMIT)
    check_range("inner", inner, 0.01, 1)
    (x, y), (a, b) = _area(area, height, width)
    reaches = [1.0] if inner == 1 else [1.0, inner * math.cos(math.pi / sides)]
    count = sides * len(reaches)
    corners: list[Point] = []
    for index in range(count):
        turn, reach = 2 * math.pi * index / count, reaches[index % len(reaches)]
        corners.append((x + a * reach * math.sin(turn), y - b * reach * math.cos(turn)))
    return _cover_polygon(_turned(corners, angle, (x, y)), height, width, feather)


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
    x, y = _grid(height, width)
    square = (x1 - x0) ** 2 + (y1 - y0) ** 2
    return _ease((x - x0) * ((x1 - x0) / square) + (y - y0) * ((y1 - y0) / square), stops, easing)


def draw_radial_gradient(
    height: int, width: int, *, area: str = "", angle: float = 0.0, stops: str = "0 1 1 0", easing: str = "linear"
) -> Tensor:
    """A gradient ``[H,W]`` from 1 in the middle of `area` to 0 at the rim of the ellipse that fills it; see
    `draw_linear_gradient` for stops and easing.
    """
    middle, (a, b) = _area(area, height, width)
    x, y = _turned_grid(height, width, middle, angle)
    return _ease(torch.hypot(x / a, y / b), stops, easing)


def draw_angular_gradient(
    height: int, width: int, *, area: str = "", angle: float = 0.0, stops: str = "0 0 1 1", easing: str = "linear"
) -> Tensor:
    """A gradient ``[H,W]`` that goes once round the middle of `area`, clockwise from `angle`; see
    `draw_linear_gradient` for stops and easing.
    """
    middle, _ = _area(area, height, width)
    x, y = _turned_grid(height, width, middle, angle)
    return _ease(torch.remainder(torch.atan2(y, x) / (2 * math.pi), 1), stops, easing)


def draw_stripes(
    height: int, width: int, *, size: float = 32.0, share: float = 0.5, angle: float = 0.0, feather: float = 0.0
) -> Tensor:
    """Stripes ``[H,W]`` every `size` px along `angle`, 1 over `share` of each, the first beginning at the frame's
    corner.
    """
    check_range("size", size, 2, math.inf)
    check_range("share", share, 0, 1)
    x, _ = _turned_grid(height, width, (0.0, 0.0), angle)
    return _periodic(x, size, share, feather).expand(height, width)


def draw_checker(height: int, width: int, *, size: float = 32.0, angle: float = 0.0, feather: float = 0.0) -> Tensor:
    """A checker board ``[H,W]`` with fields of `size` px, the first, at the frame's corner, being 1."""
    check_range("size", size, 1, math.inf)
    x, y = _turned_grid(height, width, (0.0, 0.0), angle)
    across, down = (_periodic(plane, 2 * size, 0.5, feather) for plane in (x, y))
    return across * down + (1 - across) * (1 - down)


def _area(text: str, height: int, width: int) -> tuple[Point, Point]:
    """Middle and half sides of the area; it may reach beyond the frame."""
    corners = parse_points(text, height, width) or [(0.0, 0.0), (float(width), float(height))]
    if len(corners) != 2 or not (corners[0][0] < corners[1][0] and corners[0][1] < corners[1][1]):
        raise RangeError(f"area {text.strip()!r} is none; write x0 y0 x1 y1 with x0 < x1 and y0 < y1.")
    (x0, y0), (x1, y1) = corners
    return ((x0 + x1) / 2, (y0 + y1) / 2), ((x1 - x0) / 2, (y1 - y0) / 2)


def _grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    """x as a row and y as a column of pixel middles; they broadcast to the frame."""
    return torch.arange(width).unsqueeze(0) + 0.5, torch.arange(height).unsqueeze(1) + 0.5


def _turned_grid(height: int, width: int, middle: Point, angle: float) -> tuple[Tensor, Tensor]:
    """Offsets from `middle` along axes that are turned by `angle`."""
    x, y = _grid(height, width)
    x, y = x - middle[0], y - middle[1]
    if angle % 360 == 0:
        return x, y
    cos, sin = _cos_sin(angle)
    return x * cos + y * sin, y * cos - x * sin


def _turned(corners: Sequence[Point], angle: float, about: Point | None = None) -> list[Point]:
    xs, ys = zip(*corners, strict=True)
    x, y = about or ((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)
    cos, sin = _cos_sin(angle)
    return [(x + (px - x) * cos - (py - y) * sin, y + (px - x) * sin + (py - y) * cos) for px, py in corners]


def _cos_sin(angle: float) -> tuple[float, float]:
    # Quarter turns without rounding, so that what is symmetric stays so.
    quarters = {0.0: (1.0, 0.0), 90.0: (0.0, 1.0), 180.0: (-1.0, 0.0), 270.0: (0.0, -1.0)}
    return quarters.get(angle % 360, (math.cos(math.radians(angle)), math.sin(math.radians(angle))))


def _sigma(feather: float) -> float:
    """Of the Gaussian that a feather is, with that of a pixel's own width (1/12 px²)."""
    return math.sqrt((feather / FEATHER_SIGMAS) ** 2 + 1 / 12)


def _cover(distance: Tensor, feather: float) -> Tensor:
    """Coverage out of the signed distance in px, negative inside.

    feather 0: the share of a pixel that a straight edge covers. Above, the edge runs over so many pixels as that of
    Grow & Feather Mask does, the 0.5 line staying on the shape's edge.
    """
    check_range("feather", feather, 0, FEATHER_LIMIT_PX)
    if feather == 0:
        return (0.5 - distance).clamp(0, 1)
    return 0.5 * _erfc(distance / (_sigma(feather) * math.sqrt(2)))


def _cover_polygon(corners: Sequence[Point], height: int, width: int, feather: float) -> Tensor:
    """Coverage of a polygon: distances are taken only so far from each edge as they matter.

    I. Quilez, "2D distance functions" (sdPolygon).
    """
    check_range("feather", feather, 0, FEATHER_LIMIT_PX)
    reach = 1.0 if feather == 0 else PROFILE_REACH * _sigma(feather)
    square = torch.full((height, width), reach * reach)
    inside = torch.zeros((height, width), dtype=torch.bool)
    x, y = _grid(height, width)
    for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
        rows, columns = _near(y0, y1, reach, height), _near(x0, x1, reach, width)
        across, down = x[:, columns] - x0, y[rows] - y0
        length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-12)
        along = ((across * (x1 - x0) + down * (y1 - y0)) / length).clamp(0, 1)
        near = (across - along * (x1 - x0)) ** 2 + (down - along * (y1 - y0)) ** 2
        square[rows, columns] = torch.minimum(square[rows, columns], near)
        crossed = _near(y0, y1, 1, height)
        level = y[crossed]
        if y0 != y1:
            beyond = x < x0 + (level - y0) * ((x1 - x0) / (y1 - y0))
            inside[crossed] ^= beyond & ((y0 <= level) != (y1 <= level))
    distance = square.sqrt_()
    return _cover(torch.where(inside, -distance, distance), feather)


def _near(first: float, second: float, reach: float, size: int) -> slice:
    start = min(max(math.floor(min(first, second) - reach), 0), size)
    return slice(start, min(max(math.ceil(max(first, second) + reach), start), size))


def _periodic(offset: Tensor, period: float, share: float, feather: float) -> Tensor:
    """1 over the first `share` of every period, with soft edges; a feather is at most the shorter of the two parts."""
    width = share * period
    if width in (0, period):
        return torch.full_like(offset, 1.0 if width else 0.0)
    feather = min(feather, width, period - width)
    from_middle = (torch.remainder(offset - width / 2 + period / 2, period) - period / 2).abs()
    return _cover(from_middle - width / 2, feather)


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

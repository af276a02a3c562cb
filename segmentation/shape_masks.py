"""Masks drawn as shapes, by their exact signed distance. What reaches beyond the frame is cut off, not faded."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..tensors import RangeError, check_range
from .coverage import (
    Point,
    cover,
    cover_polygon,
    draw_strips,
    parse_area,
    parse_points,
    turn_normal,
    turn_points,
    turned_axes,
)

SIDE_LIMIT = 1000
ELLIPSE_STEPS = 5


def draw_rectangle(
    height: int, width: int, *, area: str = "", radius: float = 0.0, angle: float = 0.0, feather: float = 0.0
) -> Tensor:
    """A rectangle ``[H,W]`` that fills `area` ("x0 y0 x1 y1", the whole frame if empty), turned by `angle` about its
    middle. radius: of its corners, px, at most half the shorter side. feather: see `cover`.

    Signed distance: I. Quilez, "2D distance functions" (sdRoundedBox).
    """
    middle, half = parse_area(area, height, width)
    check_range("radius", radius, 0, math.inf)
    radius = min(radius, *half)

    def draw(x: Tensor, y: Tensor) -> Tensor:
        across, down = x.abs() - (half[0] - radius), y.abs() - (half[1] - radius)
        corner = (across > 0) & (down > 0)
        normal_x = torch.where(corner, across, (across >= down).float()).copysign(x)
        normal_y = torch.where(corner, down, (down > across).float()).copysign(y)
        outside = torch.hypot(across.clamp(min=0), down.clamp(min=0))
        distance = outside + torch.maximum(across, down).clamp(max=0) - radius
        return cover(distance, turn_normal(normal_x, normal_y, angle), feather)

    return draw_strips(turned_axes(height, width, middle, angle), height, width, draw)


def draw_ellipse(height: int, width: int, *, area: str = "", angle: float = 0.0, feather: float = 0.0) -> Tensor:
    """The ellipse ``[H,W]`` that fills `area`, turned by `angle` about its middle.

    Exact distance, so that the feather is as wide at the ends as at the sides: the nearest point by steps along the
    circle of curvature, C. Chatfield, "Simple method for distance to ellipse" (2017).
    """
    middle, (a, b) = parse_area(area, height, width)

    def draw(signed_x: Tensor, signed_y: Tensor) -> Tensor:
        x, y = signed_x.abs(), signed_y.abs()
        cos, sin = _nearest_on_ellipse(x, y, a, b)
        distance = torch.hypot(x - a * cos, y - b * sin)
        signed = torch.where((x / a) ** 2 + (y / b) ** 2 < 1, -distance, distance)
        return cover(signed, turn_normal((b * cos).copysign(signed_x), (a * sin).copysign(signed_y), angle), feather)

    return draw_strips(turned_axes(height, width, middle, angle), height, width, draw)


def _nearest_on_ellipse(x: Tensor, y: Tensor, a: float, b: float) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the point (a cos, b sin) that is nearest to x, y in the first quadrant."""
    cos = sin = torch.full_like(x, math.sqrt(0.5))
    for _ in range(ELLIPSE_STEPS):
        evolute_x, evolute_y = (a * a - b * b) / a * cos**3, (b * b - a * a) / b * sin**3
        radius = torch.hypot(a * cos - evolute_x, b * sin - evolute_y)
        length = torch.hypot(x - evolute_x, y - evolute_y).clamp(min=1e-12)
        cos = (((x - evolute_x) * radius / length + evolute_x) / a).clamp(0, 1)
        sin = (((y - evolute_y) * radius / length + evolute_y) / b).clamp(0, 1)
        norm = torch.hypot(cos, sin)
        known = norm > 0  # in the middle of a circle every direction is as good as the other
        cos, sin = torch.where(known, cos / norm, math.sqrt(0.5)), torch.where(known, sin / norm, math.sqrt(0.5))
    return cos, sin


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
    return cover_polygon(turn_points(corners, angle), height, width, feather)


def draw_regular_polygon(
    height: int, width: int, *, area: str = "", sides: int = 6, inner: float = 1.0, angle: float = 0.0,
    feather: float = 0.0,
) -> Tensor:  # fmt: skip
    """A regular polygon ``[H,W]``, one corner up, turned by `angle`; stretched where `area` is no square.

    Its corners lie on the ellipse that fills the area. inner: below 1 the middles of the sides are drawn in to that
    share of their distance from the centre, which makes a star. Raises `RangeError`.
    """
    check_range("sides", sides, 3, SIDE_LIMIT)
    check_range("inner", inner, 0.01, 1)
    (x, y), (a, b) = parse_area(area, height, width)
    reaches = [1.0] if inner == 1 else [1.0, inner * math.cos(math.pi / sides)]
    count = sides * len(reaches)
    corners: list[Point] = []
    for index in range(count):
        turn, reach = 2 * math.pi * index / count, reaches[index % len(reaches)]
        corners.append((x + a * reach * math.sin(turn), y - b * reach * math.cos(turn)))
    return cover_polygon(turn_points(corners, angle, (x, y)), height, width, feather)

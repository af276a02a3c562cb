"""What drawn masks stand on: points and turned axes, and coverage of pixels out of signed distances.

Coordinates are continuous: 0,0 is the frame's upper left corner, a pixel's middle lies at a half. Angles are in
degrees, clockwise on the screen, 0 pointing right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor

from ..tensors import RangeError, check_range
from .feather import SIGMAS

Point = tuple[float, float]
Axes = tuple[Tensor, Tensor]

FEATHER_LIMIT_PX = 4096
# Beyond so many sigmas an edge of a Gaussian profile differs from 0 and 1 by less than 1e-7.
PROFILE_REACH = 5.5
# A pixel whose middle is farther than this from a straight edge (half its diagonal) is not cut by it.
PIXEL_REACH = 0.75
STRIP_PX = 32768

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


def parse_area(text: str, height: int, width: int) -> tuple[Point, Point]:
    """Middle and half sides of the area; it may reach beyond the frame."""
    corners = parse_points(text, height, width) or [(0.0, 0.0), (float(width), float(height))]
    if len(corners) != 2 or not (corners[0][0] < corners[1][0] and corners[0][1] < corners[1][1]):
        raise RangeError(f"area {text.strip()!r} is none; write x0 y0 x1 y1 with x0 < x1 and y0 < y1.")
    (x0, y0), (x1, y1) = corners
    return ((x0 + x1) / 2, (y0 + y1) / 2), ((x1 - x0) / 2, (y1 - y0) / 2)


def pixel_middles(height: int, width: int) -> tuple[Tensor, Tensor]:
    """x as a row and y as a column of pixel middles; they broadcast to the frame."""
    return torch.arange(width).unsqueeze(0) + 0.5, torch.arange(height).unsqueeze(1) + 0.5


def turned_axes(height: int, width: int, middle: Point, angle: float) -> tuple[Tensor, Tensor]:
    """Offsets from `middle` along axes that are turned by `angle`."""
    x, y = pixel_middles(height, width)
    x, y = x - middle[0], y - middle[1]
    if angle % 360 == 0:
        return x, y
    cos, sin = _cos_sin(angle)
    return x * cos + y * sin, y * cos - x * sin


def draw_strips(axes: Axes, height: int, width: int, draw: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """What `draw` makes of both coordinates of the pixels, some rows at a time: what it needs meanwhile then stays in
    the processor's cache, which makes it about twice as fast on a CPU.
    """
    x, y = (axis.expand(height, width) for axis in axes)
    return torch.cat([draw(x[rows], y[rows]) for rows in _strips(height, width)])


def _strips(height: int, width: int) -> list[slice]:
    rows = max(1, STRIP_PX // width)
    return [slice(top, top + rows) for top in range(0, height, rows)]


def turn_points(corners: Sequence[Point], angle: float, about: Point | None = None) -> list[Point]:
    """The points turned by `angle` about a point; None = the middle of their box."""
    xs, ys = zip(*corners, strict=True)
    x, y = about or ((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)
    cos, sin = _cos_sin(angle)
    return [(x + (px - x) * cos - (py - y) * sin, y + (px - x) * sin + (py - y) * cos) for px, py in corners]


def turn_normal(across: Tensor, down: Tensor, angle: float) -> Axes:
    """A direction along axes that are turned by `angle`, in the frame's own axes."""
    cos, sin = _cos_sin(angle)
    return across * cos - down * sin, across * sin + down * cos


def cover(distance: Tensor, normal: Axes, feather: float) -> Tensor:
    """Coverage 0..1 out of the signed distance in px, negative inside.

    normal: of the edge at the nearest point, as x and y of any length and sign. feather 0: the share of the pixel that
    a straight edge there covers. Above, the edge runs over so many pixels as that of Grow & Feather Mask does, the 0.5
    line staying on the shape's edge. Raises `RangeError`.
    """
    check_range("feather", feather, 0, FEATHER_LIMIT_PX)
    if feather == 0:
        return _pixel_share(distance, normal)
    return 0.5 * _erfc(distance / (_sigma(feather) * math.sqrt(2)))


def _pixel_share(distance: Tensor, normal: Axes) -> Tensor:
    """The share of a unit square at `distance` from a half plane that the half plane covers.

    Along the normal the square is as thick as two boxes convolved, of the normal's larger and smaller part.
    """
    across, down = (part.abs() for part in normal)
    length = torch.hypot(across, down).clamp(min=torch.finfo(torch.float32).tiny)
    wide, narrow = torch.maximum(across, down) / length, torch.minimum(across, down) / length
    depth, flat, end = distance.abs(), (wide - narrow) / 2, (wide + narrow) / 2
    corner = (end - depth).clamp(min=0).square() / (2 * wide * narrow).clamp(min=1e-12)
    outside = torch.where(depth <= flat, 0.5 - depth / wide, corner)
    return torch.where(distance < 0, 1 - outside, outside)


def cover_polygon(corners: Sequence[Point], height: int, width: int, feather: float) -> Tensor:
    """Coverage ``[H,W]`` of a polygon; inside is told by the even-odd rule."""
    check_range("feather", feather, 0, FEATHER_LIMIT_PX)
    reach = PIXEL_REACH if feather == 0 else PROFILE_REACH * _sigma(feather)
    signed, (across, down) = polygon_distance(corners, height, width, reach)
    strips = _strips(height, width)
    return torch.cat([cover(signed[rows], (across[rows], down[rows]), feather) for rows in strips])


def polygon_distance(corners: Sequence[Point], height: int, width: int, reach: float) -> tuple[Tensor, Axes]:
    """Signed distance ``[H,W]`` to a polygon, negative inside by the even-odd rule, and the way to its nearest edge.

    Distances are taken only up to `reach` px from each edge; farther away they are `reach`. I. Quilez, "2D distance
    functions" (sdPolygon).
    """
    square = torch.full((height, width), reach * reach)
    across, down = torch.ones(height, width), torch.zeros(height, width)
    inside = torch.zeros((height, width), dtype=torch.bool)
    x, y = pixel_middles(height, width)
    for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
        part = _near(y0, y1, reach, height), _near(x0, x1, reach, width)
        along_x, along_y = x[:, part[1]] - x0, y[part[0]] - y0
        length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-12)
        share = ((along_x * (x1 - x0) + along_y * (y1 - y0)) / length).clamp(0, 1)
        off_x, off_y = along_x - share * (x1 - x0), along_y - share * (y1 - y0)
        found = off_x.square() + off_y.square()
        nearer = found < square[part]
        square[part] = torch.where(nearer, found, square[part])
        on_edge = found < 1e-6  # there the way to the edge tells no direction, but the edge does
        across[part] = torch.where(nearer, torch.where(on_edge, y0 - y1, off_x), across[part])
        down[part] = torch.where(nearer, torch.where(on_edge, x1 - x0, off_y), down[part])
        if y0 != y1:
            rows = _near(y0, y1, 1, height)
            crossing = x < x0 + (y[rows] - y0) * ((x1 - x0) / (y1 - y0))
            inside[rows] ^= crossing & ((y0 <= y[rows]) != (y1 <= y[rows]))
    return torch.where(inside, -1.0, 1.0).mul_(square.sqrt_()), (across, down)


def _sigma(feather: float) -> float:
    """Of the Gaussian that a feather is, with that of a pixel's own width (1/12 px²)."""
    return math.sqrt((feather / SIGMAS) ** 2 + 1 / 12)


def _cos_sin(angle: float) -> tuple[float, float]:
    # Quarter turns without rounding, so that what is symmetric stays so.
    quarters = {0.0: (1.0, 0.0), 90.0: (0.0, 1.0), 180.0: (-1.0, 0.0), 270.0: (0.0, -1.0)}
    return quarters.get(angle % 360, (math.cos(math.radians(angle)), math.sin(math.radians(angle))))


def _near(first: float, second: float, reach: float, size: int) -> slice:
    start = min(max(math.floor(min(first, second) - reach), 0), size)
    return slice(start, min(max(math.ceil(max(first, second) + reach), start), size))

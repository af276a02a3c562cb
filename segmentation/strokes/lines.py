"""A stroke's line on the pixels: its points, its short pieces with their radii, and the boxes that they reach."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..coverage import Point
from .text import RADIUS_UNIT, UNIT, Stroke

# Long lines are drawn in pieces, because the box of a short one holds fewer pixels in vain.
PIECE_PX = 64.0
Box = tuple[slice, slice]
Knot = tuple[float, float, float]  # x, y, radius


def points_px(stroke: Stroke, height: int, width: int) -> list[Point]:
    """The stroke's points in pixels of that frame."""
    return [(x * width / UNIT, y * height / UNIT) for x, y in stroke.points]


def radius_px(stroke: Stroke, height: int, width: int) -> float:
    """The brush's radius in pixels of that frame, at full pressure."""
    return stroke.radius * min(height, width) / RADIUS_UNIT


def radii_px(stroke: Stroke, radius: float) -> list[float]:
    """The radius at each of the stroke's points."""
    return [radius * value / 100 for value in stroke.pressure] or [radius] * len(stroke.points)


def line_pieces(points: Sequence[Point], radii: Sequence[float]) -> Iterator[tuple[Knot, Knot]]:
    """The line in short pieces, with the radius at both ends of each."""
    knots = [(x, y, radius) for (x, y), radius in zip(points, radii, strict=True)]
    if len(knots) == 1:
        yield knots[0], knots[0]
    for first, last in pairwise(knots):
        length = math.hypot(last[0] - first[0], last[1] - first[1])
        count = max(1, math.ceil(length / max(PIECE_PX, 2 * max(first[2], last[2]))))
        yield from pairwise([_between(first, last, step / count) for step in range(count + 1)])


def _between(first: Knot, last: Knot, share: float) -> Knot:
    (x0, y0, r0), (x1, y1, r1) = first, last
    return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share, r0 + (r1 - r0) * share


def box_around(points: Sequence[Point], margin: float, height: int, width: int) -> Box | None:
    """Rows and columns of the frame within `margin` px of the points' box; None where there are none."""
    xs, ys = zip(*points, strict=True)
    rows = slice(max(0, math.floor(min(ys) - margin)), min(height, math.ceil(max(ys) + margin)))
    columns = slice(max(0, math.floor(min(xs) - margin)), min(width, math.ceil(max(xs) + margin)))
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None

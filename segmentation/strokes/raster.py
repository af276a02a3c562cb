"""Strokes drawn into a mask: antialiased by exact distance, the same in the browser (`web/edit_mask/raster.mjs`).

A brush covers a pixel by the distance d of its middle from the stroke's line: 1 up to the edge, 0 beyond, one pixel of
transition where it is hard, the outer (1 - hardness) of its radius where it is soft.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from ...kernels import label_regions
from ...tensors import as_finite_mask
from ..coverage import PIXEL_REACH, Point, pixel_middles, polygon_distance
from .text import RADIUS_UNIT, UNIT, Stroke

# Long lines are drawn in pieces, because the box of a short one holds fewer pixels in vain.
PIECE_PX = 64.0
_Box = tuple[slice, slice]
_Knot = tuple[float, float, float]  # x, y, radius


def apply_strokes(mask: Tensor, strokes: Sequence[Stroke]) -> Tensor:
    """The mask ``[B,H,W]`` with the strokes drawn into each picture of the batch, in their order.

    Adding makes of m and a stroke's coverage c (with its opacity) m + (1 - m) c, erasing m (1 - c). Without strokes the
    mask itself comes back. Same dtype and device; float32 inside. Raises `ShapeError`, and `RangeError` for NaN.
    """
    mask = as_finite_mask(mask)
    if not strokes:
        return mask
    drawn = mask.float().clone()
    for stroke in strokes:
        _draw(drawn, stroke)
    return drawn.to(mask.dtype)


def _draw(mask: Tensor, stroke: Stroke) -> None:
    """Draws one stroke into the mask, in place."""
    if stroke.tool == "clear":
        mask.zero_()
    elif stroke.tool == "invert":
        mask.neg_().add_(1)
    elif stroke.tool == "fill":
        for plane in mask:  # each picture has regions of its own
            _blend(plane, _cover_region(plane, stroke), stroke)
    else:
        height, width = mask.shape[1:]
        cover = _cover_brush if stroke.tool == "brush" else _cover_area
        found = cover(stroke, height, width)
        if found is not None:
            # Drawn on the CPU: hundreds of small boxes, for each of which a GPU would have to be asked many times.
            (rows, columns), coverage = found
            _blend(mask[:, rows, columns], coverage.to(mask.device), stroke)


def _blend(mask: Tensor, coverage: Tensor, stroke: Stroke) -> None:
    share = coverage * (stroke.opacity / 100)
    if stroke.erase:
        mask.mul_(1 - share)
    else:
        mask.add_((1 - mask) * share)


def _in_pixels(stroke: Stroke, height: int, width: int) -> list[Point]:
    return [(x * width / UNIT, y * height / UNIT) for x, y in stroke.points]


def _cover_brush(stroke: Stroke, height: int, width: int) -> tuple[_Box, Tensor] | None:
    """The box of a brush stroke inside the frame and the coverage of its pixels; None where it lies outside."""
    radius = stroke.radius * min(height, width) / RADIUS_UNIT
    ramp = max(1.0, (1 - stroke.hardness / 100) * radius)
    points = _in_pixels(stroke, height, width)
    box = _box(points, radius + 1, height, width)
    if box is None:
        return None
    rows, columns = box
    beyond = torch.full((rows.stop - rows.start, columns.stop - columns.start), math.inf)
    radii = [radius * value / 100 for value in stroke.pressure] or [radius] * len(points)
    for (x0, y0, r0), (x1, y1, r1) in _pieces(points, radii):
        part = _box([(x0, y0), (x1, y1)], max(r0, r1) + 1, height, width)
        if part is not None:
            top, left = part[0].start, part[1].start
            inner = beyond[
                top - rows.start : part[0].stop - rows.start, left - columns.start : part[1].stop - columns.start
            ]
            distance = _distance((x0 - left, y0 - top, r0), (x1 - left, y1 - top, r1), *inner.shape)
            torch.minimum(inner, distance, out=inner)
    coverage = _profile(beyond, ramp)
    if radius < 0.5:  # thinner than a pixel: less than the line's other side
        coverage = coverage - _profile(beyond + 2 * radius, ramp)
    return box, coverage


def _pieces(points: Sequence[Point], radii: Sequence[float]) -> Iterator[tuple[_Knot, _Knot]]:
    """The stroke's line in short pieces, with the radius at both ends of each."""
    knots = [(x, y, radius) for (x, y), radius in zip(points, radii, strict=True)]
    if len(knots) == 1:
        yield knots[0], knots[0]
    for first, last in pairwise(knots):
        length = math.hypot(last[0] - first[0], last[1] - first[1])
        count = max(1, math.ceil(length / max(PIECE_PX, 2 * max(first[2], last[2]))))
        yield from pairwise([_between(first, last, step / count) for step in range(count + 1)])


def _between(first: _Knot, last: _Knot, share: float) -> _Knot:
    (x0, y0, r0), (x1, y1, r1) = first, last
    return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share, r0 + (r1 - r0) * share


def _distance(first: _Knot, last: _Knot, height: int, width: int) -> Tensor:
    """How far the middles of ``[height,width]`` pixels lie beyond the edge of a piece, negative inside it."""
    (x0, y0, r0), (x1, y1, r1) = first, last
    x, y = pixel_middles(height, width)
    x, y = x - x0, y - y0
    across, down = x1 - x0, y1 - y0
    square = across * across + down * down
    if square == 0:
        return (x * x + y * y).sqrt_().sub_(max(r0, r1))
    along = (x * (across / square) + y * (down / square)).clamp_(0, 1)
    off_x, off_y = torch.sub(x, along, alpha=across), torch.sub(y, along, alpha=down)
    # Not hypot, which costs several times as much; no way in a frame is so long that its square would overflow.
    beyond = off_x.mul_(off_x).addcmul_(off_y, off_y).sqrt_().sub_(r0)
    return beyond if r0 == r1 else beyond.sub_(along, alpha=r1 - r0)


def _profile(beyond: Tensor, ramp: float) -> Tensor:
    """Coverage by the distance beyond the edge: 0 from half a pixel outside on, 1 from `ramp` px further in on.

    One pixel wide it is straight, as a pixel's share is; the wider the smoother at both ends (smoothstep).
    """
    share = ((0.5 - beyond) / ramp).clamp_(0, 1)
    if ramp == 1:
        return share
    smooth = share * share * (3 - 2 * share)
    return share + (smooth - share) * (1 - 1 / ramp)


def _cover_area(stroke: Stroke, height: int, width: int) -> tuple[_Box, Tensor] | None:
    """The box of a lasso or polygon inside the frame and the coverage of its pixels (even-odd rule)."""
    points = _in_pixels(stroke, height, width)
    box = _box(points, 1, height, width)
    if box is None:
        return None
    rows, columns = box
    corners = [(x - columns.start, y - rows.start) for x, y in points]
    size = rows.stop - rows.start, columns.stop - columns.start
    signed, _ = polygon_distance(corners, *size, PIXEL_REACH)
    return box, (0.5 - signed).clamp_(0, 1)


def _cover_region(plane: Tensor, stroke: Stroke) -> Tensor:
    """1 in the region of ``[H,W]`` that hangs together with the stroke's point, at its side of one half.

    Where a hole is filled or an island removed the pixels around it at the other side count too: they are its
    antialiased rim.
    """
    height, width = plane.shape
    x, y = stroke.points[0]
    column = min(max(math.floor(x * width / UNIT), 0), width - 1)
    row = min(max(math.floor(y * height / UNIT), 0), height - 1)
    inside = plane >= 0.5
    full = bool(inside[row, column])
    labels = label_regions(inside if full else ~inside)
    region = labels == labels[row, column]
    if full == stroke.erase:
        near = functional.max_pool2d(region.float()[None, None], 3, stride=1, padding=1)[0, 0] > 0
        region = region | (near & (inside != full))
    return region.float()


def _box(points: Sequence[Point], margin: float, height: int, width: int) -> _Box | None:
    """Rows and columns of the frame within `margin` px of the points' box; None where there are none."""
    xs, ys = zip(*points, strict=True)
    rows = slice(max(0, math.floor(min(ys) - margin)), min(height, math.ceil(max(ys) + margin)))
    columns = slice(max(0, math.floor(min(xs) - margin)), min(width, math.ceil(max(xs) + margin)))
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None

"""Strokes drawn into a mask: antialiased by exact distance, the same in the browser (`web/edit_mask/raster.mjs`).

A brush covers a pixel by the distance d of its middle from the stroke's line: 1 up to the edge, 0 beyond, one pixel of
transition where it is hard, the outer (1 - hardness) of its radius where it is soft. A smart brush covers of that the
share that has the colours under its middle (`smart`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import ShapeError
from ...kernels import label_regions
from ...tensors import as_finite_mask, as_image, match_batch
from ..coverage import PIXEL_REACH, pixel_middles, polygon_distance
from .lines import Box, Knot, box_around, line_pieces, points_px, radii_px, radius_px
from .smart import share_by_colour, working_picture
from .text import UNIT, Stroke


def apply_strokes(mask: Tensor, strokes: Sequence[Stroke], picture: Tensor | None = None) -> Tensor:
    """The mask ``[B,H,W]`` with the strokes drawn into each picture of the batch, in their order.

    Adding makes of m and a stroke's coverage c (with its opacity) m + (1 - m) c, erasing m (1 - c). Without strokes the
    mask itself comes back. Same dtype and device; float32 inside. picture: ``[B,H,W,C]``, whose colours smart strokes
    keep to (batch 1 and N go together); without it these are plain brushes. Raises `ShapeError`, and `RangeError` for
    NaN in the mask.
    """
    mask = as_finite_mask(mask)
    if picture is not None and any(stroke.tool == "smart" for stroke in strokes):
        picture = as_image(picture)
        if picture.shape[1:3] != mask.shape[1:]:
            raise ShapeError(f"picture and mask must be of one size, got {tuple(picture.shape)}, {tuple(mask.shape)}.")
        mask, picture = match_batch((mask, picture), ("mask", "picture"))
        working = working_picture(picture)
    else:
        picture = working = None
    if not strokes:
        return mask
    drawn = mask.float().clone()
    for stroke in strokes:
        if stroke.tool != "smart" or picture is None or working is None:
            _draw(drawn, stroke)
        else:
            for index, plane in enumerate(drawn):  # each picture has colours of its own
                _draw_by_colour(plane, stroke, picture[index], working[index])
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
        cover = _cover_area if stroke.tool in ("lasso", "polygon") else _cover_brush
        found = cover(stroke, height, width)
        if found is not None:
            # Drawn on the CPU: hundreds of small boxes, for each of which a GPU would have to be asked many times.
            (rows, columns), coverage = found
            _blend(mask[:, rows, columns], coverage.to(mask.device), stroke)


def _draw_by_colour(plane: Tensor, stroke: Stroke, picture: Tensor, working: Tensor) -> None:
    """Draws a smart stroke into ``[H,W]``, in place."""
    found = _cover_brush(stroke, *plane.shape)
    if found is not None:
        (rows, columns), coverage = found
        share = share_by_colour(stroke, picture, working, (rows, columns))
        _blend(plane[rows, columns], (coverage * share).to(plane.device), stroke)


def _blend(mask: Tensor, coverage: Tensor, stroke: Stroke) -> None:
    share = coverage * (stroke.opacity / 100)
    if stroke.erase:
        mask.mul_(1 - share)
    else:
        mask.add_((1 - mask) * share)


def _cover_brush(stroke: Stroke, height: int, width: int) -> tuple[Box, Tensor] | None:
    """The box of a brush stroke inside the frame and the coverage of its pixels; None where it lies outside."""
    radius = radius_px(stroke, height, width)
    ramp = max(1.0, (1 - stroke.hardness / 100) * radius)
    points = points_px(stroke, height, width)
    box = box_around(points, radius + 1, height, width)
    if box is None:
        return None
    rows, columns = box
    beyond = torch.full((rows.stop - rows.start, columns.stop - columns.start), math.inf)
    for (x0, y0, r0), (x1, y1, r1) in line_pieces(points, radii_px(stroke, radius)):
        part = box_around([(x0, y0), (x1, y1)], max(r0, r1) + 1, height, width)
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


def _distance(first: Knot, last: Knot, height: int, width: int) -> Tensor:
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


def _cover_area(stroke: Stroke, height: int, width: int) -> tuple[Box, Tensor] | None:
    """The box of a lasso or polygon inside the frame and the coverage of its pixels (even-odd rule)."""
    points = points_px(stroke, height, width)
    box = box_around(points, 1, height, width)
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

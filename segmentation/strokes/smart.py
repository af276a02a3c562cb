"""The smart brush: of its area the part that has the colours under its middle, the same in the browser
(`web/edit_mask/smart.mjs`).

Two histograms of colours are taken, of the core of the stroke and of the rest of it with what lies just beyond. A
colour belongs to the stroke by its share of the core against its share of the rest (Swain & Ballard, "Color Indexing",
1991); what each pixel gets so is laid on the picture's edges by the guided filter. On a flat ground everything belongs.

Both are found on the working picture, which the browser has too. A larger picture has the filter's local functions
applied to its own colours (He & Sun, "Fast Guided Filter", 2015), so that the edge is as fine as the picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ...resampling import resize_planes
from ..coverage import Point
from ..refine import window_coefficients
from .lines import Box, box_around, line_pieces, points_px, radii_px, radius_px
from .text import Stroke

# The long side of the working picture, which is that of the canvas in the browser.
WORKING_PX = 1024
# In radii of the brush: how far the core reaches, and the rest beyond it.
CORE, REACH = 0.35, 1.5
LEAST_CORE_PX = 0.75
# The share of the core against the rest from which on a colour belongs in part, and fully: alike in both is one half.
LEAST_SHARE, FULL_SHARE = 0.15, 0.35
# Colours are counted by r + 2g + b, r - b + 255 and 2g - r - b + 510, in cells so wide: shadows differ in the first.
CELLS = (51, 15, 30)
HIGHEST_LEVELS = (1020, 510, 1020)
# Of the guided filter, whose variance is of colours from 0 to 1.
WINDOW_PX, EPSILON = 3, 1e-3

_NODES = tuple(high // cell + 2 for high, cell in zip(HIGHEST_LEVELS, CELLS, strict=True))


def working_picture(picture: Tensor) -> Tensor:
    """The colours ``[B,h,w,3]`` of pictures ``[B,H,W,C]`` at most `WORKING_PX` long, in whole levels 0..255, float32 on
    the CPU: what the browser is shown is the same to the last bit.
    """
    height, width = picture.shape[1:3]
    scale = min(1.0, WORKING_PX / max(height, width))
    size = [max(1, math.floor(side * scale + 0.5)) for side in (height, width)]
    planes = resize_planes(_colours(picture).movedim(-1, 1), size[0], size[1])
    return planes.movedim(1, -1).clamp(0, 1).mul(255).round().contiguous()


def share_by_colour(stroke: Stroke, picture: Tensor, working: Tensor, box: Box) -> Tensor:
    """How much of each pixel in a box of the picture belongs to the stroke by its colour: 0..1, float32 on the CPU.

    picture: ``[H,W,C]``; working: its `working_picture`, ``[h,w,3]``. The box is that of the stroke in the picture.
    """
    height, width = picture.shape[:2]
    size = working.shape[0], working.shape[1]
    radius = radius_px(stroke, *size)
    points = points_px(stroke, *size)
    margin = REACH * max(radius, LEAST_CORE_PX) + 2 * WINDOW_PX + 1
    part = box_around(points, margin, *size)
    assert part is not None  # because the brush's box lies in the frame
    levels = working[part]
    radii = radii_px(stroke, radius)
    core = _within(points, [max(LEAST_CORE_PX, CORE * value) for value in radii], part, size)
    rest = _within(points, [REACH * value for value in radii], part, size) & ~core
    belongs = _belonging(levels, core, rest)
    guide = levels.movedim(-1, 0).unsqueeze(0).div(255).sub(0.5)
    found = window_coefficients(guide, belongs.float()[None, None], WINDOW_PX, EPSILON)[0]
    if size == (height, width):
        colours = working[box].div(255)
    else:
        colours = _colours(picture[box])
    found = _planes_at(found, box, part, (height, width), size)
    return ((colours.movedim(-1, 0).sub(0.5) * found[:3]).sum(0) + found[3]).clamp_(0, 1)


def _colours(picture: Tensor) -> Tensor:
    return picture[..., :3].detach().float().cpu().nan_to_num().clamp(0, 1)


def _within(points: Sequence[Point], radii: Sequence[float], part: Box, size: tuple[int, int]) -> Tensor:
    """Whether the middle of each pixel of a part of the frame lies within a line of these radii.

    In float64 and in the browser's order of operations, because a pixel is in or out.
    """
    rows, columns = part
    inside = torch.zeros(rows.stop - rows.start, columns.stop - columns.start, dtype=torch.bool)
    for (x0, y0, r0), (x1, y1, r1) in line_pieces(points, radii):
        near = box_around([(x0, y0), (x1, y1)], max(r0, r1) + 1, *size)
        if near is None:
            continue
        x = torch.arange(near[1].start, near[1].stop, dtype=torch.float64) + 0.5 - x0
        y = (torch.arange(near[0].start, near[0].stop, dtype=torch.float64) + 0.5 - y0).unsqueeze(1)
        across, down = x1 - x0, y1 - y0
        square = across * across + down * down
        along = ((x * across + y * down) / square).clamp(0, 1) if square else torch.zeros((), dtype=torch.float64)
        off_x, off_y = x - along * across, y - along * down
        radius = along * (r1 - r0) + r0 if square else max(r0, r1)
        found = (off_x * off_x + off_y * off_y).sqrt() <= radius
        top, left = near[0].start - rows.start, near[1].start - columns.start
        inside[top : top + found.shape[0], left : left + found.shape[1]] |= found
    return inside


def _belonging(levels: Tensor, core: Tensor, rest: Tensor) -> Tensor:
    """How much each pixel ``[h,w]`` of ``[h,w,3]`` in levels belongs to the core's colours: 0..1, float64."""
    red, green, blue = levels.double().unbind(-1)
    axes = (red + 2 * green + blue, red - blue + 255, 2 * green - red - blue + 510)
    firsts = [torch.div(axis, cell, rounding_mode="floor") for axis, cell in zip(axes, CELLS, strict=True)]
    offs = [(axis - first * cell) / cell for axis, first, cell in zip(axes, firsts, CELLS, strict=True)]
    first = ((firsts[0] * _NODES[1] + firsts[1]) * _NODES[2] + firsts[2]).long()
    corners: list[tuple[int, Tensor]] = []
    for corner in range(8):
        steps = corner >> 2, corner >> 1 & 1, corner & 1
        shares = [off if step else 1 - off for off, step in zip(offs, steps, strict=True)]
        corners.append(((steps[0] * _NODES[1] + steps[1]) * _NODES[2] + steps[2], shares[0] * shares[1] * shares[2]))
    inner, outer = (_histogram(first, corners, among) for among in (core, rest))
    share = inner / (inner + outer).clamp_min(torch.finfo(torch.float64).tiny)
    table = ((share - LEAST_SHARE) / (FULL_SHARE - LEAST_SHARE)).clamp(0, 1)
    found = torch.zeros_like(axes[0])
    for offset, weight in corners:
        found += weight * table[first + offset]
    return found


def _histogram(first: Tensor, corners: Sequence[tuple[int, Tensor]], among: Tensor) -> Tensor:
    """The shares of the colours among some pixels, by node; each pixel counts for the nodes around its colour, and each
    node for its neighbours (1, 2, 1 along each axis).
    """
    counts = torch.zeros(math.prod(_NODES), dtype=torch.float64)
    for offset, weight in corners:
        counts.index_add_(0, first[among] + offset, weight[among])
    counts = counts.reshape(_NODES)
    for axis, size in enumerate(_NODES):
        wide = torch.zeros_like(counts.narrow(axis, 0, 1))
        padded = torch.cat((wide, counts, wide), dim=axis)
        counts = padded.narrow(axis, 0, size) + 2 * counts + padded.narrow(axis, 2, size)
    return counts.flatten() / max(1, int(among.sum()))


def _planes_at(planes: Tensor, box: Box, part: Box, full: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """The planes ``[C,h,w]`` of a part of the working picture, at the pixels of a box of the full one (bilinear)."""
    for axis in (0, 1):
        wanted, held = box[axis], part[axis]
        at = (torch.arange(wanted.start, wanted.stop, dtype=torch.float64) + 0.5) * (size[axis] / full[axis])
        at = (at - 0.5 - held.start).clamp(0, held.stop - held.start - 1)
        low = at.floor().long()
        high = (low + 1).clamp_max(held.stop - held.start - 1)
        off = (at - low).float()
        off = off.unsqueeze(1) if axis == 0 else off
        planes = planes.index_select(axis + 1, low) * (1 - off) + planes.index_select(axis + 1, high) * off
    return planes

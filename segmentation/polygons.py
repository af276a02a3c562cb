"""Masks as polygons: the outlines of the 0.5 level, simplified, holes wound the other way round; and filled again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ..tensors import RangeError

Outline = list[tuple[float, float]]
Points = npt.NDArray[np.float64]
FillRule = Literal["evenodd", "nonzero"]

COARSEST_PX = 1.0
# Outlines are simplified by at most this share of the mask's mean half width, so that thin things stay whole.
SHARE_OF_WIDTH = 0.04
# An outline that simplifying takes more of than this share of its area is simplified less.
LEAST_SHARE_OF_AREA = 0.5
# Beyond this many pixels from the picture nothing is drawn: sums of such numbers still have all their digits.
FARTHEST_PX = 1e7
# Crossings of outlines with rows of pixels: a picture with an outline around each of 16 million pixels has as many.
MOST_CROSSINGS = 1 << 26
# So many crossings are worked out in one step.
PORTION = 1 << 20


def mask_polygons(mask: Tensor, *, level: float = 0.5, tolerance_px: float = 1.0) -> list[Outline]:
    """The outlines of ``mask >= level`` as lists of (x, y) pixel corners, largest first; an empty mask has none.

    mask: ``[H,W]``. Outer outlines run clockwise on the screen, holes anticlockwise. Outlines lie on pixel corners
    (0,0 is the picture's top left corner); pixels that touch only at a corner get outlines of their own. A point is
    left out where the line without it stays within `tolerance_px` (Douglas & Peucker 1973); an outline that would lose
    half of its area that way is simplified less, so that none goes missing.
    """
    inside = np.pad((mask.detach().float() >= level).cpu().numpy(), 1)  # outlines are short lists: host memory it is
    loops = _trace(_boundary_steps(inside))
    outlines = [_simplify_gently(np.asarray(loop, dtype=np.float64), tolerance_px) for loop in loops]
    return [[(float(x), float(y)) for x, y in outline] for outline in sorted(outlines, key=_size, reverse=True)]


def garment_outlines(mask: Tensor) -> list[Outline]:
    """`mask_polygons` as coarse as the mask's width allows, at most by `COARSEST_PX`.

    `fill_polygons` makes ``mask >= 0.5`` of them again but for about a percent, all of it within that of the outline.
    """
    inside = mask >= 0.5
    framed = functional.pad(inside.to(torch.int8), (1, 1, 1, 1))
    border = framed.diff(dim=0).abs().sum() + framed.diff(dim=1).abs().sum()
    width = float(inside.sum()) / max(1.0, float(border))
    return mask_polygons(mask, tolerance_px=min(COARSEST_PX, SHARE_OF_WIDTH * width))


def fill_polygons(
    outlines: Sequence[Outline | Points], height: int, width: int, *, rule: FillRule = "evenodd"
) -> Tensor:
    """A mask ``[height,width]``, float32 on the CPU: 1 where a pixel's middle lies inside the outlines, else 0.

    outlines: lists or arrays ``[N,2]`` of x, y in pixels, (0,0) being the picture's top left corner; they may reach out
    of the picture. rule: "evenodd", by which an outline within another is a hole however it runs, or "nonzero" (SVG
    1.1, section 11.3). A middle on the line itself counts to what lies on its right or below it. Work grows with the
    outlines' height and with the picture. Raises `RangeError` for numbers that are not finite or beyond `FARTHEST_PX`,
    and for more than `MOST_CROSSINGS` crossings of outlines with rows.
    """
    start, end = _edges(outlines)
    # Rows whose middle lies between the ends of an edge, the upper one included.
    first = np.clip(np.ceil(np.minimum(start[:, 1], end[:, 1]) - 0.5), 0, height).astype(np.int64)
    last = np.clip(np.ceil(np.maximum(start[:, 1], end[:, 1]) - 0.5), 0, height).astype(np.int64)
    crossing = np.flatnonzero(last > first)
    start, end, first, counts = start[crossing], end[crossing], first[crossing], (last - first)[crossing]
    total = np.cumsum(counts)
    if len(total) and total[-1] > MOST_CROSSINGS:
        raise RangeError(
            f"the outlines cross the rows of the {width}x{height} picture {total[-1]} times; give simpler ones, with "
            f"{MOST_CROSSINGS} crossings at most."
        )
    steps = torch.zeros(height * (width + 1), dtype=torch.int32)
    for low, high in _portions(total):
        part = slice(low, high)
        _add_crossings(steps, start[part], end[part], first[part], counts[part], width)
    turns = steps.view(height, width + 1)[:, :-1].cumsum(1, dtype=torch.int32)
    return (turns & 1 if rule == "evenodd" else turns != 0).float()


def polygon_area(outline: Outline | Points) -> float:
    """Signed area in px² (shoelace formula): positive for outer outlines, negative for holes."""
    points: Points = np.asarray(outline, dtype=np.float64)
    x, y = points[:, 0], points[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def contains_points(outline: Outline | Points, points: Points) -> npt.NDArray[np.bool_]:
    """Which of the points ``[N,2]`` lie inside one outline by the even-odd rule; bool ``[N]``."""
    start, end = _edges([outline])
    x, y = points[:, 0], points[:, 1]
    inside = np.zeros(len(points), dtype=np.bool_)
    for (ax, ay), (bx, by) in zip(start.tolist(), end.tolist(), strict=True):
        if ay != by:
            inside ^= ((y < ay) != (y < by)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return inside


def _edges(outlines: Sequence[Outline | Points]) -> tuple[Points, Points]:
    """Start and end ``[N,2]`` of every edge, the one back to each outline's first point included."""
    loops: list[Points] = [np.asarray(outline, dtype=np.float64).reshape(-1, 2) for outline in outlines]
    start: Points = np.concatenate([np.empty((0, 2)), *loops])
    if not bool((np.abs(start) <= FARTHEST_PX).all()):  # also false for NaN
        raise RangeError(f"an outline has a point that is not finite or beyond {FARTHEST_PX:g} px; give pixels.")
    end: Points = np.concatenate([np.empty((0, 2)), *(np.roll(loop, -1, axis=0) for loop in loops)])
    return start, end


def _portions(total: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Ranges of edges with about `PORTION` crossings each, given the crossings up to the end of each edge."""
    limits = np.arange(PORTION, int(total[-1]) + PORTION, PORTION) if len(total) else np.empty(0)
    ends = np.unique(np.append(np.searchsorted(total, limits, side="left") + 1, len(total)).clip(max=len(total)))
    return list(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True))


def _add_crossings(
    steps: Tensor, start: Points, end: Points, first: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], width: int
) -> None:
    """Adds to the flat ``[height, width + 1]`` where going right leads over an edge: 1 over one that runs down."""
    edge = np.repeat(np.arange(len(counts)), counts)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    slope = (end[:, 0] - start[:, 0]) / (end[:, 1] - start[:, 1])
    x = start[edge, 0] + (row + 0.5 - start[edge, 1]) * slope[edge]
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
    down = np.where(end[:, 1] > start[:, 1], 1, -1).astype(np.int32)
    steps.index_add_(0, torch.from_numpy(row * (width + 1) + column), torch.from_numpy(down[edge]))


def _size(points: Points) -> float:
    return abs(polygon_area(points))


def _boundary_steps(inside: npt.NDArray[np.bool_]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Every unit step along the border, from corner to corner, with the inside on its right hand."""
    steps: dict[tuple[int, int], list[tuple[int, int]]] = {}
    core = inside[1:-1, 1:-1]
    # side: (neighbour is outside) -> corner offsets (from, to) of the step along that side, y down.
    sides = (
        (inside[:-2, 1:-1], (0, 0), (1, 0)),
        (inside[1:-1, 2:], (1, 0), (1, 1)),
        (inside[2:, 1:-1], (1, 1), (0, 1)),
        (inside[1:-1, :-2], (0, 1), (0, 0)),
    )
    for neighbour, start, end in sides:
        for y, x in np.argwhere(core & ~neighbour).tolist():
            steps.setdefault((x + start[0], y + start[1]), []).append((x + end[0], y + end[1]))
    return steps


def _trace(steps: dict[tuple[int, int], list[tuple[int, int]]]) -> list[list[tuple[int, int]]]:
    loops: list[list[tuple[int, int]]] = []
    corners = list(steps)  # most are gone when their turn comes; one that two pixels touch may begin two outlines
    while corners:
        start = corners[-1]
        if start not in steps:
            corners.pop()
            continue
        loop, here, heading = [start], start, (0, 0)
        while True:
            ends = steps[here]
            # At a corner touched by two pixels turn right, so that each pixel keeps an outline of its own.
            right = (here[0] - heading[1], here[1] + heading[0])
            end = right if right in ends else ends[0]
            ends.remove(end)
            if not ends:
                del steps[here]
            heading, here = (end[0] - here[0], end[1] - here[1]), end
            if here == start:
                break
            loop.append(here)
        loops.append(loop)
    return loops


def _simplify_gently(points: Points, tolerance: float) -> Points:
    """The outline simplified, by less than the tolerance where it would lose too much of its area."""
    area = polygon_area(points)
    while True:
        simple = _simplify(points, tolerance)
        if not tolerance or (len(simple) > 2 and polygon_area(simple) / area >= LEAST_SHARE_OF_AREA):
            return simple
        tolerance = tolerance / 2 if tolerance > 0.1 else 0.0


def _simplify(points: Points, tolerance: float) -> Points:
    """Douglas-Peucker on a closed outline, cut at its two mutually farthest of the axis extremes."""
    first = int(points.sum(axis=1).argmin())
    points = np.roll(points, -first, axis=0)
    far = int(((points - points[0]) ** 2).sum(axis=1).argmax())
    closed = np.concatenate([points, points[:1]])
    keep = np.zeros(len(closed), dtype=bool)
    keep[[0, far, len(points)]] = True
    pending = [(0, far), (far, len(points))]
    while pending:
        low, high = pending.pop()
        if high - low < 2:
            continue
        distances = _distances(closed[low + 1 : high], closed[low], closed[high])
        worst = int(distances.argmax())
        if distances[worst] > tolerance:
            middle = low + 1 + worst
            keep[middle] = True
            pending += [(low, middle), (middle, high)]
    return closed[:-1][keep[:-1]]


def _distances(points: Points, start: Points, end: Points) -> Points:
    """How far the points lie from the stretch between start and end."""
    along, offsets = end - start, points - start
    square = float(along @ along)
    share = np.clip(offsets @ along / square, 0, 1) if square else np.zeros(len(points))
    away = offsets - share[:, None] * along
    return np.hypot(away[:, 0], away[:, 1])

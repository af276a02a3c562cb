"""Masks as polygons: the outlines of the 0.5 level, simplified, holes wound the other way round."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

Outline = list[tuple[float, float]]


def mask_polygons(mask: Tensor, *, level: float = 0.5, tolerance_px: float = 1.0) -> list[Outline]:
    """The outlines of ``mask >= level`` as lists of (x, y) pixel corners, largest first; an empty mask has none.

    mask: ``[H,W]``. Outer outlines run clockwise on the screen, holes anticlockwise. Outlines lie on pixel corners
    (0,0 is the picture's top left corner); pixels that touch only at a corner get outlines of their own. A point is
    left out where the line without it stays within `tolerance_px` (Douglas & Peucker 1973).
    """
    inside = np.pad((mask.detach().float() >= level).cpu().numpy(), 1)  # outlines are short lists: host memory it is
    loops = _trace(_boundary_steps(inside))
    outlines = [_simplify(np.asarray(loop, dtype=np.float64), tolerance_px) for loop in loops]
    kept = sorted((outline for outline in outlines if len(outline) > 2), key=_size, reverse=True)
    return [[(float(x), float(y)) for x, y in outline] for outline in kept]


def polygon_area(outline: Outline | npt.NDArray[np.float64]) -> float:
    """Signed area in px² (shoelace formula): positive for outer outlines, negative for holes."""
    points: npt.NDArray[np.float64] = np.asarray(outline, dtype=np.float64)
    x, y = points[:, 0], points[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _size(points: npt.NDArray[np.float64]) -> float:
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


def _simplify(points: npt.NDArray[np.float64], tolerance: float) -> npt.NDArray[np.float64]:
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


def _distances(
    points: npt.NDArray[np.float64], start: npt.NDArray[np.float64], end: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    along = end - start
    length = float(np.hypot(*along))
    offsets = points - start
    if length == 0:
        return np.hypot(offsets[:, 0], offsets[:, 1])
    return np.abs(offsets[:, 0] * along[1] - offsets[:, 1] * along[0]) / length

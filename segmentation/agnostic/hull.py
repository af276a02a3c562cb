"""Convex hulls of masks, without a geometry library."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor

from ..coverage import Point, cover_polygon


def outer_corners(region: Tensor) -> list[Point]:
    """The corners of the leftmost and the rightmost pixel of each row of a bool plane ``[h,w]``: hulls need no more."""
    rows = region.any(1).nonzero().flatten()
    if not len(rows):
        return []
    busy = region[rows].to(torch.uint8)
    left, right = busy.argmax(1), region.shape[1] - busy.flip(1).argmax(1)
    spans = cast("list[list[int]]", torch.stack([rows, left, right], 1).tolist())
    return [(float(x), float(y)) for row, x0, x1 in spans for y in (row, row + 1) for x in (x0, x1)]


def convex_hull(points: Iterable[Point]) -> list[Point]:
    """The corners of the smallest convex polygon around the points (A. M. Andrew's monotone chain, 1979)."""
    ordered = sorted(set(points))
    if len(ordered) < 3:
        return ordered
    lower, upper = _chain(ordered), _chain(reversed(ordered))
    return lower[:-1] + upper[:-1]


def _chain(points: Iterable[Point]) -> list[Point]:
    chain: list[Point] = []
    for x, y in points:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], (x, y)) <= 0:
            chain.pop()
        chain.append((x, y))
    return chain


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def cover_hull(points: Iterable[Point], like: Tensor) -> Tensor:
    """Which share of each pixel the hull of the points covers, float32, in the shape ``[h,w]`` of `like`."""
    corners = convex_hull(points)
    if len(corners) < 3:
        return torch.zeros(like.shape, device=like.device)
    return cover_polygon(corners, like.shape[0], like.shape[1], 0).to(like.device).clamp(0, 1)

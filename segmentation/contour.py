"""Exact Euclidean distances to a region, painted outwards from its contour: work follows the contour, not the frame.

A region's pixel can be the nearest one only to the pixels that lie nearer to it than to its neighbours: a wedge, mostly
a line. Each pixel of the contour paints its wedge, and the nearest one wins where wedges meet, so that every pixel gets
the distance that a full distance transform gives it. After S. Mauch, "A Fast Algorithm for Computing the Closest Point
and Distance Transform" (2000), with bisectors to the pixels around in the place of polygons' normals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

# Neighbours up to so many pixels away bound a wedge; more make it narrower and cost more to look at.
STENCIL_REACH = 3
# Wedges are cut into so many directions, and into rings whose radii double from the first one on.
DIRECTIONS = 64
FIRST_RING_PX = 16
# Distances are painted so many at a time.
PORTION = 1 << 22
# With more painted distances or runs than both of these, the first per pixel of the frame, a region is scattered.
MOST_PER_PIXEL, MOST_AT_LEAST = 8, 1 << 19

OfDistance = Callable[[Tensor], Tensor]


class Scattered(Exception):
    """A region of so many loose pixels that following its contour costs more than looking at the whole frame."""


@dataclass(frozen=True)
class _Ring:
    """Offsets of all pixels in a ring of distances, grouped by direction: ``[groups, size]`` each."""

    down: Tensor
    across: Tensor
    distance: Tensor

    def nearer_to_neighbour(self) -> Tensor:
        """Which neighbours are nearer to all pixels of a group than the centre: ``[groups, stencil]``, 0 or 1.

        Nearer to the neighbour n than to 0 is what lies beyond the bisector: v·n > n²/2.
        """
        ahead, square = self._along_neighbours()
        return (2 * ahead > square).all(1).float()

    def reached_by_neighbour(self, radius: float) -> Tensor:
        """Which neighbours have all pixels of a group within `radius`, or no farther than the centre has them."""
        ahead, square = self._along_neighbours()
        own = self.distance.square().round().unsqueeze(2)
        return (own - 2 * ahead + square <= own.clamp(min=radius * radius)).all(1).float()

    def _along_neighbours(self) -> tuple[Tensor, Tensor]:
        """The products v·n of all pixels with all neighbours, and n²: whole numbers in float32, which is faster."""
        neighbours = torch.stack(_stencil(self.down.device)).float()
        offsets = torch.stack([self.down, self.across], dim=2).float()
        return offsets @ neighbours, neighbours.square().sum(0)


def paint_distances(
    plane: Tensor, region: Tensor, low: float, high: float, value: OfDistance,
    *, reduce: Literal["amax", "amin"], lead: Tensor | None = None,
) -> None:  # fmt: skip
    """Writes `value` of the distance to `region` into `plane` ``[H,W]`` wherever low < distance <= high.

    region: ``[H,W]`` bool. value: must fall with the distance for "amax" and rise for "amin", because the nearest pixel
    is found by it. lead: ``[H,W]``, added to the distances to each pixel of the region (where its edge lies inside that
    pixel). Pixels nearer than `low` may be written too, with the value of a larger distance. Raises `Scattered`.
    """
    contour = _find(_contour(region).flatten())
    brush = _Brush(plane, contour, reduce)
    around = _neighbours(region.view(torch.uint8), contour, 0).float()
    for ring in _rings(low, high, plane.device):
        chosen, group = (around @ ring.nearer_to_neighbour().T < 0.5).nonzero().unbind(1)
        if lead is None:
            brush.paint(ring, chosen, group, value(ring.distance)[group])
        else:
            own = lead.reshape(-1)[contour[chosen]].unsqueeze(1)
            brush.paint(ring, chosen, group, value(ring.distance[group] + own))


def spread_soft(plane: Tensor, values: Tensor, soft: Tensor, radius: float, *, rim: bool) -> None:
    """Writes into `plane` ``[H,W]`` what some of `values` spread over a disk, where it is more than stands there.

    soft: flat indices of those values. A value counts fully up to `radius` and, with the rim, loses 1 over one more
    pixel. It need not be written where a higher value among its neighbours counts fully or is nearer, nor where an
    equal one is nearer, so that a slope writes little. Raises `Scattered`.
    """
    if not len(soft):
        return
    own = values.reshape(-1)[soft].unsqueeze(1)
    around = _neighbours(values, soft, -1)
    higher, equal = (around > own).float(), (around == own).float()
    brush = _Brush(plane, soft, "amax")
    peaks = (higher.sum(1) == 0).nonzero().flatten()
    # Any higher neighbour has all of these within the radius.
    inner = radius - STENCIL_REACH * math.sqrt(2)
    for ring in _rings(0, inner if len(peaks) else 0, plane.device):
        chosen, group = (equal[peaks] @ ring.nearer_to_neighbour().T < 0.5).nonzero().unbind(1)
        brush.paint(ring, peaks[chosen], group, own[peaks[chosen]].expand(-1, ring.distance.shape[1]))
    # On a slope little more is left than what lies farther than the next higher neighbour reaches.
    slope = max(inner, radius - 1.5)
    for low, high in ((max(inner, 0), slope), (slope, radius + rim)):
        for ring in _rings(low, high, plane.device):
            covered = higher @ ring.reached_by_neighbour(radius).T + equal @ ring.nearer_to_neighbour().T
            chosen, group = (covered < 0.5).nonzero().unbind(1)
            brush.paint(ring, chosen, group, own[chosen] - (ring.distance[group] - radius).clamp(min=0))


def within_distance(region: Tensor, radius: float) -> Tensor:
    """1 for all pixels at most `radius` from `region` ``[H,W]`` (bool), itself included, else 0; same shape, float32.

    Each run of the region's rows, widened by a disk's chord, is drawn `radius` rows up and down. Raises `Scattered`.
    """
    height, width = region.shape
    first, last = _runs(region)
    reach = math.floor(radius)
    down = torch.arange(-reach, reach + 1, device=region.device)
    if len(first) * len(down) > max(MOST_AT_LEAST, MOST_PER_PIXEL * region.numel()):
        raise Scattered
    if not len(first) or reach < 1:
        return region.float()
    # Squared distances are whole numbers, so whole numbers decide, free of rounding.
    square = math.floor(radius * radius)
    chords = torch.tensor([math.isqrt(square - int(offset) ** 2) for offset in range(-reach, reach + 1)]).to(down)
    row = (first // width).unsqueeze(1) + down
    start = row * (width + 1)
    begin = start + ((first % width).unsqueeze(1) - chords).clamp(min=0)
    end = start + ((last % width).unsqueeze(1) + chords).clamp(max=width - 1) + 1
    if int(row[0, 0]) < 0 or int(row[-1, -1]) >= height:  # the runs come row by row
        inside = (row >= 0) & (row < height)
        begin, end = begin[inside], end[inside]
    # Sums of whole numbers, exact in float32, which is faster to add up and to cut than integers are.
    steps = torch.zeros(height * (width + 1), device=region.device)
    one = torch.ones((), device=region.device).expand(begin.numel())
    steps.index_add_(0, begin.flatten(), one).index_add_(0, end.flatten(), one, alpha=-1)
    return steps.view(height, width + 1).cumsum_(1)[:, :-1].clamp_(max=1)


def find_soft(plane: Tensor) -> Tensor:
    """Flat indices of the values of ``[H,W]`` that are neither 0 nor 1."""
    between = plane - plane * plane
    if not (between.amax() > 0 or between.amin() < 0):  # far faster than to ask pixel by pixel
        return torch.empty(0, dtype=torch.int64, device=plane.device)
    return _find((between != 0).flatten())


def _contour(region: Tensor) -> Tensor:
    """The region's pixels that share a side with a pixel of the frame outside the region."""
    inner = region.clone()
    inner[1:] &= region[:-1]
    inner[:-1] &= region[1:]
    inner[:, 1:] &= region[:, :-1]
    inner[:, :-1] &= region[:, 1:]
    return region & ~inner


def _find(flags: Tensor) -> Tensor:
    """The indices of the true values of a bool vector, eight looked at in one step."""
    if len(flags) % 8:
        flags = functional.pad(flags, (0, 8 - len(flags) % 8))
    words = flags.view(torch.int64).nonzero()
    indices = (words * 8 + torch.arange(8, device=flags.device)).flatten()
    return indices[flags[indices]]


def _runs(region: Tensor) -> tuple[Tensor, Tensor]:
    """Flat indices of the first and the last pixel of each run of the region's rows, in the same order."""
    first, last = region.clone(), region.clone()
    first[:, 1:] &= ~region[:, :-1]
    last[:, :-1] &= ~region[:, 1:]
    return _find(first.flatten()), _find(last.flatten())


def _stencil(device: torch.device) -> tuple[Tensor, Tensor]:
    """Offsets down and across to all pixels around one, itself left out."""
    steps = torch.arange(-STENCIL_REACH, STENCIL_REACH + 1, device=device)
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    around = (down != 0) | (across != 0)
    return down[around], across[around]


def _neighbours(plane: Tensor, pixels: Tensor, beyond: float) -> Tensor:
    """The values around each of the pixels: ``[pixels, stencil]``, `beyond` where the frame ends."""
    width = plane.shape[1]
    wide = width + 2 * STENCIL_REACH
    flat = functional.pad(plane, (STENCIL_REACH,) * 4, value=beyond).flatten()
    down, across = _stencil(plane.device)
    centre = (pixels // width + STENCIL_REACH) * wide + pixels % width + STENCIL_REACH
    return flat[centre.unsqueeze(1) + (down * wide + across)]


def _rings(low: float, high: float, device: torch.device) -> Iterator[_Ring]:
    while low < high:
        top = min(high, max(FIRST_RING_PX, 2 * low))
        ring = _ring(low, top, device)
        if ring is not None:
            yield ring
        low = top


def _ring(low: float, high: float, device: torch.device) -> _Ring | None:
    steps = torch.arange(-math.floor(high), math.floor(high) + 1)
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    square = down * down + across * across
    inside = (square <= high * high) & ((square > low * low) if low > 0 else (square > 0))
    down, across, distance = down[inside], across[inside], square[inside].double().sqrt().float()
    if not len(down):
        return None
    order = torch.atan2(down.float(), across.float()).argsort()
    size = max(4, math.ceil(len(order) / DIRECTIONS))
    # The last group is filled up with its own last pixel, painted twice.
    order = torch.cat([order, order[-1:].expand(-len(order) % size)]).view(-1, size)
    return _Ring(down[order].to(device), across[order].to(device), distance[order].to(device))


class _Brush:
    """Paints rings around pixels into a plane, in portions, and keeps count of how much it has painted."""

    def __init__(self, plane: Tensor, pixels: Tensor, reduce: Literal["amax", "amin"]) -> None:
        self.plane = plane
        self.pixels = pixels
        self.reduce = reduce
        self.row, self.column = pixels // plane.shape[1], pixels % plane.shape[1]
        self.painted = 0

    def paint(self, ring: _Ring, chosen: Tensor, group: Tensor, values: Tensor) -> None:
        """Writes `values` ``[N,size]`` at the groups ``[N]`` of the ring around the chosen ``[N]`` of the pixels."""
        size = ring.distance.shape[1]
        self.painted += len(chosen) * size
        if self.painted > max(MOST_AT_LEAST, MOST_PER_PIXEL * self.plane.numel()):
            raise Scattered
        offsets = ring.down * self.plane.shape[1] + ring.across
        portion = max(1, PORTION // size)
        for start in range(0, len(chosen), portion):
            pixel, part, written = (whole[start : start + portion] for whole in (chosen, group, values))
            target = self.pixels[pixel].unsqueeze(1) + offsets[part]
            inside = self._inside(ring, pixel, part)
            if inside is not None:
                target, written = target[inside], written[inside]
            self.plane.view(-1).scatter_reduce_(0, target.flatten(), written.flatten(), self.reduce)

    def _inside(self, ring: _Ring, pixel: Tensor, group: Tensor) -> Tensor | None:
        """Which of the places lie in the frame; None where all do."""
        height, width = self.plane.shape
        reach = ring.distance.amax()
        row, column = self.row[pixel], self.column[pixel]
        near_frame = (row < reach) | (row >= height - reach) | (column < reach) | (column >= width - reach)
        if not near_frame.any():
            return None
        down, across = row.unsqueeze(1) + ring.down[group], column.unsqueeze(1) + ring.across[group]
        return (down >= 0) & (down < height) & (across >= 0) & (across < width)

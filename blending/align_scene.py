"""Two crops of one scene made comparable: their structure without tone, in pyramids, and a first guess of a move."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import expand_planes, reduce_planes, smooth_planes

# What is looked for: shifts up to so much of the crop's longer side, zooms up to so much.
SHIFT_RANGE = 0.04
ZOOM_RANGE = 0.06
# Per axis, of the grid on which the search begins; a zoom's corners move by about one of its cells from try to try.
SEARCH_CELLS = 64
SEARCH_ZOOMS = 9
# How much worse a far place may look and still be given up for a near one: patterns repeat, models move little.
NEARNESS = 0.1
# What changes over more than about two times so many halvings of the grid is tone and not looked at.
TONE_LEVELS = 3
# The median of |x| of a Gaussian times this is its sigma.
MAD_TO_SIGMA = 1.4826
# Keeps divisions by nothing finite.
TINY = 1e-6


class Move(NamedTuple):
    """What lies at p lies at ``middle + zoom * (p - middle) + (x, y)`` afterwards; px, about the picture's middle."""

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0

    def after(self, first: Move) -> Move:
        """The move that does `first` and then this one."""
        return Move(self.zoom * first.x + self.x, self.zoom * first.y + self.y, self.zoom * first.zoom)

    def scaled(self, factor: float) -> Move:
        """The same move of a picture that is so many times as large."""
        return Move(self.x * factor, self.y * factor, self.zoom)

    def farthest(self, height: int, width: int) -> float:
        """How far it moves the corner, of a picture of this size, that it moves the most."""
        across, down = (abs(self.zoom - 1) * side / 2 for side in (width, height))
        return math.hypot(abs(self.x) + across, abs(self.y) + down)


@dataclass(frozen=True)
class Scene:
    """What the repainted crop is compared with, and whether a zoom is looked for.

    kept: ``[1,1,h,w]``, 1 where pixels are looked at. Per level: weights and tone_weights, the kept share of each cell
    and of its surroundings; details and tones, the original's structure without its tone, and its tone, ``[h,w]``.
    """

    zoom: bool
    kept: Tensor
    weights: tuple[Tensor, ...]
    tone_weights: tuple[Tensor, ...]
    details: tuple[Tensor, ...]
    tones: tuple[Tensor, ...]


def make_scene(old: Tensor, kept: Tensor, zoom: bool) -> Scene:
    """The scene of an original's lightness ``[1,1,h,w]`` and where it may be looked at."""
    levels = 1 + max(0, round(math.log2(min(old.shape[-2:]) / SEARCH_CELLS)))
    weights = _pyramid(kept, levels + TONE_LEVELS)
    tone_weights = tuple(_tone(weights, level) for level in range(levels))
    blank = Scene(zoom, kept, tuple(weights), tone_weights, (), ())
    parts = [detail_of(old, blank, level) for level in range(levels)]
    return replace(blank, details=tuple(part[0] for part in parts), tones=tuple(part[1] for part in parts))


def _pyramid(plane: Tensor, count: int) -> list[Tensor]:
    bands = [smooth_planes(plane)]
    for _ in range(count - 1):
        bands.append(reduce_planes(bands[-1]))
    return bands


def _tone(bands: list[Tensor], level: int) -> Tensor:
    """The level of a pyramid that lies `TONE_LEVELS` above one, at the size of that one."""
    tone = bands[level + TONE_LEVELS]
    for finer in reversed(bands[level : level + TONE_LEVELS]):
        tone = expand_planes(tone, finer.shape[-2], finer.shape[-1])
    return tone


def detail_of(plane: Tensor, scene: Scene, level: int) -> tuple[Tensor, Tensor]:
    """The kept plane's structure at a level without its tone, and its tone, ``[h,w]``.

    Sums and weights of kept pixels are smoothed apart, so that what is not kept has no part in them.
    """
    sums = _pyramid(plane * scene.kept, level + TONE_LEVELS + 1)
    tone = _tone(sums, level).div_(scene.tone_weights[level].clamp_min(TINY))
    return (sums[level] / scene.weights[level].clamp_min(TINY)).sub_(tone)[0, 0], tone[0, 0]


def places_after(scene: Scene, move: Move, level: int) -> tuple[Tensor, Tensor]:
    """For each row and column of a level where `move` takes it, in cells."""
    places: list[Tensor] = []
    for size, shift in zip(scene.kept.shape[-2:], (move.y, move.x), strict=True):
        cells = torch.arange(-(-size // 2**level), dtype=torch.float64)
        middle = (size - 1) / 2 / 2**level
        places.append(middle + move.zoom * (cells - middle) + shift / 2**level)
    return places[0], places[1]


def sample_moved(plane: Tensor, move: Move, scene: Scene, level: int) -> Tensor:
    """The plane ``[h,w]`` of a level as it looks moved back: what `move` brought away from a place is there again.

    Catmull & Rom's cubic, "A Class of Local Interpolating Splines" (1974), on each axis; the border is repeated.
    """
    if move == Move():
        return plane
    rows, columns = places_after(scene, move, level)
    return _sample_rows(_sample_rows(plane, rows).T.contiguous(), columns).T


def _sample_rows(plane: Tensor, places: Tensor) -> Tensor:
    whole = places.floor()
    t = (places - whole).float()
    weights = (
        ((2 - t) * t - 1) * t / 2, ((3 * t - 5) * t * t + 2) / 2, ((4 - 3 * t) * t + 1) * t / 2, (t - 1) * t * t / 2
    )  # fmt: skip
    result = torch.zeros((len(places), plane.shape[1]), device=plane.device)
    for tap, weight in enumerate(weights):
        rows = (whole.long() + tap - 1).clamp(0, len(plane) - 1).to(plane.device)
        result.addcmul_(plane.index_select(0, rows), weight.to(plane.device).unsqueeze(1))
    return result


def search_move(scene: Scene, new: Tensor) -> Move:
    """The place among shifts by whole cells of the coarsest level, and zooms, that looks best."""
    level = len(scene.details) - 1
    old, weights = scene.details[level], scene.weights[level][0, 0]
    detail = detail_of(new, scene, level)[0]
    height, width = scene.kept.shape[-2:]
    reach = math.ceil(SHIFT_RANGE * max(height, width) / 2**level)
    limit = MAD_TO_SIGMA * float((old.abs() * weights).sum() / weights.sum().clamp_min(1))
    step = 2 * ZOOM_RANGE / (SEARCH_ZOOMS - 1)
    zooms = [1 - ZOOM_RANGE + step * turn for turn in range(SEARCH_ZOOMS)] if scene.zoom else [1.0]
    shifts = torch.arange(-reach, reach + 1) * 2**level
    best, least = Move(), math.inf
    for zoom in zooms:
        move = Move(zoom=zoom)
        planes = torch.stack([sample_moved(plane, move, scene, level) for plane in (detail * weights, weights)])
        around = functional.unfold(planes.unsqueeze(1), old.shape, padding=reach)
        valued, shares = around.view(2, old.numel(), -1)
        shares = shares.clamp_min(0)
        misfit = (old.flatten().unsqueeze(1) - valued / shares.clamp_min(TINY)).abs().clamp(max=limit)
        both = shares * weights.flatten().unsqueeze(1)
        costs = (misfit * both).sum(0) / both.sum(0).clamp_min(TINY)
        down, across = torch.meshgrid(shifts, shifts, indexing="ij")
        far = torch.hypot(down.float(), across.float()).flatten() + abs(zoom - 1) * math.hypot(height, width) / 2
        costs = costs.cpu() * (1 + NEARNESS * far / (SHIFT_RANGE * max(height, width)))
        costs[both.sum(0).cpu() < weights.sum().cpu() / 2] = math.inf
        index = int(costs.argmin())
        if float(costs[index]) < least:
            least = float(costs[index])
            best = Move(zoom * float(across.flatten()[index]), zoom * float(down.flatten()[index]), zoom)
    return best

"""Gauss-Newton steps that lay one crop on the other, robustly, and how well the place is known then."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from ..tensors import NOTHING
from .align_scene import MAD_TO_SIGMA, TINY, Move, Scene, detail_of, places_after, sample_moved

# Residuals are measured against this noise, and against this slip of every edge: models redraw edges.
NOISE = 1 / 255
SLIP_PX = 0.2
# Tukey's biweight: 95 % efficient on Gaussian noise. Beaton & Tukey (1974).
BIWEIGHT = 4.685
REWEIGHTINGS = 4
# Cells of a pyramid count from this share of kept pixels on.
HALF = 0.5
# A level with fewer cells is passed over; with more than the second number the finest can be choosy.
FEWEST_CELLS, MANY_CELLS = 48, 1024
MOST_STEPS = 8
LAST_STEP = 0.003
# What fits within the expected spread is not doubted.
LEAST_SCALE, FINEST_SCALE = 1.0, 0.3
# What is known of a direction in which nothing has contrast, per px².
NOTHING_KNOWN = 1e-6
# More pixels than this say nothing that these do not.
MANY_PIXELS = 1 << 17
# Errors of pixels in one square of this side may go together; those of different squares are told apart.
BLOCK_PX = 24
# The smoothed noise of so many pixels is that of one: 4 pi sigma², sigma being 1 px.
PIXELS_PER_NOISE = 4 * math.pi

_solve = cast("Callable[..., Tensor]", torch.linalg.solve)  # torch leaves it untyped


@dataclass(frozen=True)
class _Ring:
    """What is looked at of a level: cells, their values ``[M]`` and weights, slopes ``[2|3,M]`` and expected spread.

    slopes: what a value changes by if the place moves by a cell across, a cell down, and by a cell at the corner
    outwards from the middle, which lies `radius` cells away. telling: as much of the slopes as is the picture's and not
    made by taking its tone away at the mask's edge. blocks: the number of each cell's block.
    """

    chosen: Tensor
    values: Tensor
    weights: Tensor
    slopes: Tensor
    telling: Tensor
    spread: Tensor
    radius: float
    blocks: Tensor
    least_scale: float


@dataclass(frozen=True)
class Fit:
    """A move, the covariance of its x, y (px) and zoom, the crop's gain, and how far each pixel of a ring fits it.

    after: the root mean square difference of what fits.
    """

    move: Move
    covariance: Tensor
    gain: float
    after: float
    ring: _Ring
    trust: Tensor


def fit_move(scene: Scene, new: Tensor, start: Move, level: int) -> Fit:
    """The move near `start` under which the structures of a level agree best.

    On coarse levels the crop's gain is taken to be 1, else no contrast at all would be a good fit for bad places.
    """
    ring = _ring(scene, start, level)
    detail = detail_of(sample_moved(new[0, 0], start, scene, 0)[None, None], scene, level)[0]
    move, terms, left = Move(), ring.slopes, ring.values
    if len(ring.values) < FEWEST_CELLS:
        unknown = torch.full((len(terms), len(terms)), math.inf, dtype=torch.float64)
        return Fit(start, unknown, 1.0, 0.0, ring, torch.ones_like(ring.values))
    found = trust = ring.values
    for _ in range(MOST_STEPS):
        values = sample_moved(detail, move, scene, level)[ring.chosen]
        if level == 0:
            terms = torch.cat([ring.slopes, values.unsqueeze(0)])
        found, trust, left = _solve_robustly(terms, ring.values - values, ring)
        steps = [float(step) * 2**level for step in found[: len(ring.slopes)]]
        zoom = steps[2] / ring.radius / 2**level if scene.zoom else 0.0
        move = Move(move.x + steps[0], move.y + steps[1], move.zoom + zoom)
        if max(abs(step) for step in steps) < LAST_STEP * 2**level:
            break
    gain = 1 + float(found[-1]) if level == 0 else 1.0
    after = _left_over(left, trust * ring.weights)
    return Fit(start.after(move), _covariance(terms, left, trust, ring, level), gain, after, ring, trust)


def difference_unmoved(scene: Scene, new: Tensor, fit: Fit) -> float:
    """The root mean square difference of the crop as it came, over what the fit believes."""
    detail = detail_of(new, scene, 0)[0][fit.ring.chosen].unsqueeze(0)
    weights = fit.trust * fit.ring.weights
    return _left_over(fit.ring.values - _least_squares(detail, fit.ring.values, weights) @ detail, weights)


def _ring(scene: Scene, move: Move, level: int) -> _Ring:
    """The kept cells of a level that `move` leaves inside the frame."""
    old, tone, weights = scene.details[level], scene.tones[level], scene.weights[level][0, 0]
    inside = [
        ((places >= 0) & (places <= (size - 1) / 2**level)).to(old.device)
        for places, size in zip(places_after(scene, move, level), scene.kept.shape[-2:], strict=True)
    ]
    seen = inside[0].unsqueeze(1) & inside[1]
    # On the finest level, if they suffice, only cells that the smoothing did not fill up at the mask's edge.
    chosen = seen & (-functional.max_pool2d(-weights[None], 3, stride=1, padding=1)[0] > 1 - NOTHING)
    if level or int(chosen.sum()) < MANY_CELLS:
        chosen = seen & (weights > HALF)
    step = 1 if int(chosen.sum()) <= MANY_PIXELS else 2
    thinned = torch.zeros_like(chosen)
    thinned[::step, ::step] = chosen[::step, ::step]
    rows, columns = thinned.nonzero().unbind(1)
    middle = [(size - 1) / 2 / 2**level for size in scene.kept.shape[-2:]]
    radius = max(math.hypot(*middle), 1.0)
    away = torch.stack([columns - middle[1], rows - middle[0]]) / radius
    slopes, whole = (_slopes(plane, thinned, away)[: 3 if scene.zoom else 2] for plane in (old, old + tone))
    telling = torch.where(slopes.abs() < whole.abs(), slopes, whole)
    spread = (NOISE**2 + SLIP_PX**2 * slopes[:2].square().sum(0)).sqrt()
    blocks = rows // BLOCK_PX * (old.shape[1] // BLOCK_PX + 1) + columns // BLOCK_PX
    least_scale = LEAST_SCALE if level else FINEST_SCALE
    return _Ring(thinned, old[thinned], weights[thinned], slopes, telling, spread, radius, blocks, least_scale)


def _slopes(plane: Tensor, chosen: Tensor, away: Tensor) -> Tensor:
    across, down = ((plane.roll(-1, axis) - plane.roll(1, axis))[chosen] / 2 for axis in (1, 0))
    return torch.stack([across, down, across * away[0] + down * away[1]])


def _left_over(left: Tensor, weights: Tensor) -> float:
    return float(((left.square() * weights).sum() / weights.sum().clamp_min(TINY)).sqrt())


def _solve_robustly(terms: Tensor, values: Tensor, ring: _Ring) -> tuple[Tensor, Tensor, Tensor]:
    """The factors of `terms` whose sum is nearest to the values, how far each pixel is believed, and what is left."""
    weights = ring.weights / ring.spread.square()
    trust = torch.ones_like(weights)
    found = _least_squares(terms, values, weights)
    for _ in range(REWEIGHTINGS):
        left = ((values - found @ terms) / ring.spread).abs()
        scale = max(MAD_TO_SIGMA * float(left.median()), ring.least_scale)
        trust = (1 - (left / (BIWEIGHT * scale)).square()).clamp_min(0).square()
        found = _least_squares(terms, values, weights * trust)
    return found, trust, values - found @ terms


def _least_squares(terms: Tensor, values: Tensor, weights: Tensor) -> Tensor:
    weighted = terms * weights
    # At most four by four: solved in float64 on the CPU, which every device can give to.
    square, right = (weighted @ terms.T).cpu().double(), (weighted @ values).cpu().double()
    ridge = TINY * square.diagonal().amax().clamp_min(TINY) * torch.eye(len(square), dtype=torch.float64)
    return _solve(square + ridge, right).to(values)


def _covariance(terms: Tensor, left: Tensor, trust: Tensor, ring: _Ring, level: int) -> Tensor:
    """Of the step in x, y (px) and zoom: how much blocks of the ring disagree, and what the expected spread makes."""
    weights = ring.weights * trust / ring.spread.square()
    pulls = terms * (weights * left)
    count = int(ring.blocks.amax()) + 1
    summed = torch.zeros((len(terms), count), device=terms.device).index_add_(1, ring.blocks, pulls).double().cpu()
    telling = torch.cat([ring.telling, terms[len(ring.telling) :]])
    square = ((telling * weights) @ telling.T).double().cpu()
    one = torch.eye(len(square), dtype=torch.float64)
    inverse = _solve(square + NOTHING_KNOWN * one, one)
    spread = inverse @ (summed @ summed.T) @ inverse + PIXELS_PER_NOISE * inverse
    count = len(ring.slopes)
    units = torch.tensor([2.0**level, 2.0**level, 1 / ring.radius], dtype=torch.float64)[:count]
    return spread[:count, :count] * units * units.unsqueeze(1)

"""How a repainted crop lies on its original: the shift and zoom that edit models give the frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import expand_planes, reduce_planes, resize_planes, support_box
from ..tensors import ShapeError, as_image, match_mask, resize_mask

ALIGNMENTS = ("off", "shift and zoom", "shift")
# Values of the mask at or below this are what rounding leaves of nothing.
NOTHING = 1 / 512
# Fewer kept pixels than this tell chance rather than a place.
LEAST_PIXELS = 256
# A corner that moves by less than this stays: resampling would cost more sharpness than it mends.
LEAST_MOVE_PX = 0.1
# A place that is known less well than this at the mask's corners is not believed.
LARGEST_ERROR_PX = 0.1
# What is looked for: shifts up to so much of the crop's longer side, zooms up to so much.
SHIFT_RANGE = 0.04
ZOOM_RANGE = 0.06
# Of the grid on which two crops are compared: finer ones tell the place hardly better and take time and memory.
LONGEST_SIDE = 640
# Per axis, of the grid on which the search begins; a zoom's corners move by about one of its cells from try to try.
SEARCH_CELLS = 64
SEARCH_ZOOMS = 9
# How much worse a far place may look and still be given up for a near one: patterns repeat, models move little.
NEARNESS = 0.1
# What changes over more than about two times so many halvings of the grid is tone and not looked at.
TONE_LEVELS = 3
# Residuals are measured against this noise, and against this slip of every edge: models redraw edges.
NOISE = 1 / 255
SLIP_PX = 0.2
# Tukey's biweight: 95 % efficient on Gaussian noise. Beaton & Tukey (1974).
BIWEIGHT = 4.685
# The median of |x| of a Gaussian times this is its sigma.
MAD_TO_SIGMA = 1.4826
REWEIGHTINGS = 4
# Cells of a pyramid count from this share of kept pixels on.
HALF = 0.5
# A level with fewer cells is passed over; with more than the second number the finest can be choosy.
FEWEST_CELLS, MANY_CELLS = 48, 1024
MOST_STEPS = 8
LAST_STEP = 0.003
# What fits within the expected spread is not doubted.
LEAST_SCALE, FINEST_SCALE = 1.0, 0.3
# A gain beyond this, and a move so much larger than what is looked for, are chance.
LEAST_GAIN = 0.6
REACH = 1.2
# What is known of a direction in which nothing has contrast, per px².
NOTHING_KNOWN = 1e-6
# Keeps divisions by nothing finite.
TINY = 1e-6
# More pixels than this say nothing that these do not.
MANY_PIXELS = 1 << 17
# Errors of pixels in one square of this side may go together; those of different squares are told apart.
BLOCK_PX = 24
# The smoothed noise of so many pixels is that of one: 4 pi sigma², sigma being 1 px.
PIXELS_PER_NOISE = 4 * math.pi

_solve = cast("Callable[..., Tensor]", torch.linalg.solve)  # torch leaves it untyped


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
class Alignment:
    """Where a repainted crop was found to lie.

    move: from the original's places to the repainted crop's, in px of the latter. applies: whether the crop should be
    moved back by it; if not, `reason` says why. error_px: the standard error of `move` at the mask's farthest corner.
    pixels: how many were kept to look at. before, after: the root mean square difference of those that the fit
    believes, of encoded lightness without slow changes of tone, as the crop came and when it is moved back.
    """

    move: Move
    applies: bool
    reason: str
    error_px: float
    pixels: int
    before: float
    after: float

    def describe(self) -> str:
        """One line for a person: what was found, and what becomes of it."""
        found = (
            f"shift {self.move.x:+.2f}, {self.move.y:+.2f} px, zoom {self.move.zoom - 1:+.2%} (± {self.error_px:.2f} "
            f"px) on {self.pixels} px; difference {self.before * 255:.2f}/255 before, {self.after * 255:.2f}/255 after"
        )
        if self.applies:
            return f"moved back: {found}"
        return f"not moved: {self.reason} ({found})" if self.error_px <= 1 else f"not moved: {self.reason}"


def find_alignment(repainted: Tensor, original: Tensor, mask: Tensor, *, zoom: bool = True) -> Alignment:
    """How the repainted crop has to be moved to lie on the original, to a small part of a pixel.

    repainted: ``[1,h,w,3|4]``; original: ``[1,H,W,3|4]``, the same part of the picture at any scale. mask: ``[1,H,W]``,
    1 = leave out; pixels are looked at where it is 0 (up to 1/512), both are finite and neither is transparent.
    zoom: whether to look for one, too.

    The lightness of the two, without slow changes of tone, is compared on the coarser of the two grids, or one of
    `LONGEST_SIDE`: first by trying places on a coarse grid, then by Gauss-Newton steps from coarse to fine (Lucas &
    Kanade, "An Iterative Image Registration Technique", 1981; Baker & Matthews, "Lucas-Kanade 20 Years On", 2004) with
    a gain, and with pixels that do not fit left out (Tukey's biweight). The error is estimated from how much the
    squares of the picture disagree (White's sandwich) and what the expected spread makes of it.

    The alignment does not apply where too few pixels are kept, where they are too flat to tell the place, where they
    fit no better than before, and where no corner would move by `LEAST_MOVE_PX`. Raises `ShapeError` for a bad shape.
    """
    repainted, original = as_image(repainted, "repainted"), as_image(original, "original").to(repainted.device)
    mask = match_mask(mask, original)
    if len(repainted) != 1 or len(original) != 1 or len(mask) != 1:
        raise ShapeError(
            f"repainted, original and mask are batches of {len(repainted)}, {len(original)} and {len(mask)}; give one "
            "picture of each at a time."
        )
    height, width = min(repainted.shape[1:3], original.shape[1:3])
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = (max(round(height * scale), 1), max(round(width * scale), 1))
    new, new_kept = _lightness(repainted, torch.zeros_like(repainted[..., 0]), size)
    old, kept = _lightness(original, mask, size)
    kept = kept * new_kept
    unit = repainted.shape[2] / size[1]  # px of the repainted crop per px of the grid
    pixels = int(kept.sum())
    support = resize_mask((mask > NOTHING).float(), *size)[0] > 0
    if pixels < LEAST_PIXELS:
        reason = f"fewer than {LEAST_PIXELS} px outside the mask are left to compare"
        return Alignment(Move(), False, reason, math.inf, pixels, 0.0, 0.0)
    scene = _scene(old, kept, zoom)
    del old
    found = _align_from(scene, new, _search(scene, new), support, unit)
    if found.applies or found.move.farthest(*repainted.shape[1:3]) < LEAST_MOVE_PX * unit:
        return found
    return _align_from(scene, new, Move(), support, unit)


def _align_from(scene: _Scene, new: Tensor, start: Move, support: Tensor, unit: float) -> Alignment:
    """The alignment that coarse and fine steps from `start` come to."""
    levels = len(scene.details)
    fit = _fit(scene, new, start, levels - 1)
    for level in (*range(levels - 2, -1, -1), 0):  # on the finest twice, the second time almost in place
        fit = _fit(scene, new, fit.move, level)
    before = _unmoved(scene, new, fit)
    size = (support.shape[0], support.shape[1])
    error = _largest_error(fit, support, size)
    reason = _objection(fit, error, before, size)
    return Alignment(fit.move.scaled(unit), not reason, reason, error * unit, int(scene.kept.sum()), before, fit.after)


def _objection(fit: _Fit, error: float, before: float, size: tuple[int, int]) -> str:
    """Why the crop should stay as it is; "" where it should be moved back."""
    far = fit.move.farthest(*size)
    if not error <= LARGEST_ERROR_PX:
        return "what is left outside the mask is too small or too flat to tell the place"
    if far > REACH * (SHIFT_RANGE + ZOOM_RANGE) * max(size) or not LEAST_GAIN < fit.gain < 1 / LEAST_GAIN:
        return "the crop does not look like the original outside the mask"
    if far < LEAST_MOVE_PX:
        return f"it lies where it was, to {LEAST_MOVE_PX} px"
    return "" if fit.after < before else "no other place fits better"


def _lightness(image: Tensor, mask: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The picture's lightness ``[1,1,h,w]`` at a size, and 1 where it may be looked at."""
    kept = image.isfinite().all(-1) & (mask <= NOTHING)
    if image.shape[-1] == 4:
        kept &= image[..., 3] >= 0.5
    plane = (image[..., :3].float() @ image.new_tensor((0.3, 0.59, 0.11)).float()).nan_to_num(0.0, 0.0, 0.0)
    kept = resize_mask(kept.float(), *size) > 1 - NOTHING
    return resize_planes(plane.unsqueeze(1), *size), kept.float().unsqueeze(1)


@dataclass(frozen=True)
class _Scene:
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


def _scene(old: Tensor, kept: Tensor, zoom: bool) -> _Scene:
    levels = 1 + max(0, round(math.log2(min(old.shape[-2:]) / SEARCH_CELLS)))
    weights = _pyramid(kept, levels + TONE_LEVELS)
    tone_weights = tuple(_tone(weights, level) for level in range(levels))
    blank = _Scene(zoom, kept, tuple(weights), tone_weights, (), ())
    parts = [_detail(old, blank, level) for level in range(levels)]
    return replace(blank, details=tuple(part[0] for part in parts), tones=tuple(part[1] for part in parts))


def _pyramid(plane: Tensor, count: int) -> list[Tensor]:
    bands = [_smooth(plane)]
    for _ in range(count - 1):
        bands.append(reduce_planes(bands[-1]))
    return bands


def _tone(bands: list[Tensor], level: int) -> Tensor:
    """The level of a pyramid that lies `TONE_LEVELS` above one, at the size of that one."""
    tone = bands[level + TONE_LEVELS]
    for finer in reversed(bands[level : level + TONE_LEVELS]):
        tone = expand_planes(tone, finer.shape[-2], finer.shape[-1])
    return tone


def _smooth(plane: Tensor) -> Tensor:
    """The plane under the binomial kernel 1 4 6 4 1 on both axes, a Gaussian of one pixel."""
    for axis in (-2, -1):
        size = plane.shape[axis]
        first, last = plane.narrow(axis, 0, 1), plane.narrow(axis, size - 1, 1)
        wide = torch.cat([first, first, plane, last, last], axis)
        taps = [wide.narrow(axis, start, size) for start in range(5)]
        plane = (taps[0] + taps[4]).add_(taps[1] + taps[3], alpha=4).add_(taps[2], alpha=6).div_(16)
    return plane


def _detail(plane: Tensor, scene: _Scene, level: int) -> tuple[Tensor, Tensor]:
    """The kept plane's structure at a level without its tone, and its tone, ``[h,w]``.

    Sums and weights of kept pixels are smoothed apart, so that what is not kept has no part in them.
    """
    sums = _pyramid(plane * scene.kept, level + TONE_LEVELS + 1)
    tone = _tone(sums, level).div_(scene.tone_weights[level].clamp_min(TINY))
    return (sums[level] / scene.weights[level].clamp_min(TINY)).sub_(tone)[0, 0], tone[0, 0]


def _sample(plane: Tensor, move: Move, scene: _Scene, level: int) -> Tensor:
    """The plane ``[h,w]`` of a level as it looks moved back: what `move` brought away from a place is there again.

    Catmull & Rom's cubic, "A Class of Local Interpolating Splines" (1974), on each axis; the border is repeated.
    """
    if move == Move():
        return plane
    rows, columns = _places(scene, move, level)
    return _sample_rows(_sample_rows(plane, rows).T.contiguous(), columns).T


def _places(scene: _Scene, move: Move, level: int) -> tuple[Tensor, Tensor]:
    """For each row and column of a level where `move` takes it, in cells."""
    places: list[Tensor] = []
    for size, shift in zip(scene.kept.shape[-2:], (move.y, move.x), strict=True):
        cells = torch.arange(-(-size // 2**level), dtype=torch.float64)
        middle = (size - 1) / 2 / 2**level
        places.append(middle + move.zoom * (cells - middle) + shift / 2**level)
    return places[0], places[1]


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


def _search(scene: _Scene, new: Tensor) -> Move:
    """The place among shifts by whole cells of the coarsest level, and zooms, that looks best."""
    level = len(scene.details) - 1
    old, weights = scene.details[level], scene.weights[level][0, 0]
    detail = _detail(new, scene, level)[0]
    height, width = scene.kept.shape[-2:]
    reach = math.ceil(SHIFT_RANGE * max(height, width) / 2**level)
    limit = MAD_TO_SIGMA * float((old.abs() * weights).sum() / weights.sum().clamp_min(1))
    step = 2 * ZOOM_RANGE / (SEARCH_ZOOMS - 1)
    zooms = [1 - ZOOM_RANGE + step * turn for turn in range(SEARCH_ZOOMS)] if scene.zoom else [1.0]
    shifts = torch.arange(-reach, reach + 1) * 2**level
    best, least = Move(), math.inf
    for zoom in zooms:
        move = Move(zoom=zoom)
        planes = torch.stack([_sample(plane, move, scene, level) for plane in (detail * weights, weights)])
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


def _ring(scene: _Scene, move: Move, level: int) -> _Ring:
    """The kept cells of a level that `move` leaves inside the frame."""
    old, tone, weights = scene.details[level], scene.tones[level], scene.weights[level][0, 0]
    inside = [
        ((places >= 0) & (places <= (size - 1) / 2**level)).to(old.device)
        for places, size in zip(_places(scene, move, level), scene.kept.shape[-2:], strict=True)
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


@dataclass(frozen=True)
class _Fit:
    """A move, the covariance of its x, y (px) and zoom, the crop's gain, and how far each pixel of a ring fits it.

    after: the root mean square difference of what fits.
    """

    move: Move
    covariance: Tensor
    gain: float
    after: float
    ring: _Ring
    trust: Tensor


def _slopes(plane: Tensor, chosen: Tensor, away: Tensor) -> Tensor:
    across, down = ((plane.roll(-1, axis) - plane.roll(1, axis))[chosen] / 2 for axis in (1, 0))
    return torch.stack([across, down, across * away[0] + down * away[1]])


def _fit(scene: _Scene, new: Tensor, start: Move, level: int) -> _Fit:
    """The move near `start` under which the structures of a level agree best.

    On coarse levels the crop's gain is taken to be 1, else no contrast at all would be a good fit for bad places.
    """
    ring = _ring(scene, start, level)
    detail = _detail(_sample(new[0, 0], start, scene, 0)[None, None], scene, level)[0]
    move, terms, left = Move(), ring.slopes, ring.values
    if len(ring.values) < FEWEST_CELLS:
        unknown = torch.full((len(terms), len(terms)), math.inf, dtype=torch.float64)
        return _Fit(start, unknown, 1.0, 0.0, ring, torch.ones_like(ring.values))
    found = trust = ring.values
    for _ in range(MOST_STEPS):
        values = _sample(detail, move, scene, level)[ring.chosen]
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
    return _Fit(start.after(move), _covariance(terms, left, trust, ring, level), gain, after, ring, trust)


def _unmoved(scene: _Scene, new: Tensor, fit: _Fit) -> float:
    """The root mean square difference of the crop as it came, over what the fit believes."""
    detail = _detail(new, scene, 0)[0][fit.ring.chosen].unsqueeze(0)
    weights = fit.trust * fit.ring.weights
    return _left_over(fit.ring.values - _least_squares(detail, fit.ring.values, weights) @ detail, weights)


def _left_over(left: Tensor, weights: Tensor) -> float:
    return float(((left.square() * weights).sum() / weights.sum().clamp_min(TINY)).sqrt())


def _largest_error(fit: _Fit, support: Tensor, size: tuple[int, int]) -> float:
    """The standard error in px of where the corners of the mask's box come to lie."""
    box = support_box(support)
    if box is None or not bool(fit.covariance.isfinite().all()):
        return math.inf
    worst = 0.0
    for x, y in ((box[0], box[1]), (box[2], box[1]), (box[0], box[3]), (box[2], box[3])):
        away = (x - size[1] / 2, y - size[0] / 2)
        variance = 0.0
        for axis in (0, 1):
            factors = torch.tensor([1.0 - axis, float(axis), away[axis]], dtype=torch.float64)[: len(fit.covariance)]
            variance += float(factors @ fit.covariance @ factors)
        worst = max(worst, variance)
    return math.sqrt(worst)


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

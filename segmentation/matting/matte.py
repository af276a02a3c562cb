"""Mattes: how much of each pixel at a mask's edge is garment, by the picture's colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ...kernels import label_regions, support_box
from ...tensors import as_image, match_batch, match_mask
from ..refine import window_coefficients
from .colour import COMPARED_PX, reduce_cells, tell_apart, weigh_colours
from .laplacian import REACH, Band, matting_laplacian, solve_band
from .trimap import read_trimap

# Variance of colour (of 0..1) below which a window counts as flat; about the rounding of 8-bit colours.
EPSILON = 1e-7
# How much the mask pulls at the matte; a window pulls by about 8. Where colours do not tell, it pulls more.
PULL, BLIND_PULL = 1e-6, 1e-2
# A level with fewer unknown pixels than this is the coarsest.
COARSEST = 2000
MOST_HALVINGS = 4
# Steps of the solver: the coarsest level from the mask on, the others from the level above, which is nearly right.
COARSEST_STEPS, STEPS = 400, 40
TOLERANCE = 1e-4
# The band is solved so many unknown pixels at a time, each part with so much of its neighbours around it.
MOST_UNKNOWN, OVERLAP_PX = 1 << 18, 24
# A gap or an island counts from this much difference to the mask on; where the mask is nearer than this to 1 or 0, it
# is sure that there is none.
NOTICEABLE, SURE_MARGIN = 0.1, 0.1


def matte_mask(
    image: Tensor, mask: Tensor, trimap: Tensor, *, drawn: bool = False,
    check_cancelled: Callable[[], None] = lambda: None, progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tensor:  # fmt: skip
    """The mask ``[B,H,W]``, in its dtype, with the share of each pixel at its edge that is garment, strands and all.

    image: ``[B,H,W,C]``. trimap: ``[B,H,W]``, up to 0.05 surely not garment, from 0.95 on surely garment, found out
    between; see `make_trimap`. All of one size; batches 1 and N go together. What the trimap is sure of stays as the
    mask has it, bit for bit, or is 0 and 1 where the trimap was drawn by someone who knows better than the mask. Where
    the colours of garment and surroundings do not differ the mask stays as well; and the matte makes no gap or island
    of its own where the mask is sure of itself, unless the trimap was drawn.

    Closed-form matting: Levin, Lischinski, Weiss (2008), on the unknown pixels only, from a reduced picture to the full
    one, to which the windows' linear functions are carried over as in its section 5. Work and memory follow the band;
    more than `MOST_UNKNOWN` pixels are solved part by part. check_cancelled is called before each picture and part,
    progress after each picture. Raises `ShapeError` for other sizes.
    """
    image = as_image(image)
    planes = match_mask(mask, image), image, match_mask(trimap, image, "trimap")
    mask, image, trimap = match_batch(planes, ("mask", "image", "trimap"))
    mattes: list[Tensor] = []
    for number, (picture, plane, known) in enumerate(zip(image, mask, trimap, strict=True)):
        check_cancelled()
        mattes.append(_matte(picture, plane, known, drawn, check_cancelled))
        progress(number + 1, len(mask))
    return torch.stack(mattes)


def _matte(picture: Tensor, mask: Tensor, trimap: Tensor, drawn: bool, check_cancelled: Callable[[], None]) -> Tensor:
    front, back = read_trimap(trimap)
    start = torch.where(front, 1.0, torch.where(back, 0.0, mask.float())).to(mask.dtype) if drawn else mask
    box = support_box(~(front | back))
    if box is None:
        return start
    part = _widened(_Box(slice(box[1], box[3]), slice(box[0], box[2])), mask.shape, COMPARED_PX)
    values, front, back = start[part].float(), front[part], back[part]
    colours = picture[part][..., :3].float().nan_to_num(0.0).permute(2, 0, 1).contiguous()
    unknown = ~(front | back)
    colours = weigh_colours(colours, unknown)
    told = tell_apart(colours, front, back)
    if not bool((unknown & (told > 0)).any()):
        return start
    problem = _Problem(colours, values, values, unknown, BLIND_PULL + told * (PULL - BLIND_PULL))
    matte = _solve(problem, MOST_HALVINGS, check_cancelled).clamp(0, 1)
    matte = torch.lerp(values, matte, told)
    if not drawn:
        matte = _without_doubtful(matte, values)
    result = start.clone()
    result[part] = torch.where(unknown, matte.to(mask.dtype), start[part])
    return result


class _Box(NamedTuple):
    """Rows and columns of a plane."""

    rows: slice
    columns: slice


@dataclass(frozen=True)
class _Problem:
    """What is solved for: colours ``[3,h,w]``; the rest ``[h,w]``: values to start from, right where they are known,
    the mask that pulls, what is unknown (bool), and how much it is pulled.
    """

    colours: Tensor
    values: Tensor
    mask: Tensor
    unknown: Tensor
    pull: Tensor

    def halved(self) -> _Problem:
        """The same at half the size; unknown is what holds an unknown pixel."""
        unknown = reduce_cells(self.unknown.float(), 2) > 0
        colours, values, mask, pull = (
            reduce_cells(plane, 2) for plane in (self.colours, self.values, self.mask, self.pull)
        )
        return _Problem(colours, values, mask, unknown, pull)

    def carried_over(self, smaller: _Problem, matte: Tensor) -> _Problem:
        """This problem, started from the linear functions of colour that make the matte of the halved one."""
        height, width = self.unknown.shape
        linear = window_coefficients(smaller.colours.unsqueeze(0), matte[None, None], 1, EPSILON)
        linear = functional.interpolate(linear, scale_factor=2.0, mode="bilinear")[0, :, :height, :width]
        guess = (linear[:3] * self.colours).sum(0).add_(linear[3]).clamp_(0, 1)
        return replace(self, values=torch.where(self.unknown, guess, self.values))

    def part(self, box: _Box) -> _Problem:
        """The problem in a box; two pixels along a cut through the plane count as known."""
        height, width = self.unknown.shape
        unknown = torch.zeros_like(self.unknown[box])
        top, left = REACH * (box.rows.start > 0), REACH * (box.columns.start > 0)
        bottom = unknown.shape[0] - REACH * (box.rows.stop < height)
        right = unknown.shape[1] - REACH * (box.columns.stop < width)
        unknown[top:bottom, left:right] = self.unknown[box][top:bottom, left:right]
        colours = self.colours[:, box.rows, box.columns]
        return _Problem(colours, self.values[box], self.mask[box], unknown, self.pull[box])


def _solve(problem: _Problem, halvings: int, check_cancelled: Callable[[], None]) -> Tensor:
    """The matte ``[h,w]``, not clamped: the known values, and what is found between them from the halved picture on."""
    steps = COARSEST_STEPS
    if halvings and int(problem.unknown.sum()) > COARSEST and min(problem.unknown.shape) > 1:
        smaller = problem.halved()
        problem = problem.carried_over(smaller, _solve(smaller, halvings - 1, check_cancelled))
        steps = STEPS
    matte = problem.values.clone()
    for core in _parts(problem.unknown):
        check_cancelled()
        box = _widened(core, matte.shape, OVERLAP_PX)
        found = _solve_part(problem.part(box), steps)
        rows, columns = (
            slice(inner.start - outer.start, inner.stop - outer.start) for inner, outer in zip(core, box, strict=True)
        )
        matte[core] = found[rows, columns]
    return matte


def _solve_part(problem: _Problem, steps: int) -> Tensor:
    """The values ``[h,w]`` where the energy of matting Laplacian and pull is least, the known ones as they are."""
    if not bool(problem.unknown.any()):
        return problem.values
    band = Band.around(problem.unknown)
    laplacian = matting_laplacian(band, problem.colours, EPSILON)
    free, values = band.unknown.float(), band.take(problem.values)
    pull = band.take(problem.pull) * free
    right = pull * band.take(problem.mask) - laplacian.apply(values * (1 - free)) * free
    among = laplacian.among_unknown(pull)
    found = solve_band(among, right, values * free, steps=steps, tolerance=TOLERANCE)
    result = problem.values.flatten()  # a copy, as a part is no contiguous tensor unless it is the whole
    return result.index_copy(0, band.pixels, torch.where(band.unknown, found, values)).view(problem.values.shape)


def _parts(unknown: Tensor) -> Iterator[_Box]:
    """Boxes that hold all unknown pixels, none more than `MOST_UNKNOWN`, cut across their longer sides."""
    box = support_box(unknown)
    if box is None:
        return
    x0, y0, x1, y1 = box
    pending = [_Box(slice(y0, y1), slice(x0, x1))]
    while pending:
        here = pending.pop()
        count = int(unknown[here].sum())
        if count > MOST_UNKNOWN:
            pending.extend(_cut(here))
        elif count:
            yield here


def _cut(box: _Box) -> tuple[_Box, _Box]:
    rows, columns = box
    if rows.stop - rows.start >= columns.stop - columns.start:
        middle = (rows.start + rows.stop) // 2
        return _Box(slice(rows.start, middle), columns), _Box(slice(middle, rows.stop), columns)
    middle = (columns.start + columns.stop) // 2
    return _Box(rows, slice(columns.start, middle)), _Box(rows, slice(middle, columns.stop))


def _widened(box: _Box, shape: Sequence[int], margin: int) -> _Box:
    rows, columns = (
        slice(max(0, side.start - margin), min(size, side.stop + margin)) for side, size in zip(box, shape, strict=True)
    )
    return _Box(rows, columns)


def _without_doubtful(matte: Tensor, mask: Tensor) -> Tensor:
    """The matte without gaps that lie wholly where the mask is sure of itself, and without such islands."""
    for sign, doubt in ((1, mask < 1 - SURE_MARGIN), (-1, mask > SURE_MARGIN)):
        changed = sign * (mask - matte) > NOTICEABLE
        matte = torch.where(changed & ~_joined(changed, doubt), mask, matte)
    return matte


def _joined(changed: Tensor, doubt: Tensor) -> Tensor:
    """What is connected with a pixel of `doubt` ``[h,w]`` through pixels of either, bool."""
    regions = label_regions(changed | doubt).long()
    joined = torch.zeros(int(regions.max()) + 1, dtype=torch.bool, device=regions.device)
    joined[regions[doubt]] = True
    return joined[regions]

"""The smooth sheet between given values at a region's rim: Laplace's equation by multigrid.

Work and memory grow with the number of pixels. Levels halve the size; a level is a grid of cells joined by edges, so
that thin and ragged regions keep their shape on every level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

# The largest error, as a share of the rim's largest pull on a pixel; for a rim that is 0.1 off 1/400 of an 8-bit code.
TOLERANCE = 1e-4
# A step takes away about five sixths of the error, whatever the size; ragged regions need a dozen steps at most. So the
# solver may stop once a step changes no value by more than so many times the tolerance.
LAST_STEP = 3.0
MOST_STEPS = 40
# Two sweeps of damped Jacobi whose dampings are the roots of a Chebyshev polynomial on 1/2..2, the part of the
# operator's range that a coarser grid cannot see; the two together leave 22 % of it.
SWEEPS = tuple(1 / (1.25 + 0.75 * math.cos(math.pi * (2 * turn + 1) / 4)) for turn in range(2))
COARSEST_SWEEPS = 8
# Keeps a division by the energy of a channel that is already solved at 0.
TINY = 1e-30


@dataclass(frozen=True)
class _Grid:
    """One level: which cells are unknown, how strongly neighbours are joined, and the inverse of each cell's sum.

    inside, inverse: ``[h,w]``; across: ``[h,w-1]``; down: ``[h-1,w]``; None on the finest level, where every two
    unknown neighbours are joined by 1 and all other cells hold 0. scratch: ``[C,h,w]``, which `_apply` writes to, since
    fetching fresh memory costs more than the sums.
    """

    inside: Tensor
    diagonal: Tensor
    inverse: Tensor
    across: Tensor | None
    down: Tensor | None
    scratch: Tensor


def spread_from_rim(inside: Tensor, rim: Tensor) -> Tensor:
    """Values that are harmonic inside a region and meet the given ones around it; 0 outside, ``[C,h,w]`` float32.

    inside: bool ``[h,w]``, the unknown pixels. rim: ``[C,h,w]``; only its pixels that share a side with an unknown one
    are looked at. Where the region meets the edge of the planes nothing pulls at it (Neumann). A region that fills the
    planes has no rim and gets 0.

    Each pixel becomes the mean of its neighbours: the five-point Laplace equation, solved by conjugate gradients with
    one multigrid cycle as preconditioner (Tatebe 1993; McAdams, Sifakis, Teran 2010) until a step changes no value by
    more than `LAST_STEP` times `TOLERANCE` of the largest pull, which leaves an error below `TOLERANCE` of it.
    """
    pull = torch.where(inside, _sum_neighbours(torch.where(inside, 0, rim.float())), 0)
    if not bool(pull.any()):
        return torch.zeros_like(pull)
    # A processor's cache likes one plane after the other, and it takes a third of the memory.
    together = 1 if pull.device.type == "cpu" else len(pull)
    grids = _build_grids(inside, together)
    last_step = LAST_STEP * TOLERANCE * float(pull.abs().amax())
    parts = cast("tuple[Tensor, ...]", pull.split(together))
    return torch.cat([_conjugate_gradients(grids, part, _start(grids, part), last_step) for part in parts])


def _conjugate_gradients(grids: list[_Grid], pull: Tensor, values: Tensor, last_step: float) -> Tensor:
    residual = _residual(grids[0], values, pull).clone()
    direction, slope = torch.zeros_like(values), None
    for _ in range(MOST_STEPS):
        proposed = _cycle(grids, 0, residual)
        new_slope = _inner(residual, proposed)
        direction = proposed if slope is None else direction.mul_(new_slope / slope.clamp_min(TINY)).add_(proposed)
        slope = new_slope
        image = _apply(grids[0], direction).mul_(grids[0].inside)
        length = slope / _inner(direction, image).clamp_min(TINY)
        residual = residual.addcmul_(image, length, value=-1)
        values = values.addcmul_(direction, length)
        if float((direction.abs().amax((-2, -1), keepdim=True) * length.abs()).amax()) <= last_step:
            break
    return values


def _inner(first: Tensor, second: Tensor) -> Tensor:
    return (first * second).sum((-2, -1), keepdim=True)


def _start(grids: list[_Grid], pull: Tensor) -> Tensor:
    """Full multigrid up to the second finest level: a first guess that is right in the large.

    Every step has the length that is best for it, because a region with hardly any rim is misjudged by coarse levels.
    """
    pulls = [pull]
    for grid in grids[1:]:
        pulls.append(_restrict(pulls[-1]) * grid.inside)
    values = torch.zeros_like(pulls[-1])
    for level in range(len(grids) - 1, 0, -1):
        residual = _residual(grids[level], values, pulls[level]).clone()
        step = _cycle(grids, level, residual)
        length = _inner(residual, step) / _inner(step, _apply(grids[level], step)).clamp_min(TINY)
        values = _prolong(values + step * length, grids[level - 1])
    return values


def _cycle(grids: list[_Grid], level: int, residual: Tensor) -> Tensor:
    """What one V-cycle proposes to add so that the residual vanishes; symmetric, as conjugate gradients demand."""
    grid = grids[level]
    values = residual * grid.inverse * SWEEPS[0]
    if level == len(grids) - 1:
        for _ in range(COARSEST_SWEEPS):
            values = _sweep(grid, _sweep(grid, values, residual, SWEEPS[0]), residual, SWEEPS[1])
        return values
    values = _sweep(grid, values, residual, SWEEPS[1])
    left = _restrict(_residual(grid, values, residual)) * grids[level + 1].inside
    values += _prolong(_cycle(grids, level + 1, left), grid)
    return _sweep(grid, _sweep(grid, values, residual, SWEEPS[1]), residual, SWEEPS[0])


def _sweep(grid: _Grid, values: Tensor, residual: Tensor, damping: float) -> Tensor:
    left = _apply(grid, values).neg_().add_(residual)
    return values.addcmul_(left, grid.inverse, value=damping)


def _apply(grid: _Grid, values: Tensor) -> Tensor:
    """Each unknown cell times its diagonal less its neighbours, in the grid's scratch until the next call.

    On the finest level the other cells hold anything.
    """
    result = torch.mul(grid.diagonal, values, out=grid.scratch)
    if grid.across is None or grid.down is None:
        result[..., :, 1:] -= values[..., :, :-1]
        result[..., :, :-1] -= values[..., :, 1:]
        result[..., 1:, :] -= values[..., :-1, :]
        result[..., :-1, :] -= values[..., 1:, :]
        return result
    result[..., :, 1:].addcmul_(grid.across, values[..., :, :-1], value=-1)
    result[..., :, :-1].addcmul_(grid.across, values[..., :, 1:], value=-1)
    result[..., 1:, :].addcmul_(grid.down, values[..., :-1, :], value=-1)
    result[..., :-1, :].addcmul_(grid.down, values[..., 1:, :], value=-1)
    return result


def _residual(grid: _Grid, values: Tensor, pull: Tensor) -> Tensor:
    """What `values` leave of the pull, in the grid's scratch too; 0 in cells that are not unknown."""
    return _apply(grid, values).neg_().add_(pull).mul_(grid.inside)


def _sum_neighbours(values: Tensor) -> Tensor:
    total = functional.pad(values[..., :-1, :], (0, 0, 1, 0))
    total[..., :-1, :] += values[..., 1:, :]
    total[..., :, 1:] += values[..., :, :-1]
    total[..., :, :-1] += values[..., :, 1:]
    return total


def _restrict(values: Tensor) -> Tensor:
    """Half the size (rounded up), the adjoint of `_prolong`: weights 1 3 3 1 over 4 on each axis."""
    height, width = values.shape[-2:]
    if height % 2 or width % 2:
        values = functional.pad(values, (0, width % 2, 0, height % 2))
    return _restrict_rows(_restrict_rows(values).mT).mT


def _restrict_rows(values: Tensor) -> Tensor:
    even, odd = values[..., 0::2], values[..., 1::2]
    total = 0.75 * (even + odd)
    total[..., :-1].add_(even[..., 1:], alpha=0.25)
    total[..., 1:].add_(odd[..., :-1], alpha=0.25)
    total[..., :1].add_(even[..., :1], alpha=0.25)
    total[..., -1:].add_(odd[..., -1:], alpha=0.25)
    return total


def _prolong(values: Tensor, grid: _Grid) -> Tensor:
    height, width = grid.inside.shape
    wide = functional.interpolate(values.unsqueeze(1), scale_factor=2, mode="bilinear", align_corners=False)
    return wide[:, 0, :height, :width] * grid.inside


def _build_grids(inside: Tensor, channels: int) -> list[_Grid]:
    """All levels, finest first, down to one cell.

    A coarse cell joins 2 x 2 cells and is unknown where one of them is. The edges between two coarse cells are added
    and halved, since the way is twice as long. The rim lies one pixel beyond the last unknown one, which on level k is
    1/2 + 1/2^(k+1) cells from the coarse cell's middle; its edges are weighed by that distance.
    """
    unknown = inside.float()
    neighbours = functional.pad(torch.ones_like(unknown), (1, 1, 1, 1))
    joined = neighbours[1:-1, :-2] + neighbours[1:-1, 2:] + neighbours[:-2, 1:-1] + neighbours[2:, 1:-1]
    across, down = unknown[:, 1:] * unknown[:, :-1], unknown[1:] * unknown[:-1]
    rim = unknown * joined - _sum_neighbours(unknown) * unknown
    grids = [_grid(unknown, across, down, rim, channels, finest=True)]
    while max(unknown.shape) > 1:
        distance, level = 0.5 + 0.5 ** len(grids), len(grids)
        further = 0.5 + 0.5 ** (level + 1)
        unknown, across, down, rim = _halve(unknown, across, down, rim, distance / further / 2)
        grids.append(_grid(unknown, across, down, rim, channels))
    return grids


def _grid(unknown: Tensor, across: Tensor, down: Tensor, rim: Tensor, channels: int, *, finest: bool = False) -> _Grid:
    diagonal = rim.clone()
    diagonal[:, 1:] += across
    diagonal[:, :-1] += across
    diagonal[1:] += down
    diagonal[:-1] += down
    inverse = torch.where(diagonal > 0, 1 / diagonal.clamp_min(TINY), 0)
    scratch = unknown.new_empty((channels, *unknown.shape))
    return _Grid(unknown, diagonal, inverse, None if finest else across, None if finest else down, scratch)


def _halve(
    unknown: Tensor, across: Tensor, down: Tensor, rim: Tensor, rim_share: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    height, width = unknown.shape
    odd_rows, odd_columns = height % 2, width % 2
    coarse = functional.max_pool2d(functional.pad(unknown, (0, odd_columns, 0, odd_rows)).unsqueeze(0), 2)[0]
    rims = functional.pad(rim, (0, odd_columns, 0, odd_rows)).unsqueeze(0)
    coarse_rim = functional.avg_pool2d(rims, 2)[0] * (4 * rim_share)
    between = _with_zeros(across[:, 1::2], odd_rows, 0)
    beneath = _with_zeros(down[1::2], 0, odd_columns)
    across, down = (between[0::2] + between[1::2]) / 2, (beneath[:, 0::2] + beneath[:, 1::2]) / 2
    return coarse, across, down, coarse_rim


def _with_zeros(plane: Tensor, rows: int, columns: int) -> Tensor:
    """The plane with so many more rows and columns; it may be empty, which torch before 2.2 does not pad."""
    wide = plane.new_zeros((plane.shape[0] + rows, plane.shape[1] + columns))
    wide[: plane.shape[0], : plane.shape[1]] = plane
    return wide

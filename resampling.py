"""Planes at another size: antialiased resize, parts of it, and the way back.

All functions take planes ``[B,C,H,W]``, compute in float32, align pixel centres and treat what lies beyond the frame as
the nearest pixel of the frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

LANCZOS_LOBES = 3
# How much restoring prefers the plain reduction to the exact inverse. Enlarged by a mere 1 %, the exact one strengthens
# the finest grain that a model adds 1.6 times, this one 1.3 times; a photo comes back with 54 dB instead of 137.
RESTORING_CAUTION = 0.03
WEIGHT_ROWS = 128
# What lies farther off, in px of the result, has less than 1e-5 to say in undoing an enlargement by 0.1 %, and less
# than 1e-11 in undoing one by 0.5 % or more.
INVERSE_REACH = 64

_solve = cast("Callable[..., Tensor]", torch.linalg.solve)  # torch leaves it untyped


def resize_planes(planes: Tensor, height: int, width: int) -> Tensor:
    """The planes at another size: Lanczos (three lobes), antialiased when shrinking, pixel centres aligned.

    Constant planes stay constant. Values may overshoot by some per cent at sharp edges; the caller clamps where it
    must, because HDR values pass. Duchon, "Lanczos Filtering in One and Two Dimensions" (1979).
    """
    rows, columns = planes.shape[-2:]
    if (rows, columns) == (height, width):
        return planes.float()
    return _apply(planes, _lanczos_weights(height, rows), _lanczos_weights(width, columns))


def restore_planes(
    planes: Tensor, height: int, width: int, *, rows: slice = slice(None), columns: slice = slice(None),
    shift: tuple[float, float] = (0.0, 0.0), zoom: float = 1.0,
) -> Tensor:  # fmt: skip
    """The planes of ``height x width`` whose `resize_planes` comes nearest to `planes`: undoes an enlargement.

    Per axis the least-squares inverse where `planes` is the larger one, held near the plain reduction (Tikhonov) by
    `RESTORING_CAUTION`; where it is the smaller one, what was lost stays lost and the axis is simply enlarged. Unser,
    Aldroubi, Eden, "Enlargement or reduction of digital images with minimum loss of information" (1995).

    rows, columns: the part of the result that is wanted. shift (x, y in px of `planes`), zoom: the planes show
    everything zoomed about their middle and then shifted; that is undone in the same step. What then comes from beyond
    the planes is their border, repeated.
    """
    source_rows, source_columns = planes.shape[-2:]
    moved = shift != (0.0, 0.0) or zoom != 1
    if (source_rows, source_columns) == (height, width) and not moved:
        return planes[..., rows, columns].float()
    weights = _moved_weights if moved else _unmoved_weights
    down, across = weights(height, source_rows, shift[1], zoom), weights(width, source_columns, shift[0], zoom)
    return _apply(planes, down[rows], across[columns])


def resize_part(planes: Tensor, box: tuple[float, float, float, float], height: int, width: int) -> Tensor:
    """The part x0 y0 x1 y1 of the planes, fractions of pixels included, at another size, as `resize_planes` does it.

    Looks at the pixels around the part too; beyond the frame the border pixels go on. Costs what the part costs.
    """
    rows, columns = planes.shape[-2:]
    down, first, last = _part_weights(height, box[1], box[3], rows)
    across, left, right = _part_weights(width, box[0], box[2], columns)
    return _apply(planes[..., first:last, left:right], down, across)


def _part_weights(size: int, start: float, stop: float, limit: int) -> tuple[Tensor, int, int]:
    """The matrix that resamples start..stop of an axis to `size`, and which of its pixels it needs."""
    scale = (stop - start) / size
    reach = max(1.0, scale)
    low, high = math.floor(start - LANCZOS_LOBES * reach), math.ceil(stop + LANCZOS_LOBES * reach)
    centres = start + (torch.arange(size, dtype=torch.float64) + 0.5) * scale
    weights = _lanczos(torch.arange(low, high, dtype=torch.float64) + 0.5 - centres.unsqueeze(1), reach)
    first, last = min(max(low, 0), limit - 1), max(min(high, limit), 1)
    places = torch.arange(low, high).clamp(first, last - 1) - first
    summed = torch.zeros(size, last - first, dtype=torch.float64).index_add_(1, places, weights)
    return summed.float(), first, last


def _apply(planes: Tensor, down: Tensor, across: Tensor) -> Tensor:
    if planes.device.type != "cpu":
        return _apply_rows(_apply_rows(planes.float(), down).mT, across).mT
    # One plane after the other, so that what lies between the two axes stays small.
    result = torch.empty((*planes.shape[:-2], len(down), len(across)))
    for place, plane in zip(result.flatten(0, -3), planes.flatten(0, -3), strict=True):
        place.copy_(_apply_rows(_apply_rows(plane.float(), down).mT, across).mT)
    return result


def _apply_rows(planes: Tensor, weights: Tensor) -> Tensor:
    """The matrix ``[size, source]`` times the rows of the planes ``[..,source,w]``.

    Block by block: each looks at near rows only, which spares nearly all of the work where a side is long.
    """
    result = planes.new_empty((*planes.shape[:-2], len(weights), planes.shape[-1]))
    for first in range(0, len(weights), WEIGHT_ROWS):
        block = weights[first : first + WEIGHT_ROWS]
        used = (block != 0).any(0).nonzero()
        seen = slice(int(used[0]), int(used[-1]) + 1)
        result[..., first : first + WEIGHT_ROWS, :] = block[:, seen].to(planes.device) @ planes[..., seen, :]
    return result


def _lanczos_weights(size: int, source: int) -> Tensor:
    """The matrix ``[size, source]`` that resamples one axis; every row sums to 1."""
    return _lanczos_rows(size, source, torch.float32)


def _lanczos_rows(size: int, source: int, dtype: torch.dtype = torch.float64) -> Tensor:
    scale = source / size
    return _weights_at((torch.arange(size, dtype=torch.float64) + 0.5) * scale, source, scale, dtype)


def _weights_at(centres: Tensor, source: int, scale: float, dtype: torch.dtype = torch.float64) -> Tensor:
    """The matrix that samples an axis of `source` pixels at the centres, pixels of the result being `scale` wide."""
    reach = max(1.0, scale)
    result = torch.zeros((len(centres), source), dtype=dtype)
    for first in range(0, len(centres), WEIGHT_ROWS):  # block by block: rows have few places, and all near each other
        block = centres[first : first + WEIGHT_ROWS]
        low = max(math.floor(float(block.amin()) - LANCZOS_LOBES * reach), 0)
        high = min(math.ceil(float(block.amax()) + LANCZOS_LOBES * reach), source)
        places = torch.arange(low, high, dtype=torch.float64) + 0.5
        result[first : first + WEIGHT_ROWS, low:high] = _lanczos(places - block.unsqueeze(1), reach)
    return result


def _lanczos(offsets: Tensor, reach: float) -> Tensor:
    """The kernel at these offsets from each centre, ``[size, source]``; every row sums to 1."""
    distances = offsets / reach
    weights = torch.sinc(distances) * torch.sinc(distances / LANCZOS_LOBES) * (distances.abs() < LANCZOS_LOBES)
    return weights / weights.sum(1, keepdim=True)


def _unmoved_weights(size: int, source: int, _shift: float, _zoom: float) -> Tensor:
    if source <= size:
        return _lanczos_weights(size, source)
    return _inverse(_lanczos_rows(source, size), _lanczos_rows(size, source), source / size)


def _moved_weights(size: int, source: int, shift: float, zoom: float) -> Tensor:
    """The matrix ``[size, source]`` that undoes a zoom about the middle, a shift and an enlargement of one axis."""
    middle, scale = source / 2, source / size
    places = middle + zoom * ((torch.arange(size, dtype=torch.float64) + 0.5) * scale - middle) + shift
    places = places.clamp(0.5, source - 0.5)
    if source <= size:
        return _weights_at(places, source, scale * zoom, torch.float32)
    seen = (middle + (torch.arange(source, dtype=torch.float64) + 0.5 - shift - middle) / zoom) / scale
    inside = (seen >= 0) & (seen <= size)  # what the planes show from beyond the result's edge tells nothing of it
    enlarging = _weights_at(seen.clamp(0, size), size, 1 / (scale * zoom)) * inside.unsqueeze(1)
    return _inverse(enlarging, _weights_at(places, source, scale * zoom), scale)


def _inverse(enlarging: Tensor, reducing: Tensor, scale: float) -> Tensor:
    """The matrix that undoes `enlarging`; both, ``[source, size]`` and ``[size, source]``, join near pixels only.

    So does the result, and blocks of its rows are solved for each from its own neighbourhood.
    """
    caution = RESTORING_CAUTION * scale  # the square matrix below grows with the scale
    size, source = reducing.shape
    result = torch.zeros(size, source)
    for first in range(0, size, WEIGHT_ROWS):
        last = min(first + WEIGHT_ROWS, size)
        near = slice(max(first - INVERSE_REACH, 0), min(last + INVERSE_REACH, size))
        used = ((enlarging[:, near] != 0).any(1) | (reducing[near] != 0).any(0)).nonzero()
        seen = slice(int(used[0]), int(used[-1]) + 1)
        part = enlarging[seen, near]
        square = part.T @ part + caution * torch.eye(part.shape[1], dtype=torch.float64)
        solved = _solve(square, part.T + caution * reducing[near, seen])
        result[first:last, seen] = solved[first - near.start : last - near.start].float()
    return result

"""Masks grown, shrunk, feathered and combined; soft values stay soft values throughout."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import GAUSSIAN_REACH, gaussian_blur
from ..tensors import (
    RangeError,
    ShapeError,
    as_mask,
    check_name,
    check_range,
    is_host_empty_mask,
    match_batch,
    resize_mask,
)

GROW_LIMIT_PX = 512
FEATHER_SIDES = ("centred", "inside", "outside")
GROW_SHAPES = ("round", "square")
# A feather `f` px wide is a Gaussian of sigma f / 4: it runs from 2.3 % to 97.7 % (two sigma either side) over f px.
FEATHER_SIGMAS = 4.0
# What a Fourier transform in float32 leaves of a 0 or a 1; smaller differences from them are none.
ROUNDING = 1e-6

Combine = Callable[[Tensor, Tensor], Tensor]
COMBINE_OPERATIONS: dict[str, Combine] = {
    "union": torch.maximum,
    "intersect": torch.minimum,
    "subtract": lambda first, second: torch.minimum(first, 1 - second),
    "xor": lambda first, second: torch.maximum(torch.minimum(first, 1 - second), torch.minimum(1 - first, second)),
    "max": torch.maximum,
    "min": torch.minimum,
    "product": torch.mul,
    "probabilistic sum": lambda first, second: first + second - first * second,
    "weighted average": torch.add,
    "exclude": lambda first, second: first * (1 - second),
}
"""Zadeh's fuzzy set algebra: on hard masks plain logic, on soft masks the value of the stronger claim. Product,
probabilistic sum and exclude take values for independent coverages. A weighted average adds weighted masks.
"""
AVERAGE = "weighted average"


def grow_mask(mask: Tensor, radius_px: float, *, shape: str = "round") -> Tensor:
    """The mask ``[B,H,W]``, in its dtype, grown by `radius_px` (shrunk where negative); 0 gives it back unchanged.

    Grey dilation: each value spreads `radius_px` far, so a soft edge moves outwards and keeps its profile. shape:
    "round" (Euclidean distance) or "square". Fractions of a pixel count: a pixel just beyond the whole radius takes the
    fraction of the value. What lies beyond the frame neither grows in nor eats away. Raises `RangeError` beyond
    512 px, `UnknownName` for another shape.
    """
    mask = as_mask(mask)
    check_range("grow", radius_px, -GROW_LIMIT_PX, GROW_LIMIT_PX)
    check_name("Shape", shape, GROW_SHAPES)
    if radius_px == 0:
        return mask
    # Shrinking is growing the complement (erosion by duality).
    values = mask.float() if radius_px > 0 else 1 - mask.float()
    grown = _within_reach(values, abs(radius_px), shape)
    return (grown if radius_px > 0 else 1 - grown).to(mask.dtype)


def feather_mask(mask: Tensor, width_px: float, *, side: str = "centred") -> Tensor:
    """The mask ``[B,H,W]``, in its dtype, with an edge that runs softly over `width_px`; 0 gives it back unchanged.

    side: "centred" (the 0.5 line of a straight edge stays put), "inside" (never exceeds the mask) or "outside" (never
    falls below it). Raises `RangeError` beyond 0..512 px, `UnknownName` for another side.
    """
    mask = as_mask(mask)
    check_range("feather", width_px, 0, GROW_LIMIT_PX)
    check_name("Side", side, FEATHER_SIDES)
    if width_px == 0:
        return mask
    values = mask.float()
    shifted = values if side == "centred" else grow_mask(values, width_px / 2 if side == "outside" else -width_px / 2)
    soft = _blur(shifted, width_px / FEATHER_SIGMAS)
    if side == "inside":
        soft = torch.minimum(soft, values)
    elif side == "outside":
        soft = torch.maximum(soft, values)
    return soft.to(mask.dtype)


def combine_masks(
    masks: Sequence[Tensor], operation: str, *, invert: Sequence[bool] = (), weights: Sequence[float] = (),
    resize: bool = False,
) -> Tensor:  # fmt: skip
    """One mask ``[B,H,W]``, float32: the operation applied from the first mask to the last.

    "subtract" and "exclude" take every further mask away from the first. A host's 64x64 zero mask counts as empty at
    any size. invert: per mask, whether 1 - mask is meant; missing ones are not. weights: per mask, for the weighted
    average; missing ones are 1. resize: bring other sizes to the first mask's; otherwise they raise `ShapeError`.
    Batches 1 and N go together. Raises `RangeError` for weights that are negative or all 0.
    """
    check_name("Operation", operation, COMBINE_OPERATIONS)
    planes = [as_mask(mask, f"mask {number}").float() for number, mask in enumerate(masks, start=1)]
    reference = next((plane for plane in planes if not is_host_empty_mask(plane)), planes[0])
    height, width = reference.shape[1:]
    fitted = [_fit(plane.to(reference.device), height, width, resize) for plane in planes]
    turned = [1 - plane if index < len(invert) and invert[index] else plane for index, plane in enumerate(fitted)]
    if operation == AVERAGE:
        turned = [plane * share for plane, share in zip(turned, _shares(weights, len(turned)), strict=True)]
    combined, *rest = match_batch(turned, [f"mask {number}" for number in range(1, len(turned) + 1)])
    for plane in rest:
        combined = COMBINE_OPERATIONS[operation](combined, plane)
    return combined


def _shares(weights: Sequence[float], count: int) -> list[float]:
    given = [*weights, *[1.0] * count][:count]
    if min(given) < 0 or sum(given) <= 0:
        raise RangeError(f"the weights are {', '.join(map(str, given))}; give none below 0 and one above.")
    return [weight / sum(given) for weight in given]


def _fit(mask: Tensor, height: int, width: int, resize: bool) -> Tensor:
    if tuple(mask.shape[1:]) == (height, width):
        return mask
    if is_host_empty_mask(mask):
        return mask.new_zeros((mask.shape[0], height, width))
    if not resize:
        raise ShapeError(
            f"the masks are {width}x{height} and {mask.shape[2]}x{mask.shape[1]}; choose size = 'resize to first', "
            "or give masks of one size."
        )
    return resize_mask(mask, height, width)


def _within_reach(values: Tensor, radius: float, shape: str) -> Tensor:
    """The largest value within `radius` of each pixel; work is confined to the part of the frame that can change."""
    reach = math.floor(radius) + 1
    window = _busy_window(values, reach)
    if window is None:
        return values
    part = values[:, window[0] : window[1], window[2] : window[3]]
    spread = _spread_square(part, radius) if shape == "square" else _spread_round(part, radius)
    grown = values.clone()
    grown[:, window[0] : window[1], window[2] : window[3]] = torch.maximum(part, spread)
    return grown


def _busy_window(values: Tensor, reach: int) -> tuple[int, int, int, int] | None:
    """Rows and columns that hold the values above 0 of any picture of the batch, `reach` wider; None if all are 0."""
    rows = values.amax(dim=(0, 2)).nonzero().flatten()
    columns = values.amax(dim=(0, 1)).nonzero().flatten()
    if not len(rows):
        return None
    height, width = values.shape[1:]
    return (
        max(0, int(rows[0]) - reach), min(height, int(rows[-1]) + 1 + reach),
        max(0, int(columns[0]) - reach), min(width, int(columns[-1]) + 1 + reach),
    )  # fmt: skip


def _blur(values: Tensor, sigma_px: float) -> Tensor:
    window = _busy_window(values, math.ceil(GAUSSIAN_REACH * sigma_px))
    if window is None:
        return values
    part = values[:, window[0] : window[1], window[2] : window[3]]
    soft = gaussian_blur(part.unsqueeze(1), sigma_px).squeeze(1)
    soft = torch.where(soft < ROUNDING, 0, torch.where(soft > 1 - ROUNDING, 1, soft))
    blurred = values.clone()
    blurred[:, window[0] : window[1], window[2] : window[3]] = soft
    return blurred


def _spread_round(values: Tensor, radius: float) -> Tensor:
    """Largest value on a disk: per row offset the largest on the disk's chord, whose ends count by their fraction."""
    reach = math.floor(radius) + 1
    spans = _Spans(values, reach)
    result = values
    for down in range(-reach, reach + 1):
        # A pixel at distance d counts fully up to `radius` and fades to nothing over the next pixel.
        if abs(down) <= radius:
            half = math.sqrt(radius * radius - down * down)
            row = spans.chord(half)
        else:
            row = values * (radius + 1 - abs(down))
        result = torch.maximum(result, _shift_rows(row, down))
    return result


def _spread_square(values: Tensor, radius: float) -> Tensor:
    across = _Spans(values, math.floor(radius) + 1).chord(radius)
    return _Spans(across.mT, math.floor(radius) + 1).chord(radius).mT


class _Spans:
    """Maxima over spans of 1, 2, 4, ... pixels along the rows, from which that over any span is two look-ups.

    The "sparse table" of range-minimum queries (Bender & Farach-Colton 2000); pixels beyond the frame count as 0.
    """

    def __init__(self, values: Tensor, reach: int) -> None:
        self.width = values.shape[-1]
        self.reach = reach
        self.tables = [functional.pad(values, (reach, reach))]
        while 2 ** len(self.tables) <= 2 * reach + 1:
            table, step = self.tables[-1], 2 ** (len(self.tables) - 1)
            self.tables.append(torch.maximum(table[..., : table.shape[-1] - step], table[..., step:]))

    def chord(self, half: float) -> Tensor:
        """For each pixel the largest value up to `half` pixels to its left and right, the ends by their fraction."""
        whole = math.floor(half)
        length = 2 * whole + 1
        level = length.bit_length() - 1
        first = self.reach - whole
        table = self.tables[level]
        chord = torch.maximum(self._at(table, first), self._at(table, first + length - 2**level))
        fraction = half - whole
        if fraction == 0:
            return chord
        ends = torch.maximum(self._at(self.tables[0], first - 1), self._at(self.tables[0], first + length))
        return torch.maximum(chord, ends * fraction)

    def _at(self, table: Tensor, start: int) -> Tensor:
        return table[..., start : start + self.width]


def _shift_rows(plane: Tensor, down: int) -> Tensor:
    """The plane moved down by `down` rows (up where negative), zeros moving in."""
    height = plane.shape[-2]
    if abs(down) >= height:
        return torch.zeros_like(plane)
    return functional.pad(plane, (0, 0, down, -down))

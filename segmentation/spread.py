"""Grey dilation: every value of a mask spread over a disk, square, diamond or a shape of another reach per side.

Up to its reach a value counts fully, over one more pixel it loses 1: grey dilation by a shape with a sloping rim
(Sternberg, "Grayscale morphology", 1986), so that growing and shrinking keep the laws of mathematical morphology.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

# How far a row of the shape reaches to one side, from how far down the row lies, the reach downwards and to that side.
_CHORDS: dict[str, Callable[[float, float, float], float]] = {
    "round": lambda down, far, side: math.sqrt(far * far - down * down) * (side / far),
    "square": lambda down, far, side: side,
    "diamond": lambda down, far, side: (far - down) * (side / far),
}
SHAPES = tuple(_CHORDS)
# The work is done in tiles that stay in a processor's cache with all that is made of them on the way.
TILE_PX = 384


@dataclass(frozen=True)
class Reach:
    """How far values spread to each side, in pixels."""

    left: float
    right: float
    top: float
    bottom: float

    @property
    def even(self) -> bool:
        """Whether all sides are the same."""
        return self.left == self.right == self.top == self.bottom

    def turned(self) -> Reach:
        """The same with the sides exchanged, left with right and top with bottom."""
        return Reach(self.right, self.left, self.bottom, self.top)

    @property
    def farthest(self) -> int:
        """A whole number of pixels beyond which nothing spreads."""
        return math.floor(max(self.left, self.right, self.top, self.bottom)) + 1


def spread_values(plane: Tensor, reach: Reach, shape: str, *, rim: bool = True) -> Tensor:
    """For each pixel of ``[H,W]``, float32, the largest value that spreads to it.

    shape: "round" (an ellipse quarter per side, a disk where the sides are even), "diamond" or "square". A pixel just
    beyond the reach takes the value less the fraction of a pixel that it lies beyond. Nothing comes from beyond the
    frame. rim: False leaves that pixel of an even disk out.
    """
    height, width = plane.shape
    halo, result = reach.farthest, plane.clone()
    side = max(TILE_PX, 4 * halo)
    for top in range(0, height, side):
        for left in range(0, width, side):
            rows = slice(max(0, top - halo), min(height, top + side + halo))
            columns = slice(max(0, left - halo), min(width, left + side + halo))
            part = plane[rows, columns]
            if part.amin() < part.amax():
                spread = _spread(part, reach, shape, rim)
                inside = spread[top - rows.start :, left - columns.start :][:side, :side]
                here = result[top : top + side, left : left + side]
                torch.maximum(here, inside, out=here)
    return result


def _spread(values: Tensor, reach: Reach, shape: str, rim: bool) -> Tensor:
    if shape == "square":
        return _spread_square(values, reach)
    if shape == "round" and reach.even:
        return _spread_disk(values, reach.left, rim)
    return _spread_rows(values, reach, _CHORDS[shape])


def _spread_disk(values: Tensor, radius: float, rim: bool) -> Tensor:
    """Per row of the disk the largest value on its whole chord, and each pixel of the rim by itself."""
    reach = math.floor(radius) + 1
    spans = _Spans(values, reach)
    result = values
    for down in range(-reach, reach + 1):
        span = math.isqrt(max(0, math.floor(radius * radius) - down * down)) if abs(down) <= radius else -1
        if span >= 0:
            result = torch.maximum(result, _shift_rows(spans.chord(span, span), down))
        for across in range(span + 1, reach + 1) if rim else ():
            beyond = math.hypot(down, across) - radius
            if beyond < 1:
                ends = spans.pair(across) if across else values
                result = torch.maximum(result, _shift_rows(ends - beyond, down))
    return result


def _spread_rows(values: Tensor, reach: Reach, chord: Callable[[float, float, float], float]) -> Tensor:
    """Per row of the shape the largest value on its chord, whose ends count by their fraction."""
    spans = _Spans(values, reach.farthest)
    result = values
    for down in range(-math.floor(reach.top) - 1, math.floor(reach.bottom) + 2):
        far = reach.bottom if down > 0 else reach.top
        if abs(down) <= far:
            sides = (reach.left, reach.right)
            row = spans.chord(*(chord(abs(down), far, side) if far else side for side in sides))
        else:
            row = values - (abs(down) - far)
        result = torch.maximum(result, _shift_rows(row, down))
    return result


def _spread_square(values: Tensor, reach: Reach) -> Tensor:
    across = _Spans(values, reach.farthest).chord(reach.left, reach.right)
    return _Spans(across.mT, reach.farthest).chord(reach.top, reach.bottom).mT


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

    def chord(self, before: float, after: float) -> Tensor:
        """For each pixel the largest value that reaches it, `before` pixels leftwards and `after` rightwards."""
        # A value that spreads to the left comes from the right of the pixel that it reaches.
        whole_left, whole_right = math.floor(after), math.floor(before)
        length = whole_left + whole_right + 1
        level = length.bit_length() - 1
        first = self.reach - whole_left
        table = self.tables[level]
        chord = torch.maximum(self._at(table, first), self._at(table, first + length - 2**level))
        for fraction, at in ((after - whole_left, first - 1), (before - whole_right, first + length)):
            if fraction > 0:
                chord = torch.maximum(chord, self._at(self.tables[0], at) - (1 - fraction))
        return chord

    def pair(self, across: int) -> Tensor:
        """For each pixel the larger of the values `across` pixels to its left and right."""
        return torch.maximum(
            self._at(self.tables[0], self.reach - across), self._at(self.tables[0], self.reach + across)
        )

    def _at(self, table: Tensor, start: int) -> Tensor:
        return table[..., start : start + self.width]


def _shift_rows(plane: Tensor, down: int) -> Tensor:
    """The plane moved down by `down` rows (up where negative), zeros moving in."""
    height = plane.shape[-2]
    if abs(down) >= height:
        return torch.zeros_like(plane)
    return functional.pad(plane, (0, 0, down, -down))

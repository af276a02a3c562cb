"""The matting Laplacian of a picture's 3 x 3 windows, on the pixels of a band only, and the solver that stands on it.

A. Levin, D. Lischinski, Y. Weiss, "A Closed-Form Solution to Natural Image Matting" (2008), equation 12. The band's
pixels lie in one vector, run after run of its rows; so a step along a row is a step along the vector, and only steps
from row to row are looked up. Work and memory follow the band, not the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

# A row of the Laplacian reaches two pixels far, since two pixels of a 3 x 3 window lie at most that far apart.
REACH = 2
WINDOW = 9
# Half of the symmetric Laplacian's other diagonals: steps (down, across) to the pixels that come later in the vector.
STEPS = ((0, 1), (0, 2), *((down, across) for down in (1, 2) for across in range(-REACH, REACH + 1)))
# Keeps a division by the energy of a system that is already solved at 0.
TINY = 1e-30
# How often the solver looks whether it is done; a look makes a GPU wait.
LOOK_EVERY = 5


@dataclass(frozen=True)
class Band:
    """Pixels of a plane ``[H,W]`` in one vector ``[N]``: the unknown ones and all that their windows see.

    pixels: their flat indices, ascending. unknown: bool. middles: 1 where a window's middle is, else 0. above, below:
    for 1 and 2 rows up and down the place in the vector of the pixel there, N where the band has none.
    """

    height: int
    width: int
    pixels: Tensor
    unknown: Tensor
    middles: Tensor
    above: tuple[Tensor, ...]
    below: tuple[Tensor, ...]

    @staticmethod
    def around(unknown: Tensor) -> Band:
        """The band of the unknown pixels, bool ``[H,W]``, at least one of them."""
        height, width = unknown.shape
        middles = _widen(unknown)
        region = _widen(middles)
        pixels = region.flatten().nonzero().flatten()
        places = torch.full((height + 2 * REACH, width), len(pixels), dtype=torch.int64, device=unknown.device)
        places[REACH : REACH + height].view(-1)[pixels] = torch.arange(len(pixels), device=unknown.device)
        flat = places.flatten()
        above = tuple(flat[pixels + (REACH - step) * width] for step in (1, 2))
        below = tuple(flat[pixels + (REACH + step) * width] for step in (1, 2))
        middles[0], middles[-1], middles[:, 0], middles[:, -1] = False, False, False, False
        return Band(height, width, pixels, unknown.flatten()[pixels], middles.flatten()[pixels].float(), above, below)

    def take(self, plane: Tensor) -> Tensor:
        """The values of a plane ``[...,H,W]`` at the band's pixels, ``[...,N]``."""
        return plane.flatten(-2)[..., self.pixels]


def _widen(region: Tensor) -> Tensor:
    """The region with the eight neighbours of each pixel."""
    rows = region.clone()
    rows[1:] |= region[:-1]
    rows[:-1] |= region[1:]
    wide = rows.clone()
    wide[:, 1:] |= rows[:, :-1]
    wide[:, :-1] |= rows[:, 1:]
    return wide


def _look(values: Tensor, places: Tensor) -> Tensor:
    """The values ``[...,N]`` at places of the vector, 0 where the place is N."""
    return functional.pad(values, (0, 1)).index_select(-1, places)


@dataclass(frozen=True)
class Laplacian:
    """A symmetric matrix over a band: its diagonal ``[N]`` and what joins each pixel with those `STEPS` ahead."""

    band: Band
    diagonal: Tensor
    ahead: Tensor

    def apply(self, values: Tensor) -> Tensor:
        """The matrix times a vector ``[N]``."""
        result = self.diagonal * values
        for row in range(REACH + 1):
            steps = [(number, across) for number, (down, across) in enumerate(STEPS) if down == row]
            there = values if row == 0 else _look(values, self.band.below[row - 1])
            back = result if row == 0 else torch.zeros_like(values)
            for number, across in steps:
                near, far = _shifted(len(values), across)
                weight = self.ahead[number][near]
                result[near].addcmul_(weight, there[far])
                back[far].addcmul_(weight, values[near])
            if row:
                result += _look(back, self.band.above[row - 1])
        return result

    def among_unknown(self, pull: Tensor) -> Laplacian:
        """The matrix with the rows and columns of known pixels set to 0, and `pull` ``[N]`` added to its diagonal."""
        keep = self.band.unknown.float()
        ahead = self.ahead.clone()
        for number, (down, across) in enumerate(STEPS):
            there = keep if down == 0 else _look(keep, self.band.below[down - 1])
            near, far = _shifted(len(keep), across)
            ahead[number][near] *= keep[near] * there[far]
        return Laplacian(self.band, self.diagonal * keep + pull, ahead)


def _shifted(length: int, across: int) -> tuple[slice, slice]:
    """Where both ends of a step along the vector lie inside it: the near ends and the far ends."""
    low, high = max(0, -across), length - max(0, across)
    return slice(low, high), slice(low + across, high + across)


def matting_laplacian(band: Band, colours: Tensor, epsilon: float) -> Laplacian:
    """The matting Laplacian on the band of a picture ``[3,H,W]``; right in the rows of unknown pixels.

    epsilon: variance of colour (of 0..1) that a window is given besides its own. Windows lie wholly inside the frame.
    """
    vectors = _window_vectors(band, band.take(colours), epsilon)
    diagonal = torch.zeros_like(band.middles)
    ahead = diagonal.new_zeros((len(STEPS), len(diagonal)))
    own, others, shared = torch.empty_like(diagonal), torch.empty_like(ahead), torch.empty_like(diagonal)
    for down in range(3):
        # What windows give to the pixels of their upper, middle and lower row, still in the row of their middles.
        own.zero_()
        others.zero_()
        for across in range(3):
            first = 3 * down + across
            middle, pixel = _shifted(len(diagonal), across - 1)
            for second in range(first, WINDOW):
                _inner_product(vectors[first], vectors[second], shared)
                if second == first:
                    own[pixel] += band.middles[middle] - shared[middle]
                else:
                    others[STEPS.index((second // 3 - down, second % 3 - across))][pixel] -= shared[middle]
        diagonal += _from_row(band, own, down)
        for number, other in enumerate(others):
            ahead[number] += _from_row(band, other, down)
    return Laplacian(band, diagonal, ahead)


def _from_row(band: Band, values: Tensor, down: int) -> Tensor:
    """Values of the windows' upper, middle or lower pixels, moved from the row of their middles to their own."""
    return values if down == 1 else _look(values, (band.below if down == 0 else band.above)[0])


def _inner_product(first: Tensor, second: Tensor, out: Tensor) -> None:
    torch.mul(first[0], second[0], out=out)
    for one, other in zip(first[1:], second[1:], strict=True):
        out.addcmul_(one, other)


def _window_vectors(band: Band, here: Tensor, epsilon: float) -> Tensor:
    """Four numbers for each pixel of each window, ``[9,4,N]``, whose products are (1 + c S c') / 9 of the paper.

    c, c': two colours of the window less their mean, S: the inverse of their covariance + epsilon/9. 0 where no window
    is. The columns are made orthogonal (Gram-Schmidt, twice, which is enough: Giraud et al. 2005), with epsilon in
    three more rows, because the inverse of a covariance in float32 may leave a Laplacian that is not positive.
    """
    rows = (_look(here, band.above[0]), here, _look(here, band.below[0]))
    columns = here.new_zeros((3, WINDOW + 3, here.shape[1]))
    for number in range(WINDOW):
        near, far = _shifted(here.shape[1], number % 3 - 1)
        columns[:, number, near] = rows[number // 3][:, far]
    columns[:, :WINDOW] -= columns[:, :WINDOW].mean(1, keepdim=True)
    for channel in range(3):
        columns[channel, WINDOW + channel] = epsilon**0.5
        column = columns[channel]
        for _ in range(2):
            for earlier in columns[:channel]:
                column.addcmul_(earlier, (earlier * column).sum(0), value=-1)
        column /= column.square().sum(0).sqrt_()
    vectors = torch.full((4, WINDOW, here.shape[1]), WINDOW**-0.5, device=here.device)
    vectors[:3] = columns[:, :WINDOW]
    return vectors.mul_(band.middles).transpose(0, 1)


def solve_band(laplacian: Laplacian, right: Tensor, values: Tensor, *, steps: int, tolerance: float) -> Tensor:
    """A vector ``[N]`` that the matrix takes to `right`, by conjugate gradients from `values`, both 0 at known pixels.

    The matrix is `among_unknown`, preconditioned by its diagonal. Ends after so many steps, or once the residual is
    below `tolerance` of the right side.
    """
    inverse = torch.where(laplacian.diagonal > 0, 1 / laplacian.diagonal.clamp_min(TINY), 0)
    residual = right - laplacian.apply(values)
    enough = _length(right) * tolerance
    direction, slope = torch.zeros_like(values), torch.ones((), device=values.device)
    for step in range(steps):
        if step % LOOK_EVERY == 0 and _length(residual) <= enough:
            break
        proposed = residual * inverse
        new_slope = torch.dot(residual, proposed)
        direction = direction.mul_(new_slope / slope.clamp_min(TINY)).add_(proposed) if step else proposed
        slope = new_slope
        image = laplacian.apply(direction)
        length = slope / torch.dot(direction, image).clamp_min(TINY)
        values = values.addcmul(direction, length)
        residual.addcmul_(image, length, value=-1)
    return values


def _length(vector: Tensor) -> float:
    return float(torch.dot(vector, vector)) ** 0.5

"""Profiles of a soft edge, and the blurs that give a straight edge the same profile."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..kernels import GAUSSIAN_REACH, gaussian_blur, radial_blur

# A feather `f` px wide is a Gaussian of sigma f / 4: it runs from 2.3 % to 97.7 % (two sigma either side) over f px.
SIGMAS = 4.0
# What the cut Gaussian lacks at each end; its curve is stretched so that it begins at 0 and ends at 1.
_TAIL = math.erfc(GAUSSIAN_REACH / math.sqrt(2)) / 2


@dataclass(frozen=True)
class Profile:
    """How an edge runs from 1 inside to 0 outside over its width.

    value: of the distance from the edge's middle, in widths, positive outside. reach: where it has become 0 or 1, in
    widths. blur: of planes ``[B,C,H,W]`` over a width in px, alike in all directions, that turns a hard straight edge
    into this one: its transfer is the Fourier transform of the profile's slope (Bracewell's projection-slice theorem,
    1956).
    """

    value: Callable[[Tensor], Tensor]
    reach: float
    blur: Callable[[Tensor, float], Tensor]


def _gaussian(distance: Tensor) -> Tensor:
    tail = (1 - torch.erf(distance * (SIGMAS / math.sqrt(2)))) / 2
    return ((tail - _TAIL) / (1 - 2 * _TAIL)).clamp(0, 1)


def _gaussian_blur(planes: Tensor, width_px: float) -> Tensor:
    return gaussian_blur(planes, width_px / SIGMAS)


def _linear(distance: Tensor) -> Tensor:
    return (0.5 - distance).clamp(0, 1)


def _smoothstep(distance: Tensor) -> Tensor:
    share = _linear(distance)
    return share * share * (3 - 2 * share)


def _linear_blur(planes: Tensor, width_px: float) -> Tensor:
    return radial_blur(planes, lambda cycles: torch.sinc(cycles * width_px), width_px / 2)


def _smoothstep_blur(planes: Tensor, width_px: float) -> Tensor:
    return radial_blur(planes, lambda cycles: _parabola_transfer(cycles * width_px), width_px / 2)


def _parabola_transfer(cycles: Tensor) -> Tensor:
    """3 (sin z - z cos z) / z³, z = pi times the cycles: the transform of a parabola of unit width and area."""
    z = math.pi * cycles.clamp(min=0.01)  # below, the exact formula loses all digits, and 1 - z²/10 is 1 - 1e-4
    curve = 3 * (z.sin() - z * z.cos()) / z**3
    return torch.where(cycles < 0.01, 1 - (math.pi * cycles) ** 2 / 10, curve)


PROFILES: dict[str, Profile] = {
    "gaussian": Profile(_gaussian, GAUSSIAN_REACH / SIGMAS, _gaussian_blur),
    "smoothstep": Profile(_smoothstep, 0.5, _smoothstep_blur),
    "linear": Profile(_linear, 0.5, _linear_blur),
}

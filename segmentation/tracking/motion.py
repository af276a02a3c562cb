"""How what a mask covers has moved from one frame to another: an affine map, found at a reduced size.

Maps are ``theta [K,2,3]`` as `torch.nn.functional.affine_grid` takes them (align_corners=False): from places in the
frame that is looked at to places in the other frame, both from -1 to 1, so that they hold at any size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from ...kernels import gaussian_blur

# From wide to narrow: how much planes are smoothed before they are compared, in px of the reduced size.
SIGMAS_PX = (4.0, 1.5)
STEPS = 8
# A step below this, as a share of the frame's half (a hundredth of a pixel of the reduced size), is the last.
LAST_STEP = 1e-4
# Ridges in units of the mean curvature: shifts are told by every contour, turning and stretching by large ones only.
SHIFT_RIDGE, LINEAR_RIDGE = 1e-4, 2e-3
# No garment turns or stretches by more than this between frames that are looked at together.
MOST_LINEAR = 0.5
# What a frame's own flicker explains of how its contour differs from others, at most: it has a part of all of them.
FLICKER_SHARE = 2.5
# A contour is where the mask's square slope has this share of its largest.
CONTOUR = 0.02
# A shift as near as this to whole pixels, everywhere in the frame, is taken for whole: nothing need be interpolated.
SNAP_PX = 0.1

_solve = cast("Callable[..., Tensor]", torch.linalg.solve)  # torch leaves them untyped
_inverse = cast("Callable[..., Tensor]", torch.linalg.inv)
_rfft2 = cast("Callable[..., Tensor]", torch.fft.rfft2)
_irfft2 = cast("Callable[..., Tensor]", torch.fft.irfft2)


def identity_maps(count: int, device: torch.device) -> Tensor:
    """Maps ``[count,2,3]`` that leave everything where it is."""
    return torch.eye(3, device=device)[:2].expand(count, 2, 3).clone()


def move_planes(planes: Tensor, maps: Tensor) -> Tensor:
    """The planes ``[K,C,h,w]`` as they lie under the maps ``[K,2,3]``; bilinear, the frame's pixels go on beyond it."""
    grid = functional.affine_grid(maps.to(planes), list(planes.shape), align_corners=False)
    return functional.grid_sample(planes, grid, mode="bilinear", padding_mode="border", align_corners=False)


def move_part(plane: Tensor, theta: Tensor, box: tuple[int, int, int, int], height: int, width: int) -> Tensor:
    """The part x0 y0 x1 y1 of what a map ``[2,3]`` makes of a plane ``[h,w]`` at the size ``height x width``."""
    x0, y0, x1, y1 = box
    across = (torch.arange(x0, x1, device=plane.device) + 0.5) * (2 / width) - 1
    down = ((torch.arange(y0, y1, device=plane.device) + 0.5) * (2 / height) - 1).unsqueeze(1)
    rows = cast("list[list[float]]", theta.tolist())
    grid = torch.stack([across * row[0] + down * row[1] + row[2] for row in rows], -1).unsqueeze(0)
    return functional.grid_sample(plane[None, None], grid, "bilinear", "border", align_corners=False)[0, 0]


def part_of_maps(maps: Tensor, share: float) -> Tensor:
    """The maps that go only a share of the way; for small turns, as between frames."""
    still = identity_maps(len(maps), maps.device)
    return still + share * (maps - still)


def inverse_maps(maps: Tensor) -> Tensor:
    """The maps ``[K,2,3]`` of the way back."""
    back: Tensor = _inverse(_whole(maps))
    return back[:, :2]


def snap_map(theta: Tensor, height: int, width: int) -> Tensor | None:
    """The map with a shift of nearly whole pixels made whole; None where it is nearly no move at all."""
    half = torch.tensor([[width / 2], [height / 2]], device=theta.device)
    corners = torch.tensor([[-1.0, 1, -1, 1], [-1, -1, 1, 1], [1, 1, 1, 1]], device=theta.device)
    moves = (theta @ corners - corners[:2]) * half
    whole = moves.mean(1, keepdim=True).round()
    if float((moves - whole).abs().max()) > SNAP_PX:
        return theta
    if not whole.any():
        return None
    return torch.cat([torch.eye(2, device=theta.device), whole / half], 1)


def largest_shift(maps: Tensor, sizes: tuple[int, int]) -> Tensor:
    """How far the middle of the frame moves, in px of a frame of height x width, for each of the maps ``[K]``."""
    half = torch.tensor([sizes[1] / 2, sizes[0] / 2], device=maps.device)
    return (maps[:, :, 2] * half).square().sum(1).sqrt()


def find_shifts(here: Tensor, others: Tensor) -> Tensor:
    """Maps ``[K,2,3]`` of whole pixels under which masks ``[K,h,w]`` overlap most with the mask ``[h,w]``.

    By the peak of the cross-correlation (Fourier transform, padded so that nothing wraps around).
    """
    height, width = here.shape
    size = (2 * height, 2 * width)
    overlap = _irfft2(_rfft2(others, s=size) * _rfft2(here, s=size).conj(), s=size)
    # Of equally good places the middle one: where the mask fills the frame, many are.
    peak = overlap.flatten(1).argmax(1)
    down, across = peak // size[1], peak % size[1]
    down, across = (torch.where(place >= side, place - 2 * side, place) for place, side in
                    ((down, height), (across, width)))  # fmt: skip
    unmoved = overlap[:, 0, 0] >= overlap.flatten(1).amax(1) * (1 - 1e-4)
    maps = identity_maps(len(others), here.device)
    maps[:, 0, 2] = torch.where(unmoved, 0, across) * (2 / width)
    maps[:, 1, 2] = torch.where(unmoved, 0, down) * (2 / height)
    return maps


def refine_maps(here: Tensor, others: Tensor, weights: Tensor, maps: Tensor) -> Tensor:
    """The maps ``[K,2,3]`` near `maps` under which the planes ``[K,C,h,w]`` agree best with ``[C,h,w]``.

    weights: ``[C,h,w]`` or ``[h,w]``, what each place of `here` counts. Inverse compositional Gauss-Newton steps from
    smoothed to finer planes, for all K at once (Baker & Matthews, "Lucas-Kanade 20 Years On", IJCV 2004), with a ridge
    that holds turning and stretching back where the contours do not tell them. Where the steps lead to no better
    agreement, or to a turn or stretch that is none, the map stays as it was.
    """
    start, smooth, moving = maps, here, others
    for sigma in SIGMAS_PX:
        smooth, moving = gaussian_blur(here.unsqueeze(0), sigma)[0], gaussian_blur(others, sigma)
        maps = _descend(smooth, moving, weights, maps)
    before, after = (_misfit(smooth, moving, weights, tried) for tried in (start, maps))
    wild = (maps[:, :, :2] - torch.eye(2, device=maps.device)).abs().amax((1, 2)) > MOST_LINEAR
    return torch.where(((after > before) | wild).view(-1, 1, 1), start, maps)


def _descend(here: Tensor, others: Tensor, weights: Tensor, maps: Tensor) -> Tensor:
    weighted, square = _curvature(here, weights)
    ridge = torch.tensor([LINEAR_RIDGE, LINEAR_RIDGE, SHIFT_RIDGE] * 2, device=here.device)
    square = square + torch.diag(ridge * (square.diagonal().mean() + 1e-12))
    for _ in range(STEPS):
        rest = (move_planes(others, maps) - here).flatten(1)
        steps = _solve(square, weighted @ rest.T).T.view(-1, 2, 3)
        maps = (_whole(maps) @ _inverse(_whole(steps + identity_maps(1, here.device))))[:, :2]
        if float(steps.abs().max()) < LAST_STEP:
            break
    return maps


def settle_maps(here: Tensor, others: Tensor, maps: Tensor, steps: Tensor) -> Tensor:
    """The maps of `refine_maps` without what the flicker of the mask ``[h,w]`` itself moved all of them by.

    others: ``[K,h,w]``. steps: ``[K]``, how many frames away each of them is. What a parabola through the maps has left
    at no steps at all is either a movement of this frame alone or its flicker, on which the others would be laid. It
    is taken for flicker as far as it explains no more than contours differ by anyway (James & Stein 1961).
    """
    away = (maps - identity_maps(1, maps.device)).flatten(1)
    curve = torch.stack([steps**power for power in range(3)], 1)
    own = _solve(curve.T @ curve, curve.T @ away)[0]
    smooth, moving = (gaussian_blur(planes.unsqueeze(1), SIGMAS_PX[-1]) for planes in (here.unsqueeze(0), others))
    slope = _slope(smooth, 3).square() + _slope(smooth, 2).square()
    contour = (slope >= CONTOUR * slope.max()).to(here)[0, 0]
    explained = float(own @ _curvature(smooth[0], torch.ones_like(here))[1] @ own)
    differing = float(_misfit(smooth[0], moving, contour, maps).median())
    flicker = min(1.0, FLICKER_SHARE * differing / max(explained, 1e-12))
    return maps - flicker * own.view(1, 2, 3)


def _curvature(here: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """How the planes ``[C,h,w]`` change with each of a map's six numbers, weighted ``[6,C*h*w]``; and its square."""
    height, width = here.shape[-2:]
    across = (torch.arange(width, device=here.device) + 0.5) * (2 / width) - 1
    down = ((torch.arange(height, device=here.device) + 0.5) * (2 / height) - 1).unsqueeze(1)
    places = (across, down, torch.ones_like(down))
    slopes = (_slope(here, 2) * (width / 2), _slope(here, 1) * (height / 2))
    terms = torch.stack([slope * place for slope in slopes for place in places])
    weighted = (terms * weights).flatten(1)
    return weighted, weighted @ terms.flatten(1).T


def _whole(maps: Tensor) -> Tensor:
    last = torch.tensor([0.0, 0, 1], device=maps.device).expand(len(maps), 1, 3)
    return torch.cat([maps, last], 1)


def _slope(planes: Tensor, axis: int) -> Tensor:
    """Central differences along an axis, 0 at the frame."""
    if planes.shape[axis] < 3:
        return torch.zeros_like(planes)
    inner = (planes.narrow(axis, 2, planes.shape[axis] - 2) - planes.narrow(axis, 0, planes.shape[axis] - 2)) / 2
    pad = (1, 1) if axis == planes.dim() - 1 else (0, 0, 1, 1)
    return functional.pad(inner, pad)


def _misfit(here: Tensor, others: Tensor, weights: Tensor, maps: Tensor) -> Tensor:
    return ((move_planes(others, maps) - here).square() * weights).sum((1, 2, 3))

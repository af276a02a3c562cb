"""Pictures in numbers: colours and histograms of a region, and how far two pictures are apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import gaussian_blur
from ..tensors import as_image
from .views import difference

BINS = 64
# Luma of encoded values (ITU-R BT.601), the one by which SSIM is usually told.
LUMA = (0.299, 0.587, 0.114)
# A difference below half a step of 8 bits is none that a saved picture could show.
VISIBLE = 0.5 / 255
# Of SSIM: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment" (2004).
SSIM_SIGMA_PX, SSIM_K1, SSIM_K2 = 1.5, 0.01, 0.03
# The scale at which its authors advise to compare: the shorter side reduced to about so many px.
SSIM_SIDE_PX = 256


@dataclass(frozen=True)
class Region:
    """The colours of a part of a picture. Means, lowest and highest are of red, green and blue, 0..1.

    share: of the picture. dark, median, light: the luma below which 5, 50 and 95 % lie, as fine as `BINS`. histogram:
    "red", "green", "blue" and "luma", `BINS` shares each from 0 to 1, what lies beyond at the ends.
    """

    share: float
    mean: tuple[float, ...]
    lowest: tuple[float, ...]
    highest: tuple[float, ...]
    dark: float
    median: float
    light: float
    histogram: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Change:
    """How far two pictures are apart, in shares of the full range.

    psnr_db: None where nothing differs. share: of pixels in which a channel differs by more than `VISIBLE`. at: x, y of
    the largest difference.
    """

    psnr_db: float | None
    mean: float
    largest: float
    at: tuple[int, int]
    share: float


def measure_region(image: Tensor, where: Tensor | None = None) -> Region | None:
    """The colours of a picture ``[H,W,C]`` where `where` ``[H,W]`` (bool) is True; None where it nowhere is.

    Colours count as they are, whatever their alpha.
    """
    colours = image[..., :3].float().nan_to_num().reshape(-1, 3)
    chosen = colours if where is None else colours[where.flatten()]
    if not len(chosen):
        return None
    luma = chosen @ torch.tensor(LUMA, device=chosen.device)
    planes = {"red": chosen[:, 0], "green": chosen[:, 1], "blue": chosen[:, 2], "luma": luma}
    histogram = {name: _histogram(values) for name, values in planes.items()}
    dark, median, light = (_level(histogram["luma"], share) for share in (0.05, 0.5, 0.95))
    return Region(
        len(chosen) / len(colours), _numbers(chosen.mean(0)), _numbers(chosen.amin(0)), _numbers(chosen.amax(0)),
        dark, median, light, histogram,
    )  # fmt: skip


def measure_changes(first: Tensor, second: Tensor, parts: Mapping[str, Tensor | None]) -> dict[str, Change]:
    """How far two pictures ``[H,W,C]`` of one size are apart, by `difference`, so that alpha counts.

    parts: by name where to look, bool ``[H,W]``, None for everywhere. Parts without a pixel are left out.
    """
    apart = difference(first.unsqueeze(0), second.unsqueeze(0))[0]
    squares, means, largest = apart.square().mean(-1), apart.mean(-1), apart.amax(-1)
    measured = ((name, _measure_change(squares, means, largest, where)) for name, where in parts.items())
    return {name: change for name, change in measured if change is not None}


def _measure_change(squares: Tensor, means: Tensor, largest: Tensor, where: Tensor | None) -> Change | None:
    counted = largest.numel() if where is None else int(where.sum())
    if not counted:
        return None
    if where is not None:
        squares, means, largest = squares * where, means * where, largest.masked_fill(~where, -1.0)
    square = float(squares.sum()) / counted
    place = int(largest.argmax())
    return Change(
        psnr_db=-10 * math.log10(square) if square > 0 else None,
        mean=float(means.sum()) / counted,
        largest=float(largest.flatten()[place]),
        at=(place % largest.shape[1], place // largest.shape[1]),
        share=float((largest > VISIBLE).sum()) / counted,
    )


def structural_similarity(first: Tensor, second: Tensor, where: Tensor | None = None) -> float:
    """SSIM of two pictures ``[H,W,C]`` of one size, 1 for equal ones: of their luma, averaged over `where`.

    Colours count as seen on black. Wang et al. (2004), with the Gaussian window of that paper, at the scale of
    `SSIM_SIDE_PX`: larger pictures are reduced by a whole number before.
    """
    step = max(1, round(min(first.shape[:2]) / SSIM_SIDE_PX))
    x, y = (_reduced(_luma_on_black(image), step) for image in (first, second))
    planes = torch.stack([x, y, x * x, y * y, x * y]).unsqueeze(0)
    mean_x, mean_y, xx, yy, xy = gaussian_blur(planes, SSIM_SIGMA_PX)[0]
    c1, c2 = SSIM_K1**2, SSIM_K2**2
    variances = (xx - mean_x**2).clamp(min=0) + (yy - mean_y**2).clamp(min=0)
    similar = (2 * mean_x * mean_y + c1) * (2 * (xy - mean_x * mean_y) + c2)
    similar = similar / ((mean_x**2 + mean_y**2 + c1) * (variances + c2))
    if where is None:
        return float(similar.mean())
    weights = _reduced(where.float(), step)
    return float((similar * weights).sum() / weights.sum().clamp(min=1e-6))


def _reduced(plane: Tensor, step: int) -> Tensor:
    return functional.avg_pool2d(plane[None, None], step)[0, 0]


def _luma_on_black(image: Tensor) -> Tensor:
    image = as_image(image)[0]
    colours = image[..., :3].float() * (image[..., 3:].float() if image.shape[-1] == 4 else 1)
    return colours @ torch.tensor(LUMA, device=colours.device)


def _histogram(values: Tensor) -> tuple[float, ...]:
    counts = torch.bincount((values.clamp(0, 1) * BINS).long().clamp(max=BINS - 1), minlength=BINS)
    return _numbers(counts / len(values))


def _numbers(values: Tensor) -> tuple[float, ...]:
    return tuple(cast("list[float]", values.tolist()))


def _level(histogram: tuple[float, ...], share: float) -> float:
    """The middle of the bin up to which so much of a histogram lies."""
    total = 0.0
    for at, part in enumerate(histogram):
        total += part
        if total >= share - 1e-6:
            return (at + 0.5) / len(histogram)
    return 1.0

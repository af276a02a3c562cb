"""Textures like those of photos, and soft masks, for cropping and stitching."""

from __future__ import annotations

import torch

from hemline.blending.align import Move
from hemline.kernels import gaussian_blur
from hemline.segmentation.shape import feather_mask


def photo(height: int, width: int, batch: int = 1, channels: int = 3, seed: int = 0) -> torch.Tensor:
    """A picture with the fine and coarse detail of a photo: noise of several scales."""
    generator = torch.Generator().manual_seed(seed)
    planes = torch.zeros(batch, channels, height, width)
    for sigma, share in ((0.7, 0.35), (3.0, 1.0), (12.0, 3.0)):
        planes = planes + share * (gaussian_blur(torch.rand(planes.shape, generator=generator), sigma) - 0.5) * sigma
    return (planes / (4 * planes.std()) + 0.5).clamp(0, 1).permute(0, 2, 3, 1)


def garment_mask(height: int, width: int, box: tuple[int, int, int, int], batch: int = 1) -> torch.Tensor:
    mask = torch.zeros(batch, height, width)
    x0, y0, x1, y1 = box
    mask[:, y0:y1, x0:x1] = 1
    return feather_mask(mask, 12)


def moved(image: torch.Tensor, move: Move) -> torch.Tensor:
    """The image as a model hands it back that zooms everything about the middle and shifts it; borders are repeated.

    Sampled with a Lanczos kernel of four lobes, another one than any that the package uses.
    """
    weights: list[torch.Tensor] = []
    for size, shift in zip(image.shape[1:3], (move.y, move.x), strict=True):
        pixels, middle = torch.arange(size, dtype=torch.float64), (size - 1) / 2
        places = (middle + (pixels - shift - middle) / move.zoom).clamp(0, size - 1)
        away = (places.unsqueeze(1) - pixels) / max(1.0, 1 / move.zoom)
        taps = torch.sinc(away) * torch.sinc(away / 4) * (away.abs() < 4)
        weights.append((taps / taps.sum(1, keepdim=True)).to(image.dtype))
    return (weights[0] @ image.permute(0, 3, 1, 2) @ weights[1].T).permute(0, 2, 3, 1)

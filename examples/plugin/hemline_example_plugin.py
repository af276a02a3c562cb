"""An example plugin of Hemline: a blend mode, a mask generator and a filter, each one plain function."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def quadratic_mean(backdrop: Tensor, source: Tensor) -> Tensor:
    """The root of the mean square of both colours: never darker than their average."""
    return ((backdrop.square() + source.square()) / 2).sqrt()


def halftone_dots(image: Tensor, *, size: float = 12.0, angle: float = 45.0) -> Tensor:
    """Dots every `size` px on a grid turned by `angle` degrees; the darker the picture, the larger the dot."""
    y, x = (torch.arange(side, device=image.device) + 0.5 for side in image.shape[1:3])
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    across = x[None, :] * cos + y[:, None] * sin
    down = y[:, None] * cos - x[None, :] * sin
    screen = 0.5 + 0.25 * (torch.cos(2 * math.pi * across / size) + torch.cos(2 * math.pi * down / size))
    darkness = 1 - image[..., :3].mean(-1)
    return ((darkness + screen - 1) * size / 2 + 0.5).clamp(0, 1)


def split_tone(image: Tensor, *, warmth: float = 0.2) -> Tensor:
    """Warmer lights and cooler shadows, by `warmth`; alpha stays."""
    lightness = image[..., :3].mean(-1, keepdim=True)
    tint = warmth * (lightness - 0.5) * torch.tensor([1.0, 0.0, -1.0], device=image.device)
    return torch.cat([(image[..., :3] + tint).clamp(0, 1), image[..., 3:]], dim=-1)

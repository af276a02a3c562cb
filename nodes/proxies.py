"""Proxies: what a run hands to a live preview in a browser, small, before and after the node's work."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

PROXY_PX = 768


def proxy_size(height: int, width: int) -> tuple[int, int]:
    """Height and width of a picture's proxy: the same sides' ratio, at most `PROXY_PX` long."""
    scale = min(1.0, PROXY_PX / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def shrink_image(image: Tensor, height: int, width: int, *, premultiplied: bool = False) -> Tensor:
    """The first picture of ``[B,H,W,3|4]`` at ``height x width``, ``[1,height,width,3|4]``, float32, 0..1.

    Each pixel is the mean of those that it covers, straight colours weighed by their alpha. NaN becomes 0.
    """
    planes = image[:1].float().nan_to_num(nan=0.0).clamp(0, 1).movedim(-1, 1)
    if tuple(planes.shape[-2:]) == (height, width):
        return planes.movedim(1, -1)
    if planes.shape[1] == 3 or premultiplied:
        return _area(planes, height, width).movedim(1, -1)
    alpha = planes[:, 3:]
    means = _area(torch.cat([planes[:, :3] * alpha, alpha], dim=1), height, width)
    colour = torch.where(means[:, 3:] > 0, means[:, :3] / means[:, 3:].clamp(min=1e-6), 0).clamp(0, 1)
    return torch.cat([colour, means[:, 3:]], dim=1).movedim(1, -1)


def shrink_mask(mask: Tensor, height: int, width: int) -> Tensor:
    """The first mask of ``[B,H,W]`` as a grey picture ``[1,height,width,3]``, as `shrink_image` does it."""
    return shrink_image(mask[:1].unsqueeze(-1).expand(-1, -1, -1, 3), height, width)


def goes_beyond(*images: Tensor) -> bool:
    """Whether the first picture of one of them holds values that a proxy cuts off."""
    return any(bool((image[:1] > 1).any()) for image in images)


def _area(planes: Tensor, height: int, width: int) -> Tensor:
    return functional.interpolate(planes, (height, width), mode="area")

"""Masks made visible: overlay, outline, cut-out."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..tensors import as_image, check_range, match_batch, match_mask

# Okabe & Ito's palette (2008), which colour-blind people can tell apart; sky blue shows on skin, hair and most cloth.
OVERLAY_COLOUR = (0.34, 0.71, 0.91)
PALETTE = (
    OVERLAY_COLOUR, (0.90, 0.62, 0.00), (0.00, 0.62, 0.45), (0.80, 0.47, 0.65), (0.94, 0.89, 0.26), (0.84, 0.37, 0.00),
)  # fmt: skip
Colour = tuple[float, float, float]


def overlay_mask(image: Tensor, mask: Tensor, *, colour: Colour = OVERLAY_COLOUR, opacity: float = 0.5) -> Tensor:
    """The picture ``[B,H,W,3]`` with the mask laid over it as a tint, in the picture's dtype; alpha is left out.

    mask: ``[B,H,W]`` of the picture's size; batches 1 and N go together. opacity: of the tint, 0..1.
    """
    image = as_image(image)
    check_range("opacity", opacity, 0, 1)
    mask, image = match_batch((match_mask(mask, image), image), ("mask", "image"))
    tint = torch.tensor(colour, device=image.device)
    share = mask.float().clamp(0, 1).unsqueeze(-1) * opacity
    base = image[..., :3].float()
    return (base + share * (tint - base)).to(image.dtype)


def outline_mask(mask: Tensor, *, width_px: int = 2) -> Tensor:
    """The inner rim of ``mask >= 0.5`` as a mask ``[B,H,W]`` of 0 and 1, `width_px` wide; the frame draws no rim."""
    check_range("width_px", width_px, 1, 64)
    outside = (mask < 0.5).float().unsqueeze(1)
    near_outside = functional.max_pool2d(outside, 2 * width_px + 1, stride=1, padding=width_px).squeeze(1)
    return near_outside * (1 - outside.squeeze(1))


def cut_out(image: Tensor, mask: Tensor) -> Tensor:
    """The picture with the mask as its straight alpha, ``[B,H,W,4]``; an alpha it had is multiplied."""
    image = as_image(image)
    mask, image = match_batch((match_mask(mask, image), image), ("mask", "image"))
    alpha = mask.unsqueeze(-1).to(image.dtype)
    if image.shape[-1] == 4:
        alpha = alpha * image[..., 3:4]
    return torch.cat([image[..., :3], alpha], dim=-1)


def stamp(image: Tensor, coverage: Tensor, x: int, y: int, *, colour: Colour) -> Tensor:
    """The picture ``[H,W,3]`` with a coverage mask ``[h,w]`` painted in `colour`, its top left corner at x, y.

    What falls outside the picture is left out.
    """
    height, width = image.shape[:2]
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + coverage.shape[0], height), min(x + coverage.shape[1], width)
    stamped = image.clone()
    if bottom <= top or right <= left:
        return stamped
    share = coverage[top - y : bottom - y, left - x : right - x, None].to(image)
    below = image[top:bottom, left:right]
    stamped[top:bottom, left:right] = below + share * (torch.tensor(colour).to(image) - below)
    return stamped

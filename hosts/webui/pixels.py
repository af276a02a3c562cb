"""Pillow pictures as hosts hand them over, as tensors, and back to 8 bits."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..pictures import from_bytes, to_bytes


def eight_bits(picture: Image.Image) -> Image.Image:
    """A picture of 16-bit grey at 8 bits, any other as it is. Pillow's own conversion turns all above 255 white."""
    if not picture.mode.startswith("I"):
        return picture
    return from_bytes(to_bytes(torch.from_numpy(np.asarray(picture, dtype=np.float32)) / 65535))


def to_image(picture: Image.Image) -> Tensor:
    """The picture as ``[1,H,W,3]`` float32, 0..1; transparency is dropped, as hosts have flattened it."""
    return torch.from_numpy(np.asarray(picture.convert("RGB"), dtype=np.float32) / 255).unsqueeze(0)


def to_mask(picture: Image.Image, size: tuple[int, int] | None = None) -> Tensor:
    """The picture's mask ``[1,H,W]`` float32, 0..1: its alpha where that shows anything, else its brightness.

    size: width and height that it is wanted at.
    """
    channel = picture.convert("L")
    if picture.mode in ("RGBA", "LA"):
        alpha = picture.getchannel("A")
        channel = channel if alpha.getextrema() == (255, 255) else alpha
    if size is not None and channel.size != size:
        channel = channel.resize(size, Image.Resampling.BILINEAR)
    return torch.from_numpy(np.asarray(channel, dtype=np.float32) / 255).unsqueeze(0)


def to_picture(image: Tensor) -> Image.Image:
    """An image ``[1,H,W,3|4]`` or mask ``[1,H,W]`` at 8 bits, rounded."""
    return from_bytes(to_bytes(image[0]))

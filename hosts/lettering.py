"""Turns a short text into a coverage mask with Pillow's built-in font."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..tensors import check_range

# Letters with the highest and lowest ink, so that the row height does not depend on the text.
_TALLEST = "ÄQgjp|"


def letter(text: str, height_px: int) -> Tensor:
    """Coverage ``[h,w]``, 0..1, float32 on the CPU, of one line of `text` in letters about `height_px` high.

    The height is the same for every text. Line breaks become spaces; an empty text gives a column without ink.
    Letters that the font lacks show as its replacement sign. Raises `RangeError` for a height outside 1..4096.
    """
    check_range("height_px", height_px, 1, 4096)
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    font = _font(height_px)
    coverage = _draw(line, font)
    if isinstance(font, ImageFont.ImageFont):  # the bitmap font of Pillow before 10.1 has one size only
        coverage = _scale(coverage, height_px)
    return torch.as_tensor(np.array(coverage, dtype=np.float32)) / 255.0


def _font(height_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    try:
        return ImageFont.load_default(height_px)
    except (TypeError, ImportError, OSError):  # Pillow before 10.1, or one built without FreeType
        return ImageFont.load_default()


def _draw(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> Image.Image:
    tallest = _TALLEST
    if isinstance(font, ImageFont.ImageFont):  # it knows Latin-1 only and raises on anything else
        line = line.encode("latin-1", "replace").decode("latin-1")
    left, top, right, bottom = (round(edge) for edge in font.getbbox(line + tallest))
    left, _, right, _ = (round(edge) for edge in font.getbbox(line)) if line else (0, 0, 1, 0)
    canvas = Image.new("L", (max(1, right - left), max(1, bottom - top)))
    ImageDraw.Draw(canvas).text((-left, -top), line, fill=255, font=font)
    return canvas


def _scale(coverage: Image.Image, height_px: int) -> Image.Image:
    width_px = max(1, round(coverage.width * height_px / coverage.height))
    return coverage.resize((width_px, height_px), Image.Resampling.BILINEAR)

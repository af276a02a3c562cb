"""Reads picture files into tensors and turns tensors back into 8-bit pixels; Pillow does the decoding."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ..tensors import HOST_EMPTY_MASK_SIZE, BadFile, ShapeError
from .formats.pillow import SIXTEEN_BIT_RAWMODES, open_lazily, orientation_of, rawmode_of, sixteen_bit_levels
from .formats.reading import check_is_file, damaged_file, upright_pixels

_TOP_16 = 65535.0
_FORMATS = "PNG, JPEG, WebP, TIFF, BMP or GIF"


@dataclass(frozen=True)
class LoadedImage:
    """A picture file as tensors.

    image: ``[1,H,W,3]`` float32, 0..1 (float TIFFs as they are), straight colours under a transparent alpha.
    mask: ``[1,H,W]`` float32, 1 - alpha; a 64x64 zero mask where the file knows no alpha, as in ComfyUI.
    has_alpha: whether the file has an alpha channel, a transparent colour or a palette.
    bits: bits per channel that were kept.
    """

    image: Tensor
    mask: Tensor
    has_alpha: bool
    bits: int


def load_image(path: str | os.PathLike[str]) -> LoadedImage:
    """The picture in `path`, turned upright by its EXIF orientation.

    16-bit PNG (grey, RGB, either with alpha) and 16-bit grey TIFF keep their 16 bits; 16-bit colour in any other format
    comes with 8. Of an animation the first frame is read. Colour profiles are not applied.
    Raises `BadFile` for a missing, empty, damaged or foreign file and for a folder.
    """
    path = Path(path)
    check_is_file(path)
    try:
        with open_lazily(path) as picture:
            colours, alpha, bits = _sixteen_bit(picture, path) or _eight_bit(picture)
    except Image.UnidentifiedImageError as error:
        raise BadFile(f"{path} is not a picture that can be read; give a {_FORMATS} file.") from error
    except Exception as error:  # Pillow's readers raise nearly anything on damaged files
        raise damaged_file(path, error) from error
    mask = torch.zeros(HOST_EMPTY_MASK_SIZE) if alpha is None else 1.0 - alpha
    return LoadedImage(colours.unsqueeze(0), mask.unsqueeze(0), alpha is not None, bits)


def to_bytes(image: Tensor, *, truncate: bool = False) -> Tensor:
    """The image ``[H,W,C]`` or mask ``[H,W]`` as uint8 on the CPU, clamped to 0..1, NaN as 0.

    Levels are rounded; `truncate` cuts the fraction off instead, which is what ComfyUI does. Raises `ShapeError`.
    """
    if image.dim() == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if not (image.dim() == 2 or (image.dim() == 3 and image.shape[-1] in (3, 4))) or 0 in image.shape:
        raise ShapeError(f"A picture to save has shape {list(image.shape)}; give [height, width, 3 or 4] or a mask.")
    levels = image.detach().float().nan_to_num(nan=0.0).clamp(0, 1) * 255
    return (levels if truncate else levels.round()).to(torch.uint8).cpu()


def from_bytes(pixels: Tensor) -> Image.Image:
    """The uint8 tensor ``[H,W]``, ``[H,W,3]`` or ``[H,W,4]`` as a Pillow picture."""
    return Image.fromarray(np.ascontiguousarray(pixels.numpy()))


def _eight_bit(picture: Image.Image) -> tuple[Tensor, Tensor | None, int]:
    """Colours ``[H,W,3]``, alpha ``[H,W]`` or None, and bits of anything that Pillow reads."""
    # Palettes count as having alpha because ComfyUI gives them a mask of their own size.
    has_alpha = picture.mode in ("RGBA", "LA", "PA", "P", "RGBa", "La") or "transparency" in picture.info
    upright = _upright(picture)
    if upright.mode.startswith(("I", "F")):  # one channel of 16-bit integers or of floats
        bits = 32 if upright.mode.startswith("F") else 16
        grey = _values(upright) / (1.0 if bits == 32 else _TOP_16)
        return _as_grey(grey), None, bits
    values = _values(upright.convert("RGBA" if has_alpha else "RGB")) / 255.0
    return values[..., :3].contiguous(), values[..., 3].contiguous() if has_alpha else None, 8


def _sixteen_bit(picture: Image.Image, path: Path) -> tuple[Tensor, Tensor | None, int] | None:
    """As `_eight_bit` for 16-bit colour PNGs, of which Pillow itself keeps 8 bits; None for any other file."""
    rawmode = rawmode_of(picture)
    if picture.format != "PNG" or rawmode not in SIXTEEN_BIT_RAWMODES:
        return None
    levels = upright_pixels(sixteen_bit_levels(path, rawmode), orientation_of(picture))
    values = torch.as_tensor(levels.astype(np.float32)) / _TOP_16
    alpha = values[..., -1].contiguous() if values.shape[-1] in (2, 4) else None
    return _as_grey(values[..., 0]) if values.shape[-1] == 2 else values[..., :3].contiguous(), alpha, 16


def _upright(picture: Image.Image) -> Image.Image:
    return ImageOps.exif_transpose(picture)


def _values(picture: Image.Image) -> Tensor:
    return torch.as_tensor(np.array(picture, dtype=np.float32))


def _as_grey(grey: Tensor) -> Tensor:
    return grey.unsqueeze(-1).repeat(1, 1, 3)

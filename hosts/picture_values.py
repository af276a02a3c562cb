"""Pictures at their full depth as tensors, with the sidecar that says what the values are."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ..color import linear_to_srgb, srgb_to_linear
from ..tensors import ShapeError
from .formats.info import PictureInfo, Strip
from .formats.memory_file import MemoryFile
from .formats.reading import open_picture
from .formats.strips import as_channels, rows_per_strip
from .formats.writing import WriteOptions, create_picture, info_for


@dataclass(frozen=True)
class Picture:
    """A picture and its sidecar.

    image: ``[1,H,W,3|4]`` float32, 1 = white, as the file means it: `info` says whether its values are linear and its
    alpha premultiplied. `straight_srgb` brings it to what Hemline's nodes work with.
    """

    image: Tensor
    info: PictureInfo


def read_picture(path: str | os.PathLike[str] | MemoryFile) -> Picture:
    """The picture in `path` at full depth, upright; grey comes as three equal channels. Raises as `open_picture`."""
    with open_picture(path) as reader:
        return Picture(to_values(reader.pixels(), reader.info), reader.info)


def write_picture(path: str | os.PathLike[str], picture: Picture, options: WriteOptions | None = None) -> Path:
    """Writes the picture at the depth of its sidecar, or the nearest one that the suffix's format has; the path.

    Values become linear or encoded, alpha straight or premultiplied, as the format wants it; a sidecar of grey gives a
    grey file of the first channel. What the format cannot keep is lost (`lost_between`). Raises as `create_picture`
    does, and `ShapeError` for a batch of several.
    """
    path, image = Path(path), picture.image
    if image.dim() != 4 or image.shape[0] != 1 or image.shape[-1] not in (3, 4):
        raise ShapeError(f"A picture to write has shape {list(image.shape)}; give [1, height, width, 3 or 4].")
    height, width, channels = image.shape[1:]
    grey = picture.info.channels < 3
    own = dataclasses.replace(
        picture.info, width=width, height=height, channels=channels - 2 * grey,
        alpha="none" if channels == 3 else "premultiplied" if picture.info.alpha == "premultiplied" else "straight",
    )  # fmt: skip
    kept = info_for(path, own)
    same = (own.alpha, own.transfer) == (kept.alpha, kept.transfer)
    with create_picture(path, kept, options) as give:
        step = rows_per_strip(kept)
        for top in range(0, height, step):
            rows = image[:, top : top + step].float().cpu()
            give(from_values(rows if same else as_stored(straight_srgb(rows, own), kept), kept))
    return path


def save_deep(path: Path, image: Tensor, bits: Literal[8, 16], notes: Mapping[str, str]) -> Path:
    """Writes straight, sRGB-encoded values ``[H,W,3|4]``, or a grey picture ``[H,W]``, in the format of the suffix.

    Raises as `write_picture` does, and `RangeError` for bits that the format does not have.
    """
    channels = 1 if image.dim() == 2 else image.shape[-1]
    values = image.unsqueeze(-1).expand(-1, -1, 3) if channels == 1 else image
    info = info_for(path, PictureInfo(values.shape[1], values.shape[0], channels, bits), bits)
    return write_picture(path, Picture(values.unsqueeze(0), info), WriteOptions(notes=notes))


def to_values(strip: Strip, info: PictureInfo) -> Tensor:
    """The rows as ``[1,rows,W,3|4]`` float32, 1 = white, otherwise as the file means them."""
    coloured = as_channels(strip, 4 if strip.shape[2] in (2, 4) else 3, info.white)
    return torch.from_numpy(coloured.astype(np.float32)).div_(info.white).unsqueeze(0)


def from_values(values: Tensor, info: PictureInfo) -> Strip:
    """The samples of a file of `info` for values ``[1,rows,W,3|4]``: rounded, clamped to 0..white, NaN as 0.

    Floats are kept as they are. Grey is the first channel.
    """
    channels = values[0].numpy()
    if info.channels < 3:
        channels = channels[..., :1] if info.channels == 1 else channels[..., [0, -1]]
    channels = as_channels(channels, info.channels, 1)
    if info.is_float:
        return channels.astype(info.dtype)
    levels: Any = np.rint(np.nan_to_num(channels, nan=0.0) * info.white)
    return levels.clip(0, info.white).astype(info.dtype)


def straight_srgb(values: Tensor, info: PictureInfo) -> Tensor:
    """The values of a picture of `info` as nodes take them: straight alpha, sRGB-encoded; HDR passes."""
    if info.alpha == "premultiplied" and values.shape[-1] == 4:
        alpha = values[..., 3:]
        values = torch.cat([torch.where(alpha > 0, values[..., :3] / alpha, values[..., :3]), alpha], dim=-1)
    return _colours(values, linear_to_srgb) if info.transfer == "linear" else values


def as_stored(values: Tensor, info: PictureInfo) -> Tensor:
    """The inverse of `straight_srgb`: straight, encoded values as a file of `info` means them."""
    if info.transfer == "linear":
        values = _colours(values, srgb_to_linear)
    if info.alpha == "premultiplied" and values.shape[-1] == 4:
        values = torch.cat([values[..., :3] * values[..., 3:], values[..., 3:]], dim=-1)
    return values


def _colours(values: Tensor, change: Any) -> Tensor:
    return torch.cat([change(values[..., :3]), values[..., 3:]], dim=-1)

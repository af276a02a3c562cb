"""What Pillow reads and writes: whole pictures, 8 bits a channel but for grey and for PNG."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, features

from .info import PictureInfo, Strip
from .memory_file import MemoryFile, PictureFile

# Where ComfyUI keeps texts in pictures without text entries: the workflow as it ran here, others counting down from it.
_EXIF_PROMPT, _EXIF_OTHERS = 0x0110, 0x010F
_HAS_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
_DIRECT = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
# 16-bit colour PNGs, of which Pillow keeps the high bytes: raw mode -> (mode, raw modes for high and low bytes).
SIXTEEN_BIT_RAWMODES = {
    "RGB;16B": ("RGB;16B", "RGB;16L"), "RGBA;16B": ("RGBA;16B", "RGBA;16L"), "LA;16B": ("RGBA",),
}  # fmt: skip


def read_with_pillow(path: PictureFile) -> tuple[PictureInfo, Strip]:
    """The sidecar and the pixels of the first frame as the file holds them (not turned); raises as Pillow does."""
    with open_lazily(path) as picture:
        rawmode = rawmode_of(picture)  # first, because looking for EXIF decodes a PNG
        orientation = orientation_of(picture)
        icc = picture.info.get("icc_profile") or b""
        kind = str(picture.format or "")
        if kind == "PNG" and rawmode in SIXTEEN_BIT_RAWMODES:
            pixels = sixteen_bit_levels(path, rawmode)
        else:
            pixels, icc = _plain(picture), b"" if picture.mode in ("CMYK", "LAB") else icc
    info = PictureInfo(pixels.shape[1], pixels.shape[0], pixels.shape[2], icc=icc, format=kind)
    depth = {"uint8": 8, "uint16": 16, "float32": "f32"}[pixels.dtype.name]
    alpha = "straight" if info.channels in (2, 4) else "none"
    return dataclasses.replace(info, depth=depth, alpha=alpha, orientation=orientation), pixels


def write_with_pillow(path: Path, info: PictureInfo, pixels: Strip, kind: str, **options: Any) -> None:
    """Writes 8-bit pixels, or deep grey ones, with the profile of `info`; alpha must be straight."""
    levels = pixels[..., 0] if info.channels == 1 else pixels
    profile = {"icc_profile": info.icc} if info.icc else {}
    Image.fromarray(np.ascontiguousarray(levels)).save(path, kind, **profile, **options)


def exif_notes(notes: Mapping[str, str]) -> bytes:
    """EXIF that holds the texts as "name:text" where ComfyUI looks for them; empty without any."""
    exif = Image.Exif()
    others = (name for name in notes if name != "prompt")
    tags = {name: _EXIF_OTHERS - index for index, name in enumerate(others)}
    for name, text in notes.items():
        exif[tags.get(name, _EXIF_PROMPT)] = f"{name}:{text}"
    return exif.tobytes() if notes else b""


def _plain(picture: Image.Image) -> Strip:
    mode = picture.mode
    if mode.startswith("I"):
        return np.asarray(picture).clip(0, 65535).astype(np.uint16)[..., None]
    if mode == "F":
        return np.array(picture, dtype=np.float32)[..., None]
    transparent = mode in _HAS_ALPHA or "transparency" in picture.info
    target = mode if mode in _DIRECT and not (transparent and mode in ("L", "RGB")) else _target(mode, transparent)
    pixels = np.array(picture if target == mode else picture.convert(target))
    return pixels.reshape(*pixels.shape[:2], _DIRECT[target])


def _target(mode: str, transparent: bool) -> str:
    if mode in ("1", "L", "La"):
        return "LA" if transparent else "L"
    return "RGBA" if transparent else "RGB"


def has_avif() -> bool:
    """Whether this Pillow reads and writes AVIF."""
    supported: list[str] = features.get_supported()
    return "avif" in supported


def orientation_of(picture: Any) -> int:
    """The picture's EXIF orientation, 1 to 8; 1 where there is none or a foreign one."""
    orientation = picture.getexif().get(0x0112, 1)
    return orientation if orientation in range(1, 9) else 1


def sixteen_bit_levels(path: PictureFile, rawmode: str) -> Strip:
    """The samples of a 16-bit colour PNG as uint16, not turned.

    Pillow keeps only their high bytes. Its decoder is told by a raw mode which bytes to take, so a second pass with
    another raw mode brings the low ones.
    """
    planes = [_decode_as(path, one) for one in SIXTEEN_BIT_RAWMODES[rawmode]]
    if len(planes) == 1:  # grey high, grey low, alpha high, alpha low
        return np.ascontiguousarray(planes[0]).view(">u2").astype(np.uint16)
    return planes[0].astype(np.uint16) << 8 | planes[1]


def _decode_as(path: PictureFile, rawmode: str) -> Strip:
    """The pixels of a PNG, its bytes taken as `rawmode` says."""
    with open_lazily(path) as picture:
        codec, box, offset, _ = picture.tile[0]
        picture.tile = [(codec, box, offset, rawmode)]
        return np.array(picture)


def open_lazily(path: PictureFile) -> Any:
    """The file as Pillow's lazy picture; untyped because only file-backed pictures have tiles and can be closed."""
    return Image.open(path.open() if isinstance(path, MemoryFile) else path)


def rawmode_of(picture: Any) -> str:
    """The raw mode by which Pillow is going to unpack the file; empty where there is none."""
    args = picture.tile[0][3] if getattr(picture, "tile", None) else ""
    return args if isinstance(args, str) else ""

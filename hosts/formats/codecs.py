"""EXR, JPEG XL and AVIF through the packages of the extra `io`; whole pictures, because none of these gives strips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BadFile
from .extras import extra
from .info import Depth, PictureInfo, Strip
from .memory_file import MemoryFile, PictureFile

# How hard JPEG XL tries, 1 to 9: 7, its default, takes ten times as long as 3 and saves some per cent.
_JXL_EFFORT = 3
# libjxl 0.12 refuses negative floats at efforts below this.
_JXL_FLOAT_EFFORT = 4
# EXR is decoded whole; 32768 x 32768 pixels of four floats are 16 GiB.
_MOST_EXR_PIXELS = 1 << 30
_EXR_LAYOUTS = {("Y",): 1, ("Y", "A"): 2, ("R", "G", "B"): 3, ("R", "G", "B", "A"): 4}
_EXR_CHANNELS = {count: names for names, count in _EXR_LAYOUTS.items()}
_DEPTHS: dict[str, Depth] = {"float16": "f16", "float32": "f32", "uint16": 16, "uint8": 8}
_FLOATS = ("float16", "float32")


def read_exr(path: PictureFile) -> tuple[PictureInfo, Strip]:
    """The first part's Y, YA, RGB or RGBA in its display window; linear light, premultiplied, as EXR means them."""
    openexr = extra("OpenEXR", "EXR")
    if isinstance(path, MemoryFile):  # the library opens files on a disk only
        raise BadFile("EXR cannot be read out of an archive; unpack it")
    header = openexr.File(str(path), header_only=True).header()
    _check_window(header["dataWindow"])
    _check_window(header["displayWindow"])
    file = openexr.File(str(path), separate_channels=True)
    channels = {name: np.array(channel.pixels) for name, channel in file.channels().items()}
    names = next((names for names in reversed(_EXR_LAYOUTS) if set(names) <= set(channels)), None)
    if names is None:
        raise BadFile(f"it has the channels {', '.join(channels)}; wanted R, G, B and A, or Y")
    planes = [channels[name] for name in names]
    if any(plane.dtype.name not in _FLOATS or plane.shape != planes[0].shape for plane in planes):
        raise BadFile("it holds whole numbers or channels of different sizes; only half and float are read")
    dtype: np.dtype[Any] = np.result_type(*planes)
    pixels = _in_display_window(np.stack(planes, axis=-1).astype(dtype), header)
    alpha = "premultiplied" if "A" in names else "none"
    height, width, count = pixels.shape
    return PictureInfo(width, height, count, _DEPTHS[dtype.name], alpha, "linear", format="EXR"), pixels


def _check_window(window: Any) -> None:
    (x0, y0), (x1, y1) = (np.asarray(corner).tolist() for corner in window)
    width, height = x1 - x0 + 1, y1 - y0 + 1
    if not (0 < width and 0 < height and width * height <= _MOST_EXR_PIXELS):
        raise BadFile(f"it claims {width} x {height} pixels, which cannot be meant")


def _in_display_window(pixels: Strip, header: dict[str, Any]) -> Strip:
    """The display window's pixels: what lies outside the data window is 0, what the data have beyond it is cut."""
    (left, top), _ = (np.asarray(corner).tolist() for corner in header["dataWindow"])
    (x0, y0), (x1, y1) = (np.asarray(corner).tolist() for corner in header["displayWindow"])
    height, width, count = pixels.shape
    wanted = (y1 - y0 + 1, x1 - x0 + 1)
    if (left, top) == (x0, y0) and wanted == (height, width):
        return pixels
    placed = np.zeros((*wanted, count), pixels.dtype)
    rows = slice(max(0, top - y0), max(0, min(wanted[0], top - y0 + height)))
    columns = slice(max(0, left - x0), max(0, min(wanted[1], left - x0 + width)))
    part = placed[rows, columns]
    down, across = max(0, y0 - top), max(0, x0 - left)
    part[...] = pixels[down : down + part.shape[0], across : across + part.shape[1]]
    return placed


def write_exr(path: Path, info: PictureInfo, pixels: Strip) -> None:
    """Writes half or float channels in ZIP compression; values must be linear light, premultiplied."""
    openexr = extra("OpenEXR", "EXR")
    names = _EXR_CHANNELS[info.channels]
    channels = {name: np.ascontiguousarray(pixels[..., index]) for index, name in enumerate(names)}
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    openexr.File(header, channels).write(str(path))


def read_jxl(path: PictureFile) -> tuple[PictureInfo, Strip]:
    """The first frame of a JPEG XL, upright; depths between 8 and 16 bits come as 16. Its profile is not given."""
    pixels = _plane_axis(extra("imagecodecs", "JPEG XL").jpegxl_decode(path.read_bytes(), index=0))
    return _info(pixels, _DEPTHS[pixels.dtype.name], "JXL"), pixels


def write_jxl(path: Path, info: PictureInfo, pixels: Strip, quality: int | None) -> None:
    """Writes JPEG XL, lossless unless a quality is given."""
    library = extra("imagecodecs", "JPEG XL")
    how = {"lossless": True} if quality is None else {"level": quality}
    levels = np.ascontiguousarray(pixels[..., 0] if info.channels == 1 else pixels)
    effort = _JXL_FLOAT_EFFORT if info.is_float else _JXL_EFFORT
    path.write_bytes(library.jpegxl_encode(levels, effort=effort, usecontainer=True, numthreads=1, **how))


def avif_depth(start: bytes) -> Depth:
    """The bits of an AVIF by its `av1C` box (AV1-ISOBMFF 2.3.3), which lies in the file's first kilobytes."""
    place = start.find(b"av1C")
    flags = start[place + 6] if 0 <= place < len(start) - 6 else 0
    return (12 if flags & 0x20 else 10) if flags & 0x40 else 8


def read_deep_avif(path: PictureFile, depth: Depth) -> tuple[PictureInfo, Strip]:
    """An AVIF of 10 or 12 bits, brought to the whole range of 16. Its profile is not given."""
    pixels = _plane_axis(extra("imagecodecs", "AVIF of 10 or 12 bits").avif_decode(path.read_bytes(), index=0))
    if pixels.dtype != np.uint16:
        return _info(pixels, 8, "AVIF"), pixels
    top = 2 ** int(depth) - 1
    spread = (pixels.astype(np.uint32) * 65535 + top // 2) // top
    return _info(pixels, depth, "AVIF"), spread.astype(np.uint16)


def write_avif(path: Path, info: PictureInfo, pixels: Strip, quality: int | None) -> None:
    """Writes AVIF of 8, 10 or 12 bits, lossless unless a quality is given."""
    library = extra("imagecodecs", "AVIF")
    bits = int(info.depth)
    top = 2**bits - 1
    levels = pixels if bits == 8 else ((pixels.astype(np.uint32) * top + 32767) // 65535).astype(np.uint16)
    levels = np.ascontiguousarray(levels[..., 0] if info.channels == 1 else levels)
    level = 100 if quality is None else quality
    path.write_bytes(library.avif_encode(levels, level=level, bitspersample=bits, numthreads=1))


def _plane_axis(pixels: Strip) -> Strip:
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _info(pixels: Strip, depth: Depth, kind: str) -> PictureInfo:
    height, width, channels = pixels.shape
    return PictureInfo(width, height, channels, depth, "straight" if channels in (2, 4) else "none", format=kind)

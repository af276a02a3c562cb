"""Opens picture files of every kind as strips with their sidecar; what a file is, its first bytes decide."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from ...errors import BadFile, HemlineError, MissingModel, pip_line
from .codecs import avif_depth, read_deep_avif, read_exr, read_jxl
from .extras import has_extra
from .info import PictureInfo, Strip
from .memory_file import MemoryFile, PictureFile
from .pillow import has_avif, open_lazily, read_with_pillow
from .png import SIGNATURE, read_png_head, read_png_strips
from .strips import PictureReader, check_complete
from .tiff import TIFF_STARTS, open_tiff

_LOG = logging.getLogger(__name__)
_HEAD_BYTES = 1 << 14
_EXR_START = b"v/1\x01"
_JXL_STARTS = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
_AVIF_BRANDS = (b"ftypavif", b"ftypavis")
_MIRRORED = 2
_ORIENTATIONS: dict[int, Callable[[Strip], Strip]] = {
    2: np.fliplr, 3: lambda pixels: np.rot90(pixels, 2), 4: np.flipud, 5: lambda pixels: np.swapaxes(pixels, 0, 1),
    6: lambda pixels: np.rot90(pixels, -1), 7: lambda pixels: np.swapaxes(np.rot90(pixels, 2), 0, 1),
    8: lambda pixels: np.rot90(pixels, 1),
}  # fmt: skip
"""EXIF orientation -> how the pixels become upright."""


def open_picture(path: str | os.PathLike[str] | MemoryFile) -> PictureReader:
    """The picture in `path` at its full depth, upright; to be closed, or used in a `with`.

    PNG (not interlaced) and TIFF come strip by strip; others, and pictures that have to be turned, are decoded whole.
    PNG and what Pillow keeps all bits of need nothing else; EXR, JPEG XL, AVIF of 10 and 12 bits and TIFF of 16-bit or
    float colour need the extra `io`.
    Raises `BadFile` for a missing, empty, damaged or foreign file and for a folder, `MissingModel` with the command
    that installs what a format needs.
    """
    path = path if isinstance(path, MemoryFile) else Path(path)
    start = check_is_file(path)
    with _told(path):
        info, strips, whole, close = _open(path, start)
    upright = _upright_info(info)
    safe = _told_strips(path, check_complete(info, strips, str(path)))
    turned = _turned(safe, info)
    return PictureReader(upright, turned, whole=whole or info.orientation not in (1, _MIRRORED), close=close)


def check_is_file(path: PictureFile) -> bytes:
    """The first kilobytes of the file; raises `BadFile` for what is told without decoding: missing, a folder, empty."""
    if "\0" in str(path):
        raise BadFile(f"{str(path)!r} is no file name (it holds a NUL); check the name.")
    try:
        if isinstance(path, Path) and path.is_dir():
            raise BadFile(f"{path} is a folder; give one picture file.")
        with path.open("rb") as file:
            start = file.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise BadFile(f"{path} does not exist; check the name and the folder.") from error
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror}); check the file and its rights.") from error
    if not start:
        raise BadFile(f"{path} is empty (0 bytes); copy or export it again.")
    return start


_Opened = tuple[PictureInfo, Iterator[Strip], bool, Callable[[], None]]


def _open(path: PictureFile, start: bytes) -> _Opened:
    if start.startswith(SIGNATURE):
        return _open_png(path)
    if start.startswith(TIFF_STARTS):
        return _open_tiff(path)
    if start.startswith(_EXR_START):
        return _at_once(*read_exr(path))
    if start.startswith(_JXL_STARTS):
        return _at_once(*read_jxl(path))
    if start[4:12] in _AVIF_BRANDS:
        return _at_once(*_read_avif(path, start))
    return _at_once(*read_with_pillow(path))


def _open_png(path: PictureFile) -> _Opened:
    file = path.open("rb")
    try:
        head = read_png_head(file)
        if head.is_streamable:
            return head.info(), read_png_strips(file, head), False, file.close
    except BaseException:
        file.close()
        raise
    file.close()
    return _at_once(*read_with_pillow(path))


def _open_tiff(path: PictureFile) -> _Opened:
    if has_extra("tifffile") and has_extra("imagecodecs"):
        opened = open_tiff(path)
        if opened is not None:
            return opened
    picture = open_lazily(path)
    with picture:
        tags: Any = getattr(picture, "tag_v2", {})
        bits = cast("tuple[int, ...]", tags.get(258, (8,)))
    if len(bits) > 1 and max(bits) > 8:
        needed = pip_line("tifffile", "imagecodecs")
        raise MissingModel(f"TIFF of 16-bit or float colour needs tifffile: {needed}")
    return _at_once(*read_with_pillow(path))


def _read_avif(path: PictureFile, start: bytes) -> tuple[PictureInfo, Strip]:
    depth = avif_depth(start)
    if depth != 8 or not has_avif():
        return read_deep_avif(path, depth)
    return read_with_pillow(path)


def _at_once(info: PictureInfo, pixels: Strip) -> _Opened:
    return info, iter([pixels]), True, lambda: None


def _upright_info(info: PictureInfo) -> PictureInfo:
    turned = info.orientation >= 5
    return dataclasses.replace(info, width=info.height, height=info.width) if turned else info


def upright_pixels(pixels: Strip, orientation: int) -> Strip:
    """The whole picture turned upright by its EXIF orientation."""
    turn = _ORIENTATIONS.get(orientation)
    return pixels if turn is None else turn(pixels)


def _turned(strips: Iterator[Strip], info: PictureInfo) -> Iterator[Strip]:
    if info.orientation in (1, _MIRRORED):
        return (upright_pixels(strip, info.orientation) for strip in strips)
    return (upright_pixels(np.concatenate(list(one)), info.orientation) for one in [strips])


def _told_strips(path: PictureFile, strips: Iterator[Strip]) -> Iterator[Strip]:
    with _told(path):
        yield from strips


@contextmanager
def _told(path: PictureFile) -> Generator[None]:
    """Whatever a decoder raises as one line with the file's name."""
    try:
        yield
    except Image.UnidentifiedImageError as error:
        kinds = "PNG, JPEG, WebP, TIFF, EXR, JPEG XL, AVIF, BMP or GIF"
        raise BadFile(f"{path} is not a picture that can be read; give a {kinds} file.") from error
    except MissingModel as error:
        raise MissingModel(f"{path}: {error}") from error
    except Exception as error:  # decoders raise nearly anything on damaged files
        if isinstance(error, HemlineError) and str(path) in str(error):
            raise
        raise damaged_file(path, error) from error


def damaged_file(path: object, error: Exception) -> BadFile:
    """The error for a file over which a decoder fell, in one line; where it fell is logged."""
    _LOG.debug("cannot read %s", path, exc_info=error)
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return BadFile(f"{path} is damaged or not supported ({reason}); copy or export it again as PNG.")

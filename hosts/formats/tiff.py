"""TIFF of 8 and 16 bits and of floats through tifffile: strips, tiles and BigTIFF, a row of tiles at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BadFile
from .extras import extra
from .info import Depth, PictureInfo, Strip
from .memory_file import MemoryFile, PictureFile, byte_count

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
COMPRESSIONS = ("deflate", "zstd", "none")
_TILE = 256
# tifffile would gather 256 MiB of tiles before it works on them.
_BUFFER_BYTES = 1 << 21
# Offsets of a classic TIFF have 32 bits; deflate can make noise a little larger, and tables need room too.
_CLASSIC_BYTES = 3_900_000_000
_COMPRESSION_NAMES = {"deflate": "adobe_deflate", "zstd": "zstd", "none": None}
_LEVELS = {"deflate": 1, "zstd": 3}
_ORIENTATION, _PROFILE = 274, 34675
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_UNSIGNED, _FLOAT = 1, 3
_PREMULTIPLIED = 1
_HORIZONTAL, _FLOATING = 2, 3
_DEPTHS: dict[tuple[int, int], Depth] = {
    (_UNSIGNED, 8): 8, (_UNSIGNED, 16): 16, (_FLOAT, 16): "f16", (_FLOAT, 32): "f32",
}  # fmt: skip


def open_tiff(path: PictureFile) -> tuple[PictureInfo, Iterator[Strip], bool, Callable[[], None]] | None:
    """The sidecar of the first page, its rows (not turned), whether they come all at once, and what closes the file.

    None for a page whose samples are no plain grey or RGB, such as a palette or CMYK. Raises `BadFile` and whatever
    tifffile raises on damaged files.
    """
    library = extra("tifffile", "TIFF")
    extra("imagecodecs", "compressed TIFF")
    file = library.TiffFile(path.open() if isinstance(path, MemoryFile) else path)
    try:
        page = file.pages.first
        info = _info(page)
        if info is None:
            file.close()
            return None
        _check_claim(page, info, path)
        separate = info.channels > 1 and int(page.planarconfig) != 1
        whole = separate or int(page.imagedepth) != 1 or page.dataoffsets is None
        strips = _at_once(page, info) if whole else _by_segments(page, info)
    except BaseException:
        file.close()
        raise
    return info, _as_white(page, info, strips), whole, file.close


def _info(page: Any) -> PictureInfo | None:
    bits, kind = page.bitspersample, page.sampleformat
    depth = _DEPTHS.get((int(kind), int(bits))) if isinstance(bits, int) else None
    channels, colours = int(page.samplesperpixel), int(page.photometric)
    plain = (colours in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) and channels in (1, 2)) or (
        colours == _RGB and channels in (3, 4)
    )
    if depth is None or not plain:
        return None
    extras = [int(one) for one in page.extrasamples]
    alpha = "none" if channels in (1, 3) else "premultiplied" if extras == [_PREMULTIPLIED] else "straight"
    orientation = page.tags.get(_ORIENTATION)
    turned = int(orientation.value) if orientation is not None and orientation.value in range(1, 9) else 1
    profile = page.tags.get(_PROFILE)
    icc = bytes(profile.value) if profile is not None and isinstance(profile.value, bytes) else b""
    return PictureInfo(int(page.imagewidth), int(page.imagelength), channels, depth, alpha, "sRGB", icc, "TIFF", turned)


def _check_claim(page: Any, info: PictureInfo, path: PictureFile) -> None:
    """Raises `BadFile` where the size that the file claims is more than its bytes could ever unpack to."""
    most_expansion = 1 if int(page.compression) == 1 else 1 << 16
    if info.picture_bytes > most_expansion * byte_count(path) or not info.picture_bytes:
        raise BadFile(f"it claims {info.width} x {info.height} pixels, more than its bytes can hold")


def _by_segments(page: Any, info: PictureInfo) -> Iterator[Strip]:
    """Bands of rows put together from the page's strips or tiles; one that is missing is 0, as TIFF says."""
    rows = int(page.tilelength) if page.is_tiled else int(page.rowsperstrip)
    band, top = _band(info, 0, rows), 0
    for pixels, place, _ in page.segments(maxworkers=1, buffersize=_BUFFER_BYTES):
        row, column = int(place[2]), int(place[3])
        while row > top:
            yield band
            top += rows
            band = _band(info, top, rows)
        if pixels is not None:
            part = band[:, column : column + pixels.shape[2]]
            part[: pixels.shape[1]] = pixels[0, : part.shape[0], : part.shape[1]]
    while top < info.height:
        yield band
        top += rows
        band = _band(info, top, rows)


def _band(info: PictureInfo, top: int, rows: int) -> Strip:
    return np.zeros((max(0, min(rows, info.height - top)), info.width, info.channels), info.dtype)


def _at_once(page: Any, info: PictureInfo) -> Iterator[Strip]:
    pixels = np.asarray(page.asarray(maxworkers=1))
    if info.channels > 1 and int(page.planarconfig) != 1:
        pixels = np.moveaxis(pixels, 0, -1)
    yield pixels.reshape(info.height, info.width, info.channels).astype(info.dtype, copy=False)


def _as_white(page: Any, info: PictureInfo, strips: Iterator[Strip]) -> Iterator[Strip]:
    """The strips with white as the greatest value."""
    for strip in strips:
        if int(page.photometric) == _WHITE_IS_ZERO:
            strip[..., 0] = info.white - strip[..., 0]
        yield strip


def write_tiff(path: Path, info: PictureInfo, strips: Iterable[Strip], compression: str = "deflate") -> None:
    """Writes the strips as a tiled TIFF with predictor and profile; BigTIFF where a classic one may be too small."""
    library = extra("tifffile", "TIFF")
    extra("imagecodecs", "compressed TIFF")
    packed = compression != "none"
    alpha = {"straight": ["unassalpha"], "premultiplied": ["assocalpha"], "none": []}[info.alpha]
    with library.TiffWriter(path, bigtiff=info.picture_bytes > _CLASSIC_BYTES) as file:
        file.write(
            _tiles(info, strips), shape=_shape(info), dtype=np.dtype(info.dtype), tile=(_TILE, _TILE),
            photometric="rgb" if info.channels > 2 else "minisblack", extrasamples=alpha or None,
            planarconfig="contig" if info.channels > 1 else None,
            compression=_COMPRESSION_NAMES[compression],
            compressionargs={"level": _LEVELS[compression]} if packed else None,
            predictor=(_FLOATING if info.is_float else _HORIZONTAL) if packed else None,
            iccprofile=info.icc or None, metadata=None, software=False, maxworkers=1,
            buffersize=_BUFFER_BYTES,
        )  # fmt: skip


def _shape(info: PictureInfo) -> tuple[int, ...]:
    return (info.height, info.width) if info.channels == 1 else (info.height, info.width, info.channels)


def _tiles(info: PictureInfo, strips: Iterable[Strip]) -> Iterator[Strip]:
    """The tiles from left to right and top to bottom, those at the edges filled up with the last pixels."""
    for band in _bands(strips):
        padded = np.pad(band, ((0, _TILE - len(band)), (0, -info.width % _TILE), (0, 0)), "edge")
        for left in range(0, info.width, _TILE):
            tile = np.ascontiguousarray(padded[:, left : left + _TILE])
            yield tile[..., 0] if info.channels == 1 else tile


def _bands(strips: Iterable[Strip]) -> Iterator[Strip]:
    """The strips cut anew into bands as high as a tile."""
    held: list[Strip] = []
    for strip in strips:
        held.append(strip)
        while sum(map(len, held)) >= _TILE:
            joined = np.concatenate(held)
            yield joined[:_TILE]
            held = [joined[_TILE:]]
    rest = [part for part in held if len(part)]
    if rest:
        yield np.concatenate(rest)

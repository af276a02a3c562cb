"""PNG of 8 and 16 bits a channel, read and written strip by strip (W3C PNG, third edition).

Pillow reads no 16-bit colour and writes none, and both need the whole picture in memory. Here the stream is inflated a
strip at a time and only the row filters are left to Pillow's decoder, which gets each strip as a small stream of its
own; writing needs no more than numpy, because a filter looks at unfiltered rows alone.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import BadFile
from .deflate import Deflater, deflate_library
from .info import PictureInfo, Strip
from .strips import rows_per_strip

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS_OF_TYPE = {0: 1, 2: 3, 4: 2, 6: 4}
TYPE_OF_CHANNELS = {channels: kind for kind, channels in CHANNELS_OF_TYPE.items()}
LINEAR_GAMMA = 100_000
LARGEST_SIDE = 2**31 - 1
_BLOCK_BYTES = 1 << 16
_LARGEST_PROFILE = 1 << 26
# Deflate makes at most 1032 bytes out of one (zlib's technical notes); a picture that claims more is a lie.
_MOST_EXPANSION = 1032
_SUB, _UP, _AVERAGE = 1, 2, 3
# Bytes of a pixel -> how Pillow is told to take them: (mode, raw modes whose results are the bytes, high ones first).
_UNFILTERS: dict[int, tuple[str, tuple[str, ...]]] = {
    1: ("L", ("L",)), 2: ("LA", ("LA",)), 3: ("RGB", ("RGB",)), 4: ("RGBA", ("RGBA",)),
    6: ("RGB", ("RGB;16B", "RGB;16L")), 8: ("RGBA", ("RGBA;16B", "RGBA;16L")),
}  # fmt: skip


@dataclass
class PngHead:
    """What stands in a PNG's chunks before and behind its pixels."""

    width: int = 0
    height: int = 0
    bits: int = 0
    kind: int = -1
    interlaced: bool = False
    chunks: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    data: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    @property
    def is_streamable(self) -> bool:
        """Whether the rows can be read one after the other by `read_png_strips`."""
        return self.kind in CHANNELS_OF_TYPE and self.bits in (8, 16) and not self.interlaced

    @property
    def has_key(self) -> bool:
        """Whether one colour of it is meant as transparent."""
        return self.kind in (0, 2) and b"tRNS" in self.chunks

    def info(self) -> PictureInfo:
        """The sidecar of a streamable PNG, before its orientation is applied."""
        channels = CHANNELS_OF_TYPE[self.kind] + self.has_key
        alpha = "straight" if channels in (2, 4) else "none"
        depth = 16 if self.bits == 16 else 8
        transfer = "linear" if self._is_linear() else "sRGB"
        return PictureInfo(
            self.width, self.height, channels, depth, alpha, transfer, self._profile(), "PNG", self._orientation()
        )

    def _is_linear(self) -> bool:
        gamma = self.chunks.get(b"gAMA", b"")
        named = b"sRGB" in self.chunks or b"iCCP" in self.chunks
        return len(gamma) == 4 and int.from_bytes(gamma, "big") == LINEAR_GAMMA and not named

    def _profile(self) -> bytes:
        _, _, rest = self.chunks.get(b"iCCP", b"").partition(b"\0")
        try:
            return zlib.decompressobj().decompress(rest[1:], _LARGEST_PROFILE) if rest else b""
        except zlib.error:  # a damaged profile is no reason to lose the picture; Pillow drops it too
            return b""

    def _orientation(self) -> int:
        exif = Image.Exif()
        try:
            exif.load(self.chunks.get(b"eXIf", b""))
            found = exif.get(0x0112, 1)
        except Exception:  # noqa: BLE001  Pillow raises nearly anything on damaged EXIF, which says nothing then
            return 1
        return found if found in range(1, 9) else 1


def read_png_head(file: BinaryIO) -> PngHead:
    """The chunks of a PNG; of its pixels only where they lie. Raises `BadFile`."""
    if file.read(len(SIGNATURE)) != SIGNATURE:
        raise BadFile("it does not begin as a PNG does")
    head = PngHead()
    for name, start, size in _chunks(file):
        if name == b"IDAT":
            head.data.append((start, size))
        elif name == b"IHDR":
            _read_header(head, file.read(size))
        elif name in (b"tRNS", b"iCCP", b"gAMA", b"sRGB", b"eXIf", b"PLTE"):
            head.chunks[name] = file.read(size)
    if head.kind < 0 or not head.data:
        raise BadFile("it has no header or no pixels")
    return head


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """(name, place of the data, size) of each chunk; a file that ends early is told."""
    while True:
        position = file.tell()
        front = file.read(8)
        size = int.from_bytes(front[:4], "big")
        if len(front) < 8 or size > LARGEST_SIDE:
            raise BadFile("it ends too early or is damaged")
        yield front[4:], position + 8, size
        if front[4:] == b"IEND":
            return
        file.seek(position + 12 + size)


def _read_header(head: PngHead, data: bytes) -> None:
    if len(data) != 13:
        raise BadFile("its header is damaged")
    head.width, head.height, head.bits, head.kind, method, filters, interlace = struct.unpack(">IIBBBBB", data)
    if not (0 < head.width <= LARGEST_SIDE and 0 < head.height <= LARGEST_SIDE) or (method, filters) != (0, 0):
        raise BadFile("its header is damaged")
    head.interlaced = interlace != 0


def read_png_strips(file: BinaryIO, head: PngHead) -> Iterator[Strip]:
    """The rows of a streamable PNG from top to bottom, as the file holds them (not turned). Raises `BadFile`."""
    info = head.info()
    pixel_bytes = CHANNELS_OF_TYPE[head.kind] * head.bits // 8
    stride = 1 + head.width * pixel_bytes
    if stride * head.height > _MOST_EXPANSION * sum(size for _, size in head.data) + stride:
        raise BadFile(f"it claims {head.width} x {head.height} pixels, more than its bytes can hold")
    inflate = _Inflater(file, head.data)
    above = b""
    for top in range(0, head.height, rows_per_strip(info)):
        rows = min(rows_per_strip(info), head.height - top)
        levels = _unfilter(inflate.read(rows * stride), above, rows, head.width, pixel_bytes)
        above = b"\0" + levels[-1].tobytes()
        strip = levels.view(">u2").astype(np.uint16) if head.bits == 16 else levels
        yield _with_key(strip, head) if head.has_key else strip


class _Inflater:
    """The bytes inside the IDAT chunks, as many at a time as are asked for."""

    def __init__(self, file: BinaryIO, data: list[tuple[int, int]]) -> None:
        library = deflate_library()
        self._error: type[Exception] = library.error
        self._stream = library.decompressobj()
        self._blocks = _blocks(file, data)
        self._tail = b""

    def read(self, count: int) -> bytes:
        parts: list[bytes] = []
        try:
            while count:
                block = self._tail or next(self._blocks, b"")
                part = self._stream.decompress(block, count)
                self._tail = self._stream.unconsumed_tail
                if not part and (self._stream.eof or not block):
                    raise BadFile("its pixels end too early")
                parts.append(part)
                count -= len(part)
        except (zlib.error, self._error) as error:
            raise BadFile(f"its pixels are damaged ({error})") from error
        return b"".join(parts)


def _blocks(file: BinaryIO, data: list[tuple[int, int]]) -> Iterator[bytes]:
    for start, size in data:
        check = zlib.crc32(b"IDAT")
        file.seek(start)
        for offset in range(0, size, _BLOCK_BYTES):
            block = file.read(min(_BLOCK_BYTES, size - offset))
            check = zlib.crc32(block, check)
            yield block
        if int.from_bytes(file.read(4), "big") != check:
            raise BadFile("its pixels are damaged (checksum)")


def _unfilter(filtered: bytes, above: bytes, rows: int, width: int, pixel_bytes: int) -> NDArray[np.uint8]:
    """The bytes ``[rows, width, pixel_bytes]``; `above` is the row before them, marked as not filtered."""
    mode, rawmodes = _UNFILTERS[pixel_bytes]
    stream = zlib.compress(above + filtered, 0)
    count = rows + bool(above)
    try:
        planes = [
            np.asarray(Image.frombytes(mode, (width, count), stream, "zip", rawmode, 0)).reshape(count, width, -1)
            for rawmode in rawmodes
        ]
    except (ValueError, OSError, SyntaxError) as error:
        raise BadFile(f"its rows are damaged ({error})") from error
    levels = planes[0] if len(planes) == 1 else np.stack(planes, axis=-1).reshape(count, width, pixel_bytes)
    return cast("NDArray[np.uint8]", np.ascontiguousarray(levels[count - rows :]))


def _with_key(strip: Strip, head: PngHead) -> Strip:
    """The strip with an alpha of 0 where a pixel has the one colour that tRNS names."""
    key = np.frombuffer(head.chunks[b"tRNS"].ljust(6, b"\0")[: strip.shape[2] * 2], ">u2")
    differs = (strip != key).any(-1, keepdims=True)
    return np.concatenate([strip, differs * strip.dtype.type(np.iinfo(strip.dtype).max)], axis=-1)


def write_png(
    file: BinaryIO, info: PictureInfo, strips: Iterable[Strip], *, fast: bool = False,
    notes: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Writes the strips as a PNG of 8 or 16 bits with the profile of `info`; alpha must be straight.

    fast: saves time at the price of size where pixels repeat. notes: its text entries by name.
    """
    bits = 8 if info.depth == 8 else 16
    file.write(SIGNATURE)
    header = struct.pack(">IIBBBBB", info.width, info.height, bits, TYPE_OF_CHANNELS[info.channels], 0, 0, 0)
    _write_chunk(file, b"IHDR", header)
    if info.transfer == "linear":
        _write_chunk(file, b"gAMA", LINEAR_GAMMA.to_bytes(4, "big"))
    if info.icc:
        _write_chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(info.icc))
    for name, text in (notes or {}).items():
        _write_text(file, name, text)
    deflater = Deflater(fast=fast)
    above = np.zeros(info.width * info.channels * bits // 8, np.uint8)
    for strip in strips:
        rows = _row_bytes(strip, bits)
        _write_chunk(file, b"IDAT", deflater.compress(_filter(rows, above, info.channels * bits // 8)))
        above = rows[-1]
    _write_chunk(file, b"IDAT", deflater.finish())
    _write_chunk(file, b"IEND", b"")


def _write_text(file: BinaryIO, name: str, text: str) -> None:
    """A text entry: tEXt where Latin-1 holds the text, else iTXt, neither compressed."""
    key = name.encode("latin-1", "replace") + b"\0"
    try:
        _write_chunk(file, b"tEXt", key + text.encode("latin-1"))
    except UnicodeEncodeError:
        _write_chunk(file, b"iTXt", key + bytes(4) + text.encode("utf-8", "replace"))


def _row_bytes(strip: Strip, bits: int) -> NDArray[np.uint8]:
    levels: NDArray[Any] = np.ascontiguousarray(strip, dtype=">u2" if bits == 16 else np.uint8)
    return levels.reshape(len(strip), -1).view(np.uint8)


def _filter(rows: NDArray[np.uint8], above: NDArray[np.uint8], pixel_bytes: int) -> NDArray[np.uint8]:
    """The rows filtered, each behind the number of its filter: the one with the least sum of absolute differences.

    That rule is the specification's (12.7). Paeth's filter is left out: on photos the average beats it, and it would
    cost more than the compression.
    """
    up = np.concatenate([above[None], rows[:-1]])
    left = np.zeros_like(rows)
    left[:, pixel_bytes:] = rows[:, :-pixel_bytes]
    # (a & b) + ((a ^ b) >> 1) is the average of two bytes without a ninth bit.
    candidates = {_SUB: rows - left, _UP: rows - up, _AVERAGE: rows - ((left & up) + ((left ^ up) >> 1))}
    costs = [np.abs(one.view(np.int8)).view(np.uint8).sum(1, dtype=np.uint64) for one in candidates.values()]
    best = np.argmin(costs, axis=0)
    filtered = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    for index, (kind, candidate) in enumerate(candidates.items()):
        chosen = best == index
        filtered[chosen, 0] = kind
        filtered[chosen, 1:] = candidate[chosen]
    return filtered


def _write_chunk(file: BinaryIO, name: bytes, data: bytes) -> None:
    file.write(len(data).to_bytes(4, "big") + name)
    file.write(data)
    file.write(zlib.crc32(data, zlib.crc32(name)).to_bytes(4, "big"))

"""Pictures as strips of rows, so that one larger than memory can be read, worked on and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

import numpy as np

from ...errors import BadFile
from .info import PictureInfo, Strip

# Small enough to stay in a processor's cache with its copies, large enough that Python's own work does not count.
STRIP_BYTES = 1 << 20


class PictureReader:
    """An open picture file, read once from top to bottom.

    info: what the file says. whole: whether all of it is decoded at once because the file, or the library that reads
    it, knows no strips.
    """

    def __init__(
        self,
        info: PictureInfo,
        strips: Iterator[Strip],
        *,
        whole: bool = False,
        close: Callable[[], None] | None = None,
    ) -> None:
        self.info, self.whole = info, whole
        self._strips, self._close = strips, close
        self._rest = np.empty((0, info.width, info.channels), info.dtype)

    def take(self, count: int) -> Strip:
        """The next `count` rows, fewer only at the end of the picture. Raises `BadFile` where the file is damaged."""
        parts, missing = [self._rest[:count]], count - len(self._rest)
        self._rest = self._rest[count:]
        while missing > 0 and (strip := next(self._strips, None)) is not None:
            parts.append(strip[:missing])
            self._rest = strip[missing:]
            missing -= len(strip)
        filled = [part for part in parts if len(part)]
        return filled[0] if len(filled) == 1 else np.concatenate(parts)

    def strips(self, rows: int | None = None) -> Iterator[Strip]:
        """The rest of the picture, `rows` rows at a time (about 1 MiB if left out)."""
        while len(strip := self.take(rows or rows_per_strip(self.info))):
            yield strip

    def pixels(self) -> Strip:
        """All that is left, at once."""
        return self.take(self.info.height)

    def close(self) -> None:
        """Closes the file; may be called twice."""
        if self._close is not None:
            self._close()

    def __enter__(self) -> PictureReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def rows_per_strip(info: PictureInfo) -> int:
    """How many rows of the picture make up a strip."""
    return max(1, min(info.height, STRIP_BYTES // max(1, info.row_bytes)))


def as_channels(strip: Strip, count: int, white: float) -> Strip:
    """The strip with `count` channels: grey repeated to RGB, an opaque alpha added or alpha dropped.

    RGB becomes grey by its luma (ITU-R BT.601, as Pillow rounds it).
    """
    have = strip.shape[2]
    if have == count:
        return strip
    colours = strip[..., : have - (have in (2, 4))]
    if count in (1, 2) and colours.shape[2] == 3:
        colours = luma(colours)
    elif count in (3, 4) and colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    if count in (1, 3):
        return colours
    alpha = strip[..., -1:] if have in (2, 4) else np.full_like(colours[..., :1], white)
    return np.concatenate([colours, alpha], axis=2)


def luma(colours: Strip) -> Strip:
    """The luma ``[rows, width, 1]`` of RGB by ITU-R BT.601 with Pillow's integer weights, in the strip's type."""
    red, green, blue = (colours[..., index : index + 1] for index in range(3))
    if colours.dtype.kind == "f":
        return ((red * 19595.0 + green * 38470.0 + blue * 7471.0) / 65536.0).astype(colours.dtype)
    total: Strip = red.astype(np.uint32) * 19595 + green.astype(np.uint32) * 38470 + blue.astype(np.uint32) * 7471
    return ((total + (1 << 15)) >> 16).astype(colours.dtype)


def check_complete(info: PictureInfo, strips: Iterable[Strip], name: str) -> Iterator[Strip]:
    """The strips as they come; raises `BadFile` where they are not the rows that `info` tells."""
    rows = 0
    for strip in strips:
        rows += len(strip)
        wanted = (info.width, info.channels)
        if strip.shape[1:] != wanted or strip.dtype != np.dtype(info.dtype) or rows > info.height:
            raise BadFile(
                f"{name}: a strip is {strip.dtype} {list(strip.shape)} up to row {rows}; wanted {np.dtype(info.dtype)} "
                f"[rows, {info.width}, {info.channels}] up to row {info.height}."
            )
        yield strip
    if rows != info.height:
        raise BadFile(f"{name} ends after {rows} of {info.height} rows.")

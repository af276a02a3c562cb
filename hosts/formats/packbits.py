"""PackBits: runs of equal bytes told by their length, as PSD and TIFF pack rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Bytes packed at a time: few enough that the working arrays stay in a processor's cache.
_BAND_BYTES = 1 << 18
# A packet's length is told in seven bits.
_LONGEST = 128


def pack_rows(rows: NDArray[np.uint8]) -> tuple[bytes, NDArray[np.int64]]:
    """The rows ``[H,W]``, each packed by itself, end to end; and how many bytes each row took ``[H]``.

    Three equal bytes or more become a run, all others are copied, so that a row grows by 1 byte in 128 at most.
    Apple Technical Note 1023; TIFF 6.0, section 9.
    """
    step = max(1, _BAND_BYTES // rows.shape[1])
    bands = [_pack_band(rows[top : top + step]) for top in range(0, len(rows), step)]
    return b"".join(data for data, _ in bands), np.concatenate([sizes for _, sizes in bands])


def _pack_band(rows: NDArray[np.uint8]) -> tuple[bytes, NDArray[np.int64]]:
    levels = np.ascontiguousarray(rows)
    begins, in_run = _packets(levels)
    starts, lengths = _split(np.flatnonzero(begins), levels.size)
    flat, is_run = levels.reshape(-1), in_run.reshape(-1)[starts]
    sizes = np.where(is_run, 2, lengths + 1)
    places = np.cumsum(sizes) - sizes
    packed = np.empty(int(sizes.sum()), np.uint8)
    is_copied = np.ones(len(packed), bool)
    is_copied[places] = False
    is_copied[places[is_run] + 1] = False
    # 257 - n repeats the next byte n times; what splitting left of a run, one byte, is 256 - 256: a copy of one.
    packed[places] = np.where(is_run, 257 - lengths, lengths - 1).astype(np.uint8)
    packed[places[is_run] + 1] = flat[starts[is_run]]
    packed[is_copied] = flat[~in_run.reshape(-1)]
    first_of_row = starts % levels.shape[1] == 0
    return packed.tobytes(), np.add.reduceat(sizes, np.flatnonzero(first_of_row))


def _packets(rows: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a packet begins, and which bytes lie in runs, both ``[H,W]``."""
    alike = rows[:, 1:] == rows[:, :-1]
    thrice = alike[:, 1:] & alike[:, :-1]
    in_run = np.zeros(rows.shape, bool)
    in_run[:, :-2] = thrice
    in_run[:, 1:-1] |= thrice
    in_run[:, 2:] |= thrice
    begins = np.ones(rows.shape, bool)
    begins[:, 1:] = (in_run[:, 1:] != in_run[:, :-1]) | (in_run[:, 1:] & ~alike)
    return begins, in_run


def _split(starts: NDArray[np.int64], end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and lengths of the packets, cut where one is longer than a length can tell."""
    lengths = np.diff(starts, append=end)
    pieces = -(-lengths // _LONGEST)
    before = np.arange(int(pieces.sum())) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    cut_starts = np.repeat(starts, pieces) + before * _LONGEST
    return cut_starts, np.minimum(np.repeat(starts + lengths, pieces) - cut_starts, _LONGEST)

"""COCO's run lengths: masks as counts of pixels column by column, plain or packed into a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...tensors import RangeError

# Of the packed form (cocodataset/cocoapi, common/maskApi.c, rleToString): each character holds five bits of a number,
# the lowest first, a sixth says that more follow, and 48 is added to make it printable.
BITS, MORE, SIGN, FIRST = 5, 0x20, 0x10, 48
# Differences of two counts of less than 2**59 pixels never take more characters.
MOST_CHARACTERS = 12

Counts = npt.NDArray[np.int64]


def run_lengths(mask: Tensor) -> dict[str, object]:
    """``mask >= 0.5`` as COCO's uncompressed run lengths: column by column, the first of pixels outside."""
    return {"counts": _count_runs(mask).tolist(), "size": list(mask.shape)}


def packed_run_lengths(mask: Tensor) -> dict[str, object]:
    """`run_lengths` with the counts packed into a text, as pycocotools writes and reads them."""
    return {"counts": pack_counts(_count_runs(mask)), "size": list(mask.shape)}


def mask_from_runs(counts: Sequence[int] | Counts, height: int, width: int) -> Tensor:
    """The mask ``[height,width]``, float32 on the CPU, 0 and 1, of run lengths.

    Raises `RangeError` where a count is negative or all together are not the picture's pixels.
    """
    runs: Counts = np.asarray(counts, dtype=np.int64).reshape(-1)
    pixels = height * width
    if bool(((runs < 0) | (runs > pixels)).any()) or int(runs.sum()) != pixels:
        raise RangeError(f"the run lengths are not those of a {width}x{height} picture, which has {pixels} pixels.")
    values = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return torch.from_numpy(values).view(width, height).T.float().contiguous()


def pack_counts(counts: Sequence[int] | Counts) -> str:
    """The counts as COCO's text: from the fourth on the difference to the one before the last, in five bits each."""
    runs: Counts = np.asarray(counts, dtype=np.int64).reshape(-1)
    rest: Counts = np.array(runs)
    rest[3:] -= runs[1:-2]
    characters = np.zeros((len(runs), MOST_CHARACTERS), dtype=np.uint8)  # 0 where a number has ended
    unfinished = np.ones(len(runs), dtype=np.bool_)
    for place in range(MOST_CHARACTERS):
        low = rest & (MORE - 1)
        rest >>= BITS
        more = rest != np.where(low & SIGN, -1, 0)
        characters[:, place] = np.where(unfinished, low + MORE * more + FIRST, 0)
        unfinished &= more
        if not unfinished.any():
            break
    return characters[characters > 0].tobytes().decode("ascii")


def unpack_counts(text: str) -> Counts:
    """The counts of COCO's text; the inverse of `pack_counts`. Raises `RangeError` where the text is none."""
    symbols: Counts = np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8).astype(np.int64) - FIRST
    if bool(((symbols < 0) | (symbols >= 2 * MORE)).any()):
        raise RangeError("the run lengths hold a character that COCO's packed form does not have.")
    last = np.flatnonzero(symbols & MORE == 0)
    if len(symbols) and (not len(last) or last[-1] != len(symbols) - 1):
        raise RangeError("the run lengths end within a number; the text is cut off.")
    start = np.append(0, last[:-1] + 1)[: len(last)]
    lengths = last - start + 1
    if len(last) and int(lengths.max()) > MOST_CHARACTERS:
        raise RangeError("the run lengths hold a number that is larger than any picture.")
    place = np.arange(len(symbols)) - np.repeat(start, lengths)
    numbers = np.add.reduceat((symbols & (MORE - 1)) << (BITS * place), start) if len(last) else symbols
    numbers = np.where(symbols[last] & SIGN, numbers - (1 << (BITS * lengths)), numbers)
    counts: Counts = np.array(numbers)
    counts[1::2] = np.cumsum(numbers[1::2])
    counts[2::2] = np.cumsum(numbers[2::2])
    return counts


def _count_runs(mask: Tensor) -> Counts:
    inside = np.pad((mask.detach() >= 0.5).T.flatten().cpu().numpy(), (1, 0))  # what comes before counts as outside
    changes = np.flatnonzero(inside[1:] != inside[:-1])
    return np.diff(changes, prepend=0, append=mask.numel())

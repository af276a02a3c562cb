"""Dissolve: which pixels of a half-covered layer show, by a hash of where they stand."""

from __future__ import annotations

import torch
from torch import Tensor

_LOW_32 = 0xFFFFFFFF


def pixel_noise(columns: range, rows: range, frames: range, seed: int, device: torch.device) -> Tensor:
    """Even noise ``[frames,rows,columns]`` in 0..1 (1 excluded), float32, a function of each absolute place alone.

    The same place, frame and seed give the same value in whatever tile, batch or order it is asked for.
    """
    column = torch.arange(columns.start, columns.stop, device=device)
    row = torch.arange(rows.start, rows.stop, device=device).unsqueeze(-1)
    frame = torch.arange(frames.start, frames.stop, device=device).view(-1, 1, 1)
    start = torch.tensor(seed & _LOW_32, device=device)
    return (_scramble(column + _scramble(row + _scramble(frame + _scramble(start)))) >> 8) / 2.0**24


def _scramble(numbers: Tensor) -> Tensor:
    """A permutation of the 32-bit numbers, in int64, with little bias (C. Wellons, "lowbias32", 2018)."""
    numbers = numbers & _LOW_32
    numbers = ((numbers ^ (numbers >> 16)) * 0x7FEB352D) & _LOW_32
    numbers = ((numbers ^ (numbers >> 15)) * 0x846CA68B) & _LOW_32
    return numbers ^ (numbers >> 16)

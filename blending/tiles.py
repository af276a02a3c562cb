"""Strips of rows that fit a processor's cache, and what is in them: where work is, and pixels by the channel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

# A handful of float32 buffers of this many values stay in the second- and third-level caches, and the price of calling
# an operation (1 to 2 us) is small beside its work (measured: benchmarks/README.md).
STRIP_VALUES = 128 * 1024
# An accelerator wants few large calls; this bounds what they hold at once to some hundred megabytes.
ACCELERATOR_STRIP_VALUES = 1 << 24


@dataclass(frozen=True)
class Tile:
    """A block of pictures, rows and columns of a stack ``[B,H,W,...]``."""

    pictures: slice
    rows: slice
    columns: slice

    def of(self, stack: Tensor) -> Tensor:
        """That block of a stack, as a view."""
        return stack[self.pictures, self.rows, self.columns]

    def moved(self, across: int, down: int) -> Tile:
        """The same block of a stack whose origin lies at (across, down) of this one."""
        rows = slice(self.rows.start - down, self.rows.stop - down)
        return Tile(self.pictures, rows, slice(self.columns.start - across, self.columns.stop - across))


def strips(window: Tile, channels: int, device: torch.device) -> Iterator[Tile]:
    """The window cut into strips of rows of about `STRIP_VALUES` values per thread; small pictures go several at once.

    What a strip gives must not depend on the cut.
    """
    budget = STRIP_VALUES * torch.get_num_threads() if device.type == "cpu" else ACCELERATOR_STRIP_VALUES
    first_row, last_row = window.rows.start, window.rows.stop
    rows = max(1, budget // ((window.columns.stop - window.columns.start) * channels))
    pictures = max(1, rows // (last_row - first_row))
    for first in range(window.pictures.start, window.pictures.stop, pictures):
        block = slice(first, min(first + pictures, window.pictures.stop))
        for top in range(first_row, last_row, rows):
            yield Tile(block, slice(top, min(top + rows, last_row)), window.columns)


@dataclass(frozen=True)
class Coverage:
    """Where a mask covers anything: per picture and row, and the columns that hold it all.

    some: rows with a value above 0. all: rows with nothing but such values, within the columns.
    """

    some: list[list[bool]]
    all: list[list[bool]]
    columns: slice

    def any_in(self, tile: Tile) -> bool:
        """Whether the tile holds anything to do."""
        return any(any(rows[tile.rows]) for rows in self.some[tile.pictures])

    def full_in(self, tile: Tile) -> bool:
        """Whether every pixel of the tile is covered."""
        return all(all(rows[tile.rows]) for rows in self.all[tile.pictures])


def coverage_of(mask: Tensor, window: Tile) -> Coverage:
    """Where the mask ``[B,H,W]`` is above 0 inside the window; NaN counts as covered until somebody looks closer."""
    # A batch that is one mask shown many times is read once.
    plane = mask[:1] if mask.stride(0) == 0 else mask
    repeats = mask.shape[0] // plane.shape[0]
    columns = window.columns
    if 0 in plane[:, window.rows, columns].shape:
        return Coverage([], [], slice(columns.start, columns.start))
    some = full = plane[..., columns].amin(-1) > 0
    if not bool(full[:, window.rows].all()):
        columns = _covered_columns(plane[:, window.rows, columns], columns.start)
        some = ~(plane[..., columns].amax(-1) <= 0) if columns.stop > columns.start else full
        full = plane[..., columns].amin(-1) > 0 if columns.stop > columns.start else full
    listed = cast("list[list[list[bool]]]", [some.tolist(), full.tolist()])
    return Coverage(listed[0] * repeats, listed[1] * repeats, columns)


def _covered_columns(part: Tensor, start: int) -> slice:
    covered = (~(part.amax((0, 1)) <= 0)).nonzero()
    if not len(covered):
        return slice(start, start)
    return slice(start + int(covered[0]), start + int(covered[-1]) + 1)


def new_pictures(shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Memory for a stack of pictures, not yet filled.

    On a CPU it comes from numpy, which asks Linux for huge pages: touching fresh memory in small ones costs more than
    three times what the multiplication of two pictures into it takes.
    """
    if device.type != "cpu":
        return torch.empty(tuple(shape), dtype=dtype, device=device)
    count = math.prod(shape)
    memory = torch.from_numpy(np.empty(count * dtype.itemsize, dtype=np.uint8))
    return memory.view(dtype).view(tuple(shape))


def keep_freed_memory() -> None:
    """Makes glibc hand out the strips' buffers again and again instead of returning them to the system in between.

    It learns what to keep from the largest block that was freed (up to 32 MiB: M_MMAP_THRESHOLD in mallopt(3)); without
    this, each strip may pay for fresh pages. Elsewhere it does nothing.
    """
    torch.empty(31 << 20, dtype=torch.uint8)


def load_colours(block: Tensor) -> Tensor:
    """The block's pixels ``[n,C]`` in float32, as they lie; a view where they lie so already."""
    return block.reshape(-1, block.shape[-1]).float()


def load_planes(block: Tensor) -> Tensor:
    """The block's pixels ``[n,C]`` in float32, each channel in one piece, which arithmetic on whole channels wants."""
    channels = block.shape[-1]
    planes = torch.empty((channels, *block.shape[:-1]), dtype=torch.float32, device=block.device)
    for channel in range(channels):
        planes[channel].copy_(block[..., channel])
    return planes.view(channels, -1).T


def writable_pixels(block: Tensor) -> Tensor | None:
    """The block's memory as pixels ``[n,C]``, if arithmetic can write there at once: float32 in one piece."""
    fits = block.is_contiguous() and block.dtype == torch.float32
    return block.view(-1, block.shape[-1]) if fits else None


def store_pixels(block: Tensor, pixels: Tensor) -> None:
    """Writes pixels ``[n,C]`` into the block, in its dtype, unless they stand there already."""
    if pixels.data_ptr() == block.data_ptr():
        return
    if pixels.is_contiguous():
        block.copy_(pixels.view(block.shape))
        return
    for channel in range(block.shape[-1]):  # else torch walks over the channels in its innermost loop
        block[..., channel].copy_(pixels[:, channel].reshape(block.shape[:-1]))


def repeat_channels(values: Tensor, channels: int) -> Tensor:
    """Values ``[n]`` as ``[n,channels]`` in memory, one value per channel."""
    repeated = torch.empty((len(values), channels), dtype=values.dtype, device=values.device)
    for channel in range(channels):
        repeated[:, channel].copy_(values)
    return repeated

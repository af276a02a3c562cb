"""The mask of a blend out of mask files, strip by strip: combined, grown, feathered, others excluded."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import BadFile, ShapeError
from ..segmentation.combine import combine_masks
from ..segmentation.levels import normalise_mask
from ..segmentation.shape import feather_mask, grow_mask
from ..tensors import resize_mask
from .formats.info import PictureInfo, Strip
from .formats.memory_file import PictureFile
from .formats.reading import open_picture
from .formats.strips import luma, rows_per_strip

MASK_CHANNELS = ("luma", "alpha")
# A feather is shifted by half its width and blurred by a Gaussian that reaches three quarters of it.
FEATHER_REACH = 1.5
SPARE_ROWS = 4


@dataclass(frozen=True)
class CoverageSettings:
    """How mask files become one mask.

    combine: an operation of Combine Masks, from the first mask to the last. invert: the combined mask. normalise:
    0 to 5, each mask on its own. grow_px, feather_px, side: of the combined mask; excluded masks are taken away last,
    so that nothing grows or fades into them. channel: "luma" or "alpha" of a mask file. fit: of a mask of another
    size, "error" or "stretch".
    """

    combine: str = "union"
    invert: bool = False
    normalise: float = 0.0
    grow_px: float = 0.0
    feather_px: float = 0.0
    side: str = "centred"
    channel: str = "luma"
    fit: str = "error"

    @property
    def reach(self) -> int:
        """How many rows away a pixel of the mask files can still count."""
        if not (self.grow_px or self.feather_px):
            return 0
        return math.ceil(abs(self.grow_px) + FEATHER_REACH * self.feather_px) + SPARE_ROWS


class MaskFile:
    """A mask file as values 0..1, strip by strip; 1 is where the layer is to be seen.

    Raises `BadFile` for a file that cannot be read or has no alpha where alpha was asked for, `ShapeError` for another
    size than the base's, unless it may be stretched: then it is held whole.
    """

    def __init__(self, path: PictureFile, base: PictureInfo, settings: CoverageSettings) -> None:
        self._channel = settings.channel
        self._name = path
        self.reader = open_picture(path)
        info = self.reader.info
        if settings.channel == "alpha" and info.alpha == "none":
            self.reader.close()
            raise BadFile(f"{path} has no alpha; choose luma, or give a mask with alpha.")
        self._normalise = self._normaliser(path, settings.normalise) if settings.normalise else _same
        self._whole: Tensor | None = None
        self.is_stretched = (info.width, info.height) != (base.width, base.height)
        if self.is_stretched:
            self._whole = self._stretched(path, base, settings.fit)

    def take(self, rows: int) -> Tensor:
        """The next rows ``[1,rows,W]`` float32."""
        if self._whole is None:
            return self._normalise(self._values(self.reader.take(rows)))
        part, self._whole = self._whole[:, :rows], self._whole[:, rows:]
        return part

    def _values(self, strip: Strip) -> Tensor:
        if self._channel == "alpha":
            levels = strip[..., -1]
        else:
            levels = (strip[..., :1] if strip.shape[2] < 3 else luma(strip[..., :3]))[..., 0]
        return torch.from_numpy(levels.astype("float32")).div_(self.reader.info.white).unsqueeze(0)

    def _normaliser(self, path: PictureFile, level: float) -> Callable[[Tensor], Tensor]:
        """Normalises strips as the whole mask would be: all that counts of the rest is its least and greatest value."""
        least, greatest = math.inf, -math.inf
        with open_picture(path) as again:
            for strip in again.strips():
                values = self._values(strip)
                least, greatest = min(least, float(values.amin())), max(greatest, float(values.amax()))
                if (least, greatest) == (0, 1) and not again.info.is_float:
                    break
        ends = torch.tensor([[[least, greatest]]])

        def normalise(values: Tensor) -> Tensor:
            line = torch.cat([values.reshape(1, 1, -1), ends], dim=-1)
            return normalise_mask(line, level)[..., :-2].reshape(values.shape)

        return normalise

    def _stretched(self, path: PictureFile, base: PictureInfo, fit: str) -> Tensor:
        info = self.reader.info
        if fit != "stretch":
            self.reader.close()
            raise ShapeError(
                f"{path} is {info.width} x {info.height} but the base is {base.width} x {base.height}; scale it, or "
                "choose fit = stretch."
            )
        with self.reader:
            return resize_mask(self._normalise(self._values(self.reader.pixels())), base.height, base.width)


class Coverage:
    """The mask of a blend, read once from top to bottom."""

    def __init__(
        self, masks: list[MaskFile], excluded: list[MaskFile], base: PictureInfo, settings: CoverageSettings
    ) -> None:
        self._masks, self._excluded, self._settings = masks, excluded, settings
        self._size = (base.height, base.width)
        self._block = block_rows(base, settings)
        self._read = self._done = 0
        self._source = self._ready = torch.empty(1, 0, base.width)

    def take(self, rows: int) -> Tensor | None:
        """The next rows ``[1,rows,W]``, None for everywhere where there is no mask file at all."""
        if not self._masks and not self._excluded:
            return None
        while self._ready.shape[1] < rows:
            self._ready = torch.cat([self._ready, self._next_block()], dim=1)
        part, self._ready = self._ready[:, :rows], self._ready[:, rows:]
        if not self._excluded:
            return part
        negative = combine_masks([one.take(rows) for one in self._excluded], "union").clamp(0, 1)
        return part * (1 - negative)

    def _next_block(self) -> Tensor:
        """The next rows, worked out with as many around them as can count."""
        height, reach = self._size[0], self._settings.reach
        bottom = min(height, self._done + self._block)
        missing = min(height, bottom + reach) - self._read
        if missing > 0:
            self._source = torch.cat([self._source, self._combined(missing)], dim=1)
            self._read += missing
        first = self._read - self._source.shape[1]
        grown = grow_mask(self._source, self._settings.grow_px)
        soft = feather_mask(grown, self._settings.feather_px, side=self._settings.side)
        block = soft[:, self._done - first : bottom - first]
        self._done = bottom
        self._source = self._source[:, max(0, bottom - reach - first) :].clone()
        return block

    def _combined(self, rows: int) -> Tensor:
        if not self._masks:
            return torch.ones(1, rows, self._size[1])
        combined = combine_masks([one.take(rows) for one in self._masks], self._settings.combine)
        return 1 - combined if self._settings.invert else combined


def block_rows(base: PictureInfo, settings: CoverageSettings) -> int:
    """Rows of the mask that are worked out at a time: no fewer than those around them that have to be repeated."""
    return min(base.height, max(rows_per_strip(base), 2 * settings.reach))


def _same(values: Tensor) -> Tensor:
    return values

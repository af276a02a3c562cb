"""`hemline maskilayer`: what maskilayer (twardoch/maskilayer 1.0.7) does, in strips and without torch.

Loading torch would take longer than the whole work on a picture of 4096 x 4096, so the few formulas are numpy here.
They are maskilayer's own, in its order and in double precision, because its bytes are to come out.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFile, ShapeError, check_name, check_range
from .events import Events
from .formats.info import PictureInfo, Strip
from .formats.reading import open_picture
from .formats.strips import PictureReader, as_channels, luma, rows_per_strip
from .formats.writing import WriteOptions, check_writable, create_picture, info_for

ROUNDINGS = ("nearest", "truncate")
MOST_NORMALISATION = 5
# Without any mask maskilayer mixes half and half.
NO_MASK = 0.5

Plane = NDArray[np.float64]


@dataclass(frozen=True)
class MaskilayerSettings:
    """maskilayer's flags. round: "nearest", or "truncate" for maskilayer's own bytes."""

    back: Path
    comp: Path
    out: Path
    masks: tuple[Path, ...] = ()
    imasks: tuple[Path, ...] = ()
    smask: Path | None = None
    norm: int = 0
    fast: bool = False
    round: str = "nearest"


def split_paths(text: str) -> tuple[Path, ...]:
    """The files in a flag such as ``--masks``, separated by ``;``, or by ``,`` where there is no ``;``.

    A text that is the name of one file is that file, commas or not.
    """
    if Path(text).is_file():
        return (Path(text),)
    names = text.split(";" if ";" in text else ",")
    return tuple(Path(name.strip()) for name in names if name.strip())


def check_maskilayer_settings(settings: MaskilayerSettings) -> None:
    """Raises `RangeError`, `UnknownName` or `MissingModel` for settings that no pictures could be mixed with."""
    check_range("norm", settings.norm, 0, MOST_NORMALISATION)
    check_name("Rounding", settings.round, ROUNDINGS)
    for path in (settings.out, settings.smask):
        if path is not None:
            check_writable(path, WriteOptions())


def composite_files(settings: MaskilayerSettings, *, events: Events, verbose: bool = False) -> None:
    """Writes back * (1 - m) + comp * m, m the arithmetic mean of all masks, each normalised on its own.

    Encoded values are mixed as they are, alpha like a colour. Depths may differ: the deeper one comes out. Grey, RGB
    and alpha may differ: what one picture lacks is added. Raises `BadFile` for a file that is missing or damaged,
    `ShapeError` for different sizes.
    """
    with ExitStack() as stack:
        back, comp = (stack.enter_context(open_picture(path)) for path in (settings.back, settings.comp))
        named = [*((path, False) for path in settings.masks), *((path, True) for path in settings.imasks)]
        masks = [_Mask(path, stack.enter_context(open_picture(path)), inverted) for path, inverted in named]
        _check_sizes(settings, back.info, [(settings.comp, comp.info), *((one.path, one.reader.info) for one in masks)])
        _check_values(settings, back.info, comp.info)
        for mask in masks:
            mask.normalise(settings.norm)
            if verbose:
                words = f"{mask.path}: values {mask.low:.3f} to {mask.high:.3f}{', inverted' if mask.inverted else ''}"
                events.tell("mask", words, path=str(mask.path), low=mask.low, high=mask.high)
        mix = _mixed_info(settings, back.info, comp.info)
        _write(settings, mix, back, comp, masks, events)
    written = [str(path) for path in (settings.out, settings.smask) if path is not None]
    size = {"width": mix.width, "height": mix.height}
    events.tell("done", f"{mix.width} x {mix.height}: {', '.join(written)}", files=written, masks=len(masks), **size)


def normalise_levels(values: Plane, low: float, high: float, level: float) -> Plane:
    """Mask values from `low` to `high`, the least and the greatest of their mask, hardened as ``--norm`` does.

    The formulas are maskilayer's `normalize_mask_arr`. The least value always becomes 0 and the greatest 1, so that
    these two are all that must be known of the mask. A flat mask stays as it is.
    """
    if level <= 0 or low == high:
        return values
    ends = np.array([low, high])
    values, ends = (values - low) / (high - low), (ends - low) / (high - low)
    if level == 1:
        return values
    cut = 0.5 - 0.25 * math.exp(-(level - 2) * 0.5)
    gamma = 1.0 - 0.75 * (1 - math.exp(-(level - 1) * 2.0))
    values, ends = (np.power((np.clip(one, cut, 1 - cut) - cut) / (1 - 2 * cut), gamma) for one in (values, ends))
    return (values - ends[0]) / (ends[1] - ends[0])


class _Mask:
    """A mask file as a plane of values, strip by strip."""

    def __init__(self, path: Path, reader: PictureReader, inverted: bool) -> None:
        self.path, self.reader, self.inverted = path, reader, inverted
        self.low, self.high = 0.0, 1.0
        self._level = 0
        self._table = self._values(np.arange(reader.info.white + 1)) if not reader.info.is_float else None

    def normalise(self, level: int) -> None:
        """Reads the mask once for its least and greatest value, which is all that normalising must know."""
        if level == 0:
            return
        self._level = level
        with open_picture(self.path) as again:
            least, greatest = _extremes(again)
        ends = self._values(np.array([least, greatest]))
        self.low, self.high = float(ends.min()), float(ends.max())
        if self._table is not None:
            self._table = normalise_levels(self._table.clip(self.low, self.high), self.low, self.high, level)

    def take(self, rows: int) -> Plane:
        levels = _grey(self.reader.take(rows))
        if self._table is not None:
            return self._table[levels]
        values = np.nan_to_num(self._values(levels), nan=0.0)
        return normalise_levels(values, self.low, self.high, self._level).clip(0, 1)

    def _values(self, levels: NDArray[Any]) -> Plane:
        values = levels.astype(np.float64) / float(self.reader.info.white)
        return 1 - values if self.inverted else values


def _grey(strip: Strip) -> NDArray[Any]:
    """The grey values of a mask file; its alpha says nothing, as in maskilayer."""
    return (strip[..., :1] if strip.shape[2] < 3 else luma(strip[..., :3]))[..., 0]


def _extremes(reader: PictureReader) -> tuple[float, float]:
    """The least and the greatest level of a mask; reading stops where nothing can lie beyond them."""
    least, greatest = math.inf, -math.inf
    for strip in reader.strips():
        grey = _grey(strip)
        least, greatest = min(least, float(grey.min())), max(greatest, float(grey.max()))
        if not math.isfinite(least + greatest):
            raise BadFile("a mask holds values that are no numbers; it cannot be normalised.")
        if not reader.info.is_float and (least, greatest) == (0, reader.info.white):
            break
    return least, greatest


def _check_sizes(settings: MaskilayerSettings, base: PictureInfo, others: Sequence[tuple[Path, PictureInfo]]) -> None:
    for path, info in others:
        if (info.width, info.height) != (base.width, base.height):
            raise ShapeError(
                f"{path} is {info.width} x {info.height} but {settings.back} is {base.width} x {base.height}; "
                "scale all pictures and masks to one size."
            )


def _check_values(settings: MaskilayerSettings, back: PictureInfo, comp: PictureInfo) -> None:
    alphas = {back.alpha, comp.alpha} - {"none"}
    if back.transfer != comp.transfer or len(alphas) > 1 or back.is_float != comp.is_float:
        raise BadFile(
            f"{settings.back} and {settings.comp} hold different kinds of values (float or whole numbers, linear or "
            "encoded, straight or premultiplied alpha); hemline blend converts them."
        )


def _mixed_info(settings: MaskilayerSettings, back: PictureInfo, comp: PictureInfo) -> PictureInfo:
    """The sidecar of the result in memory: the deeper of both depths, and every channel that one of them has."""
    coloured = max(back.channels, comp.channels) > 2
    transparent = {back.alpha, comp.alpha} - {"none"}
    deeper = max((back, comp), key=lambda info: np.dtype(info.dtype).itemsize)
    return dataclasses.replace(
        back, channels=(3 if coloured else 1) + bool(transparent), depth=deeper.depth,
        alpha=transparent.pop() if transparent else "none",
    )  # fmt: skip


def _write(
    settings: MaskilayerSettings, mix: PictureInfo, back: PictureReader, comp: PictureReader, masks: list[_Mask],
    events: Events,
) -> None:  # fmt: skip
    options = WriteOptions(fast=settings.fast)
    out = info_for(settings.out, mix)
    deep_mask = any(mask.reader.info.white != 255 for mask in masks)
    plane = PictureInfo(mix.width, mix.height, 1, 16 if deep_mask else 8)
    with ExitStack() as stack:
        give = stack.enter_context(create_picture(settings.out, out, options))
        smask = None if settings.smask is None else info_for(settings.smask, plane)
        give_mask = None
        if smask is not None and settings.smask is not None:
            give_mask = stack.enter_context(create_picture(settings.smask, smask, options))
        step = rows_per_strip(mix)
        for top in range(0, mix.height, step):
            rows = min(step, mix.height - top)
            weight = _mean([mask.take(rows) for mask in masks], (rows, mix.width))
            mixed = _mix(_as(back.take(rows), back.info, mix), _as(comp.take(rows), comp.info, mix), weight)
            give(as_channels(_levels(mixed, mix, out, settings.round), out.channels, out.white))
            if give_mask is not None and smask is not None:
                levels = _levels(weight[..., None] * plane.white, plane, smask, settings.round)
                give_mask(as_channels(levels, smask.channels, smask.white))
            events.step(settings.out.name, top + rows, mix.height)


def _mean(planes: list[Plane], shape: tuple[int, int]) -> Plane:
    return np.mean(planes, axis=0) if planes else np.full(shape, NO_MASK)


def _as(strip: Strip, info: PictureInfo, mix: PictureInfo) -> Strip:
    strip = as_channels(strip, mix.channels, info.white)
    return strip if info.white == mix.white else strip * (mix.white / info.white)


def _mix(back: Strip, comp: Strip, weight: Plane) -> Strip:
    """back * (1 - weight) + comp * weight in double precision; where the weight is 0 or 1 all over, that picture."""
    if not weight.any():
        return back
    if weight.min() == weight.max() == 1:
        return comp
    weight = weight[..., None]
    mixed: Strip = back * (1 - weight)
    mixed += comp * weight
    return mixed


def _levels(values: Strip, mix: PictureInfo, out: PictureInfo, how: str) -> Strip:
    """The values, in the levels of `mix`, as the file's samples."""
    if values.dtype == out.dtype and mix.white == out.white:
        return values
    scaled = values if mix.white == out.white else values * (out.white / mix.white)
    if out.is_float:
        return scaled.astype(out.dtype)
    # A mean of two pictures lies between them, so nothing has to be clamped.
    return (np.rint(scaled) if how == "nearest" else scaled).astype(out.dtype)

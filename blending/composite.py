"""Layers on a base picture: blend mode, compositing operator, coverage by mask, alpha and opacity, colour space."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FunctionType
from typing import cast

import torch
from torch import Tensor

from ..tensors import HemlineError, ShapeError, as_image, check_name, check_range, match_batch, match_mask
from .dissolve import pixel_noise
from .mixing import Recipe, is_opaque, mix_pixels
from .modes import blend_mode
from .operators import compositing_operator
from .placement import Offset, PlacedLayer, place_layer
from .tiles import (
    Tile,
    coverage_of,
    keep_freed_memory,
    load_colours,
    load_planes,
    new_pictures,
    repeat_channels,
    store_pixels,
    strips,
    writable_pixels,
)

SPACES = ("sRGB", "linear", "OKLab", "auto")
ALPHAS = ("straight", "premultiplied")
Mix = Callable[..., Tensor]  # with the arguments of `mix_pixels`
_compile = cast("Callable[..., Mix]", torch.compile)


def blend_images(
    base: Tensor, layer: Tensor, mask: Tensor | None = None, *,
    mode: str = "normal", opacity: float = 1.0, space: str = "sRGB", fit: str = "error",
    operator: str = "source-over", alpha: str = "straight", offset: Offset = (0, 0),
    seed: int = 0, origin: Offset = (0, 0), first_frame: int = 0, compile: bool = False, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """`layer` blended onto `base`, in the base's size, dtype and device; where nothing covers, base bit for bit.

    base, layer: ``[B,H,W,3|4]``; batches 1 and N go together; without alpha they are opaque. mask: ``[B,H,W]``, where
    and how strongly the layer works, None = everywhere; NaN counts as 0. opacity: 0..1, multiplies the mask.
    mode: a name of `BLEND_MODES` or an alias. operator: a name of `OPERATORS` or an alias. The result has the base's
    channels, and 4 where an operator that can take away from an opaque base works on 3 (copy, clear, in, out, dst-in,
    dst-out, dst-atop, xor).
    space: "sRGB" blends encoded values as image editors do, "linear" blends light, "OKLab" computes the mode on encoded
    values and mixes the result with the base as the eye does, "auto" takes the one that the mode is at home in.
    alpha: "straight" or "premultiplied" (by encoded colours), of both pictures and the result.
    fit, offset: of a layer of another size, or elsewhere, see `place_layer`; outside of it the layer is transparent.
    seed, origin, first_frame: of the mode "dissolve": the absolute place of the base's top left pixel and its first
    picture's number, so that parts of a picture or of a batch match the whole.
    compile: the arithmetic through torch.compile, which needs a C++ compiler and some seconds per mode, and rounds
    differently (by up to 1e-5, in OKLab 1e-4).
    out: memory for the result, of its shape, dtype and device, apart from the inputs'; whoever blends many pictures
    saves what fresh memory costs, which is more than the multiplication of two pictures.

    NaN and infinity pass: where a pixel is covered they reach that pixel and no other. Values above 1 pass in modes of
    the domain "any", the others clamp both colours to 0..1 first.

    W3C Compositing and Blending Level 1. Extra memory beside the result: a few strips of rows, and a scaled layer.

    Raises `ShapeError` for sizes and batches that do not match, `UnknownName` for a mode, operator, space, fit or
    alpha, `RangeError` for the opacity, `HemlineError` for a mode with an operator or a space that it cannot go with.
    """
    base, layer = as_image(base, "base"), as_image(layer, "layer")
    recipe = _recipe(mode, operator, space, check_name("Alpha", alpha, ALPHAS) == "premultiplied", compile)
    check_range("opacity", opacity, 0, 1)
    height, width = base.shape[1:3]
    coverage = torch.ones_like(base[:1, :1, :1, 0]).expand(1, height, width) if mask is None else match_mask(mask, base)
    base, layer, coverage = match_batch((base, layer.to(base.device), coverage), ("base", "layer", "mask"))
    placed = place_layer(layer, height, width, fit=fit, offset=offset, premultiplied=recipe.premultiplied)
    if recipe.operator.clears_outside:
        placed = placed.filling(height, width)
    channels = base.shape[-1] if recipe.operator.keeps_opaque else 4
    mix = _compiled(recipe, channels) if compile else mix_pixels
    mask = None if mask is None else coverage
    shape = (*base.shape[:3], channels)
    result = new_pictures(shape, base.dtype, base.device) if out is None else out
    if out is not None:
        _check_out(out, shape, base, (base, layer, coverage))
    _Job(base, placed, mask, float(opacity), recipe, mix, channels, seed, origin, first_frame).run(result)
    return result


def _check_out(out: Tensor, shape: tuple[int, ...], base: Tensor, inputs: tuple[Tensor, ...]) -> None:
    if tuple(out.shape) != shape or out.dtype != base.dtype or out.device != base.device:
        raise ShapeError(
            f"out is {list(out.shape)}, {out.dtype} on {out.device}; the result is {list(shape)}, {base.dtype} on "
            f"{base.device}."
        )
    if out.untyped_storage().data_ptr() in {tensor.untyped_storage().data_ptr() for tensor in inputs}:
        raise ShapeError("out shares its memory with an input, which is still being read; give it memory of its own.")


def _recipe(mode: str, operator: str, space: str, premultiplied: bool, exact: bool) -> Recipe:
    chosen, how = blend_mode(mode), compositing_operator(operator)
    if chosen.operator != "source-over":
        if how.name != "source-over":
            raise HemlineError(
                f"mode {chosen.name!r} is a compositing operator of its own and cannot go with operator {how.name!r}; "
                "leave operator at 'source-over'."
            )
        how = compositing_operator(chosen.operator)
    where = chosen.space if check_name("Space", space, SPACES) == "auto" else space
    if where == "OKLab" and how.total != "plain":
        raise HemlineError(f"operator {how.name!r} adds light, which OKLab cannot; choose space 'linear' or 'sRGB'.")
    return Recipe(chosen, how, where, premultiplied, exact)


@dataclass(frozen=True)
class _Job:
    """One call of `blend_images`, checked, with everything at one batch size."""

    base: Tensor
    placed: PlacedLayer
    mask: Tensor | None
    opacity: float
    recipe: Recipe
    mix: Mix
    channels: int
    seed: int
    origin: Offset
    first_frame: int

    @property
    def planar(self) -> bool:
        """Whether the arithmetic looks at whole channels; else it runs through the values as they lie."""
        opaque = is_opaque(self.recipe, self.channels, self.placed.layer.shape[-1])
        return not opaque or not self.recipe.mode.separable or self.recipe.space == "OKLab"

    @property
    def idle(self) -> bool:
        """Whether the base stays as it is everywhere."""
        return self.opacity == 0 or self.recipe.operator.name == "destination"

    def run(self, result: Tensor) -> None:
        """Writes the blended pictures into `result`."""
        window = self.placed.window(*self.base.shape[1:3])
        covered = None if self.mask is None else coverage_of(self.mask, window)
        columns = window.columns if covered is None else covered.columns
        work = replace(window, columns=columns)
        if self.idle or columns.start >= columns.stop or window.rows.start >= window.rows.stop:
            self._keep(result, replace(window, rows=slice(0, result.shape[1]), columns=slice(0, result.shape[2])))
            return
        self._keep_around(result, work)
        keep_freed_memory()
        for tile in strips(work, 3, result.device):
            if covered is not None and not covered.any_in(tile):
                self._keep(result, tile)
            else:
                block = tile.of(result)
                store_pixels(block, self._mixed(tile, covered is None or covered.full_in(tile), writable_pixels(block)))

    def _keep_around(self, result: Tensor, work: Tile) -> None:
        """The base where no work is: above, below, left and right of it."""
        height, width = result.shape[1:3]
        rows, columns = work.rows, work.columns
        for part in (slice(0, rows.start), slice(rows.stop, height)):
            self._keep(result, Tile(work.pictures, part, slice(0, width)))
        for part in (slice(0, columns.start), slice(columns.stop, width)):
            self._keep(result, Tile(work.pictures, rows, part))

    def _keep(self, result: Tensor, tile: Tile) -> None:
        part, base = tile.of(result), tile.of(self.base)
        part[..., : base.shape[-1]].copy_(base) if base.shape[-1] < part.shape[-1] else part.copy_(base)
        part[..., base.shape[-1] :].fill_(1)

    def _mixed(self, tile: Tile, full: bool, out: Tensor | None) -> Tensor:
        """The tile's pixels ``[n,C]``; full: its mask is 0 nowhere. out: memory that they may be written to."""
        load = load_planes if self.planar else load_colours
        base, layer, share = load(tile.of(self.base)), load(self.placed.of(tile)), self._share(tile)
        if self.recipe.mode.coverage == "dissolved":
            share, layer, full = self._dissolved(tile, share, layer), layer[:, :3], False
        share = repeat_channels(share, 3) if isinstance(share, Tensor) and not self.planar else _column(share)
        return self.mix(base, layer, share, self.recipe, channels=self.channels, full=full, out=out)

    def _share(self, tile: Tile) -> Tensor | float:
        """How strongly each pixel of the tile is covered, ``[n]``, or one number for all."""
        if self.mask is None:
            return self.opacity
        share = tile.of(self.mask).reshape(-1).float().clamp(0, 1)
        return share if self.opacity == 1 else share * self.opacity

    def _dissolved(self, tile: Tile, share: Tensor | float, layer: Tensor) -> Tensor:
        """1 where the noise is below share x the layer's alpha, else 0, ``[n]``."""
        (left, top), columns, rows, pictures = self.origin, tile.columns, tile.rows, tile.pictures
        noise = pixel_noise(
            range(left + columns.start, left + columns.stop),
            range(top + rows.start, top + rows.stop),
            range(self.first_frame + pictures.start, self.first_frame + pictures.stop),
            self.seed,
            layer.device,
        )
        chance = share if layer.shape[1] == 3 else share * layer[:, 3].clamp(0, 1)
        return (noise.reshape(-1) < chance).float()


def _column(share: Tensor | float) -> Tensor | float:
    return share.unsqueeze(-1) if isinstance(share, Tensor) else share


@functools.cache  # of what torch itself keeps for good: compiled code, by code object
def _compiled(recipe: Recipe, channels: int) -> Mix:
    """`mix_pixels` of one recipe as one compiled loop, for any number of pixels."""

    def mix(
        base: Tensor, layer: Tensor, share: Tensor | float, recipe: Recipe, *,
        channels: int, full: bool = False, out: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        mixed = mix_pixels(base, layer, share, recipe, channels=channels, full=full)
        return mixed if out is None else out.copy_(mixed)

    # torch keeps its compiled variants by the code object and gives up after eight of them: one code object per recipe.
    name = f"mix_{recipe.mode.name}_{recipe.operator.name}_{recipe.space}_{channels}"
    named = FunctionType(mix.__code__.replace(co_name=name), mix.__globals__, name)
    named.__kwdefaults__ = mix.__kwdefaults__
    return _compile(named, dynamic=True, fullgraph=True)

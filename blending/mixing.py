"""Pixels mixed: a source on a backdrop by a blend mode, a compositing operator and a share, in a colour space.

All functions take pixels ``[n,C]`` in float32, in any memory layout, and do not write to them. Work is done in place
where it can be: fresh memory for every step would not stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..color import (
    linear_to_oklab,
    linear_to_srgb,
    linear_to_srgb_fast,
    oklab_to_linear,
    srgb_to_linear,
    srgb_to_linear_fast,
)
from .mode import BlendMode
from .modes_w3c import TINY
from .operators import Operator, weigh

Curve = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Recipe:
    """What happens to a pixel.

    space: "sRGB" and "linear" blend and mix there; "OKLab" blends encoded values and mixes in OKLab.
    premultiplied: of colours that carry an alpha, in and out. exact: the exact transfer curves, for a compiler that
    fuses them; else the polynomials.
    """

    mode: BlendMode
    operator: Operator
    space: str = "sRGB"
    premultiplied: bool = False
    exact: bool = False

    @property
    def mixing_curves(self) -> tuple[Curve, Curve]:
        """From where the mode's formula works into the space that coverage mixes in, and back to encoded values."""
        if self.space != "OKLab":
            return _same, self.curves[1]
        decode, encode = (srgb_to_linear, linear_to_srgb) if self.exact else (srgb_to_linear_fast, linear_to_srgb_fast)
        return lambda colour: linear_to_oklab(decode(colour)), lambda colour: encode(oklab_to_linear(colour))

    @property
    def curves(self) -> tuple[Curve, Curve]:
        """Into the space that the mode's formula works in, and back."""
        if self.space != "linear":
            return _same, _same
        return (srgb_to_linear, linear_to_srgb) if self.exact else (srgb_to_linear_fast, linear_to_srgb_fast)


def mix_pixels(
    base: Tensor, layer: Tensor, share: Tensor | float, recipe: Recipe, *,
    channels: int, full: bool = False, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The mixed pixels ``[n,channels]``, with the base's own bits where the operator has nothing to do.

    base, layer: ``[n,3|4]``. share: of the operator's effect, 0..1, ``[n,1]`` or ``[n,3]``, or one number.
    channels: 3, or 4 with an alpha. full: no share is 0. out: where the pixels may be written to, instead of into fresh
    memory.
    """
    if is_opaque(recipe, channels, layer.shape[1]):
        if not isinstance(share, Tensor):
            return mix_opaque(base, layer, share, recipe, out) if share > 0 else base
        if full:
            return mix_opaque(base, layer, share, recipe, out)
        return torch.where(share > 0, mix_opaque(base, layer, share, recipe), base)
    mixed = mix_alpha(base, layer, share, recipe)[:, :channels]
    if base.shape[1] < channels:
        base = torch.cat([base, torch.ones_like(base[:, :1])], dim=1)
    if layer.shape[1] == 4 and not recipe.operator.clears_outside:
        share = share * layer[:, 3:]
    if isinstance(share, Tensor):
        return torch.where(share > 0, mixed, base)
    return mixed if share > 0 else base


def is_opaque(recipe: Recipe, channels: int, layer_channels: int) -> bool:
    """Whether no pixel has an alpha and the layer just lies over the base."""
    return channels == layer_channels == 3 and recipe.operator.name == "source-over"


def mix_opaque(base: Tensor, layer: Tensor, share: Tensor | float, recipe: Recipe, out: Tensor | None = None) -> Tensor:
    """An opaque layer over an opaque base, ``[n,3]``: ``base + share * (blended - base)``.

    share: 0..1, ``[n,1]`` or ``[n,3]``, or one number; the number 1 gives the very blend.
    """
    decode, encode_blended = recipe.curves
    enter, encode = recipe.mixing_curves
    backdrop, source = decode(base), decode(layer)
    blended = _blend(backdrop, source, recipe.mode)
    if not isinstance(share, Tensor) and share == 1:
        return encode_blended(blended)
    owned = not recipe.exact and not _share_memory(blended, source) and not _share_memory(blended, backdrop)
    backdrop, blended = enter(backdrop), enter(blended)
    step = blended.sub_(backdrop) if owned else blended - backdrop
    # Separate products and sums: a fused one may round differently in a vector's body and its tail.
    return encode(torch.add(step.mul_(share), backdrop, out=out if encode is _same else None))


def _share_memory(one: Tensor, other: Tensor) -> bool:
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def mix_alpha(base: Tensor, layer: Tensor, share: Tensor | float, recipe: Recipe) -> Tensor:
    """A layer on a base where one of them has an alpha or the operator makes one, ``[n,4]``.

    base, layer: ``[n,3|4]``. share: of the operator's effect, 0..1, ``[n,1]`` or one number. In premultiplied colours
    a share of the effect and a share of the layer's alpha are the same thing for every operator that leaves the
    backdrop alone where the source is transparent; for the others (copy, clear, in, ...) share 0 keeps the base too.

    W3C Compositing and Blending Level 1, sections 5.1, 5.6 and 9.1.4.
    """
    decode, _ = recipe.curves
    enter, encode = recipe.mixing_curves
    base_colour, backdrop_alpha = _split(base, recipe)
    layer_colour, source_alpha = _split(layer, recipe)
    backdrop, source = decode(base_colour), decode(layer_colour)
    blended = source + backdrop_alpha * (_blend(backdrop, source, recipe.mode) - source)
    backdrop, blended = enter(backdrop), enter(blended)
    source_weight = share * source_alpha * weigh(recipe.operator.source, backdrop_alpha)
    backdrop_weight = backdrop_alpha * (1 - share * (1 - weigh(recipe.operator.backdrop, source_alpha)))
    alpha = source_weight + backdrop_weight
    premultiplied = source_weight * blended + backdrop_weight * backdrop
    if recipe.operator.total != "plain":
        premultiplied, alpha = _clamp_sums(premultiplied, alpha, recipe.operator)
    colour = encode(premultiplied / alpha.clamp(min=TINY))
    mixed = torch.empty((4, len(base)), dtype=colour.dtype, device=colour.device).T
    mixed[:, :3] = colour * alpha if recipe.premultiplied else colour
    mixed[:, 3:] = alpha
    return mixed


def _clamp_sums(premultiplied: Tensor, alpha: Tensor, operator: Operator) -> tuple[Tensor, Tensor]:
    """W3C Compositing Level 2, "plus lighter"; "plus darker" as WebKit has it: what is missing to white is added."""
    limited = alpha.clamp(max=1)
    if operator.total == "clamped":
        return premultiplied.clamp(max=1), limited
    return (limited - (alpha - premultiplied)).clamp(min=0), limited


def _blend(backdrop: Tensor, source: Tensor, mode: BlendMode) -> Tensor:
    if mode.domain == "unit":
        return mode.function(backdrop.clamp(0, 1), source.clamp(0, 1))
    return mode.function(backdrop, source)


def _split(pixels: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Straight colour and alpha (0..1) of pixels ``[n,3|4]``; premultiplied ones without alpha have no colour."""
    colour = pixels[:, :3]
    if pixels.shape[1] == 3:
        return colour, torch.ones_like(pixels[:, :1])
    alpha = pixels[:, 3:].clamp(0, 1)
    return torch.where(alpha > 0, colour / alpha, 0) if recipe.premultiplied else colour, alpha


def _same(colour: Tensor) -> Tensor:
    return colour

"""The modes beyond the standard's that look at whole colours: by luminosity, and in GIMP's HSV and HSL.

``Cb`` is the backdrop, ``Cs`` the source, both ``[...,3]``. The colour models are written in closed form: a colour is
its highest and its lowest channel and what lies between them in proportion, so no hue angle is needed.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .mode import BlendMode
from .modes_w3c import TINY, highest, lowest, lum


def _darker_color(Cb: Tensor, Cs: Tensor) -> Tensor:
    return torch.where(lum(Cs) < lum(Cb), Cs, Cb)


def _lighter_color(Cb: Tensor, Cs: Tensor) -> Tensor:
    return torch.where(lum(Cs) > lum(Cb), Cs, Cb)


def _hsv_hue(Cb: Tensor, Cs: Tensor) -> Tensor:
    """The source's channels stretched to the backdrop's highest and lowest; the backdrop where the source is grey."""
    chroma = highest(Cs) - lowest(Cs)
    stretched = lowest(Cb) + (Cs - lowest(Cs)) * (highest(Cb) - lowest(Cb)) / chroma.clamp(min=TINY)
    return torch.where(chroma > 0, stretched, Cb)


def _hsv_saturation(Cb: Tensor, Cs: Tensor) -> Tensor:
    """The backdrop with its highest channel kept and its chroma made value * the source's saturation; grey stays."""
    value, source_value = highest(Cb), highest(Cs)
    saturation = (source_value - lowest(Cs)) / source_value.clamp(min=TINY)
    return value - (value - Cb) * value * saturation / (value - lowest(Cb)).clamp(min=TINY)


def _hsv_value(Cb: Tensor, Cs: Tensor) -> Tensor:
    """The backdrop scaled to the source's highest channel; black becomes grey."""
    value = highest(Cb)
    return torch.where(value > 0, Cb / value.clamp(min=TINY) * highest(Cs), highest(Cs))


def _hsl_color(Cb: Tensor, Cs: Tensor) -> Tensor:
    """The source's hue and HSL saturation at the backdrop's lightness."""
    lightness, source_lightness = (highest(Cb) + lowest(Cb)) / 2, (highest(Cs) + lowest(Cs)) / 2
    room, source_room = 1 - (2 * lightness - 1).abs(), 1 - (2 * source_lightness - 1).abs()
    return (lightness + (Cs - source_lightness) * room / source_room.clamp(min=TINY)).clamp_(0, 1)


COLOR_MODES = (
    BlendMode("darker-color", _darker_color, "Photoshop", "any", aliases=("luma darken only",), separable=False),
    BlendMode("lighter-color", _lighter_color, "Photoshop", "any", aliases=("luma lighten only",), separable=False),
    BlendMode("hsv-hue", _hsv_hue, "GIMP", aliases=("hue hsv",), separable=False),
    BlendMode("hsv-saturation", _hsv_saturation, "GIMP", aliases=("saturation hsv",), separable=False),
    BlendMode("hsv-value", _hsv_value, "GIMP", aliases=("value", "value hsv"), separable=False),
    BlendMode("hsl-color", _hsl_color, "GIMP", aliases=("color hsl",), separable=False),
)

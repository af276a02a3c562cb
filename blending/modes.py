"""The blend modes of W3C Compositing and Blending Level 1, one record each, in the letters of the specification.

``Cb`` is the backdrop, ``Cs`` the source, both ``[...,3]``; see https://www.w3.org/TR/compositing-1/#blending.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..plugins import Plugin, Registry
from ..tensors import HemlineError, check_name

BlendFunction = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class BlendMode:
    """A blend mode: its W3C name, the function B(Cb, Cs), and the values that it is defined for.

    domain "any": values above 1 (HDR) pass; "unit": both colours are clamped to 0..1 first.
    """

    name: str
    function: BlendFunction
    domain: Literal["any", "unit"] = "unit"


def blend_mode(name: str) -> BlendMode:
    """The mode of that name, built in or of a plugin; raises `UnknownName` with the nearest known one."""
    return MODE_REGISTRY.get(name)


def _from_plugin(plugin: Plugin) -> BlendMode:
    """A plugin's ``function(backdrop, source)``; its attribute ``domain`` is the mode's, "unit" without."""
    try:
        inspect.signature(plugin.function).bind(None, None)
    except TypeError as error:
        raise HemlineError(f"it must take (backdrop, source): {error}") from error

    def blend(Cb: Tensor, Cs: Tensor) -> Tensor:
        return plugin.call(tuple(Cb.shape), (Cb, Cs), {})

    domain = check_name("Domain", getattr(plugin.function, "domain", "unit"), ("any", "unit"))
    return BlendMode(plugin.name, blend, "any" if domain == "any" else "unit")


def _normal(_: Tensor, Cs: Tensor) -> Tensor:
    return Cs


def _multiply(Cb: Tensor, Cs: Tensor) -> Tensor:
    return Cb * Cs


def _screen(Cb: Tensor, Cs: Tensor) -> Tensor:
    return Cb + Cs - Cb * Cs


def _overlay(Cb: Tensor, Cs: Tensor) -> Tensor:
    return _hard_light(Cs, Cb)


def _color_dodge(Cb: Tensor, Cs: Tensor) -> Tensor:
    dodged = (Cb / (1 - Cs).clamp(min=torch.finfo(Cb.dtype).tiny)).clamp(max=1)
    return torch.where(Cb == 0, 0, torch.where(Cs == 1, 1, dodged))


def _color_burn(Cb: Tensor, Cs: Tensor) -> Tensor:
    burned = 1 - ((1 - Cb) / Cs.clamp(min=torch.finfo(Cb.dtype).tiny)).clamp(max=1)
    return torch.where(Cb == 1, 1, torch.where(Cs == 0, 0, burned))


def _hard_light(Cb: Tensor, Cs: Tensor) -> Tensor:
    return torch.where(Cs <= 0.5, _multiply(Cb, 2 * Cs), _screen(Cb, 2 * Cs - 1))


def _soft_light(Cb: Tensor, Cs: Tensor) -> Tensor:
    D = torch.where(Cb <= 0.25, ((16 * Cb - 12) * Cb + 4) * Cb, Cb.sqrt())
    return torch.where(Cs <= 0.5, Cb - (1 - 2 * Cs) * Cb * (1 - Cb), Cb + (2 * Cs - 1) * (D - Cb))


def _difference(Cb: Tensor, Cs: Tensor) -> Tensor:
    return (Cb - Cs).abs()


def _exclusion(Cb: Tensor, Cs: Tensor) -> Tensor:
    return Cb + Cs - 2 * Cb * Cs


def _lum(C: Tensor) -> Tensor:
    return 0.3 * C[..., 0:1] + 0.59 * C[..., 1:2] + 0.11 * C[..., 2:3]


def _sat(C: Tensor) -> Tensor:
    return C.amax(-1, keepdim=True) - C.amin(-1, keepdim=True)


def _clip_color(C: Tensor) -> Tensor:
    L, n, x = _lum(C), C.amin(-1, keepdim=True), C.amax(-1, keepdim=True)
    tiny = torch.finfo(C.dtype).tiny
    lifted = torch.where(n < 0, L + (C - L) * L / (L - n).clamp(min=tiny), C)
    return torch.where(x > 1, L + (lifted - L) * (1 - L) / (x - L).clamp(min=tiny), lifted)


def _set_lum(C: Tensor, lum: Tensor) -> Tensor:
    return _clip_color(C + (lum - _lum(C)))


def _set_sat(C: Tensor, sat: Tensor) -> Tensor:
    """(C - min) * s / (max - min): the specification's sorting in closed form; grey stays without saturation."""
    spread = _sat(C)
    return torch.where(spread > 0, (C - C.amin(-1, keepdim=True)) * sat / spread, 0)


def _hue(Cb: Tensor, Cs: Tensor) -> Tensor:
    return _set_lum(_set_sat(Cs, _sat(Cb)), _lum(Cb))


def _saturation(Cb: Tensor, Cs: Tensor) -> Tensor:
    return _set_lum(_set_sat(Cb, _sat(Cs)), _lum(Cb))


def _color(Cb: Tensor, Cs: Tensor) -> Tensor:
    return _set_lum(Cs, _lum(Cb))


def _luminosity(Cb: Tensor, Cs: Tensor) -> Tensor:
    return _set_lum(Cb, _lum(Cs))


BLEND_MODES: dict[str, BlendMode] = {
    mode.name: mode
    for mode in (
        BlendMode("normal", _normal, "any"),
        BlendMode("multiply", _multiply, "any"),
        BlendMode("screen", _screen),
        BlendMode("overlay", _overlay),
        BlendMode("darken", torch.minimum, "any"),
        BlendMode("lighten", torch.maximum, "any"),
        BlendMode("color-dodge", _color_dodge),
        BlendMode("color-burn", _color_burn),
        BlendMode("hard-light", _hard_light),
        BlendMode("soft-light", _soft_light),
        BlendMode("difference", _difference, "any"),
        BlendMode("exclusion", _exclusion),
        BlendMode("hue", _hue),
        BlendMode("saturation", _saturation),
        BlendMode("color", _color),
        BlendMode("luminosity", _luminosity),
    )
}

MODE_REGISTRY = Registry("blend mode", "hemline.blend_modes", BLEND_MODES, _from_plugin)

"""The sixteen modes of W3C Compositing and Blending Level 1, in the letters of the specification.

``Cb`` is the backdrop, ``Cs`` the source, both ``[...,3]``; see https://www.w3.org/TR/compositing-1/#blending. Where
the specification has two branches that meet, the formula is written as a sum of clamped terms: the same values without
a choice per value, which costs a processor more than all the arithmetic.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .mode import BlendMode

# Stands in for a divisor of 0: 0 / TINY is 0, everything else becomes huge and is clamped.
TINY = 1.1754943508222875e-38


def _normal(_: Tensor, Cs: Tensor) -> Tensor:
    return Cs


def _multiply(Cb: Tensor, Cs: Tensor) -> Tensor:
    return Cb * Cs


def _screen(Cb: Tensor, Cs: Tensor) -> Tensor:
    return Cb + Cs - Cb * Cs


def _overlay(Cb: Tensor, Cs: Tensor) -> Tensor:
    return hard_light(Cs, Cb)


def color_dodge(Cb: Tensor, Cs: Tensor) -> Tensor:
    """min(1, Cb / (1 - Cs)); 0 where Cb is 0, else 1 where Cs is 1."""
    return (Cb / (1 - Cs).clamp_(min=TINY)).clamp_(max=1)


def color_burn(Cb: Tensor, Cs: Tensor) -> Tensor:
    """1 - min(1, (1 - Cb) / Cs); 1 where Cb is 1, else 0 where Cs is 0."""
    return 1 - ((1 - Cb) / Cs.clamp(min=TINY)).clamp_(max=1)


def hard_light(Cb: Tensor, Cs: Tensor) -> Tensor:
    """Multiply(Cb, 2 Cs) up to Cs = 1/2, above it Screen(Cb, 2 Cs - 1): Cb (1 - |2 Cs - 1|) + max(0, 2 Cs - 1)."""
    beyond = 2 * Cs - 1
    return Cb * (1 - beyond.abs()) + beyond.clamp(min=0)


def _soft_light(Cb: Tensor, Cs: Tensor) -> Tensor:
    """Cb + min(0, 2 Cs - 1) (Cb - Cb²) + max(0, 2 Cs - 1) (D(Cb) - Cb), D with its halves meeting at 1/4."""
    low = Cb.clamp(max=0.25)
    D = (low * 16).sub_(12).mul_(low).add_(4).mul_(low)
    D.add_(Cb.clamp(min=0.25).sqrt_().sub_(0.5))
    beyond = (Cs * 2).sub_(1)
    darker = (Cb - Cb * Cb).mul_(beyond.clamp(max=0))
    return D.sub_(Cb).mul_(beyond.clamp_(min=0)).add_(darker).add_(Cb)


def difference(Cb: Tensor, Cs: Tensor) -> Tensor:
    """|Cb - Cs|."""
    return (Cb - Cs).abs_()


def _exclusion(Cb: Tensor, Cs: Tensor) -> Tensor:
    return Cb + Cs - 2 * Cb * Cs


def lum(C: Tensor) -> Tensor:
    """The specification's luminosity of each colour, ``[...,1]``."""
    return 0.3 * C[..., 0:1] + 0.59 * C[..., 1:2] + 0.11 * C[..., 2:3]


def highest(C: Tensor) -> Tensor:
    """The largest channel of each colour, ``[...,1]``."""
    return torch.maximum(torch.maximum(C[..., 0:1], C[..., 1:2]), C[..., 2:3])


def lowest(C: Tensor) -> Tensor:
    """The smallest channel of each colour, ``[...,1]``."""
    return torch.minimum(torch.minimum(C[..., 0:1], C[..., 1:2]), C[..., 2:3])


def _sat(C: Tensor) -> Tensor:
    return highest(C) - lowest(C)


def _clip_color(C: Tensor) -> Tensor:
    L, n, x = lum(C), lowest(C), highest(C)
    lifted = torch.where(n < 0, L + (C - L) * L / (L - n).clamp(min=TINY), C)
    return torch.where(x > 1, L + (lifted - L) * (1 - L) / (x - L).clamp(min=TINY), lifted)


def _set_lum(C: Tensor, lightness: Tensor) -> Tensor:
    return _clip_color(C + (lightness - lum(C)))


def _set_sat(C: Tensor, sat: Tensor) -> Tensor:
    """(C - min) * s / (max - min): the specification's sorting in closed form; grey stays without saturation."""
    return (C - lowest(C)) * sat / _sat(C).clamp(min=TINY)


def _hue(Cb: Tensor, Cs: Tensor) -> Tensor:
    return _set_lum(_set_sat(Cs, _sat(Cb)), lum(Cb))


def _saturation(Cb: Tensor, Cs: Tensor) -> Tensor:
    return _set_lum(_set_sat(Cb, _sat(Cs)), lum(Cb))


def _color(Cb: Tensor, Cs: Tensor) -> Tensor:
    return _set_lum(Cs, lum(Cb))


def _luminosity(Cb: Tensor, Cs: Tensor) -> Tensor:
    return _set_lum(Cb, lum(Cs))


W3C_MODES = (
    BlendMode("normal", _normal, "W3C 10.1.1", "any", "linear"),
    BlendMode("multiply", _multiply, "W3C 10.1.2", "any"),
    BlendMode("screen", _screen, "W3C 10.1.3"),
    BlendMode("overlay", _overlay, "W3C 10.1.4"),
    BlendMode("darken", torch.minimum, "W3C 10.1.5", "any", aliases=("darken only", "min")),
    BlendMode("lighten", torch.maximum, "W3C 10.1.6", "any", aliases=("lighten only", "max")),
    BlendMode("color-dodge", color_dodge, "W3C 10.1.7", aliases=("dodge",)),
    BlendMode("color-burn", color_burn, "W3C 10.1.8", aliases=("burn",)),
    BlendMode("hard-light", hard_light, "W3C 10.1.9"),
    BlendMode("soft-light", _soft_light, "W3C 10.1.10", aliases=("soft light svg", "soft light w3c")),
    BlendMode("difference", difference, "W3C 10.1.11", "any", aliases=("diff",)),
    BlendMode("exclusion", _exclusion, "W3C 10.1.12"),
    BlendMode("hue", _hue, "W3C 10.2.1", aliases=("hue hsy",), separable=False),
    BlendMode("saturation", _saturation, "W3C 10.2.2", aliases=("saturation hsy",), separable=False),
    BlendMode("color", _color, "W3C 10.2.3", aliases=("color hsy",), separable=False),
    BlendMode("luminosity", _luminosity, "W3C 10.2.4", aliases=("luminosity hsy", "luminize"), separable=False),
)

"""The modes that image editors have beyond the standard's, channel by channel.

``Cb`` is the backdrop, ``Cs`` the source. "Photoshop" stands for Adobe's PDF blend mode addendum together with what
psd-tools measured on Photoshop's own renders; "Pegtop" for J. Gruschel, "Blend modes" (2006); GIMP and Krita for their
documentation.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..color import widen
from .mode import BlendMode
from .modes_w3c import TINY, difference


def _linear_dodge(Cb: Tensor, Cs: Tensor) -> Tensor:
    return (Cb + Cs).clamp_(max=1)


def _linear_burn(Cb: Tensor, Cs: Tensor) -> Tensor:
    return (Cb + Cs).sub_(1).clamp_(min=0)


def _linear_light(Cb: Tensor, Cs: Tensor) -> Tensor:
    return (Cb + 2 * Cs).sub_(1).clamp_(0, 1)


def _vivid_light(Cb: Tensor, Cs: Tensor) -> Tensor:
    """Color burn by 2 Cs up to Cs = 1/2, above it color dodge by 2 Cs - 1; a source of 0 or 1 decides alone."""
    burned = 1 - ((1 - Cb) / (2 * Cs).clamp_(TINY, 1)).clamp_(max=1)
    vivid = (burned / (2 - 2 * Cs).clamp_(TINY, 1)).clamp_(max=1)
    return torch.where((Cs == 0) | (Cs == 1), Cs, vivid)


def _pin_light(Cb: Tensor, Cs: Tensor) -> Tensor:
    """min(Cb, 2 Cs) up to Cs = 1/2, above it max(Cb, 2 Cs - 1)."""
    doubled = 2 * Cs
    return torch.maximum(torch.minimum(Cb, doubled), doubled - 1)


def _hard_mix(Cb: Tensor, Cs: Tensor) -> Tensor:
    total = Cb + Cs
    return ((total > 1) | ((total == 1) & (Cb > 0.5))).to(Cb.dtype)


def _subtract(Cb: Tensor, Cs: Tensor) -> Tensor:
    return (Cb - Cs).clamp_(min=0)


def _divide(Cb: Tensor, Cs: Tensor) -> Tensor:
    return (Cb / Cs.clamp(min=TINY)).clamp_(max=1)


def _addition(Cb: Tensor, Cs: Tensor) -> Tensor:
    return Cb + Cs


def _grain_extract(Cb: Tensor, Cs: Tensor) -> Tensor:
    return (Cb - Cs).add_(0.5).clamp_(0, 1)


def _grain_merge(Cb: Tensor, Cs: Tensor) -> Tensor:
    return (Cb + Cs).sub_(0.5).clamp_(0, 1)


def _normal(_: Tensor, Cs: Tensor) -> Tensor:
    return Cs


def _negation(Cb: Tensor, Cs: Tensor) -> Tensor:
    return 1 - (1 - Cb - Cs).abs_()


def _equivalence(Cb: Tensor, Cs: Tensor) -> Tensor:
    return 1 - difference(Cb, Cs)


def _reflect(Cb: Tensor, Cs: Tensor) -> Tensor:
    """Cb² / (1 - Cs); 1 where Cs is 1."""
    reflected = (Cb * Cb / (1 - Cs).clamp_(min=TINY)).clamp_(max=1)
    return torch.where(Cs == 1, 1, reflected)


def _glow(Cb: Tensor, Cs: Tensor) -> Tensor:
    return _reflect(Cs, Cb)


def _freeze(Cb: Tensor, Cs: Tensor) -> Tensor:
    """1 - (1 - Cb)² / Cs; 0 where Cs is 0."""
    return 1 - _reflect(1 - Cb, 1 - Cs)


def _heat(Cb: Tensor, Cs: Tensor) -> Tensor:
    return _freeze(Cs, Cb)


def _average(Cb: Tensor, Cs: Tensor) -> Tensor:
    return (Cb + Cs) / 2


def _geometric(Cb: Tensor, Cs: Tensor) -> Tensor:
    return (Cb * Cs).sqrt_()


def _harmonic(Cb: Tensor, Cs: Tensor) -> Tensor:
    """2 / (1 / Cb + 1 / Cs); 0 where one of them is 0."""
    return 2 * Cb * Cs / (Cb + Cs).clamp_(min=TINY)


def _interpolation(Cb: Tensor, Cs: Tensor) -> Tensor:
    """1/2 - cos(pi Cb) / 4 - cos(pi Cs) / 4."""
    waves = (widen(Cb) * math.pi).cos_() + (widen(Cs) * math.pi).cos_()
    return (0.5 - waves / 4).to(Cb.dtype)


def _additive_subtractive(Cb: Tensor, Cs: Tensor) -> Tensor:
    return difference(Cb.sqrt(), Cs.sqrt())


def _soft_light_pegtop(Cb: Tensor, Cs: Tensor) -> Tensor:
    """(1 - 2 Cs) Cb² + 2 Cs Cb."""
    return Cb * (Cb + 2 * Cs * (1 - Cb))


def _soft_light_sqrt(Cb: Tensor, Cs: Tensor) -> Tensor:
    """The standard's soft light with sqrt(Cb) in place of D(Cb)."""
    beyond = 2 * Cs - 1
    return Cb + beyond.clamp(max=0) * (Cb - Cb * Cb) + beyond.clamp(min=0) * (Cb.sqrt() - Cb)


def _hard_overlay(Cb: Tensor, Cs: Tensor) -> Tensor:
    """2 Cb Cs up to Cs = 1/2, above it Cb / (2 - 2 Cs); 1 where Cs is 1."""
    overlaid = (Cb * (2 * Cs).clamp_(max=1) / (2 - 2 * Cs).clamp_(TINY, 1)).clamp_(max=1)
    return torch.where(Cs == 1, 1, overlaid)


def _gamma_dark(Cb: Tensor, Cs: Tensor) -> Tensor:
    """Cb ** (1 / Cs); 0 where Cs is 0."""
    darkened = widen(Cb) ** (1 / widen(Cs).clamp(min=TINY))
    return torch.where(Cs == 0, 0, darkened.to(Cb.dtype))


def _gamma_light(Cb: Tensor, Cs: Tensor) -> Tensor:
    """Cb ** Cs."""
    return (widen(Cb) ** widen(Cs)).to(Cb.dtype)


PHOTOSHOP_MODES = (
    BlendMode("dissolve", _normal, "Photoshop, GIMP, Krita", "any", coverage="dissolved"),
    BlendMode("linear-burn", _linear_burn, "Photoshop", aliases=("inverse subtract",)),
    BlendMode("linear-dodge", _linear_dodge, "Photoshop", aliases=("add", "linear dodge (add)")),
    BlendMode("vivid-light", _vivid_light, "Photoshop"),
    BlendMode("linear-light", _linear_light, "Photoshop"),
    BlendMode("pin-light", _pin_light, "Photoshop"),
    BlendMode("hard-mix", _hard_mix, "Photoshop", aliases=("hard mix photoshop",)),
    BlendMode("subtract", _subtract, "Photoshop, GIMP", "any", aliases=("minus", "subtraction")),
    BlendMode("divide", _divide, "Photoshop", aliases=("division",)),
)
OTHER_EDITORS_MODES = (
    BlendMode("addition", _addition, "GIMP, Krita", "any", "linear"),
    BlendMode("grain-extract", _grain_extract, "GIMP, Krita"),
    BlendMode("grain-merge", _grain_merge, "GIMP, Krita"),
    BlendMode("average", _average, "Pegtop; Krita's allanon", "any", aliases=("allanon", "mean")),
    BlendMode("geometric", _geometric, "Krita's geometric mean", aliases=("geometric mean",)),
    BlendMode("harmonic", _harmonic, "Krita's parallel", aliases=("parallel", "harmonic mean")),
    BlendMode("interpolation", _interpolation, "Pegtop, Krita", aliases=("interpolate",)),
    BlendMode("negation", _negation, "Pegtop, Krita"),
    BlendMode("equivalence", _equivalence, "Krita", aliases=("phoenix",)),
    BlendMode("additive-subtractive", _additive_subtractive, "Krita"),
    BlendMode("reflect", _reflect, "Pegtop, Krita"),
    BlendMode("glow", _glow, "Pegtop, Krita"),
    BlendMode("freeze", _freeze, "Pegtop, Krita"),
    BlendMode("heat", _heat, "Pegtop, Krita"),
    BlendMode(
        "soft-light-pegtop", _soft_light_pegtop, "Pegtop; GIMP's and ComfyUI's own soft light",
        aliases=("pegtop", "soft light gimp", "soft light pegtop delphi"),
    ),
    BlendMode("soft-light-sqrt", _soft_light_sqrt, "Krita", aliases=("soft light photoshop",)),
    BlendMode("hard-overlay", _hard_overlay, "Krita"),
    BlendMode("gamma-dark", _gamma_dark, "Krita"),
    BlendMode("gamma-light", _gamma_light, "Krita"),
)  # fmt: skip
# The two ways of adding premultiplied colours: what they add depends on the alphas, so they are operators.
OPERATOR_MODES = (
    BlendMode("plus-lighter", _normal, "W3C Compositing Level 2", operator="lighter"),
    BlendMode("plus-darker", _normal, "WebKit", operator="plus-darker"),
)

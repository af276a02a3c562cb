"""The W3C blend modes for one pixel in plain Python, written down from the specification's text, as an oracle.

Compositing and Blending Level 1, sections 5.1, 10.1 and 10.2; with the sorting SetSat of the specification, which the
package replaces by a closed form.
"""

from __future__ import annotations

import math

Colour = tuple[float, float, float]


def _hard_light(b: float, s: float) -> float:
    return b * 2 * s if s <= 0.5 else b + (2 * s - 1) - b * (2 * s - 1)


def _soft_light(b: float, s: float) -> float:
    if s <= 0.5:
        return b - (1 - 2 * s) * b * (1 - b)
    d = ((16 * b - 12) * b + 4) * b if b <= 0.25 else math.sqrt(b)
    return b + (2 * s - 1) * (d - b)


def _dodge(b: float, s: float) -> float:
    if b == 0:
        return 0
    return 1 if s == 1 else min(1, b / (1 - s))


def _burn(b: float, s: float) -> float:
    if b == 1:
        return 1
    return 0 if s == 0 else 1 - min(1, (1 - b) / s)


SEPARABLE = {
    "normal": lambda b, s: s,
    "multiply": lambda b, s: b * s,
    "screen": lambda b, s: 1 - (1 - b) * (1 - s),
    "overlay": lambda b, s: _hard_light(s, b),
    "darken": min,
    "lighten": max,
    "color-dodge": _dodge,
    "color-burn": _burn,
    "hard-light": _hard_light,
    "soft-light": _soft_light,
    "difference": lambda b, s: abs(b - s),
    "exclusion": lambda b, s: b + s - 2 * b * s,
}


def _lum(c: Colour) -> float:
    return 0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2]


def _clip(c: Colour) -> Colour:
    lum, low, high = _lum(c), min(c), max(c)
    if low < 0:
        c = tuple(lum + (v - lum) * lum / (lum - low) for v in c)
    if high > 1:
        c = tuple(lum + (v - lum) * (1 - lum) / (high - lum) for v in c)
    return c


def _set_lum(c: Colour, lum: float) -> Colour:
    shift = lum - _lum(c)
    return _clip(tuple(v + shift for v in c))


def _sat(c: Colour) -> float:
    return max(c) - min(c)


def _set_sat(c: Colour, sat: float) -> Colour:
    order = sorted(range(3), key=lambda i: c[i])
    low, mid, high = order
    out = [0.0, 0.0, 0.0]
    if c[high] > c[low]:
        out[mid] = (c[mid] - c[low]) * sat / (c[high] - c[low])
        out[high] = sat
    return tuple(out)


NON_SEPARABLE = {
    "hue": lambda b, s: _set_lum(_set_sat(s, _sat(b)), _lum(b)),
    "saturation": lambda b, s: _set_lum(_set_sat(b, _sat(s)), _lum(b)),
    "color": lambda b, s: _set_lum(s, _lum(b)),
    "luminosity": lambda b, s: _set_lum(b, _lum(s)),
}
MODES = (*SEPARABLE, *NON_SEPARABLE)


def blend(mode: str, backdrop: Colour, source: Colour) -> Colour:
    """B(Cb, Cs)."""
    if mode in SEPARABLE:
        return tuple(SEPARABLE[mode](b, s) for b, s in zip(backdrop, source, strict=True))
    return NON_SEPARABLE[mode](backdrop, source)


def composite(mode: str, backdrop: Colour, ab: float, source: Colour, alpha_s: float) -> tuple[Colour, float]:
    """Straight colour and alpha of the source over the backdrop (sections 5.1 and 9.1.4)."""
    mixed = tuple((1 - ab) * s + ab * m for s, m in zip(source, blend(mode, backdrop, source), strict=True))
    alpha = alpha_s + ab * (1 - alpha_s)
    if alpha == 0:
        return (0.0, 0.0, 0.0), 0.0
    return tuple((alpha_s * m + (1 - alpha_s) * ab * b) / alpha for m, b in zip(mixed, backdrop, strict=True)), alpha

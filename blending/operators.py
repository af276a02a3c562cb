"""Porter and Duff's compositing operators: how much of the source and of the backdrop a pixel shows.

Porter & Duff, "Compositing Digital Images" (1984); W3C Compositing and Blending Level 1, section 9.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from .mode import find_record, records_by_key

# A factor is constant + slope * alpha.
Factor = tuple[int, int]
NONE, ALL, INSIDE, OUTSIDE = (0, 0), (1, 0), (0, 1), (1, -1)


@dataclass(frozen=True)
class Operator:
    """An operator: the result is ``source(ab) * as * Cs + backdrop(as) * ab * Cb``, premultiplied.

    source: the specification's Fa, of the backdrop's alpha. backdrop: its Fb, of the source's alpha.
    total: "clamped" ends colour and alpha at 1; "darker" adds what both lack of white instead of what they have.
    aliases: names in ComfyUI core (SRC_OVER), Cairo and Skia (dst-in), GIMP and Krita (behind, erase).
    """

    name: str
    source: Factor
    backdrop: Factor
    total: Literal["plain", "clamped", "darker"] = "plain"
    aliases: tuple[str, ...] = ()

    @property
    def keeps_opaque(self) -> bool:
        """Whether an opaque backdrop stays opaque whatever the source's alpha."""
        # The resulting alpha is linear in the source's, so its two ends decide.
        return self.backdrop[0] >= 1 and sum(self.source) + sum(self.backdrop) >= 1

    @property
    def clears_outside(self) -> bool:
        """Whether the backdrop goes away where the source is transparent."""
        return self.backdrop[0] == 0


def weigh(factor: Factor, alpha: Tensor) -> Tensor | int:
    """The factor at that alpha: a plain number where it does not depend on it."""
    constant, slope = factor
    return constant + slope * alpha if slope else constant


OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator("source-over", ALL, OUTSIDE, aliases=("over", "src-over", "normal")),
        Operator("destination-over", OUTSIDE, ALL, aliases=("dst-over", "behind")),
        Operator("source-in", INSIDE, NONE, aliases=("in", "src-in")),
        Operator("destination-in", NONE, INSIDE, aliases=("dst-in",)),
        Operator("source-out", OUTSIDE, NONE, aliases=("out", "src-out")),
        Operator("destination-out", NONE, OUTSIDE, aliases=("dst-out", "erase")),
        Operator("source-atop", INSIDE, OUTSIDE, aliases=("atop", "src-atop")),
        Operator("destination-atop", OUTSIDE, INSIDE, aliases=("dst-atop",)),
        Operator("xor", OUTSIDE, OUTSIDE),
        Operator("lighter", ALL, ALL, "clamped", aliases=("plus", "plus-lighter", "add")),
        Operator("plus-darker", ALL, ALL, "darker"),
        Operator("copy", ALL, NONE, aliases=("src", "source", "replace")),
        Operator("destination", NONE, ALL, aliases=("dst",)),
        Operator("clear", NONE, NONE),
    )
}
_BY_KEY = records_by_key(OPERATORS.values())


def compositing_operator(name: str) -> Operator:
    """The operator of that name or alias; raises `UnknownName` with the nearest known one."""
    return find_record("Operator", name, _BY_KEY)

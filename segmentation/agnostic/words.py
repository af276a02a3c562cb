"""What was done, and what could not be told, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import join_words
from ..garments import Garment
from .cuts import LOWER, Cut, is_replaced
from .figure import HALF, Figure


def describe(
    figure: Figure, items: Sequence[Garment], name: str, cut: Cut, region: str, *, added: bool, grown_px: float
) -> str:
    """One figure's area in a sentence, and a sentence for each thing that could not be told."""
    labels = ", ".join(dict.fromkeys(item.label for item in items))
    parts = [f"{name} in place of {labels}"]
    if region == LOWER and any(item.label == "dress" for item in items):
        parts[0] += " (of the dress what lies below the waist)"
    if cut.adds and not added:
        parts.append("nothing to cover besides")
    if grown_px:
        parts.append(f"grown by {grown_px:.0f} px")
    return "; ".join(parts) + "." + "".join(f" {line}" for line in _untold(figure, cut))


def describe_nothing(items: Sequence[Garment], taken: Sequence[str]) -> str:
    """Why a picture's mask is empty."""
    refused = [item.native_label for item in items if item.label in taken and not is_replaced(item.native_label)]
    if refused:
        return f"{', '.join(refused)} is not replaced; the mask is empty."
    there = ", ".join(dict.fromkeys(item.label for item in items)) or "nothing"
    return f"no {join_words(taken, 'or')} to take the place of (found: {there}); the mask is empty."


def _untold(figure: Figure, cut: Cut) -> list[str]:
    lines: list[str] = []
    measures = cut.drapes or cut.legs
    if measures and not figure.body.has_face:
        lines.append("No face is seen: lengths follow the height of what is seen of the figure.")
    if measures and figure.soles is None:
        lines.append("The feet are not in the picture: the hem is where a standing person's would be, or the frame.")
    if measures and figure.stands() is False:
        lines.append("The figure does not stand upright: the hem is a guess; look at it.")
    bare = bool((figure.planes["arms"] >= HALF).any())
    if cut.arms and not bare:
        lines.append("No bare arm is seen: the sleeves follow the old ones.")
    return lines

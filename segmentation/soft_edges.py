"""What of a mask's soft values is an edge, and how soft masks that overlap share a pixel.

Functions whose names end in ``_`` write into the tensor that they are given, which must be the caller's own: planes of
a picture's size are dear.
"""

from __future__ import annotations

from torch import Tensor

# Less than this is doubt, not a soft edge, and so is what lacks less than this to 1: no veil over faces, no thin cloth.
DOUBT = 0.15
# Beside the strongest mask of a pixel another one fades so many times as fast as its share of that strength does.
STEEPNESS = 2.0


def stretch_contrast_(mask: Tensor, doubt: float = DOUBT) -> Tensor:
    """The mask with doubt as nothing, 1 - doubt as full and straight between: the 0.5 line stays; written into it."""
    return mask.sub_(doubt).div_(1 - 2 * doubt).clamp_(0, 1)


def take_winners_(share: Tensor) -> Tensor:
    """How much of a pixel a mask gets, 0..1, by its share of the strongest mask's strength there; written into it.

    A soft winner-take-all: the strongest gets all, one that is half as strong or less nothing.
    """
    return share.sub_(1).mul_(STEEPNESS).add_(1).clamp_(0, 1)

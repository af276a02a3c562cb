"""A mask in numbers, and in words: how much it covers, how soft it is, and whether it may be the wrong way round."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..kernels import label_regions, support_box
from ..tensors import NOTHING

# A mask over more than this share of the picture that also runs along most of the frame is seldom a garment.
INVERTED_SHARE, INVERTED_FRAME = 0.5, 0.75
SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class MaskNumbers:
    """What there is to know of one mask.

    share: of the picture, where the mask is 0.5 or more. soft_share: of pixels that are neither 0 nor 1 in 8 bits. box:
    x0 y0 x1 y1 in px, end exclusive, of that same part; None where there is none. parts: its connected regions.
    touches: which of `SIDES` it reaches. frame_share: of the picture's outermost pixels that it covers.
    """

    share: float
    mean: float
    lowest: float
    highest: float
    soft_share: float
    box: tuple[int, int, int, int] | None
    parts: int
    touches: tuple[str, ...]
    frame_share: float

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be repainted."""
        return self.highest <= NOTHING

    @property
    def looks_inverted(self) -> bool:
        """Whether the mask rather covers what lies around the garment."""
        whole = self.lowest >= 0.5
        return not whole and self.share > INVERTED_SHARE and self.frame_share > INVERTED_FRAME

    def describe(self) -> str:
        """What would be repainted, in words."""
        if self.is_empty:
            return "the mask is empty: nothing is repainted"
        if self.lowest >= 1 - NOTHING:
            return "white = repaint: the whole picture"
        if self.box is None:
            return f"white = repaint: the mask is nowhere above {self.highest:.0%}"
        words = f"white = repaint: {self.share:.1%} of the picture"
        if self.looks_inverted:
            sides = "all four" if len(self.touches) == len(SIDES) else "the " + " and ".join(self.touches)
            words += f"; it touches {sides} borders and covers {self.frame_share:.0%} of the frame: is it inverted?"
        return words


def measure_mask(mask: Tensor) -> MaskNumbers:
    """The numbers of a mask ``[H,W]``."""
    values = mask.float()
    inside = values >= 0.5
    sides = (inside[:, 0], inside[0], inside[:, -1], inside[-1])
    frame = torch.ones_like(inside)
    frame[1:-1, 1:-1] = False
    return MaskNumbers(
        share=float(inside.float().mean()),
        mean=float(values.mean()),
        lowest=float(values.min()),
        highest=float(values.max()),
        soft_share=float(((values > NOTHING) & (values < 1 - NOTHING)).float().mean()),
        box=support_box(inside),
        parts=int(label_regions(inside).max()),
        touches=tuple(name for name, side in zip(SIDES, sides, strict=True) if bool(side.any())),
        frame_share=float(inside[frame].float().mean()),
    )

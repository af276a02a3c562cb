"""How a repainted crop lies on its original: the shift and zoom that edit models give the frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..kernels import support_box
from ..resampling import resize_planes
from ..tensors import NOTHING, ShapeError, as_image, match_mask, resize_mask
from .align_fit import Fit, difference_unmoved, fit_move
from .align_scene import SHIFT_RANGE, ZOOM_RANGE, Scene, make_scene, search_move
from .align_scene import Move as Move

ALIGNMENTS = ("off", "shift and zoom", "shift")
# Fewer kept pixels than this tell chance rather than a place.
LEAST_PIXELS = 256
# A corner that moves by less than this stays: resampling would cost more sharpness than it mends.
LEAST_MOVE_PX = 0.1
# A place that is known less well than this at the mask's corners is not believed.
LARGEST_ERROR_PX = 0.1
# Of the grid on which two crops are compared: finer ones tell the place hardly better and take time and memory.
LONGEST_SIDE = 640
# What red, green and blue have of it: W3C Compositing's Lum.
LIGHTNESS = (0.3, 0.59, 0.11)
# A gain beyond this, and a move so much larger than what is looked for, are chance.
LEAST_GAIN = 0.6
REACH = 1.2


@dataclass(frozen=True)
class Alignment:
    """Where a repainted crop was found to lie.

    move: from the original's places to the repainted crop's, in px of the latter. applies: whether the crop should be
    moved back by it; if not, `reason` says why. error_px: the standard error of `move` at the mask's farthest corner.
    pixels: how many were kept to look at. before, after: the root mean square difference of those that the fit
    believes, of encoded lightness without slow changes of tone, as the crop came and when it is moved back.
    """

    move: Move
    applies: bool
    reason: str
    error_px: float
    pixels: int
    before: float
    after: float

    def describe(self) -> str:
        """One line for a person: what was found, and what becomes of it."""
        found = (
            f"shift {self.move.x:+.2f}, {self.move.y:+.2f} px, zoom {self.move.zoom - 1:+.2%} (± {self.error_px:.2f} "
            f"px) on {self.pixels} px; difference {self.before * 255:.2f}/255 before, {self.after * 255:.2f}/255 after"
        )
        if self.applies:
            return f"moved back: {found}"
        return f"not moved: {self.reason} ({found})" if self.error_px <= 1 else f"not moved: {self.reason}"


def find_alignment(repainted: Tensor, original: Tensor, mask: Tensor, *, zoom: bool = True) -> Alignment:
    """How the repainted crop has to be moved to lie on the original, to a small part of a pixel.

    repainted: ``[1,h,w,3|4]``; original: ``[1,H,W,3|4]``, the same part of the picture at any scale. mask: ``[1,H,W]``,
    1 = leave out; pixels are looked at where it is 0 (up to 1/512), both are finite and neither is transparent.
    zoom: whether to look for one, too.

    The lightness of the two, without slow changes of tone, is compared on the coarser of the two grids, or one of
    `LONGEST_SIDE`: first by trying places on a coarse grid, then by Gauss-Newton steps from coarse to fine (Lucas &
    Kanade, "An Iterative Image Registration Technique", 1981; Baker & Matthews, "Lucas-Kanade 20 Years On", 2004) with
    a gain, and with pixels that do not fit left out (Tukey's biweight). The error is estimated from how much the
    squares of the picture disagree (White's sandwich) and what the expected spread makes of it.

    The alignment does not apply where too few pixels are kept, where they are too flat to tell the place, where they
    fit no better than before, and where no corner would move by `LEAST_MOVE_PX`. Raises `ShapeError` for a bad shape.
    """
    repainted, original = as_image(repainted, "repainted"), as_image(original, "original").to(repainted.device)
    mask = match_mask(mask, original)
    if len(repainted) != 1 or len(original) != 1 or len(mask) != 1:
        raise ShapeError(
            f"repainted, original and mask are batches of {len(repainted)}, {len(original)} and {len(mask)}; give one "
            "picture of each at a time."
        )
    height, width = min(repainted.shape[1:3], original.shape[1:3])
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = (max(round(height * scale), 1), max(round(width * scale), 1))
    new, new_kept = _lightness(repainted, torch.zeros_like(repainted[..., 0]), size)
    old, kept = _lightness(original, mask, size)
    kept = kept * new_kept
    unit = repainted.shape[2] / size[1]  # px of the repainted crop per px of the grid
    pixels = int(kept.sum())
    support = resize_mask((mask > NOTHING).float(), *size)[0] > 0
    if pixels < LEAST_PIXELS:
        reason = f"fewer than {LEAST_PIXELS} px outside the mask are left to compare"
        return Alignment(Move(), False, reason, math.inf, pixels, 0.0, 0.0)
    scene = make_scene(old, kept, zoom)
    del old
    found = _align_from(scene, new, search_move(scene, new), support, unit)
    if found.applies or found.move.farthest(*repainted.shape[1:3]) < LEAST_MOVE_PX * unit:
        return found
    return _align_from(scene, new, Move(), support, unit)


def _align_from(scene: Scene, new: Tensor, start: Move, support: Tensor, unit: float) -> Alignment:
    """The alignment that coarse and fine steps from `start` come to."""
    levels = len(scene.details)
    fit = fit_move(scene, new, start, levels - 1)
    for level in (*range(levels - 2, -1, -1), 0):  # on the finest twice, the second time almost in place
        fit = fit_move(scene, new, fit.move, level)
    before = difference_unmoved(scene, new, fit)
    size = (support.shape[0], support.shape[1])
    error = _largest_error(fit, support, size)
    reason = _objection(fit, error, before, size)
    return Alignment(fit.move.scaled(unit), not reason, reason, error * unit, int(scene.kept.sum()), before, fit.after)


def _objection(fit: Fit, error: float, before: float, size: tuple[int, int]) -> str:
    """Why the crop should stay as it is; "" where it should be moved back."""
    far = fit.move.farthest(*size)
    if not error <= LARGEST_ERROR_PX:
        return "what is left outside the mask is too small or too flat to tell the place"
    if far > REACH * (SHIFT_RANGE + ZOOM_RANGE) * max(size) or not LEAST_GAIN < fit.gain < 1 / LEAST_GAIN:
        return "the crop does not look like the original outside the mask"
    if far < LEAST_MOVE_PX:
        return f"it lies where it was, to {LEAST_MOVE_PX} px"
    return "" if fit.after < before else "no other place fits better"


def _lightness(image: Tensor, mask: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The picture's lightness ``[1,1,h,w]`` at a size, and 1 where it may be looked at."""
    plane = torch.zeros_like(image[..., 0], dtype=torch.float32)
    for channel, share in enumerate(LIGHTNESS):
        plane.add_(image[..., channel], alpha=share)
    kept = plane.isfinite() & (mask <= NOTHING)  # a channel that is not finite makes the sum so
    if image.shape[-1] == 4:
        kept &= image[..., 3] >= 0.5
    kept = resize_mask(kept.float(), *size) > 1 - NOTHING
    return resize_planes(plane.nan_to_num_(0.0, 0.0, 0.0).unsqueeze(1), *size), kept.float().unsqueeze(1)


def _largest_error(fit: Fit, support: Tensor, size: tuple[int, int]) -> float:
    """The standard error in px of where the corners of the mask's box come to lie."""
    box = support_box(support)
    if box is None or not bool(fit.covariance.isfinite().all()):
        return math.inf
    worst = 0.0
    for x, y in ((box[0], box[1]), (box[2], box[1]), (box[0], box[3]), (box[2], box[3])):
        away = (x - size[1] / 2, y - size[0] / 2)
        variance = 0.0
        for axis in (0, 1):
            factors = torch.tensor([1.0 - axis, float(axis), away[axis]], dtype=torch.float64)[: len(fit.covariance)]
            variance += float(factors @ fit.covariance @ factors)
        worst = max(worst, variance)
    return math.sqrt(worst)

"""The soft mask of each detection at the picture's size: from prototypes, from another's garments, or its box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from ..garments import Box
from ..soft_edges import stretch_contrast_, take_winners_
from .letterbox import Letterbox, read_planes

# Networks are taught masks inside boxes only, and boxes cut thin ends off: a mask goes on over this share of its box's
# sides, at least a pixel, and fades meanwhile.
GROW_SHARE, LEAST_GROWTH_PX = 0.03, 1.0
# Less than this is doubt, not a soft edge, and adds nothing to another mask's edge.
DOUBT = 0.05
# How much the score of a detection has to say beside its mask, as a power: where two are sure, the surer one wins.
SCORE_WEIGHT = 8
# Beyond this a mask is as sure as it gets.
SUREST = 1 - 1e-6

Area = tuple[int, int, int, int]


@dataclass
class Patch:
    """A soft mask ``[h,w]``, float32, inside an area x0 y0 x1 y1 of a picture, and 0 outside."""

    mask: Tensor
    area: Area

    @property
    def spot(self) -> tuple[slice, slice]:
        """Where it lies in a plane ``[H,W]``."""
        x0, y0, x1, y1 = self.area
        return slice(y0, y1), slice(x0, x1)

    def whole(self, height: int, width: int) -> Tensor:
        """The mask at the picture's size."""
        plane = self.mask.new_zeros((height, width))
        plane[self.spot] = self.mask
        return plane


def prototype_masks(coefficients: Tensor, prototypes: Tensor, boxes: Tensor, box: Letterbox) -> list[Patch]:
    """The masks of detections from their coefficients ``[N,M]`` and the prototypes ``[M,h,w]`` over the frame.

    boxes: ``[N,4]`` in px of the picture. Logits are brought to the picture's pixels straight from the prototypes, and
    become soft masks there; only the area of each grown box is computed. Bolya et al., "YOLACT" (ICCV 2019).
    """
    patches: list[Patch] = []
    for own, corners in zip(coefficients, box_rows(boxes), strict=True):  # areas differ from one to the next
        area = grown_area(corners, box.height, box.width)
        logits = torch.einsum("m,mhw->hw", own, prototypes)
        mask = read_planes(logits.unsqueeze(0), box, area)[0].sigmoid()
        patches.append(Patch(mask.mul_(_fade(corners, area, boxes.device)), area))
    return patches


def box_masks(boxes: Tensor, height: int, width: int) -> list[Patch]:
    """The boxes ``[N,4]`` themselves as masks of a picture; pixels that are partly inside are partly covered."""
    patches: list[Patch] = []
    for x0, y0, x1, y1 in box_rows(boxes):
        left, right = (min(max(side, 0), width) for side in (math.floor(x0), math.ceil(x1)))
        top, bottom = (min(max(side, 0), height) for side in (math.floor(y0), math.ceil(y1)))
        across = _covered(left, right, x0, x1, boxes.device)
        down = _covered(top, bottom, y0, y1, boxes.device)
        patches.append(Patch(down.unsqueeze(1) * across, (left, top, right, bottom)))
    return patches


def cut_masks(plane: Tensor, boxes: Tensor) -> list[Patch]:
    """What of a soft mask ``[H,W]`` lies in each of the boxes ``[N,4]``, which fade as those of `prototype_masks`."""
    height, width = plane.shape
    patches: list[Patch] = []
    for corners in box_rows(boxes):
        area = grown_area(corners, height, width)
        x0, y0, x1, y1 = area
        patches.append(Patch(plane[y0:y1, x0:x1] * _fade(corners, area, plane.device), area))
    return patches


def box_rows(boxes: Tensor) -> list[Box]:
    """The few boxes ``[N,4]`` as numbers: slices need them on the processor."""
    rows = cast("list[list[float]]", boxes.float().tolist())
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def _growth(start: float, stop: float) -> float:
    return max(LEAST_GROWTH_PX, GROW_SHARE * (stop - start))


def grown_area(corners: Sequence[float], height: int, width: int) -> Area:
    """The pixels of the picture that a box x0 y0 x1 y1 and what it grows by touch."""
    x0, y0, x1, y1 = corners
    across, down = _growth(x0, x1), _growth(y0, y1)
    left, right = (min(max(side, 0), width) for side in (math.floor(x0 - across), math.ceil(x1 + across)))
    top, bottom = (min(max(side, 0), height) for side in (math.floor(y0 - down), math.ceil(y1 + down)))
    return left, top, right, bottom


def _fade(corners: Sequence[float], area: Area, device: torch.device) -> Tensor:
    """1 inside the box, falling to 0 where the grown one ends: ``[h,w]``."""
    x0, y0, x1, y1 = corners
    across, down = _ramp(area[0], area[2], x0, x1, device), _ramp(area[1], area[3], y0, y1, device)
    return down.unsqueeze(1) * across


def _ramp(first: int, last: int, start: float, stop: float, device: torch.device) -> Tensor:
    centres = torch.arange(first, last, device=device, dtype=torch.float32) + 0.5
    beyond = torch.maximum(start - centres, centres - stop).clamp_min(0)
    return (1 - beyond / _growth(start, stop)).clamp_min(0)


def _covered(first: int, last: int, start: float, stop: float, device: torch.device) -> Tensor:
    """Which share of each pixel lies between start and stop."""
    edges = torch.arange(first, last, device=device, dtype=torch.float32)
    return ((edges + 1).clamp_max(stop) - edges.clamp_min(start)).clamp(0, 1)


def resolve_overlaps(patches: Sequence[Patch], scores: Sequence[float], height: int, width: int) -> None:
    """Leaves each pixel of a picture to one of the masks, softly: the stronger wins; changes the patches.

    What counts is the odds of a mask at the pixel, and its score. On a soft border between two the stronger one gets
    what both have, so that the greatest of all masks has no gap there. Holds three planes of the picture.
    """
    if len(patches) < 2:
        return
    strongest, greatest, total = (patches[0].mask.new_zeros((height, width)) for _ in range(3))
    for patch, score in zip(patches, scores, strict=True):
        spot = patch.spot
        strongest[spot] = torch.maximum(strongest[spot], _odds(patch.mask, score))
        greatest[spot] = torch.maximum(greatest[spot], patch.mask)
        total[spot] += _without_doubt(patch.mask)
    whole = (total - _without_doubt(greatest) + greatest).clamp_(0, 1)
    for patch, score in zip(patches, scores, strict=True):
        best = strongest[patch.spot]
        share = _odds(patch.mask, score) / best.clamp_min(torch.finfo(best.dtype).tiny)
        alone = share >= 1
        won = take_winners_(share)
        patch.mask = torch.where(alone, whole[patch.spot], torch.minimum(won * whole[patch.spot], patch.mask))


def _odds(mask: Tensor, score: float) -> Tensor:
    return mask / (1 - mask.clamp_max(SUREST)) * max(score, 1e-3) ** SCORE_WEIGHT


def _without_doubt(mask: Tensor) -> Tensor:
    return stretch_contrast_(mask.clone(), DOUBT)

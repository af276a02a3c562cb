"""What a YOLO's head gave, read: the boxes of each picture with their class, score and mask coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import BadFile
from .suppression import suppress


@dataclass(frozen=True)
class Found:
    """What was found in one picture, the highest score first.

    boxes: ``[N,4]`` x0 y0 x1 y1 in px of the frame. scores: ``[N]``, 0..1. classes: ``[N]``, int64. coefficients:
    ``[N,M]`` of the prototypes; M is 0 where the network makes no masks.
    """

    boxes: Tensor
    scores: Tensor
    classes: Tensor
    coefficients: Tensor

    def __len__(self) -> int:
        return len(self.scores)

    def pick(self, index: Tensor) -> Found:
        """Those of these indices, or where this is True, in their order."""
        return Found(self.boxes[index], self.scores[index], self.classes[index], self.coefficients[index])


def read_predictions(raw: Tensor, classes: int, masks: int, *, end_to_end: bool) -> list[Found]:
    """What the head gave for each picture, nothing left out.

    raw: ``[B,4+classes+masks,cells]``, centre, size, a score per class and coefficients, of which the best class
    counts; or, from a head that works end to end, ``[B,found,6+masks]``, corners, score, class and coefficients. Raises
    `BadFile` for another shape.
    """
    wanted, got = (6 + masks, raw.shape[-1]) if end_to_end else (4 + classes + masks, raw.shape[-2])
    if raw.dim() != 3 or got != wanted:
        raise BadFile(f"the network gives {list(raw.shape)}; with {classes} classes and {masks} masks {wanted} is due.")
    if end_to_end:
        return [Found(rows[:, :4], rows[:, 4], rows[:, 5].long(), rows[:, 6:]) for rows in raw.float()]
    return [_best_classes(cells, classes) for cells in raw.float()]


def _best_classes(cells: Tensor, classes: int) -> Found:
    centres, sizes, coefficients = cells[:2], cells[2:4], cells[4 + classes :]
    best, numbers = cells[4 : 4 + classes].max(0)
    boxes = torch.cat([centres - sizes / 2, centres + sizes / 2]).T
    return Found(boxes, best, numbers, coefficients.T)


def choose(found: Found, groups: Sequence[int], *, confidence: float, iou: float, most: int) -> Found:
    """The detections above `confidence`, of classes with a group, that no better one of their group covers.

    groups: for each class which classes it competes with, by a number; below 0: it is left out.
    """
    table = torch.tensor(groups, device=found.scores.device)
    known = found.classes.clamp(0, len(groups) - 1)
    fine = (found.scores > confidence) & (table[known] >= 0) & (known == found.classes) & found.boxes.isfinite().all(1)
    found = found.pick(fine)
    return found.pick(suppress(found.boxes, found.scores, table[found.classes], iou, most))

"""Non-maximum suppression in plain torch: exact, the same every time, without a limit of time or of candidates."""

from __future__ import annotations

import torch
from torch import Tensor

# So many candidates are compared with each other at once; memory grows with the square.
BLOCK = 512


def suppress(boxes: Tensor, scores: Tensor, groups: Tensor, iou: float, most: int) -> Tensor:
    """The indices of the boxes that stay, at most `most`, the highest score first; int64.

    boxes: ``[N,4]`` x0 y0 x1 y1. scores, groups: ``[N]``; a box goes where a kept one of its group has a higher score
    (of equal ones: comes first) and overlaps it by more than `iou`. The greedy rule of Felzenszwalb et al. (2010).

    Works through blocks of falling scores, and stops when enough are kept. Within a block, "goes where one that stays
    covers it" is applied to all at once until nothing changes: what the rule decides first cannot change any more, so
    that this ends at the greedy answer, mostly after two or three rounds instead of one per box.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    kept = order[:0]
    for start in range(0, len(order), BLOCK):
        block = order[start : start + BLOCK]
        beaten = _covers(boxes, groups, kept, block, iou).any(0)
        block = block[~beaten]
        covers = _covers(boxes, groups, block, block, iou).triu_(1)
        stays = torch.ones_like(block, dtype=torch.bool)
        while True:
            again = ~(covers & stays.unsqueeze(1)).any(0)
            if torch.equal(again, stays):
                break
            stays = again
        kept = torch.cat([kept, block[stays]])
        if len(kept) >= most:
            break
    return kept[:most]


def _covers(boxes: Tensor, groups: Tensor, first: Tensor, second: Tensor, iou: float) -> Tensor:
    """Whether each of the `first` overlaps each of the `second` too much: bool ``[F,S]``."""
    overlap = box_overlaps(boxes[first], boxes[second])
    return (overlap > iou) & (groups[first].unsqueeze(1) == groups[second])


def box_overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union ``[F,S]`` of boxes ``[F,4]`` and ``[S,4]``; of empty ones 0."""
    shared = shared_areas(first, second)
    union = box_areas(first).unsqueeze(1) + box_areas(second) - shared
    return shared / union.clamp_min(torch.finfo(union.dtype).tiny)


def shared_areas(first: Tensor, second: Tensor) -> Tensor:
    """The areas ``[F,S]`` that boxes ``[F,4]`` and ``[S,4]`` have in common, px²."""
    low = torch.maximum(first[:, None, :2], second[:, :2])
    high = torch.minimum(first[:, None, 2:], second[:, 2:])
    return (high - low).clamp_min(0).prod(-1)


def box_areas(boxes: Tensor) -> Tensor:
    """The areas ``[N]`` of boxes ``[N,4]``, px²; of a reversed one 0."""
    return (boxes[:, 2:] - boxes[:, :2]).clamp_min(0).prod(-1)

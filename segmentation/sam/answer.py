"""A SAM's answers about the targets in one picture, at the picture's own pixels and on its edges."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..refine import refine_edges
from ..soft_edges import stretch_contrast_
from .embedding import Encoder
from .frame import Frame, Window, grow_box
from .model import Features
from .prompts import Target, make_prompts

# An answer is taken from the target's box, grown by this share, at least so many px; what lies beyond is another thing.
REACH_SHARE, REACH_PX = 0.15, 8.0
# The picture's edge is looked for one mask pixel about the answer's; colour variance below this is no edge.
EDGE_EPSILON = 1e-3
# A score below this counts as this, so that the better agreement decides among proposals of no score.
LEAST_SCORE = 1e-3


@dataclass(frozen=True)
class Answer:
    """One target masked anew. mask: ``[h,w]``, soft, of the picture's part `window`; 0 beside it.

    score: the IoU that SAM expects of it. agreement: its IoU with the target's mask, of the whole picture (soft: the
    sum of the lesser values by that of the greater ones). runs: of the encoder, for this target. seconds: it took.
    """

    mask: Tensor
    window: Window
    score: float
    agreement: float
    runs: int
    seconds: float


def answer(
    encoder: Encoder, picture: Tensor, content: str, frames: Sequence[Frame], chosen: Sequence[int],
    targets: Sequence[Target], *, check_cancelled: Callable[[], None], looked: Callable[[], None],
) -> list[Answer]:  # fmt: skip
    """An answer for each target in the picture ``[3,H,W]``; those of one frame are decoded together.

    chosen: the number of each target's frame. looked: called when a frame is done. An encoder run counts for the first
    target of its frame, time for all of them alike.
    """
    answers: dict[int, Answer] = {}
    for number, frame in enumerate(frames):
        check_cancelled()
        begun, before = time.perf_counter(), encoder.runs
        here = [index for index, choice in enumerate(chosen) if choice == number]
        features = encoder.look(picture, content, frame)
        check_cancelled()
        found = _decode(encoder, features, picture, frame, [targets[index] for index in here])
        runs, seconds = encoder.runs - before, (time.perf_counter() - begun) / len(here)
        for index, (mask, window, score) in zip(here, found, strict=True):
            agreement = soft_iou(mask, targets[index].mask, window)
            answers[index] = Answer(mask, window, score, agreement, runs, seconds)
            runs = 0
        looked()
    return [answers[index] for index in range(len(targets))]


def _decode(
    encoder: Encoder, features: Features, picture: Tensor, frame: Frame, targets: Sequence[Target]
) -> list[tuple[Tensor, Window, float]]:
    size = (picture.shape[1], picture.shape[2])
    shares = torch.cat([frame.cells(target.mask.unsqueeze(0)) for target in targets])
    prompts = make_prompts(frame, targets, shares.unsqueeze(1), size)
    logits, scores = encoder.sam.decode(features, prompts)
    best = choose_proposals(logits, scores, shares)
    found: list[tuple[Tensor, Window, float]] = []
    for number, target in enumerate(targets):
        proposal = int(best[number])
        window = _window(target, size)
        soft = frame.spread(logits[number, proposal].unsqueeze(0), window).sigmoid()
        found.append((_on_edges(picture, soft, window, frame), window, float(scores[number, proposal])))
    return found


def choose_proposals(logits: Tensor, scores: Tensor, shares: Tensor) -> Tensor:
    """The number of the best proposal for each target: by the product of its score and its IoU with the target's mask.

    logits ``[N,K,g,g]``, scores ``[N,K]``, shares ``[N,g,g]``. One is taken as it is; proposals are a thing, its whole
    and its parts, so that several together would be none of them.
    """
    soft, wanted = logits.sigmoid(), shares.unsqueeze(1)
    agreement = torch.minimum(soft, wanted).sum((2, 3)) / torch.maximum(soft, wanted).sum((2, 3)).clamp_min(1e-6)
    return (agreement * scores.clamp(LEAST_SCORE, 1)).argmax(1)


def _window(target: Target, size: tuple[int, int]) -> Window:
    x0, y0, x1, y1 = grow_box(target.box, REACH_SHARE, REACH_PX, size)
    return int(x0), int(y0), math.ceil(x1), math.ceil(y1)


def _on_edges(picture: Tensor, soft: Tensor, window: Window, frame: Frame) -> Tensor:
    """The soft mask ``[1,h,w]`` of a window laid on the picture's edges, full or nothing where it is nearly so."""
    x0, y0, x1, y1 = window
    part = picture[:, y0:y1, x0:x1].permute(1, 2, 0).unsqueeze(0)
    radius = max(1, round(frame.cell_px / min(frame.scale)))
    refined = refine_edges(part.to(soft.device), soft, radius_px=radius, epsilon=EDGE_EPSILON)[0]
    return stretch_contrast_(refined.clone())


def soft_iou(mask: Tensor, whole: Tensor, window: Window) -> float:
    """The soft IoU of a mask ``[h,w]`` that lies in a window, 0 beside it, and one ``[H,W]`` of the whole picture."""
    x0, y0, x1, y1 = window
    there = whole[y0:y1, x0:x1]
    common = float(torch.minimum(mask, there).sum(dtype=torch.float32))
    together = float(torch.maximum(mask, there).sum(dtype=torch.float32))
    together += float(whole.sum(dtype=torch.float32) - there.sum(dtype=torch.float32))
    return common / together if together > 0 else 0.0

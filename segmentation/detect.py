"""Garments found by whichever method is asked for, and what the user is told about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..tensors import RangeError, as_image, check_name
from .garments import Box, Garments
from .heuristic import detect_garments as detect_by_heuristic

METHODS = ("auto", "heuristic")

# What the heuristic gives for labels that it has no eye for; used only where nothing it knows is asked for.
HEURISTIC_LABELS = ("upper", "lower", "footwear", "hair", "skin")
STAND_INS = {"dress": ("upper", "lower"), "outer": ("upper",), "pants": ("lower",), "skirt": ("lower",)}


@dataclass(frozen=True)
class Detection:
    """garments: those asked for; mask: their union ``[B,H,W]``, float32; count: garments and body parts in it."""

    garments: Garments
    mask: Tensor
    count: int

    def describe(self) -> str:
        """What was found, by which method, with the method's reservations."""
        return "\n".join((self.garments.describe(), *self.garments.notes))


def detect(
    image: Tensor, labels: Sequence[str], *, method: str = "auto", person_boxes: str = "",
    progress: Callable[[int, int], None] = lambda done, total: None,
    check_cancelled: Callable[[], None] = lambda: None,
) -> Detection:  # fmt: skip
    """The garments with one of the canonical `labels` in the pictures ``[B,H,W,C]``; possibly none.

    method: one of `METHODS`. person_boxes: see `parse_person_boxes`; they hold for every picture of the batch. progress
    is called with (pictures done, pictures), check_cancelled once per picture and may raise.
    """
    image = as_image(image)
    check_name("Method", method, METHODS)
    boxes = parse_person_boxes(person_boxes, image.shape[2], image.shape[1])
    found = detect_by_heuristic(
        image, person_boxes=[boxes] * len(image), check_cancelled=check_cancelled, progress=progress
    )
    wanted, note = _heuristic_labels(labels)
    chosen = found.select(wanted)
    chosen = replace(chosen, notes=(*((note,) if note else ()), *chosen.notes))
    parts = [chosen.parts[name] for name in wanted if name in chosen.parts]
    mask = chosen.union(device=image.device)
    for part in parts:
        mask = torch.maximum(mask, part.to(mask))
    return Detection(chosen, mask, len(chosen) + sum(bool((part >= 0.5).any()) for part in parts))


def parse_person_boxes(text: str, width: int, height: int) -> list[Box]:
    """Boxes in pixels from lines (or parts separated by ";") of four numbers x0 y0 x1 y1; an empty text has none.

    Numbers that are all within 0..1 are shares of the picture's width and height. Raises `RangeError` for anything that
    is not four numbers, and for a box that is empty or misses the picture.
    """
    boxes: list[Box] = []
    for line in filter(str.strip, re.split(r"[;\n]", text)):
        try:
            x0, y0, x1, y1 = (float(word) for word in re.split(r"[\s,]+", line.strip()))
        except ValueError:
            raise RangeError(f"person box {line.strip()!r} is not four numbers; give x0 y0 x1 y1.") from None
        if max(abs(value) for value in (x0, y0, x1, y1)) <= 1:
            x0, y0, x1, y1 = x0 * width, y0 * height, x1 * width, y1 * height
        box = (max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))
        if not (box[2] - box[0] >= 1 and box[3] - box[1] >= 1):
            raise RangeError(
                f"person box {line.strip()!r} holds no pixel of the {width}x{height} picture; give x0 y0 x1 y1 with "
                "x0 < x1 and y0 < y1."
            )
        boxes.append(box)
    return boxes


def _heuristic_labels(labels: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The labels to take from the heuristic, and what to tell the user where they are not the ones asked for."""
    known = tuple(label for label in labels if label in HEURISTIC_LABELS)
    if known:
        return known, ""
    stand_ins = tuple(dict.fromkeys(name for label in labels for name in STAND_INS.get(label, ())))
    asked = ", ".join(labels)
    if not stand_ins:
        return (), f"The heuristic cannot find {asked}."
    return stand_ins, f"The heuristic cannot tell {asked}; it gives the area of {' and '.join(stand_ins)} instead."

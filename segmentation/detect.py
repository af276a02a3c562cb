"""Garments found by whichever method is asked for, and what the user is told about it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ..context import ModelCache
from ..tensors import MissingModel, RangeError, as_image, check_name
from .garments import Box, Garments
from .heuristic import detect_garments as detect_by_heuristic
from .parser import Parser, load_parser
from .parsing import Look, parse_garments
from .parts import PARTS

METHODS = ("auto", "heuristic", "parser")
"""How garments are found. auto is the parser that is shipped."""

FALLBACKS = ("error", "heuristic")
"""What to do where the parser's weights are missing."""

WEIGHTS = Path(__file__).parent / "weights" / "parser.safetensors"
"""What the parser has learnt; another network of its kind replaces it by taking the file's place."""

# What the heuristic gives for labels that it has no eye for; used only where nothing it knows is asked for.
HEURISTIC_LABELS = ("upper", "lower", "footwear", "hair", "skin")
STAND_INS = {"dress": ("upper", "lower"), "outer": ("upper",), "pants": ("lower",), "skirt": ("lower",)}
# What the parser gives for the one label that only the heuristic has.
LOWER = ("pants", "skirt")


@dataclass(frozen=True)
class Detection:
    """What was found.

    garments: those asked for; mask: their union ``[B,H,W]``, float32; count: garments and body parts in it.
    looks: where the parser has looked, as plain JSON values; seconds: what it all took.
    """

    garments: Garments
    mask: Tensor
    count: int
    looks: tuple[dict[str, object], ...] = ()
    seconds: float = 0.0

    def describe(self) -> str:
        """What was found, by which method, with the method's reservations."""
        return "\n".join((self.garments.describe(), *self.garments.notes))


def detect(
    image: Tensor, labels: Sequence[str], *, method: str = "auto", person_boxes: str = "", flip: bool = True,
    fallback: str = "error", models: ModelCache | None = None, weights: Path = WEIGHTS,
    progress: Callable[[int, int], None] = lambda done, total: None,
    check_cancelled: Callable[[], None] = lambda: None,
) -> Detection:  # fmt: skip
    """The garments with one of the canonical `labels` in the pictures ``[B,H,W,C]``; possibly none.

    method: one of `METHODS`. person_boxes: see `parse_person_boxes`; they hold for every picture of the batch. flip:
    the parser also looks at the mirrored picture. fallback: one of `FALLBACKS`. models: keeps the parser for the next
    time. progress is called with (pictures done, pictures), check_cancelled once per picture and may raise. Raises
    `MissingModel` where the weights are missing and `fallback` does not allow another method, `BadFile` where they are
    damaged.
    """
    image = as_image(image)
    check_name("Method", method, METHODS)
    check_name("Fallback", fallback, FALLBACKS)
    boxes = [parse_person_boxes(person_boxes, image.shape[2], image.shape[1])] * len(image)
    begun = time.perf_counter()
    parser, note = _parser(method, fallback, models or ModelCache(), weights, image.device)
    looks: tuple[Look, ...] = ()
    if parser is None:
        wanted, reservation = _heuristic_labels(labels)
        found = detect_by_heuristic(image, person_boxes=boxes, check_cancelled=check_cancelled, progress=progress)
        found = found.select(wanted)
        note = (*note, *((reservation,) if reservation else ()))
    else:
        wanted = _parser_labels(labels)
        found, looks = parse_garments(
            parser, image, wanted, person_boxes=boxes, flip=flip, check_cancelled=check_cancelled, progress=progress
        )
    found = replace(found, notes=(*note, *found.notes))
    parts = {name: found.parts[name] for name in wanted if name in found.parts}
    mask = _add_parts(found.union(device=image.device), parts)
    count = len(found) + sum(bool((part >= 0.5).any()) for part in parts.values())
    return Detection(found, mask, count, tuple(look.entry() for look in looks), time.perf_counter() - begun)


def _add_parts(mask: Tensor, parts: Mapping[str, Tensor]) -> Tensor:
    """The mask with body parts. Those that exclude each other and the garments add up, so that borders have no gap."""
    covered = {*(PARTS if "skin" in parts else ()), "head"}
    for name, part in parts.items():
        if name not in covered:
            mask = (mask + part.to(mask)).clamp(max=1)
    return torch.maximum(mask, parts["head"].to(mask)) if "head" in parts else mask


def _parser(
    method: str, fallback: str, models: ModelCache, weights: Path, device: torch.device
) -> tuple[Parser | None, tuple[str, ...]]:
    """The parser, or None where the heuristic is to be used, and what to tell the user about that."""
    if method == "heuristic":
        return None, ()
    try:
        return models.get(weights, device, lambda path: load_parser(path).to(device)), ()
    except MissingModel as error:
        if fallback == "heuristic":
            return None, (f"The parser is missing ({error}) The heuristic stands in for it, as you allowed.",)
        raise MissingModel(f"{error} Or allow the heuristic (fallback = 'heuristic'), which only guesses.") from error


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


def _parser_labels(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for label in labels for name in (LOWER if label == "lower" else (label,))))


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

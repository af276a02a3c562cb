"""Some of the garments that were found: by name, person, score and size."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from ..kernels import box_around
from ..tensors import RangeError, UnknownName, check_name, check_range, unknown_name
from .garments import Box, Garment, Garments
from .taxonomies import find_label
from .vocabulary import LABELS, PRESETS

ALL, LARGEST, FROM_LEFT, FROM_RIGHT, AT_POINT = "all", "largest", "from left", "from right", "at point"
PERSONS = (ALL, LARGEST, FROM_LEFT, FROM_RIGHT, AT_POINT)
"""Whose garments are chosen, in each picture."""

ORDERS: dict[str, Callable[[Garment], float]] = {
    "largest": lambda item: float(item.mask.float().sum()),
    "most certain": lambda item: item.score,
}
"""Which of the garments of a picture come first where only some of them are wanted."""

_WILDCARDS = re.compile(r"[*?\[]")
INSIDE = 0.5


@dataclass(frozen=True)
class Choice:
    """What is chosen. Every condition must hold; what is left at its default chooses everything.

    words: presets, labels, words of models and patterns (``*sleeve*``), separated by ",", ";" or lines. person: one of
    `PERSONS`; number: which one counted from that side, from 1; point: "x y" in pixels, or as shares of the picture.
    least_score: 0..1. least_percent, most_percent: of the picture's area. most: so many per picture, 0 for all, the
    first by `order`, one of `ORDERS`. invert: all others instead.
    """

    words: str = ""
    person: str = ALL
    number: int = 1
    point: str = ""
    least_score: float = 0.0
    least_percent: float = 0.0
    most_percent: float = 100.0
    most: int = 0
    order: str = "largest"
    invert: bool = False


def select_garments(garments: Garments, choice: Choice) -> Garments:
    """Only the chosen garments, in their order; parts (everybody's), the picture of labels, method and notes stay.

    Raises `UnknownName` for a word that neither these garments nor any vocabulary know, and for an unknown person or
    order, `RangeError` for numbers out of range and a point that is none.
    """
    check_name("Person", choice.person, PERSONS)
    check_name("Order", choice.order, ORDERS)
    check_range("min score", choice.least_score, 0, 1)
    check_range("min area", choice.least_percent, 0, 100)
    check_range("max area", choice.most_percent, 0, 100)
    point = parse_point(choice.point, garments.width, garments.height) if choice.person == AT_POINT else (0.0, 0.0)
    wanted = _matcher(choice.words, garments.items)
    pixel_percent = garments.width * garments.height / 100
    chosen: set[int] = set()
    for index in range(garments.batch):
        numbered = [(number, item) for number, item in enumerate(garments.items) if item.image == index]
        person = _choose_person([item for _, item in numbered], choice, point)
        fitting = [
            (number, item)
            for number, item in numbered
            if person in (None, item.person)
            and wanted(item)
            and item.score >= choice.least_score
            and choice.least_percent <= float(item.mask.float().sum()) / pixel_percent <= choice.most_percent
        ]
        if choice.most:
            first = ORDERS[choice.order]
            fitting = sorted(fitting, key=lambda pair: first(pair[1]), reverse=True)[: choice.most]
        chosen |= {number for number, _ in fitting}
    items = (item for number, item in enumerate(garments.items) if (number in chosen) != choice.invert)
    return replace(garments, items=tuple(items))


def garment_planes(garments: Garments) -> Tensor:
    """One mask per garment ``[N,H,W]``, float32, picture by picture; as many zero masks as pictures where none is."""
    ordered = sorted(garments.items, key=lambda item: item.image)
    if not ordered:
        return garments.union()
    return torch.stack([item.mask.float() for item in ordered])


def parse_point(text: str, width: int, height: int) -> tuple[float, float]:
    """The point x y in px of a text; numbers within 0..1 are shares of the picture.

    Raises `RangeError` for anything but two numbers, and for a point outside the picture.
    """
    try:
        x, y = (float(word) for word in re.split(r"[\s,;]+", text.strip()))
    except ValueError:
        raise RangeError(f"the point {text.strip()!r} is not two numbers; give x y, such as '0.5 0.3'.") from None
    if max(abs(x), abs(y)) <= 1:
        x, y = x * width, y * height
    check_range("the point's x", x, 0, width)
    check_range("the point's y", y, 0, height)
    return x, y


def _matcher(words: str, items: Sequence[Garment]) -> Callable[[Garment], bool]:
    """Whether a garment is meant by one of the words; no word means everything."""
    tests = [_test(word, items) for word in (part.strip().lower() for part in re.split(r"[,;\n]", words)) if word]
    return (lambda item: any(test(item) for test in tests)) if tests else (lambda item: True)


def _test(word: str, items: Sequence[Garment]) -> Callable[[Garment], bool]:
    if word in PRESETS or word in LABELS:
        labels = PRESETS.get(word, (word,))
        return lambda item: item.label in labels or word in _names(item)
    if _WILDCARDS.search(word):
        return lambda item: any(fnmatchcase(name, word) for name in _names(item))
    if any(word in _names(item) for item in items):
        return lambda item: word in _names(item)
    try:
        label = find_label(word)
    except UnknownName:
        here = [name for item in items for name in _names(item)]
        raise unknown_name("Garment", word, dict.fromkeys((*here, *PRESETS, *LABELS))) from None
    return lambda item: item.label == label and not item.native_label


def _names(item: Garment) -> set[str]:
    """The label, the model's word, and where that is a list ("shirt, blouse") each of its words."""
    native = item.native_label.lower()
    return {item.label.lower(), native, *(part.strip() for part in re.split(r"[,/]", native))} - {""}


def _choose_person(items: Sequence[Garment], choice: Choice, point: tuple[float, float]) -> int | None:
    """The number of the chosen person among the garments of one picture; -1 for nobody, None for everybody."""
    if choice.person == ALL:
        return None
    worn: dict[int, list[Garment]] = {}
    for item in items:
        worn.setdefault(item.person, []).append(item)
    if not worn:
        return -1
    if choice.person == LARGEST:
        return max(worn, key=lambda person: sum(float(item.mask.float().sum()) for item in worn[person]))
    boxes = {person: box_around(item.box for item in of_person) for person, of_person in worn.items()}
    if choice.person == AT_POINT:
        return min(worn, key=lambda person: _distance(point, worn[person], boxes[person]))
    check_range("the person's number", choice.number, 1, float("inf"))
    ordered = sorted(worn, key=lambda person: boxes[person][0] + boxes[person][2], reverse=choice.person == FROM_RIGHT)
    return ordered[choice.number - 1] if choice.number <= len(ordered) else -1


def _distance(point: tuple[float, float], items: Sequence[Garment], box: Box) -> tuple[bool, float, float]:
    """How far a point is from a person: whether it misses the garments, then px to their box, then to its middle."""
    x, y = point
    height, width = items[0].mask.shape
    row, column = min(int(y), height - 1), min(int(x), width - 1)
    hit = any(float(item.mask[row, column]) >= INSIDE for item in items)
    across, down = max(box[0] - x, 0.0, x - box[2]), max(box[1] - y, 0.0, y - box[3])
    middle = abs((box[0] + box[2]) / 2 - x) + abs((box[1] + box[3]) / 2 - y)
    return not hit, (across**2 + down**2) ** 0.5, middle

"""Garments found by a YOLO of the user's, with the shipped parser beside it for persons, parts, and masks in boxes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import torch
from torch import Tensor

from ...errors import RangeError, check_range
from ...tensors import as_image
from ..box_text import check_person_boxes
from ..garments import Box, Garment, Garments, name_pictures
from ..parser import Looker
from ..parsing import NOTHING, Look, parse_garments
from ..part_masks import PartMasks, PersonParts
from ..vocabulary import CARRIED_LABELS, GARMENT_LABELS, LABELS
from .class_words import ClassWords, read_classes
from .instance_masks import Patch, box_masks, box_rows, cut_masks, prototype_masks, resolve_overlaps
from .model import Sighting, Yolo
from .persons import person_of

METHOD = "yolo"
MOST_DETECTIONS = 1000
ANY_GARMENT = (*GARMENT_LABELS, *CARRIED_LABELS)
# Whoever cannot tell trousers from a skirt says lower.
ALIKE = {"lower": ("lower", "pants", "skirt"), "pants": ("pants", "lower"), "skirt": ("skirt", "lower")}
# The parser sees a garment in a box where it covers at least this share of it.
LEAST_SEEN = 0.05
# A garment of which no pixel is left half covered lies under others.
HALF = 0.5
BOXES = "This model gives boxes only; the masks inside them are the parser's."
BOXES_ALONE = "This model gives boxes only, and no parser was there to say what lies in them: the masks are boxes."
BARE_BOXES = "In {count} of the boxes{where} the parser sees no garment: there the mask is the box."
COVERED = "{count} of what was found{where} lies under other garments and was left out."
ONLY_OTHERS = "This model knows none of what was asked for ({asked}); its classes mean {known}."


@dataclass
class _Canvas:
    """What is being found in a batch."""

    items: list[Garment] = field(default_factory=list[Garment])
    looks: list[Look] = field(default_factory=list[Look])
    persons: list[PersonParts] = field(default_factory=list[PersonParts])
    labels: list[Tensor] = field(default_factory=list[Tensor])
    bare: dict[int, int] = field(default_factory=dict[int, int])
    covered: dict[int, int] = field(default_factory=dict[int, int])
    nobody: list[int] = field(default_factory=list[int])


def detect_with_yolo(
    image: Tensor, model: Yolo, labels: Sequence[str] = ANY_GARMENT, *, meanings: Mapping[str, str] | None = None,
    classes: str = "*", confidence: float = 0.25, iou: float = 0.7, max_detections: int = 100,
    companion: Looker | None = None, person_boxes: Sequence[Sequence[Box]] | None = None, flip: bool = True,
    check_cancelled: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Garments, tuple[Look, ...]]:  # fmt: skip
    """The garments with one of the canonical `labels` that a YOLO finds, and where the companion has looked.

    image: ``[B,H,W,3|4]``, 0..1; alpha is ignored. meanings, classes: see `read_classes`. confidence, iou: 0..1, for
    detections of one canonical label. max_detections: per picture, 1..1000. companion: the shipped parser; it finds the
    persons, their parts and `Garments.labels`, and the masks where the model gives boxes only. person_boxes: for each
    picture the boxes of its persons, px; where there are none, the model's own class "person" counts, then the
    companion's persons. flip: the companion also looks at the mirrored picture. Garments that overlap nobody share a
    number after the last person. progress is called with (pictures done, pictures), check_cancelled per picture.

    Masks are soft, float32, on the image's device, and give each pixel to one garment. Each is a plane of the picture;
    beside those and the network's own needs three planes are held, and the grown boxes of one picture's garments.
    Raises `UnknownName` for a class that the file does not have, `RangeError` and `ShapeError` for bad arguments.
    """
    image = as_image(image)
    check_range("confidence", confidence, 0, 1)
    check_range("iou", iou, 0, 1)
    if not 1 <= max_detections <= MOST_DETECTIONS:
        raise RangeError(f"max_detections is {max_detections}; give 1 to {MOST_DETECTIONS}.")
    batch, height, width = image.shape[:3]
    check_person_boxes(person_boxes, batch)
    words = read_classes(model.names, classes, meanings)
    task = _Task(
        model, words, {name for label in labels for name in (ALIKE["lower"] if label == "lower" else (label,))},
        companion, flip, check_cancelled,
    )  # fmt: skip
    canvas = _Canvas()
    limits = {"confidence": confidence, "iou": iou}
    for start in range(0, batch, model.most_at_once):  # so that no more prototypes are held than go through at once
        check_cancelled()
        part = image[start : start + model.most_at_once]
        for index, sighting in enumerate(_look(task, part, max_detections, **limits), start):
            check_cancelled()
            boxes = list(person_boxes[index]) if person_boxes else []
            _add_picture(canvas, task, image[index : index + 1], index, sighting, boxes, max_detections)
            progress(index + 1, batch)
    parts: Mapping[str, Tensor] = {}
    if companion is not None:
        parts = PartMasks((batch, height, width), canvas.persons, device=image.device)
    whole = torch.cat(canvas.labels) if canvas.labels else None
    notes = _notes(canvas, task, batch)
    return Garments(width, height, batch, tuple(canvas.items), METHOD, parts, notes, whole), tuple(canvas.looks)


@dataclass(frozen=True)
class _Task:
    """What is to be done with each picture; wanted: the canonical labels that were asked for."""

    model: Yolo
    words: ClassWords
    wanted: set[str]
    companion: Looker | None
    flip: bool
    check_cancelled: Callable[[], None]


def _look(task: _Task, images: Tensor, most: int, *, confidence: float, iou: float) -> list[Sighting]:
    """What the model sees in each of the images ``[B,H,W,C]``."""
    pictures = images[..., :3].float().nan_to_num(0.0).clamp(0, 1).permute(0, 3, 1, 2)
    # Persons do not use up what is left for garments.
    most = 2 * most if task.words.persons else most
    return task.model.look(pictures, _groups(task.words), confidence=confidence, iou=iou, most=most)


def _add_picture(
    canvas: _Canvas, task: _Task, picture: Tensor, index: int, sighting: Sighting, boxes: Sequence[Box], most: int
) -> None:
    """Adds what is in one picture ``[1,H,W,C]``; boxes: its persons, where somebody has told them."""
    garments, persons = _divide(sighting, task.words, most)
    boxes = boxes or _boxes(persons)
    if task.companion is None:
        seen = _Seen(boxes, None)
        canvas.looks += [Look(index, number, box, _frame(box), 0.0) for number, box in enumerate(boxes)]
    else:
        seen = _parse(canvas, task, task.companion, picture, index, boxes)
    _add_garments(canvas, task, garments, seen, index, picture.device)


def _groups(words: ClassWords) -> list[int]:
    """Which classes compete: those of one canonical label, and those of persons; the others are left out."""
    groups = [-1] * len(words.names)
    for number in words.garments:
        groups[number] = LABELS.index(words.labels[number] or "")
    for number in words.persons:
        groups[number] = len(LABELS)
    return groups


def _divide(sighting: Sighting, words: ClassWords, most: int) -> tuple[Sighting, Sighting]:
    """What is worn, at most so many, and who wears it."""
    persons = torch.zeros(len(words.names), dtype=torch.bool, device=sighting.found.classes.device)
    persons[list(words.persons)] = True
    there = persons[sighting.found.classes]
    garments = (~there).nonzero().flatten()[:most]
    return (
        replace(sighting, found=sighting.found.pick(garments)),
        replace(sighting, found=sighting.found.pick(there)),
    )


def _boxes(persons: Sighting) -> list[Box]:
    """Their boxes in px of the picture; those without a pixel are none."""
    return [box for box in box_rows(persons.boxes) if box[2] - box[0] >= 1 and box[3] - box[1] >= 1]


def _frame(box: Box) -> tuple[int, int, int, int]:
    return int(box[0]), int(box[1]), int(-(-box[2] // 1)), int(-(-box[3] // 1))


@dataclass(frozen=True)
class _Seen:
    """What is known of a picture beside what the YOLO found. garments: None where no parser has looked."""

    persons: Sequence[Box]
    garments: Garments | None


def _parse(canvas: _Canvas, task: _Task, companion: Looker, picture: Tensor, index: int, boxes: Sequence[Box]) -> _Seen:
    """What the companion sees in one picture, with its persons, parts and labels added to the canvas."""
    asked = ANY_GARMENT if task.model.task == "detect" else ()  # masks of garments are made for boxes alone
    seen, looks = parse_garments(
        companion, picture, asked, person_boxes=[boxes], flip=task.flip, check_cancelled=task.check_cancelled
    )
    canvas.looks += [replace(look, image=index) for look in looks]
    if isinstance(seen.parts, PartMasks):
        canvas.persons += [replace(person, image=index) for person in seen.parts.persons]
    canvas.labels += [seen.labels] if seen.labels is not None else []
    canvas.nobody += [] if looks else [index]
    return _Seen([look.box for look in looks], seen)


def _add_garments(
    canvas: _Canvas, task: _Task, sighting: Sighting, seen: _Seen, index: int, device: torch.device
) -> None:
    """Adds a picture's garments, each with its person, the strongest first within a person."""
    numbers = cast("list[int]", sighting.found.classes.tolist())
    scores = cast("list[float]", sighting.found.scores.tolist())
    labels = [task.words.labels[number] or "" for number in numbers]
    patches = _patches(canvas, sighting, labels, seen, index, device)
    height, width = sighting.box.height, sighting.box.width
    resolve_overlaps(patches, scores, height, width)
    items: list[Garment] = []
    rows = zip(patches, labels, numbers, scores, box_rows(sighting.boxes), strict=True)
    for patch, label, number, score, box in rows:
        if label not in task.wanted:
            continue
        if not patch.mask.numel() or not bool(patch.mask.max() >= HALF):
            canvas.covered[index] = canvas.covered.get(index, 0) + 1
            continue
        mask, word = patch.whole(height, width), task.words.names[number]
        items.append(Garment(mask, label, score, box, index, person_of(box, seen.persons), native_label=word))
    canvas.items += sorted(items, key=lambda item: item.person)


def _patches(
    canvas: _Canvas, sighting: Sighting, labels: Sequence[str], seen: _Seen, index: int, device: torch.device
) -> list[Patch]:
    """The mask of each detection, on `device`."""
    if sighting.prototypes is not None:
        found = sighting.found
        patches = prototype_masks(found.coefficients, sighting.prototypes, sighting.boxes, sighting.box)
        return [Patch(patch.mask.to(device), patch.area) for patch in patches]
    boxes = sighting.boxes.to(device)
    bare = box_masks(boxes, sighting.box.height, sighting.box.width)
    if seen.garments is None:
        return bare
    patches = [_worn_in(boxes[number : number + 1], label, seen.garments) for number, label in enumerate(labels)]
    canvas.bare[index] = sum(patch is None for patch in patches)
    return [patch or box for patch, box in zip(patches, bare, strict=True)]


def _worn_in(box: Tensor, label: str, seen: Garments) -> Patch | None:
    """What of the parser's garments lies in a box: those of the label, else any; None where there is nearly nothing."""
    area = float((box[0, 2:] - box[0, :2]).prod())
    for labels in (ALIKE.get(label, (label,)), ANY_GARMENT):
        planes = [cut_masks(item.mask, box)[0] for item in seen.items if item.label in labels]
        if planes:
            mask = torch.stack([plane.mask for plane in planes]).amax(0)
            if float(mask.sum()) >= LEAST_SEEN * area:
                return Patch(mask, planes[0].area)
    return None


def _notes(canvas: _Canvas, task: _Task, batch: int) -> tuple[str, ...]:
    words = task.words
    notes = [*task.model.notes, *words.notes]
    known = dict.fromkeys(words.labels[number] or "" for number in words.garments)
    if not task.wanted & set(known):
        told = ", ".join(known) or ("only persons" if words.persons else "no garments")
        notes.append(ONLY_OTHERS.format(asked=", ".join(sorted(task.wanted)), known=told))
    if task.model.task == "detect" and canvas.items:
        notes.append(BOXES if task.companion is not None else BOXES_ALONE)
    for counts, text in ((canvas.bare, BARE_BOXES), (canvas.covered, COVERED)):
        pictures = [index for index, count in counts.items() if count]
        if pictures:
            notes.append(text.format(count=sum(counts.values()), where=name_pictures(pictures, batch)))
    if canvas.nobody:
        notes.append(NOTHING.format(where=name_pictures(canvas.nobody, batch)))
    return tuple(notes)

"""Garments found by a YOLO of the user's, with the shipped parser beside it for persons, parts, and masks in boxes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import torch
from torch import Tensor

from ...errors import RangeError, ShapeError, check_range
from ...tensors import as_image
from ..garments import Box, Garment, Garments
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
    if person_boxes is not None and len(person_boxes) != batch:
        raise ShapeError(f"person_boxes is for {len(person_boxes)} pictures, the batch has {batch}; give a list each.")
    words = read_classes(model.names, classes, meanings)
    wanted = {name for label in labels for name in (ALIKE["lower"] if label == "lower" else (label,))}
    canvas = _Canvas()
    for start in range(0, batch, model.most_at_once):  # so that no more prototypes are held than go through at once
        check_cancelled()
        part = image[start : start + model.most_at_once]
        pictures = part[..., :3].float().nan_to_num(0.0).clamp(0, 1).permute(0, 3, 1, 2)
        begun = time.perf_counter()
        sightings = model.look(
            pictures, _groups(words), confidence=confidence, iou=iou, most=_most(words, max_detections)
        )
        share = (time.perf_counter() - begun) / len(sightings)
        for index, sighting in enumerate(sightings, start):
            check_cancelled()
            garments, persons = _divide(sighting, words, max_detections)
            known = list(person_boxes[index]) if person_boxes else []
            boxes = known or _boxes(persons)
            seen = _parse(canvas, image[index : index + 1], index, companion, model.task, boxes, flip, check_cancelled)
            if companion is None:
                canvas.looks += [Look(index, number, box, _frame(box), share) for number, box in enumerate(boxes)]
            _add_garments(canvas, garments, words, wanted, seen, index, image.device)
            progress(index + 1, batch)
    notes = _notes(canvas, words, wanted, model, companion is not None, batch)
    parts = PartMasks((batch, height, width), canvas.persons, device=image.device)
    whole = torch.cat(canvas.labels) if canvas.labels else None
    found = Garments(
        width, height, batch, tuple(canvas.items), METHOD, parts if companion is not None else {}, notes, whole
    )
    return found, tuple(canvas.looks)


def _groups(words: ClassWords) -> list[int]:
    """Which classes compete: those of one canonical label, and those of persons; the others are left out."""
    groups = [-1] * len(words.names)
    for number in words.garments:
        groups[number] = LABELS.index(words.labels[number] or "")
    for number in words.persons:
        groups[number] = len(LABELS)
    return groups


def _most(words: ClassWords, max_detections: int) -> int:
    """Persons do not use up what is left for garments."""
    return 2 * max_detections if words.persons else max_detections


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


def _parse(
    canvas: _Canvas, picture: Tensor, index: int, companion: Looker | None, task: str, boxes: Sequence[Box], flip: bool,
    check_cancelled: Callable[[], None],
) -> _Seen:  # fmt: skip
    """What the companion sees in one picture, with its persons, parts and labels added to the canvas."""
    if companion is None:
        return _Seen(boxes, None)
    asked = ANY_GARMENT if task == "detect" else ()  # masks of garments are made for boxes alone
    seen, looks = parse_garments(
        companion, picture, asked, person_boxes=[list(boxes)], flip=flip, check_cancelled=check_cancelled
    )
    canvas.looks += [replace(look, image=index) for look in looks]
    if isinstance(seen.parts, PartMasks):
        canvas.persons += [replace(person, image=index) for person in seen.parts.persons]
    canvas.labels += [seen.labels] if seen.labels is not None else []
    canvas.nobody += [] if looks else [index]
    return _Seen([look.box for look in looks], seen)


def _add_garments(
    canvas: _Canvas, sighting: Sighting, words: ClassWords, wanted: set[str], seen: _Seen, index: int,
    device: torch.device,
) -> None:  # fmt: skip
    """Adds a picture's garments, each with its person, the strongest first within a person."""
    if not len(sighting.found):
        return
    numbers = cast("list[int]", sighting.found.classes.tolist())
    scores = cast("list[float]", sighting.found.scores.tolist())
    labels = [words.labels[number] or "" for number in numbers]
    patches = _patches(canvas, sighting, labels, seen, index, device)
    height, width = sighting.box.height, sighting.box.width
    resolve_overlaps(patches, scores, height, width)
    items: list[Garment] = []
    for patch, label, number, score, box in zip(
        patches, labels, numbers, scores, box_rows(sighting.boxes), strict=True
    ):
        if label not in wanted:
            continue
        if not patch.mask.numel() or not bool(patch.mask.max() >= HALF):
            canvas.covered[index] = canvas.covered.get(index, 0) + 1
            continue
        person = person_of(box, seen.persons)
        items.append(
            Garment(patch.whole(height, width), label, score, box, index, person, native_label=words.names[number])
        )
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


def _notes(
    canvas: _Canvas, words: ClassWords, wanted: set[str], model: Yolo, parsed: bool, batch: int
) -> tuple[str, ...]:
    notes = [*model.notes, *words.notes]
    known = dict.fromkeys(words.labels[number] or "" for number in words.garments)
    if not wanted & set(known):
        told = ", ".join(known) or ("only persons" if words.persons else "no garments")
        notes.append(ONLY_OTHERS.format(asked=", ".join(sorted(wanted)), known=told))
    if model.task == "detect" and canvas.items:
        notes.append(BOXES if parsed else BOXES_ALONE)
    for counts, text in ((canvas.bare, BARE_BOXES), (canvas.covered, COVERED)):
        pictures = [index for index, count in counts.items() if count]
        if pictures:
            notes.append(text.format(count=sum(counts.values()), where=_where(pictures, batch)))
    if canvas.nobody:
        notes.append(NOTHING.format(where=_where(canvas.nobody, batch)))
    return tuple(notes)


def _where(pictures: Sequence[int], batch: int) -> str:
    return "" if batch == 1 else f" in picture {', '.join(str(index + 1) for index in pictures)}"

"""Garments found by whichever method is asked for, and what the user is told about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from ..context import ModelCache, TensorCache
from ..tensors import MissingModel, as_image, check_name
from .box_text import parse_person_boxes
from .finding import Finding
from .garment_model import USUAL, GarmentModel, YoloOptions
from .garments import Box, Garments
from .heuristic import detect_garments as detect_by_heuristic
from .parser import WEIGHTS, Parser, load_parser
from .parsing import parse_garments
from .parts import PARTS

METHODS = ("auto", "heuristic", "parser")
"""How garments are found. auto is the connected model, else the parser that is shipped."""

FALLBACKS = ("error", "heuristic")
"""What to do where the parser's weights are missing."""

# What the heuristic gives for labels that it has no eye for; used only where nothing it knows is asked for.
HEURISTIC_LABELS = ("upper", "lower", "footwear", "hair", "skin")
STAND_INS = {"dress": ("upper", "lower"), "outer": ("upper",), "pants": ("lower",), "skirt": ("lower",)}
# What the parser gives for the one label that only the heuristic has.
LOWER = ("pants", "skirt")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Detection:
    """What was found.

    garments: those asked for; mask: their union ``[B,H,W]``, float32; count: garments and body parts in it.
    looks: where the parser has looked, as plain JSON values; seconds: what it all took, stages: and what of it each
    stage ("load", "detect", "sam"). model: the user's model that found them; sam: what a SAM made of each garment.
    """

    garments: Garments
    mask: Tensor
    count: int
    looks: tuple[dict[str, object], ...] = ()
    seconds: float = 0.0
    stages: Mapping[str, float] = field(default_factory=dict[str, float])
    model: Mapping[str, object] | None = None
    sam: tuple[dict[str, object], ...] | None = None

    def describe(self) -> str:
        """What was found, by which method, with the method's reservations."""
        return "\n".join((self.garments.describe(), *self.garments.notes))

    def entry(self) -> dict[str, object]:
        """Where was looked, by which model, and the times, as plain JSON values."""
        entry: dict[str, object] = {"looks": list(self.looks), "seconds": round(self.seconds, 4)}
        entry["stages"] = {name: round(seconds, 4) for name, seconds in self.stages.items()}
        if self.model is not None:
            entry["model"] = dict(self.model)
        if self.sam is not None:
            entry["sam"] = list(self.sam)
        return entry


@dataclass(frozen=True)
class _Job:
    """One call of `detect`: the pictures, what to look for, and what the host lends."""

    image: Tensor
    labels: tuple[str, ...]
    boxes: list[list[Box]]
    flip: bool
    models: ModelCache
    check_cancelled: Callable[[], None]
    progress: Progress
    stages: dict[str, float]

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        """Adds what happens inside to the time of a stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            if self.image.is_cuda:
                torch.cuda.synchronize(self.image.device)
            self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - begun


def detect(
    image: Tensor, labels: Sequence[str], *, method: str = "auto", person_boxes: str = "", flip: bool = True,
    fallback: str = "error", model: GarmentModel | None = None, yolo: YoloOptions = USUAL,
    models: ModelCache | None = None, embeddings: TensorCache | None = None, weights: Path = WEIGHTS,
    progress: Progress = lambda done, total: None, check_cancelled: Callable[[], None] = lambda: None,
) -> Detection:  # fmt: skip
    """The garments with one of the canonical `labels` in the pictures ``[B,H,W,C]``; possibly none.

    method: one of `METHODS`. person_boxes: see `parse_person_boxes`; they hold for every picture of the batch. flip:
    a parser also looks at the mirrored picture. fallback: one of `FALLBACKS`. model: the user's own, for method "auto";
    yolo: for models of that kind. models: keeps what was loaded for the next time, embeddings: what a SAM saw in a
    picture. progress is called with (pictures done, pictures), check_cancelled once per picture and may raise. Raises
    `MissingModel` where weights or a package are missing and `fallback` does not allow another method, `BadFile` for a
    file that is damaged or of the wrong kind, `UnknownName` for a class map that does not fit the model.
    """
    image = as_image(image)
    check_name("Method", method, METHODS)
    check_name("Fallback", fallback, FALLBACKS)
    boxes = [parse_person_boxes(person_boxes, image.shape[2], image.shape[1])] * len(image)
    begun = time.perf_counter()
    job = _Job(image, tuple(labels), boxes, flip, models or ModelCache(), check_cancelled, progress, {})
    own = model if method == "auto" else None
    finding = _look(job, method, fallback, own, yolo, weights)
    found, wanted = finding.garments, finding.wanted
    notes = [*finding.notes]
    if model is not None and own is None:
        notes.append(f"The connected model is not used, because method is {method!r}.")
    refined: tuple[dict[str, object], ...] | None = None
    if own is not None and own.sam is not None:
        found, refined = _refine(job, found, own, embeddings)
        notes += own.precision_note(image.device) if own.detector is None else ()
    found = replace(found, notes=tuple(dict.fromkeys((*notes, *found.notes))))  # a SAM says the same of many garments
    parts = {name: found.parts[name] for name in wanted if name in found.parts}
    mask = _add_parts(found.union(device=image.device), parts)
    count = len(found) + sum(bool((part >= 0.5).any()) for part in parts.values())
    return Detection(
        found, mask, count, tuple(look.entry() for look in finding.looks), time.perf_counter() - begun, job.stages,
        finding.model, refined,
    )  # fmt: skip


def _look(
    job: _Job, method: str, fallback: str, model: GarmentModel | None, yolo: YoloOptions, weights: Path
) -> Finding:
    """What the method finds, before any SAM."""
    with job.stage("load"):
        parser, notes = _parser(job, method, fallback, weights, needed=model is None or model.detector is None)
    if model is not None and model.detector is not None:
        from .model_detect import detect_with_model  # brings all that opens and runs other people's files

        wanted = tuple(dict.fromkeys((*job.labels, *_parser_labels(job.labels))))
        return detect_with_model(
            job.image, model, wanted, companion=parser, yolo=yolo, models=job.models, person_boxes=job.boxes,
            flip=job.flip, stage=job.stage, check_cancelled=job.check_cancelled, progress=job.progress,
        )  # fmt: skip
    with job.stage("detect"):
        return _guess(job, notes) if parser is None else _parse(job, parser)


def _parse(job: _Job, parser: Parser) -> Finding:
    wanted = _parser_labels(job.labels)
    found, looks = parse_garments(
        parser, job.image, wanted, person_boxes=job.boxes, flip=job.flip, check_cancelled=job.check_cancelled,
        progress=job.progress,
    )  # fmt: skip
    return Finding(found, wanted, looks)


def _guess(job: _Job, notes: tuple[str, ...]) -> Finding:
    wanted, reservation = _heuristic_labels(job.labels)
    found = detect_by_heuristic(
        job.image, person_boxes=job.boxes, check_cancelled=job.check_cancelled, progress=job.progress
    )
    return Finding(found.select(wanted), wanted, notes=(*notes, *((reservation,) if reservation else ())))


def _refine(
    job: _Job, found: Garments, model: GarmentModel, embeddings: TensorCache | None
) -> tuple[Garments, tuple[dict[str, object], ...]]:
    from .model_detect import refine_with_sam

    return refine_with_sam(
        job.image, found, model, models=job.models, embeddings=embeddings, stage=job.stage,
        check_cancelled=job.check_cancelled, progress=job.progress,
    )  # fmt: skip


def _add_parts(mask: Tensor, parts: Mapping[str, Tensor]) -> Tensor:
    """The mask with body parts. Those that exclude each other and the garments add up, so that borders have no gap."""
    covered = {*(PARTS if "skin" in parts else ()), "head"}
    for name, part in parts.items():
        if name not in covered:
            mask = (mask + part.to(mask)).clamp(max=1)
    return torch.maximum(mask, parts["head"].to(mask)) if "head" in parts else mask


def _parser(
    job: _Job, method: str, fallback: str, weights: Path, *, needed: bool
) -> tuple[Parser | None, tuple[str, ...]]:
    """The parser, or None where the heuristic or a model alone is to be used, and what to tell the user about that."""
    if method == "heuristic":
        return None, ()
    try:
        return job.models.get(weights, job.image.device, load_parser), ()
    except MissingModel as error:
        if not needed:
            return None, ()
        if fallback == "heuristic":
            return None, (f"The parser is missing ({error}) The heuristic stands in for it, as you allowed.",)
        raise MissingModel(f"{error} Or allow the heuristic (fallback = 'heuristic'), which only guesses.") from error


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

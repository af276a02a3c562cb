"""Garments found by a model of the user's own, with the shipped parser as its companion, and refined by a SAM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from torch import Tensor

from ..context import ModelCache, TensorCache
from .finding import Finding
from .garment_model import NO_CLASS_MAP, GarmentModel, YoloOptions
from .garments import Box, Garments
from .model_files import Opened, open_detector, open_sam, sam_identity
from .parser import Parser
from .parsing import Look, parse_garments
from .sam import refine_garments
from .segformer.parser import SegformerParser, parse_with_segformer
from .yolo import detect_with_yolo

NO_COMPANION = "The shipped parser is missing, so persons and body parts are told by the model alone."
ONLY_YOLO = "The class filter is not used: it is for YOLO models."

Stage = Callable[[str], AbstractContextManager[None]]


def detect_with_model(
    image: Tensor, model: GarmentModel, labels: Sequence[str], *, companion: Parser | None, yolo: YoloOptions,
    models: ModelCache, person_boxes: Sequence[Sequence[Box]], flip: bool, stage: Stage,
    check_cancelled: Callable[[], None], progress: Callable[[int, int], None],
) -> Finding:  # fmt: skip
    """The garments with one of the canonical `labels` by the detector that the handle names.

    companion: the shipped parser, which finds persons and body parts. All else as in `detect`; raises as
    `open_detector` does.
    """
    with stage("load"):
        opened = open_detector(model, models, image.device)
    notes = [*model.precision_note(image.device), *(() if companion else (NO_COMPANION,))]
    if model.meanings and not opened.meanings:
        notes.append(NO_CLASS_MAP)
    with stage("detect"):
        found, looks = _find(
            image, opened, labels, companion, yolo, person_boxes=person_boxes, flip=flip,
            check_cancelled=check_cancelled, progress=progress,
        )  # fmt: skip
    if yolo.classes.strip() not in ("", "*") and isinstance(opened.network, Parser | SegformerParser):
        notes.append(ONLY_YOLO)
    return Finding(found, tuple(labels), looks, tuple(notes), opened.file.entry())


def _find(
    image: Tensor, opened: Opened, labels: Sequence[str], companion: Parser | None, yolo: YoloOptions, *,
    person_boxes: Sequence[Sequence[Box]], flip: bool, check_cancelled: Callable[[], None],
    progress: Callable[[int, int], None],
) -> tuple[Garments, tuple[Look, ...]]:  # fmt: skip
    network = opened.network
    if isinstance(network, Parser):
        return parse_garments(
            network, image, labels, person_boxes=person_boxes, flip=flip, check_cancelled=check_cancelled,
            progress=progress,
        )  # fmt: skip
    if isinstance(network, SegformerParser):
        return parse_with_segformer(
            image, network, labels, companion=companion, person_boxes=person_boxes, flip=flip,
            check_cancelled=check_cancelled, progress=progress,
        )  # fmt: skip
    return detect_with_yolo(
        image, network, labels, meanings=opened.meanings, classes=yolo.classes.strip() or "*",
        confidence=yolo.confidence, iou=yolo.iou, max_detections=yolo.max_detections, companion=companion,
        person_boxes=person_boxes, flip=flip, check_cancelled=check_cancelled, progress=progress,
    )  # fmt: skip


def refine_with_sam(
    image: Tensor, found: Garments, model: GarmentModel, *, models: ModelCache, embeddings: TensorCache | None,
    stage: Stage, check_cancelled: Callable[[], None], progress: Callable[[int, int], None],
) -> tuple[Garments, tuple[dict[str, object], ...]]:  # fmt: skip
    """The garments with the outlines that the handle's SAM draws, and what it says of each, as plain JSON values.

    embeddings: the host's cache of what a SAM saw in a picture. A SAM is opened only where there is something to
    refine. Raises as `open_sam` does.
    """
    if model.sam is None or not len(found):
        return found, ()
    dtype = model.dtype_on(image.device)
    with stage("load"):
        sam = open_sam(model.sam, models, image.device, dtype)
        identity = sam_identity(model.sam, image.device, dtype)
    with stage("sam"):
        return refine_garments(
            image, found, sam, embeddings=embeddings, identity=identity, check_cancelled=check_cancelled,
            progress=progress,
        )  # fmt: skip

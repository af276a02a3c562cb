"""Before stage 1: the user's own models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..context import Context
from ..errors import HemlineError, name_some
from ..model_places import DETECTOR_KINDS, SAM_KINDS, find_file
from ..segmentation.garment_model import (
    NO_CLASS_MAP,
    PRECISIONS,
    GarmentModel,
    describe_meanings,
    meanings_of,
    parse_meanings,
    unused_words,
)
from ..segmentation.parser import WEIGHTS
from .spec import Port, Result, node

if TYPE_CHECKING:
    from ..segmentation.model_files import ModelFile

SHIPPED, NONE = "shipped parser", "none"


def _fingerprint(
    detector: str | None, sam: str | None, class_map: str | None, precision: str | None, context: Context
) -> str:
    """Changes when a file is replaced; the settings are the host's own business."""
    from ..segmentation.model_files import file_stamp

    stamps: list[str] = []
    for name, fixed, kinds in ((detector, SHIPPED, DETECTOR_KINDS), (sam, NONE, SAM_KINDS)):
        try:
            path = _path(name or fixed, fixed, kinds, context)
        except HemlineError as error:
            stamps.append(str(error))  # a file that appears later is a change as well
        else:
            stamps.append(file_stamp(path) if path else "")
    return "; ".join(stamps)


@node(
    id="HemlineLoadGarmentModel",
    name="Load Garment Model",
    category="Hemline/1 Detect",
    aliases=("yolo", "ultralytics", "sam", "segment anything", "segformer", "clothes model", "detector provider"),
    fingerprint=_fingerprint,
    inputs=(
        Port(
            "detector", "COMBO",
            "What finds the garments: the small network that comes with Hemline, or a YOLO or SegFormer of your own. "
            "What a file is, is told from its content.",
            default=SHIPPED, options=(SHIPPED,), folders=DETECTOR_KINDS,
        ),
        Port(
            "sam", "COMBO",
            "A SAM (Segment Anything) file that draws the outline of each found garment anew; none: outlines stay the "
            "detector's.",
            default=NONE, options=(NONE,), folders=SAM_KINDS,
        ),
        Port(
            "class_map", "STRING",
            "What the file's own words mean, one a line: 'short sleeve top = upper'. Wildcards: '*dress* = dress'. "
            "'ignore' leaves a word out. Only what the output 'classes' shows wrong or unused need be named.",
            default="", multiline=True,
        ),
        Port(
            "precision", "COMBO", "float16 and bfloat16 take half the memory of a GPU. On a CPU it is always float32.",
            default="float32", options=PRECISIONS,
        ),
    ),
    outputs=(
        Port("model", "GARMENT_MODEL", "The choice: for Detect Garments or Refine Mask."),
        Port(
            "classes", "STRING", "Each word of the detector and what it means here, one a line, as class_map takes it.",
        ),
        Port("report", "STRING", "Files, families, sizes, classes, and the files' own notes, as JSON."),
    ),
)  # fmt: skip
def load_garment_model(
    detector: str = SHIPPED, sam: str = NONE, class_map: str = "", precision: str = "float32", *, context: Context
) -> Result:
    """Chooses the models that find garments: your own YOLO, SegFormer or parser file, and a SAM for the outlines.
    Files are told by their content, nothing in them is run, and weights are read only when garments are detected.
    """
    from ..segmentation.model_files import HEMLINE, check_detector, check_sam, look_up

    meanings = parse_meanings(class_map)
    chosen = _path(detector, SHIPPED, DETECTOR_KINDS, context)
    outline = _path(sam, NONE, SAM_KINDS, context)
    model = GarmentModel(chosen, outline, meanings, precision)
    file = check_detector(look_up(chosen or WEIGHTS, context.models))
    sam_file = check_sam(look_up(outline, context.models)) if outline else None
    mapped = file.family != HEMLINE
    told = meanings_of(file.words, meanings) if mapped else {}
    classes = describe_meanings(file.words, told, file.table)
    text = [_summary(SHIPPED if chosen is None else file.path.name, file, told), *file.notes]
    text += [f"outlines by {sam_file.path.name}: {sam_file.title}"] if sam_file else []
    text += [NO_CLASS_MAP] if meanings and not mapped else []
    text += model.precision_note(context.device)
    words = {"words": list(file.words), "classes": list(classes)}
    report = {
        "detector": {**file.entry(), "shipped": chosen is None, **words},
        "sam": sam_file.entry() if sam_file else None,
        "class_map": meanings,
        "precision": str(model.dtype_on(context.device)).removeprefix("torch."),
        "notes": text[1:],
    }
    return Result((model, "\n".join(classes), json.dumps(report, ensure_ascii=False)), text=tuple(text))


def _path(name: str, fixed: str, kinds: Sequence[str], context: Context) -> Path | None:
    return None if name == fixed else find_file(name, kinds, context.model_folders, context.given_files)


def _summary(name: str, file: ModelFile, told: dict[str, str]) -> str:
    unused = unused_words(file.words, told, file.table)
    rest = f"; not used: {name_some(unused)}" if unused else ""
    licence = f"; its licence: {file.told['license']}" if file.told.get("license") else ""
    return f"{name}: {file.title}, {len(file.words)} classes{rest}{licence}"

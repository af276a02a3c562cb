"""Stage 1: garments found in a picture."""

from __future__ import annotations

import json

from torch import Tensor

from ..context import Context
from ..segmentation.detect import FALLBACKS, METHODS, detect
from ..segmentation.garment_model import GarmentModel, YoloOptions
from ..segmentation.vocabulary import LABELS, PRESETS, parse_what
from ..tensors import HemlineError, as_image
from .spec import Port, Result, node
from .versions import versions

WHAT = (*PRESETS, *(label for label in LABELS if label not in PRESETS))


@node(
    id="HemlineDetectGarments",
    name="Detect Garments",
    category="Hemline/1 Detect",
    weight="heavy",
    version="2.1.1",
    aliases=("clothes segmentation", "garment mask", "clothing", "outfit", "fashion", "human parsing"),
    inputs=(
        Port("image", "IMAGE", "The photo, or a batch of photos."),
        Port(
            "what", "COMBO",
            "What the mask covers: a preset (outfit: clothes from top to skirt or trousers; garments: also shoes, "
            "legwear, hats, scarves), or one kind of garment or body part.",
            default="outfit", options=WHAT,
        ),
        Port("labels", "STRING", "Names separated by commas, such as 'tops, footwear'; replaces `what`.", default=""),
        Port(
            "method", "COMBO",
            "auto: the connected model, or else the parser. parser: the small network that comes with Hemline. "
            "heuristic: a guess without a model.",
            default="auto", options=METHODS,
        ),
        Port(
            "person_boxes", "STRING",
            "Where people are, if you know it: 'x0 y0 x1 y1' in pixels, or as shares of width and height from 0 to 1, "
            "one person per line or separated by ';'. Empty: people are looked for.",
            default="", multiline=True,
        ),
        Port(
            "nothing_found", "COMBO",
            "If nothing is found: a zero mask and a line of text, or an error that stops the workflow.",
            default="empty mask", options=("empty mask", "error"),
        ),
        Port(
            "flip", "BOOLEAN", "The parser also looks at the mirrored picture: a little better, half as fast.",
            default=True,
        ),
        Port(
            "fallback", "COMBO", "If the parser's file is missing: an error, or the heuristic, which only guesses.",
            default="error", options=FALLBACKS,
        ),
        Port(
            "classes", "STRING",
            "For a YOLO: which of its own classes count, by name, wildcard or number, separated by commas; '!word' "
            "leaves one out. 'what' chooses among what they mean.",
            default="*",
        ),
        Port(
            "confidence", "FLOAT", "For a YOLO: how sure it must be of a garment.",
            default=0.25, minimum=0.0, maximum=1.0, step=0.01,
        ),
        Port(
            "iou", "FLOAT", "For a YOLO: two boxes that overlap more than this are one garment.",
            default=0.7, minimum=0.0, maximum=1.0, step=0.01,
        ),
        Port(
            "max_detections", "INT", "For a YOLO: how many garments of a picture at most, the surest first.",
            default=100, minimum=1, maximum=1000, step=1,
        ),
        Port("model", "GARMENT_MODEL", "From Load Garment Model; without it the parser is used.", optional=True),
    ),
    outputs=(
        Port(
            "garments", "GARMENTS",
            "Every garment with its own soft mask, label, score and box: for other Hemline nodes.",
        ),
        Port("mask", "MASK", "One soft mask of all that `what` names; 1 = garment."),
        Port("count", "INT", "How many garments the mask holds."),
        Port("description", "STRING", "What was found, in a sentence."),
        Port("report", "STRING", "Boxes, polygons, scores, method and sizes as JSON."),
        Port("prompt", "STRING", "The clothes with their colours, for a prompt; a line for each picture."),
    ),
)  # fmt: skip
def detect_garments(
    image: Tensor, what: str = "outfit", labels: str = "", method: str = "auto", person_boxes: str = "",
    nothing_found: str = "empty mask", flip: bool = True, fallback: str = "error", classes: str = "*",
    confidence: float = 0.25, iou: float = 0.7, max_detections: int = 100, model: GarmentModel | None = None, *,
    context: Context,
) -> Result:  # fmt: skip
    """Finds garments in a photo and gives a soft mask for each and one for all. A small network that comes with Hemline
    looks at the picture and again at each person, or a model of your own does; nothing is downloaded.
    """
    # What only runs later is imported later: the pack has to start in 0.3 s.
    from ..segmentation.describe import describe_outfit

    image = as_image(image)
    asked = labels.strip() or what
    found = detect(
        image, parse_what(asked), method=method, person_boxes=person_boxes, flip=flip, fallback=fallback,
        model=model, yolo=YoloOptions(classes, confidence, iou, max_detections), models=context.models,
        embeddings=context.embeddings, progress=context.progress, check_cancelled=context.check_cancelled,
    )  # fmt: skip
    text = found.describe()
    if not found.count and nothing_found == "error":
        raise HemlineError(f"{asked}: {text}")
    report = {**found.garments.report(), "what": asked, **found.entry(), "versions": versions()}
    prompt = describe_outfit(image, found.garments)
    lines = tuple(line for line in (text, prompt) if line)
    return Result((found.garments, found.mask, found.count, text, json.dumps(report), prompt), text=lines)

"""Stage 1: garments found in a picture."""

from __future__ import annotations

import json

from torch import Tensor

from ..context import Context
from ..segmentation.detect import FALLBACKS, METHODS, detect
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
    version="2.0.0",
    aliases=("clothes segmentation", "garment mask", "clothing", "outfit", "human parsing"),
    inputs=(
        Port("image", "IMAGE", "The photo, or a batch of photos."),
        Port("what", "COMBO", "What the mask shall cover.", default="outfit", options=WHAT),
        Port("labels", "STRING", "Names separated by commas, such as 'tops, footwear'; replaces `what`.", default=""),
        Port(
            "method", "COMBO",
            "parser: the small network that comes with Hemline. heuristic: a guess without a model. auto: the parser.",
            default="auto", options=METHODS,
        ),
        Port(
            "person_boxes", "STRING",
            "Where people are, if you know it: 'x0 y0 x1 y1' in pixels, or as shares of width and height from 0 to 1, "
            "one person per line or separated by ';'. Empty: people are looked for.",
            default="", multiline=True,
        ),
        Port(
            "nothing_found", "COMBO", "A zero mask and a line of text, or an error that stops the workflow.",
            default="empty mask", options=("empty mask", "error"),
        ),
        Port(
            "flip", "BOOLEAN", "The parser also looks at the mirrored picture: a little better, half as fast.",
            default=True,
        ),
        Port(
            "fallback", "COMBO", "Where the parser's file is missing: an error, or the heuristic, which only guesses.",
            default="error", options=FALLBACKS,
        ),
    ),
    outputs=(
        Port("garments", "GARMENTS", "Every garment with its own soft mask, label, score and box."),
        Port("mask", "MASK", "One soft mask of all that `what` names; 1 = garment."),
        Port("count", "INT", "How many garments the mask holds."),
        Port("description", "STRING", "What was found, in a sentence."),
        Port("report", "STRING", "Boxes, polygons, scores, method and sizes as JSON."),
    ),
)  # fmt: skip
def detect_garments(
    image: Tensor, what: str = "outfit", labels: str = "", method: str = "auto", person_boxes: str = "",
    nothing_found: str = "empty mask", flip: bool = True, fallback: str = "error", *, context: Context,
) -> Result:  # fmt: skip
    """Finds garments in a photo and gives a soft mask for each and one for all. A small network that comes with Hemline
    looks at the picture and again at each person; nothing is downloaded.
    """
    image = as_image(image)
    asked = labels.strip() or what
    found = detect(
        image, parse_what(asked), method=method, person_boxes=person_boxes, flip=flip, fallback=fallback,
        models=context.models, progress=context.progress, check_cancelled=context.check_cancelled,
    )  # fmt: skip
    text = found.describe()
    if not found.count and nothing_found == "error":
        raise HemlineError(f"{asked}: {text}")
    looks = {"looks": list(found.looks), "seconds": round(found.seconds, 4)}
    report = {**found.garments.report(), "what": asked, **looks, "versions": versions()}
    return Result((found.garments, found.mask, found.count, text, json.dumps(report)), text=(text,))

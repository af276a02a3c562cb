"""Stage 1: garments chosen, and garments made of what other nodes found."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..context import Context
from ..segmentation.garments import Garments
from ..segmentation.given import PLANES, garments_from_masks
from ..segmentation.segs import garments_to_segs as convert_to_segs
from ..segmentation.select import ORDERS, PERSONS, Choice, garment_planes, select_garments
from ..tensors import HemlineError, check_name
from .spec import Port, Result, node

UNION, EACH = "union", "one per garment"
OUTPUTS = (UNION, EACH)
LABEL, OWN_WORD = "label", "the model's own word"


@node(
    id="HemlineSelectGarments",
    name="Select Garments",
    category="Hemline/1 Detect",
    aliases=("filter garments", "choose person", "pick", "largest", "by label"),
    inputs=(
        Port("garments", "GARMENTS", "From Detect Garments or Garments from Masks."),
        Port(
            "labels", "STRING",
            "Names separated by commas: presets (tops, outfit), labels (upper, bag), a model's own words, or patterns "
            "such as *sleeve*. Empty: everything.",
            default="",
        ),
        Port(
            "person", "COMBO",
            "Whose garments, in each picture: everybody's; those of whoever wears most cloth; of person `number` from "
            "the left or right; of whoever is at `point`.",
            default=PERSONS[0], options=PERSONS,
        ),
        Port(
            "number", "INT", "With from left or from right: which person, counted from that side.",
            default=1, minimum=1, maximum=99, step=1,
        ),
        Port(
            "point", "STRING",
            "With at point: where the person is, 'x y' in pixels, or as shares of width and height from 0 to 1.",
            default="0.5 0.5",
        ),
        Port(
            "min_score", "FLOAT", "Garments less certain than this (0 to 1) are left out.",
            default=0.0, minimum=0.0, maximum=1.0, step=0.01,
        ),
        Port(
            "min_area", "FLOAT", "Garments smaller than this are left out; percent of the picture.",
            default=0.0, minimum=0.0, maximum=100.0, step=0.1,
        ),
        Port(
            "max_area", "FLOAT", "Garments larger than this are left out; percent of the picture.",
            default=100.0, minimum=0.0, maximum=100.0, step=0.1,
        ),
        Port(
            "most", "INT", "At most so many garments per picture; 0: all.", default=0, minimum=0, maximum=999, step=1,
        ),
        Port(
            "order", "COMBO", "Which come first where `most` takes only some.",
            default="largest", options=tuple(ORDERS),
        ),
        Port("invert", "BOOLEAN", "Take all the others instead.", default=False),
        Port(
            "output", "COMBO",
            "What `mask` is: one mask per picture, or one per garment in the order of `labels`.",
            default=UNION, options=OUTPUTS,
        ),
        Port(
            "nothing_left", "COMBO",
            "If no garment is left: a zero mask and a line of text, or an error that stops the workflow.",
            default="empty mask", options=("empty mask", "error"),
        ),
    ),
    outputs=(
        Port("garments", "GARMENTS", "The chosen garments; the body parts of all persons stay with them."),
        Port("mask", "MASK", "The chosen garments: one mask per picture, or one per garment, see output."),
        Port("masks", "MASK", "One mask per garment, as a list: what follows runs once for each.", is_list=True),
        Port("count", "INT", "How many garments are left."),
        Port("labels", "STRING", "Their labels, separated by commas, in the order of the masks."),
        Port("description", "STRING", "What is left, in a sentence."),
    ),
)  # fmt: skip
def select_garments_node(
    garments: Garments, labels: str = "", person: str = PERSONS[0], number: int = 1, point: str = "0.5 0.5",
    min_score: float = 0.0, min_area: float = 0.0, max_area: float = 100.0, most: int = 0, order: str = "largest",
    invert: bool = False, output: str = UNION, nothing_left: str = "empty mask",
) -> Result:  # fmt: skip
    """Keeps some of the garments that were found: by name, by person, by score and by size. Gives one mask of them, or
    one for each.
    """
    check_name("Output", output, OUTPUTS)
    choice = Choice(labels, person, number, point, min_score, min_area, max_area, most, order, invert)
    chosen = select_garments(garments, choice)
    planes = garment_planes(chosen)
    names = [item.label for item in sorted(chosen.items, key=lambda item: item.image)]
    text = chosen.describe() if names else _nothing_left(garments)
    if not names and nothing_left == "error":
        raise HemlineError(text)
    mask = chosen.union() if output == UNION else planes
    each = [planes[number : number + 1] for number in range(max(1, len(names)))]
    return Result((chosen, mask, each, len(names), ", ".join(names), text), text=(text,))


def _nothing_left(garments: Garments) -> str:
    if not len(garments):
        return f"nothing to choose from: {garments.describe()}"
    found = ", ".join(dict.fromkeys(item.native_label or item.label for item in garments.items))
    return f"nothing left: none of the {len(garments)} garments ({found}) fits"


@node(
    id="HemlineGarmentsFromMasks",
    name="Garments from Masks",
    category="Hemline/1 Detect",
    weight="heavy",
    aliases=("masks to garments", "SAM3", "SEGS", "import masks", "RMBG", "Impact"),
    inputs=(
        Port(
            "masks", "MASK", "Masks from any node; planes says whether each is a garment or a picture.",
            optional=True,
        ),
        Port("image", "IMAGE", "The photo: adds body parts, persons, and names for what has none.", optional=True),
        Port("segs", "SEGS", "SEGS of one picture, from a detector of the Impact Pack or another node.", optional=True),
        Port(
            "labels", "STRING",
            "Names for the masks in turn, separated by commas, such as 'dress, bag'; a model's own words are "
            "understood. One name names all. Empty: the parser names them where an image is connected.",
            default="",
        ),
        Port(
            "planes", "COMBO",
            "What a batch of masks is: a garment of one picture each, or a picture each. auto: pictures where there "
            "are as many as in `image`, else garments.",
            default=PLANES[0], options=PLANES,
        ),
        Port("split", "BOOLEAN", "Make a garment of each connected piece of a mask.", default=False),
        Port(
            "annotations", "STRING",
            "Garments as text instead of masks: COCO instances, LabelMe, SVG, or the report of Detect Garments or "
            "Save Garment Set.",
            default="", multiline=True,
        ),
        Port(
            "picture", "STRING", "The picture's file name, where the COCO text in annotations holds several.",
            default="",
        ),
    ),
    outputs=(
        Port("garments", "GARMENTS", "The masks as garments, for every node that takes them."),
        Port("mask", "MASK", "One mask per picture: all garments together."),
        Port("count", "INT", "How many garments there are."),
        Port("description", "STRING", "What they are, in a sentence."),
    ),
)  # fmt: skip
def garments_from_masks_node(
    masks: Tensor | None = None, image: Tensor | None = None, segs: Any = None, labels: str = "",
    planes: str = PLANES[0], split: bool = False, annotations: str = "", picture: str = "", *, context: Context,
) -> Result:  # fmt: skip
    """Brings masks that other nodes found (SAM3, RMBG, SEGS detectors), or annotations, into Hemline as garments. With
    the photo the parser adds body parts, persons and names, so that Protect Parts and Select Garments work on them.
    """
    garments = garments_from_masks(
        masks, image=image, segs=segs, words=[word.strip() for word in labels.split(",")] if labels.strip() else (),
        annotations=annotations, picture=picture, planes=planes, split=split, models=context.models,
        progress=context.progress, check_cancelled=context.check_cancelled,
    )  # fmt: skip
    lines = (garments.describe(), *garments.notes)
    return Result((garments, garments.union(), len(garments), "\n".join(lines)), text=lines)


@node(
    id="HemlineGarmentsToSEGS",
    name="Garments to SEGS",
    category="Hemline/1 Detect",
    aliases=("SEGS", "Impact", "detailer", "segments"),
    inputs=(
        Port("garments", "GARMENTS", "From Detect Garments or Select Garments."),
        Port("image", "IMAGE", "The photo: each segment then carries its part of it.", optional=True),
        Port(
            "crop_factor", "FLOAT", "The region around each garment is so many times as wide and high as the garment.",
            default=3.0, minimum=1.0, maximum=100.0, step=0.1,
        ),
        Port(
            "names", "COMBO", "What the segments are called: Hemline's label, or the word of the model that found it.",
            default=LABEL, options=(LABEL, OWN_WORD),
        ),
    ),
    outputs=(
        Port("segs", "SEGS", "One SEGS per picture, as a list: what follows runs once for each.", is_list=True),
        Port("count", "INT", "How many segments there are in all."),
    ),
)  # fmt: skip
def garments_to_segs(
    garments: Garments, image: Tensor | None = None, crop_factor: float = 3.0, names: str = LABEL
) -> Result:  # fmt: skip
    """Gives garments to nodes that work on SEGS, such as detailers. SEGS are of one picture: a batch becomes a list."""
    check_name("Names", names, (LABEL, OWN_WORD))
    segs = convert_to_segs(garments, image, crop_factor=crop_factor, own_words=names == OWN_WORD)
    return Result((list(segs), len(garments)), text=(f"{len(garments)} segments",))

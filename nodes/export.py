"""Results kept: masks, cut-outs, overlays, layers, annotations, and their description."""

from __future__ import annotations

import json

from torch import Tensor

from ..context import Context
from ..segmentation.garments import Garments
from ..tensors import as_image, match_batch, match_mask
from .file_names import TEMPLATE
from .garment_set import ANNOTATIONS, PSD_BITS, SetOptions, SetWriter, Subject, labels_of
from .inspect import draw_findings
from .layouts import CATEGORIES, CUTOUT_FORMATS, FROM_LABEL, LAYOUTS
from .spec import Port, Result, node


@node(
    id="HemlineSaveGarmentSet",
    name="Save Garment Set",
    category="Hemline/6 Look & Save",
    version="1.1.0",
    is_output=True,
    aliases=("export mask", "save mask", "save cutout", "json", "polygons", "psd", "coco", "labelme", "svg", "webp"),
    inputs=(
        Port("image", "IMAGE", "The photo."),
        Port("mask", "MASK", "The mask to save."),
        Port("garments", "GARMENTS", "From Detect Garments: adds labels, scores, boxes and polygons.", optional=True),
        Port(
            "name", "STRING", "Name of the files; 'spring/coat' makes a folder inside the output folder.",
            default="garment",
        ),
        Port("each_garment", "BOOLEAN", "Also save a mask and a cut-out of every single garment.", default=False),
        Port("overwrite", "BOOLEAN", "Replace files of that name; otherwise the name gets a number.", default=False),
        Port(
            "labels", "BOOLEAN", "Also save what lies at each pixel as an 8-bit picture of numbers; the JSON has their "
            "legend. Needs garments found by the parser.", default=False,
        ),
        Port("save_image", "BOOLEAN", "Also save the picture itself as NAME.png; annotations name it.", default=False),
        Port(
            "template", "STRING", "With each_garment, what the files of one garment are called: {name} {label} {n} "
            "{score} {person} {image} {width} {height}; a / makes a folder.", default=TEMPLATE,
        ),
        Port(
            "layout", "COMBO",
            "plain: mask, cut-out and overlay side by side. The others write the folders that a WebUI, a trainer or a "
            "service reads, in its sizes; the node says what they hold.",
            default="plain", options=tuple(LAYOUTS),
        ),
        Port(
            "category", "COMBO",
            "Layout DressCode: which folder the picture goes to; from the label: the one of the largest garment.",
            default=FROM_LABEL, options=CATEGORIES,
        ),
        Port(
            "cutout_format", "COMBO",
            "File format of the cut-outs in the plain layout, all without loss; 16 bit also for the picture.",
            default="PNG", options=tuple(CUTOUT_FORMATS),
        ),
        Port("clean_edges", "BOOLEAN", "Take the background's colour out of the cut-outs' soft edges.", default=False),
        Port(
            "annotations", "COMBO", "Outlines for other tools: COCO (one file for the batch), LabelMe and SVG (one for "
            "each picture).", default="none", options=ANNOTATIONS,
        ),
        Port(
            "psd", "COMBO", "Also save a layered PSD: the photo, and every garment behind a mask of its own that "
            "can be painted on.", default="none", options=tuple(PSD_BITS),
        ),
        Port(
            "metadata", "BOOLEAN", "Keep the workflow in PNG and WebP files: dropped into ComfyUI they open it.",
            default=True,
        ),
        Port(
            "garment", "IMAGE", "Layouts VITON-HD and DressCode: the picture of the new garment by itself.",
            optional=True,
        ),
    ),
    outputs=(Port("report", "STRING", "What was written and found, as JSON."),),
)  # fmt: skip
def save_garment_set(
    image: Tensor, mask: Tensor, garments: Garments | None = None, name: str = "garment", each_garment: bool = False,
    overwrite: bool = False, labels: bool = False, save_image: bool = False, template: str = TEMPLATE,
    layout: str = "plain", category: str = FROM_LABEL, cutout_format: str = "PNG", clean_edges: bool = False,
    annotations: str = "none", psd: str = "none", metadata: bool = True, garment: Tensor | None = None, *,
    context: Context,
) -> Result:  # fmt: skip
    """Saves mask, cut-out, overlay and a JSON with boxes, polygons, scores, method, sizes and versions; on request also
    layered PSD, COCO, LabelMe and SVG, or the folders that WebUIs and try-on trainers read.
    """
    options = SetOptions(
        name.replace("\\", "/"), each_garment, overwrite, labels, save_image, template, layout, category, cutout_format,
        clean_edges, annotations, psd, metadata,
    )  # fmt: skip
    if labels:
        labels_of(garments, 0)
    image = as_image(image)
    mask, image = match_batch((match_mask(mask, image), image), ("mask", "image"))
    cloths = (
        match_batch((as_image(garment, "garment"), image), ("garment", "image"))[0] if garment is not None else None
    )
    overlays, lines = draw_findings(image, mask, garments, lettering=context.lettering)
    writer = SetWriter(options, context)
    reports: list[dict[str, object]] = []
    for index in range(len(image)):  # one set of files per picture
        context.check_cancelled()
        one = slice(index, index + 1)
        cloth = cloths[one] if cloths is not None else None
        stem = options.name if len(image) == 1 else f"{options.name}_{index + 1:04d}"
        reports.append(writer.write(Subject(index, image[one], mask[one], overlays[index], garments, cloth), stem))
        context.progress(index + 1, len(image))
    writer.finish()
    report = json.dumps(reports[0] if len(reports) == 1 else reports)
    return Result((report,), images=overlays, text=(*lines, *writer.lines))

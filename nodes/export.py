"""Results kept: masks, cut-outs, overlays and their description."""

from __future__ import annotations

import json

from torch import Tensor

from ..blending.compare import cut_out
from ..context import Context
from ..segmentation.garments import Garments
from ..segmentation.polygons import mask_polygons
from ..segmentation.vocabulary import LEGEND
from ..tensors import HemlineError, as_image, match_batch, match_mask
from .inspect import draw_findings
from .spec import Port, Result, node
from .versions import versions


@node(
    id="HemlineSaveGarmentSet",
    name="Save Garment Set",
    category="Hemline/6 Look & Save",
    is_output=True,
    aliases=("export mask", "save mask", "save cutout", "json", "polygons"),
    inputs=(
        Port("image", "IMAGE", "The photo."),
        Port("mask", "MASK", "The mask to save."),
        Port("garments", "GARMENTS", "From Detect Garments: adds labels, scores, boxes and polygons.", optional=True),
        Port(
            "name", "STRING", "Of the files; 'spring/coat' makes a folder inside the output folder.", default="garment"
        ),
        Port("each_garment", "BOOLEAN", "Also save a mask and a cut-out of every single garment.", default=False),
        Port("overwrite", "BOOLEAN", "Replace files of that name; otherwise the name gets a number.", default=False),
        Port(
            "labels", "BOOLEAN", "Also save what lies at each pixel as an 8-bit picture of numbers; the JSON has their "
            "legend. Needs garments found by the parser.", default=False,
        ),
    ),
    outputs=(Port("report", "STRING", "What was written and found, as JSON."),),
)  # fmt: skip
def save_garment_set(
    image: Tensor, mask: Tensor, garments: Garments | None = None, name: str = "garment", each_garment: bool = False,
    overwrite: bool = False, labels: bool = False, *, context: Context,
) -> Result:  # fmt: skip
    """Saves mask, cut-out, overlay and a JSON with boxes, polygons, scores, method, sizes and versions."""
    image = as_image(image)
    painted = _labels_to_save(garments) if labels else None
    mask, image = match_batch((match_mask(mask, image), image), ("mask", "image"))
    overlays, lines = draw_findings(image, mask, garments, lettering=context.lettering)
    reports: list[dict[str, object]] = []
    for index in range(len(image)):  # one set of files per picture
        context.check_cancelled()
        stem = name if len(image) == 1 else f"{name}_{index + 1:04d}"
        stem = stem if overwrite else context.store.unused_name(stem)
        cutout = cut_out(image[index : index + 1], mask[index : index + 1])[0]
        files = {
            "mask": context.store.save_image(f"{stem}_mask", mask[index]).name,
            "overlay": context.store.save_image(f"{stem}_overlay", overlays[index]).name,
            "cutout": context.store.save_image(f"{stem}_cutout", cutout).name,
        }
        if each_garment and garments is not None:
            files.update(_save_each(image[index : index + 1], garments, index, stem, context))
        if painted is not None:
            numbers = painted[min(index, len(painted) - 1)].float() / 255
            files["labels"] = context.store.save_image(f"{stem}_labels", numbers).name
        report = describe_set(mask[index], garments, index, files)
        report |= {"legend": dict(enumerate(LEGEND))} if painted is not None else {}
        context.store.save_text(f"{stem}.json", json.dumps(report, indent=2) + "\n")
        reports.append({**report, "name": stem})
        context.progress(index + 1, len(image))
    report = json.dumps(reports[0] if len(reports) == 1 else reports)
    return Result((report,), images=overlays, text=lines)


def describe_set(mask: Tensor, garments: Garments | None, index: int, files: dict[str, str]) -> dict[str, object]:
    """The plain JSON values that describe one saved picture: sizes, versions, files, and what was found in it."""
    height, width = mask.shape
    return {
        "versions": versions(),
        "width": width,
        "height": height,
        "files": files,
        "mask": {"share": round(float(mask.float().mean()), 6), "polygons": mask_polygons(mask)},
        "method": garments.method if garments is not None else "mask given",
        "notes": list(garments.notes) if garments is not None else [],
        "garments": garments.of_image(index).entries() if garments is not None else [],
    }


def _labels_to_save(garments: Garments | None) -> Tensor:
    if garments is None or garments.labels is None:
        got = "no garments are connected" if garments is None else f"the method {garments.method!r} does not tell them"
        raise HemlineError(f"labels cannot be saved: {got}; connect Detect Garments with method = 'parser'.")
    return garments.labels


def _save_each(image: Tensor, garments: Garments, index: int, stem: str, context: Context) -> dict[str, str]:
    files: dict[str, str] = {}
    for number, item in enumerate(garments.of_image(index).items, start=1):
        key = f"{item.label}_{number}"
        mask = item.mask.unsqueeze(0)
        files[f"{key}_mask"] = context.store.save_image(f"{stem}_{key}_mask", item.mask).name
        files[f"{key}_cutout"] = context.store.save_image(f"{stem}_{key}_cutout", cut_out(image, mask)[0]).name
    return files

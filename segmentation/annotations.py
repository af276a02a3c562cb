"""Findings in the formats of other tools: COCO instances, LabelMe and SVG, as plain JSON values and text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import torch
from torch import Tensor

from .garments import Garment, mask_box
from .polygons import Outline, mask_polygons, polygon_area
from .vocabulary import CARRIED_LABELS, GARMENT_LABELS, LEGEND

UNNAMED, UNNAMED_ID = "garment", 255
"""The category of a mask that came without a label, or with none of the vocabulary's."""

LABELME_VERSION = "5.0.1"
SVG = "http://www.w3.org/2000/svg"
COARSEST_PX = 1.0
# Outlines are simplified by at most this share of the mask's mean half width, so that thin things stay whole.
SHARE_OF_WIDTH = 0.04
# COCO's polygons know no holes: holes of less than this share of the mask are closed, for others pixels are counted.
LEAST_HOLES = 0.005

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class AnnotatedPicture:
    """A picture's file name, size in pixels, and what was found in it."""

    file_name: str
    width: int
    height: int
    items: tuple[Garment, ...]


def coco_instances(pictures: Sequence[AnnotatedPicture]) -> dict[str, object]:
    """The JSON values of a COCO instances file: images, annotations with score, and all categories.

    A category's id is its place in `vocabulary.LEGEND` and never changes; masks without one of its labels are of the
    category `UNNAMED`. Images and annotations count from 1. A garment in parts is a list of polygons, one with holes is
    run lengths column by column (iscrowd stays 0, as pycocotools allows). Area and box are those of ``mask >= 0.5``; a
    mask that never reaches it has no annotation. Format: https://cocodataset.org/#format-data
    """
    images = [
        {"id": number, "file_name": one.file_name, "width": one.width, "height": one.height}
        for number, one in enumerate(pictures, start=1)
    ]
    found = [
        {"image_id": number, **_instance(item, box)}
        for number, one in enumerate(pictures, start=1)
        for item in one.items
        if (box := mask_box(item.mask)) is not None
    ]
    annotations = [{"id": number, **one} for number, one in enumerate(found, start=1)]
    categories = [{"id": index, "name": label, "supercategory": _kind(label)} for index, label in enumerate(LEGEND)][1:]
    if any(one["category_id"] == UNNAMED_ID for one in found):
        categories.append({"id": UNNAMED_ID, "name": UNNAMED, "supercategory": UNNAMED})
    info = {"description": "made by Hemline"}
    return {"info": info, "licenses": [], "images": images, "annotations": annotations, "categories": categories}


def labelme_shapes(picture: AnnotatedPicture) -> dict[str, object]:
    """The JSON values of a LabelMe file: one polygon per part of a garment, its parts sharing a group id.

    LabelMe's polygons know no holes, so each is joined to its outline by a cut of no width.
    """
    shapes: list[dict[str, object]] = [
        {
            "label": item.label, "points": [list(point) for point in part], "group_id": number,
            "description": f"score {item.score:.2f}", "shape_type": "polygon", "flags": {},
        }
        for number, item in enumerate(picture.items, start=1)
        for part in join_holes(garment_outlines(item.mask))
    ]  # fmt: skip
    return {
        "version": LABELME_VERSION, "flags": {}, "shapes": shapes, "imagePath": picture.file_name, "imageData": None,
        "imageHeight": picture.height, "imageWidth": picture.width,
    }  # fmt: skip


def svg_outlines(picture: AnnotatedPicture, colours: Sequence[Colour]) -> str:
    """The garments as an SVG of the picture's size: one path each, holes by the even-odd rule, colours in turn."""
    width, height = picture.width, picture.height
    paths = [
        f'<path id="{escape(item.label)}-{number}" data-label="{escape(item.label)}" data-score="{item.score:.4f}" '
        f'fill="{_hex(colours[(number - 1) % len(colours)])}" d="{_path(outlines)}">'
        f"<title>{escape(item.label)} {item.score:.2f}</title></path>"
        for number, item in enumerate(picture.items, start=1)
        if (outlines := garment_outlines(item.mask))
    ]
    return "\n".join([
        f'<svg xmlns="{SVG}" width="{width}px" height="{height}px" viewBox="0 0 {width} {height}">',
        f"<title>{escape(picture.file_name)}</title>",
        '<g id="garments" fill-rule="evenodd" fill-opacity="0.5">', *paths, "</g>", "</svg>", "",
    ])  # fmt: skip


def garment_outlines(mask: Tensor) -> list[Outline]:
    """`mask_polygons` as coarse as the mask's width allows: filled, they miss about a percent of ``mask >= 0.5``."""
    inside = mask >= 0.5
    framed = torch.nn.functional.pad(inside.to(torch.int8), (1, 1, 1, 1))
    border = framed.diff(dim=0).abs().sum() + framed.diff(dim=1).abs().sum()
    width = float(inside.sum()) / max(1.0, float(border))
    return mask_polygons(mask, tolerance_px=min(COARSEST_PX, SHARE_OF_WIDTH * width))


def join_holes(outlines: Sequence[Outline]) -> list[Outline]:
    """The outer outlines with the holes spliced in, by a cut there and back that covers nothing; filled by the even-odd
    or the non-zero rule they cover the same as before.
    """
    parts = [list(outline) for outline in outlines if polygon_area(outline) > 0]
    by_size = sorted(parts, key=polygon_area)
    for hole in (outline for outline in outlines if polygon_area(outline) < 0):
        around = next((part for part in by_size if _encloses(part, hole)), by_size[-1])
        start, here = _nearest_corners(around, hole)
        around[start:start] = [around[start], *hole[here:], *hole[: here + 1]]
    return parts


def run_lengths(mask: Tensor) -> dict[str, object]:
    """``mask >= 0.5`` as COCO's uncompressed run lengths: column by column, the first of pixels outside."""
    inside = np.pad((mask.detach() >= 0.5).T.flatten().cpu().numpy(), (1, 0))  # what comes before counts as outside
    changes = np.flatnonzero(inside[1:] != inside[:-1])
    return {"counts": np.diff(changes, prepend=0, append=mask.numel()).tolist(), "size": list(mask.shape)}


def _instance(item: Garment, box: tuple[float, float, float, float]) -> dict[str, object]:
    x0, y0, x1, y1 = box
    return {
        "category_id": LEGEND.index(item.label) if item.label in LEGEND else UNNAMED_ID,
        "segmentation": _segmentation(item.mask),
        "area": int((item.mask >= 0.5).sum()),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "iscrowd": 0,
        "score": round(item.score, 4),
    }


def _segmentation(mask: Tensor) -> object:
    outlines = garment_outlines(mask)
    areas = [polygon_area(outline) for outline in outlines]
    holes = -sum(area for area in areas if area < 0)
    if holes >= LEAST_HOLES * sum(areas):
        return run_lengths(mask)
    parts = (outline for outline, area in zip(outlines, areas, strict=True) if area > 0)
    return [[value for point in part for value in point] for part in parts]


def _kind(label: str) -> str:
    return "garment" if label in GARMENT_LABELS else "carried" if label in CARRIED_LABELS else "person"


def _encloses(part: Outline, hole: Outline) -> bool:
    """Whether the hole's box lies in the part's."""
    return all(
        min(point[axis] for point in part) <= min(point[axis] for point in hole)
        and max(point[axis] for point in hole) <= max(point[axis] for point in part)
        for axis in (0, 1)
    )


def _nearest_corners(part: Outline, hole: Outline) -> tuple[int, int]:
    distances = torch.cdist(torch.tensor(part), torch.tensor(hole))
    return divmod(int(distances.argmin()), len(hole))


def _path(outlines: Sequence[Outline]) -> str:
    return "".join("M" + " ".join(f"{x:g} {y:g}" for x, y in outline) + "Z" for outline in outlines)


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{round(255 * share):02x}" for share in colour)

"""Findings in the formats of other tools: COCO instances, LabelMe and SVG, as plain JSON values and text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import torch
from torch import Tensor

from ..garments import Box, Garment, mask_box
from ..polygons import Outline, contains_points, garment_outlines, polygon_area
from ..vocabulary import CARRIED_LABELS, GARMENT_LABELS, LEGEND
from .run_lengths import packed_run_lengths, run_lengths

UNNAMED, UNNAMED_ID = "garment", 255
"""The category of a mask that came without a label, or with none of the vocabulary's."""

LABELME_VERSION = "5.0.1"
SVG = "http://www.w3.org/2000/svg"
# COCO's polygons know no holes: from this share of the mask on pixels are counted instead.
LEAST_HOLES = 0.005

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class AnnotatedPicture:
    """A picture's file name, size in pixels, and what was found in it."""

    file_name: str
    width: int
    height: int
    items: tuple[Garment, ...]


def coco_instances(pictures: Sequence[AnnotatedPicture], *, packed: bool = False) -> dict[str, object]:
    """The JSON values of a COCO instances file: images, annotations with score, and all categories.

    A category's id is its place in `vocabulary.LEGEND` and never changes; masks without one of its labels are of the
    category `UNNAMED`. Images and annotations count from 1. A garment in parts is a list of polygons, one with large
    holes is run lengths column by column (iscrowd stays 0, as pycocotools allows), packed into a text if asked for;
    small holes are joined to their outline by a cut of no width. Area and box are those of ``mask >= 0.5``; a mask that
    never reaches it has no annotation. Format: https://cocodataset.org/#format-data
    """
    images = [
        {"id": number, "file_name": one.file_name, "width": one.width, "height": one.height}
        for number, one in enumerate(pictures, start=1)
    ]
    found = [
        {"image_id": number, **_instance(item, box, packed)}
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


def _instance(item: Garment, box: Box, packed: bool) -> dict[str, object]:
    x0, y0, x1, y1 = box
    return {
        "category_id": LEGEND.index(item.label) if item.label in LEGEND else UNNAMED_ID,
        "segmentation": _segmentation(item.mask, packed),
        "area": int((item.mask >= 0.5).sum()),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "iscrowd": 0,
        "score": round(item.score, 4),
    }


def _segmentation(mask: Tensor, packed: bool) -> object:
    outlines = garment_outlines(mask)
    areas = [polygon_area(outline) for outline in outlines]
    holes = -sum(area for area in areas if area < 0)
    if holes >= LEAST_HOLES * sum(areas):
        return packed_run_lengths(mask) if packed else run_lengths(mask)
    return [[value for point in part for value in point] for part in join_holes(outlines)]


def _kind(label: str) -> str:
    return "garment" if label in GARMENT_LABELS else "carried" if label in CARRIED_LABELS else "person"


def _encloses(part: Outline, hole: Outline) -> bool:
    """Whether most of the hole's edges have their middle in the part; simplifying may have moved some out of it."""
    corners = np.asarray(hole)
    middles = (corners + np.roll(corners, -1, axis=0)) / 2
    low, high = np.asarray(part).min(0), np.asarray(part).max(0)
    if not bool(((middles >= low) & (middles <= high)).all()):
        return False
    return float(np.mean(contains_points(part, middles))) > 0.5


def _nearest_corners(part: Outline, hole: Outline) -> tuple[int, int]:
    distances = torch.cdist(torch.tensor(part), torch.tensor(hole))
    return divmod(int(distances.argmin()), len(hole))


def _path(outlines: Sequence[Outline]) -> str:
    return "".join("M" + " ".join(f"{x:g} {y:g}" for x, y in outline) + "Z" for outline in outlines)


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{round(255 * share):02x}" for share in colour)

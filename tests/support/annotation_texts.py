"""Annotations as texts: a mask in every kind that we write, and small files as other programs write them."""

from __future__ import annotations

import json

import torch

from hemline.segmentation.annotations.read import garments_from_annotations
from hemline.segmentation.annotations.write import AnnotatedPicture, coco_instances, labelme_shapes, svg_outlines
from hemline.segmentation.garments import Garment, Garments, mask_box

RED = (1.0, 0.0, 0.0)
SQUARE = [[10, 10], [40, 10], [40, 30], [10, 30]]


def garment(mask: torch.Tensor, label: str = "dress", image: int = 0) -> Garment:
    return Garment(mask, label, 0.8, mask_box(mask) or (0, 0, 0, 0), image)


def written(mask: torch.Tensor, label: str = "dress") -> dict[str, str]:
    """The mask as each kind of text that we write."""
    height, width = mask.shape
    item = garment(mask, label)
    picture = AnnotatedPicture("photos/coat.png", width, height, (item,))
    return {
        "COCO": json.dumps(coco_instances([picture])),
        "packed COCO": json.dumps(coco_instances([picture], packed=True)),
        "LabelMe": json.dumps(labelme_shapes(picture)),
        "SVG": svg_outlines(picture, [RED]),
        "report": json.dumps(Garments(width, height, 1, (item,), "parser").report()),
    }


KINDS = tuple(written(torch.ones(2, 2)))


def blobs(height: int, width: int, seed: int, size: int, level: float = 0.0) -> torch.Tensor:
    """Round shapes about `size` px large, with holes and islands."""
    noise = torch.rand((1, 1, height, width), generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.avg_pool2d(noise, 2 * size + 1, 1, size, count_include_pad=False)[0, 0]
    return (smooth > smooth.mean() + level * smooth.std()).float()


def read(values: object, *size: int, **options: str) -> Garments:
    return garments_from_annotations(json.dumps(values), *size, **options)


def coco(segmentation: object = None, **changes: object) -> dict[str, object]:
    """A COCO file of one square of trousers in a picture of 60x50."""
    one = {"id": 7, "image_id": 3, "category_id": 9, "iscrowd": 0, "bbox": [0, 0, 1, 1], "area": 1}
    corners = [float(value) for point in SQUARE for value in point]
    return {
        "images": [{"id": 3, "file_name": "a/coat.jpg", "width": 60, "height": 50}],
        "categories": [{"id": 9, "name": "trousers"}],
        "annotations": [{**one, "segmentation": [corners] if segmentation is None else segmentation, **changes}],
    }


def labelme(*shapes: dict[str, object], **changes: object) -> dict[str, object]:
    return {"shapes": list(shapes), "imageWidth": 60, "imageHeight": 50, **changes}


def shape(label: str = "jeans", points: object = SQUARE, **changes: object) -> dict[str, object]:
    return {"label": label, "points": points, "shape_type": "polygon", "group_id": None, **changes}


def svg(path: str, group: str = 'fill-rule="evenodd"', inside: str = "") -> str:
    return (
        f'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 50"><g {group}>{inside}'
        f'<path id="hat-3" d="{path}"/></g></svg>'
    )

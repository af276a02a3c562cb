"""Bare feet, and how large heads are: what `find_parts` does not say by itself."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from ..kernels import label_regions, support_box
from .body import HEADS_TALL
from .garments import Garments
from .part_masks import PartMasks
from .vocabulary import GARMENT_LABELS, LEGEND

# A face is three quarters of a head high (see body.py).
FACE_SHARE = 0.75
# From the ankle to the toes of a standing person, in heads; measured in part_annotations.json with the shoes.
FOOT_HEIGHT = 0.4
# Skin of a foot lies in the rows of its shoe, and no farther to its sides and below it, in heads.
SHOE_REACH = 0.2
# A bare leg that ends farther above the lowest point of legs and shoes ends in something else than a foot, in heads.
LOWEST = 1.5
# Cloth below this share of a leg's end: the leg goes on under it.
COVERED = 0.3
HALF = 0.5

Box = tuple[int, int, int, int]


def head_heights_px(garments: Garments) -> tuple[float, ...]:
    """How high the largest head in each picture is, crown to chin, px; without a face a guess from the picture.

    From the height of the face, which is three quarters of it; where no face is found a figure of 7.2 heads is taken to
    fill the picture's height.
    """
    guess = garments.height / HEADS_TALL
    heights = [0.0] * garments.batch
    for index, face, scale in _faces(garments):
        box = support_box(face >= HALF)
        if box is not None:
            heights[index] = max(heights[index], (box[3] - box[1]) * scale / FACE_SHARE)
    return tuple(height or guess for height in heights)


def bare_feet(garments: Garments) -> Tensor:
    """The skin of feet ``[B,H,W]``, float32: what shows between the rows of a shoe, and the ends of bare legs.

    Nothing where the garments tell no legs. A leg that the frame cuts, or that goes on under cloth, has no foot.
    """
    if "legs" not in garments.parts:
        device = garments.labels.device if garments.labels is not None else None
        return torch.zeros((garments.batch, garments.height, garments.width), device=device)
    legs = garments.parts["legs"].float()
    feet = torch.zeros_like(legs)
    for index, head in enumerate(head_heights_px(garments)):  # each picture has legs of its own
        shoes = _shoes(garments, index, legs.device)
        cloth = _cloth(garments, index, legs.device)
        feet[index] = legs[index] * _foot_zone(legs[index] >= HALF, shoes, cloth, head)
    return feet


def _faces(garments: Garments) -> list[tuple[int, Tensor, float]]:
    """Picture, face ``[h,w]`` and the size of its pixels, for each face; per person where the parts are."""
    parts = garments.parts
    if isinstance(parts, PartMasks):
        return [
            (person.image, face, (person.frame[3] - person.frame[1]) / face.shape[0])
            for person in parts.persons
            if (face := person.planes.get("face")) is not None
        ]
    return [(index, face, 1.0) for index, face in enumerate(parts["face"])] if "face" in parts else []


def _shoes(garments: Garments, index: int, device: torch.device) -> Tensor:
    """Where the picture has shoes, bool ``[H,W]``."""
    shoes = torch.zeros((garments.height, garments.width), dtype=torch.bool, device=device)
    if garments.labels is not None:
        shoes |= (garments.labels[index] == LEGEND.index("footwear")).to(device)
    for item in garments.of_image(index).select(["footwear"]).items:
        shoes |= (item.mask >= HALF).to(device)
    return shoes


def _cloth(garments: Garments, index: int, device: torch.device) -> Tensor:
    """Where the picture has garments, bool ``[H,W]``."""
    cloth = garments.of_image(index).select(GARMENT_LABELS).union(device=device)[index] >= HALF
    if garments.labels is not None:
        for label in GARMENT_LABELS:
            cloth |= (garments.labels[index] == LEGEND.index(label)).to(device)
    return cloth


def _foot_zone(legs: Tensor, shoes: Tensor, cloth: Tensor, head: float) -> Tensor:
    """Where leg skin is a foot's, bool ``[H,W]``."""
    zone = torch.zeros_like(legs)
    reach = round(SHOE_REACH * head)
    for x0, y0, x1, y1 in _boxes(shoes):
        zone[y0 : y1 + reach, max(0, x0 - reach) : x1 + reach] = True
    lowest = max((box[3] for box in (*_boxes(shoes), *_boxes(legs))), default=0)
    numbers = label_regions(legs)
    for number, (x0, y0, x1, y1) in enumerate(_boxes(legs), start=1):
        if y1 >= legs.shape[0] or y1 < lowest - LOWEST * head or y1 - y0 < FOOT_HEIGHT * head / 4:
            continue
        top = max(y0, y1 - round(FOOT_HEIGHT * head))
        end = numbers[top:y1, x0:x1] == number
        if _goes_on(end, cloth[y1 - 1 : y1 + max(2, reach // 2), x0:x1]):
            continue
        zone[top:y1, x0:x1] |= end
    return zone


def _goes_on(end: Tensor, below: Tensor) -> bool:
    """Whether there is cloth under the last rows of a leg's end, bool ``[h,w]``."""
    columns = end[-max(1, len(end) // 4) :].any(0)
    return float(below[:, columns].any(0).float().mean()) >= COVERED


def _boxes(mask: Tensor) -> list[Box]:
    """x0 y0 x1 y1 of each connected region, in the order of `label_regions`."""
    numbers = label_regions(mask)
    count = int(numbers.max())
    places, region = mask.nonzero(), (numbers[mask].long() - 1)[:, None].expand(-1, 2)
    low = places.new_full((count, 2), max(mask.shape)).scatter_reduce(0, region, places, "amin")
    high = places.new_zeros((count, 2)).scatter_reduce(0, region, places + 1, "amax")
    return [(x0, y0, x1, y1) for y0, x0, y1, x1 in cast("list[list[int]]", torch.cat([low, high], 1).tolist())]

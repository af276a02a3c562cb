"""Drawn people with known clothes as `Garments`, as the parser gives them: what the tests of agnostic masks look at."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from hemline.segmentation.garments import Garment, Garments, mask_box
from hemline.segmentation.parser import CLASSES
from hemline.segmentation.parsing import paint_labels
from hemline.segmentation.part_masks import PartMasks, PersonParts
from hemline.segmentation.parts import PARTS, find_parts
from hemline.segmentation.vocabulary import CARRIED_LABELS, GARMENT_LABELS

HEIGHT, WIDTH = 200, 140
# Crown and crown to chin of the drawn person; the soles are 7.2 heads below the crown.
CROWN, HEAD, SOLES = 10, 25, 190
HAND_ROWS = (100, 117)
ARM_COLUMNS = ((40, 49), (91, 100))


def draw_labels(*, sleeves: str = "long", bottom: str = "pants", bag: bool = False, feet: bool = True) -> Tensor:
    """Labels ``[200,140]`` (indices into `CLASSES`). sleeves: long, short, none. bottom: pants, skirt, shorts,
    dress.
    """
    labels = torch.zeros(HEIGHT, WIDTH, dtype=torch.long)

    def paint(label: str, y0: int, y1: int, x0: int, x1: int) -> None:
        labels[y0:y1, x0:x1] = CLASSES.index(label)

    top = "dress" if bottom == "dress" else "upper"
    paint("hair", CROWN, 28, 59, 81)
    paint("skin", 16, 35, 62, 78)
    paint("skin", 35, 43, 66, 74)
    for x0, x1 in ARM_COLUMNS:
        paint("skin", 46, HAND_ROWS[1], x0, x1)
        paint(top, 46, {"long": HAND_ROWS[0], "short": 66, "none": 46}[sleeves], x0, x1)
    paint(top, 41, 93, 52, 88)
    paint(top, 41, 50, 40, 100)
    paint("skin", 41, 44, 66, 74)
    legs = {"pants": 180, "skirt": 130, "shorts": 125, "dress": 125}[bottom]
    if bottom in ("pants", "shorts"):
        paint("pants", 92, 112, 52, 88)
        for x0, x1 in ((53, 66), (74, 87)):
            paint("pants", 112, legs, x0, x1)
    else:
        paint("skirt" if bottom == "skirt" else "dress", 92, legs, 50, 90)
    for x0, x1 in ((55, 65), (75, 85)):
        if feet:
            paint("skin", legs, 180, x0, x1)
            paint("footwear", 180, SOLES, x0 - 2, x1 + 2)
    if bag:
        paint("bag", 110, 130, 100, 118)
    return labels


def garments_of(labels: Tensor, *, scale: int = 1, wanted: tuple[str, ...] = GARMENT_LABELS) -> Garments:
    """What the parser would give for a picture with these labels ``[h,w]``, everything `scale` times as large."""
    chances = torch.nn.functional.one_hot(labels, len(CLASSES)).permute(2, 0, 1).float()
    parts = find_parts(chances, CLASSES)
    large = labels.repeat_interleave(scale, 0).repeat_interleave(scale, 1)
    height, width = large.shape
    items: list[Garment] = []
    for name in wanted:
        mask = (large == CLASSES.index(name)).float() if name in CLASSES else torch.zeros(height, width)
        box = mask_box(mask)
        if box is not None:
            items.append(Garment(mask, name, 0.9, box))
    crop = (large.float() / len(CLASSES)).expand(3, height, width).half()
    worn = {name: chances[CLASSES.index(name)] for name in (*GARMENT_LABELS, *CARRIED_LABELS) if name in CLASSES}
    painted = paint_labels({**worn, **{name: parts[name] for name in ("hair", *PARTS)}}, (height, width))
    masks = PartMasks((1, height, width), [PersonParts(0, (0, 0, width, height), crop, parts)], device=crop.device)
    return Garments(width, height, 1, tuple(items), "parser", masks, labels=painted.unsqueeze(0))


def dressed(
    *, scale: int = 1, wanted: tuple[str, ...] = GARMENT_LABELS, mirrored: bool = False, sleeves: str = "long",
    bottom: str = "pants", bag: bool = False, feet: bool = True,
) -> Garments:  # fmt: skip
    """One drawn person's garments; mirrored: left and right exchanged."""
    labels = draw_labels(sleeves=sleeves, bottom=bottom, bag=bag, feet=feet)
    return garments_of(labels.flip(1) if mirrored else labels, scale=scale, wanted=wanted)


def in_a_batch(*pictures: Garments | None) -> Garments:
    """Garments of pictures of one size as a batch; None: a picture in which nobody was found."""
    one = next(picture for picture in pictures if picture is not None)
    items: list[Garment] = []
    persons: list[PersonParts] = []
    labels = torch.zeros((len(pictures), one.height, one.width), dtype=torch.uint8)
    for index, picture in enumerate(pictures):
        if picture is None:
            continue
        items += [replace(item, image=index) for item in picture.items]
        assert isinstance(picture.parts, PartMasks) and picture.labels is not None
        persons += [replace(person, image=index) for person in picture.parts.persons]
        labels[index] = picture.labels[0]
    masks = PartMasks(tuple(labels.shape), persons, device=labels.device)
    return Garments(one.width, one.height, len(pictures), tuple(items), one.method, masks, labels=labels)

"""The parser as a method of evaluate.py, and the figures that only a method with classes has."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from ccp import Photo
from prepare import parser_labels
from scores import GARMENT_CLASSES, boundary_score, class_ious, confusion, mask_iou, mean_iou
from torch import Tensor

from hemline.segmentation.garments import Box, Garments
from hemline.segmentation.parser import CLASSES, Parser
from hemline.segmentation.parsing import parse_garments
from hemline.segmentation.parts import PARTS
from hemline.segmentation.vocabulary import GARMENT_LABELS, LABELS, LEGEND

BODY_IDS = (CLASSES.index("skin"), CLASSES.index("hair"))
LEVEL = 0.5


class ParserMethod:
    """A method that remembers what it said of the last picture, and a confusion table over all that was noted.

    It is what Detect Garments does: persons, second looks, refined edges, one label per garment. stable: also measures
    how alike the masks of a photo and of its mirror image are, which takes twice as long.
    """

    def __init__(self, parser: Parser, *, flip: bool, stable: bool = False) -> None:
        if parser.classes != CLASSES:
            raise SystemExit(f"these weights know other classes: {', '.join(parser.classes)}.")
        self.parser, self.flip, self.stable = parser, flip, stable
        self.table = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.float64)
        self.found: Garments | None = None

    def __call__(self, image: Tensor, boxes: Sequence[Sequence[Box]] | None) -> Garments:
        """Everything found in a picture ``[1,H,W,3]``."""
        self.found, _ = parse_garments(self.parser, image, LABELS, person_boxes=boxes, flip=self.flip)
        return self.found

    def note(self, photo: Photo) -> dict[str, float]:
        """Garment IoU, outline F and leak of the last picture, which was `photo`; adds it to the table."""
        if self.found is None or self.found.labels is None:
            raise RuntimeError("nothing was parsed yet")
        wanted = torch.from_numpy(parser_labels(photo.labels))
        valid = wanted != 255
        self.table += confusion(class_table()[self.found.labels[0].long()], wanted)
        garments = garment_mask(self.found) & valid
        truth = torch.isin(wanted, torch.tensor([CLASSES.index(name) for name in GARMENT_CLASSES], dtype=torch.uint8))
        body = torch.isin(wanted, torch.tensor(BODY_IDS, dtype=torch.uint8))
        row = {
            "garments": mask_iou(garments, truth),
            "garments_bF": boundary_score(garments, truth),
            "garments_leak": float((garments & body).sum() / body.sum().clamp_min(1)),
        }
        return row | ({"flip_iou": self._flip_iou(photo)} if self.stable else {})

    def _flip_iou(self, photo: Photo) -> float:
        image = torch.from_numpy(photo.image.copy()).float().unsqueeze(0) / 255
        plain, _ = parse_garments(self.parser, image, GARMENT_LABELS, flip=self.flip)
        mirrored, _ = parse_garments(self.parser, image.flip(2), GARMENT_LABELS, flip=self.flip)
        return mask_iou(garment_mask(plain), garment_mask(mirrored).flip(-1))

    def summary(self) -> dict[str, dict[str, float]]:
        """IoU per class and means over the whole data set, in the manner of `evaluate.summarise`."""
        ious = class_ious(self.table)
        means = {"garment_classes": mean_iou(ious, GARMENT_CLASSES), "all_classes": mean_iou(ious, CLASSES)}
        return {"class_iou": {name: round(value, 4) for name, value in (ious | means).items()}}

    def confusion_lines(self) -> list[str]:
        """The table as text: a row per true class, per cent of its pixels by found class."""
        shares = 100 * self.table / self.table.sum(1, keepdim=True).clamp_min(1)
        lines = [f"{'% of true':12}" + "".join(f"{name[:6]:>7}" for name in CLASSES)]
        lines += [
            f"{name:12}" + "".join(f"{float(share):7.1f}" for share in row)
            for name, row in zip(CLASSES, shares, strict=True)
        ]
        return lines


def garment_mask(found: Garments) -> Tensor:
    """Where garments were found in the first picture, bool ``[H,W]``."""
    return found.select(GARMENT_LABELS).union()[0] >= LEVEL


def class_table() -> Tensor:
    """The parser's class of each number of `LEGEND`; parts of the skin are skin."""
    names = ["skin" if name in PARTS else name for name in LEGEND]
    return torch.tensor([CLASSES.index(name) if name in CLASSES else 0 for name in names], dtype=torch.uint8)

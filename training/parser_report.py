"""The parser as a method of evaluate.py, and the figures that only a method with classes has."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from ccp import Photo
from losses import GARMENT_IDS
from prepare import parser_labels
from scores import GARMENT_CLASSES, boundary_score, class_ious, confusion, mask_iou, mean_iou
from torch import Tensor

from hemline.segmentation.garments import Box, Garment, Garments
from hemline.segmentation.parser import CLASSES, Parser, parse_image
from hemline.segmentation.vocabulary import CARRIED_LABELS, GARMENT_LABELS, PART_LABELS

BODY_IDS = (CLASSES.index("skin"), CLASSES.index("hair"))
LEVEL = 0.5


class ParserMethod:
    """A method that remembers what it said of the last picture, and a confusion table over all that was noted."""

    def __init__(self, parser: Parser, *, flip: bool) -> None:
        if parser.classes != CLASSES:
            raise SystemExit(f"these weights know other classes: {', '.join(parser.classes)}.")
        self.parser, self.flip = parser, flip
        self.table = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.float64)
        self.chances = torch.zeros(0)

    def __call__(self, image: Tensor, boxes: Sequence[Sequence[Box]] | None) -> Garments:
        """The whole frame, parsed once; boxes are not looked at."""
        self.chances = parse_image(self.parser, image, flip=self.flip)[0]
        height, width = self.chances.shape[1:]
        labels = self.chances.argmax(0)
        items = [
            Garment(
                mask.float(), name, float(self.chances[number][mask].mean()), (0.0, 0.0, float(width), float(height))
            )
            for number, name in enumerate(CLASSES)
            if name in (*GARMENT_LABELS, *CARRIED_LABELS) and bool((mask := labels == number).any())
        ]
        parts = {name: self.chances[CLASSES.index(name)].unsqueeze(0) for name in PART_LABELS}
        return Garments(width, height, 1, tuple(items), "parser", parts)

    def note(self, photo: Photo) -> dict[str, float]:
        """Garment IoU, outline F and leak of the last picture, which was `photo`; adds it to the table."""
        wanted = torch.from_numpy(parser_labels(photo.labels))
        valid = wanted != 255
        self.table += confusion(self.chances.argmax(0), wanted)
        garments = (self.chances[list(GARMENT_IDS)].sum(0) >= LEVEL) & valid
        truth = torch.isin(wanted, torch.tensor(GARMENT_IDS, dtype=torch.uint8))
        body = torch.isin(wanted, torch.tensor(BODY_IDS, dtype=torch.uint8))
        return {
            "garments": mask_iou(garments, truth),
            "garments_bF": boundary_score(garments, truth),
            "garments_leak": float((garments & body).sum() / body.sum().clamp_min(1)),
        }

    def summary(self) -> dict[str, dict[str, float]]:
        """IoU per class and means over the whole data set, in the manner of `evaluate.summarise`."""
        ious = class_ious(self.table)
        means = {"garment_classes": mean_iou(ious, GARMENT_CLASSES), "all_classes": mean_iou(ious, CLASSES)}
        return {"class_iou": {name: round(value, 4) for name, value in (ious | means).items()}}

    def confusion_lines(self) -> list[str]:
        """The table as text: a row per true class, per cent of its pixels by found class."""
        shares = 100 * self.table / self.table.sum(1, keepdim=True).clamp_min(1)
        lines = [f"{'% of true':12}" + "".join(f"{name[:6]:>7}" for name in CLASSES)]
        for name, row in zip(CLASSES, shares.tolist(), strict=True):
            lines.append(f"{name:12}" + "".join(f"{value:7.1f}" for value in row))
        return lines

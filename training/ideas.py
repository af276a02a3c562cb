"""What each step between the network and the masks gives: the table of ideas, one by one.

    python training/ideas.py --data DIR --weights FILE [--scene whole]

Every line adds one step to the line above it. Garment IoU and F of the outline are means over the photos, at their own
size, of everything that is a garment; "classes" is the mean IoU over the nine garment classes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from ccp import Photo, photo_names
from losses import GARMENT_IDS
from parser_report import class_table
from prepare import parser_labels
from scenes import SCENES, make_scenes
from scores import GARMENT_CLASSES, boundary_score, class_ious, confusion, is_garment, mask_iou, mean_iou
from torch import Tensor
from torch.nn import functional

from hemline.segmentation.detect import WEIGHTS
from hemline.segmentation.edges import refine_chances
from hemline.segmentation.parser import CLASSES, Parser, load_parser, look
from hemline.segmentation.parsing import parse_garments, shrink
from hemline.segmentation.persons import look_again, look_around
from hemline.segmentation.vocabulary import LABELS

Chances = Callable[[Parser, Tensor], Tensor]


@dataclass
class Tally:
    """What one idea reached so far."""

    ious: list[float] = field(default_factory=list[float])
    outlines: list[float] = field(default_factory=list[float])
    table: Tensor = field(default_factory=lambda: torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.float64))
    seconds: float = 0.0

    def note(self, garments: Tensor, labels: Tensor, wanted: Tensor) -> None:
        """Adds a photo. garments: bool ``[H,W]``; labels, wanted: classes ``[H,W]``."""
        valid = wanted != 255
        self.ious.append(mask_iou(garments & valid, is_garment(wanted)))
        self.outlines.append(boundary_score(garments & valid, is_garment(wanted)))
        self.table += confusion(labels, wanted)

    def line(self, name: str) -> str:
        """The row of the table."""
        p10 = np.nanpercentile(self.ious, 10)
        classes = mean_iou(class_ious(self.table), GARMENT_CLASSES)
        means = f"{np.nanmean(self.ious):8.4f}{p10:8.4f}{np.nanmean(self.outlines):8.4f}{classes:9.4f}"
        return f"{name:38}{means}{1000 * self.seconds / len(self.ious):8.0f}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--scene", choices=tuple(SCENES), default="whole")
    parser.add_argument("--limit", type=int, default=0)
    options = parser.parse_args()
    net = load_parser(options.weights)
    names = photo_names(options.data, "validation")[: options.limit or None]
    tallies = {name: Tally() for name in (*IDEAS, "one label per garment, full-size edges")}
    for photo in make_scenes(options.data, names, options.scene):
        _note(net, photo, tallies)
    print(f"{options.scene}, {len(names)} photos\n{'':38}{'IoU':>8}{'p10':>8}{'F':>8}{'classes':>9}{'ms':>8}")
    for name, tally in tallies.items():
        print(tally.line(name))


def _note(net: Parser, photo: Photo, tallies: dict[str, Tally]) -> None:
    wanted = torch.from_numpy(parser_labels(photo.labels))
    picture = torch.from_numpy(photo.image.copy()).permute(2, 0, 1).float() / 255
    for name, idea in IDEAS.items():
        begun = time.perf_counter()
        chances = idea(net, picture)
        chances = functional.interpolate(chances.unsqueeze(0), wanted.shape, mode="bilinear")[0]
        tallies[name].seconds += time.perf_counter() - begun
        tallies[name].note(chances[list(GARMENT_IDS)].sum(0) >= 0.5, chances.argmax(0).byte(), wanted)
    *_, last = tallies.values()
    begun = time.perf_counter()
    found, _ = parse_garments(net, picture.permute(1, 2, 0).unsqueeze(0), LABELS)
    last.seconds += time.perf_counter() - begun
    labels = class_table()[found.labels[0].long()] if found.labels is not None else torch.zeros_like(wanted)
    last.note(found.select(GARMENT_CLASSES).union()[0] >= 0.5, labels, wanted)


def _second_look(net: Parser, picture: Tensor, *, refine: bool = False) -> Tensor:
    """The chances of every person's frame, laid into those of an empty picture."""
    whole = torch.zeros((len(CLASSES), *picture.shape[1:]))
    whole[0] = 1
    sight = look_around(net, picture, flip=True)
    for person in reversed(sight.persons):
        x0, y0, x1, y1 = person.frame
        crop = picture[:, y0:y1, x0:x1]
        chances = look_again(net, picture, sight, person, flip=True)
        if refine:
            chances = refine_chances(shrink(crop, chances), chances)
        there = functional.interpolate(chances.unsqueeze(0), crop.shape[1:], mode="bilinear")[0]
        spot = whole[:, y0:y1, x0:x1]
        whole[:, y0:y1, x0:x1] = torch.where(there[0] < spot[0], there, spot)
    return whole


IDEAS: dict[str, Chances] = {
    "one look at the whole picture": lambda net, picture: look(net, picture),
    "the mean with its mirror image": lambda net, picture: look(net, picture, flip=True),
    "a second look at each person": _second_look,
    "edges refined by colour": lambda net, picture: _second_look(net, picture, refine=True),
}


if __name__ == "__main__":
    main()

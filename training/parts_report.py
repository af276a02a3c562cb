"""Measures the rules that tell face, neck and hands apart on the photos whose parts are drawn in part_annotations.json.

    python training/parts_report.py --data DIR --weights FILE [--truth]

With --truth the rules see the true labels, so that they alone are measured; else everything that Detect Garments does.
A part's true pixels are those inside its polygons that the data set labels as skin.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from ccp import IGNORED, Photo, read_photos
from parser_report import garment_mask
from PIL import Image, ImageDraw
from prepare import parser_labels
from scores import BOUNDARY_SHARE, is_garment
from torch import Tensor
from torch.nn import functional

from hemline.segmentation.parser import CLASSES, Parser, load_parser
from hemline.segmentation.parsing import parse_garments
from hemline.segmentation.parts import find_parts
from hemline.segmentation.shape import grow_mask
from hemline.segmentation.vocabulary import GARMENT_LABELS, LEGEND

ANNOTATIONS = Path(__file__).with_name("part_annotations.json")
DRAWN = ("face", "neck", "hands")
PARTS = (*DRAWN, "arms+hands", "head")
LEAKING = ("face", "hands", "hair", "together")
# Room about the person's box in the crop, as a share of the box.
MARGIN = 0.08
# The long side of the crop's chances, px, as the second look gives them.
CROP_SIDE = 420
# Arms are not drawn: skin that is neither face nor neck counts as arm down to this share of the person's height. Bare
# legs above that line make the figures of arms+hands look worse than they are.
ARMS_END = 0.58


class Drawing(TypedDict):
    """size: the photo's width and height. The rest: polygons ``[[x,y],...]`` in its pixels."""

    size: list[int]
    face: list[list[list[float]]]
    neck: list[list[list[float]]]
    hands: list[list[list[float]]]


def main() -> None:
    """Prints a table of the parts and one of the leak."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--truth", action="store_true")
    parser.add_argument("--each", action="store_true", help="one line per photo as well")
    options = parser.parse_args()
    if not options.truth and options.weights is None:
        parser.error("--weights or --truth")
    net = None if options.truth else load_parser(options.weights)
    drawings: dict[str, Drawing] = json.loads(ANNOTATIONS.read_text())
    rows = list(measure(options.data, drawings, net))
    if options.each:
        for name, figures, _ in rows:
            print(name, " ".join(f"{part} {figures[part][0]:.2f}" for part in PARTS if part in figures))
    print_table(rows)


def measure(
    data: Path, drawings: dict[str, Drawing], net: Parser | None
) -> Iterator[tuple[str, dict[str, tuple[float, float, float]], dict[str, tuple[float, float]]]]:
    """Per photo: its name, (IoU, precision, recall) of each part it has, and what `leaks` says."""
    for photo in read_photos(data, sorted(drawings)):
        labels = torch.from_numpy(parser_labels(photo.labels))
        wanted = true_parts(labels, drawings[photo.name])
        masks, garments = guess(labels, crop_box(photo)) if net is None else find(net, photo)
        figures = {part: compare(masks[part], mask) for part, mask in wanted.items() if bool(mask.any())}
        yield photo.name, figures, leaks(wanted, garments, labels)


def true_parts(labels: Tensor, drawing: Drawing) -> dict[str, Tensor]:
    """Bool masks ``[H,W]`` of the parts."""
    height, width = labels.shape
    if drawing["size"] != [width, height]:
        raise ValueError(f"drawn on {drawing['size']}, the photo is {width}x{height}")
    skin = labels == CLASSES.index("skin")
    parts = {part: skin & fill(drawing[part], height, width) for part in DRAWN}
    person = ((labels != 0) & (labels != IGNORED)).any(1).nonzero()
    top, bottom = int(person[0]), int(person[-1])
    above = torch.arange(height).unsqueeze(1) < top + ARMS_END * (bottom - top)
    hair = (labels == CLASSES.index("hair")) | (labels == CLASSES.index("headwear"))
    arms = skin & ~(parts["face"] | parts["neck"]) & above | parts["hands"]
    return {**parts, "arms+hands": arms, "head": parts["face"] | hair}


def fill(polygons: list[list[list[float]]], height: int, width: int) -> Tensor:
    """The inside of the polygons, bool ``[H,W]``."""
    plane = Image.new("1", (width, height))
    for polygon in polygons:
        ImageDraw.Draw(plane).polygon([(x, y) for x, y in polygon], fill=1)
    return torch.from_numpy(np.array(plane))


def one_hot(labels: Tensor) -> Tensor:
    """Chances ``[classes,H,W]`` that are sure of the labels; ignored pixels are background."""
    known = torch.where(labels == IGNORED, 0, labels).long()
    return functional.one_hot(known, len(CLASSES)).permute(2, 0, 1).float()


def crop_box(photo: Photo) -> tuple[int, int, int, int]:
    """x0 y0 x1 y1 of the crop about the person, in px."""
    x0, y0, x1, y1 = photo.person_box()
    across, down = MARGIN * (x1 - x0), MARGIN * (y1 - y0)
    height, width = photo.labels.shape
    return (
        max(0, round(x0 - across)),
        max(0, round(y0 - down)),
        min(width, round(x1 + across)),
        min(height, round(y1 + down)),
    )


def find(net: Parser, photo: Photo) -> tuple[dict[str, Tensor], Tensor]:
    """Bool masks of the parts and of the garments in the whole photo, as Detect Garments finds them."""
    image = torch.from_numpy(photo.image.copy()).float().unsqueeze(0) / 255
    found, _ = parse_garments(net, image, GARMENT_LABELS)
    labels = found.labels
    if labels is None:
        raise RuntimeError("the parser says what lies where")
    there = {name: labels[0] == LEGEND.index(name) for name in (*DRAWN, "arms")}
    masks = {name: there[name] for name in DRAWN} | {"arms+hands": there["arms"] | there["hands"]}
    return masks | {"head": found.parts["head"][0] > 0.5}, garment_mask(found)


def guess(labels: Tensor, box: tuple[int, int, int, int]) -> tuple[dict[str, Tensor], Tensor]:
    """The same from the true labels: the rules alone."""
    x0, y0, x1, y1 = box
    chances = shrink(one_hot(labels)[:, y0:y1, x0:x1])
    return decide(find_parts(chances, CLASSES), chances, box, labels.shape)


def shrink(chances: Tensor) -> Tensor:
    """The chances at the crop's working size."""
    scale = min(1.0, CROP_SIDE / max(chances.shape[-2:]))
    size = tuple(max(1, round(side * scale)) for side in chances.shape[-2:])
    return functional.interpolate(chances.unsqueeze(0), size, mode="bilinear", antialias=True)[0]


def decide(
    found: dict[str, Tensor], chances: Tensor, box: tuple[int, int, int, int], size: torch.Size
) -> tuple[dict[str, Tensor], Tensor]:
    """Bool masks of the parts and of the garments in the whole photo: the likeliest class, then its likeliest part."""
    x0, y0, x1, y1 = box
    stack = torch.cat([chances, torch.stack([found[name] for name in (*DRAWN, "arms", "legs", "head")])])
    large = functional.interpolate(stack.unsqueeze(0), (y1 - y0, x1 - x0), mode="bilinear")[0]
    whole = torch.zeros((len(stack), *size))
    whole[:, y0:y1, x0:x1] = large
    whole[0] += 1 - whole[: len(CLASSES)].sum(0)
    labels = whole[: len(CLASSES)].argmax(0)
    skin, best = labels == CLASSES.index("skin"), whole[len(CLASSES) : -1].argmax(0)
    masks = {name: skin & (best == number) for number, name in enumerate(DRAWN)}
    masks["arms+hands"] = skin & ((best == 2) | (best == 3))
    masks["head"] = whole[-1] > 0.5
    return masks, is_garment(labels)


def compare(found: Tensor, wanted: Tensor) -> tuple[float, float, float]:
    """Intersection over union, precision, recall; a part that was not found has precision 0."""
    both = int((found & wanted).sum())
    return (
        both / max(1, int((found | wanted).sum())),
        both / max(1, int(found.sum())),
        both / max(1, int(wanted.sum())),
    )


def leaks(wanted: dict[str, Tensor], garments: Tensor, labels: Tensor) -> dict[str, tuple[float, float]]:
    """The share of a part inside the garments' mask: all of it, and beyond the outline's tolerance."""
    hair = labels == CLASSES.index("hair")
    parts = {"face": wanted["face"], "hands": wanted["hands"], "hair": hair}
    parts["together"] = wanted["face"] | wanted["hands"] | hair
    radius = max(1, round(BOUNDARY_SHARE * (labels.shape[0] ** 2 + labels.shape[1] ** 2) ** 0.5))
    near = grow_mask(is_garment(labels).float().unsqueeze(0), radius)[0] > 0.5
    found: dict[str, tuple[float, float]] = {}
    for name, part in parts.items():
        inside, count = part & garments, int(part.sum())
        if count:
            found[name] = int(inside.sum()) / count, int((inside & ~near).sum()) / count
    return found


def print_table(
    rows: list[tuple[str, dict[str, tuple[float, float, float]], dict[str, tuple[float, float]]]],
) -> None:
    """Mean and median over the photos that have the part."""
    print(f"{'part':12}{'photos':>7}{'IoU':>8}{'median':>8}{'prec.':>8}{'median':>8}{'recall':>8}{'median':>8}")
    for part in PARTS:
        figures = np.array([found[part] for _, found, _ in rows if part in found])
        pairs = zip(figures.mean(0), np.median(figures, 0), strict=True)
        print(f"{part:12}{len(figures):7}" + "".join(f"{mean:8.3f}{median:8.3f}" for mean, median in pairs))
    print(f"{'leak of':12}{'photos':>7}{'all':>8}{'median':>8}{'beyond the outline':>20}{'median':>8}")
    for part in LEAKING:
        shares = np.array([leaking[part] for _, _, leaking in rows if part in leaking])
        (leak, beyond), (half, half_beyond) = shares.mean(0), np.median(shares, 0)
        print(f"{part:12}{len(shares):7}{leak:8.4f}{half:8.4f}{beyond:20.4f}{half_beyond:8.4f}")


if __name__ == "__main__":
    main()

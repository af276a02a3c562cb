"""Fits SCORE_LINES of segmentation/votes.py: what IoU the parser's garments reach, and what tells it beforehand.

    python training/fit_parser_scores.py --data DIR --weights FILE

Photos of the validation part are used: on those of the training part the network is surer than it will ever be again.
They are few, so what the lines are worth is told by leaving out one photo after the other. Also prints how many of the
training photos wear what, for BODY_COUNTS and PRESENCE.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from ccp import Photo, photo_names, read_photos
from scores import mask_iou

from hemline.segmentation.edges import enlarge, refine_chances
from hemline.segmentation.parser import Parser, load_parser
from hemline.segmentation.parsing import shrink
from hemline.segmentation.persons import look_again, look_around
from hemline.segmentation.vocabulary import GARMENT_LABELS
from hemline.segmentation.votes import (
    BODY_LABELS,
    LEAST_SCORE,
    MOST_SCORE,
    PRESENCE,
    SMALLEST_SHARE,
    mask_evidence,
    score_group,
    vote,
)

# The slopes are held near zero as if so many more garments had shown none; a group has 20 to 120 garments.
RIDGE = 0.5
BINS = ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.01))

Table = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """One garment that was found: in which photo, its evidence, and the IoU that it reached."""

    photo: int
    label: str
    evidence: tuple[float, ...]
    iou: float


def main() -> None:
    """Prints the tables to paste and what they are worth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    options = parser.parse_args()
    body, presence, count = count_wear(options.data)
    print("BODY_COUNTS =", {worn: number for worn, number in body.most_common() if number > 1})
    print("PRESENCE =", {label: round(presence[label] / count, 2) for label in PRESENCE})
    net = load_parser(options.weights)
    photos = read_photos(options.data, photo_names(options.data, "validation"))
    samples = [sample for number, photo in enumerate(photos) for sample in read_samples(net, photo, number)]
    lines: dict[str, tuple[float, ...]] = {}
    told: list[tuple[float, float]] = []
    for group in dict.fromkeys(score_group(sample.label) for sample in samples):
        part = [sample for sample in samples if score_group(sample.label) == group]
        lines[group] = tuple(round(float(value), 2) for value in fit_line(part))
        pairs = [(predict(fit_line([s for s in part if s.photo != one.photo]), one), one.iou) for one in part]
        told += pairs
        print(f"{group:9}", calibration(pairs))
    print(f"{'all':9}", calibration(told))
    for low, high in BINS:
        inside = [pair for pair in told if low <= pair[0] < high]
        if inside:
            means = np.array(inside).mean(0)
            print(
                f"  expected {low:.1f}-{min(high, 1):.1f}: {len(inside):3} garments, {means[0]:.2f} -> {means[1]:.2f}"
            )
    print("SCORE_LINES =", lines)


def count_wear(data: Path) -> tuple[Counter[str], Counter[str], int]:
    """How many training photos wear which body garments together, and which other label; and how many there are."""
    body: Counter[str] = Counter()
    presence: Counter[str] = Counter()
    names = photo_names(data, "training")
    for photo in read_photos(data, names):
        least = SMALLEST_SHARE * photo.mask(*GARMENT_LABELS).sum()
        worn = [label for label in GARMENT_LABELS if photo.mask(label).sum() > least]
        body[" ".join(label for label in BODY_LABELS if label in worn)] += 1
        presence.update(label for label in worn if label not in BODY_LABELS)
    return body, presence, len(names)


def read_samples(net: Parser, photo: Photo, number: int) -> Iterator[Sample]:
    """What is found on the persons of a photo, as Detect Garments finds it."""
    picture = torch.from_numpy(photo.image.copy()).float().permute(2, 0, 1) / 255
    sight = look_around(net, picture, flip=True)
    for person in sight.persons:
        x0, y0, x1, y1 = person.frame
        chances = look_again(net, picture, sight, person, flip=True)
        work = shrink(picture[:, y0:y1, x0:x1], chances)
        chances = refine_chances(work, chances)
        for region in vote(work, chances, net.classes):
            mask = enlarge(region.mask, (y1 - y0, x1 - x0))
            truth = torch.from_numpy(photo.mask(region.label)[y0:y1, x0:x1].copy())
            iou = mask_iou(mask >= 0.5, truth)
            if not np.isnan(iou):
                yield Sample(number, region.label, mask_evidence(region.label, region.mask, chances, net.classes), iou)


def fit_line(samples: list[Sample]) -> Table:
    """Offset and slopes of least squared error among those that fall with no evidence; offset 0.5 without samples."""
    if not samples:
        return np.array((0.5, 0.0, 0.0, 0.0))
    evidence = np.array([sample.evidence for sample in samples])
    ious = np.array([sample.iou for sample in samples])
    centre = evidence.mean(0)
    best, least = np.zeros(evidence.shape[1]), float("inf")
    for size in range(evidence.shape[1] + 1):
        for chosen in combinations(range(evidence.shape[1]), size):
            slopes = np.zeros(evidence.shape[1])
            offsets = evidence[:, chosen] - centre[list(chosen)]
            square = offsets.T @ offsets + RIDGE * np.diag(offsets.var(0) + 1e-9)
            slopes[list(chosen)] = np.linalg.solve(square, offsets.T @ (ious - ious.mean()))
            error = float(np.square(ious - ious.mean() - (evidence - centre) @ slopes).sum())
            if (slopes >= 0).all() and error < least:
                best, least = slopes, error
    return np.array((ious.mean() - best @ centre, *best))


def predict(line: Table, sample: Sample) -> float:
    """The IoU that a line expects of a garment."""
    return float(np.clip(line[0] + line[1:] @ np.array(sample.evidence), LEAST_SCORE, MOST_SCORE))


def calibration(pairs: list[tuple[float, float]]) -> str:
    """What expected and reached IoU have to do with each other, in words."""
    values = np.array(pairs)
    error = np.abs(values[:, 0] - values[:, 1]).mean()
    constant = np.abs(values[:, 1] - values[:, 1].mean()).mean()
    related = np.corrcoef(values.T)[0, 1] if len(values) > 2 and values.std(0).min() > 0 else float("nan")
    worth = f"mean error {error:.3f} (of the mean alone {constant:.3f}), correlation {related:.2f}"
    return f"{len(values):3} garments, {worth}"


if __name__ == "__main__":
    main()

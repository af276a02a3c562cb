"""Fits SCORE_LINES of segmentation/heuristic.py: what IoU its masks reach on the training photos, and what tells.

python training/fit_heuristic_scores.py --data DIR
"""

from __future__ import annotations

import argparse
from pathlib import Path
from unittest import mock

import numpy as np
from ccp import Photo, photo_names, read_photos
from evaluate import METHODS, measure

from hemline.segmentation import heuristic

ZONE_OF_LABEL = {"upper": "torso", "lower": "legs", "footwear": "footwear"}
# Every so many-th training photo is used; given and estimated boxes take turns.
STRIDE = 6


def main() -> None:
    """Prints the table to paste."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    rows: dict[str, list[tuple[float, ...]]] = {label: [] for label in ZONE_OF_LABEL}
    for number, photo in enumerate(read_photos(data, photo_names(data, "training")[::STRIDE])):
        for label, row in features_and_iou(photo, given=number % 2 == 0).items():
            rows[label].append(row)
    for label, table in rows.items():
        values = np.array([row for row in table if not np.isnan(row[-1])])
        slope, offset = np.polyfit(values[:, 0], values[:, 1], 1)
        error = np.abs(offset + slope * values[:, 0] - values[:, 1]).mean()
        print(f"{label}: ({offset:.2f}, {slope:.2f}), mean error {error:.3f} over {len(values)}")


def features_and_iou(photo: Photo, *, given: bool) -> dict[str, tuple[float, ...]]:
    """For each label that was found: the mask's mean inside, and the IoU that was reached."""
    seen: dict[str, float] = {}

    def note(label: str, confidence: float) -> float:
        seen[label] = confidence
        return confidence

    with mock.patch.object(heuristic, "expected_iou", note):
        row = measure(photo, METHODS["heuristic"], given=given)
    return {label: (confidence, row[ZONE_OF_LABEL[label]]) for label, confidence in seen.items()}


if __name__ == "__main__":
    main()

"""Clothing Co-Parsing as the training scripts read it: photos, labels of the canonical vocabulary, the split."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from hemline.segmentation.taxonomies import CCP

LABELS = tuple(dict.fromkeys(label for label in CCP.values() if label))
"""What labels are an index into, the ground first."""
IGNORED = 255
# A row or column belongs to the person's box from so many labelled pixels on; fewer are the annotators' crumbs.
BOX_PIXELS = 3


@dataclass(frozen=True)
class Photo:
    """image: uint8 ``[H,W,3]``. labels: uint8 ``[H,W]``, index into `LABELS` or `IGNORED`."""

    name: str
    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]

    def mask(self, *labels: str) -> npt.NDArray[np.bool_]:
        """Where one of the labels lies, ``[H,W]``; labels that the data set lacks lie nowhere."""
        return np.isin(self.labels, [LABELS.index(label) for label in labels if label in LABELS])

    def person_box(self) -> tuple[float, float, float, float]:
        """x0 y0 x1 y1 in pixels around everything that is labelled but bags, which stand beside people."""
        person = ~np.isin(self.labels, [0, LABELS.index("bag"), IGNORED])
        rows = np.flatnonzero(person.sum(1) >= BOX_PIXELS)
        columns = np.flatnonzero(person.sum(0) >= BOX_PIXELS)
        return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def photo_names(data: Path, part: str) -> list[str]:
    """The names of the "training" or "validation" photos, sorted."""
    validation = set(json.loads((data / "split.json").read_text())["validation"])
    names = sorted(path.stem for path in (data / "labels").glob("*.png"))
    return [name for name in names if (name in validation) == (part == "validation")]


def read_photos(data: Path, names: list[str]) -> Iterator[Photo]:
    """The named photos, one after the other."""
    table = _label_table(json.loads((data / "classes.json").read_text()))
    for name in names:
        photo_path, label_path = data / "photos" / f"{name}.jpg", data / "labels" / f"{name}.png"
        with Image.open(photo_path) as photo, Image.open(label_path) as labels:
            yield Photo(name, np.asarray(photo.convert("RGB")), table[np.asarray(labels)])


def _label_table(classes: list[str]) -> npt.NDArray[np.uint8]:
    table = np.full(256, IGNORED, dtype=np.uint8)
    for word, label in CCP.items():
        if label is not None:
            table[classes.index(word)] = LABELS.index(label)
    return table

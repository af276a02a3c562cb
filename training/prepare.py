"""Makes the cache that train.py reads: photos and labels at training size in one safetensors file, and an index.

    python training/prepare.py --data DIR --out CACHE

Every photo becomes `WIDTH` pixels wide, its labels the parser's classes; photos without labels bring their tags. Which
photos validate is what split.json says. The result is the same on every run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from cache import CACHE_FILE, INDEX_FILE
from ccp import IGNORED, LABELS, Photo, photo_names, read_photos
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from hemline.segmentation.parser import CLASSES
from hemline.segmentation.taxonomies import CCP

# 0.6 of the data set's 550 px: a whole figure is then about 450 px high, a little more than the network ever sees.
WIDTH = 330
# A class is in a photo from so many cached pixels on; fewer are the annotators' crumbs.
PRESENT_PIXELS = 12
# The data set's `tights` are wrong per pixel and right as a tag.
TAG_WORDS = {**CCP, "tights": "legwear"}


def main() -> None:
    """Reads the data, writes the cache, says what is in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--width", type=int, default=WIDTH)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    tensors, index = read_data(options.data, options.width)
    save_file(tensors, str(options.out / CACHE_FILE))
    (options.out / INDEX_FILE).write_text(json.dumps(index))
    print(", ".join(f"{len(index[part])} {part}" for part in ("training", "unlabelled", "validation")))


def read_data(data: Path, width: int) -> tuple[dict[str, Tensor], dict[str, list[str]]]:
    """The tensors of the cache (see `cache.Cache`) and the photos' names by part."""
    index = {part: photo_names(data, part) for part in ("training", "validation")}
    tags: dict[str, list[int]] = {}
    if (data / "unlabelled_tags.json").is_file():
        tags = json.loads((data / "unlabelled_tags.json").read_text())
    index["unlabelled"] = sorted(name for name in tags if (data / "unlabelled" / f"{name}.jpg").is_file())
    tensors: dict[str, Tensor] = {}
    for part in ("training", "validation"):
        pairs = [_shrink(photo, width) for photo in read_photos(data, index[part])]
        tensors[f"{part}_photos"], tensors[f"{part}_heights"] = stack_pictures([image for image, _ in pairs])
        tensors[f"{part}_labels"] = stack_labels([labels for _, labels in pairs])
        tensors[f"{part}_present"] = torch.stack([present_classes(labels) for labels in tensors[f"{part}_labels"]])
    pictures = [_read_photo(data / "unlabelled" / f"{name}.jpg", width) for name in index["unlabelled"]]
    tensors["unlabelled_photos"], tensors["unlabelled_heights"] = stack_pictures(pictures)
    table = tag_table(json.loads((data / "classes.json").read_text()))
    tagged = [torch.isin(torch.arange(len(CLASSES)), table[tags[name]]) for name in index["unlabelled"]]
    tensors["unlabelled_present"] = torch.stack(tagged) if tagged else torch.zeros(0, len(CLASSES), dtype=torch.bool)
    return tensors, index


def tag_table(words: Sequence[str]) -> Tensor:
    """The class of each of the data set's words, ``[len(words)]``."""
    table = torch.zeros(len(words), dtype=torch.long)
    for word, label in TAG_WORDS.items():
        if label is not None:
            table[words.index(word)] = CLASSES.index(label)
    return table


def _shrink(photo: Photo, width: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    height = round(photo.image.shape[0] * width / photo.image.shape[1])
    picture = Image.fromarray(photo.image).resize((width, height), Image.Resampling.BOX)
    return np.asarray(picture), vote_labels(parser_labels(photo.labels), height, width)


def _read_photo(path: Path, width: int) -> npt.NDArray[np.uint8]:
    with Image.open(path) as photo:
        height = round(photo.height * width / photo.width)
        return np.asarray(photo.convert("RGB").resize((width, height), Image.Resampling.BOX))


def parser_labels(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Labels in the order of ccp.py as labels in the order of the parser."""
    table = np.full(256, IGNORED, dtype=np.uint8)
    table[: len(LABELS)] = [CLASSES.index(label) for label in LABELS]
    return table[labels]


def vote_labels(labels: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """The label with the largest area in each cell; the nearest pixel alone would destroy belts and straps."""
    seen = np.unique(labels)
    areas = [
        np.asarray(
            Image.fromarray((labels == label).astype(np.uint8) * 255).resize((width, height), Image.Resampling.BOX)
        )
        for label in seen
    ]
    return seen[np.argmax(np.stack(areas), axis=0)]


def stack_pictures(pictures: Sequence[npt.NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
    """Pictures of one width as ``[N,3,H,W]``, their last rows repeated down to the tallest, and their heights."""
    heights = [picture.shape[0] for picture in pictures]
    tallest = max(heights, default=1)
    rows = [np.pad(p, ((0, tallest - p.shape[0]), (0, 0), (0, 0)), mode="edge").transpose(2, 0, 1) for p in pictures]
    stack = torch.from_numpy(np.ascontiguousarray(np.stack(rows))) if rows else torch.zeros((0, 3, 1, 1)).byte()
    return stack, torch.tensor(heights, dtype=torch.int32)


def stack_labels(labels: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
    """Labels of one width as ``[N,H,W]``, background below."""
    tallest = max((plane.shape[0] for plane in labels), default=1)
    rows = [np.pad(plane, ((0, tallest - plane.shape[0]), (0, 0))) for plane in labels]
    return torch.from_numpy(np.stack(rows)) if rows else torch.zeros((0, 1, 1), dtype=torch.uint8)


def present_classes(labels: Tensor) -> Tensor:
    """Which classes a photo shows, bool ``[classes]``."""
    counts = torch.bincount(labels.flatten().long(), minlength=256)[: len(CLASSES)]
    return counts >= PRESENT_PIXELS


if __name__ == "__main__":
    main()

"""Measures garment masks against labelled photos at their original size.

    python training/evaluate.py --data DIR [--weights FILE] [--no-flip] [--scene pair] [--stable]
    python training/evaluate.py --data DIR --method heuristic --boxes estimated

Prints a table; with --json one line of JSON. The parser's table also has the garments of `GARMENT_LABELS` as one mask
(IoU, F of the outline, leak of skin and hair), the IoU of each class over the whole part, and its confusions.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from ccp import Photo, photo_names
from parser_report import ParserMethod
from scenes import SCENES, make_scenes
from torch import Tensor

from hemline.segmentation.detect import WEIGHTS
from hemline.segmentation.garments import Box, Garments
from hemline.segmentation.heuristic import detect_garments
from hemline.segmentation.parser import load_parser
from hemline.segmentation.vocabulary import PRESETS

Method = Callable[[Tensor, Sequence[Sequence[Box]] | None], Garments]

METHODS: dict[str, Method] = {
    "heuristic": lambda image, boxes: detect_garments(image, person_boxes=boxes),
}
# Zone -> the labels whose union is compared, in the photos and in what was found. Dresses belong to torso and legs
# alike, so the two are compared outside of them.
ZONES = {
    "outfit": PRESETS["outfit"],
    "torso": ("upper", "outer"),
    "legs": ("pants", "skirt", "lower"),
    "footwear": ("footwear",),
}
BODY = ("hair", "skin")
DIVIDED_BY_DRESS = ("torso", "legs")
LEVEL = 0.5


def main() -> None:
    """Runs one method over one part of the data and prints what it is worth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--method", choices=(*METHODS, "parser"), default="parser")
    parser.add_argument("--boxes", choices=("given", "estimated"), default="estimated")
    parser.add_argument("--part", choices=("validation", "training"), default="validation")
    parser.add_argument("--limit", type=int, default=0, help="only so many photos; 0 = all")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="of the parser, by default those it comes with")
    parser.add_argument("--flip", action=argparse.BooleanOptionalAction, default=True, help="look at the mirror, too")
    parser.add_argument("--scene", choices=tuple(SCENES), default="whole", help="what the photos are turned into")
    parser.add_argument("--stable", action="store_true", help="also compare with the mask of the mirrored photo")
    options = parser.parse_args()
    names = photo_names(options.data, options.part)[: options.limit or None]
    header = {name: getattr(options, name) for name in ("method", "boxes", "part", "scene")} | {"photos": len(names)}
    photos = make_scenes(options.data, names, options.scene)
    given = options.boxes == "given"
    if options.method == "parser":
        method = ParserMethod(load_parser(options.weights), flip=options.flip, stable=options.stable)
        rows = [measure(photo, method, given=given) | method.note(photo) for photo in photos]
        header |= {"flip": options.flip}
        summary, more = summarise(rows) | method.summary(), method.confusion_lines()
    else:
        rows = [measure(photo, METHODS[options.method], given=given) for photo in photos]
        summary, more = summarise(rows), []
    _say(json.dumps(header | summary) if options.json else "\n".join((_table(header, summary), *more)))


def measure(photo: Photo, method: Method, *, given: bool) -> dict[str, float]:
    """IoU of each zone, leaks, score and seconds for one photo. A photo without a zone has NaN there."""
    image = torch.from_numpy(photo.image.copy()).float().unsqueeze(0) / 255
    begun = time.perf_counter()
    found = method(image, [[photo.person_box()]] if given else None)
    seconds = time.perf_counter() - begun
    row: dict[str, float] = {}
    for zone, labels in ZONES.items():
        compared = ~photo.mask("dress") if zone in DIVIDED_BY_DRESS else np.ones(photo.labels.shape, dtype=bool)
        row[zone] = _iou(_found_mask(found, labels) & compared, photo.mask(*labels))
    row |= {part: _iou(found.parts[part][0].numpy() >= LEVEL, photo.mask(part)) for part in BODY if part in found.parts}
    outfit = _found_mask(found, ZONES["outfit"])
    row |= {f"{part}_leak": _share(outfit & photo.mask(part), photo.mask(part)) for part in BODY}
    row["leak"] = _share(outfit & photo.mask(*BODY), photo.mask(*BODY))
    scores = [item.score for item in found.items if item.label in ZONES["outfit"]]
    return row | {"score": float(np.mean(scores)) if scores else 0.0, "seconds": seconds}


def summarise(rows: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Mean, median and tenth percentile of every figure, NaN left out, and how the score goes with the outfit's IoU."""
    summary: dict[str, dict[str, float]] = {}
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        if np.isnan(values).all():
            continue  # no photo has it: no feet in upper halves
        mean, median, p10 = np.nanmean(values), np.nanmedian(values), np.nanpercentile(values, 10)
        summary[name] = {"mean": round(float(mean), 4), "median": round(float(median), 4), "p10": round(float(p10), 4)}
    scores, reached = ([row[name] for row in rows] for name in ("score", "outfit"))
    correlation = float(np.corrcoef(scores, reached)[0, 1]) if len(rows) > 1 else float("nan")
    error = float(np.mean(np.abs(np.subtract(scores, reached))))
    summary["score_vs_iou"] = {"correlation": round(correlation, 4), "mean_error": round(error, 4)}
    return summary


def _found_mask(found: Garments, labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    return found.select(labels).union()[0].cpu().numpy() >= LEVEL


def _iou(found: npt.NDArray[np.bool_], wanted: npt.NDArray[np.bool_]) -> float:
    return float((found & wanted).sum() / (found | wanted).sum()) if wanted.any() else float("nan")


def _share(part: npt.NDArray[np.bool_], whole: npt.NDArray[np.bool_]) -> float:
    return float(part.sum() / whole.sum()) if whole.any() else float("nan")


def _table(header: dict[str, object], summary: dict[str, dict[str, float]]) -> str:
    lines = [", ".join(f"{name} {value}" for name, value in header.items()), ""]
    lines.append(f"{'':14}{'mean':>8}{'median':>8}{'p10':>8}")
    for name, figures in summary.items():
        if "mean" in figures:
            lines.append(f"{name:14}" + "".join(f"{figures[column]:8.3f}" for column in ("mean", "median", "p10")))
    lines += [f"IoU of {name:18}{value:8.3f}" for name, value in summary.get("class_iou", {}).items()]
    pair = summary["score_vs_iou"]
    lines.append(f"score and outfit IoU: correlation {pair['correlation']:.2f}, mean error {pair['mean_error']:.3f}")
    return "\n".join(lines)


def _say(text: str) -> None:
    print(text)


if __name__ == "__main__":
    main()

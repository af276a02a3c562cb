"""The numbers of Preview & Compare, as plain JSON values and as a line per picture."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..blending.measure import Change, Region, measure_changes, measure_region, structural_similarity
from ..context import Context
from ..segmentation.mask_numbers import MaskNumbers, measure_mask
from .compare_scene import Scene

DIGITS = 5


def measure_scene(scene: Scene, context: Context) -> dict[str, Any]:
    """Sizes, method and, for each picture, `mask`, `a`, `b`, `change` and `garments` as plain JSON values.

    What there is not is left out. Inside and outside mean mask >= 0.5 and the rest. Histograms are in ten thousandths.
    """
    height, width = scene.first.shape[1:3]
    pictures: list[dict[str, Any]] = []
    for index in range(scene.batch):
        context.check_cancelled()
        pictures.append(_measure_picture(scene.picture(index)))
        context.progress(index + 1, scene.batch)
    numbers: dict[str, Any] = {"width": width, "height": height, "batch": scene.batch, "pictures": pictures}
    if scene.second is not None:
        numbers |= {"width_b": scene.size_b[0], "height_b": scene.size_b[1], "reach_b": scene.reach}
    if scene.garments is not None:
        numbers["method"] = scene.garments.method
    return numbers


def describe_scene(scene: Scene, numbers: dict[str, Any]) -> tuple[str, ...]:
    """A line per picture: what was found, what would be repainted, what differs."""
    several = scene.batch > 1
    lines = (_describe_picture(scene, picture) for picture in numbers["pictures"])
    return tuple(f"{index}: {line}" if several else line for index, line in enumerate(lines, start=1))


def _measure_picture(scene: Scene) -> dict[str, Any]:
    first, second, mask = scene.first[0], scene.second, scene.mask
    inside = None if mask is None else mask[0] >= 0.5
    parts: dict[str, Tensor | None] = {"all": None}
    if inside is not None:
        parts |= {"inside": inside, "outside": ~inside}
    entry: dict[str, Any] = {}
    if mask is not None:
        entry["mask"] = _mask_entry(measure_mask(mask[0]))
    entry["a"] = _regions(first, parts)
    if second is not None:
        reach = scene.reached
        if reach is not None:
            parts = {name: reach if part is None else part & reach for name, part in parts.items()}
        entry["b"] = _regions(second[0], parts)
        entry["change"] = _changes(first, second[0], parts)
    if scene.garments is not None:
        entry["garments"] = [
            {
                "label": item.label,
                "native_label": item.native_label,
                "score": round(item.score, 4),
                "box": [round(value, 2) for value in item.box],
                "person": item.person,
            }
            for item in scene.items(0)
        ]
    return entry


def _mask_entry(numbers: MaskNumbers) -> dict[str, Any]:
    return {
        "share": round(numbers.share, DIGITS),
        "mean": round(numbers.mean, DIGITS),
        "lowest": round(numbers.lowest, DIGITS),
        "highest": round(numbers.highest, DIGITS),
        "soft_share": round(numbers.soft_share, DIGITS),
        "box": numbers.box,
        "parts": numbers.parts,
        "touches": numbers.touches,
        "frame_share": round(numbers.frame_share, DIGITS),
        "empty": numbers.is_empty,
        "inverted": numbers.looks_inverted,
        "polarity": numbers.describe(),
    }


def _regions(image: Tensor, parts: dict[str, Tensor | None]) -> dict[str, Any]:
    measured = ((name, measure_region(image, part)) for name, part in parts.items())
    return {name: _region_entry(region) for name, region in measured if region is not None}


def _region_entry(region: Region) -> dict[str, Any]:
    return {
        "share": round(region.share, DIGITS),
        **{name: _rounded(getattr(region, name)) for name in ("mean", "lowest", "highest")},
        **{name: round(getattr(region, name), 4) for name in ("dark", "median", "light")},
        "histogram": {name: [round(share * 10_000) for share in bars] for name, bars in region.histogram.items()},
    }


def _changes(first: Tensor, second: Tensor, parts: dict[str, Tensor | None]) -> dict[str, Any]:
    measured = measure_changes(first, second, parts)
    changes = {name: _change_entry(change) for name, change in measured.items()}
    if "all" in changes:
        changes["all"]["ssim"] = round(structural_similarity(first, second, parts["all"]), DIGITS)
    return changes


def _change_entry(change: Change) -> dict[str, Any]:
    return {
        "psnr_db": None if change.psnr_db is None else round(change.psnr_db, 2),
        "mean": round(change.mean, DIGITS + 1),
        "largest": round(change.largest, DIGITS),
        "at": change.at,
        "share": round(change.share, DIGITS + 1),
    }


def _rounded(values: tuple[float, ...]) -> list[float]:
    return [round(value, DIGITS) for value in values]


def _describe_picture(scene: Scene, picture: dict[str, Any]) -> str:
    parts: list[str] = []
    if scene.garments is not None:
        found = [f"{item['label']} {item['score']:.2f}" for item in picture["garments"]]
        parts.append(f"{scene.garments.method}: {', '.join(found) or 'nothing found'}")
    if "mask" in picture:
        parts.append(picture["mask"]["polarity"])
    change = picture.get("change", {}).get("all")
    if change:
        parts.append(_describe_change(change, picture["change"].get("outside")))
    height, width = scene.first.shape[1:3]
    return "; ".join(parts) or f"{width}x{height}"


def _describe_change(change: dict[str, Any], outside: dict[str, Any] | None) -> str:
    if change["psnr_db"] is None:
        return "A and B are equal"
    beside = "" if outside is None else f", {outside['share']:.2%} outside the mask"
    noise = f"PSNR {change['psnr_db']:.1f} dB, SSIM {change['ssim']:.3f}"
    return f"{change['share']:.2%} of the pixels differ{beside}; {noise}, at most {change['largest']:.1%}"

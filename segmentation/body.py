"""The measure of one person: crown, chin and the height of the head, from which all lengths of a body are taken.

The shares come from 66 photos with drawn parts (training/part_annotations.json, training/parts_report.py): a standing
person is 7.2 heads tall, a face three quarters of a head high and 0.58 heads wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from ..kernels import gaussian_blur

HEADS_TALL = 7.2
HEAD_TO_FACE_WIDTH = 1.7
# A cut figure's head is measured so many times at most.
CUT_TURNS = 4
# Without feet and face a person is taken to be as many heads wide.
HEADS_WIDE = 2.2
# Face rows searched for the jaw, in heads below the crown, and how narrow skin gets there, as a share of the cheeks.
JAW = (0.8, 1.25)
JAW_NARROWING = 0.72
# Fewer pixels (at the working size) are the labels' crumbs.
LEAST_PIXELS = 3


@dataclass(frozen=True)
class Body:
    """Where a person's head is, at the working size: everything in px."""

    crown: float
    chin: float
    middle: float
    head: float
    has_face: bool


def measure_body(masks: dict[str, Tensor], person: Tensor) -> Body | None:
    """Crown, chin and the head's height from bool masks ``[h,w]`` by class name; None where there is nobody.

    person: all of the person, whatever class it is of.
    """
    rows = (person.sum(1) > 0).nonzero()
    if not len(rows):
        return None
    none = torch.zeros_like(person)
    top, height = int(rows[0]), int(rows[-1] - rows[0]) + 1
    width = int(person.any(0).nonzero()[-1] - person.any(0).nonzero()[0]) + 1
    skin, evidence = masks.get("skin", none), union_of(masks, ("hair", "headwear"), none)
    shod = bool(masks.get("footwear", none)[top + height // 2 :].sum() >= LEAST_PIXELS)
    unit = height / HEADS_TALL
    if not evidence.any():
        evidence = _bald(masks, person, top, height)
    if not evidence.any():
        unit = unit if shod else max(unit, width / HEADS_WIDE)
        return _guess_headless(masks, top, height, unit)
    seed, unit = _seed_and_head(skin, evidence, unit, whole=shod)
    profile = None if seed is None else _profile(skin, seed)
    column = middle_column(evidence) if seed is None else float(seed[1])
    crown = _crown(evidence, column, unit)
    if seed is None or profile is None:
        return Body(crown, crown + unit, column, unit, has_face=False)
    widths, first = profile
    chin = _find_jaw(widths, first, crown, unit)
    return Body(crown, chin, column, unit, has_face=True)


def _seed_and_head(skin: Tensor, evidence: Tensor, unit: float, *, whole: bool) -> tuple[tuple[int, int] | None, float]:
    """A pixel well inside the face, and the head's height; from `unit`, that of a whole figure, it only grows.

    Where the figure is cut the head is larger than its height tells: the face's width tells more, and a larger head
    moves the place where the face is looked for, turn by turn.
    """
    seed = _face_seed(skin, evidence, unit)
    for _ in range(0 if whole else CUT_TURNS):
        profile = None if seed is None else _profile(skin, seed)
        if seed is None or profile is None:
            break
        widths, first = profile
        reach = round(unit / 4)
        near = widths[max(0, seed[0] - first - reach) : seed[0] - first + reach + 1]
        if HEAD_TO_FACE_WIDTH * max(near) <= unit:
            break
        unit = HEAD_TO_FACE_WIDTH * max(near)
        seed = _face_seed(skin, evidence, unit)
    return seed, unit


def _bald(masks: dict[str, Tensor], person: Tensor, top: int, height: int) -> Tensor:
    """The top of an uncovered head: skin that is the top of a person with clothes below, and no broad stump."""
    skin = masks.get("skin", torch.zeros_like(person))
    band = torch.zeros_like(person)
    band[top : top + max(1, height // 40)] = True
    above = band & skin
    clothed = (person & ~skin).any()
    broad = above.any(0).sum() * HEADS_TALL > 1.2 * height
    covered = (band & person & ~skin).any()
    return above if top > 0 and bool(clothed) and not bool(broad) and not bool(covered) else torch.zeros_like(above)


def _guess_headless(masks: dict[str, Tensor], top: int, height: int, unit: float) -> Body:
    """A body without a head in the picture: the crown such that the waist, three heads below it, fits the clothes."""
    none = torch.zeros_like(next(iter(masks.values())))
    lower = union_of(masks, ("pants", "skirt"), none).any(1).nonzero()
    feet = masks.get("footwear", none).any(1).nonzero()
    crown = top - unit
    if len(lower):
        crown = float(lower[0]) - 3 * unit
    elif len(feet):
        crown = float(feet[-1]) - HEADS_TALL * unit
    return Body(crown, crown + unit, 0.0, unit, has_face=False)


def _face_seed(skin: Tensor, evidence: Tensor, unit: float) -> tuple[int, int] | None:
    """A pixel well inside the face: much skin around it, hair near it, high up."""
    around = gaussian_blur(torch.stack([skin, evidence]).float()[None], unit / 4)[0]
    near = gaussian_blur(evidence.float()[None, None], unit / 2)[0, 0]
    depth = torch.arange(skin.shape[0], device=skin.device).float() - float(evidence.any(1).nonzero()[0])
    score = around[0] * near * torch.exp(-0.5 * (depth.clamp_min(0) / unit) ** 2).unsqueeze(1) * skin
    if float(score.max()) < 1e-3:
        return None
    best = score.amax()
    # The mean of equals, so that a mirror changes nothing.
    places = (score >= best * (1 - 1e-4)).nonzero().float().mean(0)
    return round(float(places[0])), round(float(places[1]))


def _profile(skin: Tensor, seed: tuple[int, int]) -> tuple[list[int], int] | None:
    """The width of the skin about the seed's column, row by row without a gap, and the first row."""
    row, column = seed
    if not bool(skin[row, column]):
        return None
    gaps = (~skin).float()
    left = gaps[:, : column + 1].flip(1).cummax(1).values
    right = gaps[:, column:].cummax(1).values
    widths = cast("list[int]", ((1 - left).sum(1) + (1 - right).sum(1)).long().tolist())
    first, last = row, row
    while first > 0 and widths[first - 1] > 0:
        first -= 1
    while last + 1 < len(widths) and widths[last + 1] > 0:
        last += 1
    return widths[first : last + 1], first


def _find_jaw(widths: list[int], first: int, crown: float, unit: float) -> float:
    """The chin's row: where the skin below the cheeks has narrowed, or ends, near where a chin is expected."""
    low, high = crown + JAW[0] * unit, crown + JAW[1] * unit
    cheeks = max((w for i, w in enumerate(widths) if first + i <= low), default=max(widths))
    for i, width in enumerate(widths):
        if first + i >= low and width < JAW_NARROWING * cheeks:
            return min(first + i, high)
    end = first + len(widths)
    return float(end) if low <= end <= high else crown + unit


def _crown(evidence: Tensor, column: float, unit: float) -> float:
    """The top of the hair about the face's column."""
    reach = max(1, round(unit / 2))
    window = evidence[:, max(0, round(column) - reach) : round(column) + reach + 1].any(1).nonzero()
    return float(window[0] if len(window) else evidence.any(1).nonzero()[0])


def union_of(masks: dict[str, Tensor], names: Sequence[str], none: Tensor) -> Tensor:
    """Where any of the named bool masks is; `none` stands for those that are not there."""
    return torch.stack([masks.get(name, none) for name in names]).any(0)


def middle_column(mask: Tensor) -> float:
    """The mean column of the pixels of a bool mask ``[h,w]``, which must have some."""
    return float(mask.nonzero()[:, 1].float().mean())

"""Where a cut puts cloth that the old garment did not cover: over bare arms, over legs, hanging down in one piece."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from ...kernels import label_regions
from ..coverage import Point, cover_polygon
from .cuts import ANKLE, BOTTOMS, CALF, HIP, KNEE, LOWER, MID_THIGH, WAIST, Cut
from .figure import HALF, Figure
from .hull import cover_hull, outer_corners
from .silhouette import grow

# Where the shoulders are: below the chin and beside the middle, in heads.
SHOULDER = (0.35, 0.7)
# How far from the middle cloth above the hip is trunk and not a sleeve, and from where on nobody's sleeve hangs lower.
TRUNK, SLEEVES_END = 0.8, 4.1
# Half the width of a trunk at the hip where nothing tells it, and of a leg at hip and ankle, in heads.
HIP_HALF, LEG_HALF = 0.7, (0.36, 0.2)
# The hip is measured in rows so near to it, and is no wider than this, in heads.
HIP_BAND, MOST_HIP = 0.3, 0.85
# How far from the middle a leg starts at the hip.
HIP_JOINT = 0.36
# A shoe is at least so much of a head squared.
LEAST_SHOE = 0.02


def new_cloth(figure: Figure, cut: Cut, region: str, old: Tensor) -> Tensor:
    """What the cut covers besides the old garment, ``[h,w]``, without looseness; the old one may lie in it.

    old: the garments that go, ``[h,w]``.
    """
    cloth = torch.zeros_like(old, dtype=torch.bool)
    if cut.arms:
        cloth |= (figure.planes["arms"] >= HALF) & _near_shoulders(figure, cut.arms)
    if cut.legs:
        cloth |= _legs(figure, old) >= HALF
    if cut.drapes:
        cloth |= _drape(figure, cut, region, old) >= HALF
    return grow(cloth.float(), cut.width * figure.head)


def _near_shoulders(figure: Figure, heads: float) -> Tensor:
    """What is no farther than so many heads from a shoulder, hanging or raised."""
    height, width = figure.nothing.shape
    down, beside = SHOULDER
    row = figure.body.chin + down * figure.head
    rows = torch.arange(height, device=figure.nothing.device).unsqueeze(1) + HALF - row
    columns = torch.arange(width, device=figure.nothing.device).unsqueeze(0) + HALF - figure.middle(row)
    across = columns.abs() - beside * figure.head
    return rows.square() + across.square() <= (heads * figure.head) ** 2


def _drape(figure: Figure, cut: Cut, region: str, old: Tensor) -> Tensor:
    """The hull of trunk and legs from where the drape starts down to the hem, wider towards the hem by the flare."""
    there = old >= HALF
    rows = torch.arange(old.shape[0], device=old.device).unsqueeze(1) + HALF
    start = figure.level(cut.start)
    hem = figure.level(cut.hem) if cut.hem is not None else _lowest(there, figure.level(WAIST))
    held = there | (figure.any_of("upper", "outer", "dress", "arms") >= HALF if region != LOWER else there)
    trunk = held & _trunk(figure, rows)
    if cut.hem is not None:  # with the old hem nothing but the old garment tells the width
        trunk |= (figure.any_of(*BOTTOMS, "legs", "legwear") >= HALF) & (rows >= figure.level(WAIST))
    trunk &= (rows >= start) & (rows <= hem)
    corners = outer_corners(trunk)
    if not corners:
        return figure.nothing
    return cover_hull([*corners, *_flare(figure, cut, corners, hem)], old)


def _trunk(figure: Figure, rows: Tensor) -> Tensor:
    """Where cloth is no sleeve: near the middle above the hip, everywhere below the hands."""
    levels = cast("list[float]", rows.flatten().tolist())
    middles = torch.tensor([figure.middle(row) for row in levels], device=rows.device).unsqueeze(1)
    columns = torch.arange(figure.nothing.shape[1], device=rows.device).unsqueeze(0) + HALF
    return ((columns - middles).abs() <= TRUNK * figure.head) | (rows >= figure.level(SLEEVES_END))


def _flare(figure: Figure, cut: Cut, corners: list[Point], hem: float) -> list[Point]:
    """Both edges at the hem and at all levels above it where other cuts end: the hip's half width and the flare.

    A longer cut has all the points of a shorter one, and so contains it.
    """
    above = min(figure.level(HIP), (figure.level(WAIST) + hem) / 2)
    if cut.flare == 0 or hem <= above:
        return []
    near = [abs(x - figure.middle(y)) for x, y in corners if abs(y - above) <= HIP_BAND * figure.head]
    half = min(max(near, default=HIP_HALF * figure.head), MOST_HIP * figure.head)
    levels = [level for level in map(figure.level, (MID_THIGH, KNEE, CALF, ANKLE)) if above < level < hem]
    points: list[Point] = []
    for level in (*levels, hem):
        row = min(level, float(figure.nothing.shape[0]))
        reach = half + cut.flare * (row - above)
        points += [(figure.middle(row) - reach, row), (figure.middle(row) + reach, row)]
    return points


def _legs(figure: Figure, old: Tensor) -> Tensor:
    """Bare and stockinged legs down to the feet; where they are hidden, strokes from the hips to the shoes."""
    rows = torch.arange(old.shape[0], device=old.device)
    below = rows >= figure.level(HIP)  # an arm that hangs low may be taken for a leg
    seen = figure.any_of("legs", "legwear") * below.unsqueeze(1)
    ankle = min(figure.level(ANKLE), float(old.shape[0]))
    hidden = (torch.maximum(seen, old) >= HALF).any(1).logical_not() & below & (rows <= ankle)
    if not bool(hidden.any()):
        return seen
    strokes = figure.nothing
    for corners in _strokes(figure, ankle):
        strokes = torch.maximum(
            strokes, cover_polygon(corners, old.shape[0], old.shape[1], 0).to(old.device).clamp(0, 1)
        )
    return torch.maximum(seen, strokes * hidden.unsqueeze(1))


def _strokes(figure: Figure, ankle: float) -> list[list[Point]]:
    """A leg each as a polygon, from the hip joint to a shoe, or straight down where no shoe is seen."""
    hip, head = figure.level(HIP), figure.head
    middle = figure.middle(hip)
    ends = _shoes(figure) or [
        (figure.middle(ankle) - HIP_JOINT * head, ankle), (figure.middle(ankle) + HIP_JOINT * head, ankle),
    ]  # fmt: skip
    strokes: list[list[Point]] = []
    for number, (x, y) in enumerate(ends):
        side = 0.0 if len(ends) == 1 else (-1.0 if number == 0 else 1.0)
        top, wide, narrow = middle + side * HIP_JOINT * head, LEG_HALF[0] * head, LEG_HALF[1] * head
        if len(ends) == 1:
            wide, narrow = 2 * wide, 2 * narrow
        strokes.append([(top - wide, hip), (top + wide, hip), (x + narrow, y), (x - narrow, y)])
    return strokes


def _shoes(figure: Figure) -> list[Point]:
    """Where the shafts of the (at most two) largest shoes begin, from left to right."""
    numbers = label_regions(figure.planes["footwear"] >= HALF)
    found: list[tuple[int, float, float]] = []
    for number in range(1, int(numbers.max()) + 1):
        places = (numbers == number).nonzero().float()
        if len(places) >= LEAST_SHOE * figure.head**2:
            top = places[:, 0].min()
            shaft = places[places[:, 0] <= top + 0.1 * figure.head]
            found.append((len(places), float(shaft[:, 1].mean()) + HALF, float(top)))
    return sorted((x, y) for _, x, y in sorted(found, reverse=True)[:2])


def _lowest(mask: Tensor, default: float) -> float:
    rows = mask.any(1).nonzero()
    return float(rows[-1]) + 1 if len(rows) else default

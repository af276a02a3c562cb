"""One label per garment: the parser's chances for one person, put to the vote within superpixels and among them.

The network judges pixel by pixel, so one coat comes out half outer, half upper. Here superpixels of like colour vote
together, and the few ways to dress (a dress, a top with trousers, ...) compete as hypotheses: each must explain the
chances, pays for every seam between pieces that look alike, and starts with the odds that the training photos give it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from ..color import srgb_to_oklab
from ..kernels import box_mean
from ..tensors import ShapeError
from .color_model import CHROMA_WEIGHT
from .vocabulary import CARRIED_LABELS, GARMENT_LABELS

BODY_LABELS = ("upper", "outer", "dress", "pants", "skirt", "lower")
# How many of the training photos wear what on the body (training/fit_parser_scores.py counts them), and how many wear
# the rest. What was never seen counts as seen once.
BODY_COUNTS = {
    "upper outer pants": 184, "upper pants": 147, "dress": 94, "upper skirt": 66, "outer dress": 55,
    "upper dress": 47, "upper outer skirt": 41, "outer pants": 37, "upper outer dress": 28, "upper outer": 13,
    "outer": 13, "outer skirt": 12, "upper": 7, "dress pants": 6, "upper dress pants": 3, "upper outer pants skirt": 2,
    "pants": 2,
}  # fmt: skip
PRESENCE = {"footwear": 0.95, "legwear": 0.18, "headwear": 0.11, "neckwear": 0.08}
USUAL_PRESENCE = 0.1

# Superpixels along the crop's longer side, and pixels along a superpixel while they form.
CELLS, CELL_PX = 30, 5
SLIC_ROUNDS = 5
# What a cell's width (Achanta et al. call it compactness) and a distance of chances weigh against OKLab distance.
COMPACTNESS, CHANCES_WEIGHT = 0.05, 0.15
# A superpixel with less garment than this share of a cell is haze: it follows, it does not vote.
HAZE = 0.02
# The network is never surer than this against a label.
FLOOR = 0.01
# Pieces are alike within this OKLab distance and near within this share of the root of the garments' area.
ALIKE, NEAR = 0.1, 0.45
# Nats that a piece pays per unit of area whose like and near pieces all bear another label.
SEAM = 3.0
# Neighbouring pixels say much the same: a whole person counts as so many independent looks.
LOOKS = 60.0
# The network has learnt the habits of dress too; counted in full beside its chances they would count twice.
HABIT = 0.5
ROUNDS, SHARPNESS = 8, 2.0
# Nats against a label that a hypothesis rules out: final.
BARRED = 1e4
# Less than this share of the person's garments is a speck; 98 % of the garments that annotators drew are larger.
SMALLEST_SHARE = 0.01
# Fewer garment pixels than this share of the crop are nobody.
NOTHING_SHARE = 0.002
# What a pixel's own odds say against the vote, where the vote changes sides.
OWN_VOICE = 1.0
# The stairs of the superpixels are smoothed by this radius, and the slope made so much steeper again.
STAIR_PX, STEEPNESS = 1, 6
# Bags and accessories must be surer than even somewhere, and score so much to be told. Chosen on the 40 validation
# photos (18 score less, the best has an IoU of 0.10) and 60 training photos (16, 0.16); no others have tried it.
CARRIED_PEAK, CARRIED_SCORE = 0.5, 0.2
# What is on the whole no surer than even to be cloth is haze, such as the stars of a flag; of the 165 garments in the
# validation photos none is less sure than 0.59.
CLOTH = 0.5
# Offset and slopes of the IoU to expect over `mask_evidence`: training/fit_parser_scores.py.
SCORE_LINES = {
    "body": (-1.43, 0.0, 1.49, 0.92), "footwear": (-3.04, 3.9, 0.0, 0.0), "small": (-0.11, 0.0, 0.0, 2.0),
    "carried": (-0.19, 0.48, 0.0, 1.07),
}  # fmt: skip
LEAST_SCORE, MOST_SCORE = 0.02, 0.98


@dataclass(frozen=True)
class Region:
    """One garment. label: canonical. mask: soft ``[h,w]``, 0..1, float32. score: the IoU to be expected, 0..1."""

    label: str
    mask: Tensor
    score: float


@dataclass(frozen=True)
class Pieces:
    """The N superpixels that hold garment.

    mass: ``[N]``, share of all garment, sums to 1. odds: ``[N,L]``, chances of the garment labels, rows sum to 1.
    likeness: ``[N,N]``, symmetric, zero diagonal; rows sum to about the mass. contact: ``[N,N]``, pixels that touch.
    """

    mass: Tensor
    odds: Tensor
    likeness: Tensor
    contact: Tensor


def vote(picture: Tensor, chances: Tensor, classes: Sequence[str]) -> list[Region]:
    """The garments and carried things of one person, in the order of `classes`; possibly none.

    picture: ``[3,h,w]``, 0..1, the person's crop. chances: ``[C,h,w]``, the probability of each of `classes`. The
    garments' masks sum to the probability of garment, whatever was voted, but for haze beside a garment; bags and
    accessories keep their own.
    Raises `ShapeError` where the sizes differ.
    """
    if picture.shape[1:] != chances.shape[1:] or len(chances) != len(classes) or picture.shape[0] != 3:
        raise ShapeError(
            f"picture {tuple(picture.shape)} and chances {tuple(chances.shape)} of {len(classes)} classes do not match."
        )
    chances = chances.float()
    found = dict(_carried(chances, classes))
    numbers = [number for number, name in enumerate(classes) if name in GARMENT_LABELS]
    garments = chances[numbers]
    total = garments.sum(0)
    if numbers and float((total * (total > 0.5)).mean()) >= NOTHING_SHARE:
        names = [classes[number] for number in numbers]
        sides = decide_labels(picture, garments, names)
        masks = {name: side * total for name, side in zip(names, sides, strict=True) if bool((side > 0).any())}
        sure = {name: mask for name, mask in masks.items() if float(mask.square().sum() / mask.sum()) >= CLOTH}
        found |= sure or masks
    order = [name for name in classes if name in found]
    return [Region(name, found[name], expected_iou(name, found[name], chances, classes)) for name in order]


def is_told(region: Region) -> bool:
    """Whether a region is worth telling the user; those that are not still belong to what scores are fitted on."""
    return region.label in GARMENT_LABELS or region.score >= CARRIED_SCORE


def _carried(chances: Tensor, classes: Sequence[str]) -> list[tuple[str, Tensor]]:
    planes = [(name, plane) for name, plane in zip(classes, chances, strict=True) if name in CARRIED_LABELS]
    return [(name, plane) for name, plane in planes if float(plane.max()) > CARRIED_PEAK]


def decide_labels(picture: Tensor, garments: Tensor, names: Sequence[str]) -> Tensor:
    """Which share of each pixel's garment is of which label after the vote, ``[L,h,w]``, sums to 1.

    garments: ``[L,h,w]``, the chances of the labels `names`. Labels that lost are zero everywhere.
    """
    planes, cells = _superpixels(picture, garments)
    pieces, kept = _pieces(planes, cells)
    labels = _absorb_specks(_vote_pieces(pieces, names), pieces)
    used = functional.one_hot(labels, len(names)).amax(0).bool()
    count = int(cells.max()) + 1
    sums = _sums(planes[:-5], cells, count)
    sides = (sums + 1e-9) * used
    sides = sides / sides.sum(1, keepdim=True)
    sides[kept] = functional.one_hot(labels, len(names)).float()
    small = box_mean(sides[cells].permute(2, 0, 1).unsqueeze(0), STAIR_PX)
    wide = functional.interpolate(small, tuple(garments.shape[1:]), mode="bilinear", antialias=True)[0]
    own = (garments / garments.sum(0).clamp_min(1e-9)).clamp_min(FLOOR) ** OWN_VOICE
    mixed = wide**STEEPNESS * own
    return mixed / mixed.sum(0).clamp_min(1e-12)


def _superpixels(picture: Tensor, garments: Tensor) -> tuple[Tensor, Tensor]:
    """Planes ``[L+5,rows,columns]`` (chances, OKLab, place) on a grid of whole cells, and each pixel's superpixel.

    Achanta et al., "SLIC Superpixels Compared to State-of-the-art Superpixel Methods" (2012), on colours and chances.
    """
    height, width = garments.shape[1:]
    cell = max(height, width) / CELLS
    rows, columns = (max(1, round(side / cell)) for side in (height, width))
    size = (rows * CELL_PX, columns * CELL_PX)
    stack = torch.cat([garments, picture.float().clamp(0, 1)]).unsqueeze(0)
    stack = functional.interpolate(stack, size, mode="bilinear", antialias=True)[0]
    colours = srgb_to_oklab(stack[-3:].permute(1, 2, 0).clamp(0, 1)).permute(2, 0, 1)
    colours = colours * colours.new_tensor((1.0, CHROMA_WEIGHT, CHROMA_WEIGHT)).view(3, 1, 1)
    down = (torch.arange(size[0], device=stack.device) + 0.5) / CELL_PX
    across = (torch.arange(size[1], device=stack.device) + 0.5) / CELL_PX
    place = torch.stack(torch.meshgrid(down, across, indexing="ij"))
    planes = torch.cat([stack[:-3], colours, place])
    weights = torch.tensor((CHANCES_WEIGHT,) * len(garments) + (1.0,) * 3 + (COMPACTNESS,) * 2, device=stack.device)
    return planes, _slic(planes * weights.view(-1, 1, 1), rows, columns)


def _slic(planes: Tensor, rows: int, columns: int) -> Tensor:
    """For each pixel of ``[D,rows*CELL_PX,columns*CELL_PX]`` which of ``rows * columns`` centres it belongs to."""
    numbers = torch.arange(rows * columns, device=planes.device).view(1, 1, rows, columns).float()
    home = numbers[0, 0].long().repeat_interleave(CELL_PX, 0).repeat_interleave(CELL_PX, 1)
    near = functional.unfold(functional.pad(numbers, (1, 1, 1, 1), mode="replicate"), 3)[0].long()  # [9,cells]
    blocks = planes.view(len(planes), rows, CELL_PX, columns, CELL_PX).permute(1, 3, 0, 2, 4)
    blocks = blocks.reshape(rows * columns, len(planes), CELL_PX**2)
    cells = home
    for _ in range(SLIC_ROUNDS):
        sizes = torch.bincount(cells.flatten(), minlength=rows * columns).clamp_min(1).unsqueeze(1)
        centres = _sums(planes, cells, rows * columns) / sizes
        around = centres[near.T]  # [cells,9,D]
        apart = around.square().sum(2, keepdim=True) - 2 * around @ blocks  # less what all nine have in common
        members = near.T.gather(1, apart.argmin(1))
        cells = members.view(rows, columns, CELL_PX, CELL_PX).permute(0, 2, 1, 3).reshape(home.shape)
    return cells


def _sums(planes: Tensor, cells: Tensor, count: int) -> Tensor:
    """The sum of each plane over each superpixel, ``[count,D]``."""
    return planes.new_zeros(count, len(planes)).index_add_(0, cells.flatten(), planes.flatten(1).T)


def _pieces(planes: Tensor, cells: Tensor) -> tuple[Pieces, Tensor]:
    """The pieces, and the numbers of their superpixels."""
    count = int(cells.max()) + 1
    total = planes[:-5].sum(0)
    sums = _sums(torch.cat([planes[:-5], planes[-5:] * total, total.unsqueeze(0)]), cells, count)
    kept = (sums[:, -1] > HAZE * CELL_PX**2).nonzero().squeeze(1)
    sums = sums[kept]
    mass = sums[:, -1] / sums[:, -1].sum()
    means = sums[:, :-1] / sums[:, -1:]
    reach = NEAR * float(total.sum()) ** 0.5 / CELL_PX
    colour, place = means[:, -5:-2] / ALIKE, means[:, -2:] / reach
    kernel = torch.exp(-0.5 * (torch.cdist(colour, colour) ** 2 + torch.cdist(place, place) ** 2))
    kernel.fill_diagonal_(0)
    seen = (kernel @ mass).clamp_min(1e-9).rsqrt()
    likeness = (mass * seen).unsqueeze(1) * kernel * (mass * seen)
    return Pieces(mass, means[:, :-5], likeness, _contact(cells, kept, count)), kept


def _contact(cells: Tensor, kept: Tensor, count: int) -> Tensor:
    """How many pixel sides the kept superpixels have in common, ``[N,N]``."""
    index = torch.full((count,), len(kept), device=cells.device).index_copy(
        0, kept, torch.arange(len(kept), device=cells.device)
    )
    plane, side = index[cells], len(kept) + 1
    pairs = torch.cat([
        plane[:, 1:].flatten() * side + plane[:, :-1].flatten(), plane[1:].flatten() * side + plane[:-1].flatten()
    ])  # fmt: skip
    table = torch.bincount(pairs, minlength=side * side).view(side, side)[:-1, :-1].float()
    return (table + table.T).fill_diagonal_(0)


def _vote_pieces(pieces: Pieces, names: Sequence[str]) -> Tensor:
    """The label of each piece, ``[N]``: of the likeliest way to dress, first on the body, then of the small things."""
    body = [number for number, name in enumerate(names) if name in BODY_LABELS]
    rest = [number for number in range(len(names)) if number not in body]
    ways = [[*worn, *rest] for worn in _subsets(body) if worn or not body]
    labels = _likeliest(pieces, names, ways)
    worn = [number for number in body if bool((labels == number).any())]
    return _likeliest(pieces, names, [[*worn, *small] for small in _subsets(rest) if worn or small])


def _subsets(numbers: Sequence[int]) -> list[tuple[int, ...]]:
    return [chosen for size in range(len(numbers) + 1) for chosen in combinations(numbers, size)]


def _likeliest(pieces: Pieces, names: Sequence[str], ways: Sequence[Sequence[int]]) -> Tensor:
    """The labels ``[N]`` under the hypothesis that is likeliest when chances, seams and habits are counted together."""
    allowed = torch.zeros((len(ways), len(names)), device=pieces.mass.device)
    for row, way in zip(allowed, ways, strict=True):
        row[list(way)] = 1
    cost = -pieces.odds.clamp_min(FLOOR).log().unsqueeze(1) + BARRED * (1 - allowed)  # [N,ways,L]
    labels = _settle(cost, pieces.likeness / pieces.mass.unsqueeze(1))
    chosen = functional.one_hot(labels, len(names)).float()
    areas = pieces.mass.view(-1, 1, 1) * chosen
    told = (areas * cost).sum((0, 2))
    agreeing = (chosen * (pieces.likeness @ chosen.flatten(1)).view(chosen.shape)).sum((0, 2))
    seams = (pieces.likeness.sum() - agreeing) / 2
    shares = areas.sum(0)
    worn = cast("list[list[bool]]", (shares >= SMALLEST_SHARE).tolist())
    prior = torch.tensor([_log_prior(row, names) for row in worn], device=cost.device)
    return labels[:, int((HABIT * prior - LOOKS * (told + SEAM * seams)).argmax())]


def _settle(cost: Tensor, around: Tensor) -> Tensor:
    """The label of each piece under each hypothesis, ``[N,ways]``, for costs ``[N,ways,L]``.

    around: ``[N,N]``, how much each piece listens to the others. Mean field inference of a fully connected model
    (Krähenbühl & Koltun, NIPS 2011), made sharper turn by turn.
    """
    beliefs = torch.softmax(-cost, dim=2)
    for turn in range(1, ROUNDS + 1):
        agreement = (around @ beliefs.flatten(1)).view(cost.shape)
        beliefs = torch.softmax(turn / ROUNDS * SHARPNESS * (SEAM * agreement - cost), dim=2)
    return beliefs.argmax(2)


def _log_prior(worn: Sequence[bool], names: Sequence[str]) -> float:
    """The logarithm of the odds to be dressed like this."""
    body = " ".join(name for name in BODY_LABELS if name in names and worn[names.index(name)])
    result = math.log(BODY_COUNTS.get(body, 1) / sum(BODY_COUNTS.values()))
    for name, on in zip(names, worn, strict=True):
        if name not in BODY_LABELS:
            presence = PRESENCE.get(name, USUAL_PRESENCE)
            result += math.log(presence if on else 1 - presence)
    return result


def _absorb_specks(labels: Tensor, pieces: Pieces) -> Tensor:
    """The labels after connected specks have gone over to the label that they touch most.

    What touches nothing goes over only where its label has no place at all; then to the likeliest that has.
    """
    labels = labels.clone()
    region = _connected(labels, pieces.contact)
    sizes = torch.zeros_like(pieces.mass).index_add_(0, region, pieces.mass)
    specks = ((sizes > 0) & (sizes < SMALLEST_SHARE)).nonzero().squeeze(1)
    for number in cast("list[int]", specks[sizes[specks].argsort()].tolist()):
        inside = region == number
        touching = pieces.contact[inside].sum(0) * ~inside
        sums = torch.zeros_like(pieces.odds[0]).index_add_(0, labels, touching)
        if float(sums.max()) > 0:
            labels[inside] = sums.argmax()
    totals = torch.zeros_like(pieces.odds[0]).index_add_(0, labels, pieces.mass)
    small = totals < SMALLEST_SHARE
    return torch.where(small[labels], pieces.odds.masked_fill(small, -1).argmax(1), labels)


def _connected(labels: Tensor, contact: Tensor) -> Tensor:
    """For each piece the smallest number among those of its label that hang together with it."""
    joined = (contact > 0) & (labels.unsqueeze(1) == labels)
    joined.fill_diagonal_(True)
    region = torch.arange(len(labels), device=labels.device)
    while True:
        least = torch.where(joined, region, len(labels)).amin(1)
        least = least[least]
        if torch.equal(least, region):
            return region
        region = least


def expected_iou(label: str, mask: Tensor, chances: Tensor, classes: Sequence[str]) -> float:
    """The IoU to be expected of a region's mask ``[h,w]``: a line over `mask_evidence`."""
    offset, *slopes = SCORE_LINES[score_group(label)]
    evidence = mask_evidence(label, mask, chances, classes)
    line = offset + sum(slope * value for slope, value in zip(slopes, evidence, strict=True))
    return min(max(line, LEAST_SCORE), MOST_SCORE)


def score_group(label: str) -> str:
    """Which labels share a line: there are too few photos of the rare ones."""
    if label in BODY_LABELS:
        return "body"
    return "carried" if label in CARRIED_LABELS else "footwear" if label == "footwear" else "small"


def mask_evidence(label: str, mask: Tensor, chances: Tensor, classes: Sequence[str]) -> tuple[float, float, float]:
    """What tells the worth of a mask, each 0..1: how sure it is cloth, how sure it is this label, and its size.

    The first two are means over the mask, of its values and of the label's share in the chances of all garments; of a
    carried thing the second is 1. The size is the root of its area over that of all garments, at most 1.
    """
    numbers = [number for number, name in enumerate(classes) if name in GARMENT_LABELS]
    garments = chances[numbers].sum(0)
    area = float(mask.sum().clamp_min(1e-9))
    certainty = float((mask * mask).sum()) / area
    share = chances[classes.index(label)] / garments.clamp_min(1e-9)
    agreement = 1.0 if label in CARRIED_LABELS else float((mask * share).sum()) / area
    size = min(1.0, (area / max(float(garments.sum()), 1e-9)) ** 0.5)
    return certainty, min(agreement, 1.0), size

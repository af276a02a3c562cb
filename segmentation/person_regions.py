"""Which pixels of a first look are whom: persons told apart in probabilities, without another look."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import gaussian_blur
from .garments import Box
from .vocabulary import GARMENT_LABELS

# Ground around the person's box, as a share of its longer side: what the labelled photos show.
MARGIN = 0.12
# Width over height of those photos.
FRAME_ASPECT = 2 / 3
# The search for persons works on maps this long: the head of a person at a quarter of the height is still 4 px.
SEARCH_SIDE = 128
# And this high where pictures are long and narrow.
SEARCH_SHORT_SIDE = 64
LEVEL = 0.5
# Persons under this share of the tallest one's height, or this share of the largest one's area, are bystanders.
BYSTANDER_HEIGHT, BYSTANDER_AREA = 0.6, 0.3
# Less than this share of the frame, or of its height, is no person but a speck.
LEAST_AREA, LEAST_HEIGHT = 0.002, 0.08
# Share of a person that is skin, hair or footwear; things that are taken for clothes have less.
LEAST_BODY = 0.03
# Share of a person of whose pixels the parser is sure (beyond `SURE`); noise and clutter waver.
LEAST_SURE, SURE = 0.35, 0.9
# Gaps between pieces of one person, as a share of the larger piece's height: below or above, and beside it.
GAP_BELOW, GAP_BESIDE = 0.1, 0.03
# Smaller pieces than this share of the person are specks, wherever they lie.
LEAST_PIECE = 0.005
# Hair within so many times its own width (the geometric mean of both) is one head's: it may fall left and right of a
# face. Heads of neighbours are two heads apart.
HEAD_APART = 1.7
# Hair is a head's from this share of the largest head's hair on; its middle lies this near the top (in own widths).
HEAD_SHARE, HEAD_DEPTH = 0.12, 1.6
LEAST_HEAD_PX = 3
# Noise falls into many regions; the smaller ones of so many are specks.
MOST_REGIONS = 32
BODY = ("skin", "hair", "footwear", "headwear")
HEAD = ("hair", "headwear")
# Where claims overlap, the mixing zone has this width, as a share of the long side.
CLAIM_BLUR = 0.01


@dataclass(frozen=True)
class Person:
    """box: x0, y0, x1, y1 in pixels, tight around what is visible. frame: the crop to look at again, in pixels.

    share: ``[h,w]`` of the whole picture, 0..1, coarse: how far a pixel is this person's rather than another's; 1
    everywhere where there is nobody else.
    """

    box: Box
    frame: tuple[int, int, int, int]
    share: Tensor


def search_scale(size: Sequence[int]) -> float:
    """By how much a map of `size` is reduced for the search, at most 1."""
    return min(1.0, max(SEARCH_SIDE / max(size), SEARCH_SHORT_SIDE / min(size)))


def persons_in(chances: Tensor, classes: Sequence[str], size: tuple[int, int]) -> list[Person]:
    """The persons that probabilities ``[C,h,w]`` of a whole picture of `size` (H, W) show, in `find_persons`' order.

    Connected pieces are cut between neighbouring heads and joined where the gap is small and only the upper one has a
    head. What shows too little of a body, specks and bystanders are left out: somebody under 0.6 of the height of the
    tallest person is a bystander, as in the photos of the training.
    """
    shrink = search_scale(chances.shape[-2:])
    grid = [max(1, round(side * shrink)) for side in chances.shape[-2:]]
    small = functional.interpolate(chances.unsqueeze(0).float(), grid, mode="bilinear", antialias=True)[0]
    body, head = (small[[i for i, name in enumerate(classes) if name in names]].sum(0) for names in (BODY, HEAD))
    person = 1 - small[0]
    pieces = [part for region in _regions(person > LEVEL) for part in _cut_between_heads(region, head, person)]
    found = [piece for piece in _join_pieces(pieces) if _is_person(piece.mask, person, body)]
    tallest = max((piece.height for piece in found), default=0)
    largest = max((piece.area for piece in found), default=0)
    found = [
        piece
        for piece in found
        if piece.height >= BYSTANDER_HEIGHT * tallest and piece.area >= BYSTANDER_AREA * largest
    ]
    found.sort(key=lambda piece: (-piece.area, piece.box[0], piece.box[1]))
    across, down = size[1] / grid[1], size[0] / grid[0]
    tight = [(x0 * across, y0 * down, x1 * across, y1 * down) for x0, y0, x1, y1 in (piece.box for piece in found)]
    shares = _shares(_claims(torch.stack([piece.mask for piece in found]))) if found else ()
    return [Person(box, frame_of(box, size), share) for box, share in zip(tight, shares, strict=True)]


def head_height(chances: Tensor, classes: Sequence[str]) -> int:
    """The rows that the head takes in the chances ``[C,h,w]`` of one person; 0 where there is none.

    From the first row with hair, hat or skin down to where garments are wider than those: face, neck, some décolleté.
    """
    labels = chances.argmax(0)
    numbers = {name: number for number, name in enumerate(classes)}
    head = [numbers[name] for name in ("skin", *HEAD) if name in numbers]
    worn = [numbers[name] for name in GARMENT_LABELS if name in numbers and name not in HEAD]
    bare, cloth = (torch.isin(labels, torch.tensor(names, device=labels.device)).sum(1) for names in (head, worn))
    rows = bare.nonzero()
    if not len(rows):
        return 0
    top = int(rows[0])
    ends = ((bare < cloth) | (bare == 0))[top:].nonzero()
    return int(ends[0]) if len(ends) else len(bare) - top


def persons_in_boxes(
    boxes: Sequence[Sequence[float]], size: tuple[int, int], *, device: torch.device | None = None
) -> list[Person]:
    """One person per box (pixels of a picture of `size`), in their order.

    Where boxes overlap, a pixel is shared by how near it lies to their middles, in their own widths and heights.
    """
    shrink = search_scale(size)
    height, width = (max(1, round(side * shrink)) for side in size)
    rows = ((torch.arange(height, device=device) + 0.5) * (size[0] / height)).unsqueeze(1)
    columns = (torch.arange(width, device=device) + 0.5) * (size[1] / width)
    claims: list[Tensor] = []
    tight: list[Box] = []
    for box in boxes:
        x0, x1 = (min(max(float(value), 0.0), float(size[1])) for value in (box[0], box[2]))
        y0, y1 = (min(max(float(value), 0.0), float(size[0])) for value in (box[1], box[3]))
        across = (columns - (x0 + x1) / 2) / max(x1 - x0, 1.0)
        down = (rows - (y0 + y1) / 2) / max(y1 - y0, 1.0)
        claims.append(torch.exp(-16 * (across**2 + down**2).clamp_max(4.0)))
        tight.append((x0, y0, x1, y1))
    return [
        Person(box, frame_of(box, size), share) for box, share in zip(tight, _shares(torch.stack(claims)), strict=True)
    ]


def frame_of(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The crop about a box: with its margin, widened or heightened towards 2:3 where the picture of `size` has room."""
    x0, y0, x1, y1 = box
    margin = MARGIN * max(x1 - x0, y1 - y0)
    width, height = x1 - x0 + 2 * margin, y1 - y0 + 2 * margin
    width, height = max(width, height * FRAME_ASPECT), max(height, width / FRAME_ASPECT)
    left, right = _span((x0 + x1) / 2, width, size[1])
    top, bottom = _span((y0 + y1) / 2, height, size[0])
    return left, top, right, bottom


class _Piece:
    """A part of the support: mask ``[h,w]``, its box in map pixels, whether it has a head."""

    def __init__(self, mask: Tensor, *, headed: bool) -> None:
        self.mask, self.headed = mask, headed
        self.area = int(mask.sum())
        rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
        self.box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        self.height = self.box[3] - self.box[1]


def _regions(support: Tensor) -> list[Tensor]:
    """The connected regions (by sides and corners) of a small bool map ``[h,w]`` as bool maps, the largest first."""
    numbers = torch.arange(1, support.numel() + 1, device=support.device, dtype=torch.float32).reshape(support.shape)
    numbers = (numbers * support)[None, None]
    while True:
        spread = numbers
        for _ in range(8):  # comparing costs as much as some steps
            spread = functional.max_pool2d(spread, 3, stride=1, padding=1) * support
        if torch.equal(spread, numbers):
            break
        numbers = spread
    labels = numbers[0, 0][support]
    counts = torch.bincount(labels.long(), minlength=1)
    order = counts.argsort(descending=True, stable=True)[:MOST_REGIONS]
    return [numbers[0, 0] == number for number in order if int(counts[number]) > 0]


def _cut_between_heads(region: Tensor, head: Tensor, person: Tensor) -> list[_Piece]:
    """The region in as many pieces as it has heads, cut along the columns between them that show the least of it."""
    heads = _heads(region, head)
    if len(heads) < 2:
        return [_Piece(region, headed=bool(heads))]
    profile = (person * region).sum(0)
    columns = torch.arange(region.shape[1], device=region.device)
    cuts = [0]
    for left, right in itertools.pairwise(heads):
        between = (columns > left + (right - left) / 4) & (columns < right - (right - left) / 4)
        # The middle wins where columns are equally full.
        cost = profile + profile.mean() * ((columns - (left + right) / 2) / (right - left)) ** 2
        cuts.append(int(torch.where(between, cost, cost.new_full((), math.inf)).argmin()))
    cuts.append(region.shape[1])
    parts = [region & (columns >= start) & (columns < stop) for start, stop in itertools.pairwise(cuts)]
    return [_Piece(part, headed=True) for part in parts if bool(part.any())]


def _heads(region: Tensor, head: Tensor) -> list[float]:
    """The columns of the heads in a region, left to right: hair at its top, well apart."""
    blobs: list[tuple[float, float, float]] = []
    top = torch.where(region.any(0), region.int().argmax(0), region.shape[0])
    for blob in _regions(region & (head > LEVEL)):
        places = blob.nonzero().float().mean(0)
        rows, columns = float(places[0]), float(places[1])
        area = float(blob.sum())
        depth = rows - float(top[max(0, round(columns))])
        if area >= LEAST_HEAD_PX and depth <= HEAD_DEPTH * math.sqrt(area) + 1:
            blobs.append((area, columns, rows))
    kept: list[tuple[float, float]] = []
    for area, column, _ in blobs:  # the largest first
        apart = all(abs(column - other) >= HEAD_APART * (area * size) ** 0.25 for size, other in kept)
        if apart and area >= HEAD_SHARE * blobs[0][0]:
            kept.append((area, column))
    return sorted(column for _, column in kept)


def _join_pieces(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Pieces of one person as one: a headless piece goes to the larger piece it lies under or beside."""
    kept: list[_Piece] = []
    for piece in sorted(pieces, key=lambda piece: -piece.area):
        mates = [i for i, other in enumerate(kept) if _belongs(piece, other)]
        if not mates:
            kept.append(piece)
            continue
        nearest = min(mates, key=lambda i: _gap(piece, kept[i]))
        mate = kept[nearest]
        kept[nearest] = _Piece(mate.mask | piece.mask, headed=mate.headed or piece.headed)
    return kept


def _belongs(piece: _Piece, other: _Piece) -> bool:
    """Whether a piece and a larger one are one person: near each other, and at most one head, with nothing above."""
    if piece.area < LEAST_PIECE * other.area or (piece.headed and other.headed):
        return False
    if (piece.headed and piece.box[1] > other.box[1] + other.height / 4) or (
        other.headed and piece.box[3] <= other.box[1]
    ):
        return False
    beside, below = _gap(piece, other)
    size = max(other.height, piece.height)
    overlap = min(piece.box[2], other.box[2]) - max(piece.box[0], other.box[0])
    if beside == 0 and overlap >= (piece.box[2] - piece.box[0]) / 2:
        return below <= GAP_BELOW * size + 1
    return max(beside, below) <= GAP_BESIDE * size + 1


def _gap(piece: _Piece, other: _Piece) -> tuple[int, int]:
    """Free columns and rows between two boxes."""
    a, b = piece.box, other.box
    return max(0, a[0] - b[2], b[0] - a[2]), max(0, a[1] - b[3], b[1] - a[3])


def _is_person(mask: Tensor, person: Tensor, body: Tensor) -> bool:
    mass = float((person * mask).sum())
    sure = float(((person > SURE) & mask).sum()) >= LEAST_SURE * float(mask.sum())
    rows = mask.any(1).nonzero()
    tall = int(rows[-1] - rows[0]) + 1 >= LEAST_HEIGHT * mask.shape[0]
    return sure and tall and mass >= LEAST_AREA * mask.numel() and float((body * mask).sum()) >= LEAST_BODY * mass


def _claims(masks: Tensor) -> Tensor:
    """How strongly masks ``[N,h,w]`` claim each pixel: fully inside, ever less with the distance."""
    planes = masks.float().unsqueeze(0)
    claims = torch.full_like(planes, 1e-9)
    for octave in range(4):  # four blurs, each twice as wide and a hundredth as strong: the nearest one wins
        claims += gaussian_blur(planes, CLAIM_BLUR * 2**octave * max(masks.shape[-2:])).clamp_min(0) * 100.0**-octave
    return claims[0]


def _shares(claims: Tensor) -> Tensor:
    return claims / claims.sum(0, keepdim=True).clamp_min(1e-30)


def _span(middle: float, length: float, limit: int) -> tuple[int, int]:
    """A stretch of `length` about `middle`, moved into 0..limit where it fits; at least one pixel."""
    length = min(length, float(limit))
    start = min(max(middle - length / 2, 0.0), limit - length)
    first = min(math.floor(start), limit - 1)
    return first, max(first + 1, min(limit, math.ceil(start + length)))

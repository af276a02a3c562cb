"""Who is in a picture and where: persons from a first look of the parser, and a second look at each of them.

The parser has learnt one person, mostly the whole of one, who fills the frame, and labels that person alone. So the
first look only says where persons are and how large their heads; what they wear is read in a second look, from a crop
about each of them, at a scale at which heads are as large as those that the parser knows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .parser import Looker, look
from .person_regions import FRAME_ASPECT, LEVEL, Person, head_height, persons_in, persons_in_boxes, search_scale

# A frame longer than this (long over short side) shows a person too small at once, whatever it shows.
LONGEST_ASPECT = 2.2
# Nobody this high (share of the frame) found: persons may be too small to be seen at once.
CLEAR_HEIGHT = 0.4
# Tiles of this share of a frame's height (two rows that overlap by half) show persons half as large again.
TILE_SHARE = 2 / 3
MOST_TILES = 12
# Persons are looked for again in so many frames, if one of them is smaller than this share of the picture.
MOST_FRAMES = 6
CLOSER_SHARE = 0.6
# How much the first look weighs beside the middle of a closer one.
FIRST_WEIGHT = 0.1
# The first look is a mean over these scales, as shares of that of the training, which trusts the surer ones: bust
# portraits make no sense to the parser at its own scale, and to those who are far away no other one does justice.
FIRST_SCALES, TRUST, LEAST_DOUBT = (1.0, 2 / 3, 5 / 12), 4.0, 1e-2
# Heads (hair, hat, face, down to where clothes are wider) should be this share of the training's long side: on cut
# photos of the validation part, heads of 72 of 384 px serve best from the whole figure to the bust.
HEAD_SHARE_SEEN = 72 / 384
# The second look is a mean over scales about the one that fits, no smaller than this; without a head it is unknown.
LEAST_SCALE, HEADLESS_SCALE = 1 / 3, 2 / 3
# Less than this share of a frame is no head.
LEAST_HEAD = 0.02


@dataclass(frozen=True)
class Sight:
    """What a look around a picture showed. persons: the largest first, equally large ones left to right.

    chances: ``[C,h,w]``, the probabilities of the whole picture over several scales; first: those at the scale of the
    training alone, of the words, or None where nobody needed that. by: whose look it was, where that is not who looks
    again.
    """

    persons: tuple[Person, ...]
    chances: Tensor
    first: Tensor | None
    by: Looker | None = None


@torch.no_grad()
def look_around(
    parser: Looker,
    picture: Tensor,
    *,
    boxes: Sequence[Sequence[float]] = (),
    flip: bool = False,
    check_cancelled: Callable[[], None] = lambda: None,
) -> Sight:
    """The persons in a picture ``[3,H,W]``, 0..1, float32; possibly none.

    boxes: persons that are known (pixels), in their order; nobody else is looked for then. flip: see `look`.
    check_cancelled: called before each look, may raise. Costs one look at several scales (1.6 plain ones), and up to
    `MOST_TILES` plain ones more where persons may be too small to be seen at once: in very long frames and where nobody
    fills two fifths of the height. Where the persons' frames are much smaller than the picture, each of them (at most
    `MOST_FRAMES`) costs as much as the first.
    """
    size = (picture.shape[-2], picture.shape[-1])
    check_cancelled()
    words = look(parser, picture, flip=flip)
    first = parser.understand(words)
    chances = _over_scales(parser, picture, first, flip=flip)
    if boxes:
        return Sight(tuple(persons_in_boxes(boxes, size, device=picture.device)), chances, words, parser)
    persons = persons_in(chances, parser.classes, size)
    # Where there are fewer pixels than the parser sees, crops show nothing new.
    small = _may_be_small(persons, size) and min(size) >= parser.long_side / 4
    looks = _Looks(parser, picture, first if small else chances, flip=flip, check_cancelled=check_cancelled)
    if small:
        persons = looks.closer(tiles_of(size), over_scales=False)
    frames = [person.frame for person in persons[:MOST_FRAMES]]
    if any(_area(frame) < CLOSER_SHARE * size[0] * size[1] for frame in frames):
        # Those who are small are whole figures, which the scale of the training suits.
        again = looks.closer(frames, over_scales=not small)
        # A frame about somebody at the edge may show more of a bus than of him; what only tiles showed must hold.
        persons = again if small or len(again) >= len(persons) else persons
    return Sight(tuple(persons), chances, words, parser)


def _over_scales(parser: Looker, picture: Tensor, first: Tensor, *, flip: bool) -> Tensor:
    """The probabilities over `FIRST_SCALES`; a scale has the more say, the more it sees and the surer it is of that.

    first: the look at the first of these scales; the result has its size.
    """
    size = first.shape[1:]
    sides = [round(parser.long_side * scale) for scale in FIRST_SCALES[1:]]
    others = (parser.understand(look(parser, picture, flip=flip, long_side=side)) for side in sides)
    looks = torch.stack([first, *(_fit(chances, size) for chances in others)])
    somebody = (looks[:, 0] < 1 - LEVEL).float()
    doubt = -(looks * looks.clamp_min(1e-6).log()).sum(1)
    seen = somebody.sum((1, 2)).clamp_min(1e-3)
    trust = seen * ((doubt * somebody).sum((1, 2)) / seen + LEAST_DOUBT) ** -TRUST
    return (looks * (trust / trust.sum()).view(-1, 1, 1, 1)).sum(0)


def _fit(chances: Tensor, size: Sequence[int]) -> Tensor:
    return functional.interpolate(chances.unsqueeze(0), tuple(size), mode="bilinear")[0]


def _may_be_small(persons: Sequence[Person], size: tuple[int, int]) -> bool:
    """Whether there may be persons too small to be seen in one look at the whole frame."""
    long_frame = max(size) > LONGEST_ASPECT * min(size)
    return long_frame or all(person.box[3] - person.box[1] < CLEAR_HEIGHT * size[0] for person in persons)


def _area(frame: tuple[int, int, int, int]) -> int:
    return (frame[2] - frame[0]) * (frame[3] - frame[1])


@torch.no_grad()
def look_again(parser: Looker, picture: Tensor, sight: Sight, person: Person, *, flip: bool = False) -> Tensor:
    """The probabilities of the words ``[W,h,w]`` for a person's frame; what is another person's is background there.

    A mean over some scales about that at which the head is as large as the parser knows heads. What has been looked at
    already, the whole picture at the scale of the training, is not looked at twice.
    """
    size = (picture.shape[-2], picture.shape[-1])
    left, top, right, bottom = person.frame
    crop = picture[:, top:bottom, left:right]
    known = sight.first if tuple(crop.shape[1:]) == size and sight.by in (None, parser) else None
    looks: list[Tensor] = []
    for side in _sides_for(parser, sight, person, size):
        seen = known if side == parser.long_side else None
        looks.append(look(parser, crop, flip=flip, long_side=side) if seen is None else seen)
    finest = max((chances.shape[1:] for chances in looks), key=max)
    return keep_share(torch.stack([_fit(chances, finest) for chances in looks]).mean(0), person, size)


def _sides_for(parser: Looker, sight: Sight, person: Person, size: tuple[int, int]) -> list[int]:
    """The long sides, px, at which to look at a person's frame; different ones, the largest first."""
    if not parser.scales:
        return [parser.long_side]
    left, top, right, bottom = person.frame
    rows, columns = (max(1, round(side * sight.chances.shape[1] / size[0])) for side in (bottom - top, right - left))
    seen = torch.stack([_sample(plane, person.frame, size, (rows, columns)) for plane in sight.chances])
    head = head_height(keep_share(seen, person, size), (sight.by or parser).classes) / max(rows, columns)
    fitting = HEAD_SHARE_SEEN / head if head > LEAST_HEAD else HEADLESS_SCALE
    scales = [min(1.0, max(LEAST_SCALE, factor * min(1.0, fitting))) for factor in parser.scales]
    return sorted({round(parser.long_side * scale) for scale in scales}, reverse=True)


def keep_share(chances: Tensor, person: Person, size: tuple[int, int]) -> Tensor:
    """The chances ``[C,h,w]`` of a person's frame in a picture of `size`, with the rest of the sum as background."""
    share = _sample(person.share, person.frame, size, (chances.shape[-2], chances.shape[-1]))
    kept = chances * share
    kept[0] += 1 - share
    return kept


def _sample(share: Tensor, frame: Sequence[int], size: tuple[int, int], grid: Sequence[int]) -> Tensor:
    """A coarse map of a whole picture, read at the pixels of a map of `grid` of one frame."""
    places: list[Tensor] = []
    for start, stop, length, count in zip(frame[:2], frame[2:], size[::-1], grid[::-1], strict=True):
        steps = (torch.arange(count, device=share.device) + 0.5) / count
        places.append((start + steps * (stop - start)) * (2 / length) - 1)
    points = torch.stack(torch.meshgrid(*places, indexing="xy"), dim=-1).unsqueeze(0)
    read = functional.grid_sample(share[None, None], points, padding_mode="border", align_corners=False)
    return read[0, 0]


def tiles_of(size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """At most `MOST_TILES` overlapping crops (x0, y0, x1, y1) of a picture of `size`, none where they are the picture.

    Very long frames are cut along their long side alone, others into crops of 2:3 in rows.
    """
    height, width = size
    if max(size) > LONGEST_ASPECT * min(size):
        tall = wide = min(size)
        if width > height:
            wide = min(width, max(wide, math.ceil(2 * width / (MOST_TILES + 1))))
        else:
            tall = min(height, max(tall, math.ceil(2 * height / (MOST_TILES + 1))))
    else:
        tall = math.ceil(TILE_SHARE * height)
        wide = min(width, max(round(tall * FRAME_ASPECT), math.ceil(width / (1 + (MOST_TILES // 2 - 1) / 2))))
    return [(left, top, left + wide, top + tall) for top in _starts(height, tall) for left in _starts(width, wide)][
        :MOST_TILES
    ]


def _starts(length: int, tile: int) -> list[int]:
    """Where tiles start that overlap by about half; the last one ends with the picture."""
    count = 1 if tile >= length else max(2, 1 + math.ceil((length - tile) / (tile * 0.5) - 1e-6))
    return [round(i * (length - tile) / max(1, count - 1)) for i in range(count)]


class _Looks:
    """Looks at crops of one picture, put together with the first look at the whole of it."""

    def __init__(
        self, parser: Looker, picture: Tensor, first: Tensor, *, flip: bool, check_cancelled: Callable[[], None]
    ) -> None:
        self.parser, self.picture, self.flip, self.check_cancelled = parser, picture, flip, check_cancelled
        size = picture.shape[-2:]
        scale = min(1.0, 2 * search_scale(size))
        grid = tuple(max(1, round(side * scale)) for side in size)
        self.total = _fit(first, grid) * FIRST_WEIGHT
        self.weights = torch.full_like(self.total[:1], FIRST_WEIGHT)

    def closer(self, crops: Sequence[tuple[int, int, int, int]], *, over_scales: bool) -> list[Person]:
        """The persons in the mean of looks at crops, these and earlier ones; beyond the crops, in the first look.

        Each crop weighs most in its middle, and the first look a little everywhere, so that nothing is cut at borders.
        """
        height, width = self.picture.shape[-2:]
        rows, columns = self.total.shape[-2:]
        for left, top, right, bottom in crops:
            self.check_cancelled()
            crop = self.picture[:, top:bottom, left:right]
            chances = self.parser.understand(look(self.parser, crop, flip=self.flip))
            chances = _over_scales(self.parser, crop, chances, flip=self.flip) if over_scales else chances
            x0, y0 = int(left * columns / width), int(top * rows / height)
            x1, y1 = max(x0 + 1, int(right * columns / width)), max(y0 + 1, int(bottom * rows / height))
            part = functional.interpolate(chances.unsqueeze(0), (y1 - y0, x1 - x0), mode="bilinear", antialias=True)[0]
            down, across = _window(y0, y1, rows, part.device), _window(x0, x1, columns, part.device)
            window = down.unsqueeze(1) * across
            self.total[:, y0:y1, x0:x1] += part * window
            self.weights[:, y0:y1, x0:x1] += window
        return persons_in(self.total / self.weights, self.parser.classes, (height, width))


def _window(start: int, stop: int, length: int, device: torch.device) -> Tensor:
    """Weights ``[stop-start]`` that fall from 1 in the middle to 0 at both ends, but not where the picture ends."""
    places = (torch.arange(stop - start, device=device) + 0.5) / (stop - start)
    before = torch.ones_like(places) if start == 0 else 2 * places
    after = torch.ones_like(places) if stop >= length else 2 * (1 - places)
    return torch.minimum(before, after).clamp_max(1)

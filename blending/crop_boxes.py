"""Where the boxes of a batch of crops lie: each about its own mask, all in one place, or along a calm path."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .crop_sizes import Size
from .stitch import CropBox, inside_frame

FRAME_POLICIES = ("each", "one box", "smooth")
# How far a box may be off the middle of its mask before it must follow, as a share of the room beside the mask: half
# of the surroundings stay on either side.
SLACK = 0.5
# Over so many pictures to either side a turn of the path is evened out, where there is room to.
TURN_FRAMES = 6

_Span = tuple[int, int]


def largest_size(boxes: Sequence[CropBox]) -> Size | None:
    """Width and height that hold every one of the boxes; None where there is none."""
    if not boxes:
        return None
    return max(x1 - x0 for x0, _, x1, _ in boxes), max(y1 - y0 for _, y0, _, y1 in boxes)


def join_boxes(boxes: Sequence[CropBox]) -> CropBox | None:
    """The smallest box that holds all of the boxes; None where there is none."""
    if not boxes:
        return None
    lows, highs = ([box[:2] for box in boxes], [box[2:] for box in boxes])
    return min(x for x, _ in lows), min(y for _, y in lows), max(x for x, _ in highs), max(y for _, y in highs)


def place_boxes(
    boxes: Sequence[CropBox | None], size: Size, wanted: Size, frame: Size, *, frames: str, keep_inside: bool
) -> tuple[CropBox, ...]:
    """For each mask's box, or None for an empty mask, the box of `size` that shows it.

    wanted: how much of that size should be shown about the largest of them. frames: one of `FRAME_POLICIES`; "one box"
    expects boxes that are all the same. keep_inside: boxes are moved inside the frame where they fit, else centred on
    it; otherwise only as far as `wanted` stays within.
    """
    if frames == "smooth":
        starts = [_smooth_starts(boxes, size, frame, axis, keep_inside=keep_inside) for axis in (0, 1)]
    else:
        spans = [box or (0, 0, *frame) for box in boxes]
        rooms = (size[0] - wanted[0], size[1] - wanted[1])
        starts = [
            [
                _start((span[axis], span[axis + 2]), size[axis], frame[axis], None if keep_inside else rooms[axis] // 2)
                for span in spans
            ]
            for axis in (0, 1)
        ]
    return tuple((x, y, x + size[0], y + size[1]) for x, y in zip(*starts, strict=True))


def _start(span: _Span, length: int, frame: int, leeway: int | None) -> int:
    """Where a box of this length begins that is centred on the span and moved inside the frame, by `leeway` at most."""
    start = (span[0] + span[1] - length) // 2
    inside = _into_frame(start, length, frame)
    return inside if leeway is None else min(max(inside, start - leeway), start + leeway)


def _into_frame(start: int, length: int, frame: int) -> int:
    room = frame - length
    return min(max(start, 0), room) if room >= 0 else room // 2


def _smooth_starts(
    boxes: Sequence[CropBox | None], size: Size, frame: Size, axis: int, *, keep_inside: bool
) -> list[int]:
    """Along one axis the calmest places at which the box shows each mask with half of its surroundings, at least."""
    length, limit = size[axis], frame[axis]
    everywhere = (min(0, limit - length), max(0, limit - length))
    tube: list[_Span] = []
    for box in boxes:
        if box is None:
            tube.append(everywhere)
            continue
        middle = (box[axis] + box[axis + 2] - length) // 2
        leeway = max(0, int(SLACK * (length - box[axis + 2] + box[axis]) / 2))
        low, high = middle - leeway, middle + leeway
        if keep_inside:
            low, high = _into_frame(low, length, limit), _into_frame(high, length, limit)
        tube.append((low, high))
    return calm_path(tube)


def calm_path(tube: Sequence[_Span], turn: int = TURN_FRAMES) -> list[int]:
    """One whole number within each span (low, high): still where it can be, else at an even pace, with soft turns.

    The shortest line through the spans (taut string; of all lines it has the least sum of any convex measure of its
    steps: Davies & Kovac, "Local extremes, runs, strings and multiresolution", 2001). Turns are evened out by a running
    mean over up to `turn` spans to either side: drawn through spans narrowed to what all their neighbours allow, the
    line's mean lies within each of them. Where they are too narrow for that, over fewer.
    """
    while turn and not _narrowed(tube, turn):
        turn -= 1
    line = _taut_string(_narrowed(tube, turn))
    last = len(line) - 1
    means = [
        sum(line[min(max(at + step, 0), last)] for step in range(-turn, turn + 1)) / (2 * turn + 1)
        for at in range(len(line))
    ]
    return [min(max(round(mean), low), high) for mean, (low, high) in zip(means, tube, strict=True)]


def _narrowed(tube: Sequence[_Span], turn: int) -> list[_Span]:
    """Each span cut to what the spans around it have in common with it; empty where some have nothing."""
    parts = [tube[max(0, at - turn) : at + turn + 1] for at in range(len(tube))]
    cut = [(max(low for low, _ in part), min(high for _, high in part)) for part in parts]
    return cut if turn == 0 or all(low <= high for low, high in cut) else []


def _taut_string(tube: Sequence[_Span]) -> list[float]:
    """The shortest line through the spans, both of its ends free."""
    at, place = _free_start(tube)
    line = [place] * (at + 1)
    while at < len(tube) - 1:
        turn, goal = _next_turn(tube, at, place)
        line += [place + (goal - place) * step / (turn - at) for step in range(1, turn - at + 1)]
        at, place = turn, goal
    return line


def _free_start(tube: Sequence[_Span]) -> tuple[int, float]:
    """Until which span the line can stand still from the first one on, and where."""
    low, high = tube[0]
    low_at = high_at = 0
    for at, (lowest, highest) in enumerate(tube):
        if lowest > high:
            return high_at, float(high)
        if highest < low:
            return low_at, float(low)
        low, low_at = (lowest, at) if lowest >= low else (low, low_at)
        high, high_at = (highest, at) if highest <= high else (high, high_at)
    # It can all the way: as near to the middles as it goes.
    middle = sum(first + last for first, last in tube) / (2 * len(tube))
    return len(tube) - 1, min(max(middle, float(low)), float(high))


def _next_turn(tube: Sequence[_Span], start: int, place: float) -> tuple[int, float]:
    """Up to which span the line is straight from `start` on, and its place there (the funnel of all straight lines)."""
    low, high = -float("inf"), float("inf")
    low_at = high_at = start
    for at in range(start + 1, len(tube)):
        steps = at - start
        lowest, highest = (tube[at][0] - place) / steps, (tube[at][1] - place) / steps
        if lowest > high:
            return high_at, float(tube[high_at][1])
        if highest < low:
            return low_at, float(tube[low_at][0])
        low, low_at = (lowest, at) if lowest >= low else (low, low_at)
        high, high_at = (highest, at) if highest <= high else (high, high_at)
    if low > 0:
        return low_at, float(tube[low_at][0])
    return (high_at, float(tube[high_at][1])) if high < 0 else (len(tube) - 1, place)


def cut_image(image: Tensor, box: CropBox) -> Tensor:
    """The box of ``[B,H,W,C]``; beyond the frame the border pixels go on."""
    height, width = image.shape[1:3]
    x0, y0, x1, y1 = inside_frame(box, width, height)
    if (x0, y0, x1, y1) == box:
        return image[:, y0:y1, x0:x1]
    rows = torch.arange(box[1], box[3], device=image.device).clamp(0, height - 1)
    columns = torch.arange(box[0], box[2], device=image.device).clamp(0, width - 1)
    return image[:, rows][:, :, columns]


def cut_mask(mask: Tensor, box: CropBox) -> Tensor:
    """The box of ``[B,H,W]``; beyond the frame 0."""
    x0, y0, x1, y1 = inside_frame(box, mask.shape[2], mask.shape[1])
    around = (x0 - box[0], box[2] - x1, y0 - box[1], box[3] - y1)
    part = mask[:, y0:y1, x0:x1]
    return functional.pad(part, around) if any(around) else part

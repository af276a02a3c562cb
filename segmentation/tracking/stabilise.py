"""Masks of a batch of frames that hold still: blended along the motion, drop-outs filled, jumps taken out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from ...kernels import box_mean, support_box
from ...tensors import NOTHING, ShapeError, as_finite_mask, as_image, check_range, match_batch
from . import MOST_FRAMES
from .frames import Frames, reduce_frames
from .motion import inverse_maps, move_part, move_planes, part_of_maps, snap_map

# A frame that shares less than this with what its neighbours say (IoU at the reduced size) is wrong.
LEAST_OVERLAP = 0.5
# A mean difference to the frames' consensus from which a place has nothing to say, and over how large a square of the
# reduced size it is taken: a share of the side of a square as large as the garment.
MOST_DIFFERENCE = 0.4
SQUARE_SHARE = 0.04
# A mean difference of encoded lightness that makes a place say about a third.
LIGHT_DIFFERENCE = 0.15
# A drop-out keeps less than this of the area.
DROPPED = 0.5


@dataclass(frozen=True)
class FrameEvent:
    """What was done about a frame. kind: "filled" (its mask had dropped out), "replaced" (it had jumped) or "cut".

    sources: the frames that it was made of, or of a cut the two frames beside it.
    """

    frame: int
    kind: str
    sources: tuple[int, int]

    def describe(self) -> str:
        """The event in a line, frames counted from 1."""
        before, after = self.sources[0] + 1, self.sources[1] + 1
        if self.kind == "cut":
            return f"cut between frames {before} and {after}: not blended across it"
        why = "its mask had dropped out" if self.kind == "filled" else "its mask had jumped"
        return f"frame {self.frame + 1} {self.kind} from frames {before} and {after}: {why}"


@dataclass(frozen=True)
class Stabilised:
    """Stabilised masks ``[B,H,W]``, what was done, and the flicker before and after.

    flicker: the mean difference of consecutive masks laid on each other along the motion, as a share of the mask's
    area; looked at at a reduced size, and within scenes only.
    """

    mask: Tensor
    events: tuple[FrameEvent, ...] = ()
    flicker_before: float = 0.0
    flicker_after: float = 0.0

    def report(self) -> dict[str, object]:
        """What was done as plain JSON values; frames count from 0."""
        events = [{"frame": one.frame, "kind": one.kind, "sources": list(one.sources)} for one in self.events]
        flicker = {"before": round(self.flicker_before, 5), "after": round(self.flicker_after, 5)}
        return {"frames": len(self.mask), "events": events, "flicker": flicker}


@dataclass
class _Plan:
    """Which frames are wrong and what they are made of, and where scenes end."""

    wrong: dict[int, FrameEvent] = field(default_factory=dict[int, "FrameEvent"])
    cuts: list[FrameEvent] = field(default_factory=list[FrameEvent])


def stabilise_masks(
    mask: Tensor, image: Tensor | None = None, *, window: int = 2, strength: float = 1.0, fill: bool = True,
    reject: bool = True, progress: Callable[[int, int], None] = lambda done, total: None,
    check_cancelled: Callable[[], None] = lambda: None,
) -> Stabilised:  # fmt: skip
    """The masks ``[B,H,W]`` of consecutive frames without flicker, in their dtype and on their device.

    image: the frames ``[B,h,w,C]``, of any one size; they tell motion better than masks do, and where a scene ends.
    window: frames to each side that are blended in, and the longest gap that is filled. strength: how much the other
    frames count; 0 gives the masks back as they are. fill, reject: whether frames whose mask has dropped out, or has
    jumped against the frames before and after it, are made anew of these.

    Each frame is compared with those of its window at a reduced size. Their masks are laid on it along the garment's
    motion, an affine map (`motion.refine_maps`). What most of them say (a weighted median) is the consensus; each
    frame counts where it agrees with it, the less the farther it is in time, so that a real movement, which the frames
    before and after frame in, is not smeared. The masks themselves are blended at full size. Nothing depends on the
    direction of time.

    Memory: the result, one mask of work per frame of the window in the box of the garment, and copies of all frames of
    at most 256 px. check_cancelled is called for each frame and may raise. Raises `ShapeError`, and `RangeError` for
    numbers out of range and masks that are not finite.
    """
    mask = as_finite_mask(mask)
    check_range("window", window, 0, MOST_FRAMES)
    check_range("strength", strength, 0, 1)
    if image is not None:
        image = as_image(image).to(mask.device)
        if len(image) not in (1, len(mask)):
            raise ShapeError(f"image is a batch of {len(image)}, mask of {len(mask)}; give one picture for each mask.")
        mask, image = match_batch([mask, image], ["mask", "image"])
    if strength == 0 or window == 0 or len(mask) == 1:
        return Stabilised(mask)
    frames = reduce_frames(mask, image, int(window), check_cancelled)
    plan = _plan(frames, fill, reject, check_cancelled)
    result = torch.empty_like(mask)
    for index in range(len(mask)):
        check_cancelled()
        result[index] = _stabilise(frames, mask, index, plan, strength)
        progress(index + 1, len(mask))
    after = reduce_frames(result, None, int(window), check_cancelled).masks
    events = sorted([*plan.wrong.values(), *plan.cuts], key=lambda event: event.frame)
    return Stabilised(result, tuple(events), frames.flicker(frames.masks), frames.flicker(after))


def _plan(frames: Frames, fill: bool, reject: bool, check_cancelled: Callable[[], None]) -> _Plan:
    """Frames that neighbours before and after contradict while these agree; of several the least agreeing ones."""
    found: dict[int, tuple[float, FrameEvent]] = {}
    for before in range(frames.count):
        check_cancelled()
        for after in range(before + 2, min(before + frames.window + 2, frames.count)):
            if not frames.agree(before, after) or not frames.agree(after, before):
                continue
            between = range(before + 1, after)
            guesses = [interpolate(frames, index, before, after) for index in between]
            scores = [_overlap(guess, frames.masks[index]) for guess, index in zip(guesses, between, strict=True)]
            if max(scores) >= LEAST_OVERLAP:
                continue
            for index, guess, score in zip(between, guesses, scores, strict=True):
                dropped = float(frames.masks[index].sum()) < DROPPED * float(guess.sum())
                event = FrameEvent(index, "filled" if dropped else "replaced", (before, after))
                known = found.get(index)
                if known is None or after - before < known[1].sources[1] - known[1].sources[0]:
                    found[index] = (score, event)
    wanted = {"filled": fill, "replaced": reject}
    wrong = {
        index: event
        for index, (score, event) in found.items()
        if wanted[event.kind] and all(score < found.get(source, (1.0, event))[0] for source in event.sources)
    }
    # A frame that is made of one that is wrong itself is not to be trusted either.
    wrong = {index: event for index, event in wrong.items() if not set(event.sources) & set(wrong)}
    return _Plan(wrong, _cuts(frames, wrong))


def _cuts(frames: Frames, wrong: dict[int, FrameEvent]) -> list[FrameEvent]:
    right = [index for index in range(frames.count) if index not in wrong]
    cuts: list[FrameEvent] = []
    for before, after in pairwise(right):
        seen = bool(frames.areas[before] > 0) and bool(frames.areas[after] > 0)
        apart = seen and not frames.agree(before, after) and not frames.agree(after, before)
        if frames.scenes[before] != frames.scenes[after] or (apart and after - before <= frames.window + 1):
            cuts.append(FrameEvent(after, "cut", (before, after)))
    return cuts


def interpolate(frames: Frames, index: int, before: int, after: int) -> Tensor:
    """What two frames say of the reduced mask ``[h,w]`` of one between them, the garment going straight on."""
    moved = move_planes(frames.masks[[before, after]].unsqueeze(1), _maps_between(frames, index, before, after))
    share = (index - before) / (after - before)
    return (1 - share) * moved[0, 0] + share * moved[1, 0]


def _maps_between(frames: Frames, index: int, before: int, after: int) -> Tensor:
    share = (index - before) / (after - before)
    forth, back = frames.map_to(before, after), frames.map_to(after, before)
    return inverse_maps(
        torch.cat([part_of_maps(forth.unsqueeze(0), share), part_of_maps(back.unsqueeze(0), 1 - share)])
    )


def _overlap(one: Tensor, other: Tensor) -> float:
    return float(torch.minimum(one, other).sum() / torch.maximum(one, other).sum().clamp(min=1e-6))


def _stabilise(frames: Frames, mask: Tensor, index: int, plan: _Plan, strength: float) -> Tensor:
    """One frame's mask ``[H,W]``, float32."""
    own = mask[index].float()
    event = plan.wrong.get(index)
    if event is not None:
        before, after = event.sources
        share = (index - before) / (after - before)
        maps = frames.refine_by_light(index, (before, after), _maps_between(frames, index, before, after))
        weights = torch.tensor([1 - share, share], device=mask.device).view(2, 1, 1)
        return _blend(torch.zeros_like(own), mask, event.sources, maps, weights, weights.sum(0), 1.0, frames)
    others = [
        other
        for other in range(max(index - frames.window, 0), min(index + frames.window + 1, frames.count))
        if other != index and other not in plan.wrong and frames.agree(index, other)
    ]
    if not others:
        return own
    maps = torch.stack([frames.map_to(index, other) for other in others])
    weights, total = _agreements(frames, index, others, maps)
    return _blend(own, mask, others, maps, weights, total, strength, frames)


def _agreements(frames: Frames, index: int, others: Sequence[int], maps: Tensor) -> tuple[Tensor, Tensor]:
    """How much each of the others counts at each place ``[K,h,w]``, and all together with the frame's own."""
    planes = [frames.masks] if frames.light is None else [frames.masks, frames.light]
    stack = torch.stack([plane[[index, *others]] for plane in planes], 1)
    stack[1:] = move_planes(stack[1:], maps)
    near = torch.tensor([1.0, *(1 - abs(other - index) / (frames.window + 1) for other in others)], device=maps.device)
    consensus = _weighted_median(stack[:, 0], near)
    reach = max(2, round(SQUARE_SHARE * float(frames.areas[index]) ** 0.5))
    apart = box_mean((stack[:, :1] - consensus).abs(), reach)[:, 0]
    agreement = (1 - apart / MOST_DIFFERENCE).clamp(min=0).square()
    if frames.light is not None:
        change = box_mean((stack[:, 1:] - stack[:1, 1:]).abs(), reach)[:, 0]
        agreement = agreement * torch.exp(-((change / LIGHT_DIFFERENCE) ** 2))
    agreement = agreement * near.view(-1, 1, 1)
    # Where nobody agrees the frame itself is what there is.
    return agreement[1:], agreement.sum(0).clamp(min=1e-3)


def _weighted_median(planes: Tensor, weights: Tensor) -> Tensor:
    values, order = planes.sort(0)
    reached = weights[order].cumsum(0) >= weights.sum() / 2
    return values.gather(0, reached.int().argmax(0, keepdim=True))[0]


def _blend(
    own: Tensor, mask: Tensor, others: Sequence[int], maps: Tensor, weights: Tensor, total: Tensor, strength: float,
    frames: Frames,
) -> Tensor:  # fmt: skip
    """The frame's mask moved towards those of the others, laid on it, by their weight's share of the total."""
    height, width = own.shape
    seen = move_planes(frames.masks[list(others)].unsqueeze(1), maps).amax((0, 1))
    box = support_box(torch.maximum(seen, frames.shrink(own)) > NOTHING)
    if box is None:
        return own
    box = frames.enlarge(box, height, width)
    x0, y0, x1, y1 = box
    here = own[y0:y1, x0:x1]
    still = torch.eye(3, device=own.device)[:2]
    change = torch.zeros_like(here)
    for other, theta, weight in zip(others, maps, weights / total, strict=True):
        exact = snap_map(theta, height, width)
        plane = mask[other].float()
        moved = plane[y0:y1, x0:x1] if exact is None else move_part(plane, exact, box, height, width)
        change += move_part(weight, still, box, height, width) * (moved - here)
    result = own.clone()
    result[y0:y1, x0:x1] = here + strength * change
    return result

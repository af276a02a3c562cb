"""Frames at a reduced size: where the garment is in each, how it moves between them, and which agree."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...kernels import gaussian_blur, support_box
from ...tensors import resize_mask
from .motion import find_shifts, identity_maps, largest_shift, move_planes, refine_maps, settle_maps

LONGEST_SIDE = 256
# Two frames agree if their masks share this much (IoU) when laid on each other, if the smaller has this much of the
# larger's area, and if the way is no longer than this share of the garment's diagonal for each frame between them.
LEAST_SHARED, LEAST_AREA, FARTHEST = 0.55, 0.5, 0.25
# Beyond so many frames the way may grow no longer, or both sides of a cut would be taken for one garment under way.
MOST_WAYS = 2
# Below this correlation of their pictures, laid on each other, two frames are of different scenes.
SAME_SCENE = 0.5
# Below this deviation a picture is too flat to tell.
FLAT = 0.01
# What red, green and blue have of lightness: W3C Compositing's Lum.
LIGHTNESS = (0.3, 0.59, 0.11)
# Detail of the picture is what is finer than this, in px of the reduced size, and counts this much beside the mask.
DETAIL_PX, DETAIL_WEIGHT = 8.0, 3.0
# What the mask, which flickers, counts beside the picture, which does not.
MASK_WEIGHT = 0.1
# From so many other frames on it can be told without pictures what of all their motions is this frame's own flicker.
FEWEST_TO_SETTLE = 4
# How far beyond the mask its cloth may be looked at, in px of the reduced size.
AROUND_PX = 2.0


@dataclass
class Frames:
    """All frames at a reduced size; what is asked for twice is kept.

    masks, light: ``[B,h,w]``, float32; light is None without pictures. areas: ``[B]``, in px of the reduced size.
    scenes: the number of the scene of each frame.
    """

    masks: Tensor
    light: Tensor | None
    window: int
    areas: Tensor
    scenes: list[int]
    _maps: dict[int, dict[int, Tensor]] = field(default_factory=dict[int, dict[int, Tensor]])
    _shared: dict[int, dict[int, float]] = field(default_factory=dict[int, dict[int, float]])

    @property
    def count(self) -> int:
        """How many frames there are."""
        return len(self.masks)

    def map_to(self, here: int, other: int) -> Tensor:
        """The map ``[2,3]`` from places in one frame to those of another at most a window and one frame away."""
        self._register(here)
        return self._maps[here][other]

    def agree(self, here: int, other: int) -> bool:
        """Whether both frames show the garment, in one scene, alike and not too far from each other."""
        self._register(here)
        if self._shared[here].get(other, 0.0) < LEAST_SHARED:
            return False
        small, large = sorted((float(self.areas[here]), float(self.areas[other])))
        return small >= LEAST_AREA * large and self._is_near(here, other, self._maps[here][other])

    def refine_by_light(self, here: int, others: Sequence[int], maps: Tensor) -> Tensor:
        """The maps to the others, made better by the pictures alone; as they were where there are none."""
        if self.light is None:
            return maps
        region = move_planes(self.masks[list(others)].unsqueeze(1), maps).mean((0, 1))
        detail = self._detail([here, *others])
        return refine_maps(detail[0], detail[1:], _widen(region), maps)

    def flicker(self, masks: Tensor) -> float:
        """The mean difference of consecutive masks ``[B,h,w]`` laid on each other, as a share of their area."""
        shares: list[float] = []
        for here in range(self.count - 1):
            if self.scenes[here] == self.scenes[here + 1] and bool(masks[here : here + 2].any()):
                known = self.agree(here, here + 1)
                theta = self._maps[here][here + 1] if known else identity_maps(1, masks.device)[0]
                moved = move_planes(masks[here + 1][None, None], theta.unsqueeze(0))[0, 0]
                area = float(masks[here].sum() + moved.sum()) / 2
                shares.append(float((moved - masks[here]).abs().sum()) / max(area, 1e-6))
        return sum(shares) / len(shares) if shares else 0.0

    def shrink(self, plane: Tensor) -> Tensor:
        """A mask ``[H,W]`` at the reduced size."""
        return resize_mask(plane.unsqueeze(0), *self.masks.shape[1:])[0]

    def enlarge(self, box: tuple[int, int, int, int], height: int, width: int) -> tuple[int, int, int, int]:
        """A box of the reduced size at full size, a pixel of the former wider."""
        rows, columns = height / self.masks.shape[1], width / self.masks.shape[2]
        return (
            max(math.floor((box[0] - 1) * columns), 0), max(math.floor((box[1] - 1) * rows), 0),
            min(math.ceil((box[2] + 1) * columns), width), min(math.ceil((box[3] + 1) * rows), height),
        )  # fmt: skip

    def _is_near(self, here: int, other: int, theta: Tensor) -> bool:
        """Whether the garment can have gone so far in the time between."""
        box = support_box(self.masks[here] >= self.masks[here].max() / 2)
        if box is None:
            return False
        way = float(largest_shift(theta.unsqueeze(0), (self.masks.shape[1], self.masks.shape[2])))
        return way <= FARTHEST * math.hypot(box[2] - box[0], box[3] - box[1]) * min(abs(here - other), MOST_WAYS)

    def _register(self, here: int) -> None:
        """Finds the maps to all frames near enough, in one go."""
        if here in self._maps:
            return
        reach = self.window + 1
        others = [
            other
            for other in range(max(here - reach, 0), min(here + reach + 1, self.count))
            if other != here and self.scenes[other] == self.scenes[here]
        ]
        seen = [other for other in others if min(float(self.areas[here]), float(self.areas[other])) > 0]
        still = identity_maps(1, self.masks.device)[0]
        self._maps[here] = dict.fromkeys(others, still)
        self._shared[here] = {}
        if not seen:
            return
        own, masks = self.masks[here], self.masks[seen]
        maps = find_shifts(own, masks)
        planes, weights = masks.unsqueeze(1), torch.ones_like(own).unsqueeze(0)
        template = own.unsqueeze(0)
        if self.light is not None:
            detail = self._detail([here, *seen])
            template, planes = torch.cat([template, detail[0]]), torch.cat([planes, detail[1:]], 1)
            weights = torch.cat([MASK_WEIGHT * weights, _widen(own).unsqueeze(0)])
        maps = refine_maps(template, planes, weights, maps)
        near = [place for place, other in enumerate(seen) if self._is_near(here, other, maps[place])]
        if self.light is None and len(near) >= FEWEST_TO_SETTLE:
            steps = torch.tensor([float(seen[place] - here) for place in near], device=self.masks.device)
            maps[near] = settle_maps(own, masks[near], maps[near], steps)
        moved = move_planes(masks.unsqueeze(1), maps)[:, 0]
        shared = torch.minimum(moved, own).sum((1, 2)) / torch.maximum(moved, own).sum((1, 2)).clamp(min=1e-6)
        self._maps[here].update(zip(seen, maps.unbind(0), strict=True))
        self._shared[here] = dict(zip(seen, map(float, shared), strict=True))

    def _detail(self, indices: Sequence[int]) -> Tensor:
        """The pictures' fine structure ``[K,1,h,w]``, free of slow changes of light."""
        assert self.light is not None
        light = self.light[list(indices)].unsqueeze(1)
        return DETAIL_WEIGHT * (light - gaussian_blur(light, DETAIL_PX))


def reduce_frames(mask: Tensor, image: Tensor | None, window: int, check_cancelled: Callable[[], None]) -> Frames:
    """The frames of masks ``[B,H,W]`` and pictures ``[B,h,w,C]`` or None, no side longer than `LONGEST_SIDE`."""
    count, height, width = mask.shape
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = (max(round(height * scale), 1), max(round(width * scale), 1))
    masks = torch.empty((count, *size), device=mask.device)
    light = torch.empty((count, *size), device=mask.device) if image is not None else None
    for index in range(count):  # one by one: a whole batch in float32 may be more than the memory
        check_cancelled()
        masks[index] = resize_mask(mask[index : index + 1].float().clamp(0, 1), *size)[0]
        if light is not None and image is not None:
            plane = torch.mv(image[index, ..., :3].float().flatten(0, 1), torch.tensor(LIGHTNESS, device=mask.device))
            plane = plane.nan_to_num(0, 0, 0).clamp(0, 1).view(image.shape[1:3])
            light[index] = resize_mask(plane.unsqueeze(0), *size)[0]
    scenes = [0] * count if light is None else _scenes(light)
    return Frames(masks, light, window, masks.sum((1, 2)), scenes)


def _scenes(light: Tensor) -> list[int]:
    """The number of each frame's scene: it changes where the picture does not correlate with the one before."""
    scenes = [0]
    for here in range(len(light) - 1):
        pair = light[here : here + 2]
        same = _correlate(pair - pair.mean((1, 2), keepdim=True))
        scenes.append(scenes[-1] if same else scenes[-1] + 1)
    return scenes


def _correlate(pair: Tensor) -> bool:
    """Whether two planes of mean 0 show the same scene, the camera possibly moved."""
    deviation = pair.square().mean((1, 2)).sqrt()
    if bool((deviation < FLAT).any()):
        return bool((deviation < FLAT).all())
    for maps in (identity_maps(1, pair.device), find_shifts(pair[0], pair[1:])):
        moved = move_planes(pair[1:].unsqueeze(0), maps)[0, 0]
        sizes = (moved.square().sum() * pair[0].square().sum()).sqrt()
        if float((moved * pair[0]).sum() / sizes.clamp(min=1e-6)) >= SAME_SCENE:
            return True
    return False


def _widen(mask: Tensor) -> Tensor:
    return (2 * gaussian_blur(mask[None, None], AROUND_PX)[0, 0]).clamp(max=1)

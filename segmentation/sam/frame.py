"""Which parts of a picture a SAM looks at, and the way between a picture's pixels and those of the encoder's square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ...kernels import box_around
from ..garments import Box

Window = tuple[int, int, int, int]
# Around a garment that is looked at again lies so much of its longer side on each side.
CROP_MARGIN = 0.125
# A second look is worth an encoder run from this gain in resolution on; garments share one that is wider by so much.
LEAST_GAIN, LARGEST_SHARED = 1.2, 1.25


@dataclass(frozen=True)
class Frame:
    """The part `window` (x0 y0 x1 y1 in px, end exclusive) of a picture, in the top left of a square of `side` px.

    cell_px: pixels of the square per pixel of a SAM's masks.
    """

    window: Window
    side: int
    cell_px: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in the square, rounded as segment_anything rounds them."""
        x0, y0, x1, y1 = self.window
        scale = self.side / max(x1 - x0, y1 - y0)
        return max(1, int((y1 - y0) * scale + 0.5)), max(1, int((x1 - x0) * scale + 0.5))

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of the square per pixel of the picture, across and down."""
        x0, y0, x1, y1 = self.window
        height, width = self.size
        return width / (x1 - x0), height / (y1 - y0)

    def fit(self, planes: Tensor) -> Tensor:
        """This part of the planes ``[C,H,W]`` at its size in the square: bilinear, antialiased."""
        x0, y0, x1, y1 = self.window
        part = planes[:, y0:y1, x0:x1].float()
        if tuple(part.shape[1:]) == self.size:
            return part
        return functional.interpolate(part.unsqueeze(0), self.size, mode="bilinear", antialias=True)[0]

    def places(self, places: Tensor) -> Tensor:
        """Places ``[..,2]``, x and y in px of the picture (pixel centres at halves), in px of the square."""
        x0, y0 = self.window[:2]
        return (places - places.new_tensor((x0, y0))) * places.new_tensor(self.scale)

    def cells(self, masks: Tensor) -> Tensor:
        """The share of each cell ``[N,g,g]`` that the masks ``[N,H,W]`` cover; 0 beside the picture."""
        height, width = self.size
        square = functional.pad(self.fit(masks), (0, self.side - width, 0, self.side - height))
        return functional.avg_pool2d(square, self.cell_px)

    def spread(self, planes: Tensor, window: Window) -> Tensor:
        """Planes of cells ``[N,g,g]`` at the picture's pixels inside `window`: ``[N,h,w]``, bilinear."""
        x0, y0, x1, y1 = window
        across, down = self.scale
        rows = self._cell_places(y0, y1, self.window[1], down, planes)
        columns = self._cell_places(x0, x1, self.window[0], across, planes)
        return _sample(_sample(planes, rows, 1), columns, 2)

    def _cell_places(self, first: int, last: int, origin: int, scale: float, like: Tensor) -> Tensor:
        """Which cell, fractions included, lies at each pixel first..last of the picture."""
        pixels = torch.arange(first, last, device=like.device, dtype=torch.float64 if like.is_cpu else torch.float32)
        return ((pixels + 0.5 - origin) * scale / self.cell_px - 0.5).to(like.dtype)


def _sample(planes: Tensor, places: Tensor, axis: int) -> Tensor:
    """The planes at fractional places along an axis: linear between neighbours, the last one beyond the ends."""
    last = planes.shape[axis] - 1
    places = places.clamp(0, last)
    lower = places.floor().long().clamp(max=max(last - 1, 0))
    upper = (lower + 1).clamp(max=last)
    shape = [1] * planes.dim()
    shape[axis] = -1
    return torch.lerp(planes.index_select(axis, lower), planes.index_select(axis, upper), (places - lower).view(shape))


def plan_frames(
    boxes: Sequence[Box], size: tuple[int, int], side: int, *, cell_px: int, reencode_px: int
) -> tuple[list[Frame], list[int]]:
    """The parts of a picture of `size` (H, W) to encode, and for each box the one it is looked for in.

    Boxes with a side longer than `reencode_px` get a part of their own, where the encoder then sees it finer by
    `LEAST_GAIN` at least; neighbours share it, and so does whatever lies within. All else is looked for in the whole.
    """
    height, width = size
    longest = max(height, width)
    groups: list[Box] = []
    # The largest first: the smaller ones then find a crop that holds them.
    for box in sorted(boxes, key=_long_side, reverse=True):
        if _long_side(box) <= reencode_px or longest <= side or not _gains(box, size):
            continue
        for number, group in enumerate(groups):
            both = box_around((box, group))
            wide = _long_side(both) <= LARGEST_SHARED * max(_long_side(box), _long_side(group))
            if wide and _gains(both, size):
                groups[number] = both
                break
        else:
            groups.append(box)
    crops = [_crop(group, size) for group in groups]
    chosen = [_smallest_around(box, crops, size) for box in boxes]
    windows = [crop for crop in crops if crop in chosen]
    if None in chosen:
        windows.insert(0, (0, 0, width, height))
    frames = [Frame(window, side, cell_px) for window in windows]
    return frames, [windows.index(crop) if crop else 0 for crop in chosen]


def _long_side(box: Sequence[float]) -> float:
    return max(box[2] - box[0], box[3] - box[1])


def _gains(box: Box, size: tuple[int, int]) -> bool:
    return _long_side(_crop(box, size)) * LEAST_GAIN <= max(size)


def _crop(box: Box, size: tuple[int, int]) -> Window:
    """The square about a box with its margin, moved into the picture where it fits, else cut."""
    side = round(_long_side(box) * (1 + 2 * CROP_MARGIN))
    height, width = size
    x0 = min(max(round((box[0] + box[2] - side) / 2), 0), max(width - side, 0))
    y0 = min(max(round((box[1] + box[3] - side) / 2), 0), max(height - side, 0))
    return x0, y0, min(x0 + side, width), min(y0 + side, height)


def _smallest_around(box: Box, crops: Sequence[Window], size: tuple[int, int]) -> Window | None:
    """The smallest crop in which a box lies with half its margin, where the picture has one."""
    x0, y0, x1, y1 = grow_box(box, 0.0, CROP_MARGIN / 2 * _long_side(box), size)
    holding = [crop for crop in crops if crop[0] <= x0 and crop[1] <= y0 and x1 <= crop[2] and y1 <= crop[3]]
    return min(holding, key=_long_side, default=None)


def grow_box(box: Box, share: float, least_px: float, size: tuple[int, int]) -> Box:
    """The box grown on each side by a share of that axis, at least some px, cut at the picture of `size` (H, W)."""
    across = max((box[2] - box[0]) * share, least_px)
    down = max((box[3] - box[1]) * share, least_px)
    height, width = size
    x0, y0 = max(box[0] - across, 0.0), max(box[1] - down, 0.0)
    return x0, y0, min(box[2] + across, float(width)), min(box[3] + down, float(height))

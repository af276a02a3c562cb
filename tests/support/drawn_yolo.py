"""A YOLO whose network is set by hand: it finds rectangles of pure red, green and blue, one of each, and their masks.

What it gives is exact for what it is shown, so that every error of a border is one of the way there and back.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hemline.segmentation.yolo.model import Yolo

SCORES = (0.9, 0.8, 0.7)
STEEPNESS = 4.0
BOX = tuple[float, float, float, float]


def draw_rectangles(height: int, width: int, *boxes: BOX | None) -> Tensor:
    """A black picture ``[1,H,W,3]`` with a red, a green and a blue rectangle; pixels partly inside are mixed."""
    image = torch.zeros(1, height, width, 3)
    for channel, box in enumerate(boxes):
        if box is not None:
            inside = rectangle(height, width, box)
            image *= 1 - inside.unsqueeze(-1)
            image[..., channel] += inside
    return image


def rectangle(height: int, width: int, box: BOX) -> Tensor:
    """Its coverage ``[H,W]``."""
    across, down = (
        (torch.arange(size) + 1.0).clamp_max(stop).sub(torch.arange(size).clamp_min(start)).clamp(0, 1)
        for size, start, stop in ((width, box[0], box[2]), (height, box[1], box[3]))
    )
    return down.unsqueeze(1) * across


class DrawnNetwork(nn.Module):
    """The network; see `Yolo` for what its predictions are."""

    def __init__(self, *, masks: bool = True, end_to_end: bool = False) -> None:
        super().__init__()
        self.masks, self.end_to_end = masks, end_to_end
        self.shown: list[tuple[int, ...]] = []

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor | None]:
        self.shown.append(tuple(frames.shape))
        assert bool((frames[..., 0, 0] >= 0).all()) and frames.max() <= 1
        found = [self._find(frame.float()) for frame in frames]
        predictions = torch.stack([rows for rows, _ in found]).to(frames.dtype)
        predictions = predictions if self.end_to_end else predictions.transpose(1, 2)
        return predictions, torch.stack([planes for _, planes in found]).to(frames.dtype) if self.masks else None

    def _find(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        rows, planes = [], []
        for number, score in enumerate(SCORES):
            cover = (frame[number] - frame[(number + 1) % 3]).clamp_min(0)
            corners = _corners(cover)
            there = float(cover.max()) > 0.5
            rows.append(self._row(corners, number, score if there else 0.0))
            planes.append(_distances(corners, frame.shape[1], frame.shape[2]) if there else frame.new_full(
                (frame.shape[1] // 4, frame.shape[2] // 4), -99.0))  # fmt: skip
        return torch.stack(rows), torch.stack(planes)

    def _row(self, corners: Tensor, number: int, score: float) -> Tensor:
        own = torch.eye(3)[number] if self.masks else torch.zeros(0)
        if self.end_to_end:
            return torch.cat([corners, torch.tensor([score, float(number)]), own * STEEPNESS])
        place = torch.cat([(corners[:2] + corners[2:]) / 2, corners[2:] - corners[:2]])
        return torch.cat([place, torch.eye(3)[number] * score, own * STEEPNESS])


def _corners(cover: Tensor) -> Tensor:
    """Edges x0 y0 x1 y1 out of sums, which see fractions of pixels."""
    edges = []
    for axis in (0, 1):
        profile = cover.amax(axis)
        length = profile.sum()
        middle = (profile * (torch.arange(len(profile)) + 0.5)).sum() / length.clamp_min(1e-6)
        edges.append((middle - length / 2, middle + length / 2))
    (left, right), (top, bottom) = edges
    return torch.stack([left, top, right, bottom])


def _distances(corners: Tensor, height: int, width: int) -> Tensor:
    """How far inside the rectangle the middle of each cell of 4 px is, px: bilinear reading of it is exact at edges."""
    x, y = ((torch.arange(size // 4) + 0.5) * 4 for size in (width, height))
    across = torch.minimum(x - corners[0], corners[2] - x)
    down = torch.minimum(y - corners[1], corners[3] - y)
    return torch.minimum(across, down.unsqueeze(1))


def drawn_yolo(
    names: tuple[str, ...] = ("short sleeve top", "trousers", "skirt"), *, masks: bool = True,
    end_to_end: bool = False, long_side: int = 640, **rest: object,
) -> Yolo:  # fmt: skip
    """A YOLO of three classes: what is red, what is green, what is blue."""
    network = DrawnNetwork(masks=masks, end_to_end=end_to_end)
    task = "segment" if masks else "detect"
    return Yolo(network, names, task, long_side=long_side, end_to_end=end_to_end, **rest)

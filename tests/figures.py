"""A drawn person with known masks: what tests and pictures in the documentation use instead of a photo of anybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

FigureBox = tuple[float, float, float, float]
Shape = Callable[[Tensor, Tensor], Tensor]

# Width of a figure over its height.
ASPECT = 0.34
SHIRTS = ((0.72, 0.18, 0.20), (0.16, 0.42, 0.40), (0.80, 0.58, 0.16), (0.42, 0.25, 0.55))
TROUSERS = ((0.15, 0.20, 0.38), (0.22, 0.22, 0.24), (0.20, 0.28, 0.20), (0.10, 0.10, 0.14))
HAIRS = ((0.18, 0.10, 0.06), (0.45, 0.28, 0.12), (0.08, 0.07, 0.08), (0.35, 0.33, 0.32))
SKINS = ((0.90, 0.72, 0.60), (0.72, 0.50, 0.36), (0.45, 0.29, 0.20), (0.82, 0.62, 0.48))
SHOES = (0.36, 0.20, 0.12)
WALL_TOP, WALL_BOTTOM, FLOOR = (0.80, 0.84, 0.87), (0.70, 0.74, 0.78), (0.62, 0.60, 0.57)
FLOOR_LINE = 0.86
GRAIN = 0.008
# Outlines in units of the figure: x from -0.17 to 0.17 about its middle, y from 0 (crown) to 1 (soles).
TORSO = ((-0.035, 0.145), (0.035, 0.145), (0.098, 0.175), (0.088, 0.30), (0.082, 0.36), (0.098, 0.49), (-0.098, 0.49),
         (-0.082, 0.36), (-0.088, 0.30), (-0.098, 0.175))  # fmt: skip
NECKLINE = (0.0, 0.138, 0.03, 0.028)
SLEEVE, SLEEVE_WIDTH = ((0.088, 0.195), (0.122, 0.33), (0.135, 0.445)), 0.026
ARM, ARM_WIDTH = ((0.135, 0.445), (0.138, 0.50)), 0.016
LEG, LEG_WIDTH = ((0.046, 0.50), (0.052, 0.70), (0.056, 0.93)), 0.040
HIPS = ((-0.088, 0.475), (0.088, 0.475), (0.092, 0.56), (0.0, 0.60), (-0.092, 0.56))
SHOE = (0.066, 0.968, 0.048, 0.026)
FACE = (0.0, 0.082, 0.043, 0.060)
HAIR = (0.0, 0.068, 0.057, 0.068)
HAIR_LOCK, HAIR_LOCK_WIDTH = ((0.046, 0.07), (0.052, 0.135)), 0.018
NECK, NECK_WIDTH = ((0.0, 0.11), (0.0, 0.155)), 0.024
EYES = ((-0.017, 0.078, 0.006, 0.004), (0.017, 0.078, 0.006, 0.004))
MOUTH = (0.0, 0.112, 0.013, 0.0035)
LIPS, PUPIL = (0.62, 0.24, 0.24), (0.10, 0.08, 0.08)


def draw_person(
    height: int, width: int, seed: int = 0, boxes: Sequence[FigureBox] | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """A picture ``[1,H,W,3]`` of standing figures before a wall, and the soft masks of what they wear.

    boxes: one figure each, x0 y0 x1 y1 in pixels, may reach out of the picture; without them one figure stands in the
    middle. The masks ``[H,W]`` are "upper", "lower", "footwear", "hair", "skin"; later figures stand in front. `seed`
    chooses colours and grain.
    """
    if boxes is None:
        tall = 0.9 * height
        boxes = [((width - ASPECT * tall) / 2, 0.05 * height, (width + ASPECT * tall) / 2, 0.95 * height)]
    generator = torch.Generator().manual_seed(seed)
    picture = _background(height, width)
    masks = {name: torch.zeros(height, width) for name in ("upper", "lower", "footwear", "hair", "skin")}
    for number, box in enumerate(boxes):
        _draw_figure(picture, masks, box, seed + number)
    picture += GRAIN * torch.randn((3, height, width), generator=generator)
    return picture.clamp(0, 1).permute(1, 2, 0).unsqueeze(0), masks


def _background(height: int, width: int) -> Tensor:
    down = ((torch.arange(height) + 0.5) / height).view(1, -1, 1)
    wall = _colour(WALL_TOP) * (1 - down) + _colour(WALL_BOTTOM) * down
    floor = _colour(FLOOR) * (1.0 + 0.5 * (down - 1))
    return torch.where(down < FLOOR_LINE, wall, floor).expand(3, height, width).clone()


def _draw_figure(picture: Tensor, masks: dict[str, Tensor], box: FigureBox, look: int) -> None:
    """Paints one figure, far parts first; each part takes its pixels from what lies under it."""
    height, width = picture.shape[1:]
    scale = box[3] - box[1]
    x = ((torch.arange(width) + 0.5 - (box[0] + box[2]) / 2) / scale).view(1, -1).expand(height, -1)
    y = ((torch.arange(height) + 0.5 - box[1]) / scale).view(-1, 1).expand(-1, width)
    round_off = (1.06 - 12 * x.abs().clamp(max=0.14) ** 2).clamp(0.7, 1.1)
    shirt_folds = 1 + 0.06 * torch.sin(90 * x + 14 * torch.sin(11 * y)) + 0.04 * torch.sin(75 * y + 20 * x.abs())
    leg_folds = 1 + 0.05 * torch.sin(60 * y + 40 * x) - 0.12 * torch.exp(-(((x.abs() - 0.05) / 0.012) ** 2) / 2)
    skin, hair = SKINS[look % len(SKINS)], HAIRS[look % len(HAIRS)]
    strands = 1 + 0.18 * torch.sin(260 * x + 30 * y)

    def paint(name: str | None, distance: Tensor, colour: Sequence[float], shade: Tensor | float = 1.0) -> None:
        cover = (0.5 - distance * scale).clamp(0, 1)  # one pixel of antialiasing
        picture.copy_(picture * (1 - cover) + (_colour(colour) * shade).clamp(0, 1) * cover)
        for other, mask in masks.items():
            mask.mul_(1 - cover) if name is not None else None
            mask.add_(cover) if other == name else None

    mirror = x.abs()
    picture.mul_(1 - 0.25 * torch.exp(-((x / 0.16) ** 2) - ((y - 0.985) / 0.018) ** 2))  # shadow at the feet
    paint("hair", _ellipse(x, y, HAIR), hair, strands)
    paint("hair", _stroke(mirror, y, HAIR_LOCK, HAIR_LOCK_WIDTH), hair, strands)
    paint("skin", _stroke(mirror, y, ARM, ARM_WIDTH), skin, round_off)
    paint("footwear", _ellipse(mirror, y, SHOE), SHOES, 1 + 4 * (0.965 - y))
    paint("lower", _stroke(mirror, y, LEG, LEG_WIDTH), TROUSERS[look % len(TROUSERS)], leg_folds)
    paint("lower", _polygon(x, y, HIPS), TROUSERS[look % len(TROUSERS)], leg_folds)
    paint("upper", _stroke(mirror, y, SLEEVE, SLEEVE_WIDTH), SHIRTS[look % len(SHIRTS)], shirt_folds * round_off * 0.94)
    paint("upper", _polygon(x, y, TORSO), SHIRTS[look % len(SHIRTS)], shirt_folds * round_off)
    paint("skin", _stroke(x, y, NECK, NECK_WIDTH), skin, 0.88)
    paint("skin", _ellipse(x, y, NECKLINE), skin, 0.92)
    paint("skin", _ellipse(x, y, FACE), skin, 1.04 - 60 * x**2)
    paint("hair", torch.maximum(_ellipse(x, y, HAIR), y - 0.045 - 3 * x**2), hair, strands)
    for eye in EYES:
        paint(None, _ellipse(x, y, eye), PUPIL)
    paint(None, _ellipse(x, y, MOUTH), LIPS)


def _ellipse(x: Tensor, y: Tensor, shape: Sequence[float]) -> Tensor:
    """About the distance to an ellipse (middle x, y, half axes), negative inside."""
    middle_x, middle_y, half_x, half_y = shape
    return (torch.hypot((x - middle_x) / half_x, (y - middle_y) / half_y) - 1) * min(half_x, half_y)


def _stroke(x: Tensor, y: Tensor, points: Sequence[tuple[float, float]], half_width: float) -> Tensor:
    """The distance to a thick line with round ends."""
    nearest = torch.full_like(x, float("inf"))
    for (ax, ay), (bx, by) in pairwise(points):
        along = (((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)).clamp(0, 1)
        nearest = torch.minimum(nearest, torch.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)))
    return nearest - half_width


def _polygon(x: Tensor, y: Tensor, points: Sequence[tuple[float, float]]) -> Tensor:
    """The distance to a polygon's edge, negative inside (even-odd rule)."""
    edge = _stroke(x, y, [*points, points[0]], 0.0)
    inside = torch.zeros_like(x, dtype=torch.bool)
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        if ay != by:
            inside ^= ((y < ay) != (y < by)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return torch.where(inside, -edge, edge)


def _colour(values: Sequence[float]) -> Tensor:
    return torch.tensor(values).view(3, 1, 1)

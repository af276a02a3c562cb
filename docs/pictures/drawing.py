"""Antialiased shapes with light and folds on them: what the drawn people and things are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from hemline.kernels import gaussian_blur

Point = tuple[float, float]
Colour = tuple[float, float, float]
# Shapes are filled at so many times the size, and every curve between two points has so many pieces.
FINER, PIECES = 4, 10
# Light comes from the upper left: how much darker the side turned away is, and how wide that shade, in units.
SHADE, SHADE_WIDTH, LIGHT = 0.26, 0.014, 0.07


@dataclass(frozen=True)
class Fold:
    """A soft line on a shape. strength: how much darker (above 0) or lighter it makes the cloth."""

    points: tuple[Point, ...]
    width: float = 0.006
    strength: float = 0.22


@dataclass(frozen=True)
class Shape:
    """One closed outline in units of the figure, in its colour.

    smooth: a curve through the points; else straight lines. part: what a mask calls it, "" for what belongs to the
    part below. stripe: a second colour in bands of `band` units. shade: how strongly light models it.
    """

    points: tuple[Point, ...]
    colour: Colour
    part: str = ""
    folds: tuple[Fold, ...] = ()
    smooth: bool = True
    stripe: Colour | None = None
    band: float = 0.02
    shade: float = 1.0


@dataclass
class Canvas:
    """A picture ``[3,H,W]`` under work, and a mask ``[H,W]`` of each part that was painted on it."""

    picture: Tensor
    masks: dict[str, Tensor] = field(default_factory=dict[str, Tensor])

    def paint(self, shapes: Sequence[Shape], origin: Point, scale: float) -> None:
        """Paints the shapes, far ones first; origin: where (0, 0) lies, scale: pixels of a unit."""
        for shape in shapes:
            cover = fill(self._place(curve(shape.points, shape.smooth), origin, scale), self.size)
            colour = torch.tensor(shape.colour).view(3, 1, 1).expand_as(self.picture)
            if shape.stripe is not None:
                down = (torch.arange(self.size[0]) + 0.5 - origin[1]) / scale / shape.band
                band = ((torch.sin(down * torch.pi) * 6 + 0.5).clamp(0, 1)).view(1, -1, 1)
                colour = colour * (1 - band) + torch.tensor(shape.stripe).view(3, 1, 1) * band
            lit = (colour * self._light(shape, cover, origin, scale)).clamp(0, 1)
            self.picture = self.picture * (1 - cover) + lit * cover
            if shape.part:
                self.masks = {name: mask * (1 - cover) for name, mask in self.masks.items()}
                self.masks[shape.part] = self.masks.get(shape.part, torch.zeros(self.size)) + cover

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return (self.picture.shape[1], self.picture.shape[2])

    def shadow(self, middle: Point, radius: Point, strength: float) -> None:
        """Darkens what is there by a soft ellipse, in pixels."""
        y, x = (torch.arange(length) + 0.5 for length in self.size)
        near = ((x.view(1, -1) - middle[0]) / radius[0]) ** 2 + ((y.view(-1, 1) - middle[1]) / radius[1]) ** 2
        self.picture = self.picture * (1 - strength * torch.exp(-near))

    def _light(self, shape: Shape, cover: Tensor, origin: Point, scale: float) -> Tensor:
        width = max(1, round(SHADE_WIDTH * scale))
        away = gaussian_blur(torch.roll(cover, (-width, -width), (0, 1)).view(1, 1, *self.size), width)[0, 0]
        toward = gaussian_blur(torch.roll(cover, (width, width), (0, 1)).view(1, 1, *self.size), width)[0, 0]
        light = 1 - shape.shade * (SHADE * (1 - away) - LIGHT * (1 - toward))
        for fold in shape.folds:
            line = self._place(curve(fold.points, True, closed=False), origin, scale)
            soft = stroke(line, fold.width * scale, self.size)
            light = light * (
                1 - 1.8 * fold.strength * gaussian_blur(soft.view(1, 1, *self.size), fold.width * scale)[0, 0]
            )
        return light

    @staticmethod
    def _place(points: Sequence[Point], origin: Point, scale: float) -> list[Point]:
        return [(origin[0] + x * scale, origin[1] + y * scale) for x, y in points]


def mirrored(points: Sequence[Point]) -> tuple[Point, ...]:
    """A right half from top to bottom, closed by its mirror image."""
    return (*points, *((-x, y) for x, y in reversed(points) if abs(x) > 1e-9))


def turned_over(points: Sequence[Point]) -> tuple[Point, ...]:
    """The same on the other side."""
    return tuple((-x, y) for x, y in points)


def curve(points: Sequence[Point], smooth: bool, *, closed: bool = True) -> list[Point]:
    """The points of a Catmull-Rom spline through `points` (centripetal enough at even distances), or themselves."""
    if not smooth:
        return list(points)
    ring = [points[-1], *points, points[0], points[1]] if closed else [points[0], *points, points[-1]]
    steps = np.linspace(0, 1, PIECES, endpoint=False)[:, None]
    found: list[Point] = []
    for number in range(len(ring) - 3):
        before, start, end, after = (np.array(point) for point in ring[number : number + 4])
        bend = 2 * start + (end - before) * steps + (2 * before - 5 * start + 4 * end - after) * steps**2
        found += [(float(x), float(y)) for x, y in (bend + (3 * start - before - 3 * end + after) * steps**3) / 2]
    return found if closed else [*found, points[-1]]


def fill(points: Sequence[Point], size: tuple[int, int]) -> Tensor:
    """Coverage ``[H,W]`` of a closed outline in pixels."""
    return _coverage(size, lambda draw: draw.polygon([(x * FINER, y * FINER) for x, y in points], fill=255))


def stroke(points: Sequence[Point], width: float, size: tuple[int, int]) -> Tensor:
    """Coverage ``[H,W]`` of a line with round ends, `width` pixels thick."""
    radius = width * FINER / 2

    def draw_line(draw: ImageDraw.ImageDraw) -> None:
        for (x0, y0), (x1, y1) in pairwise([(x * FINER, y * FINER) for x, y in points]):
            draw.line((x0, y0, x1, y1), fill=255, width=max(1, round(2 * radius)))
            draw.ellipse((x1 - radius, y1 - radius, x1 + radius, y1 + radius), fill=255)
            draw.ellipse((x0 - radius, y0 - radius, x0 + radius, y0 + radius), fill=255)

    return _coverage(size, draw_line)


def _coverage(size: tuple[int, int], paint: object) -> Tensor:
    large = Image.new("L", (size[1] * FINER, size[0] * FINER))
    paint(ImageDraw.Draw(large))  # type: ignore[operator]
    return torch.from_numpy(np.array(large.reduce(FINER), dtype=np.float32)) / 255

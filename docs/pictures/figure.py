"""Drawn people in clothes of a shop window, as pictures and as masks of what they wear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from . import outlines as out
from .drawing import Canvas, Colour, Point, Shape, turned_over

WALL_TOP, WALL_BOTTOM, FLOOR = (0.90, 0.90, 0.88), (0.80, 0.81, 0.81), (0.70, 0.68, 0.65)
FLOOR_LINE, GRAIN = 0.88, 0.006
SKIN, DARK_SKIN = (0.87, 0.67, 0.54), (0.55, 0.37, 0.27)
HAIR, BLACK_HAIR, FAIR_HAIR = (0.24, 0.14, 0.09), (0.10, 0.08, 0.08), (0.50, 0.30, 0.14)
RED, NAVY, TEAL, PLUM = (0.78, 0.19, 0.20), (0.18, 0.24, 0.40), (0.12, 0.46, 0.45), (0.44, 0.20, 0.38)
WHITE, SAND, INK = (0.93, 0.93, 0.91), (0.76, 0.63, 0.45), (0.19, 0.19, 0.22)
SOLE, EYE_WHITE, PUPIL, LASH, LIPS = (
    (0.80, 0.79, 0.76), (0.97, 0.96, 0.94), (0.22, 0.14, 0.10), (0.12, 0.08, 0.07), (0.72, 0.34, 0.34),
)  # fmt: skip


def person(
    top: Colour = RED, bottom: Colour = NAVY, *, skirt: bool = False, coat: Colour | None = None, skin: Colour = SKIN,
    hair: Colour = HAIR, stripe: Colour | None = None,
) -> list[Shape]:  # fmt: skip
    """A standing figure, far shapes first, from 0 (crown) to 1 (soles)."""
    hands = both(Shape(out.HAND, skin, "skin", out.FINGER))
    return [
        Shape(out.HAIR_BACK, darker(hair, 0.82), "hair", out.STRANDS),
        *(both(Shape(out.SHIN, skin, "skin")) if skirt else ()),
        *both(Shape(out.SHOE, WHITE, "footwear", out.SHOE_LACES)),
        *both(Shape(out.SOLE, SOLE, "footwear", shade=0.5)),
        *([Shape(out.SKIRT, bottom, "skirt", out.PLEATS)] if skirt else both(_leg(bottom))),
        *hands,
        *shirt(top, stripe),
        Shape(out.NECK, darker(skin, 0.90), "skin", out.CHIN_SHADOW),
        Shape(out.COLLAR, darker(top, 0.85), "upper"),
        *(_coat(coat, hands) if coat else ()),
        Shape(out.HEAD, skin, "skin", out.CHEEKS),
        *_face(skin),
        Shape(out.FRINGE, hair, "hair", out.STRANDS),
    ]


def shirt(colour: Colour, stripe: Colour | None) -> list[Shape]:
    """A top by itself."""
    sleeve = Shape(out.SLEEVE, colour, "upper", out.SLEEVE_FOLDS, stripe=stripe)
    return [*both(sleeve), Shape(out.TOP, colour, "upper", out.TOP_FOLDS, stripe=stripe)]


def draw(
    height: int, width: int, people: Sequence[tuple[Sequence[Shape], Point, float]], *, wall: Colour | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """A picture ``[1,H,W,3]`` of people and the soft masks ``[H,W]`` of what they wear.

    people: shapes, where the crown lies, and the height in pixels. wall: one colour instead of a studio with a floor.
    """
    plain = None if wall is None else torch.tensor(wall).view(3, 1, 1).repeat(1, height, width)
    canvas = Canvas(_studio(height, width) if plain is None else plain)
    for shapes, crown, tall in people:
        if wall is None:
            canvas.shadow((crown[0], crown[1] + 0.992 * tall), (0.13 * tall, 0.014 * tall), 0.30)
        canvas.paint(shapes, crown, tall)
    noise = GRAIN * torch.randn(canvas.picture.shape, generator=torch.Generator().manual_seed(1))
    return (canvas.picture + noise).clamp(0, 1).permute(1, 2, 0).unsqueeze(0), canvas.masks


def both(shape: Shape) -> tuple[Shape, Shape]:
    """A shape of the left side, and that of the right side which is given."""
    folds = tuple(replace(fold, points=turned_over(fold.points)) for fold in shape.folds)
    return replace(shape, points=turned_over(shape.points), folds=folds), shape


def darker(colour: Colour, share: float) -> Colour:
    """The colour times a share."""
    red, green, blue = colour
    return red * share, green * share, blue * share


def _leg(colour: Colour) -> Shape:
    return Shape(out.LEG, colour, "pants", out.LEG_FOLDS)


def _coat(colour: Colour, hands: Sequence[Shape]) -> list[Shape]:
    return [
        *both(Shape(out.COAT, colour, "outer", out.COAT_SEAMS)),
        *both(Shape(out.LAPEL, darker(colour, 0.88), "outer", smooth=False)),
        *hands,
        *both(Shape(out.SLEEVE, colour, "outer", out.SLEEVE_FOLDS)),
    ]


def _face(skin: Colour) -> list[Shape]:
    pairs = ((out.EYE, EYE_WHITE), (out.PUPIL, PUPIL), (out.EYELID, LASH), (out.BROW, LASH))
    return [
        *(shape for points, colour in pairs for shape in both(Shape(points, colour, shade=0))),
        Shape(out.NOSE, darker(skin, 0.80), shade=0),
        Shape(out.LIPS, LIPS, shade=0),
    ]


def _studio(height: int, width: int) -> Tensor:
    down = ((torch.arange(height) + 0.5) / height).view(1, -1, 1)
    wall = torch.tensor(WALL_TOP).view(3, 1, 1) * (1 - down) + torch.tensor(WALL_BOTTOM).view(3, 1, 1) * down
    floor = torch.tensor(FLOOR).view(3, 1, 1) * (1 + 0.5 * (down - FLOOR_LINE))
    edge = ((down - FLOOR_LINE) * height / 3 + 0.5).clamp(0, 1)
    return (wall * (1 - edge) + floor * edge).expand(3, height, width).clone()

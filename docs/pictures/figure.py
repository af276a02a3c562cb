"""Drawn people in clothes of a shop window, as pictures and as masks of what they wear."""

from __future__ import annotations

import torch
from torch import Tensor

from .drawing import Canvas, Colour, Fold, Point, Shape, mirrored, turned_over

WALL_TOP, WALL_BOTTOM, FLOOR = (0.90, 0.90, 0.88), (0.80, 0.81, 0.81), (0.70, 0.68, 0.65)
FLOOR_LINE, GRAIN = 0.88, 0.006
SKIN, HAIR = (0.87, 0.67, 0.54), (0.24, 0.14, 0.09)
RED, NAVY, WHITE, INK, SAND = (0.78, 0.19, 0.20), (0.18, 0.24, 0.40), (0.93, 0.93, 0.91), (0.19, 0.19, 0.22), (0.76, 0.63, 0.45)
LASH = (0.12, 0.08, 0.07)
TEAL, PLUM = (0.12, 0.46, 0.45), (0.44, 0.20, 0.38)

HEAD = mirrored(((0, 0.012), (0.030, 0.021), (0.043, 0.052), (0.042, 0.084), (0.034, 0.114), (0.016, 0.133), (0, 0.136)))
HAIR_BACK = mirrored(((0, -0.006), (0.034, 0.000), (0.056, 0.030), (0.062, 0.080), (0.062, 0.130), (0.046, 0.158), (0.024, 0.140), (0, 0.120)))
FRINGE = ((0.004, 0.026), (0.026, 0.036), (0.038, 0.064), (0.044, 0.095), (0.052, 0.070), (0.047, 0.026), (0.026, 0.002),
          (0, -0.004), (-0.026, 0.002), (-0.047, 0.026), (-0.052, 0.070), (-0.044, 0.095), (-0.040, 0.060), (-0.024, 0.040))  # fmt: skip
NECK = mirrored(((0, 0.100), (0.021, 0.105), (0.021, 0.140), (0.037, 0.160), (0.024, 0.182), (0, 0.190)))
TOP = mirrored(((0, 0.180), (0.022, 0.172), (0.036, 0.156), (0.066, 0.171), (0.090, 0.188), (0.088, 0.245), (0.077, 0.310),
                (0.074, 0.350), (0.084, 0.420), (0.088, 0.472), (0.050, 0.478), (0, 0.480)))  # fmt: skip
SLEEVE = ((0.060, 0.170), (0.088, 0.178), (0.108, 0.198), (0.122, 0.250), (0.137, 0.330), (0.152, 0.410), (0.158, 0.450),
          (0.133, 0.456), (0.124, 0.410), (0.106, 0.340), (0.090, 0.275), (0.074, 0.230))  # fmt: skip
HAND = ((0.136, 0.440), (0.156, 0.440), (0.163, 0.470), (0.162, 0.500), (0.154, 0.522), (0.145, 0.520), (0.139, 0.498),
        (0.131, 0.494), (0.130, 0.476))  # fmt: skip
LEG = ((-0.010, 0.450), (0.078, 0.450), (0.090, 0.520), (0.086, 0.620), (0.078, 0.740), (0.076, 0.850), (0.074, 0.930),
       (0.034, 0.932), (0.030, 0.850), (0.024, 0.740), (0.014, 0.620), (0.000, 0.565))  # fmt: skip
SHOE = ((0.040, 0.922), (0.068, 0.922), (0.082, 0.950), (0.090, 0.976), (0.080, 0.990), (0.050, 0.990), (0.036, 0.978),
        (0.036, 0.950))  # fmt: skip
SOLE = ((0.036, 0.976), (0.060, 0.981), (0.090, 0.974), (0.090, 0.986), (0.078, 0.993), (0.050, 0.993), (0.036, 0.988))
COAT = ((0.034, 0.158), (0.068, 0.169), (0.094, 0.186), (0.095, 0.250), (0.089, 0.330), (0.098, 0.440), (0.112, 0.560),
        (0.120, 0.664), (0.075, 0.674), (0.034, 0.670), (0.032, 0.520), (0.033, 0.400), (0.032, 0.290), (0.040, 0.215))  # fmt: skip
LAPEL = ((0.034, 0.152), (0.060, 0.170), (0.057, 0.208), (0.072, 0.222), (0.036, 0.310), (0.033, 0.300), (0.040, 0.215))
SKIRT = mirrored(((0, 0.450), (0.076, 0.450), (0.092, 0.520), (0.106, 0.620), (0.116, 0.690), (0.060, 0.700), (0, 0.702)))
SHIN = ((0.022, 0.640), (0.072, 0.640), (0.070, 0.740), (0.072, 0.800), (0.062, 0.880), (0.060, 0.940), (0.040, 0.940),
        (0.038, 0.880), (0.030, 0.800), (0.030, 0.740))  # fmt: skip


def person(
    top: Colour = RED, bottom: Colour = NAVY, *, skirt: bool = False, coat: Colour | None = None, skin: Colour = SKIN,
    hair: Colour = HAIR, stripe: Colour | None = None,
) -> list[Shape]:
    """A standing figure, far shapes first, from 0 (crown) to 1 (soles)."""
    dark = tuple(0.82 * part for part in hair)
    shapes = [Shape(HAIR_BACK, dark, "hair", _strands())]
    for side in (1, -1):
        shapes.append(Shape(_side(HAND, side), skin, "skin", (Fold(_side(((0.146, 0.500), (0.147, 0.516)), side), 0.002),)))
        if skirt:
            shapes.append(Shape(_side(SHIN, side), skin, "skin"))
        shapes.append(Shape(_side(SHOE, side), WHITE, "footwear", _laces(side)))
        shapes.append(Shape(_side(SOLE, side), (0.80, 0.79, 0.76), shade=0.5))
    if skirt:
        shapes.append(Shape(SKIRT, bottom, "skirt", _pleats()))
    else:
        shapes += [Shape(_side(LEG, side), bottom, "pants", _leg_folds(side)) for side in (-1, 1)]
    sleeves = [Shape(_side(SLEEVE, side), top, "upper", _sleeve_folds(side), stripe=stripe) for side in (-1, 1)]
    shapes += [*sleeves, Shape(TOP, top, "upper", _top_folds(), stripe=stripe)]
    shapes.append(Shape(NECK, tuple(0.90 * part for part in skin), "skin", (Fold(((-0.020, 0.138), (0, 0.150), (0.020, 0.138)), 0.014, 0.30),)))
    collar = ((-0.035, 0.152), (-0.022, 0.174), (0, 0.182), (0.022, 0.174), (0.035, 0.152), (0.042, 0.158), (0.027, 0.183),
              (0, 0.193), (-0.027, 0.183), (-0.042, 0.158))  # fmt: skip
    shapes.append(Shape(collar, tuple(0.85 * part for part in top), "upper"))
    if coat is not None:
        shapes += _coat(coat)
    shapes.append(Shape(HEAD, skin, "skin", (Fold(((-0.022, 0.094), (-0.024, 0.100)), 0.010, 0.06), Fold(((0.022, 0.094), (0.024, 0.100)), 0.010, 0.06))))
    shapes += _face(skin)
    shapes.append(Shape(FRINGE, hair, "hair", _strands()))
    return shapes


def draw(height: int, width: int, people: list[tuple[list[Shape], Point, float]], *, grain: int = 1) -> tuple[Tensor, dict[str, Tensor]]:
    """A picture ``[1,H,W,3]`` of people in a studio and the soft masks ``[H,W]`` of what they wear.

    people: shapes, where the crown lies, and the height in pixels.
    """
    canvas = Canvas(_studio(height, width))
    for shapes, crown, tall in people:
        canvas.shadow((crown[0], crown[1] + 0.992 * tall), (0.13 * tall, 0.014 * tall), 0.30)
        canvas.paint(shapes, crown, tall)
    noise = GRAIN * torch.randn(canvas.picture.shape, generator=torch.Generator().manual_seed(grain))
    return (canvas.picture + noise).clamp(0, 1).permute(1, 2, 0).unsqueeze(0), canvas.masks


def _studio(height: int, width: int) -> Tensor:
    down = ((torch.arange(height) + 0.5) / height).view(1, -1, 1)
    wall = torch.tensor(WALL_TOP).view(3, 1, 1) * (1 - down) + torch.tensor(WALL_BOTTOM).view(3, 1, 1) * down
    floor = torch.tensor(FLOOR).view(3, 1, 1) * (1 + 0.5 * (down - FLOOR_LINE))
    edge = ((down - FLOOR_LINE) * height / 3 + 0.5).clamp(0, 1)
    return (wall * (1 - edge) + floor * edge).expand(3, height, width).clone()


def _side(points: tuple[Point, ...], side: int) -> tuple[Point, ...]:
    return points if side > 0 else turned_over(points)


def _coat(colour: Colour) -> list[Shape]:
    dark = tuple(0.88 * part for part in colour)
    shapes = [Shape(_side(SLEEVE, side), colour, "outer", _sleeve_folds(side)) for side in (-1, 1)]
    for side in (-1, 1):
        seams = (
            (((0.100, 0.470), (0.078, 0.480), (0.062, 0.478)), 0.003, 0.5), (((0.088, 0.330), (0.060, 0.350), (0.040, 0.345)), 0.009, 0.3),
            (((0.080, 0.500), (0.088, 0.580), (0.092, 0.660)), 0.008, 0.3), (((0.056, 0.400), (0.058, 0.520), (0.056, 0.650)), 0.010, -0.16),
            (((0.092, 0.200), (0.086, 0.235), (0.090, 0.262)), 0.006, 0.5),
        )  # fmt: skip
        shapes.append(Shape(_side(COAT, side), colour, "outer", tuple(Fold(_side(line, side), width, dark) for line, width, dark in seams)))
        shapes.append(Shape(_side(LAPEL, side), dark, "outer", smooth=False))
    return shapes


def _face(skin: Colour) -> list[Shape]:
    shapes: list[Shape] = []
    shadow = tuple(0.80 * part for part in skin)
    for side in (1, -1):
        eye = ((0.011, 0.076), (0.018, 0.072), (0.026, 0.076), (0.018, 0.080))
        shapes.append(Shape(_side(eye, side), (0.97, 0.96, 0.94), shade=0))
        shapes.append(Shape(_circle(side * 0.0185, 0.076, 0.0042), (0.22, 0.14, 0.10), shade=0))
        brow = ((0.010, 0.064), (0.019, 0.060), (0.029, 0.065), (0.019, 0.063))
        lid = ((0.009, 0.0765), (0.018, 0.0705), (0.0285, 0.0765), (0.018, 0.0735))
        shapes += [Shape(_side(lid, side), LASH, shade=0), Shape(_side(brow, side), LASH, shade=0)]
    nose = ((-0.002, 0.084), (0.004, 0.097), (0.000, 0.101), (-0.006, 0.100), (0.001, 0.097))
    shapes.append(Shape(nose, shadow, shade=0))
    lips = ((-0.014, 0.113), (-0.005, 0.110), (0, 0.112), (0.005, 0.110), (0.014, 0.113), (0.007, 0.119), (-0.007, 0.119))
    shapes.append(Shape(lips, (0.72, 0.34, 0.34), shade=0))
    return shapes


def _circle(x: float, y: float, radius: float) -> tuple[Point, ...]:
    turns = torch.linspace(0, 2 * torch.pi, 13)[:-1]
    return tuple((x + radius * float(torch.cos(turn)), y + radius * float(torch.sin(turn))) for turn in turns)


def _strands() -> tuple[Fold, ...]:
    return tuple(Fold(((x, 0.004), (1.5 * x, 0.03), (1.9 * x, 0.08), (1.8 * x, 0.15)), 0.004, 0.25 if n % 2 else -0.25) for n, x in enumerate((-0.028, -0.016, -0.004, 0.010, 0.022, 0.031)))


def _laces(side: int) -> tuple[Fold, ...]:
    return tuple(Fold(_side(((0.050, y), (0.070, y + 0.003)), side), 0.0025, 0.30) for y in (0.940, 0.949, 0.958))


def _top_folds() -> tuple[Fold, ...]:
    lines = (
        (((0.070, 0.260), (0.040, 0.290), (0.010, 0.300)), 0.010, 0.20), (((-0.074, 0.255), (-0.050, 0.290), (-0.020, 0.310)), 0.010, 0.20),
        (((0.072, 0.330), (0.030, 0.360), (-0.020, 0.355)), 0.009, 0.18), (((-0.072, 0.345), (-0.040, 0.375), (0.010, 0.390)), 0.010, 0.18),
        (((0.075, 0.400), (0.040, 0.420), (0.000, 0.425)), 0.010, 0.14), (((-0.030, 0.220), (-0.034, 0.300), (-0.026, 0.440)), 0.016, -0.08),
        (((-0.086, 0.455), (0, 0.463), (0.086, 0.455)), 0.0025, 0.30),
    )  # fmt: skip
    return tuple(Fold(*line) for line in lines)


def _sleeve_folds(side: int) -> tuple[Fold, ...]:
    lines = (
        (((0.092, 0.200), (0.084, 0.240), (0.082, 0.262)), 0.008, 0.25), (((0.130, 0.310), (0.112, 0.322), (0.106, 0.316)), 0.006, 0.28),
        (((0.138, 0.345), (0.120, 0.352), (0.110, 0.344)), 0.006, 0.24), (((0.150, 0.420), (0.130, 0.424)), 0.005, 0.20),
        (((0.157, 0.440), (0.132, 0.446)), 0.0025, 0.35), (((0.108, 0.215), (0.124, 0.300), (0.145, 0.410)), 0.006, -0.10),
    )  # fmt: skip
    return tuple(Fold(_side(points, side), width, strength) for points, width, strength in lines)


def _leg_folds(side: int) -> tuple[Fold, ...]:
    lines = (
        (((0.004, 0.540), (0.030, 0.530), (0.060, 0.505)), 0.007, 0.28), (((0.006, 0.556), (0.030, 0.560), (0.050, 0.550)), 0.007, 0.24),
        (((0.056, 0.540), (0.052, 0.700), (0.054, 0.900)), 0.008, -0.14), (((0.030, 0.720), (0.050, 0.735), (0.072, 0.728)), 0.006, 0.26),
        (((0.032, 0.750), (0.052, 0.758), (0.074, 0.748)), 0.006, 0.20), (((0.034, 0.880), (0.054, 0.890), (0.074, 0.882)), 0.006, 0.22),
        (((0.034, 0.915), (0.054, 0.922), (0.074, 0.914)), 0.005, 0.24), (((0.070, 0.470), (0.074, 0.500), (0.066, 0.520)), 0.003, 0.35),
        (((0.010, 0.560), (0.020, 0.640), (0.028, 0.760)), 0.010, 0.22),
    )  # fmt: skip
    return tuple(Fold(_side(points, side), width, strength) for points, width, strength in lines)


def _pleats() -> tuple[Fold, ...]:
    return tuple(Fold(((0.55 * x, 0.470), (0.85 * x, 0.570), (x, 0.695)), 0.006, 0.24 if n % 2 else -0.12) for n, x in enumerate((-0.095, -0.075, -0.050, -0.026, 0.0, 0.026, 0.050, 0.075, 0.097)))

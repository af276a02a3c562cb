"""The drawn photos that the help pages show, and what the shipped parser finds in them."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from .drawing import Canvas
from .figure import BLACK_HAIR, DARK_SKIN, FAIR_HAIR, INK, NAVY, PLUM, RED, SAND, TEAL, WHITE, draw, person, shirt
from .panels import call

HEIGHT, WIDTH = 720, 440
TALL, CROWN = 630, (220, 45)
# Upper body and hips, rows and columns.
BUST = (slice(30, 400), slice(60, 380))


@functools.cache
def sweater() -> tuple[Tensor, dict[str, Tensor]]:
    """A red sweater and blue trousers: picture ``[1,H,W,3]`` and drawn masks ``[H,W]``."""
    return draw(HEIGHT, WIDTH, [(person(RED, NAVY), CROWN, TALL)])


@functools.cache
def coat() -> tuple[Tensor, dict[str, Tensor]]:
    """An open coat over a striped top."""
    return draw(HEIGHT, WIDTH, [(person(WHITE, INK, coat=SAND, hair=FAIR_HAIR, stripe=NAVY), CROWN, TALL)])


@functools.cache
def skirt() -> tuple[Tensor, dict[str, Tensor]]:
    """A green top and a skirt."""
    return draw(HEIGHT, WIDTH, [(person(TEAL, SAND, skirt=True, skin=DARK_SKIN, hair=BLACK_HAIR), CROWN, TALL)])


@functools.cache
def pair() -> tuple[Tensor, dict[str, Tensor]]:
    """Two people beside each other."""
    right = person(PLUM, INK, skin=DARK_SKIN, hair=BLACK_HAIR)
    return draw(560, 600, [(person(RED, NAVY), (170, 40), 480), (right, (430, 60), 462)])


@functools.cache
def found(scene: Any) -> dict[str, Any]:
    """What Detect Garments says of a scene."""
    return call("HemlineDetectGarments", image=scene()[0], what="garments")


def only(scene: Any, *labels: str) -> Tensor:
    """The mask ``[1,H,W]`` of garments that the parser found."""
    return call("HemlineSelectGarments", garments=found(scene)["garments"], labels=", ".join(labels))["mask"]


def drawn(scene: Any, *parts: str) -> Tensor:
    """The mask ``[1,H,W]`` of what was painted, exact to the pixel."""
    masks = scene()[1]
    return torch.stack([masks[part] for part in parts]).sum(0).clamp(0, 1).unsqueeze(0)


def bust(picture: Tensor) -> Tensor:
    """The upper body out of a picture ``[H,W,3]``."""
    return picture[BUST]


def shirt_on_white(height: int = 480, width: int = 400) -> tuple[Tensor, Tensor]:
    """A striped shirt lying by itself, ``[1,H,W,3]``, and its mask ``[1,H,W]``."""
    canvas = Canvas(torch.ones(3, height, width))
    canvas.paint(shirt(WHITE, TEAL), (width / 2, -0.12 * 1150), 1150)
    return canvas.picture.movedim(0, -1).unsqueeze(0), canvas.masks["upper"].unsqueeze(0).clamp(0, 1)


def pattern(height: int, width: int) -> Tensor:
    """A cloth of dots, ``[1,H,W,3]``: for layers and for what a model might paint."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    shifted = x + 22 * ((y // 44) % 2)
    away = torch.hypot(shifted % 44 - 22, y % 44 - 22)
    dot = (11 - away).clamp(-0.5, 0.5).add(0.5).unsqueeze(-1)
    return (torch.tensor((0.20, 0.33, 0.55)) * (1 - dot) + torch.tensor((0.96, 0.80, 0.42)) * dot).unsqueeze(0)

"""Strokes and the masks that they give: what `tests/golden/strokes.json` freezes for Python and for the browser."""

from __future__ import annotations

import base64
import random
from typing import Any

import torch
from torch import Tensor

from hemline.segmentation.strokes.raster import apply_strokes
from hemline.segmentation.strokes.text import BRUSHES, UNIT, Edit, Stroke, format_strokes, parse_strokes

HEIGHT, WIDTH = 40, 56


def at(*shares: float) -> tuple[tuple[int, int], ...]:
    """Points of shares x, y, x, y and so on."""
    return tuple((round(x * UNIT), round(y * UNIT)) for x, y in zip(shares[::2], shares[1::2], strict=True))


CASES: dict[str, tuple[Stroke, ...]] = {
    "hard dot": (Stroke("brush", at(0.3, 0.45), radius=1500),),
    "hard line erased": (Stroke("brush", at(0.1, 0.2, 0.9, 0.35, 0.4, 0.8), erase=True, radius=600),),
    "soft line": (Stroke("brush", at(0.1, 0.9, 0.5, 0.1, 0.9, 0.9), radius=2500, hardness=20),),
    "thin line": (Stroke("brush", at(0.05, 0.1, 0.95, 0.83), radius=50),),
    "half opaque": (Stroke("brush", at(0.2, 0.2, 0.8, 0.8, 0.8, 0.2), radius=900, opacity=45, hardness=70),),
    "pressure": (Stroke("brush", at(0.1, 0.5, 0.5, 0.4, 0.9, 0.5), radius=2000, pressure=(10, 100, 35)),),
    "beyond the frame": (Stroke("brush", at(-0.4, -0.3, 1.5, 1.4), radius=1200),),
    "lasso": (Stroke("lasso", at(0.2, 0.2, 0.8, 0.1, 0.9, 0.7, 0.5, 0.45, 0.1, 0.9)),),
    "crossing polygon erased": (Stroke("polygon", at(0.1, 0.1, 0.9, 0.9, 0.9, 0.1, 0.1, 0.9), erase=True, opacity=80),),
    "fill one hole of two": (
        Stroke("brush", at(0.4, 0.5), erase=True, radius=1200), Stroke("brush", at(0.68, 0.5), erase=True, radius=1200),
        Stroke("fill", at(0.4, 0.5)),
    ),
    "remove one island of two": (
        Stroke("brush", at(0.08, 0.15), radius=900), Stroke("brush", at(0.08, 0.8), radius=900),
        Stroke("fill", at(0.08, 0.15), erase=True),
    ),
    "smart line along an edge": (Stroke("smart", at(0.36, 0.1, 0.3, 0.5, 0.42, 0.95), radius=2600, hardness=90),),
    "smart dot erased": (Stroke("smart", at(0.6, 0.55), erase=True, radius=3000, opacity=80),),
    "smart line with pressure": (Stroke("smart", at(0.1, 0.2, 0.9, 0.3), radius=2000, pressure=(40, 100)),),
    "empty, drawn anew, inverted": (Stroke("clear"), Stroke("brush", at(0.5, 0.5), radius=3000), Stroke("invert")),
}  # fmt: skip


def base_mask(height: int = HEIGHT, width: int = WIDTH) -> Tensor:
    """A soft disc in whole 255ths, ``[1,H,W]``."""
    x = (torch.arange(width) + 0.5) / width - 0.55
    y = ((torch.arange(height) + 0.5) / height - 0.5).unsqueeze(1)
    return ((0.45 - torch.hypot(x, y)) * 8).clamp(0, 1).mul(255).round().div(255).unsqueeze(0)


def base_picture(height: int = HEIGHT, width: int = WIDTH, seed: int = 0) -> Tensor:
    """A slanted border between two shaded, grainy colours, in whole 255ths, ``[1,H,W,3]``."""
    x = (torch.arange(width) + 0.5) / width
    y = ((torch.arange(height) + 0.5) / height).unsqueeze(1)
    side = ((x + 0.2 * y - 0.55) * width).clamp(0, 1).unsqueeze(-1)
    colours = torch.tensor([0.2, 0.35, 0.6]) * (1 - side) + torch.tensor([0.75, 0.7, 0.55]) * side
    grain = torch.rand(height, width, 3, generator=torch.Generator().manual_seed(seed)) - 0.5
    shaded = colours + 0.1 * (y.unsqueeze(-1) - 0.5) + 0.06 * grain
    return shaded.clamp(0, 1).mul(255).round().div(255).unsqueeze(0)


def describe_strokes() -> dict[str, Any]:
    """The mask and the picture, and by case the text of its strokes and the mask that they give; bytes in base64."""
    base, picture = base_mask(), base_picture()
    cases = {
        name: {"strokes": format_strokes(Edit(strokes)), "mask": encode(apply_strokes(base, strokes, picture))}
        for name, strokes in CASES.items()
    }
    sizes = {"width": WIDTH, "height": HEIGHT}
    return {**sizes, "mask": encode(base), "picture": encode(picture), "cases": cases}


def encode(mask: Tensor) -> str:
    """A mask ``[1,H,W]`` or picture ``[1,H,W,3]`` in levels of 8 bits."""
    return base64.b64encode(mask[0].mul(255).round().byte().numpy().tobytes()).decode()


def decode(text: str, *size: int) -> Tensor:
    """What `encode` was given, of a mask's or picture's size."""
    levels = torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
    return levels.reshape(1, *size).float() / 255


def random_edit(seed: int, count: int = 12) -> str:
    """The text of an edit with strokes of every tool but fill, whose region may hang on the last bit of a pixel."""
    rng = random.Random(seed)
    strokes: list[Stroke] = []
    for _ in range(count):
        tool = rng.choice(("brush", "brush", "smart", "lasso", "polygon", "invert"))
        number = {"brush": rng.randint(1, 12), "smart": rng.randint(1, 5), "invert": 0}.get(tool, rng.randint(3, 12))
        points = tuple((rng.randint(-3000, UNIT + 3000), rng.randint(-3000, UNIT + 3000)) for _ in range(number))
        pressure = tuple(rng.randint(0, 100) for _ in points) if tool in BRUSHES and rng.random() < 0.4 else ()
        radius = round(10 ** rng.uniform(0.5, 3.7))
        strokes.append(
            Stroke(tool, points, rng.random() < 0.4, radius, rng.randint(0, 100), rng.randint(20, 100), pressure)
        )
    return format_strokes(Edit(tuple(strokes)))


def in_python(text: str, height: int, width: int) -> Tensor:
    """What Python makes of `base_mask` over `base_picture` with the edit, ``[1,H,W]``."""
    return apply_strokes(base_mask(height, width), parse_strokes(text).strokes, base_picture(height, width))

"""What every blend mode makes of a few pixels: the contract that `tests/golden/blend_modes.json` freezes."""

from __future__ import annotations

from typing import Any

import torch

from hemline.blending.composite import blend_images
from hemline.blending.modes import BLEND_MODES

# Branches of the formulas lie at 0, 1/4, 1/2 and 1; the rest are colours of skin, cloth, sky.
BACKDROPS = (
    (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.0, 0.5, 1.0), (0.25, 0.5, 0.75), (0.9, 0.72, 0.6), (0.1, 0.15, 0.4),
    (0.5, 0.5, 0.5), (0.8, 0.1, 0.3),
)  # fmt: skip
SOURCES = (
    (1.0, 0.0, 0.5), (0.0, 1.0, 0.5), (0.3, 0.3, 0.3), (0.75, 0.5, 0.25), (0.2, 0.6, 0.9), (0.95, 0.85, 0.05),
    (0.5, 0.1, 0.9), (0.4, 0.6, 0.2),
)  # fmt: skip
ALPHAS = ((1.0, 1.0), (0.5, 0.75))
DIGITS = 5


def pixel_pairs() -> tuple[torch.Tensor, torch.Tensor]:
    """Base and layer ``[1,2,8,4]``: a row of opaque pixels and one with alpha."""
    rows = [
        [[[*colour, alpha] for colour in colours] for alpha in alphas]
        for colours, alphas in zip((BACKDROPS, SOURCES), zip(*ALPHAS, strict=True), strict=True)
    ]
    return torch.tensor(rows[:1]), torch.tensor(rows[1:])


def describe_modes() -> dict[str, Any]:
    """By mode: the blended pixels, ``[row][pixel]`` of R G B A."""
    base, layer = pixel_pairs()
    return {
        name: [
            [" ".join(f"{value + 0.0:.{DIGITS}f}" for value in pixel) for pixel in row]
            for row in blend_images(base, layer, mode=name)[0].tolist()
        ]
        for name in BLEND_MODES
    }

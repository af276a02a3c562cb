"""The plugin's own tests; they need torch, and neither Hemline nor a host: python -m pytest."""

from __future__ import annotations

import torch
from hemline_example_plugin import halftone_dots, quadratic_mean, split_tone


def test_the_quadratic_mean_keeps_equal_colours_and_is_never_darker_than_the_average() -> None:
    backdrop, source = torch.rand(64, 3), torch.rand(64, 3)
    assert torch.allclose(quadratic_mean(backdrop, backdrop), backdrop)
    assert (quadratic_mean(backdrop, source) >= (backdrop + source) / 2 - 1e-6).all()


def test_darker_pictures_get_larger_dots() -> None:
    areas = [float(halftone_dots(torch.full((1, 60, 60, 3), value)).mean()) for value in (0.9, 0.5, 0.1)]
    assert areas[0] < areas[1] < areas[2]


def test_split_tone_warms_lights_cools_shadows_and_leaves_alpha() -> None:
    image = torch.tensor([[[[0.8, 0.8, 0.8, 0.5], [0.2, 0.2, 0.2, 0.5]]]])
    light, shadow = split_tone(image)[0, 0]
    assert light[0] > light[2] and shadow[0] < shadow[2] and torch.equal(image[..., 3], split_tone(image)[..., 3])

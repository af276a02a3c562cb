"""Colour spaces against their published numbers, there and back, and the fast curves against the exact ones."""

from __future__ import annotations

import pytest
import torch

from hemline.color import (
    cube_root,
    linear_to_srgb,
    linear_to_srgb_fast,
    oklab_to_srgb,
    parse_colours,
    srgb_to_linear,
    srgb_to_linear_fast,
    srgb_to_oklab,
)
from hemline.tensors import RangeError

FAST = [(srgb_to_linear_fast, srgb_to_linear), (linear_to_srgb_fast, linear_to_srgb)]


def test_encoding_undoes_decoding_from_shadows_to_highlights():
    values = torch.cat([torch.linspace(-0.5, 4, 2001), torch.tensor([0.0, 0.0031308, 0.04045, 1.0])])
    assert (linear_to_srgb(srgb_to_linear(values)) - values).abs().max() < 2e-5


def test_oklab_of_white_black_and_red_is_ottossons() -> None:
    colours = srgb_to_oklab(torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    wanted = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.6280, 0.2249, 0.1258]])
    assert torch.allclose(colours, wanted, atol=2e-4)


def test_colours_come_back_from_oklab_highlights_included() -> None:
    colours = torch.rand(1000, 3, generator=torch.Generator().manual_seed(1)) * 2
    assert (oklab_to_srgb(srgb_to_oklab(colours)) - colours).abs().max() < 2e-4


def test_colours_are_read_from_hexadecimal_digits():
    expected = torch.tensor([[255, 136, 0], [255, 255, 255], [16, 32, 48]]) / 255
    assert torch.equal(parse_colours(" #ff8800, #FFF;102030\n"), expected)


@pytest.mark.parametrize("text", ["", " , ", "red", "#ff88", "#gg0000", "#ff8800 blue"])
def test_what_is_no_colour_is_an_error(text):
    with pytest.raises(RangeError, match="write it like #ff8800"):
        parse_colours(text)


@pytest.mark.parametrize(("fast", "exact"), FAST)
def test_the_fast_curves_are_within_1e5_of_the_exact_ones_over_0_to_1(fast, exact):
    values = torch.cat([torch.linspace(0, 1, 200_001), torch.logspace(-9, 0, 10_001)])
    assert (fast(values).double() - exact(values.double())).abs().max() < 1e-5
    assert fast(torch.zeros(1)) == 0 and abs(float(fast(torch.ones(1))) - 1) < 2e-7


@pytest.mark.parametrize(("fast", "exact"), FAST)
def test_outside_0_to_1_the_fast_curves_are_the_exact_ones(fast, exact):
    values = torch.tensor([-3.0, -0.5, -1e-3, 1.0001, 1.5, 7.0, 900.0])
    assert torch.allclose(fast(values), exact(values.double()).float(), rtol=1e-6)
    mixed = torch.tensor([0.25, 2.0, float("nan"), float("inf"), -float("inf")])
    assert torch.allclose(fast(mixed)[:2], exact(mixed)[:2], atol=1e-5)
    assert fast(mixed)[2].isnan() and fast(mixed)[3] == float("inf") and fast(mixed)[4] == -float("inf")


@pytest.mark.parametrize(("fast", "exact"), FAST)
def test_the_fast_curves_never_fall(fast, exact):
    assert bool((fast(torch.linspace(0, 1, 5001)).diff() > 0).all())


@pytest.mark.parametrize("function", [srgb_to_linear_fast, linear_to_srgb_fast, cube_root])
def test_a_value_gives_the_same_bits_wherever_it_stands(function):
    values = torch.rand(1001, generator=torch.Generator().manual_seed(2)) * 3 - 1
    alone = torch.cat([function(value.reshape(1)) for value in values])
    assert torch.equal(function(values), alone)


def test_cube_roots_are_those_of_double_precision():
    values = torch.cat([torch.linspace(-5, 5, 1001), torch.logspace(-9, 6, 1001)])
    wanted = (values.double().abs() ** (1 / 3)).copysign(values.double())
    assert torch.allclose(cube_root(values).double(), wanted, rtol=1e-6, atol=1e-9)

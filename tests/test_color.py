"""Colour spaces against their published numbers, and there and back."""

from __future__ import annotations

import pytest
import torch

from hemline.color import linear_to_srgb, oklab_to_srgb, parse_colours, srgb_to_linear, srgb_to_oklab
from hemline.tensors import RangeError


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

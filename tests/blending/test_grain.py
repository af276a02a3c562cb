"""Grain of a known strength, the same for the same seed, and its measure."""

from __future__ import annotations

import pytest
import torch

from hemline.blending.grain import GRAIN_STRENGTH, add_grain, estimate_grain

GREY = torch.full((1, 128, 128, 3), 0.5)


@pytest.mark.parametrize("size", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("monochrome", [True, False])
def test_grain_of_any_size_has_the_stated_deviation_in_the_middle_tones(size, monochrome):
    grainy = add_grain(GREY, amount=2.0, size=size, monochrome=monochrome)
    assert float((grainy - GREY).std()) == pytest.approx(2 * GRAIN_STRENGTH, rel=0.1)
    assert torch.equal(grainy[..., 0], grainy[..., 1]) == monochrome


def test_the_same_seed_gives_the_same_grain_and_each_picture_its_own():
    first, second = add_grain(GREY, seed=1), add_grain(GREY, seed=2)
    assert torch.equal(first, add_grain(GREY, seed=1)) and not torch.equal(first, second)
    pair = add_grain(GREY.repeat(2, 1, 1, 1))
    assert not torch.equal(pair[0], pair[1])


def test_black_white_and_highlights_get_none_and_alpha_stays():
    image = torch.tensor([0.0, 1.0, 3.0]).view(1, 1, 3, 1).repeat(1, 1, 1, 4)
    assert torch.equal(add_grain(image), image)


def test_larger_grains_are_smoother():
    fine, coarse = (add_grain(GREY, size=size) for size in (0.0, 2.0))
    assert float(coarse.diff(dim=2).std()) < float(fine.diff(dim=2).std()) / 2


def test_the_measure_finds_white_noise_and_passes_over_slopes_and_edges():
    noise = torch.randn(1, 200, 200, 3, generator=torch.Generator().manual_seed(2)) * 0.03
    slope = torch.linspace(0, 1, 200).view(1, 1, 200, 1)
    edge = (slope > 0.5).float()
    everywhere = torch.ones(1, 200, 200, dtype=torch.bool)
    assert torch.allclose(estimate_grain(noise + slope + edge, everywhere), torch.tensor(0.03), rtol=0.03)
    assert (estimate_grain((slope + edge).expand(1, 200, 200, 3), everywhere) < 1e-6).all()


def test_too_few_pixels_tell_nothing():
    where = torch.zeros(1, 200, 200, dtype=torch.bool)
    where[:, :9, :9] = True
    assert (estimate_grain(torch.rand(1, 200, 200, 3), where) == 0).all()
    assert (estimate_grain(torch.rand(1, 2, 2, 3), torch.ones(1, 2, 2, dtype=torch.bool)) == 0).all()

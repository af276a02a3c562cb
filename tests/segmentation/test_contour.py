"""Distances painted from the contour are those of a full distance transform."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hemline.segmentation import contour
from hemline.segmentation.contour import Scattered, find_soft, paint_distances, within_distance


def region_of(height: int, width: int, seed: int, size: int) -> torch.Tensor:
    """Blobs of about `size` px; some seeds give all or nothing."""
    noise = torch.rand((1, 1, height, width), generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.avg_pool2d(noise, 2 * size + 1, 1, size, count_include_pad=False)[0, 0]
    return smooth > smooth.mean()


def full_transform(region: torch.Tensor) -> torch.Tensor:
    if not region.any():
        return torch.full(region.shape, math.inf)
    return torch.from_numpy(ndimage.distance_transform_edt(~region.numpy())).float()


def painted(region: torch.Tensor, low: float, high: float) -> torch.Tensor:
    plane = torch.full(region.shape, math.inf)
    paint_distances(plane, region, low, high, lambda far: far, reduce="amin")
    return plane


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 99), st.integers(0, 4), st.floats(0.5, 40))
def test_each_pixel_gets_its_exact_distance(height, width, seed, size, reach):
    region = region_of(height, width, seed, size)
    exact = full_transform(region)
    near = (exact > 0) & (exact <= reach)
    assert torch.equal(painted(region, 0, reach)[near], exact[near])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 99), st.integers(1, 4), st.floats(1, 30), st.floats(0.5, 6))
def test_a_ring_holds_the_exact_distances_between_its_radii(seed, size, low, thickness):
    region = region_of(70, 60, seed, size)
    exact = full_transform(region)
    ring = (exact > low) & (exact <= low + thickness)
    assert torch.equal(painted(region, low, low + thickness)[ring], exact[ring])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 99), st.integers(0, 4), st.floats(0, 40))
def test_what_lies_within_a_radius_is_told_exactly(height, width, seed, size, radius):
    region = region_of(height, width, seed, size)
    assert torch.equal(within_distance(region, radius) == 1, full_transform(region) <= radius)


def test_scattered_pixels_are_refused_not_painted_for_minutes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(contour, "MOST_AT_LEAST", 1000)
    dots = torch.zeros(60, 60, dtype=torch.bool)
    dots[::6, ::6] = True
    with pytest.raises(Scattered):
        painted(dots, 0, 30)
    with pytest.raises(Scattered):
        within_distance(dots, 500)


def test_portions_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch):
    region = region_of(80, 80, 3, 4)
    whole = painted(region, 0, 20)
    monkeypatch.setattr(contour, "PORTION", 64)
    assert torch.equal(painted(region, 0, 20), whole)


def test_soft_values_are_found_wherever_they_lie():
    plane = (torch.rand(13, 11, generator=torch.Generator().manual_seed(2)) * 4 - 1.5).clamp(0, 1)
    assert torch.equal(find_soft(plane), ((plane > 0) & (plane < 1)).flatten().nonzero().flatten())
    assert not len(find_soft(plane.round()))

"""Resizing, parts of it and the way back, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.kernels import gaussian_blur
from hemline.resampling import RESTORING_CAUTION, resize_part, resize_planes, restore_planes


def smooth_picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    noise = torch.rand((1, 3, height, width), generator=torch.Generator().manual_seed(seed))
    return gaussian_blur(noise, 1.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400))
def test_resizing_is_the_windowed_sinc_of_the_definition(size, source):
    row = torch.rand(1, 1, 1, source, generator=torch.Generator().manual_seed(size))
    reach = max(1.0, source / size)
    centres = (np.arange(size) + 0.5) * source / size
    distances = (np.arange(source) + 0.5 - centres[:, None]) / reach
    weights = np.sinc(distances) * np.sinc(distances / 3) * (np.abs(distances) < 3)
    wanted = weights / weights.sum(1, keepdims=True) @ row[0, 0, 0].double().numpy()
    assert np.abs(resize_planes(row, 1, size)[0, 0, 0].numpy() - wanted).max() < 2e-6


@pytest.mark.parametrize("size", [(1, 1), (57, 23), (20, 90), (123, 131)])
def test_resizing_keeps_a_flat_plane_flat(size):
    assert torch.allclose(resize_planes(torch.full((1, 3, 33, 41), 0.4), *size), torch.tensor(0.4), atol=1e-6)


ENLARGED = [(61, 51), (66, 55), (75, 80), (120, 100), (240, 200)]


@pytest.mark.parametrize("size", ENLARGED)
def test_restoring_an_enlarged_picture_loses_nothing_that_shows(size):
    picture = smooth_picture(60, 50)
    error = restore_planes(resize_planes(picture, *size), 60, 50) - picture
    assert -10 * math.log10(float((error**2).mean())) > 50  # 8 bits have 59 dB
    assert abs(float(error.mean())) < 1e-4


@pytest.mark.parametrize("size", ENLARGED)
def test_restoring_strengthens_grain_by_no_more_than_a_third(size):
    grain = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(1))
    assert restore_planes(grain, 60, 50).std() < 1.34


def test_restoring_a_reduced_picture_loses_only_what_the_reduction_lost():
    picture = smooth_picture(120, 100)
    restored = restore_planes(resize_planes(picture, 60, 50), 120, 100)
    assert (restored.mean() - picture.mean()).abs() < 1e-3
    assert ((restored - picture) ** 2).mean().sqrt() < 0.03


def test_resizing_moves_nothing():
    rows, columns = torch.meshgrid(torch.arange(80.0), torch.arange(90.0), indexing="ij")
    spot = torch.exp(-((rows - 40) ** 2 + (columns - 30) ** 2) / 50)[None, None]
    for size in ((200, 225), (40, 45), (131, 147)):
        resized = resize_planes(spot, *size)[0, 0].clamp(min=0)
        y = (resized.sum(1) * (torch.arange(size[0]) + 0.5)).sum() / resized.sum() * 80 / size[0] - 0.5
        x = (resized.sum(0) * (torch.arange(size[1]) + 0.5)).sum() / resized.sum() * 90 / size[1] - 0.5
        assert abs(y - 40) < 0.02 and abs(x - 30) < 0.02


def test_a_part_on_whole_pixels_is_what_the_resized_plane_shows_there():
    plane = torch.rand(1, 2, 60, 80)
    whole = resize_planes(plane, 120, 160)
    assert torch.allclose(resize_part(plane, (20, 10, 60, 50), 80, 80), whole[..., 20:100, 40:120], atol=1e-5)


def test_a_part_that_begins_between_pixels_lies_between_them():
    slope = torch.arange(40.0).view(1, 1, 1, 40).expand(1, 1, 40, 40)
    part = resize_part(slope, (10.25, 10, 20.25, 20), 10, 10)
    # Lanczos draws a slope with a ripple of two hundredths of a step.
    assert torch.allclose(part[0, 0, 3], torch.arange(10.25, 20.25), atol=0.03)


def test_beyond_the_frame_a_part_goes_on_with_the_border():
    plane = torch.rand(1, 1, 12, 9)
    part = resize_part(plane, (-30, -30, 39, 42), 72, 69)
    assert torch.allclose(part[0, 0, :20, :20], plane[0, 0, 0, 0]) and torch.allclose(part[0, 0, 30:42, 30:39], plane)


@pytest.mark.parametrize(("size", "source"), [(500, 600), (400, 404), (7, 9), (1, 5), (300, 301)])
def test_an_enlargement_is_undone_as_the_normal_equations_say(size, source):
    enlarging = resize_planes(torch.eye(size).view(1, 1, size, size), source, size)[0, 0].double()
    reducing = resize_planes(torch.eye(source).view(1, 1, source, source), size, source)[0, 0].double()
    caution = RESTORING_CAUTION * source / size
    square = enlarging.T @ enlarging + caution * torch.eye(size, dtype=torch.float64)
    wanted = torch.linalg.solve(square, enlarging.T + caution * reducing)
    plane = torch.rand(1, 1, source, size, generator=torch.Generator().manual_seed(2))
    restored = restore_planes(plane, size, size)[0, 0]
    assert torch.allclose(restored, (wanted @ plane[0, 0].double()).float(), rtol=0, atol=2e-6)
    part = restore_planes(plane, size, size, rows=slice(size // 3, size // 2 + 1), columns=slice(0, size // 2 + 1))
    assert torch.allclose(part[0, 0], restored[size // 3 : size // 2 + 1, : size // 2 + 1], rtol=0, atol=2e-6)


def test_a_shift_and_zoom_is_undone_in_the_same_step():
    rows, columns = torch.meshgrid(torch.arange(90.0), torch.arange(120.0), indexing="ij")

    def spot(y: float, x: float, wide: float, height: int = 90, width: int = 120) -> torch.Tensor:
        rows, columns = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
        return torch.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * wide**2))

    wanted = spot(40.0, 70.0, 5.0)
    # The plane is twice as large; about its middle everything is zoomed by 1.05 and then shifted by (3, -2).
    y, x = ((40.0 + 0.5) * 2 - 90) * 1.05 + 90 - 2 - 0.5, ((70.0 + 0.5) * 2 - 120) * 1.05 + 120 + 3 - 0.5
    plane = spot(y, x, 5.0 * 2 * 1.05, 180, 240)[None, None]
    restored = restore_planes(plane, 90, 120, shift=(3.0, -2.0), zoom=1.05)[0, 0]
    assert (restored - wanted).abs().max() < 2e-3
    assert float((restored * rows).sum() / restored.sum()) == pytest.approx(40.0, abs=0.02)
    assert float((restored * columns).sum() / restored.sum()) == pytest.approx(70.0, abs=0.02)

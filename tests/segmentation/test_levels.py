"""Laws of levels, normalisation and smoothing."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hemline.segmentation.levels import normalise_mask, smooth_mask, stretch_levels
from hemline.tensors import RangeError

levels = st.floats(0, 5, allow_nan=False)


def ramp(count: int = 11) -> torch.Tensor:
    return torch.linspace(0, 1, count).view(1, 1, -1)


def test_levels_stretch_what_lies_between() -> None:
    assert torch.allclose(stretch_levels(ramp(), 0.2, 0.7)[0, 0], ((torch.linspace(0, 1, 11) - 0.2) / 0.5).clamp(0, 1))


def test_full_levels_change_nothing_and_equal_ones_cut() -> None:
    assert torch.equal(stretch_levels(ramp(), 0, 1), ramp())
    assert stretch_levels(ramp(), 0.5, 0.5)[0, 0].tolist() == [0.0] * 5 + [1.0] * 6


@pytest.mark.parametrize(("low", "high"), [(0.6, 0.4), (-0.1, 1), (0, 1.1), (math.nan, 1)])
def test_levels_that_are_none_are_refused(low: float, high: float) -> None:
    with pytest.raises(RangeError):
        stretch_levels(ramp(), low, high)


@pytest.mark.parametrize(
    ("level", "values"),
    [  # of 0, 0.1 ... 1, computed by hand from the formulas
        (1, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        (2, [0, 0, 0, 0.4454, 0.6550, 0.7838, 0.8794, 0.9562, 1, 1, 1]),
    ],
)
def test_normalisation_is_that_of_maskilayer(level: float, values: list[float]) -> None:
    exponent = 1 - 0.75 * (1 - math.exp(-2.0))
    expected = [max(0.0, min(1.0, (x / 10 - 0.25) / 0.5)) ** exponent for x in range(11)] if level == 2 else values
    assert torch.allclose(normalise_mask(ramp(), level)[0, 0], torch.tensor(expected), atol=1e-5)


@given(levels)
def test_normalising_keeps_the_order_and_the_range(level: float) -> None:
    values = normalise_mask(ramp(101), level)[0, 0]
    assert bool((values.diff() >= 0).all()) and float(values[0]) == 0 and float(values[-1]) == pytest.approx(1)


@given(levels)
def test_a_flat_mask_survives(level: float) -> None:
    for value in (0.0, 0.3, 1.0):
        flat = torch.full((1, 4, 4), value)
        assert torch.equal(normalise_mask(flat, level), flat)


def test_pictures_of_a_batch_are_normalised_each_for_itself() -> None:
    pair = torch.cat([ramp() * 0.5, ramp()])
    assert torch.allclose(*normalise_mask(pair, 1))


def test_a_straight_edge_stays_and_a_thread_goes() -> None:
    mask = torch.zeros(1, 60, 60)
    mask[:, :, :30], mask[:, 20:22, 30:] = 1, 1
    smooth = smooth_mask(mask, 8)
    assert float(smooth[0, 50, 29]) > 0.5 > float(smooth[0, 50, 30])
    assert float(smooth[0, 20:22, 45:].max()) < 0.2
    assert float(smooth[0, :, :20].min()) == 1


def test_smoothing_by_nothing_changes_nothing() -> None:
    mask = torch.rand(2, 7, 5)
    assert smooth_mask(mask, 0) is mask


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_dtype_stays_and_inputs_are_not_written_to(dtype: torch.dtype) -> None:
    mask = torch.rand(1, 9, 9).to(dtype)
    before = mask.clone()
    for result in (stretch_levels(mask, 0.1, 0.9), normalise_mask(mask, 3), smooth_mask(mask, 4)):
        assert result.dtype == dtype and result.shape == mask.shape
    assert torch.equal(mask, before)

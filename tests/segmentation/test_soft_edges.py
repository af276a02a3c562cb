"""Laws of soft edges: what is doubt, and who gets a pixel where masks overlap."""

from __future__ import annotations

import pytest
import torch

from hemline.segmentation.soft_edges import DOUBT, stretch_contrast_, take_winners_


@pytest.mark.parametrize("doubt", [DOUBT, 0.05])
def test_doubt_goes_and_the_middle_line_stays(doubt: float) -> None:
    mask = torch.tensor([0.0, doubt, 0.5, 1 - doubt, 1.0])
    assert torch.allclose(stretch_contrast_(mask.clone(), doubt), torch.tensor([0, 0, 0.5, 1, 1.0]), atol=1e-6)
    ramp = stretch_contrast_(torch.linspace(0, 1, 101), doubt)
    assert bool((ramp.diff() >= 0).all()) and torch.allclose(ramp + ramp.flip(0), torch.ones(101), atol=1e-6)


def test_the_strongest_gets_all_and_half_as_strong_nothing() -> None:
    assert take_winners_(torch.tensor([1.0, 0.75, 0.5, 0.2, 0.0])).tolist() == [1.0, 0.5, 0.0, 0.0, 0.0]


def test_what_is_the_callers_own_is_written_into() -> None:
    mask = torch.rand(3, 4)
    assert stretch_contrast_(mask) is mask and take_winners_(mask) is mask

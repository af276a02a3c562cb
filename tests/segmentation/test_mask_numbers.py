"""A mask in numbers and in words."""

from __future__ import annotations

import pytest
import torch

from hemline.segmentation.mask_numbers import measure_mask


def square(soft: float = 1.0) -> torch.Tensor:
    mask = torch.zeros(40, 50)
    mask[10:20, 5:25] = soft
    return mask


def test_a_square_has_its_share_box_and_one_part():
    numbers = measure_mask(square())
    assert (numbers.share, numbers.mean, numbers.box, numbers.parts) == (
        pytest.approx(0.1),
        pytest.approx(0.1),
        (5, 10, 25, 20),
        1,
    )
    assert numbers.soft_share == numbers.frame_share == 0 and numbers.touches == ()
    assert numbers.describe() == "white = repaint: 10.0% of the picture"


def test_parts_are_counted_and_soft_pixels_too():
    mask = square()
    mask[30:33, 30:33] = 0.7
    numbers = measure_mask(mask)
    assert numbers.parts == 2 and numbers.soft_share == pytest.approx(9 / 2000)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (torch.zeros(40, 50), "the mask is empty: nothing is repainted"),
        (torch.ones(40, 50), "white = repaint: the whole picture"),
        (square(0.3), "white = repaint: the mask is nowhere above 30%"),
        (torch.full((1, 1), 1.0), "white = repaint: the whole picture"),
        (torch.zeros(1, 1), "the mask is empty: nothing is repainted"),
    ],
)
def test_what_is_special_about_a_mask_is_said(mask, said):
    assert measure_mask(mask).describe() == said


def test_a_mask_of_everything_but_the_garment_looks_inverted():
    numbers = measure_mask(1 - square())
    assert numbers.looks_inverted and numbers.touches == ("left", "top", "right", "bottom")
    assert numbers.describe().endswith("it touches all four borders and covers 100% of the frame: is it inverted?")


def test_a_large_garment_that_is_cut_by_the_frame_does_not_look_inverted():
    mask = torch.zeros(40, 50)
    mask[5:, 8:42] = 1
    numbers = measure_mask(mask)
    assert numbers.share > 0.5 and numbers.touches == ("bottom",) and not numbers.looks_inverted

from __future__ import annotations

import pytest
import torch

from hemline.segmentation.refine import clean_mask, guided_filter, refine_edges
from hemline.tensors import ShapeError


def square(size: int = 60, low: int = 15, high: int = 45) -> torch.Tensor:
    mask = torch.zeros(1, size, size)
    mask[0, low:high, low:high] = 1
    return mask


def test_small_islands_go_and_large_ones_stay():
    mask = square()
    mask[0, 2:5, 2:5] = 1
    assert torch.equal(clean_mask(mask, islands_px=10), square())
    assert torch.equal(clean_mask(mask, islands_px=9), mask)


def test_small_holes_are_filled_and_large_ones_stay():
    mask = square()
    mask[0, 20:23, 20:23] = 0
    assert torch.equal(clean_mask(mask, holes_px=10), square())
    assert torch.equal(clean_mask(mask, holes_px=9), mask)


def test_a_hole_open_to_the_frame_is_no_hole():
    mask = torch.ones(1, 30, 30)
    mask[0, 0:4, 10] = 0
    assert torch.equal(clean_mask(mask, holes_px=100), mask)


def test_a_soft_island_weighs_what_it_covers_and_goes_with_its_skirt():
    mask = square()
    mask[0, 4:7, 4:7] = torch.tensor([[0.2, 0.4, 0.2], [0.4, 1.0, 0.4], [0.2, 0.4, 0.2]])
    assert torch.equal(clean_mask(mask, islands_px=3.5), square())
    assert torch.equal(clean_mask(mask, islands_px=3.3), mask)


def test_cleaning_keeps_soft_values_elsewhere_bit_for_bit():
    mask = torch.rand(2, 40, 40) * 0.5 + 0.3
    assert torch.equal(clean_mask(mask, islands_px=50, holes_px=0), mask)


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (41, 58)])
def test_zero_sizes_and_radius_change_nothing(size):
    mask, image = torch.rand(2, *size), torch.rand(1, *size, 3)
    assert torch.equal(clean_mask(mask), mask)
    assert torch.equal(refine_edges(image, mask, radius_px=0), mask)


def test_a_mask_that_is_off_by_some_pixels_finds_the_pictures_edge():
    image = torch.full((1, 120, 120, 3), 0.2)
    image[0, 30:90, 30:90] = torch.tensor([0.8, 0.3, 0.3])
    true = torch.zeros(1, 120, 120)
    true[0, 30:90, 30:90] = 1
    wrong = torch.zeros(1, 120, 120)
    wrong[0, 33:93, 27:87] = 1

    def error(mask: torch.Tensor) -> float:
        return float(((mask >= 0.5).float() - true).abs().sum())

    refined = refine_edges(image, wrong, radius_px=8, epsilon=1e-5)
    assert error(refined) < 0.25 * error(wrong)


def test_refining_stays_within_0_and_1_and_leaves_what_is_far_from_any_edge():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand((2, 80, 70, 3), generator=generator)
    mask = torch.zeros(2, 80, 70)
    mask[:, 20:60, 20:50] = 1
    refined = refine_edges(image, mask, radius_px=5)
    assert refined.min() >= 0 and refined.max() <= 1
    assert (refined[:, :14] == 0).all() and (refined[:, 26:54, 26:44] == 1).all()


def test_a_batch_equals_the_stack_of_its_singles_and_one_picture_serves_many_masks():
    image, masks = torch.rand(1, 50, 40, 3), torch.rand(3, 50, 40)
    whole = refine_edges(image, masks, radius_px=6)
    singles = torch.cat([refine_edges(image, masks[i : i + 1], radius_px=6) for i in range(3)])
    assert torch.allclose(whole, singles, atol=1e-6)


def test_a_flat_guide_gives_the_local_mean_of_means():
    mask = torch.rand(1, 30, 30)
    guided = guided_filter(torch.full((1, 30, 30, 3), 0.5), mask, radius_px=2, epsilon=1e-3)
    wanted = torch.nn.functional.avg_pool2d(mask[None], 5, stride=1, padding=2, count_include_pad=False)
    wanted = torch.nn.functional.avg_pool2d(wanted, 5, stride=1, padding=2, count_include_pad=False)[0]
    assert torch.allclose(guided, wanted, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_the_dtype_stays(dtype):
    assert refine_edges(torch.rand(1, 20, 20, 4), torch.rand(1, 20, 20).to(dtype)).dtype == dtype
    assert clean_mask(torch.rand(1, 20, 20).to(dtype), islands_px=5, holes_px=5).dtype == dtype


def test_a_mask_of_another_size_than_the_picture_is_an_error():
    with pytest.raises(ShapeError, match="20x10 but the image is 30x20"):
        refine_edges(torch.rand(1, 20, 30, 3), torch.rand(1, 10, 20))


def test_the_filter_is_precise_where_a_picture_is_all_but_grey():
    generator = torch.Generator().manual_seed(0)
    grey = torch.rand((1, 40, 40, 1), generator=generator)
    image = 0.9 * grey + 0.001 * torch.rand((1, 40, 40, 3), generator=generator)
    mask = (grey[..., 0] > 0.6).float()
    guided = guided_filter(image, mask, radius_px=4, epsilon=2.5e-5)
    assert (guided - reference_filter(image[0].double(), mask[0].double(), 4, 2.5e-5)).abs().max() < 2e-4


def reference_filter(guide: torch.Tensor, mask: torch.Tensor, radius: int, epsilon: float) -> torch.Tensor:
    """The guided filter in float64, window by window, as its paper writes it."""
    height, width = mask.shape
    slopes, offsets = torch.zeros(height, width, 3).double(), torch.zeros(height, width).double()

    def window(row: int, column: int) -> tuple[slice, slice]:
        return (
            slice(max(0, row - radius), row + radius + 1),
            slice(max(0, column - radius), column + radius + 1),
        )

    for row in range(height):
        for column in range(width):
            colours, values = guide[window(row, column)].reshape(-1, 3), mask[window(row, column)].reshape(-1)
            centred = colours - colours.mean(0)
            matrix = centred.T @ centred / len(values) + epsilon * torch.eye(3).double()
            slope = torch.linalg.solve(matrix, (centred * (values - values.mean())[:, None]).mean(0))
            slopes[row, column], offsets[row, column] = slope, values.mean() - slope @ colours.mean(0)
    guided = torch.zeros_like(mask)
    for row in range(height):
        for column in range(width):
            slope = slopes[window(row, column)].reshape(-1, 3).mean(0)
            guided[row, column] = slope @ guide[row, column] + offsets[window(row, column)].mean()
    return guided

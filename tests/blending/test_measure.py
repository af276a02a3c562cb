"""Pictures in numbers."""

from __future__ import annotations

import math

import pytest
import torch

from hemline.blending.measure import BINS, Change, measure_changes, measure_region, structural_similarity

PICTURE = torch.rand((40, 50, 3), generator=torch.Generator().manual_seed(3))
WHERE = torch.zeros(40, 50, dtype=torch.bool)
WHERE[5:20, 10:30] = True


def measure_change(first: torch.Tensor, second: torch.Tensor, where: torch.Tensor | None = None) -> Change | None:
    return measure_changes(first, second, {"here": where}).get("here")


def test_equal_pictures_have_no_noise_and_are_alike():
    change = measure_change(PICTURE, PICTURE)
    assert change is not None and change.psnr_db is None and change.share == change.largest == change.mean == 0
    assert structural_similarity(PICTURE, PICTURE) == pytest.approx(1)


def test_the_psnr_of_an_even_offset_is_the_one_of_the_formula():
    change = measure_change(PICTURE, PICTURE + 0.1)
    assert change is not None and change.psnr_db == pytest.approx(20.0, abs=1e-3)
    assert change.mean == pytest.approx(0.1, abs=1e-5) and change.share == 1


def test_the_largest_difference_is_found_where_it_is_and_counts_only_there():
    other = PICTURE.clone()
    other[7, 12] = PICTURE[7, 12] + 0.5
    everywhere, inside, outside = (measure_change(PICTURE, other, part) for part in (None, WHERE, ~WHERE))
    assert everywhere is not None and inside is not None and outside is not None
    assert everywhere.at == inside.at == (12, 7) and everywhere.largest == pytest.approx(0.5)
    assert inside.share == pytest.approx(1 / 300) and outside.share == 0 and outside.psnr_db is None


def test_a_difference_that_eight_bits_cannot_show_is_none():
    change = measure_change(PICTURE, PICTURE + 0.4 / 255)
    assert change is not None and change.share == 0 and change.psnr_db is not None


def test_ssim_falls_with_noise_and_stays_high_with_a_small_offset():
    noise = torch.rand(PICTURE.shape, generator=torch.Generator().manual_seed(4)) - 0.5
    smooth = torch.linspace(0, 1, 50).view(1, 50, 1).expand(40, 50, 3)
    values = [structural_similarity(smooth, smooth + amount * noise) for amount in (0, 0.1, 0.5)]
    assert values[0] > values[1] > values[2] and structural_similarity(smooth, smooth + 0.02) > 0.97


def test_ssim_agrees_with_its_definition_computed_otherwise():
    """Far from the frame, with an explicit Gaussian window."""
    x, y = PICTURE[..., :1].expand(-1, -1, 3), PICTURE[..., 1:2].expand(-1, -1, 3)
    where = torch.zeros(40, 50, dtype=torch.bool)
    where[20, 25] = True
    offsets = torch.arange(-8, 9).float()
    line = torch.exp(-offsets.square() / (2 * 1.5**2))
    window = (line.outer(line) / line.sum() ** 2).double()
    a, b = x[12:29, 17:34, 0].double(), y[12:29, 17:34, 0].double()
    mean_a, mean_b = float((window * a).sum()), float((window * b).sum())
    spread = [float((window * (p - m) * (q - n)).sum()) for p, m, q, n in (
        (a, mean_a, a, mean_a), (b, mean_b, b, mean_b), (a, mean_a, b, mean_b),
    )]  # fmt: skip
    wanted = (2 * mean_a * mean_b + 1e-4) * (2 * spread[2] + 9e-4)
    wanted /= (mean_a**2 + mean_b**2 + 1e-4) * (spread[0] + spread[1] + 9e-4)
    assert structural_similarity(x, y, where) == pytest.approx(wanted, abs=2e-3)


def test_ssim_of_a_large_picture_is_that_of_its_reduction():
    first, second = torch.rand(512, 600, 3), torch.rand(512, 600, 3)
    small = [
        torch.nn.functional.avg_pool2d(image.movedim(-1, 0).unsqueeze(0), 2)[0].movedim(0, -1)
        for image in (first, second)
    ]
    assert structural_similarity(first, second) == pytest.approx(structural_similarity(*small), abs=1e-4)


def test_a_region_has_the_colours_of_its_pixels():
    picture = PICTURE.clone()
    picture[WHERE] = torch.tensor([0.2, 0.4, 0.6])
    region = measure_region(picture, WHERE)
    assert region is not None and region.lowest == region.highest == pytest.approx((0.2, 0.4, 0.6))
    assert region.mean == pytest.approx((0.2, 0.4, 0.6))
    assert region.share == pytest.approx(300 / 2000)
    assert region.histogram["green"][int(0.4 * BINS)] == 1 and sum(region.histogram["luma"]) == pytest.approx(1)
    assert region.dark == region.median == region.light == pytest.approx(0.363, abs=0.5 / BINS)


def test_levels_divide_a_ramp_at_their_shares():
    ramp = torch.linspace(0, 1, 10_000).view(100, 100, 1).expand(-1, -1, 3)
    region = measure_region(ramp)
    assert region is not None
    assert (region.dark, region.median, region.light) == pytest.approx((0.05, 0.5, 0.95), abs=1 / BINS)


def test_beyond_the_range_counts_at_its_ends():
    picture = torch.tensor([[[-0.5, 7.0, math.nan]]])
    region = measure_region(picture)
    assert region is not None and region.histogram["red"][0] == region.histogram["green"][-1] == 1
    assert region.lowest[0] == -0.5 and region.highest[1] == 7


def test_nothing_has_no_numbers():
    nowhere = torch.zeros(40, 50, dtype=torch.bool)
    assert measure_region(PICTURE, nowhere) is None and measure_change(PICTURE, PICTURE, nowhere) is None

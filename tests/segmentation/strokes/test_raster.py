"""Strokes in a mask: exact distances, order, replay at any size, and nothing where there is no stroke."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hemline.errors import RangeError
from hemline.segmentation.strokes.raster import apply_strokes
from hemline.segmentation.strokes.text import UNIT, Stroke

shares = st.integers(-2000, UNIT + 2000)
lines = st.lists(st.tuples(shares, shares), min_size=1, max_size=5).map(tuple)
brushes = st.builds(
    Stroke, st.just("brush"), lines, st.booleans(), st.integers(1, 4000), st.integers(0, 100), st.integers(0, 100)
)
corners = st.lists(st.tuples(shares, shares), min_size=3, max_size=6).map(tuple)
areas = st.builds(Stroke, st.sampled_from(("lasso", "polygon")), corners, st.booleans(), opacity=st.integers(0, 100))
whole = st.builds(Stroke, st.sampled_from(("clear", "invert")))
drawn = st.one_of(brushes, areas, whole)
SOFT = torch.linspace(0, 1, 40 * 60).reshape(1, 40, 60)


def at(x: float, y: float) -> tuple[int, int]:
    return round(x * UNIT), round(y * UNIT)


def middles(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.arange(width) + 0.5, (torch.arange(height) + 0.5).unsqueeze(1)


def test_without_strokes_the_mask_comes_back_bit_for_bit() -> None:
    mask = torch.rand(2, 5, 7)
    assert torch.equal(apply_strokes(mask, ()), mask)


def test_a_hard_dot_covers_each_pixel_by_its_distance_from_the_edge() -> None:
    mask = apply_strokes(torch.zeros(1, 40, 60), [Stroke("brush", (at(0.5, 0.5),), radius=2500)])
    x, y = middles(40, 60)
    torch.testing.assert_close(mask[0], (0.5 - (torch.hypot(x - 30, y - 20) - 10)).clamp(0, 1), atol=1e-5, rtol=0)


def test_a_hard_line_covers_each_pixel_by_its_distance_from_the_nearest_segment() -> None:
    line = (at(0.1, 0.2), at(0.9, 0.3), at(0.4, 0.85))
    mask = apply_strokes(torch.zeros(1, 200, 300), [Stroke("brush", line, radius=300)])
    x, y = middles(200, 300)
    x, y = x.double(), y.double()
    nearest = torch.full((200, 300), math.inf, dtype=torch.float64)
    corners = [(px * 300 / UNIT, py * 200 / UNIT) for px, py in line]
    for (x0, y0), (x1, y1) in pairwise(corners):
        t = (((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)).clamp(0, 1)
        nearest = torch.minimum(nearest, torch.hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0)))
    torch.testing.assert_close(mask[0].double(), (6.5 - nearest).clamp(0, 1), atol=1e-4, rtol=0)


def test_a_line_thinner_than_a_pixel_keeps_its_area() -> None:
    line = (at(0.1, 0.507), at(0.9, 0.507))
    for radius_px in (0.05, 0.2, 0.4, 1.0):
        mask = apply_strokes(torch.zeros(1, 100, 100), [Stroke("brush", line, radius=round(radius_px * 100))])
        across = float(mask[0, :, 50].sum())
        assert across == pytest.approx(2 * radius_px, rel=1e-3)


def test_a_soft_brush_is_full_within_its_hardness_and_nothing_beyond_its_radius() -> None:
    mask = apply_strokes(torch.zeros(1, 201, 201), [Stroke("brush", (at(0.5, 0.5),), radius=4000, hardness=50)])[0]
    x, y = middles(201, 201)
    distance = torch.hypot(x - 100.5, y - 100.5)
    assert bool((mask[distance < 40] == 1).all()) and bool((mask[distance > 81] == 0).all())
    row = mask[100, 100:]
    assert bool((row[:-1] >= row[1:]).all()) and float(row[60]) == pytest.approx(0.5, abs=0.04)


def test_pressure_makes_the_line_thinner() -> None:
    line = (at(0.1, 0.5), at(0.9, 0.5))
    mask = apply_strokes(torch.zeros(1, 100, 100), [Stroke("brush", line, radius=1000, pressure=(100, 20))])[0]
    widths = mask.sum(0)
    assert float(widths[20]) == pytest.approx(18, abs=0.3) and float(widths[80]) == pytest.approx(6, abs=0.3)


def test_crossing_itself_a_stroke_of_half_opacity_stays_at_one_half() -> None:
    line = (at(0.2, 0.2), at(0.8, 0.8), at(0.8, 0.2), at(0.2, 0.8))
    mask = apply_strokes(torch.zeros(1, 80, 80), [Stroke("brush", line, radius=800, opacity=50)])
    assert float(mask.max()) == 0.5


def test_erasing_takes_away_what_adding_gave() -> None:
    dab = Stroke("brush", (at(0.5, 0.5),), radius=3000)
    both = [dab, Stroke("brush", dab.points, erase=True, radius=4000)]
    assert not apply_strokes(torch.zeros(1, 40, 40), both).any()


def test_a_polygon_covers_its_area_and_a_crossing_one_by_the_even_odd_rule() -> None:
    square = Stroke("polygon", (at(0.25, 0.25), at(0.75, 0.25), at(0.75, 0.75), at(0.25, 0.75)))
    mask = apply_strokes(torch.zeros(1, 40, 40), [square])[0]
    assert torch.equal(mask == 1, ((middles(40, 40)[0] - 20).abs() < 10) & ((middles(40, 40)[1] - 20).abs() < 10))
    twice = Stroke("lasso", square.points * 2)  # once round more: outside again
    assert float(apply_strokes(torch.zeros(1, 40, 40), [twice])[0, 20, 20]) == 0


def test_a_fill_closes_the_hole_under_the_point_and_its_soft_rim() -> None:
    mask = torch.ones(1, 40, 40)
    mask[0, 10:20, 10:20] = 0.7  # the rim
    mask[0, 11:19, 11:19] = 0
    mask[0, 30:35, 30:35] = 0  # another hole
    filled = apply_strokes(mask, [Stroke("fill", (at(0.35, 0.35),))])
    assert bool((filled[0, 5:25, 5:25] == 1).all()) and torch.equal(filled[0, 25:], mask[0, 25:])


def test_a_fill_that_erases_removes_the_island_under_the_point() -> None:
    mask = torch.zeros(1, 40, 40)
    mask[0, 10:20, 10:20] = 0.3
    mask[0, 11:19, 11:19] = 1
    mask[0, 30:35, 30:35] = 1
    removed = apply_strokes(mask, [Stroke("fill", (at(0.35, 0.35),), erase=True)])
    assert not removed[0, :25].any() and torch.equal(removed[0, 25:], mask[0, 25:])


@given(st.integers(0, 2**31), st.integers(0, UNIT), st.integers(0, UNIT))
def test_a_fill_is_the_region_that_scipy_labels(seed: int, x: int, y: int) -> None:
    mask = (torch.rand(1, 12, 17, generator=torch.Generator().manual_seed(seed)) > 0.4).float()
    row, column = min(y * 12 // UNIT, 11), min(x * 17 // UNIT, 16)
    if mask[0, row, column]:  # adding to what is there: nothing; so take the other side
        mask = 1 - mask
    labels, _ = ndimage.label(mask[0].numpy() < 0.5)
    region = torch.from_numpy(labels == labels[row, column])
    filled = apply_strokes(mask, [Stroke("fill", ((x, y),))])[0]
    assert torch.equal(filled, torch.where(region, 1.0, mask[0]))


def test_clear_and_invert_change_everything() -> None:
    assert not apply_strokes(SOFT, [Stroke("clear")]).any()
    torch.testing.assert_close(apply_strokes(SOFT, [Stroke("invert")]), 1 - SOFT)
    torch.testing.assert_close(apply_strokes(SOFT, [Stroke("invert")] * 2), SOFT)


@given(st.lists(drawn, max_size=6), st.integers(0, 6))
def test_strokes_in_two_goes_are_the_same_as_in_one(strokes: list[Stroke], at: int) -> None:
    twice = apply_strokes(apply_strokes(SOFT, strokes[:at]), strokes[at:])
    assert torch.equal(twice, apply_strokes(SOFT, strokes))


@given(st.lists(drawn, min_size=1, max_size=4))
def test_values_stay_between_0_and_1_and_the_input_stays_as_it_was(strokes: list[Stroke]) -> None:
    before = SOFT.clone()
    mask = apply_strokes(SOFT, strokes)
    assert torch.equal(SOFT, before) and 0 <= float(mask.min()) and float(mask.max()) <= 1


@given(st.lists(st.one_of(brushes, areas), min_size=1, max_size=4))
def test_mirrored_strokes_give_the_mirrored_mask(strokes: list[Stroke]) -> None:
    mirrored = [
        Stroke(s.tool, tuple((UNIT - x, y) for x, y in s.points), s.erase, s.radius, s.hardness, s.opacity)
        for s in strokes
    ]
    torch.testing.assert_close(
        apply_strokes(SOFT.flip(2), mirrored).flip(2), apply_strokes(SOFT, strokes), atol=2e-4, rtol=0
    )


@settings(max_examples=40)
@given(st.lists(st.one_of(brushes, areas), min_size=1, max_size=3))
@example([Stroke("brush", ((0, 0), (7273, 10781)), False, 4000, 86, 91)])
def test_at_another_size_the_same_is_drawn(strokes: list[Stroke]) -> None:
    small = apply_strokes(torch.zeros(1, 48, 64), strokes)
    large = apply_strokes(torch.zeros(1, 192, 256), strokes)
    difference = (torch.nn.functional.avg_pool2d(large, 4) - small).abs()
    # Away from edges, which are as wide as a pixel, nothing differs.
    flat = torch.nn.functional.max_pool2d(large, 12, 4, 4) - -torch.nn.functional.max_pool2d(-large, 12, 4, 4) < 1e-3
    assert float(difference[flat].max() if bool(flat.any()) else 0) < 2e-3
    # There an edge is half a pixel off at most, so half a pixel for each of its length; three lie in what is not flat.
    assert float(difference.sum()) <= 0.5 * int((~flat).sum()) / 3 + 0.5


def test_a_batch_equals_its_pictures_one_by_one() -> None:
    masks = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(2))
    strokes = [Stroke("fill", (at(0.5, 0.5),)), Stroke("brush", (at(0.1, 0.1), at(0.9, 0.4)), True, 900, 30, 70)]
    assert torch.equal(apply_strokes(masks, strokes), torch.cat([apply_strokes(mask, strokes) for mask in masks]))


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (1, 50)])
def test_the_smallest_masks_can_be_drawn_on(size: tuple[int, int]) -> None:
    strokes = [Stroke("brush", (at(0.5, 0.5),), radius=10000), Stroke("fill", (at(0.5, 0.5),), erase=True)]
    assert apply_strokes(torch.zeros(1, *size), strokes[:1]).max() > 0
    assert not apply_strokes(torch.zeros(1, *size), strokes).any()


def test_half_precision_comes_back_and_numbers_that_are_none_are_refused() -> None:
    assert apply_strokes(SOFT.half(), [Stroke("invert")]).dtype == torch.float16
    with pytest.raises(RangeError, match="NaN"):
        apply_strokes(SOFT / 0, [Stroke("invert")])

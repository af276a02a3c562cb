from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.segmentation import polygons
from hemline.segmentation.polygons import contains_points, fill_polygons, mask_polygons, polygon_area
from hemline.tensors import RangeError


def test_a_rectangle_has_its_four_corners():
    mask = torch.zeros(20, 30)
    mask[5:10, 7:20] = 1
    assert mask_polygons(mask) == [[(7.0, 5.0), (20.0, 5.0), (20.0, 10.0), (7.0, 10.0)]]


def test_an_empty_mask_has_no_outline_and_a_full_one_the_frame():
    assert mask_polygons(torch.zeros(4, 6)) == []
    assert mask_polygons(torch.ones(4, 6)) == [[(0.0, 0.0), (6.0, 0.0), (6.0, 4.0), (0.0, 4.0)]]


def test_a_hole_is_wound_the_other_way_round():
    mask = torch.ones(20, 20)
    mask[8:12, 8:12] = 0
    outer, hole = mask_polygons(mask)
    assert polygon_area(outer) == 400 and polygon_area(hole) == -16


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 14), st.integers(1, 14), st.integers(0, 1000), st.floats(0.1, 0.9))
def test_without_tolerance_the_signed_areas_add_up_to_the_pixels(height, width, seed, density):
    mask = (torch.rand((height, width), generator=torch.Generator().manual_seed(seed)) < density).float()
    assert sum(map(polygon_area, mask_polygons(mask, tolerance_px=0))) == mask.sum()


def test_simplifying_a_disk_keeps_its_area_with_few_points():
    rows, columns = torch.meshgrid(torch.arange(201) - 100.0, torch.arange(201) - 100.0, indexing="ij")
    mask = (torch.hypot(rows, columns) < 80).float()
    (outline,) = mask_polygons(mask, tolerance_px=1.0)
    assert len(outline) < 60
    assert polygon_area(outline) == pytest.approx(float(mask.sum()), rel=0.02)


# --- and filled again ------------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 1000), st.floats(0.05, 0.95))
def test_outlines_without_tolerance_fill_to_the_very_mask(height, width, seed, density):
    mask = (torch.rand((height, width), generator=torch.Generator().manual_seed(seed)) < density).float()
    outlines = mask_polygons(mask, tolerance_px=0)
    assert torch.equal(fill_polygons(outlines, height, width), mask)
    assert torch.equal(fill_polygons(outlines, height, width, rule="nonzero"), mask)


corners = st.lists(st.tuples(st.floats(-20, 40), st.floats(-20, 40)), max_size=9)


@settings(max_examples=100, deadline=None)
@given(st.lists(corners, max_size=3), st.integers(1, 25), st.integers(1, 25))
def test_a_pixel_is_filled_where_its_middle_lies_inside_by_the_even_odd_rule(outlines, height, width):
    rows, columns = np.mgrid[:height, :width] + 0.5
    middles = np.stack([columns.ravel(), rows.ravel()], 1)
    inside = np.zeros(height * width, bool)
    for outline in outlines:
        inside ^= contains_points(outline, middles)
    assert np.array_equal(fill_polygons(outlines, height, width).numpy().ravel() == 1, inside)


def test_overlapping_outlines_are_a_hole_by_one_rule_and_none_by_the_other():
    square = [(1.0, 1.0), (9.0, 1.0), (9.0, 9.0), (1.0, 9.0)]
    inner = [(3.0, 3.0), (6.0, 3.0), (6.0, 6.0), (3.0, 6.0)]
    assert fill_polygons([square, inner], 10, 10).sum() == 64 - 9
    assert fill_polygons([square, inner], 10, 10, rule="nonzero").sum() == 64
    assert fill_polygons([square, inner[::-1]], 10, 10, rule="nonzero").sum() == 64 - 9


def test_portions_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch):
    mask = (torch.rand((40, 30), generator=torch.Generator().manual_seed(1)) < 0.5).float()
    outlines = mask_polygons(mask, tolerance_px=0)
    monkeypatch.setattr(polygons, "PORTION", 7)
    assert torch.equal(fill_polygons(outlines, 40, 30), mask)


def test_nothing_fills_nothing():
    assert fill_polygons([], 3, 4).shape == (3, 4) and fill_polygons([[]], 3, 4).sum() == 0


@pytest.mark.parametrize("wrong", [math.nan, math.inf, 1e308, -2e7])
def test_points_that_lie_nowhere_near_are_refused(wrong):
    with pytest.raises(RangeError, match="finite or beyond"):
        fill_polygons([[(0.0, 0.0), (wrong, 0.0), (0.0, 5.0)]], 9, 9)


def test_outlines_that_cross_the_rows_without_end_are_refused():
    with pytest.raises(RangeError, match="crossings"):
        fill_polygons([[(0.0, 0.0), (1.0, 70_000.0)] * 1000], 70_000, 2)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_no_island_and_no_hole_goes_missing_however_coarse(size, fill):
    mask = torch.full((40, 40), 1 - fill)
    mask[10 : 10 + size, 20 : 20 + size] = fill
    again = fill_polygons(mask_polygons(mask, tolerance_px=1.0), 40, 40)
    assert bool((again[10 : 10 + size, 20 : 20 + size] == fill).any())

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.segmentation.polygons import mask_polygons, polygon_area


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

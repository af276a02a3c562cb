"""Laws of outlines: each contains the one before, and more room never takes anything away."""

from __future__ import annotations

from itertools import pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hemline.segmentation.agnostic.cuts import SILHOUETTES
from hemline.segmentation.agnostic.silhouette import shape_area

HEAD_PX = 12.0
blobs = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 40), st.integers(1, 20), st.integers(1, 20)), min_size=1, max_size=5
)


def draw(found: list[tuple[int, int, int, int]]) -> Tensor:
    area = torch.zeros(60, 50)
    for y, x, height, width in found:
        area[y : y + height, x : x + width] = 1.0
    return area


@settings(max_examples=20)
@given(blobs, st.floats(0, 6))
def test_each_outline_contains_the_one_before(found: list[tuple[int, int, int, int]], grow_px: float) -> None:
    shapes = [shape_area(draw(found), name, HEAD_PX, grow_px) for name in SILHOUETTES]
    for smaller, larger in pairwise(shapes):
        assert bool((larger >= smaller - 1e-6).all())
    assert bool((shapes[0] >= draw(found)).all())


@settings(max_examples=20)
@given(blobs, st.sampled_from(SILHOUETTES), st.floats(0, 6), st.floats(0, 6))
def test_more_room_takes_nothing_away(
    found: list[tuple[int, int, int, int]], name: str, less: float, more: float
) -> None:
    small, large = (shape_area(draw(found), name, HEAD_PX, radius) for radius in sorted((less, more)))
    assert bool((large >= small - 1e-6).all())


def test_tight_without_room_is_the_area_itself() -> None:
    area = draw([(5, 5, 20, 9), (30, 20, 4, 4)])
    assert torch.equal(shape_area(area, "tight", HEAD_PX), area)


def test_smooth_fills_a_narrow_bay_and_leaves_a_wide_one() -> None:
    area = torch.ones(60, 60)
    area[20:, 10:14], area[20:, 30:50] = 0.0, 0.0
    smooth = shape_area(area, "smooth", HEAD_PX)
    assert smooth[40, 12] == 1 and smooth[50, 40] == 0


def test_a_hull_stays_within_a_head_of_what_it_holds() -> None:
    area = torch.zeros(60, 100)
    area[5:10, 5:95], area[5:55, 48:52] = 1.0, 1.0  # spread arms and a trunk
    hull = shape_area(area, "hull", HEAD_PX)
    assert hull[18, 30] == 1 and hull[30, 30] == 0
    assert shape_area(area, "box", HEAD_PX)[30, 30] == 1


def test_a_soft_value_counts_from_one_half_on() -> None:
    area = torch.zeros(10, 10)
    area[4, 4], area[4, 5] = 0.6, 0.4
    assert shape_area(area, "tight", HEAD_PX).nonzero().tolist() == [[4, 4]]


def test_a_slanting_edge_grows_without_steps() -> None:
    y, x = torch.meshgrid(torch.arange(120) + 0.5, torch.arange(60) + 0.5, indexing="ij")
    edge = (20 + y / 14 - x + 0.5).clamp(0, 1)  # 20 px wide, and one more every 14 rows
    grown = shape_area(edge, "smooth", HEAD_PX, 8.0)[20:100]
    steps = grown.sum(1).diff()
    assert float((steps - 1 / 14).abs().max()) < 0.02

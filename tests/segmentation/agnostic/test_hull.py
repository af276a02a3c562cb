"""Laws of convex hulls, held against scipy's."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hemline.segmentation.agnostic.hull import convex_hull, cover_hull, outer_corners

points = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=30)


@given(points)
def test_the_hull_is_the_smallest_convex_polygon(found: list[tuple[int, int]]) -> None:
    spatial = pytest.importorskip("scipy.spatial", reason="the hull is compared with scipy's")
    mine = convex_hull([(float(x), float(y)) for x, y in found])
    try:
        theirs = spatial.ConvexHull(found)
    except spatial.QhullError:
        return  # all on one line
    assert {(float(x), float(y)) for x, y in (found[index] for index in theirs.vertices)} == set(mine)


@given(points)
def test_the_hull_covers_all_pixels_of_its_region_and_no_more_than_their_box(found: list[tuple[int, int]]) -> None:
    region = torch.zeros(24, 24, dtype=torch.bool)
    for x, y in found:
        region[y, x] = True
    covered = cover_hull(outer_corners(region), region)
    assert covered[region].min() > 0.999
    rows, columns = region.any(1), region.any(0)
    box = (
        slice(int(rows.nonzero()[0]), int(rows.nonzero()[-1]) + 1),
        slice(int(columns.nonzero()[0]), int(columns.nonzero()[-1]) + 1),
    )
    covered[box] = 0
    assert covered.max() < 1e-3


def test_nothing_has_no_hull() -> None:
    empty = torch.zeros(5, 5, dtype=torch.bool)
    assert outer_corners(empty) == [] and not cover_hull([], empty).any()

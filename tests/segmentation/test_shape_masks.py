"""Drawn masks: exact areas and distances, symmetry, and gradients that go where they say."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.segmentation.coverage import cover_polygon, parse_points
from hemline.segmentation.gradient_masks import (
    draw_angular_gradient,
    draw_checker,
    draw_linear_gradient,
    draw_radial_gradient,
    draw_stripes,
)
from hemline.segmentation.shape import feather_mask
from hemline.segmentation.shape_masks import draw_ellipse, draw_polygon, draw_rectangle, draw_regular_polygon
from hemline.tensors import RangeError, UnknownName

SIZES = [(1, 1), (1, 9), (3, 7), (203, 177)]
offset = st.floats(0, 1)
quick = settings(max_examples=25, deadline=None)


def box(x0: float, y0: float, x1: float, y1: float) -> str:
    return f"{x0} {y0} {x1} {y1}"


def area(mask: torch.Tensor) -> float:
    return float(mask.double().sum())


# --- areas ---------------------------------------------------------------------------------------------------------


@quick
@given(dx=offset, dy=offset, radius=st.floats(12, 45))
def test_a_disk_has_its_true_area_within_a_thousandth_wherever_it_lies(dx, dy, radius):
    x, y = 49 + dx, 49 + dy
    disk = draw_ellipse(100, 100, area=box(x - radius, y - radius, x + radius, y + radius))
    assert area(disk) == pytest.approx(math.pi * radius**2, rel=1e-3)


@quick
@given(dx=offset, dy=offset, a=st.floats(20, 45), b=st.floats(15, 45), angle=st.floats(-180, 180))
def test_an_ellipse_has_its_true_area_within_a_thousandth(dx, dy, a, b, angle):
    x, y = 49 + dx, 49 + dy
    mask = draw_ellipse(100, 100, area=box(x - a, y - b, x + a, y + b), angle=angle)
    assert area(mask) == pytest.approx(math.pi * a * b, rel=1e-3)


@quick
@given(dx=offset, dy=offset, a=st.floats(20, 33), b=st.floats(20, 33), angle=st.floats(-180, 180))
def test_a_rectangle_has_its_true_area_within_a_thousandth(dx, dy, a, b, angle):
    x, y = 49 + dx, 49 + dy
    mask = draw_rectangle(100, 100, area=box(x - a, y - b, x + a, y + b), angle=angle)
    assert area(mask) == pytest.approx(4 * a * b, rel=1e-3)


@quick
@given(dx=offset, dy=offset, radius=st.floats(0, 30))
def test_round_corners_take_away_what_they_should(dx, dy, radius):
    mask = draw_rectangle(100, 100, area=box(10 + dx, 10 + dy, 80 + dx, 88 + dy), radius=radius)
    assert area(mask) == pytest.approx(70 * 78 - (4 - math.pi) * radius**2, rel=1e-3)


@quick
@given(sides=st.integers(3, 40), angle=st.floats(-180, 180), dx=offset)
def test_a_regular_polygon_has_its_true_area_within_a_thousandth(sides, angle, dx):
    mask = draw_regular_polygon(100, 100, area=box(5 + dx, 5, 95 + dx, 95), sides=sides, angle=angle)
    assert area(mask) == pytest.approx(sides / 2 * 45**2 * math.sin(2 * math.pi / sides), rel=1e-3)


def test_a_rectangle_on_pixel_borders_is_hard_and_a_half_covered_pixel_is_a_half():
    mask = draw_rectangle(6, 8, area="2 1 5 3.5")
    assert mask[1, 1:6].tolist() == [0, 1, 1, 1, 0] and mask[3, 3] == 0.5 and area(mask) == pytest.approx(7.5)


def test_the_whole_frame_is_the_default_and_does_not_fade_at_the_frame():
    assert (draw_rectangle(5, 7) == 1).all() and (
        draw_rectangle(64, 64, area="-50 -50 200 200", feather=20) > 0.999
    ).all()


@pytest.mark.parametrize("pixels", [box(-50, 20, 40, 90), box(0, 0, 30, 30)])
def test_what_reaches_beyond_the_frame_is_cut_not_faded(pixels):
    x0, y0, x1, y1 = map(float, pixels.split())
    wide = draw_ellipse(220, 220, area=box(x0 + 60, y0 + 60, x1 + 60, y1 + 60))
    assert torch.allclose(draw_ellipse(100, 100, area=pixels), wide[60:160, 60:160], atol=1e-5)


# --- distances -----------------------------------------------------------------------------------------------------


def test_an_ellipse_has_the_exact_distance_everywhere():
    a, b, width = 40.0, 12.0, 30.0
    mask = draw_ellipse(81, 121, area=box(60.5 - a, 40.5 - b, 60.5 + a, 40.5 + b), feather=width)
    # To 1000 chords of the rim, which lie within 0.003 px of it.
    turns = torch.linspace(0, 2 * math.pi, 1001, dtype=torch.float64)
    rim = torch.stack((60.5 + a * turns.cos(), 40.5 + b * turns.sin()), -1)
    y, x = torch.meshgrid(torch.arange(81) + 0.5, torch.arange(121) + 0.5, indexing="ij")
    away, chord = torch.stack((x, y), -1).double().flatten(0, 1).unsqueeze(1) - rim[:-1], rim.diff(dim=0)
    along = ((away * chord).sum(-1) / (chord**2).sum(-1)).clamp(0, 1)
    distance = (away - along.unsqueeze(-1) * chord).norm(dim=-1).amin(1).view(81, 121)
    inside = ((x - 60.5) / a) ** 2 + ((y - 40.5) / b) ** 2 < 1
    sigma = math.sqrt((width / 4) ** 2 + 1 / 12)
    expected = 0.5 * torch.special.erfc(torch.where(inside, -distance, distance) / (sigma * math.sqrt(2)))
    assert (mask - expected).abs().max() < 2e-3


def test_a_box_and_a_polygon_of_its_corners_are_the_same_mask():
    for feather in (0.0, 9.0):
        as_box = draw_rectangle(60, 70, area="10.3 12.2 50.9 44.4", feather=feather, angle=30)
        as_polygon = draw_polygon(60, 70, points="10.3 12.2 50.9 12.2 50.9 44.4 10.3 44.4", feather=feather, angle=30)
        assert torch.allclose(as_box, as_polygon, atol=2e-5)


def test_a_straight_feathered_edge_is_that_of_feather_mask():
    drawn = draw_rectangle(3, 200, area="-500 -500 100 500", feather=24)
    hard = draw_rectangle(3, 200, area="-500 -500 100 500").unsqueeze(0)
    assert (drawn - feather_mask(hard, 24)[0]).abs().max() < 4e-3
    assert drawn[0, 99] + drawn[0, 100] == pytest.approx(1)


def test_a_polygon_that_crosses_itself_is_even_odd():
    star = "50 5 79 95 3 39 97 39 21 95"
    mask = draw_polygon(100, 100, points=star)
    assert mask[50, 50] == 0 and mask[20, 50] == 1 and mask[88, 28] == 1


def test_a_polygon_does_not_depend_on_where_it_begins_nor_on_its_direction():
    corners = [(10.0, 12.0), (80.0, 30.0), (60.0, 85.0), (30.0, 50.0)]
    masks = [cover_polygon(order, 100, 100, 6.0) for order in (corners, corners[2:] + corners[:2], corners[::-1])]
    assert torch.allclose(masks[0], masks[1], atol=1e-5) and torch.allclose(masks[0], masks[2], atol=1e-5)


def test_many_corners_make_a_disk():
    mask = draw_regular_polygon(100, 100, area="10 10 90 90", sides=720)
    assert (mask - draw_ellipse(100, 100, area="10 10 90 90")).abs().max() < 0.01


# --- symmetry ------------------------------------------------------------------------------------------------------

SYMMETRIC = [
    lambda size, feather: draw_ellipse(*size, feather=feather),
    lambda size, feather: draw_rectangle(*size, area="0.2 0.3 0.8 0.7", radius=4, feather=feather),
    lambda size, feather: draw_regular_polygon(*size, sides=6, feather=feather),
    lambda size, feather: draw_radial_gradient(*size),
]


@pytest.mark.parametrize("draw", SYMMETRIC, ids=["ellipse", "rectangle", "hexagon", "radial"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("feather", [0.0, 12.0])
def test_symmetric_shapes_are_symmetric(draw, size, feather):
    mask = draw(size, feather)
    assert mask.shape == size
    assert torch.allclose(mask, mask.flip(1), atol=1e-4) and torch.allclose(mask, mask.flip(0), atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_turning_by_a_quarter_is_transposing_the_frame(size):
    height, width = size
    lying, standing = draw_linear_gradient(height, width), draw_linear_gradient(width, height, angle=90)
    assert torch.allclose(lying, standing.T, atol=1e-6)


def test_a_turn_is_clockwise_on_the_screen():
    mask = draw_rectangle(60, 60, area="10 28 50 32", angle=30)
    assert mask[30 + 8, 30 + 14] == 1 and mask[30 - 8, 30 + 14] == 0


# --- gradients and patterns ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0, 30, 90, 145, -60, 360])
def test_a_linear_gradient_spans_the_frame_and_rises_along_its_angle(angle):
    mask = draw_linear_gradient(40, 60, angle=angle)
    assert 0 <= mask.min() < 0.03 and 0.97 < mask.max() <= 1 and area(mask) == pytest.approx(1200, rel=1e-4)
    across, down = (mask[:, -1] - mask[:, 0]).mean(), (mask[-1] - mask[0]).mean()
    direction = (math.cos(math.radians(angle)), math.sin(math.radians(angle)))
    assert across * direction[0] + down * direction[1] > 0


def test_a_linear_gradient_runs_from_point_to_point():
    mask = draw_linear_gradient(3, 100, points="20 0 60 0")
    assert mask[0, :20].max() == 0 and mask[0, 60:].min() == 1 and mask[1, 39] == pytest.approx(0.4875)


def test_stops_and_easing_shape_a_gradient():
    mask = draw_linear_gradient(1, 1000, stops="0 0.2, 0.5 1, 0.5 0, 1 0.6")[0]
    assert mask[0] == pytest.approx(0.2, abs=2e-3) and mask[498] == pytest.approx(1, abs=4e-3)
    assert mask[501] == pytest.approx(0, abs=4e-3) and mask[-1] == pytest.approx(0.6, abs=2e-3)
    eased = draw_linear_gradient(1, 1000, easing="smoothstep")[0]
    assert eased[249] == pytest.approx(0.15625, abs=2e-3) and (eased.diff() >= 0).all()


def test_a_radial_gradient_is_one_in_the_middle_and_nothing_from_the_rim_on():
    mask = draw_radial_gradient(101, 101, area="20 20 81 81")
    assert (
        mask[50, 50] == 1 and mask[50, 81] == 0 and mask[0, 0] == 0 and mask[50, 65] == pytest.approx(0.508, abs=1e-3)
    )


def test_an_angular_gradient_goes_round_clockwise():
    mask = draw_angular_gradient(101, 101)
    assert mask[50, 100] == 0 and mask[100, 50] == 0.25 and mask[50, 0] == 0.5 and mask[0, 50] == 0.75
    assert draw_angular_gradient(101, 101, angle=90)[100, 50] == 0


def test_stripes_and_checkers_cover_their_share():
    stripes = draw_stripes(40, 96, size=12, share=0.25)
    assert area(stripes) == 40 * 24 and (stripes[:, :3] == 1).all() and (stripes[:, 3:12] == 0).all()
    checker = draw_checker(48, 96, size=8)
    assert (checker[:8, :8] == 1).all() and (checker[:8, 8:16] == 0).all() and area(checker) == 24 * 96
    assert torch.allclose(draw_checker(48, 96, size=8), 1 - draw_checker(48, 104, size=8)[:, 8:])
    assert float(draw_stripes(200, 200, size=12.5, angle=33, feather=4).mean()) == pytest.approx(0.5, abs=0.01)
    assert (draw_stripes(4, 4, share=1) == 1).all() and (draw_stripes(4, 4, share=0) == 0).all()


# --- errors --------------------------------------------------------------------------------------------------------


def test_points_are_pixels_or_shares():
    assert parse_points("10 20, 30;40", 100, 200) == [(10, 20), (30, 40)]
    assert parse_points("0.5 0.25 1 0", 100, 200) == [(100, 25), (200, 0)]
    assert parse_points("  ", 5, 5) == []


@pytest.mark.parametrize(
    "draw",
    [
        lambda: parse_points("1 2 3", 5, 5),
        lambda: parse_points("1 a", 5, 5),
        lambda: parse_points("1 inf", 5, 5),
        lambda: draw_ellipse(5, 5, area="3 3 3 5"),
        lambda: draw_ellipse(5, 5, area="1 2"),
        lambda: draw_ellipse(5, 5, feather=-1),
        lambda: draw_rectangle(5, 5, radius=-1),
        lambda: draw_polygon(5, 5, points="1 1 2 2"),
        lambda: draw_regular_polygon(5, 5, sides=2),
        lambda: draw_regular_polygon(5, 5, inner=0),
        lambda: draw_linear_gradient(5, 5, points="1 1 1 1"),
        lambda: draw_linear_gradient(5, 5, points="1 1"),
        lambda: draw_linear_gradient(5, 5, stops="0 0"),
        lambda: draw_linear_gradient(5, 5, stops="1 0 0 1"),
        lambda: draw_linear_gradient(5, 5, stops="0 0 1 2"),
        lambda: draw_stripes(5, 5, size=0),
        lambda: draw_stripes(5, 5, share=2),
        lambda: draw_checker(5, 5, size=float("nan")),
    ],
)
def test_what_draws_nothing_is_an_error(draw):
    with pytest.raises(RangeError):
        draw()


def test_an_unknown_easing_is_an_error():
    with pytest.raises(UnknownName):
        draw_linear_gradient(5, 5, easing="bounce")

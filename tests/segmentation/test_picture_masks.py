"""Masks out of a picture: colours by OKLab distance, lightness, edges in units of the step."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.color import parse_colours, srgb_to_oklab
from hemline.segmentation.picture_masks import find_edges, select_colour_range, select_luminance_range
from hemline.tensors import HemlineError, RangeError, UnknownName

PICTURE = torch.rand(2, 17, 23, 3, generator=torch.Generator().manual_seed(1))
quick = settings(max_examples=25, deadline=None)


def halves(left: str, right: str, height: int = 12, width: int = 20) -> torch.Tensor:
    image = parse_colours(left).view(1, 1, 1, 3).repeat(1, height, width, 1)
    image[:, :, width // 2 :] = parse_colours(right)
    return image


def distance(first: str, second: str) -> float:
    return float((srgb_to_oklab(parse_colours(first)) - srgb_to_oklab(parse_colours(second))).norm())


# --- colour range --------------------------------------------------------------------------------------------------


def test_the_colour_itself_is_full_and_another_one_is_not():
    mask = select_colour_range(halves("#c03020", "#2040a0"), colour="#c03020")
    assert (mask[..., :10] == 1).all() and (mask[..., 10:] == 0).all()


def test_black_and_white_are_one_apart_and_the_fall_is_straight():
    image = halves("#000", "#fff")
    assert (select_colour_range(image, colour="#000", tolerance=0.99, softness=0)[..., 10:] == 0).all()
    assert (select_colour_range(image, colour="#000", tolerance=1.01, softness=0)[..., 10:] == 1).all()
    half = select_colour_range(image, colour="#000", tolerance=0.8, softness=0.4)[..., 10:]
    assert torch.allclose(half, torch.full_like(half, 0.5), atol=1e-4)


@quick
@given(low=st.floats(0, 1), more=st.floats(0, 1), softness=st.floats(0, 0.5))
def test_more_tolerance_selects_no_less(low, more, softness):
    tight = select_colour_range(PICTURE, colour="#806040", tolerance=low, softness=softness)
    loose = select_colour_range(PICTURE, colour="#806040", tolerance=low + more, softness=softness)
    assert (loose >= tight).all() and tight.min() >= 0 and loose.max() <= 1


def test_several_colours_are_the_union_of_each():
    both = select_colour_range(PICTURE, colour="#d02020 #20d020", tolerance=0.3)
    each = [select_colour_range(PICTURE, colour=colour, tolerance=0.3) for colour in ("#d02020", "#20d020")]
    assert torch.allclose(both, torch.maximum(*each), atol=1e-6)


def test_a_magic_wand_takes_the_points_colour_and_only_its_own_region():
    image = halves("#c03020", "#2040a0", 12, 30)
    image[:, :, 20:] = parse_colours("#c03020")
    assert select_colour_range(image, colour="#c03020")[0, 0, 25] == 1
    wand = select_colour_range(image, points="3.7 4.2")
    assert (wand[..., :15] == 1).all() and (wand[..., 15:] == 0).all()
    two = select_colour_range(image, points="3 4 25 11.9")
    assert (two[..., :15] == 1).all() and (two[..., 15:20] == 0).all() and (two[..., 20:] == 1).all()


def test_each_picture_of_a_batch_gives_the_wand_its_own_colour():
    image = torch.cat((halves("#c03020", "#2040a0"), halves("#2040a0", "#c03020")))
    wand = select_colour_range(image, points="0.1 0.5")
    assert (wand[..., :10] == 1).all() and (wand[..., 10:] == 0).all()


def test_a_low_weight_of_lightness_follows_a_cloth_into_its_shadow():
    image = halves("#c84840", "#702018")
    strict = select_colour_range(image, colour="#c84840")
    loose = select_colour_range(image, colour="#c84840", lightness_weight=0.2)
    assert (strict[..., 10:] == 0).all() and (loose[..., 10:] > 0.9).all()


def test_a_point_on_the_frame_belongs_to_the_last_pixel():
    wand = select_colour_range(halves("#c03020", "#2040a0"), points="1 1")
    assert (wand[..., :10] == 0).all() and (wand[..., 10:] == 1).all()


def test_no_colour_and_no_point_is_an_error():
    with pytest.raises(HemlineError, match="knows no colour"):
        select_colour_range(PICTURE)


@pytest.mark.parametrize(
    "wrong",
    [{"colour": "red"}, {"colour": "#12345"}, {"points": "40 2"}, {"points": "-1 2"}, {"points": "2"},
     {"tolerance": -1.0}, {"softness": math.nan}],
)  # fmt: skip
def test_wrong_colours_points_and_numbers_are_errors(wrong):
    with pytest.raises(RangeError):
        select_colour_range(PICTURE, **{"colour": "#fff", **wrong})


# --- luminance -----------------------------------------------------------------------------------------------------


def grey(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(1, 1, -1, 1).repeat(1, 1, 1, 3)


def test_a_lightness_range_is_full_inside_and_falls_beyond_either_end():
    # OKLab L of grey: the cube root of its linear light.
    ramp = torch.linspace(0, 1, 101)
    encoded = torch.where(ramp**3 <= 0.0031308, ramp**3 * 12.92, 1.055 * (ramp**3) ** (1 / 2.4) - 0.055)
    mask = select_luminance_range(grey(*encoded.tolist()), low=0.4, high=0.6, softness=0.2)[0, 0]
    assert (mask[41:60] > 0.999).all() and (mask[:20] < 1e-3).all() and (mask[81:] < 1e-3).all()
    assert mask[30] == pytest.approx(0.5, abs=2e-3) and mask[70] == pytest.approx(0.5, abs=2e-3)


def test_luminance_weighs_the_primaries_in_linear_light():
    image = torch.eye(3).view(1, 1, 3, 3)
    mask = select_luminance_range(image, low=1.0, high=1.0, softness=1.0, measure="luminance")
    assert torch.allclose(mask[0, 0], torch.tensor([0.2126, 0.7152, 0.0722]), atol=1e-6)


def test_highlights_beyond_one_count_where_the_range_has_no_upper_end():
    bright = grey(1.0, 4.0)
    assert select_luminance_range(bright, low=0.8, high=1.0)[0, 0].tolist() == [1, 1]
    assert select_luminance_range(bright, low=0.8, high=0.99, softness=0.0)[0, 0].tolist() == [0, 0]


@quick
@given(low=st.floats(0, 0.5), lower=st.floats(0, 0.5), softness=st.floats(0, 0.5))
def test_a_wider_range_selects_no_less(low, lower, softness):
    narrow = select_luminance_range(PICTURE, low=max(low, lower), high=0.7, softness=softness)
    wide = select_luminance_range(PICTURE, low=min(low, lower), high=0.8, softness=softness)
    assert (wide >= narrow).all()


def test_wrong_ranges_are_errors():
    with pytest.raises(RangeError, match="low <= high"):
        select_luminance_range(PICTURE, low=0.6, high=0.5)
    with pytest.raises(RangeError):
        select_luminance_range(PICTURE, low=-0.1)
    with pytest.raises(UnknownName):
        select_luminance_range(PICTURE, measure="brightness")


# --- edges ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.0, 0.7, 1.0, 2.5, 6.0])
@pytest.mark.parametrize("across", [True, False])
def test_a_step_measures_its_colour_distance_at_any_scale(scale, across):
    image = halves("#c03020", "#2040a0", 80, 80)
    step = distance("#c03020", "#2040a0")
    edges = find_edges(image if across else image.transpose(1, 2), scale=scale, contrast=2 * step)
    assert float(edges.max()) == pytest.approx(0.5, rel=1e-3)
    line = edges[0, 40] if across else edges[0, :, 40]
    assert line.argmax() in (39, 40) and max(line[0], line[-1]) < 1e-5


def test_a_slanted_step_measures_the_same_within_a_few_per_cent():
    y, x = torch.meshgrid(torch.arange(120.0), torch.arange(120.0), indexing="ij")
    for angle in (17, 45, 70):
        turn = math.radians(angle)
        inside = (0.5 + (x - 60) * math.cos(turn) + (y - 60) * math.sin(turn)).clamp(0, 1)
        edges = find_edges(inside.view(1, 120, 120, 1).expand(-1, -1, -1, 3), scale=2.0, contrast=2.0)
        assert float(edges[:, 30:90, 30:90].amax()) == pytest.approx(0.5, rel=0.06)


def test_flat_pictures_have_no_edges_not_even_at_the_frame():
    assert find_edges(torch.full((1, 9, 9, 3), 0.3), scale=3.0).max() < 1e-5
    assert find_edges(torch.rand(1, 1, 1, 3)).max() == 0


def test_equal_lightness_does_not_hide_an_edge():
    assert find_edges(halves("#c05050", "#508a50"), contrast=0.1).max() == 1


@quick
@given(contrast=st.floats(0.01, 1), more=st.floats(0, 1))
def test_asking_for_more_contrast_finds_no_more(contrast, more):
    assert (find_edges(PICTURE, contrast=contrast + more) <= find_edges(PICTURE, contrast=contrast)).all()


def test_wrong_scales_are_errors():
    for wrong in ({"scale": -1.0}, {"scale": 1e4}, {"contrast": 0.0}):
        with pytest.raises(RangeError):
            find_edges(PICTURE, **wrong)

"""Pictures made comparable for the eye: what each view must and must not change."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.blending.compare import overlay_mask
from hemline.blending.views import (
    amplify_difference,
    checkerboard,
    difference,
    on_checkerboard,
    place_beside,
    show_matte,
    split_images,
)
from hemline.errors import RangeError, ShapeError

SIZES = [(1, 1), (3, 7), (41, 23), (103, 77)]
VIEWS = {
    "checkerboard": lambda a, b, mask: on_checkerboard(a, mask),
    "matte": lambda a, b, mask: show_matte(mask),
    "overlay": lambda a, b, mask: overlay_mask(a, mask),
    "slider": lambda a, b, mask: split_images(a, b, 0.4),
    "beside": lambda a, b, mask: place_beside(a, b),
    "difference": lambda a, b, mask: amplify_difference(a, b, 3.0),
}
every_view = pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)


def pictures(batch: int = 1, size: tuple[int, int] = (20, 30), channels: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.rand((batch, *size, channels), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", SIZES)
def test_the_slider_at_its_ends_gives_exactly_one_of_the_pictures(size):
    a, b = pictures(size=size), pictures(size=size, seed=1)
    assert torch.equal(split_images(a, b, 0), b) and torch.equal(split_images(a, b, 1), a)


@given(position=st.floats(0, 1), width=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_left_of_the_slider_is_a_and_right_of_it_b(position, width):
    a, b = torch.ones(1, 2, width, 3), torch.zeros(1, 2, width, 3)
    row = split_images(a, b, position)[0, 0, :, 0]
    assert abs(float(row.sum()) - position * width) <= 0.5 and bool((row.diff() <= 0).all())


@pytest.mark.parametrize("channels", [3, 4])
def test_a_picture_differs_nowhere_from_itself(channels):
    picture = pictures(channels=channels)
    assert not amplify_difference(picture, picture, 64.0).any()


def test_an_opaque_picture_equals_itself_with_alpha_one():
    picture = pictures()
    assert not difference(picture, torch.cat([picture, torch.ones_like(picture[..., :1])], -1)).any()


def test_the_difference_of_opaque_pictures_is_that_of_their_values():
    a, b = pictures(), pictures(seed=1)
    assert torch.equal(difference(a, b), (a - b).abs())
    assert torch.allclose(amplify_difference(a, b, 4.0), (4 * (a - b).abs()).clamp(max=1))


def test_a_difference_in_alpha_alone_is_seen_whatever_the_colour():
    for shade in (0.0, 0.5, 1.0):
        a, b = torch.full((1, 2, 2, 4), shade), torch.full((1, 2, 2, 4), shade)
        a[..., 3], b[..., 3] = 1.0, 0.5
        assert float(difference(a, b).amin()) >= 0.25


def test_colours_under_a_transparent_alpha_do_not_differ():
    a, b = torch.rand(1, 4, 4, 4), torch.rand(1, 4, 4, 4)
    a[..., 3] = b[..., 3] = 0
    assert not difference(a, b).any()


def test_the_matte_is_the_mask():
    mask = pictures()[..., 0]
    assert all(torch.equal(channel, mask) for channel in show_matte(mask).unbind(-1))


def test_the_checkerboard_is_seen_where_the_mask_is_not_and_nothing_else():
    picture, mask = pictures(), torch.zeros(1, 20, 30)
    mask[:, 5:9, 7:20] = 1
    shown, ground = on_checkerboard(picture, mask), checkerboard(20, 30)
    assert torch.equal(shown[mask == 0], ground.unsqueeze(0)[mask == 0])
    assert torch.allclose(shown[mask == 1], picture[mask == 1], atol=1e-6)


def test_an_opaque_picture_without_a_mask_stays_bit_for_bit():
    picture = pictures() * 3  # HDR
    assert on_checkerboard(picture) is picture or torch.equal(on_checkerboard(picture), picture)


def test_squares_grow_with_the_picture():
    for side, square in ((20, 1), (64, 2), (640, 20)):
        row = checkerboard(side, side)[0, :, 0]
        assert int((row == row[0]).int().cumprod(0).sum()) == square


@every_view
def test_batch_equals_stack_of_singles(view):
    a, b, mask = pictures(3, channels=4), pictures(3, seed=1), pictures(3, seed=2)[..., 0]
    singles = [view(a[i : i + 1], b[i : i + 1], mask[i : i + 1]) for i in range(3)]
    assert torch.equal(view(a, b, mask), torch.cat(singles))


@every_view
def test_one_of_a_pair_may_be_a_single_picture(view):
    a, b, mask = pictures(), pictures(3, seed=1), pictures(3, seed=2)[..., 0]
    assert len(view(a, b, mask)) == 3


@every_view
@pytest.mark.parametrize("size", SIZES)
def test_every_view_takes_every_size_and_keeps_dtype_and_inputs(view, size):
    a, b, mask = pictures(size=size).half(), pictures(size=size, seed=1).half(), pictures(size=size)[..., 0].half()
    before = a.clone(), b.clone(), mask.clone()
    shown = view(a, b, mask)
    assert shown.dtype == torch.float16 and shown.shape[1] == size[0] and shown.shape[-1] == 3
    assert all(torch.equal(one, other) for one, other in zip(before, (a, b, mask), strict=True))


def test_pictures_of_two_sizes_or_batches_are_an_error():
    with pytest.raises(ShapeError, match=r"30x20.*picture B 7x3"):
        split_images(pictures(), pictures(size=(3, 7)), 0.5)
    with pytest.raises(ShapeError, match="batch of 2"):
        place_beside(pictures(2), pictures(3))


@pytest.mark.parametrize("gain", [0.5, 65.0, float("nan")])
def test_a_gain_outside_its_limits_is_an_error(gain):
    with pytest.raises(RangeError, match="gain"):
        amplify_difference(pictures(), pictures(), gain)

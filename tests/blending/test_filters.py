"""Filters: what holds for each of them, and what each is for."""

from __future__ import annotations

import pytest
import torch

from hemline.blending.filters import FILTERS, apply_filter, blur_image, high_pass, sharpen_image
from hemline.color import srgb_to_linear
from hemline.kernels import gaussian_blur
from hemline.tensors import HemlineError, RangeError, ShapeError, UnknownName

NAMES = tuple(FILTERS.built_in)
every_filter = pytest.mark.parametrize("name", NAMES)


def picture(batch: int = 2, height: int = 33, width: int = 41, channels: int = 3) -> torch.Tensor:
    return torch.rand(batch, height, width, channels, generator=torch.Generator().manual_seed(3))


def half_mask(height: int = 33, width: int = 41) -> torch.Tensor:
    mask = torch.zeros(1, height, width)
    mask[:, :, width // 2 :] = 1
    return mask


# --- every filter --------------------------------------------------------------------------------------------------


@every_filter
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_where_the_mask_is_0_the_picture_stays_bit_for_bit(name, channels, dtype):
    image = picture(channels=channels).to(dtype)
    before = image.clone()
    result = apply_filter(image, name, half_mask())
    assert result.shape == image.shape and result.dtype == dtype and result.isfinite().all()
    assert torch.equal(result[:, :, :20], image[:, :, :20]) and torch.equal(image, before)


@every_filter
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 7)])
@pytest.mark.parametrize("channels", [3, 4])
def test_small_pictures_keep_their_size(name, size, channels):
    image = picture(1, *size, channels)
    assert apply_filter(image, name, torch.ones(1, *size)).shape == image.shape


@pytest.mark.parametrize("name", [name for name in NAMES if "grain" not in name])
def test_a_batch_is_the_stack_of_its_pictures(name):
    image = picture(3)
    alone = [apply_filter(one.unsqueeze(0), name) for one in image]
    assert torch.allclose(apply_filter(image, name), torch.cat(alone), atol=2e-6)


@pytest.mark.parametrize(("name", "nothing"), [
    ("gaussian blur", {"radius": 0.0}), ("unsharp mask", {"amount": 0.0}), ("unsharp mask", {"radius": 0.0}),
    ("grain", {"amount": 0.0}), ("match grain", {"amount": 0.0}),
])  # fmt: skip
@pytest.mark.parametrize("channels", [3, 4])
def test_nothing_asked_is_nothing_done(name, nothing, channels):
    image = picture(channels=channels)
    result = apply_filter(image, name, torch.ones(1, 33, 41), settings=nothing)
    assert torch.allclose(result, image, atol=1e-6)


@pytest.mark.parametrize("name", ["gaussian blur", "unsharp mask"])
def test_a_flat_picture_stays_flat_and_hdr_passes(name):
    flat = torch.full((1, 20, 20, 3), 3.0)
    assert torch.allclose(apply_filter(flat, name), flat, atol=1e-4)


def test_a_soft_mask_mixes():
    image = picture()
    full = apply_filter(image, "gaussian blur", settings={"radius": 3.0})
    half = apply_filter(image, "gaussian blur", torch.full((1, 33, 41), 0.5), settings={"radius": 3.0})
    assert torch.allclose(half, (image + full) / 2, atol=1e-6)


def test_wrong_names_masks_and_settings_are_errors():
    with pytest.raises(UnknownName, match="Did you mean 'gaussian blur'"):
        apply_filter(picture(), "gausian blur")
    with pytest.raises(ShapeError):
        apply_filter(picture(), "grain", torch.ones(1, 5, 5))


@pytest.mark.parametrize(("name", "wrong"), [
    ("gaussian blur", {"radius": -1.0}), ("unsharp mask", {"threshold": 2.0}), ("high pass", {"amount": -1.0}),
    ("grain", {"seed": -1}), ("grain", {"size": 1e3}),
])  # fmt: skip
def test_settings_beyond_their_range_are_errors(name, wrong):
    with pytest.raises(RangeError):
        apply_filter(picture(), name, settings=wrong)


# --- blur ----------------------------------------------------------------------------------------------------------


def test_no_colour_comes_out_of_what_cannot_be_seen():
    image = torch.zeros(1, 21, 21, 4)
    image[..., 0] = 1  # all of it red, mostly unseen
    image[:, 8:13, 8:13] = torch.tensor([0.0, 0.0, 1.0, 1.0])
    blurred = blur_image(image, radius=2.0)
    seen = blurred[..., 3] > 1e-3
    assert (blurred[..., 0][seen] < 1e-4).all() and torch.allclose(blurred[..., 2][seen], torch.ones(1), atol=1e-3)
    assert float(blurred[..., 3].sum()) == pytest.approx(25, rel=1e-3)


def test_a_wide_blur_makes_no_colours_up_far_from_anything():
    image = torch.zeros(1, 300, 300, 4)
    image[:, :4, :4] = 1.0
    blurred = blur_image(image, radius=12.0)
    assert blurred.isfinite().all() and (blurred[:, 200:, 200:] == 0).all() and blurred.max() <= 1.001


def test_blurring_light_keeps_the_sum_of_light():
    image = torch.zeros(1, 41, 41, 3)
    image[:, 20, 20] = 1.0
    assert float(srgb_to_linear(blur_image(image, radius=3.0, linear=True))[..., 0].sum()) == pytest.approx(1, rel=1e-3)
    assert blur_image(image, radius=3.0, linear=True)[0, 20, 20, 0] > blur_image(image, radius=3.0)[0, 20, 20, 0]


# --- detail --------------------------------------------------------------------------------------------------------


def test_low_and_high_pass_give_the_picture_back_by_linear_light():
    image = picture()
    low, high = blur_image(image, radius=4.0), high_pass(image, radius=4.0, amount=0.5)
    linear_light = low + 2 * high - 1
    assert torch.allclose(linear_light, image, atol=1e-6) and high.min() >= 0 and high.max() <= 1


def test_high_pass_of_a_flat_picture_is_mid_grey_and_keeps_alpha():
    flat = torch.cat((torch.full((1, 9, 9, 3), 0.7), picture(1, 9, 9, 1)), -1)
    passed = high_pass(flat, radius=2.0)
    assert torch.allclose(passed[..., :3], torch.tensor(0.5), atol=1e-5) and torch.equal(passed[..., 3], flat[..., 3])


def test_unsharp_mask_adds_the_difference_from_the_blur():
    image = picture(1) * 0.2 + 0.4
    blurred = gaussian_blur(image.permute(0, 3, 1, 2), 2.0).permute(0, 2, 3, 1)
    assert torch.allclose(sharpen_image(image, radius=2.0, amount=1.5), image + 1.5 * (image - blurred), atol=1e-6)


def test_a_threshold_leaves_fine_grain_alone_and_makes_no_step():
    faint = 0.5 + 0.01 * (picture(1) - 0.5)
    assert torch.equal(sharpen_image(faint, radius=2.0, amount=3.0, threshold=0.02), faint)
    ramp = torch.linspace(0, 0.2, 41).view(1, 1, 41, 1).repeat(1, 5, 1, 3) ** 2
    changes = [sharpen_image(ramp, radius=2.0, amount=1.0, threshold=value) for value in (0.001, 0.0010001)]
    assert torch.allclose(changes[0], changes[1], atol=1e-6)


def test_sharpening_stays_in_the_pictures_own_range():
    image = half_mask().unsqueeze(-1).repeat(1, 1, 1, 3)
    sharp = sharpen_image(image, radius=2.0, amount=5.0)
    assert sharp.min() == 0 and sharp.max() == 1
    assert sharpen_image(image * 4, radius=2.0, amount=5.0).max() == 4


# --- grain ---------------------------------------------------------------------------------------------------------


def test_match_grain_needs_a_mask():
    with pytest.raises(HemlineError, match="connect one"):
        apply_filter(picture(), "match grain")


def test_a_smooth_repainted_part_gets_the_grain_of_its_surroundings():
    source = torch.Generator().manual_seed(5)
    image = torch.full((1, 160, 160, 3), 0.5) + torch.randn(1, 160, 160, 3, generator=source) * torch.tensor(
        [0.01, 0.02, 0.04]
    )
    mask = torch.zeros(1, 160, 160)
    mask[:, 40:120, 40:120] = 1
    image[:, 40:120, 40:120] = 0.5
    inside = apply_filter(image, "match grain", mask)[:, 40:120, 40:120]
    assert torch.allclose(inside.std((0, 1, 2)), torch.tensor([0.01, 0.02, 0.04]), rtol=0.06)
    again = apply_filter(apply_filter(image, "match grain", mask), "match grain", mask, settings={"seed": 1})
    assert torch.allclose(again[:, 40:120, 40:120].std((0, 1, 2)), torch.tensor([0.01, 0.02, 0.04]), rtol=0.1)


def test_more_grain_inside_than_outside_stays():
    image = picture(1, 64, 64)
    image[:, :, :32] = 0.5
    mask = half_mask(64, 64)
    assert torch.equal(apply_filter(image, "match grain", mask), image)

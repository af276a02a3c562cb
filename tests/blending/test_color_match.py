from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.blending.color_match import (
    LEAST_PIXELS,
    METHODS,
    SPACES,
    apply_fits,
    describe_fits,
    fit_colours,
    match_colours,
)
from hemline.kernels import gaussian_blur
from hemline.tensors import RangeError, ShapeError, UnknownName

every_method = pytest.mark.parametrize("method", METHODS)


def photo(height: int = 120, width: int = 100, batch: int = 1, seed: int = 0) -> torch.Tensor:
    noise = torch.rand((batch, 3, height, width), generator=torch.Generator().manual_seed(seed))
    return ((gaussian_blur(noise, 5.0) - 0.5) * 6 + 0.1 * noise + 0.45).clamp(0.06, 0.94).permute(0, 2, 3, 1)


def half_mask(height: int = 120, width: int = 100) -> torch.Tensor:
    mask = torch.zeros(1, height, width)
    mask[..., width // 2 :] = 1
    return mask


def rms(difference: torch.Tensor) -> float:
    return float(difference.square().mean().sqrt())


@every_method
@settings(max_examples=10, deadline=None)
@given(shift=st.integers(-20, 20), seed=st.integers(0, 99))
def test_a_uniform_shift_comes_back_with_error_0_whatever_the_excluded_half_holds(method, shift, seed):
    reference = photo()
    image = reference + shift / 255
    image[:, :, 50:] = torch.rand((1, 120, 50, 3), generator=torch.Generator().manual_seed(seed))
    matched = match_colours(image, reference, half_mask(), method=method)
    assert rms((matched - reference)[:, :, :50]) < 1e-4


@every_method
@settings(max_examples=10, deadline=None)
@given(gain=st.floats(0.8, 1.2), offset=st.floats(-0.05, 0.05))
def test_a_gain_and_an_offset_are_removed(method, gain, offset):
    reference = photo()
    matched = match_colours(reference * gain + offset, reference, half_mask(), method=method)
    assert (matched - reference).abs().max() < 0.3 / 255


@every_method
def test_a_flat_wall_that_fills_most_of_the_picture_does_not_hide_a_gain(method):
    reference = torch.full((1, 120, 100, 3), 0.8)
    reference[:, :, :30] = photo()[:, :, :30]
    reference = reference + 0.004 * torch.randn(reference.shape, generator=torch.Generator().manual_seed(2))
    image = reference * torch.tensor([0.95, 0.88, 0.76]) + 0.03
    (fit,) = fit_colours(image, reference, method=method)
    assert fit is not None and fit.outliers < 0.05
    assert rms(apply_fits(image, (fit,)) - reference) < 0.5 / 255


def test_affine_removes_a_mixing_of_channels():
    reference = photo()
    mixing = torch.tensor([[0.95, 0.04, 0.0], [0.02, 0.96, 0.01], [0.0, 0.05, 0.93]])
    matched = match_colours(reference @ mixing.T + 0.01, reference, method="affine")
    assert rms(matched - reference) < 0.2 / 255


@every_method
def test_a_third_of_other_content_among_the_kept_pixels_is_left_out(method):
    reference = photo()
    image = reference * 0.97 + 0.01
    image[:, :40] = photo(seed=7)[:, :40]
    fits = fit_colours(image, reference, method=method)
    assert fits[0] is not None and 0.25 < fits[0].outliers < 0.4
    assert (apply_fits(image, fits) - reference)[:, 40:].abs().max() < 1 / 255


@every_method
def test_grain_does_not_pass_for_lack_of_contrast(method):
    reference = photo()
    grain = 0.03 * torch.randn((2, *reference.shape), generator=torch.Generator().manual_seed(3))
    (fit,) = fit_colours(reference * 0.97 + grain[0], reference + grain[1], method=method)
    assert fit is not None
    gains = fit.matrix @ torch.ones(3) if method == "affine" else fit.matrix.diagonal()
    assert (gains - 1 / 0.97).abs().max() < 0.03


@every_method
def test_without_contrast_to_learn_a_gain_from_there_is_only_an_offset(method):
    flat = torch.full((1, 60, 60, 3), 0.5)
    grain = 0.002 * torch.randn((2, *flat.shape), generator=torch.Generator().manual_seed(3))
    (fit,) = fit_colours(flat + 0.04 + grain[0], flat + grain[1], method=method)
    assert fit is not None
    assert (fit.matrix - torch.eye(3)).abs().max() < 0.06
    assert (fit.matrix @ torch.full((3,), 0.54) + fit.offset - 0.5).abs().max() < 1e-3


@pytest.mark.parametrize("space", SPACES)
@every_method
def test_a_picture_like_its_reference_stays(method, space):
    reference = photo()
    assert (match_colours(reference, reference, method=method, space=space) - reference).abs().max() < 1e-4


def test_oklab_undoes_a_tint_of_oklab():
    from hemline.color import oklab_to_srgb, srgb_to_oklab

    reference = photo()
    tinted = oklab_to_srgb(srgb_to_oklab(reference) + torch.tensor([0.01, 0.01, -0.01]))
    assert rms(match_colours(tinted, reference, space="OKLab") - reference) < 1e-4


def test_another_scene_of_another_size_gives_its_mean_and_spread():
    image, reference = photo(), photo(64, 90, seed=4) * 0.5 + 0.3
    matched = match_colours(image, reference)
    assert (matched.mean((0, 1, 2)) - reference.mean((0, 1, 2))).abs().max() < 0.01
    assert (matched.std((0, 1, 2)) - reference.std((0, 1, 2))).abs().max() < 0.02
    with pytest.raises(ShapeError, match="'affine' compares pixel by pixel"):
        match_colours(image, reference, method="affine")


@every_method
def test_too_few_kept_pixels_change_nothing_and_are_told(method):
    image, reference = photo(40, 40), photo(40, 40, seed=1)
    mask = torch.ones(1, 40, 40)
    mask[0, 0, : LEAST_PIXELS // 2] = 0
    fits = fit_colours(image, reference, mask, method=method)
    assert fits == (None,) and "not changed" in describe_fits(fits)[0]
    assert torch.equal(match_colours(image, reference, mask, method=method), image)


@pytest.mark.parametrize("ring", [4, 16])
def test_a_ring_looks_only_at_what_is_near_the_mask(ring):
    reference, mask = photo(200, 200), torch.zeros(1, 200, 200)
    mask[:, 90:110, 90:110] = 1
    image = reference + 0.02
    image[:, :60] -= 0.2  # far from the mask
    assert rms((match_colours(image, reference, mask, ring_px=ring) - reference)[:, 70:130]) < 1e-4


def test_only_the_mask_is_changed_where_that_is_asked():
    image, reference = photo(), photo() - 0.05
    mask = half_mask() * 0.5
    matched = match_colours(image, reference, mask, apply_to="mask")
    assert torch.equal(matched[:, :, :50], image[:, :, :50])
    assert torch.allclose(matched[:, :, 50:], image[:, :, 50:] - 0.025, atol=1e-4)
    assert torch.allclose(match_colours(image, reference, strength=0.5), image - 0.025, atol=1e-4)


def test_a_batch_is_its_singles_and_one_reference_serves_a_batch():
    image, reference = photo(batch=3) * 0.9, photo(seed=2)
    singles = [match_colours(image[i : i + 1], reference, half_mask()) for i in range(3)]
    assert torch.equal(match_colours(image, reference, half_mask()), torch.cat(singles))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_dtype_and_alpha_come_back_and_inputs_stay(dtype):
    image = torch.cat([photo(), torch.rand(1, 120, 100, 1)], dim=-1).to(dtype)
    reference, before = photo().to(dtype) * 0.9, image.clone()
    matched = match_colours(image, reference)
    assert matched.dtype == dtype and torch.equal(matched[..., 3], image[..., 3])
    assert torch.equal(image, before)


def test_values_above_1_pass_and_0_to_1_stays_so():
    reference = photo()
    assert match_colours(reference * 3, reference * 4).max() > 3
    assert match_colours(reference, (reference * 3 - 1).clamp(0, 1)).min() >= 0


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (3, 7), (33, 65)])
def test_any_size_goes(size):
    image = photo(*size)
    assert match_colours(image, image * 0.9, torch.zeros(1, *size)).shape == image.shape


def test_pixels_that_are_not_finite_are_not_compared():
    reference = photo()
    image = reference - 0.04
    image[:, 5, 5] = float("nan")
    matched = match_colours(image, reference)
    matched[:, 5, 5] = reference[:, 5, 5]
    assert rms(matched - reference) < 1e-4


def test_bad_input_is_an_error_that_says_what_to_do():
    image = photo(20, 20)
    with pytest.raises(UnknownName, match="mean and std, affine"):
        match_colours(image, image, method="histogram")
    with pytest.raises(UnknownName, match="sRGB, OKLab"):
        match_colours(image, image, space="Lab")
    with pytest.raises(UnknownName, match="whole, mask"):
        match_colours(image, image, apply_to="ring")
    with pytest.raises(RangeError, match="strength"):
        match_colours(image, image, strength=2)


@pytest.mark.parametrize("space", ["sRGB", "OKLab"])
def test_the_result_may_be_written_over_the_image(space):
    image = torch.rand(2, 300, 40, 3) * 1.2
    fits = fit_colours(image, image * 0.9 + 0.02, space=space)
    wanted, over = apply_fits(image, fits), image.clone()
    assert apply_fits(over, fits, out=over).data_ptr() == over.data_ptr() and torch.equal(over, wanted)

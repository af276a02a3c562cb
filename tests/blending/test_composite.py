from __future__ import annotations

import itertools

import pytest
import torch
from support import w3c

from hemline.blending.composite import blend_images
from hemline.blending.modes import BLEND_MODES
from hemline.color import oklab_to_srgb, srgb_to_oklab
from hemline.tensors import HemlineError, RangeError, ShapeError, UnknownName

# The places where formulas change branch, and some between.
LEVELS = (0.0, 1e-6, 0.2, 0.25, 0.5, 0.7, 0.999, 1.0)


def colour_pairs() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    grid = torch.tensor(list(itertools.product(LEVELS, LEVELS))).repeat(6, 1)
    backdrop, source = grid[:, 0].reshape(-1, 3), grid[:, 1].reshape(-1, 3)
    shuffled = torch.randperm(len(source), generator=generator)
    random = torch.rand((2, 200, 3), generator=generator)
    return torch.cat([backdrop, random[0]]), torch.cat([source[shuffled], random[1]])


def as_pixels(colours: torch.Tensor) -> torch.Tensor:
    return colours.reshape(1, 1, *colours.shape)


@pytest.mark.parametrize("mode", w3c.MODES)
def test_opaque_colours_blend_as_the_standard_says(mode):
    backdrop, source = colour_pairs()
    wanted = torch.tensor([w3c.blend(mode, b, s) for b, s in zip(backdrop.tolist(), source.tolist(), strict=True)])
    got = blend_images(as_pixels(backdrop), as_pixels(source), mode=mode)[0, 0]
    assert (got - wanted).abs().max() < 2e-5


@pytest.mark.parametrize("mode", w3c.MODES)
def test_partial_alpha_blends_as_the_standard_says(mode):
    backdrop, source = colour_pairs()
    alphas = torch.tensor(LEVELS)[
        torch.randint(len(LEVELS), (2, len(source)), generator=torch.Generator().manual_seed(1))
    ]
    base = torch.cat([backdrop, alphas[0, :, None]], dim=1)
    layer = torch.cat([source, alphas[1, :, None]], dim=1)
    got = blend_images(as_pixels(base), as_pixels(layer), mode=mode)[0, 0]
    for index, (b, s) in enumerate(zip(base.tolist(), layer.tolist(), strict=True)):
        colour, alpha = w3c.composite(mode, tuple(b[:3]), b[3], tuple(s[:3]), s[3])
        if s[3] == 0:
            assert torch.equal(got[index], base[index])  # untouched, whatever colour hides under alpha 0
            continue
        assert abs(float(got[index, 3]) - alpha) < 1e-5
        wanted = torch.tensor(colour)
        assert ((got[index, :3] - wanted).abs() * alpha).max() < 2e-5  # what a viewer sees is premultiplied


@pytest.mark.parametrize("mode", w3c.MODES)
@pytest.mark.parametrize("space", ["sRGB", "linear"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_where_the_mask_is_0_the_base_stays_bit_for_bit(mode, space, dtype):
    base, layer = torch.rand(1, 9, 7, 3).to(dtype), torch.rand(1, 9, 7, 3).to(dtype)
    mask = (torch.rand(1, 9, 7) > 0.5).to(dtype)
    blended = blend_images(base, layer, mask, mode=mode, space=space)
    assert torch.equal(blended[mask == 0], base[mask == 0])
    assert blended.dtype == dtype and bool(blended.isfinite().all())


def test_linear_light_mixes_light():
    black, white = torch.zeros(1, 1, 1, 3), torch.ones(1, 1, 1, 3)
    half = blend_images(black, white, opacity=0.5, space="linear")
    assert torch.allclose(half, torch.tensor(0.735357), atol=1e-4)  # IEC 61966-2-1 of 0.5


def test_an_opaque_layer_in_light_is_the_layer_but_for_the_curves_error():
    base, layer = torch.rand(1, 4, 5, 3), torch.rand(1, 4, 5, 3)
    assert (blend_images(base, layer, space="linear") - layer).abs().max() < 1e-5


@pytest.mark.parametrize("mode", [mode for mode in BLEND_MODES if BLEND_MODES[mode].domain == "any"])
def test_values_above_1_pass_where_the_mode_allows(mode):
    base, layer = torch.full((1, 1, 1, 3), 7.0), torch.full((1, 1, 1, 3), 3.0)
    clamped = blend_images(base.clamp(0, 1), layer.clamp(0, 1), mode=mode)
    assert not torch.equal(blend_images(base, layer, mode=mode), clamped)
    assert blend_images(base, layer, mode=mode).max() > 1


def test_oklab_mixes_as_the_eye_does():
    """Half way from blue to white lies half way in OKLab, where encoded values would give a greyish purple."""
    blue, white = torch.tensor([[[[0.0, 0.0, 1.0]]]]), torch.ones(1, 1, 1, 3)
    mixed = blend_images(blue, white, opacity=0.5, space="OKLab")
    between = (srgb_to_oklab(blue) + srgb_to_oklab(white)) / 2
    assert torch.allclose(mixed, oklab_to_srgb(between), atol=1e-5)


def test_in_oklab_the_mode_itself_works_on_encoded_values():
    base, layer = torch.rand(1, 6, 5, 3), torch.rand(1, 6, 5, 3)
    assert torch.allclose(
        blend_images(base, layer, mode="multiply", space="OKLab"), blend_images(base, layer, mode="multiply"), atol=1e-5
    )


def test_auto_is_the_space_that_the_mode_is_at_home_in():
    base, layer = torch.rand(1, 6, 5, 3), torch.rand(1, 6, 5, 3)
    for mode, space in (("normal", "linear"), ("overlay", "sRGB")):
        home = blend_images(base, layer, mode=mode, space=space, opacity=0.4)
        assert torch.equal(blend_images(base, layer, mode=mode, space="auto", opacity=0.4), home)


def test_opacity_and_mask_multiply():
    base, layer = torch.rand(1, 5, 5, 3), torch.rand(1, 5, 5, 3)
    through_mask = blend_images(base, layer, torch.full((1, 5, 5), 0.3))
    assert torch.allclose(through_mask, blend_images(base, layer, opacity=0.3), atol=1e-6)


def test_one_layer_serves_a_batch_and_the_other_way_round():
    bases, layer = torch.rand(3, 6, 5, 3), torch.rand(1, 6, 5, 3)
    singles = torch.cat([blend_images(bases[i : i + 1], layer, mode="overlay") for i in range(3)])
    assert torch.equal(blend_images(bases, layer, mode="overlay"), singles)
    assert blend_images(layer, bases).shape == bases.shape


def test_inputs_are_not_written_to_and_may_be_any_view():
    base, layer = torch.rand(1, 3, 8, 6).permute(0, 2, 3, 1), torch.rand(1, 8, 6, 4)
    before = base.clone(), layer.clone()
    blend_images(base, layer, torch.rand(1, 8, 6), mode="hue")
    assert torch.equal(base, before[0]) and torch.equal(layer, before[1])


def test_bad_input_is_an_error_that_says_what_to_do():
    base = torch.rand(1, 8, 6, 3)
    with pytest.raises(ShapeError, match="layer is 6x9 but base is 6x8"):
        blend_images(base, torch.rand(1, 9, 6, 3))
    with pytest.raises(UnknownName, match="Did you mean 'soft-light'"):
        blend_images(base, base, mode="soft-lihgt")
    with pytest.raises(UnknownName, match="sRGB, linear"):
        blend_images(base, base, space="Lab")
    with pytest.raises(UnknownName, match="Did you mean 'destination-in'"):
        blend_images(base, base, operator="destinationin2")
    with pytest.raises(HemlineError, match="operator of its own"):
        blend_images(base, base, mode="plus-lighter", operator="xor")
    with pytest.raises(HemlineError, match="OKLab"):
        blend_images(base, base, operator="lighter", space="OKLab")
    with pytest.raises(UnknownName, match="straight, premultiplied"):
        blend_images(base, base, alpha="associated")
    with pytest.raises(RangeError, match="opacity"):
        blend_images(base, base, opacity=1.5)

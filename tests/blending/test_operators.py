"""Porter-Duff operators: their identities, which results have an alpha, and the names that other programs use."""

from __future__ import annotations

import pytest
import torch

from hemline.blending.composite import blend_images
from hemline.blending.operators import OPERATORS, compositing_operator

every_operator = pytest.mark.parametrize("operator", OPERATORS)


def picture(seed: int, channels: int = 4) -> torch.Tensor:
    return torch.rand((1, 6, 5, channels), generator=torch.Generator().manual_seed(seed))


def opaque(image: torch.Tensor) -> torch.Tensor:
    return torch.cat([image[..., :3], torch.ones_like(image[..., :1])], dim=-1)


def see_through(image: torch.Tensor) -> torch.Tensor:
    return torch.cat([image[..., :3], torch.zeros_like(image[..., :1])], dim=-1)


def assert_looks_like(result: torch.Tensor, wanted: torch.Tensor) -> None:
    assert torch.allclose(result[..., 3], wanted[..., 3], atol=1e-6)
    assert torch.allclose(result[..., :3] * result[..., 3:], wanted[..., :3] * wanted[..., 3:], atol=1e-6)


def test_each_operator_does_to_opaque_pictures_what_its_name_says():
    base, layer, nothing = picture(1, 3), picture(2, 3), torch.zeros(1, 6, 5, 4)
    wanted = {
        "source-over": layer, "destination-over": base, "source-in": layer, "destination-in": base,
        "source-out": nothing, "destination-out": nothing, "source-atop": layer, "destination-atop": base,
        "xor": nothing, "copy": layer, "destination": base, "clear": nothing, "lighter": (base + layer).clamp(max=1),
        "plus-darker": (base + layer - 1).clamp(min=0),
    }  # fmt: skip
    assert wanted.keys() == OPERATORS.keys()
    for operator, picture_wanted in wanted.items():
        result = blend_images(base, layer, operator=operator)
        assert_looks_like(opaque(result) if result.shape[-1] == 3 else result, opaque_unless(picture_wanted))


def opaque_unless(image: torch.Tensor) -> torch.Tensor:
    return opaque(image) if image.shape[-1] == 3 else image


@every_operator
def test_an_opaque_base_gets_an_alpha_exactly_where_the_operator_can_take_away(operator):
    base, layer = picture(1, 3), picture(2)
    result = blend_images(base, layer, operator=operator)
    full = blend_images(opaque(base), layer, operator=operator)
    assert result.shape[-1] == (3 if bool((full[..., 3] > 1 - 1e-6).all()) else 4)
    assert_looks_like(opaque_unless(result), full)


def test_a_transparent_layer_changes_nothing_unless_the_operator_clears_outside():
    base = picture(1)
    for name, operator in OPERATORS.items():
        result = blend_images(base, see_through(picture(2)), operator=name)
        if operator.clears_outside:
            assert result[..., 3].abs().max() == 0, name
        else:
            assert torch.equal(result, base), name


def test_swapping_both_pictures_swaps_source_and_destination():
    base, layer = picture(1), picture(2)
    for operator in ("over", "in", "out", "atop"):
        there = blend_images(base, layer, operator=f"source-{operator}")
        assert_looks_like(there, blend_images(layer, base, operator=f"destination-{operator}"))


def test_xor_and_lighter_are_symmetric():
    base, layer = picture(1), picture(2)
    for operator in ("xor", "lighter", "plus-darker"):
        assert_looks_like(blend_images(base, layer, operator=operator), blend_images(layer, base, operator=operator))


def test_xor_with_itself_leaves_what_neither_hides():
    base = picture(1)
    result = blend_images(base, base, operator="xor")
    alpha = base[..., 3]
    assert torch.allclose(result[..., 3], 2 * alpha * (1 - alpha), atol=1e-6)
    assert blend_images(opaque(base), opaque(base), operator="xor")[..., 3].max() == 0


def test_over_is_out_and_in_and_the_rest():
    """over = atop + the layer where no base is: Porter & Duff's partition of the pixel."""
    base, layer = picture(1), picture(2)
    parts = blend_images(
        blend_images(base, layer, operator="source-atop"), blend_images(base, layer, operator="source-out"),
        operator="lighter",
    )  # fmt: skip
    assert_looks_like(parts, blend_images(base, layer))


def test_copy_and_destination_give_one_picture_as_it_is():
    base, layer = picture(1), picture(2)
    assert_looks_like(blend_images(base, layer, operator="copy"), layer)
    assert torch.equal(blend_images(base, layer, operator="destination"), base)


@every_operator
def test_a_mask_mixes_between_the_base_and_the_operators_result(operator):
    base, layer = picture(1), picture(2)
    half = blend_images(base, layer, torch.full((1, 6, 5), 0.5), operator=operator)
    full = blend_images(base, layer, operator=operator)
    if OPERATORS[operator].total == "plain":
        assert torch.allclose(half[..., 3], (base[..., 3] + full[..., 3]) / 2, atol=1e-6)
    mixed = [pixels[..., :3] * pixels[..., 3:] for pixels in (base, full, half)]
    if OPERATORS[operator].total == "plain":
        assert torch.allclose(mixed[2], (mixed[0] + mixed[1]) / 2, atol=1e-6)
    assert torch.allclose(half, blend_images(base, layer, opacity=0.5, operator=operator), atol=1e-6)


@pytest.mark.parametrize("mode", ["normal", "multiply", "hue", "plus-lighter"])
@pytest.mark.parametrize("space", ["sRGB", "linear"])
def test_premultiplied_in_and_out_is_straight_in_and_out(mode, space):
    base, layer, mask = picture(1), picture(2), torch.rand(1, 6, 5)
    straight = blend_images(base, layer, mask, mode=mode, space=space)

    def premultiplied(image: torch.Tensor) -> torch.Tensor:
        return torch.cat([image[..., :3] * image[..., 3:], image[..., 3:]], dim=-1)

    result = blend_images(
        premultiplied(base), premultiplied(layer), mask, mode=mode, space=space, alpha="premultiplied"
    )
    assert torch.allclose(result, premultiplied(straight), atol=2e-5)


def test_plus_lighter_is_the_operator_lighter():
    base, layer = picture(1), picture(2)
    assert_looks_like(blend_images(base, layer, mode="plus-lighter"), blend_images(base, layer, operator="plus"))


CORE_NAMES = ("DST", "DST_ATOP", "DST_IN", "DST_OUT", "DST_OVER", "SRC", "SRC_ATOP", "SRC_IN", "SRC_OUT", "SRC_OVER")


def test_the_names_of_comfyui_cairo_gimp_and_krita_are_understood():
    for name in (*CORE_NAMES, "CLEAR", "XOR", "ADD", "over", "in", "out", "atop", "Behind", "Erase", "plus"):
        assert compositing_operator(name).name in OPERATORS
    assert compositing_operator("SRC_ATOP").name == "source-atop"
    assert compositing_operator("erase").name == "destination-out"

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.blending.foreground import estimate_foreground, estimate_layers
from hemline.kernels import gaussian_blur
from hemline.tensors import RangeError, ShapeError

Scene = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def cloth(height: int, width: int, colour: tuple[float, float, float], seed: int) -> torch.Tensor:
    noise = torch.rand((1, 3, height, width), generator=torch.Generator().manual_seed(seed))
    shade = (gaussian_blur(noise, 12.0) - 0.5) * 4
    return (torch.tensor(colour) + shade.permute(0, 2, 3, 1)).clamp(0, 1)


def scene(soft_px: float, height: int = 240, width: int = 200) -> Scene:
    """A red disc with a soft rim before green: picture, mask, and the true colours of both."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    distance = torch.hypot(rows - height / 2, columns - width / 2)
    mask = ((60 - distance) / soft_px + 0.5).clamp(0, 1).unsqueeze(0)
    front, behind = cloth(height, width, (0.7, 0.15, 0.15), 0), cloth(height, width, (0.1, 0.6, 0.2), 1)
    share = mask.unsqueeze(-1)
    return front * share + behind * (1 - share), mask, front, behind


def error(colours: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor) -> float:
    soft = (mask > 0.02) & (mask < 0.98)
    return float((colours - truth)[soft].square().mean().sqrt())


@pytest.mark.parametrize(("soft_px", "times"), [(2, 15), (6, 6), (16, 4)])
def test_the_fringe_of_the_old_background_goes(soft_px, times):
    image, mask, front, behind = scene(soft_px)
    layers = estimate_layers(image, mask)
    assert error(layers.foreground, front, mask) < error(image, front, mask) / times
    assert error(layers.background, behind, mask) < error(image, behind, mask) / times


def test_on_a_new_background_the_cut_out_is_the_true_one():
    image, mask, front, _ = scene(6)
    share, white = mask.unsqueeze(-1), 1.0
    wanted = front * share + white * (1 - share)
    got = estimate_foreground(image, mask) * share + white * (1 - share)
    naive = image * share + white * (1 - share)
    assert (got - wanted).square().mean().sqrt() < (naive - wanted).square().mean().sqrt() / 6


def test_colours_are_the_photos_bit_for_bit_where_nothing_shines_through():
    image, mask, *_ = scene(6)
    layers = estimate_layers(image, mask)
    assert torch.equal(layers.foreground[mask == 1], image[mask == 1])
    assert torch.equal(layers.background[mask == 0], image[mask == 0])


def test_around_the_cut_out_its_own_colours_go_on():
    image, mask, *_ = scene(4)
    rim = (mask == 0) & (gaussian_blur(mask.unsqueeze(1), 2.0)[:, 0] > 0.02)
    assert (estimate_foreground(image, mask)[rim][:, 0] > estimate_foreground(image, mask)[rim][:, 1]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 999), st.sampled_from([1, 3, 13, 45]))
def test_any_mask_and_size_give_colours_in_range(height, width, seed, radius):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand((1, height, width, 3), generator=generator)
    mask = (torch.rand((1, height, width), generator=generator) * 3 - 1).clamp(0, 1)
    layers = estimate_layers(image, mask, radius_px=radius)
    for colours in layers:
        assert colours.shape == image.shape and colours.min() >= 0 and colours.max() <= 1
    assert torch.equal(layers.foreground[mask == 1], image[mask == 1])


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_flat_mask_leaves_the_photo(value):
    image = torch.rand(1, 30, 20, 3)
    assert torch.equal(estimate_foreground(image, torch.full((1, 30, 20), value)), image)


def test_only_the_rims_surroundings_are_worked_on():
    image, mask = torch.rand(1, 400, 300, 3), torch.zeros(1, 400, 300)
    mask[:, 300:340, 200:240] = 0.5
    foreground = estimate_foreground(image, mask, radius_px=10)
    assert torch.equal(foreground[:, :280], image[:, :280]) and not torch.equal(foreground, image)


@pytest.mark.parametrize("radius", [10, 45])
def test_a_window_in_the_middle_of_a_picture_gives_what_the_picture_gives(radius):
    image, mask, *_ = scene(6, 300, 300)
    whole = estimate_foreground(image, mask, radius_px=radius)
    wider = torch.nn.functional.pad(mask, (40, 40, 40, 40))
    around = torch.nn.functional.pad(image.permute(0, 3, 1, 2), (40, 40, 40, 40), mode="replicate").permute(0, 2, 3, 1)
    again = estimate_foreground(around, wider, radius_px=radius)[:, 40:-40, 40:-40]
    assert (whole - again)[mask > 0.05].abs().max() < 0.02  # the cells of the wide window lie elsewhere


def test_a_batch_is_its_singles_and_dtype_and_inputs_stay():
    image, mask, *_ = scene(6)
    images, masks = torch.cat([image, image.flip(1)]).half(), torch.cat([mask, mask * 0.5])
    before = images.clone(), masks.clone()
    both = estimate_foreground(images, masks)
    singles = [estimate_foreground(images[i : i + 1], masks[i : i + 1]) for i in range(2)]
    assert torch.equal(both, torch.cat(singles)) and both.dtype == torch.float16
    assert torch.equal(images, before[0]) and torch.equal(masks, before[1])


def test_values_above_1_pass():
    image, mask, *_ = scene(6)
    assert estimate_foreground(image * 3, mask).max() > 1


def test_bad_input_is_an_error_that_says_what_to_do():
    image = torch.rand(1, 20, 30, 3)
    with pytest.raises(ShapeError, match="image is 30x20"):
        estimate_foreground(image, torch.ones(1, 30, 30))
    with pytest.raises(RangeError, match="radius_px"):
        estimate_foreground(image, torch.ones(1, 20, 30), radius_px=0)

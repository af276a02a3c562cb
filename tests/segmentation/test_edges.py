from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from hemline.segmentation.edges import refine_chances, upsample_mask
from hemline.tensors import ShapeError


def figure(size: int, low: float, high: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A red square on grey, and where it is."""
    truth = torch.zeros(size, size)
    truth[round(low * size) : round(high * size), round(low * size) : round(high * size)] = 1
    red, grey = torch.tensor((0.7, 0.2, 0.2)).view(3, 1, 1), torch.full((3, 1, 1), 0.6)
    return torch.where(truth > 0, red, grey), truth


def blurred(truth: torch.Tensor, shift: int) -> torch.Tensor:
    soft = functional.avg_pool2d(truth.roll((shift, shift), (0, 1))[None, None], 9, 1, 4)[0]
    return torch.cat([1 - soft, soft])[:, ::2, ::2] * 0.96 + 0.02


def scene(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((3, 60, 47), generator=generator), torch.rand((5, 30, 24), generator=generator).softmax(0)


def test_a_blurred_and_shifted_outline_comes_back_within_a_pixel():
    picture, truth = figure(120, 0.25, 0.75)
    found = (refine_chances(picture, blurred(truth, 3))[1] > 0.5).float()
    thick = functional.max_pool2d(truth[None], 3, 1, 1)[0]
    thin = -functional.max_pool2d(-truth[None], 3, 1, 1)[0]
    assert bool((found <= thick).all()) and bool((found >= thin).all())


def test_a_picture_without_contrast_gives_bilinear_upsampling():
    chances = scene()[1]
    expected = functional.interpolate(chances[None], (60, 47), mode="bilinear")[0]
    assert torch.allclose(refine_chances(torch.full((3, 60, 47), 0.5), chances), expected, atol=1e-5)


def test_probabilities_sum_to_1_and_are_float32():
    found = refine_chances(*scene())
    assert found.dtype == torch.float32 and torch.allclose(found.sum(0), torch.ones(60, 47), atol=1e-5)


def test_the_mirrored_picture_gives_the_mirrored_result():
    picture, chances = scene()
    assert torch.allclose(refine_chances(picture.flip(2), chances.flip(2)), refine_chances(picture, chances).flip(2),
                          atol=1e-4)  # fmt: skip


def test_what_is_sure_stays():
    chances = torch.zeros(3, 20, 20)
    chances[0] = 1
    found = refine_chances(scene()[0], chances)
    assert torch.equal(found[0], torch.ones(60, 47)) and not found[1:].any()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2)])
def test_tiny_sizes_and_missing_numbers_give_finite_values(size):
    picture = torch.full((3, *size), float("nan"))
    assert refine_chances(picture, torch.full((2, 1, 1), 0.5)).isfinite().all()
    assert upsample_mask(picture, torch.eye(2)).isfinite().all()


def test_an_upsampled_edge_lies_on_the_pictures_edge():
    picture, truth = figure(400, 0.25, 0.75)
    small = functional.avg_pool2d(truth.roll((2, 2), (0, 1))[None], 4)[0]
    found = upsample_mask(picture, small)
    assert int(((found > 0.5) != (truth > 0)).sum()) < 40
    assert set(found[150:250, 150:250].unique().tolist()) == {1.0} and not found[:60].any()


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_mask_stays_constant(value):
    found = upsample_mask(scene()[0], torch.full((7, 5), value))
    assert found.dtype == torch.float32 and torch.allclose(found, torch.full((60, 47), value), atol=0)


def test_a_thin_strap_stays():
    picture = torch.full((3, 120, 120), 0.5)
    mask = torch.zeros(30, 30)
    mask[:, 15] = 1
    assert bool((upsample_mask(picture, mask)[:, 61:63] >= 0.5).all())


def test_other_shapes_are_errors():
    with pytest.raises(ShapeError):
        refine_chances(torch.rand(4, 4, 3), torch.rand(2, 4, 4))
    with pytest.raises(ShapeError):
        upsample_mask(torch.rand(3, 4, 4), torch.rand(1, 2, 2))

from __future__ import annotations

import pytest
import torch

from hemline.blending.fill import FILLS, fill_image, teaches_nothing
from hemline.kernels import gaussian_blur
from hemline.segmentation.shape import feather_mask
from hemline.tensors import ShapeError, UnknownName

LEARNT = ("edge", "push-pull", "blur", "noise")


def disk(side: int, radius: float, batch: int = 1) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    inside = (rows - side / 2) ** 2 + (columns - side / 2) ** 2 < radius**2
    return inside.float().expand(batch, side, side).clone()


@pytest.mark.parametrize("method", FILLS)
@pytest.mark.parametrize("channels", [3, 4])
def test_pixels_below_half_stay_bit_for_bit_and_all_others_are_filled(method, channels):
    image, mask = torch.rand(2, 61, 47, channels), feather_mask(torch.rand(2, 61, 47).round(), 6)
    image[0, 3, 4] = torch.nan
    filled = fill_image(image, mask, method)
    kept = mask < 0.5
    assert torch.equal(filled[kept].nan_to_num(7), image[kept].nan_to_num(7))
    if method != "none":
        assert bool(filled[~kept].isfinite().all()) and not torch.equal(filled[~kept], image[~kept])


def test_none_is_the_image_and_grey_is_what_the_hosts_encoder_writes():
    image, mask = torch.rand(1, 20, 20, 4), disk(20, 6)
    assert torch.equal(fill_image(image, mask, "none"), image)
    assert fill_image(image, mask, "grey")[mask == 1].unique(dim=0).tolist() == [[0.5, 0.5, 0.5, 1.0]]


def test_edge_is_the_nearest_pixel_known():
    image, mask = torch.rand(1, 40, 40, 3), disk(40, 12)
    filled = fill_image(image, mask, "edge")
    known = (mask[0] == 0).nonzero().double()
    for row, column in ((20, 20), (12, 25), (29, 15)):
        away = (known - torch.tensor([row, column])).norm(dim=1)
        near = known[away == away.min()].long()
        assert any(torch.equal(filled[0, row, column], image[0, y, x]) for y, x in near)


@pytest.mark.parametrize("method", LEARNT)
def test_a_flat_surrounding_fills_flat_with_no_grey_bleeding_in(method):
    image, mask = torch.tensor([0.9, 0.2, 0.1]).expand(1, 90, 70, 3).clone(), torch.zeros(1, 90, 70)
    mask[:, 20:70, 15:60] = 1
    image[mask == 1] = torch.tensor([0.0, 1.0, 1.0])  # what is to be repainted must not show through
    filled = fill_image(image, mask, method)
    assert torch.allclose(filled, torch.tensor([0.9, 0.2, 0.1]).expand_as(filled), atol=1e-5)


@pytest.mark.parametrize("method", LEARNT)
def test_what_stands_under_the_mask_has_no_say(method):
    image, mask = torch.rand(1, 64, 64, 3), disk(64, 20)
    other = torch.where(mask.unsqueeze(-1) == 1, torch.rand(1, 64, 64, 3), image)
    assert torch.equal(fill_image(image, mask, method), fill_image(other, mask, method))


@pytest.mark.parametrize("method", LEARNT)
def test_a_soft_rim_has_no_say_either_where_there_is_anything_beside_it(method):
    image, mask = torch.full((1, 80, 80, 3), 0.3), feather_mask(disk(80, 20), 10)
    image[mask > 1 / 512] = 1.0
    filled = fill_image(image, mask, method)[mask >= 0.5]
    assert torch.allclose(filled, torch.tensor(0.3), atol=1e-5)


@pytest.mark.parametrize("method", ["push-pull", "blur"])
def test_a_slope_is_filled_by_a_slope(method):
    slope = torch.linspace(0.1, 0.9, 96).view(1, 1, 96, 1).expand(1, 96, 96, 3)
    mask = disk(96, 20)
    error = (fill_image(slope, mask, method) - slope)[mask == 1]
    assert error.abs().max() < 0.09 and error.mean().abs() < 0.005


def test_push_pull_is_smooth_inside_and_meets_its_surroundings():
    image = gaussian_blur(torch.rand(1, 3, 128, 128), 6).permute(0, 2, 3, 1)
    image, mask = (image - image.amin()) / (image.amax() - image.amin()), disk(128, 36)
    filled = fill_image(image, mask, "push-pull")
    steps = torch.maximum(filled.diff(dim=1)[:, :, :-1].abs(), filled.diff(dim=2)[:, :-1].abs()).amax(-1)
    assert steps[mask[:, :-1, :-1] == 1].max() < 0.1


def test_blur_fades_contrast_the_more_the_deeper_inside():
    stripes = ((torch.arange(160) // 16) % 2).float().view(1, 1, 160, 1).expand(1, 160, 160, 3)
    rows, columns = torch.meshgrid(torch.arange(160) - 80, torch.arange(160) - 80, indexing="ij")
    radius, mask = torch.hypot(rows.float(), columns.float()), disk(160, 60)
    filled = {method: fill_image(stripes, mask, method)[0, ..., 0] for method in ("push-pull", "blur")}
    rings = [(radius > far) & (radius <= far + 2) for far in (57, 50, 40, 30, 20)]
    kept = [float(filled["blur"][ring].std() / filled["push-pull"][ring].std()) for ring in rings]
    assert kept == sorted(kept, reverse=True) and kept[0] > 0.9 and kept[-1] < 0.3


def test_noise_has_the_rings_strength_colour_and_grain():
    generator = torch.Generator().manual_seed(3)
    grain = torch.randn((1, 3, 256, 256), generator=generator)
    grain = gaussian_blur(grain, 0.7) + 0.5 * gaussian_blur(grain, 2)
    mixing = torch.tensor([[0.10, 0.02, 0.0], [0.08, 0.05, 0.0], [0.02, 0.0, 0.03]])  # channels that go together
    image = 0.5 + torch.einsum("cd,bdhw->bhwc", mixing, grain)
    mask = disk(256, 80)
    filled = fill_image(image, mask, "noise")
    inside, outside = filled[mask == 1] - 0.5, image[mask == 0] - 0.5
    assert torch.allclose(inside.std(0), outside.std(0), rtol=0.2)
    assert torch.allclose(torch.corrcoef(inside.T), torch.corrcoef(outside.T), atol=0.15)
    roughness = [planes[:, 1:] - planes[:, :-1] for planes in (filled[0, 90:166, 90:166], image[0, :76, :76])]
    # Within an octave the noise is even, so its finest grain is not quite the ring's.
    assert torch.allclose(roughness[0].std((0, 1)), roughness[1].std((0, 1)), rtol=0.35)


def test_noise_lies_still_in_a_batch_and_does_not_repeat():
    image, mask = torch.rand(3, 70, 70, 3), disk(70, 20, 3)
    image[:] = image[:1]
    filled = fill_image(image, mask, "noise")
    assert torch.equal(filled[0], filled[1]) and torch.allclose(filled[0], filled[2])
    inside = filled[0, 25:45, 25:45]
    assert inside.flatten(0, 1).unique(dim=0).shape[0] > 390


@pytest.mark.parametrize("method", FILLS)
def test_a_batch_is_the_stack_of_its_singles(method):
    image, mask = (
        torch.rand(3, 50, 40, 3),
        torch.stack((disk(50, 9)[0, :, 5:45], disk(50, 19)[0, :, 5:45], torch.ones(50, 40))),
    )
    whole = fill_image(image, mask, method)
    for index in range(3):
        single = fill_image(image[index : index + 1], mask[index : index + 1], method)
        assert torch.allclose(whole[index : index + 1], single, atol=1e-5)


@pytest.mark.parametrize("method", LEARNT)
def test_a_full_mask_has_nothing_to_learn_from_and_becomes_grey(method):
    image, mask = torch.rand(2, 30, 20, 3), torch.ones(2, 30, 20)
    mask[1, :, :10] = 0
    filled = fill_image(image, mask, method)
    assert (filled[0] == 0.5).all() and not (filled[1] == 0.5).all()
    assert teaches_nothing(mask) and not teaches_nothing(mask[1:])


@pytest.mark.parametrize("method", LEARNT)
def test_pixels_that_are_no_numbers_and_transparent_ones_teach_nothing(method):
    image, mask = torch.full((1, 48, 48, 4), 0.25), disk(48, 14)
    image[..., 3] = 1
    image[0, 3, 5], image[0, 40, 20] = torch.nan, torch.inf
    image[0, :8, :, :] = torch.tensor([1.0, 0.0, 1.0, 0.0])
    filled = fill_image(image, mask, method)[mask == 1]
    assert torch.allclose(filled[:, :3], torch.tensor(0.25), atol=1e-5)


@pytest.mark.parametrize("method", FILLS)
@pytest.mark.parametrize("size", [(1, 1), (3, 7), (1, 40)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_any_size_and_dtype_goes(method, size, dtype):
    image, mask = torch.rand(1, *size, 3).to(dtype), torch.zeros(1, *size)
    mask[..., :1] = 1
    filled = fill_image(image, mask, method)
    assert filled.dtype == dtype and filled.shape == image.shape and bool(filled.isfinite().all())


def test_brighter_than_white_goes_on_and_nothing_leaves_the_range():
    image, mask = torch.rand(1, 64, 64, 3) * 4, disk(64, 20)
    filled = fill_image(image, mask, "noise")
    assert filled.amin() >= 0 and filled.amax() <= image.amax() and filled[mask == 1].amax() > 1


def test_bad_input_is_an_error_that_says_what_to_do():
    with pytest.raises(UnknownName, match="Did you mean 'push-pull'"):
        fill_image(torch.rand(1, 8, 8, 3), torch.ones(1, 8, 8), "push pull")
    with pytest.raises(ShapeError, match="image is 8x8"):
        fill_image(torch.rand(1, 8, 8, 3), torch.ones(1, 9, 8), "grey")

"""Crops of many pictures or pieces, and what is handed out beside them."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch.nn import functional

from hemline.blending.crop import crop_for_inpainting, empty_masks, latent_mask
from hemline.kernels import gaussian_blur
from hemline.resampling import resize_planes
from hemline.segmentation.shape import feather_mask
from hemline.tensors import RangeError, ShapeError, UnknownName


def walk(count: int = 30, step: int = 4) -> torch.Tensor:
    """A garment that rests, walks to the right, and rests, its edge trembling."""
    mask = torch.zeros(count, 120, 300)
    for index in range(count):
        left = 20 + step * min(max(index - 10, 0), 10) + index % 2
        mask[index, 30:90, left : left + 40] = 1
    return mask


@pytest.mark.parametrize("frames", ["each", "one box", "smooth"])
def test_every_box_holds_its_mask_and_all_have_one_size(frames):
    mask = walk()
    crop = crop_for_inpainting(torch.rand(30, 120, 300, 3), mask, target="SD 1.5", frames=frames)
    assert len({(x1 - x0, y1 - y0) for x0, y0, x1, y1 in crop.stitch.boxes}) == 1
    for (x0, y0, x1, y1), plane in zip(crop.stitch.boxes, mask, strict=True):
        assert plane[max(y0, 0) : y1, max(x0, 0) : x1].sum() == plane.sum()


def test_one_box_stands_still_and_smooth_follows_without_trembling():
    mask, image = walk(), torch.rand(1, 120, 300, 3)
    starts = {
        frames: [box[0] for box in crop_for_inpainting(image, mask, target="as is", frames=frames).stitch.boxes]
        for frames in ("each", "one box", "smooth")
    }
    back = {frames: sum(b < a for a, b in pairwise(line)) for frames, line in starts.items()}
    assert len(set(starts["one box"])) == 1 and back["each"] > 3 and back["smooth"] == 0
    assert starts["smooth"][:5] == starts["smooth"][:1] * 5 and starts["smooth"][-1] > starts["smooth"][0]


def test_pieces_are_cut_from_the_pictures_they_belong_to_and_pictures_are_not_copied():
    image, mask = torch.rand(3, 90, 80, 3), torch.zeros(2, 90, 80)
    mask[0, 10:40, 10:40], mask[1, 50:80, 30:70] = 1, 1
    crop = crop_for_inpainting(image, mask, target="as is", of_frames=(2, 0))
    assert crop.stitch.image.data_ptr() == image.data_ptr() and crop.stitch.frames == (2, 0)
    for index, (picture, (x0, y0, x1, y1)) in enumerate(zip(crop.stitch.frames, crop.stitch.boxes, strict=True)):
        inside = crop.image[index, max(-y0, 0) :, max(-x0, 0) :][: min(y1, 90) - max(y0, 0), : min(x1, 80) - max(x0, 0)]
        assert torch.equal(inside, image[picture, max(y0, 0) : y1, max(x0, 0) : x1])


def test_for_context_keeps_it_on_all_sides_beyond_the_frame():
    mask = torch.zeros(1, 200, 150)
    mask[0, :60, :50] = 1
    inside = crop_for_inpainting(torch.rand(1, 200, 150, 3), mask, target="as is")
    around = crop_for_inpainting(
        torch.rand(1, 200, 150, 3), mask, target="as is", leave_frame="for context", padding_px=40
    )
    assert inside.stitch.boxes[0][:2] == (0, 0)
    x0, y0, x1, y1 = around.stitch.boxes[0]
    assert x0 <= -40 and y0 <= -40 and x1 >= 90 and y1 >= 100
    assert not around.soft_mask[0, :40].any() and not around.soft_mask[0, :, :40].any()


def test_never_hands_out_another_size_and_says_so():
    image, mask = torch.rand(1, 40, 300, 3), torch.ones(1, 40, 300)
    crop = crop_for_inpainting(image, mask, target="SDXL", leave_frame="never")
    assert crop.stitch.boxes == ((0, 0, 300, 40),) and "is handed out" in crop.note
    assert crop.image.shape[2] % 64 == 0 and crop.image.shape[1] % 64 == 0


@pytest.mark.parametrize("target", ["as is", "SDXL"])
def test_extra_images_are_cropped_alike(target):
    image, mask = torch.rand(2, 120, 100, 3), torch.zeros(2, 120, 100)
    mask[0, 20:60, 10:50], mask[1, 60:110, 40:90] = 1, 1
    crop = crop_for_inpainting(image, mask, target=target, extras=(image, image[:1]))
    assert torch.equal(crop.extras[0], crop.image) and torch.equal(crop.extras[1][0], crop.image[0])


def test_an_extra_image_of_another_size_is_scaled_along():
    image = gaussian_blur(torch.rand(1, 3, 120, 100), 6)
    image = ((image - image.amin()) / (image.amax() - image.amin())).permute(0, 2, 3, 1)
    half = functional.interpolate(image.permute(0, 3, 1, 2), (60, 50), mode="bicubic", antialias=True).clamp(0, 1)
    twice = resize_planes(image.permute(0, 3, 1, 2), 240, 200).clamp(0, 1)
    mask = torch.zeros(1, 120, 100)
    mask[0, 40:90, 30:80] = 1
    extras = tuple(planes.permute(0, 2, 3, 1) for planes in (half, twice))
    crop = crop_for_inpainting(image, mask, target="SD 1.5", extras=extras)
    for extra in crop.extras:
        assert extra.shape == crop.image.shape and (extra - crop.image).abs().mean() < 0.003


def test_an_extra_image_of_another_aspect_or_batch_is_an_error():
    image, mask = torch.rand(2, 60, 50, 3), torch.ones(2, 60, 50)
    with pytest.raises(ShapeError, match="extra 1 is 50x50 but the image is 50x60"):
        crop_for_inpainting(image, mask, target="as is", extras=(torch.rand(1, 50, 50, 3),))
    with pytest.raises(ShapeError, match="extra 2 is a batch of 3 beside a batch of 2"):
        crop_for_inpainting(image, mask, target="as is", extras=(image, torch.rand(3, 60, 50, 3)))


def test_the_noise_mask_holds_the_largest_value_of_each_latent_cell():
    mask = torch.rand(2, 45, 38)
    cells = latent_mask(mask)
    assert cells.shape == mask.shape and (cells >= mask).all()
    assert cells[0, 8:16, 16:24].unique().tolist() == [float(mask[0, 8:16, 16:24].amax())]
    assert cells[1, 40:, 32:].unique().tolist() == [float(mask[1, 40:, 32:].amax())]


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "area"])
def test_nothing_of_a_noise_mask_is_lost_where_a_host_shrinks_it_to_latents(mode):
    thin = torch.zeros(1, 64, 64)
    thin[0, 21, 5:60] = 0.7
    latent = functional.interpolate(latent_mask(thin).unsqueeze(1), (8, 8), mode=mode)[0, 0]
    assert torch.allclose(latent[2], torch.tensor(0.7)) and not latent[3:].any()


def test_the_agnostic_image_is_grey_exactly_where_the_sampling_mask_is():
    image, mask = torch.rand(1, 90, 80, 3), torch.zeros(1, 90, 80)
    mask[0, 20:70, 20:60] = 1
    crop = crop_for_inpainting(image, feather_mask(mask, 10), target="SD 1.5", fill="grey")
    hard = crop.hard_mask.bool()
    assert (crop.agnostic[hard] == 0.5).all() and torch.equal(crop.agnostic[~hard], crop.image[~hard])


def test_pixels_that_are_no_numbers_do_not_spread():
    image, mask = torch.rand(1, 90, 80, 3), torch.zeros(1, 90, 80)
    mask[0, 20:70, 20:60] = 1
    image[0, 30, 30] = torch.nan
    crop = crop_for_inpainting(image, mask, target="SD 1.5", fill="noise", extras=(image, image[:, ::2, ::2]))
    assert all(part.isfinite().all() for part in (crop.image, crop.agnostic, *crop.extras))


def test_empty_masks_are_named():
    mask = torch.zeros(3, 8, 8)
    mask[1, 2, 2] = 0.5
    assert empty_masks(mask) == (0, 2)


def test_bad_input_is_an_error_that_says_what_to_do():
    image, mask = torch.rand(2, 20, 30, 3), torch.ones(2, 20, 30)
    with pytest.raises(UnknownName, match="Did you mean 'smooth'"):
        crop_for_inpainting(image, mask, frames="smoth")
    with pytest.raises(ShapeError, match="of_frames names 1 pictures beside 2 masks"):
        crop_for_inpainting(image, mask, of_frames=(0,))
    with pytest.raises(RangeError, match="indices from 0 to 1"):
        crop_for_inpainting(image, mask, of_frames=(0, 2))

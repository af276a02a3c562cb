from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.photos import garment_mask, photo

from hemline.blending.crop import TARGETS, crop_for_inpainting
from hemline.blending.stitch import stitch_inpainted
from hemline.tensors import RangeError, ShapeError, UnknownName


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "custom"])
@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((1003, 777), (250, 200, 520, 700)),
        ((777, 1003), (700, 300, 1003, 777)),  # in the corner
        ((600, 900), (0, 0, 900, 600)),  # everything
        ((401, 203), (100, 200, 104, 203)),  # a speck at the lower frame
    ],
)
def test_stitching_the_untouched_crop_gives_back_the_picture(target, size, box):
    image, mask = photo(*size), garment_mask(*size, box)
    crop = crop_for_inpainting(image, mask, target=target)
    restored = stitch_inpainted(crop.stitch, crop.image)
    assert torch.equal(restored[mask == 0], image[mask == 0])
    inside = (restored - image)[mask > 0]
    if crop.stitch.boxes[0][2] - crop.stitch.boxes[0][0] == crop.stitch.width:
        assert inside.abs().max() <= 1e-6
    assert abs(float(inside.mean())) < 0.1 / 255
    if crop.stitch.width >= crop.stitch.boxes[0][2] - crop.stitch.boxes[0][0]:
        assert -10 * math.log10(float((inside**2).mean()) + 1e-12) >= 40


@pytest.mark.parametrize("target", ["SD 1.5", "SDXL", "as is"])
def test_nothing_moves_on_the_way_there_and_back(target):
    rows, columns = torch.meshgrid(torch.arange(700.0), torch.arange(500.0), indexing="ij")
    spot = torch.exp(-((rows - 340.3) ** 2 + (columns - 250.7) ** 2) / 200)
    image = spot[None, ..., None].expand(1, 700, 500, 3)
    mask = garment_mask(700, 500, (100, 100, 400, 600))
    crop = crop_for_inpainting(image, mask, target=target)
    back = stitch_inpainted(crop.stitch, crop.image)[0, ..., 0]
    assert abs(float((back * rows).sum() / back.sum()) - float((spot * rows).sum() / spot.sum())) < 0.05
    assert abs(float((back * columns).sum() / back.sum()) - float((spot * columns).sum() / spot.sum())) < 0.05


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(16, 160), st.integers(16, 160), st.sampled_from(sorted(TARGETS)))
def test_the_box_has_the_crops_aspect_exactly_and_holds_the_mask(data, height, width, target):
    x0 = data.draw(st.integers(0, width - 1))
    y0 = data.draw(st.integers(0, height - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    mask = torch.zeros(1, height, width)
    mask[0, y0:y1, x0:x1] = 1
    crop = crop_for_inpainting(torch.rand(1, height, width, 3), mask, target=target, width=320, height=256, multiple=64)
    (box,) = crop.stitch.boxes
    assert (box[2] - box[0]) * crop.stitch.height == (box[3] - box[1]) * crop.stitch.width
    assert box[0] <= x0 and box[1] <= y0 and box[2] >= x1 and box[3] >= y1
    assert crop.image.shape == (1, crop.stitch.height, crop.stitch.width, 3)
    assert crop.hard_mask.shape == crop.soft_mask.shape == crop.image.shape[:3]


def test_the_crop_stays_inside_the_frame_where_the_mask_fits_so():
    mask = torch.zeros(1, 900, 600)
    mask[0, 50:850, 150:450] = 1  # wants more context than the frame has
    (box,) = crop_for_inpainting(torch.rand(1, 900, 600, 3), mask, target="SDXL").stitch.boxes
    assert box[0] >= 0 and box[1] >= 0 and box[2] <= 600 and box[3] <= 900


def test_beyond_the_frame_the_picture_goes_on_under_a_zero_mask():
    image, mask = torch.rand(1, 40, 300, 3), torch.ones(1, 40, 300)
    crop = crop_for_inpainting(image, mask, target="custom", width=256, height=256)
    (box,) = crop.stitch.boxes
    assert box[1] < 0 and box[3] > 40
    assert not crop.soft_mask[0, 0].any() and crop.image[0, 0].std() > 0


def test_the_sampling_mask_is_hard_and_the_soft_mask_soft():
    image, mask = photo(300, 200), garment_mask(300, 200, (60, 60, 140, 220))
    crop = crop_for_inpainting(image, mask, target="SD 1.5")
    assert set(crop.hard_mask.unique().tolist()) == {0.0, 1.0}
    assert ((crop.soft_mask > 0.1) & (crop.soft_mask < 0.9)).any()


def test_pictures_of_a_batch_get_crops_of_one_size_and_come_back_each_to_its_place():
    image = photo(200, 300, batch=3)
    mask = torch.zeros(3, 200, 300)
    mask[0, 20:60, 30:90] = 1
    mask[1, 100:180, 200:260] = 1  # the third has none
    crop = crop_for_inpainting(image, mask, target="SD 1.5")
    assert crop.image.shape[0] == 3 and len(crop.stitch.boxes) == 3
    restored = stitch_inpainted(crop.stitch, crop.image)
    assert torch.equal(restored[mask == 0], image[mask == 0])
    assert (restored - image).abs().max() < 0.02


def test_a_batch_crops_and_stitches_as_its_singles_where_their_masks_are_alike():
    image = photo(120, 100, batch=2)
    mask = garment_mask(120, 100, (30, 30, 70, 90), batch=2)
    whole = crop_for_inpainting(image, mask, target="SD 1.5")
    for index in range(2):
        single = crop_for_inpainting(image[index : index + 1], mask[index : index + 1], target="SD 1.5")
        assert torch.allclose(single.image, whole.image[index : index + 1], atol=1e-6)


def test_an_empty_mask_gives_the_whole_frame_and_changes_nothing():
    image = photo(90, 80)
    crop = crop_for_inpainting(image, torch.zeros(1, 90, 80), target="SD 1.5")
    assert not crop.hard_mask.any()
    assert torch.equal(stitch_inpainted(crop.stitch, torch.rand_like(crop.image)), image)


def test_a_picture_of_one_pixel_goes_there_and_back():
    image, mask = torch.rand(1, 1, 1, 3), torch.ones(1, 1, 1)
    crop = crop_for_inpainting(image, mask, target="SDXL")
    assert torch.allclose(stitch_inpainted(crop.stitch, crop.image), image, atol=1e-5)


def test_inputs_are_not_written_to():
    image, mask = photo(90, 80), garment_mask(90, 80, (20, 20, 60, 70))
    before = image.clone(), mask.clone()
    crop = crop_for_inpainting(image, mask)
    stitch_inpainted(crop.stitch, torch.zeros_like(crop.image))
    assert torch.equal(image, before[0]) and torch.equal(mask, before[1])


def test_bad_input_is_an_error_that_says_what_to_do():
    image, mask = torch.rand(1, 20, 30, 3), torch.ones(1, 20, 30)
    with pytest.raises(UnknownName, match="Did you mean 'SDXL'"):
        crop_for_inpainting(image, mask, target="SDX")
    with pytest.raises(ShapeError, match="no multiple of 8; the next is 1008"):
        crop_for_inpainting(image, mask, target="custom", width=1001)
    with pytest.raises(RangeError, match="context"):
        crop_for_inpainting(image, mask, context=0.5)
    with pytest.raises(ShapeError, match="image is 30x20"):
        crop_for_inpainting(image, torch.ones(1, 30, 30))

from __future__ import annotations

import pytest
import torch
from support.photos import garment_mask, photo

from hemline.blending.crop import crop_for_inpainting
from hemline.blending.regions import STITCH_MATCHES, Joining
from hemline.blending.seams import SEAMS
from hemline.blending.stitch import check_stitch_mask, stitch_inpainted, stitch_regions
from hemline.tensors import ShapeError, UnknownName


def test_a_repainted_crop_arrives_inside_the_mask_and_nowhere_else():
    image, mask = photo(300, 200), garment_mask(300, 200, (60, 60, 140, 220))
    crop = crop_for_inpainting(image, mask, target="SD 1.5")
    red = torch.tensor([1.0, 0.0, 0.0]).expand_as(crop.image)
    result = stitch_inpainted(crop.stitch, red)
    assert torch.allclose(result[mask == 1], torch.tensor([1.0, 0.0, 0.0]), atol=1e-5)
    assert torch.equal(result[mask == 0], image[mask == 0])


def test_several_results_of_one_picture_give_several_pictures():
    image, mask = photo(120, 100), garment_mask(120, 100, (30, 30, 70, 90))
    crop = crop_for_inpainting(image, mask, target="SD 1.5")
    results = stitch_inpainted(crop.stitch, crop.image.repeat(4, 1, 1, 1))
    assert results.shape == (4, 120, 100, 3)


def test_a_result_at_twice_the_size_is_taken_and_another_aspect_is_not():
    image, mask = photo(120, 100), garment_mask(120, 100, (30, 30, 70, 90))
    crop = crop_for_inpainting(image, mask, target="as is")
    height, width = crop.image.shape[1:3]
    twice = torch.full((1, 2 * height, 2 * width, 3), 0.5)
    assert torch.allclose(stitch_inpainted(crop.stitch, twice)[mask == 1], torch.tensor(0.5), atol=1e-5)
    with pytest.raises(ShapeError, match="Inpaint Crop handed out"):
        stitch_inpainted(crop.stitch, twice[:, :height])


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("channels", [3, 4])
def test_dtype_and_channels_of_the_picture_come_back(dtype, channels):
    image, mask = photo(90, 80, channels=channels).to(dtype), garment_mask(90, 80, (20, 20, 60, 70)).to(dtype)
    crop = crop_for_inpainting(image, mask, target="SD 1.5")
    restored = stitch_inpainted(crop.stitch, crop.image[..., :3])
    assert restored.dtype == dtype and restored.shape == image.shape
    assert torch.equal(restored[mask == 0], image[mask == 0])


@pytest.mark.parametrize("target", ["as is", "SDXL"])
@pytest.mark.parametrize("seam", SEAMS)
@pytest.mark.parametrize("match", STITCH_MATCHES)
def test_every_way_to_stitch_keeps_the_outside_bit_for_bit(target, seam, match):
    image, mask = photo(240, 200, channels=4), garment_mask(240, 200, (60, 60, 200, 180))
    crop = crop_for_inpainting(image, mask, target=target)
    result = stitch_inpainted(crop.stitch, crop.image * 0.9 + 0.03, seam=seam, match_colours=match)
    assert torch.equal(result[mask == 0], image[mask == 0]) and bool(result.isfinite().all())


def test_linear_is_the_plain_mix_by_the_mask():
    image, mask = photo(200, 180), garment_mask(200, 180, (60, 60, 130, 150))
    crop = crop_for_inpainting(image, mask, target="as is")
    box = crop.stitch.boxes[0]
    inside = slice(max(box[1], 0), box[3]), slice(max(box[0], 0), box[2])
    new = torch.rand(crop.image.shape)
    old, share = image[:, inside[0], inside[1]], mask[:, inside[0], inside[1], None]
    part = new[:, -min(box[1], 0) :, -min(box[0], 0) :][:, : old.shape[1], : old.shape[2]]
    wanted = torch.where(share > 0, old + share * (part - old), old)
    assert torch.equal(stitch_inpainted(crop.stitch, new)[:, inside[0], inside[1]], wanted)


@pytest.mark.parametrize("match", ["mean and std", "affine"])
@pytest.mark.parametrize("target", ["as is", "SDXL"])
@pytest.mark.parametrize(("gain", "offset"), [(1.0, -10 / 255), (0.97, 0.01)])
def test_a_shift_of_tone_by_the_model_is_undone(match, target, gain, offset):
    image, mask = photo(400, 360) * 0.8 + 0.1, garment_mask(400, 360, (120, 120, 240, 280))
    crop = crop_for_inpainting(image, mask, target=target)
    shifted = crop.image * gain + offset
    plain = stitch_inpainted(crop.stitch, crop.image)
    stitched = stitch_regions([crop.stitch], [shifted], Joining(match_colours=match))
    result, fit = stitched.image, stitched.found[0].colours
    assert (result - plain).square().mean().sqrt() < 1e-4 and (result - plain).abs().max() < 1 / 255
    assert fit is not None and fit.outliers < 0.05


def test_a_repainted_garment_does_not_sway_the_tone():
    image, mask = photo(400, 360) * 0.8 + 0.1, garment_mask(400, 360, (120, 120, 240, 280))
    crop = crop_for_inpainting(image, mask, target="as is")
    painted = crop.image * 0.97 + 0.01
    painted = torch.where(crop.soft_mask.unsqueeze(-1) > 0, torch.tensor([0.9, 0.1, 0.1]), painted)
    (found,) = stitch_regions([crop.stitch], [painted], Joining(match_colours="affine")).found
    fit = found.colours
    assert fit is not None and fit.after < 1e-4


def test_a_crop_that_the_mask_fills_is_not_matched():
    image, mask = photo(64, 64), torch.ones(1, 64, 64)
    crop = crop_for_inpainting(image, mask, target="as is")
    stitched = stitch_regions([crop.stitch], [crop.image * 0.5], Joining(match_colours="affine"))
    assert stitched.found[0].colours is None and torch.allclose(stitched.image, image * 0.5, atol=1e-5)


@pytest.mark.parametrize("seam", ["multi-band", "poisson"])
def test_where_another_mask_reaches_beyond_the_crop_the_crops_edge_is_a_rim(seam):
    image, mask = photo(200, 200) * 0.8 + 0.1, garment_mask(200, 200, (80, 80, 120, 120))
    crop = crop_for_inpainting(image, mask, target="as is")
    wide = check_stitch_mask(crop.stitch, torch.ones(1, 200, 200))
    result = stitch_inpainted(wide, crop.image + 0.05, seam=seam)
    x0, y0, x1, _ = crop.stitch.boxes[0]
    assert torch.equal(result[:, y0, x0:x1], image[:, y0, x0:x1])
    step = (result - image)[:, y0 : y0 + 2].abs().max()
    assert step < 0.02


def test_an_unknown_seam_or_match_is_told():
    crop = crop_for_inpainting(photo(64, 64), garment_mask(64, 64, (20, 20, 40, 40)), target="as is")
    with pytest.raises(UnknownName, match="linear, multi-band, poisson"):
        stitch_inpainted(crop.stitch, crop.image, seam="laplace")
    with pytest.raises(UnknownName, match="none, mean and std, affine"):
        stitch_inpainted(crop.stitch, crop.image, match_colours="lab")

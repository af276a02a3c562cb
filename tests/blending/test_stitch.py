from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.photos import garment_mask, moved, photo

from hemline.blending.align import ALIGNMENTS, Move
from hemline.blending.color_match import SPACES
from hemline.blending.crop import Crop, crop_for_inpainting
from hemline.blending.regions import STITCH_MATCHES, Joining
from hemline.blending.seams import SEAMS, join_images
from hemline.blending.stitch import (
    Stitch,
    check_stitch_mask,
    describe_found,
    stitch_inpainted,
    stitch_lists,
    stitch_regions,
)
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


MOVE = Move(3.0, -2.0, 1.015)


@pytest.mark.parametrize("target", ["as is", "SDXL", "SD 1.5"])
def test_a_crop_that_the_model_moved_and_toned_is_put_back(target):
    image, mask = photo(420, 360) * 0.8 + 0.1, garment_mask(420, 360, (110, 130, 250, 290))
    crop = crop_for_inpainting(image, mask, target=target, context=1.8)
    repainted = moved(crop.image, MOVE) * 0.97 + 0.01
    joining = Joining(align="shift and zoom", match_colours="affine", match_space="OKLab")
    stitched = stitch_regions([crop.stitch], [repainted], joining)
    (found,) = stitched.found
    assert found.alignment is not None and found.alignment.applies
    assert found.colours is not None and found.colours.after < 1 / 255
    inside = (stitched.image - image)[mask > 0]
    assert inside.square().mean().sqrt() < 1.5 / 255 and abs(float(inside.mean())) < 0.1 / 255
    assert torch.equal(stitched.image[mask == 0], image[mask == 0])
    left = (stitch_inpainted(crop.stitch, repainted) - image)[mask > 0]
    assert left.square().mean() > 100 * inside.square().mean()


@pytest.mark.parametrize("target", ["as is", "SDXL"])
@pytest.mark.parametrize("seam", SEAMS)
def test_aligning_a_crop_that_lies_right_changes_no_bit(target, seam):
    image, mask = photo(240, 200), garment_mask(240, 200, (70, 70, 150, 160))
    crop = crop_for_inpainting(image, mask, target=target, context=2.0)
    results = [stitch_inpainted(crop.stitch, crop.image * 0.9, seam=seam, align=align) for align in ALIGNMENTS]
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


def test_a_moved_crop_is_put_back_at_the_frames_corner_too():
    image, mask = photo(300, 260), garment_mask(300, 260, (150, 190, 260, 300))
    crop = crop_for_inpainting(image, mask, target="custom", width=320, height=384, context=3.0)
    stitched = stitch_regions([crop.stitch], [moved(crop.image, MOVE)], Joining(align="shift and zoom"))
    assert stitched.found[0].alignment is not None and stitched.found[0].alignment.applies
    inside = mask[0] > 0
    inside[-8:], inside[:, -8:] = False, False  # what the model pushed out of the crop is gone
    assert (stitched.image - image)[0][inside].square().mean().sqrt() < 2 / 255


@pytest.mark.parametrize("seam", SEAMS)
@pytest.mark.parametrize("match", STITCH_MATCHES)
@pytest.mark.parametrize("space", SPACES)
def test_where_every_mask_is_0_no_bit_changes_whatever_is_asked_for(seam, match, space):
    image, crops = overlapping_crops(channels=4)
    joining = Joining(seam, match, None, space, "shift and zoom")
    repainted = [moved(crop.image, MOVE) * 0.9 + 0.03 for crop in crops]
    stitched = stitch_regions([crop.stitch for crop in crops], repainted, joining)
    outside = torch.stack([crop.stitch.mask for crop in crops]).amax(0) == 0
    assert torch.equal(stitched.image[outside], image[outside]) and bool(stitched.image.isfinite().all())
    assert not stitched.changed[outside].any()


def overlapping_crops(count: int = 3, channels: int = 3) -> tuple[torch.Tensor, list[Crop]]:
    image = photo(220, 200, channels=channels)
    boxes = [(40, 30, 120, 120), (80, 70, 170, 150), (60, 100, 130, 200)]
    masks = [garment_mask(220, 200, box) for box in boxes[:count]]
    return image, [crop_for_inpainting(image, mask, target="as is") for mask in masks]


def painted(crops: list[Crop]) -> list[torch.Tensor]:
    colours = ([0.9, 0.1, 0.2, 1.0], [0.1, 0.8, 0.3, 1.0], [0.2, 0.2, 0.9, 1.0])[: len(crops)]
    return [
        0.8 * torch.tensor(colour)[: crop.image.shape[-1]] + 0.2 * crop.image
        for crop, colour in zip(crops, colours, strict=True)
    ]


@pytest.mark.parametrize("seam", SEAMS)
def test_three_overlapping_garments_give_the_same_picture_in_any_order(seam):
    _, crops = overlapping_crops()
    pairs = list(zip([crop.stitch for crop in crops], painted(crops), strict=True))
    results = [stitch_regions(*zip(*order, strict=True), Joining(seam)) for order in itertools.permutations(pairs)]
    for other in results[1:]:
        assert torch.allclose(other.image, results[0].image, rtol=0, atol=1e-6)
        assert torch.equal(other.changed, results[0].changed)


def test_a_single_region_gives_what_it_gives_alone_and_so_do_regions_that_lie_apart():
    image = photo(120, 400)
    masks = [garment_mask(120, 400, (x, 40, x + 50, 90)) for x in (40, 300)]
    crops = [crop_for_inpainting(image, mask, target="as is") for mask in masks]
    new = [torch.rand_like(crop.image) for crop in crops]
    both = stitch_regions([crop.stitch for crop in crops], new).image
    for crop, pixels, mask in zip(crops, new, masks, strict=True):
        alone = stitch_inpainted(crop.stitch, pixels)
        assert torch.equal(both[mask > 0], alone[mask > 0])
    again = stitch_inpainted(crops[1].stitch, new[1], onto=stitch_inpainted(crops[0].stitch, new[0]))
    assert torch.equal(again, both)


def test_where_masks_overlap_their_changes_are_shared():
    image, crops = overlapping_crops(2)
    stitched = stitch_regions([crop.stitch for crop in crops], painted(crops)).image
    first, second = (crop.stitch.mask for crop in crops)
    alone = [stitch_inpainted(crop.stitch, new) for crop, new in zip(crops, painted(crops), strict=True)]
    both = (first == 1) & (second == 1)
    assert bool(both.any())
    assert torch.allclose(stitched[both], (alone[0][both] + alone[1][both]) / 2, atol=1e-6)
    only = (first > 0) & (second == 0)
    assert torch.equal(stitched[only], alone[0][only])
    assert stitched.dtype == image.dtype


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from(sorted(SEAMS)), st.sampled_from([torch.float32, torch.float16]))
def test_any_regions_in_any_order_give_the_same_and_keep_the_rest(data, seam, dtype):
    image = photo(64, 72).to(dtype)
    stitches: list[Stitch] = []
    new: list[torch.Tensor] = []
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    for _ in range(data.draw(st.integers(1, 4))):
        x, y = data.draw(st.integers(0, 60)), data.draw(st.integers(0, 50))
        width, height = data.draw(st.integers(2, 40)), data.draw(st.integers(2, 40))
        mask = torch.zeros(1, 64, 72)
        mask[:, y : y + height, x : x + width] = torch.rand((), generator=generator) * 0.9 + 0.1
        crop = crop_for_inpainting(image, mask.to(dtype), target="as is")
        stitches.append(crop.stitch)
        new.append(torch.rand(crop.image.shape, generator=generator).to(dtype))
    order = data.draw(st.permutations(range(len(new))))
    first = stitch_regions(stitches, new, Joining(seam))
    second = stitch_regions([stitches[n] for n in order], [new[n] for n in order], Joining(seam))
    outside = torch.stack([stitch.mask for stitch in stitches]).amax(0) == 0
    assert first.image.dtype == dtype and first.image.shape == image.shape
    assert torch.equal(first.image[outside], image[outside])
    assert (first.image.float() - second.image.float()).abs().max() <= (1e-6 if dtype == torch.float32 else 1e-3)
    if len(new) == 1:
        (box,) = stitches[0].boxes
        canvas, inside = image.clone(), (max(box[0], 0), max(box[1], 0), min(box[2], 72), min(box[3], 64))
        part = new[0][:, inside[1] - box[1] : inside[3] - box[1], inside[0] - box[0] : inside[2] - box[0]]
        canvas[:, inside[1] : inside[3], inside[0] : inside[2]] = part
        if seam == "linear":
            assert torch.equal(first.image, join_images(image, canvas, stitches[0].mask))


def test_what_changed_is_the_mask_where_the_picture_is_another():
    image, mask = photo(100, 90), garment_mask(100, 90, (30, 30, 60, 70))
    crop = crop_for_inpainting(image, mask, target="as is")
    new = crop.image.clone()
    half = new.shape[1] // 2
    new[:, :half] = 1 - new[:, :half]
    stitched = stitch_regions([crop.stitch], [new])
    differs = (stitched.image != image).any(-1)
    assert torch.equal(stitched.changed > 0, differs)
    assert torch.equal(stitched.changed[differs], mask[differs]) and bool(differs.any())


def test_a_batch_of_crops_of_one_picture_goes_into_that_picture():
    image, crops = overlapping_crops()
    width, height = crops[0].stitch.width, crops[0].stitch.height
    boxes = tuple((box[0], box[1], box[0] + width, box[1] + height) for box in (c.stitch.boxes[0] for c in crops))
    mask = torch.cat([crop.stitch.mask for crop in crops])
    batch = Stitch(image, mask, boxes, (0, 0, 0), width, height)
    new = torch.rand(3, height, width, 3)
    one = stitch_inpainted(batch, new)
    singles = [Stitch(image, mask[n : n + 1], boxes[n : n + 1], (0,), width, height) for n in range(3)]
    several = stitch_regions(singles, [new[n : n + 1] for n in range(3)]).image
    assert one.shape == image.shape and torch.equal(one, several)


@pytest.mark.parametrize("seam", SEAMS)
def test_a_batch_is_stitched_as_its_singles(seam):
    image, mask = photo(140, 120, batch=3), garment_mask(140, 120, (40, 40, 90, 100), batch=3)
    crop = crop_for_inpainting(image, mask, target="SD 1.5")
    new = moved(crop.image, Move(1.5, 1.0)) * 0.95
    joining = Joining(seam, "affine", None, "OKLab", "shift")
    whole = stitch_regions([crop.stitch], [new], joining)
    for n in range(3):
        single = crop_for_inpainting(image[n : n + 1], mask[n : n + 1], target="SD 1.5")
        alone = stitch_regions([single.stitch], [new[n : n + 1]], joining)
        assert torch.allclose(whole.image[n], alone.image[0], atol=1e-5)


def test_results_of_one_crop_and_another_crop_go_together():
    _, crops = overlapping_crops(2)
    stitches, (first, second) = [crop.stitch for crop in crops], painted(crops)
    variants = torch.cat([first, first * 0.5, first * 0.25])
    results = stitch_regions(stitches, [variants, second]).image
    for n in range(3):
        assert torch.equal(results[n : n + 1], stitch_regions(stitches, [variants[n : n + 1], second]).image)
    with pytest.raises(ShapeError, match="2 results of one crop beside 3 pictures"):
        stitch_regions(stitches, [variants, second.expand(2, -1, -1, -1)])


def test_lists_give_one_picture_for_each_source_in_order_of_appearance():
    image, crops = overlapping_crops()
    other = photo(90, 100, seed=4)
    apart = crop_for_inpainting(other, garment_mask(90, 100, (30, 30, 60, 60)), target="as is")
    copied = Stitch(
        image.clone(), *(getattr(crops[1].stitch, n) for n in ("mask", "boxes", "frames", "width", "height"))
    )
    stitches = [crops[0].stitch, apart.stitch, copied, crops[2].stitch]
    new = painted(crops)
    results = stitch_lists(stitches, [new[0], apart.image * 0.5, new[1], new[2]])
    assert [tuple(result.image.shape) for result in results] == [(1, 220, 200, 3), (1, 90, 100, 3)]
    assert torch.equal(results[0].image, stitch_regions([crop.stitch for crop in crops], new).image)
    assert [len(result.found) for result in results] == [3, 1]


def test_several_results_of_one_stitch_give_a_picture_each():
    image, mask = photo(120, 100), garment_mask(120, 100, (30, 30, 70, 90))
    crop = crop_for_inpainting(image, mask, target="as is")
    results = stitch_lists([crop.stitch], [crop.image, crop.image * 0.5])
    assert len(results) == 2 and torch.equal(results[1].image, stitch_inpainted(crop.stitch, crop.image * 0.5))


def test_numbers_that_do_not_fit_are_told():
    image, mask = photo(90, 80), garment_mask(90, 80, (20, 20, 60, 70))
    crop = crop_for_inpainting(image, mask, target="as is")
    with pytest.raises(ShapeError, match="2 stitches and 3 repainted crops; give one crop for each stitch"):
        stitch_lists([crop.stitch] * 2, [crop.image] * 3)
    with pytest.raises(ShapeError, match="3 masks for 2 repainted crops"):
        stitch_lists([crop.stitch], [crop.image] * 2, masks=[mask] * 3)
    with pytest.raises(ShapeError, match="onto is 70x90"):
        stitch_inpainted(crop.stitch, crop.image, onto=image[:, :, :70])
    batch = crop_for_inpainting(photo(90, 80, batch=2), mask, target="as is").stitch
    with pytest.raises(ShapeError, match="a batch of 3, Inpaint Crop handed out 2"):
        stitch_inpainted(batch, crop.image.expand(3, -1, -1, -1))
    with pytest.raises(UnknownName, match="off, shift and zoom, shift"):
        stitch_inpainted(crop.stitch, crop.image, align="zoom")
    with pytest.raises(UnknownName, match="sRGB, OKLab"):
        stitch_inpainted(crop.stitch, crop.image, match_space="Lab")


@pytest.mark.parametrize("seam", SEAMS)
def test_stitching_onto_another_picture_keeps_it_where_the_mask_is_0(seam):
    image, mask = photo(220, 200), garment_mask(220, 200, (70, 70, 130, 150))
    crop = crop_for_inpainting(image, mask, target="as is", context=2.0)
    onto = photo(220, 200, seed=8).half()
    joining = Joining(seam, "affine", None, "sRGB", "shift and zoom")
    stitched = stitch_regions([crop.stitch], [moved(crop.image, MOVE) * 0.97], joining, onto=onto)
    assert stitched.image.dtype == torch.float16 and torch.equal(stitched.image[mask == 0], onto[mask == 0])
    found = stitched.found[0]
    assert found.alignment is not None and found.alignment.applies
    assert found.colours is not None and found.colours.after < 1 / 255


def test_what_was_found_is_told_for_each_region():
    _, crops = overlapping_crops(2)
    joining = Joining(align="shift and zoom", match_colours="affine")
    new = [moved(crops[0].image, MOVE), crops[1].image]
    lines = describe_found(stitch_regions([crop.stitch for crop in crops], new, joining).found, joining)
    assert len(lines) == 4 and lines[0].startswith("1: ") and lines[3].startswith("2: fitted on")
    assert lines[2].startswith("2: not moved: it lies where it was")


def test_neither_crop_nor_picture_nor_mask_is_written_to():
    image, crops = overlapping_crops(2)
    new = [moved(crop.image, MOVE) for crop in crops]
    tensors = [image, *new, *(crop.stitch.mask for crop in crops)]
    before = [tensor.clone() for tensor in tensors]
    stitch_regions([crop.stitch for crop in crops], new, Joining("poisson", "affine", None, "OKLab", "shift and zoom"))
    assert all(torch.equal(new, old) for new, old in zip(tensors, before, strict=True))

"""Persons and garments are framed as a target wants them, and what comes back fits."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.photos import garment_mask, photo
from torch.nn import functional

from hemline.blending.stitch import stitch_inpainted
from hemline.blending.tryon import TARGETS_OWN, TRYON_FITS, prepare_tryon
from hemline.blending.tryon_contract import contract_lines
from hemline.blending.tryon_targets import TRYON_TARGETS
from hemline.tensors import RangeError, ShapeError, UnknownName

every_target = pytest.mark.parametrize("name", TRYON_TARGETS)
# One target of each way in which a person gets to its size.
FRAMES = {(item.fit, item.sizes, item.padding, item.diptych): name for name, item in TRYON_TARGETS.items()}.values()
every_frame = pytest.mark.parametrize("name", FRAMES)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.sampled_from(sorted(TRYON_TARGETS)), st.sampled_from(TRYON_FITS))
def test_the_frame_has_the_targets_aspect_and_holds_the_mask(data, name, fit):
    width, height = data.draw(st.integers(1, 200)), data.draw(st.integers(1, 200))
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    mask = torch.zeros(1, height, width)
    mask[:, y0:y1, x0:x1] = 1
    sizes = {"width": 32, "height": 48} if TRYON_TARGETS[name].multiple in (8, 16) else {}
    inputs = prepare_tryon(
        torch.zeros(1, height, width, 3), torch.zeros(1, 8, 8, 3), mask, target=name, fit=fit, **sizes
    )
    (box,) = inputs.stitch.boxes
    assert (box[2] - box[0]) * inputs.stitch.height == (box[3] - box[1]) * inputs.stitch.width
    assert box[0] <= x0 and box[1] <= y0 and box[2] >= x1 and box[3] >= y1
    way = TRYON_TARGETS[name].fit if fit == TARGETS_OWN else fit
    if way == "pad":
        assert box[0] <= 0 and box[1] <= 0 and box[2] >= width and box[3] >= height
    for axis, frame in ((0, width), (1, height)):
        inside = box[axis] >= 0 and box[axis + 2] <= frame
        assert inside or (box[axis] <= 0 and box[axis + 2] >= frame)


@pytest.mark.parametrize("fit", ["pad", "context"])
def test_beyond_the_frame_lies_the_padding_and_no_mask(fit):
    image, mask = torch.rand(1, 90, 300, 3) * 0.5, torch.ones(1, 90, 300)
    inputs = prepare_tryon(image, None, mask, target="Leffa", fit=fit, pose=torch.full_like(image, 0.5))
    rows = inputs.mask[0].any(1)
    assert not rows[0] and not rows[-1] and inputs.mask[0][rows].all()
    assert inputs.person[0][~rows].eq(1).all() and inputs.person[0][rows].lt(0.9).all()
    assert inputs.pose is not None
    assert inputs.pose[0][~rows].eq(0).all() and inputs.pose[0][rows].gt(0).all()
    assert abs(int(rows.sum()) - 768 * 90 / 300) <= 1


def test_a_crop_lies_in_the_middle_unless_the_mask_lies_elsewhere():
    image, mask = torch.rand(1, 300, 600, 3), torch.zeros(1, 300, 600)
    assert prepare_tryon(image, None, mask, target="CatVTON").stitch.boxes == ((187, 0, 412, 300),)
    mask[:, 100:200, 20:60] = 1
    assert prepare_tryon(image, None, mask, target="CatVTON").stitch.boxes == ((20, 0, 245, 300),)


def test_a_garment_is_cut_out_onto_white_in_the_middle():
    garment, mask = torch.full((1, 60, 200, 3), 0.25), torch.zeros(1, 60, 200)
    mask[:, 10:50, 150:190] = 1
    inputs = prepare_tryon(
        torch.rand(1, 80, 60, 3), garment, torch.ones(1, 80, 60), target="IDM-VTON", garment_mask=mask
    )
    assert inputs.garment is not None and inputs.garment_mask is not None
    assert inputs.garment.shape == (1, 1024, 768, 3)
    cloth = inputs.garment[0, ..., 0] < 0.5
    rows, columns = cloth.any(1).nonzero().flatten(), cloth.any(0).nonzero().flatten()
    assert abs(int(rows[0] + rows[-1]) - 1023) <= 30 and abs(int(columns[0] + columns[-1]) - 767) <= 30
    assert len(columns) > 0.8 * 768 and abs(len(rows) - len(columns)) <= 2
    assert torch.allclose(inputs.garment[0][cloth], torch.tensor(0.25), atol=0.26)
    assert ((inputs.garment_mask[0] >= 0.5) == (inputs.garment[0, ..., 0] < 0.625)).float().mean() > 0.99


def test_a_garments_alpha_cuts_it_out_too():
    garment = torch.rand(1, 64, 48, 4)
    garment[..., 3] = 0
    garment[:, 20:40, 10:30, 3] = 1
    given_alpha = prepare_tryon(torch.rand(1, 64, 48, 3), garment, torch.ones(1, 64, 48), target="Leffa")
    given_mask = prepare_tryon(
        torch.rand(1, 64, 48, 3), garment[..., :3], torch.ones(1, 64, 48), target="Leffa", garment_mask=garment[..., 3]
    )
    assert given_alpha.garment is not None and given_mask.garment is not None
    assert torch.equal(given_alpha.garment, given_mask.garment)


@every_frame
@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((777, 1003), (700, 300, 1003, 777)),  # in the corner of a wide frame
        ((640, 400), (0, 0, 400, 640)),  # everything
        ((64, 64), (30, 20, 34, 60)),  # a thin one in a tiny frame
    ],
)
def test_stitching_the_untouched_picture_gives_back_the_person(name, size, box):
    image, mask = photo(*size), garment_mask(*size, box)
    mask[:, box[1] : box[3], box[0] : box[2]] = 1
    inputs = prepare_tryon(image, torch.rand(1, 50, 40, 3), mask, target=name)
    restored = stitch_inpainted(inputs.stitch, inputs.person)
    changed = inputs.stitch.mask > 0
    assert torch.equal(restored[~changed], image[~changed])
    loss = (restored - image)[changed]
    assert abs(float(loss.mean())) < 0.1 / 255
    scale = inputs.stitch.width / (inputs.stitch.boxes[0][2] - inputs.stitch.boxes[0][0])
    if scale == 1:
        assert loss.abs().max() <= 1e-6
    assert -10 * math.log10(float(loss.square().mean()) + 1e-12) >= (40 if scale >= 1 else 25)


def test_a_diptych_comes_back_whole_halved_or_twice_as_large():
    image, mask = photo(400, 300), garment_mask(400, 300, (80, 100, 220, 300))
    inputs = prepare_tryon(image, torch.rand(1, 50, 40, 3), mask, target="CatVTON-FLUX")
    back = stitch_inpainted(inputs.stitch, inputs.person)
    assert torch.equal(back, stitch_inpainted(inputs.stitch, inputs.person[:, :, 576:]))
    twice = functional.interpolate(inputs.person.permute(0, 3, 1, 2), scale_factor=2, mode="bicubic")
    again = stitch_inpainted(inputs.stitch, twice.permute(0, 2, 3, 1))
    assert (again - image).abs().max() < 0.05
    with pytest.raises(ShapeError, match="handed out"):
        stitch_inpainted(inputs.stitch, inputs.person[:, :, :500])


@every_frame
def test_the_repainted_garment_arrives_where_the_old_one_was(name):
    image, mask = photo(400, 300), garment_mask(400, 300, (80, 100, 220, 300))
    inputs = prepare_tryon(image, torch.rand(1, 50, 40, 3), mask, target=name)
    red = torch.tensor([1.0, 0.0, 0.0])
    painted = torch.where(inputs.mask.unsqueeze(-1) >= 0.5, red, inputs.person)
    back = stitch_inpainted(inputs.stitch, painted)
    inner = functional.max_pool2d(1 - mask.unsqueeze(1), 13, 1, 6)[:, 0] == 0
    assert (back[inner] - red).abs().max() < 0.1
    assert torch.equal(back[inputs.stitch.mask == 0], image[inputs.stitch.mask == 0])


def test_padding_does_not_bleed_into_what_comes_back():
    image, mask = torch.full((1, 300, 300, 3), 0.2), torch.ones(1, 300, 300)
    for width, height in ((768, 1024), (96, 128)):
        inputs = prepare_tryon(image, None, mask, target="CatVTON", fit="pad", width=width, height=height)
        assert inputs.person.max() == 1  # the padding is white
        assert (stitch_inpainted(inputs.stitch, inputs.person) - image).abs().max() < 1e-4


@every_target
def test_an_empty_mask_is_told_and_changes_nothing(name):
    image = torch.rand(1, 90, 80, 3)
    inputs = prepare_tryon(image, torch.rand(1, 9, 8, 3), torch.zeros(1, 64, 64), target=name)
    assert not inputs.mask.any()
    assert any("nothing will be repainted" in line for line in contract_lines(inputs.contract))
    assert torch.equal(stitch_inpainted(inputs.stitch, torch.rand_like(inputs.person)), image)


def test_a_batch_is_the_stack_of_its_singles():
    image, mask = photo(120, 100, batch=2), torch.zeros(2, 120, 100)
    mask[0, 20:60, 10:50], mask[1, 70:119, 40:99] = 1, 1
    garment = torch.rand(1, 30, 20, 3)
    for name in ("CatVTON", "CatVTON-FLUX", "Leffa", "FLUX.1 Fill API"):
        both = prepare_tryon(image, garment, mask, target=name)
        for index in range(2):
            one = prepare_tryon(image[index : index + 1], garment, mask[index : index + 1], target=name)
            assert torch.equal(one.person[0], both.person[index]) and torch.equal(one.mask[0], both.mask[index])
            assert torch.equal(one.agnostic[0], both.agnostic[index])
            assert one.stitch.boxes[0] == both.stitch.boxes[index]


def test_one_person_tries_on_several_garments():
    image, mask = photo(120, 100), torch.zeros(1, 120, 100)
    mask[:, 20:60, 10:50] = 1
    inputs = prepare_tryon(image, torch.rand(3, 30, 20, 3), mask, target="CatVTON-FLUX")
    assert inputs.person.shape == (3, 768, 1152, 3)
    assert stitch_inpainted(inputs.stitch, inputs.person).shape == (3, 120, 100, 3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_dtypes_are_kept_and_alpha_is_left_out(dtype):
    image = torch.rand(1, 90, 80, 4).to(dtype)
    mask = torch.zeros(1, 90, 80, dtype=dtype)
    mask[:, 20:60, 10:50] = 1
    inputs = prepare_tryon(image, torch.rand(1, 9, 8, 3), mask, target="OOTDiffusion", pose=image)
    pieces = (inputs.person, inputs.mask, inputs.mask_image, inputs.agnostic, inputs.garment, inputs.pose)
    assert all(piece is not None and piece.dtype == dtype for piece in pieces)
    assert inputs.person.shape[-1] == 3 and set(inputs.mask.unique().tolist()) == {0.0, 1.0}
    restored = stitch_inpainted(inputs.stitch, inputs.person)
    assert torch.equal(restored[..., 3], image[..., 3]) and torch.equal(restored[mask == 0], image[mask == 0])


def test_inputs_are_not_written_to():
    given_tensors = [photo(90, 80), torch.rand(1, 9, 8, 3), garment_mask(90, 80, (20, 20, 60, 70))]
    before = [tensor.clone() for tensor in given_tensors]
    for name in TRYON_TARGETS:
        inputs = prepare_tryon(*given_tensors, target=name, protected=given_tensors[2] * 0.5)
        inputs.mask.zero_()
        inputs.person.zero_()
        inputs.mask_image.zero_()
    assert all(torch.equal(was, now) for was, now in zip(before, given_tensors, strict=True))


def test_sizes_are_asked_for_among_those_that_the_target_takes():
    image, mask, garment = torch.rand(1, 90, 80, 3), torch.ones(1, 90, 80), torch.rand(1, 9, 8, 3)
    large = prepare_tryon(image, garment, mask, target="FitDiT", width=1536, height=2048)
    assert large.person.shape == (1, 2048, 1536, 3)
    free = prepare_tryon(image, None, mask, target="diffusers inpainting", width=512, height=520)
    assert free.person.shape == (1, 520, 512, 3)
    wide = prepare_tryon(torch.rand(1, 80, 120, 3), None, torch.ones(1, 80, 120), target="gpt-image edits API")
    assert wide.person.shape == (1, 1024, 1536, 3)
    with pytest.raises(RangeError, match="takes 768x1024, 1152x1536, 1536x2048"):
        prepare_tryon(image, garment, mask, target="FitDiT", width=512, height=512)
    with pytest.raises(ShapeError, match="no multiple of 16, which InpaintModelConditioning wants; the next is 528"):
        prepare_tryon(image, None, mask, target="InpaintModelConditioning", width=512, height=520)
    with pytest.raises(RangeError, match="height is 0"):
        prepare_tryon(image, None, mask, target="diffusers inpainting", width=512)


def test_what_is_missing_or_wrong_is_told():
    image, mask = torch.rand(1, 90, 80, 3), torch.ones(1, 90, 80)
    with pytest.raises(UnknownName, match="Did you mean 'CatVTON'"):
        prepare_tryon(image, None, mask, target="CatVTN")
    with pytest.raises(UnknownName, match="Fit 'stretch'"):
        prepare_tryon(image, None, mask, target="CatVTON", fit="stretch")
    with pytest.raises(ShapeError, match="connect the garment's picture too"):
        prepare_tryon(image, None, mask, target="CatVTON-FLUX")
    with pytest.raises(ShapeError, match="pose is 7x6; give it the person's size 80x90 or the target's 768x1024"):
        prepare_tryon(image, None, mask, target="Leffa", pose=torch.rand(1, 6, 7, 3))
    warned = prepare_tryon(image.repeat(2, 1, 1, 1), None, mask, target="ComfyUI-IDM-VTON").contract["warnings"]
    assert [word in " ".join(warned) for word in ("garment", "DensePose", "one picture per run, these are 2")] == [
        True
    ] * 3

"""Every target gets what its contract says, and what comes back fits."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.photos import garment_mask, photo
from support.tryon_golden import HEIGHT, INSIDE, OUTSIDE, WIDTH, describe_contracts, drawn_inputs, handed_out
from torch import Tensor
from torch.nn import functional

from hemline.blending.stitch import stitch_inpainted
from hemline.blending.tryon import TARGETS_OWN, TRYON_FITS, TryOnInputs, prepare_tryon
from hemline.blending.tryon_contract import contract_lines
from hemline.blending.tryon_targets import TRYON_TARGETS
from hemline.tensors import RangeError, ShapeError, UnknownName

GOLDEN = Path(__file__).parent.parent / "golden" / "tryon_contracts.json"
BODY = (768, 1024)
every_target = pytest.mark.parametrize("name", TRYON_TARGETS)
# One target of each way in which a person gets to its size.
FRAMES = {(item.fit, item.sizes, item.padding, item.diptych): name for name, item in TRYON_TARGETS.items()}.values()
every_frame = pytest.mark.parametrize("name", FRAMES)


@dataclass(frozen=True)
class Promise:
    """One row of the table of contracts, written by hand from what the targets' makers say, not from our records.

    sizes: that it takes, () for the picture's own. divisor: of any size. soft: soft mask values arrive. grey: of 255,
    in the masked part of the picture that the target works with. white: beyond the frame. hole: alpha 0 = repaint.
    """

    sizes: tuple[tuple[int, int], ...] = ()
    divisor: int = 8
    soft: bool = False
    grey: float | None = None
    white: bool = True
    hole: bool = False
    garment: bool = True
    pose: str = ""


TABLE = {
    "VAEEncodeForInpaint": Promise(grey=127.5, white=False, garment=False),
    "InpaintModelConditioning": Promise(divisor=16, soft=True, grey=127.5, white=False, garment=False),
    "SetLatentNoiseMask + DifferentialDiffusion": Promise(soft=True, white=False, garment=False),
    "diffusers inpainting": Promise(white=False, garment=False),
    "CatVTON": Promise((BODY,), grey=127.5),
    "CatVTON Wrapper": Promise((BODY,), grey=127.5),
    "IDM-VTON": Promise((BODY,), grey=127.5, pose="DensePose"),
    "ComfyUI-IDM-VTON": Promise((BODY,), grey=127.5, pose="DensePose"),
    "OOTDiffusion": Promise((BODY,), grey=127),
    "Leffa": Promise((BODY,), grey=127.5, pose="DensePose"),
    "FitDiT": Promise((BODY, (1152, 1536), (1536, 2048)), grey=128, pose="DWPose"),
    "CatVTON-FLUX": Promise(((576, 768), BODY), divisor=16, grey=127.5),
    "VITON-HD folder": Promise((BODY,), grey=128, pose="DensePose"),
    "DressCode folder": Promise((BODY,), grey=128, pose="OpenPose"),
    "A1111 inpaint upload": Promise(divisor=1, white=False, garment=False),
    "A1111 batch folder": Promise(divisor=1, white=False, garment=False),
    "FLUX.1 Fill API": Promise(divisor=1, hole=True, white=False, garment=False),
    "gpt-image edits API": Promise(((1024, 1024), (1024, 1536), (1536, 1024)), hole=True, white=False, garment=False),
}


def test_the_contracts_are_as_reviewed():
    assert json.loads(json.dumps(describe_contracts())) == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_the_table_names_every_target():
    assert set(TABLE) == set(TRYON_TARGETS)


@every_target
def test_a_record_says_what_the_table_says(name):
    record, row = TRYON_TARGETS[name], TABLE[name]
    assert set(row.sizes) <= set(record.sizes) and (not row.sizes or record.sizes == row.sizes)
    assert all(side % row.divisor == 0 for size in record.sizes for side in size)
    assert record.multiple % row.divisor == 0
    assert record.binary is not row.soft and record.transparent is row.hole and record.garment is row.garment
    assert record.grey == (None if row.grey is None else pytest.approx(row.grey / 255))
    assert record.padding == (1.0 if row.white else None)
    assert record.pose.startswith(row.pose) and bool(record.pose) == bool(row.pose)


@every_target
def test_the_pieces_are_what_the_table_says(name):
    inputs, row = drawn_inputs(name), TABLE[name]
    height, width = inputs.mask.shape[1:]
    crop = (inputs.stitch.width, inputs.stitch.height)
    assert crop in (row.sizes or TRYON_TARGETS[name].sizes or [(WIDTH, HEIGHT)])
    assert width % row.divisor == height % row.divisor == 0
    assert width == crop[0] * (2 if name == "CatVTON-FLUX" else 1) and height == crop[1]
    assert inputs.person.shape == inputs.mask_image.shape == (1, height, width, 3)
    assert inputs.agnostic.shape[-1] == (4 if row.hole else 3)
    values = set(inputs.mask.unique().tolist())
    assert (len(values) > 2 and min(values) == 0 and max(values) == 1) if row.soft else values == {0.0, 1.0}
    assert torch.equal(inputs.mask_image, inputs.mask.unsqueeze(-1).expand_as(inputs.mask_image))
    if row.grey is not None:
        inside = inputs.agnostic[inputs.mask >= 0.5]
        assert torch.allclose(inside, torch.tensor(row.grey / 255)) and len(inside)
    kept = inputs.mask < 0.5
    assert torch.equal(inputs.agnostic[..., :3][kept], inputs.person[kept])
    assert (inputs.garment is not None) is row.garment


def whole(level: float) -> Callable[[TryOnInputs], Tensor]:
    """A reader of 8-bit masks that repaints from this level on."""
    return lambda inputs: (inputs.mask[0] * 255).round() >= level


def core_rounds(inputs: TryOnInputs) -> Tensor:
    """ComfyUI fits the mask to the picture and rounds it; half goes to even, which is 0."""
    fitted = functional.interpolate(inputs.mask.unsqueeze(1), size=inputs.person.shape[1:3], mode="bilinear")
    return fitted.round()[0, 0] == 1


def differential(inputs: TryOnInputs) -> Tensor:
    """Repainted in the last of ten steps' thresholds and in all before it."""
    return torch.stack([inputs.mask[0] >= step / 10 for step in range(1, 11)]).all(0)


READERS: dict[str, Callable[[TryOnInputs], Tensor]] = {
    "VAEEncodeForInpaint": core_rounds,
    "InpaintModelConditioning": core_rounds,
    "SetLatentNoiseMask + DifferentialDiffusion": differential,
    "ComfyUI-IDM-VTON": lambda inputs: inputs.mask_image[0, ..., 0] >= 0.5,
    "OOTDiffusion": whole(127),
    "A1111 inpaint upload": whole(128),
    "A1111 batch folder": whole(128),
    "FLUX.1 Fill API": lambda inputs: inputs.agnostic[0, ..., 3] == 0,
    "gpt-image edits API": lambda inputs: inputs.agnostic[0, ..., 3] == 0,
}
"""How a target itself tells what to repaint; those that are not here cut the mask at 0.5, as diffusers does."""


@pytest.mark.parametrize(
    ("name", "fit"),
    [(name, TARGETS_OWN) for name in TRYON_TARGETS] + [(name, fit) for name in FRAMES for fit in TRYON_FITS[1:]],
)
def test_in_the_targets_own_reading_the_garment_is_repainted_and_the_rest_is_kept(name, fit):
    inputs = drawn_inputs(name, fit=fit)
    repainted = READERS.get(name, lambda inputs: inputs.mask[0] >= 0.5)(inputs)
    assert repainted[handed_out(inputs, *INSIDE)]
    assert not repainted[0].any() or fit == "context"
    kept = handed_out(inputs, *OUTSIDE)
    if kept[0] >= 0:  # a crop around the mask leaves the wall above it out
        assert not repainted[kept]
    assert 0.05 < float(repainted.float().mean()) < 0.9


@pytest.mark.parametrize("name", ["VAEEncodeForInpaint", "InpaintModelConditioning"])
def test_core_loses_no_pixel_and_its_grey_fill_is_our_agnostic_picture(name):
    inputs = drawn_inputs(name)
    height, width = inputs.person.shape[1:3]
    assert (height // 8 * 8, width // 8 * 8) == (height, width)
    kept = 1 - core_rounds(inputs).float()
    greyed = (inputs.person - 0.5) * kept[None, ..., None] + 0.5
    assert torch.allclose(greyed, inputs.agnostic, atol=1e-6)


@pytest.mark.parametrize("name", ["CatVTON", "CatVTON Wrapper", "IDM-VTON", "Leffa", "CatVTON-FLUX"])
def test_blanking_with_zero_between_minus_one_and_one_is_our_agnostic_picture(name):
    inputs = drawn_inputs(name)
    blanked = (inputs.person * 2 - 1) * (inputs.mask < 0.5).unsqueeze(-1)
    assert torch.allclose((blanked + 1) / 2, inputs.agnostic, atol=1e-6)


def test_what_is_saved_with_eight_bits_has_the_grey_of_the_contract():
    for name, level in (("OOTDiffusion", 127), ("VITON-HD folder", 128), ("DressCode folder", 128)):
        inputs = drawn_inputs(name)
        saved = (inputs.agnostic * 255).round()
        assert set(saved[inputs.mask == 1].unique().tolist()) == {float(level)}


def test_the_wrapper_has_nothing_left_to_pad():
    inputs = drawn_inputs("CatVTON Wrapper")  # it would pad the mask with white, which repaints the border
    assert inputs.person.shape[1:3] == inputs.mask.shape[1:] == (1024, 768)
    assert not inputs.mask[0, :, 0].any() and not inputs.mask[0, 0].any()


def test_a_diptych_is_the_garment_and_the_person_and_only_the_person_is_repainted():
    inputs = drawn_inputs("CatVTON-FLUX")
    assert inputs.garment is not None
    assert torch.equal(inputs.person[:, :, :576], inputs.garment)
    assert not inputs.mask[:, :, :576].any() and inputs.mask[:, :, 576:].any()
    assert torch.equal(inputs.agnostic[:, :, :576], inputs.garment)


def test_fitdit_gets_the_bounding_box_without_what_is_protected():
    head = torch.zeros(1, HEIGHT, WIDTH)
    head[:, 56:80, 90:130] = 1
    boxed = drawn_inputs("FitDiT", protected=head).mask[0]
    given = drawn_inputs("FitDiT", mask_shape="as given").mask[0]
    rows, columns = boxed.any(1).nonzero(), boxed.any(0).nonzero()
    x0, y0, x1, y1 = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    assert boxed[y0:y1, x0:x1][-100:].mean() > 0.999
    inputs = drawn_inputs("FitDiT", protected=head)
    assert not boxed[handed_out(inputs, 110, 70)] and given[handed_out(inputs, 110, 70)]


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


@every_target
def test_the_lines_say_size_polarity_values_padding_and_grey(name):
    inputs, row = drawn_inputs(name), TABLE[name]
    text = "\n".join(contract_lines(inputs.contract))
    height, width = inputs.mask.shape[1:]
    assert f"{width}x{height}" in text
    assert ("transparent = repaint" if row.hole else "white = repaint") in text
    assert ("soft" if row.soft else "0 or 1") in text and "padding" in text
    assert row.grey is None or f"grey {row.grey:g} of 255" in text

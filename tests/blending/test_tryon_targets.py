"""Every target gets what its contract says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from support.tryon_golden import HEIGHT, INSIDE, OUTSIDE, WIDTH, describe_contracts, drawn_inputs, handed_out
from torch import Tensor
from torch.nn import functional

from hemline.blending.tryon import TARGETS_OWN, TRYON_FITS, TryOnInputs
from hemline.blending.tryon_contract import contract_lines
from hemline.blending.tryon_targets import TRYON_TARGETS

GOLDEN = Path(__file__).parent.parent / "golden" / "tryon_contracts.json"
BODY = (768, 1024)
every_target = pytest.mark.parametrize("name", TRYON_TARGETS)
# One target of each way in which a person gets to its size.
FRAMES = {(item.fit, item.sizes, item.padding, item.diptych): name for name, item in TRYON_TARGETS.items()}.values()


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


@every_target
def test_the_lines_say_size_polarity_values_padding_and_grey(name):
    inputs, row = drawn_inputs(name), TABLE[name]
    text = "\n".join(contract_lines(inputs.contract))
    height, width = inputs.mask.shape[1:]
    assert f"{width}x{height}" in text
    assert ("transparent = repaint" if row.hole else "white = repaint") in text
    assert ("soft" if row.soft else "0 or 1") in text and "padding" in text
    assert row.grey is None or f"grey {row.grey:g} of 255" in text

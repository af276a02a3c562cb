"""What each try-on target is handed, measured on drawn pictures: what `tests/golden/tryon_contracts.json` freezes."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from hemline.blending.tryon import TryOnInputs, prepare_tryon
from hemline.blending.tryon_targets import TRYON_TARGETS
from support.pictures import drawn_person, shirt_mask

HEIGHT, WIDTH = 330, 220
INSIDE, OUTSIDE = (110, 110), (110, 15)  # x, y of a pixel of the shirt and of the wall


@functools.lru_cache(maxsize=20)  # each is 40 MB; every target once, as tests go through them
def drawn_inputs(target: str, **options: Any) -> TryOnInputs:
    """What `target` gets of the drawn person, a soft mask of its shirt, and a garment on grey with its mask.

    The same tensors on every call: read them only.
    """
    person = drawn_person(HEIGHT, WIDTH)
    mask = torch.nn.functional.avg_pool2d(shirt_mask(HEIGHT, WIDTH), 9, 1, 4, count_include_pad=False)
    garment = torch.full((1, 100, 120, 3), 0.5)
    garment[:, 20:70, 30:90] = torch.tensor((0.1, 0.6, 0.2))
    garment_mask = torch.zeros(1, 100, 120)
    garment_mask[:, 20:70, 30:90] = 1
    given = {"garment_mask": garment_mask, "pose": torch.full_like(person, 0.25), **options}
    return prepare_tryon(person, garment, mask, target=target, **given)


def handed_out(inputs: TryOnInputs, x: float, y: float) -> tuple[int, int]:
    """Row and column in the handed-out picture of what was pixel x, y of the person."""
    stitch = inputs.stitch
    x0, y0, x1, _ = stitch.boxes[0]
    scale = stitch.width / (x1 - x0)
    return int((y + 0.5 - y0) * scale) + stitch.margins[1], int((x + 0.5 - x0) * scale) + stitch.margins[0]


def describe_contracts() -> dict[str, Any]:
    """By target: the contract as it says, and what the tensors are."""
    return {name: _describe(drawn_inputs(name)) | {"files": dict(TRYON_TARGETS[name].files)} for name in TRYON_TARGETS}


def _describe(inputs: TryOnInputs) -> dict[str, Any]:
    assert inputs.pose is not None
    stitch, inside, outside = inputs.stitch, handed_out(inputs, *INSIDE), handed_out(inputs, *OUTSIDE)
    return {
        "contract": inputs.contract,
        "shapes": {
            name: list(getattr(inputs, name).shape)
            for name in ("person", "garment", "garment_mask", "mask", "mask_image", "agnostic", "pose")
            if getattr(inputs, name) is not None
        },
        "dtypes": sorted({str(inputs.person.dtype), str(inputs.mask.dtype), str(inputs.agnostic.dtype)}),
        "mask_values": _values(inputs.mask),
        "mask_inside_outside": [float(inputs.mask[0][inside]), float(inputs.mask[0][outside])],
        "agnostic_inside": _levels(inputs.agnostic[0][inside]),
        "agnostic_outside": _levels(inputs.agnostic[0][outside]),
        "top_left": {"person": _levels(inputs.person[0, 0, stitch.margins[0]]), "pose": _levels(inputs.pose[0, 0, 0])},
        "garment_top_left": None if inputs.garment is None else _levels(inputs.garment[0][0, 0]),
        "stitch": [stitch.width, stitch.height, *stitch.margins],
    }


def _values(mask: Tensor) -> str:
    return "0 or 1" if set(mask.unique().tolist()) <= {0.0, 1.0} else "soft"


def _levels(pixel: Tensor) -> list[float]:
    """From 0 to 255."""
    return [round(float(value) * 255, 1) for value in pixel]

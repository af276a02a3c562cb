from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from support.pictures import drawn_person, shirt_mask

from hemline.blending.stitch import stitch_inpainted
from hemline.blending.tryon_targets import TRYON_TARGETS
from hemline.hosts.headless_context import headless_context
from hemline.nodes.spec import NotGiven, Result
from hemline.nodes.tryon import PREVIEWED, try_on_inputs


@pytest.fixture
def context(tmp_path: Path):
    return headless_context(tmp_path, device="cpu")


def run(context, **values) -> tuple[dict[str, object], Result]:
    given = {"person": drawn_person(), "mask": shirt_mask(), "garment": torch.rand(1, 30, 20, 3), **values}
    result = try_on_inputs(**given, context=context)
    names = [port.name for port in try_on_inputs.outputs]
    return dict(zip(names, result.outputs, strict=True)), result


@pytest.mark.parametrize("target", TRYON_TARGETS)
def test_every_target_is_prepared_shown_and_stitched_back(context, target):
    out, result = run(context, target=target)
    contract = json.loads(out["contract"])
    assert contract["target"] == target and contract["size"] == [out["person"].shape[2], out["person"].shape[1]]
    assert result.images.shape[0] == 1 and result.images.shape[-1] == 3
    assert 0 <= float(result.images.min()) and float(result.images.max()) <= 1
    assert any("= repaint" in line for line in result.text)
    back = stitch_inpainted(out["stitch"], out["person"])
    outside = out["stitch"].mask == 0
    assert torch.equal(back[outside], drawn_person()[outside])


def test_the_contract_is_printed_on_the_preview(context):
    lines = []

    def lettering(text: str, height_px: int) -> torch.Tensor:
        lines.append(text)
        return torch.ones(height_px, 4 * len(text))

    _, result = run(context.__class__(context.device, context.store, lettering), target="OOTDiffusion")
    printed = " ".join(lines)
    assert all(word in printed for word in ("white = repaint", "0 or 1", "grey 127", "768x1024", "padding"))
    assert all(word in printed for line in result.text for word in line.split())


def test_a_hole_shows_a_checker_on_the_preview(context):
    red = torch.zeros(1, 96, 64, 3)
    red[..., 0] = 1
    _, hole = run(context, person=red, mask=torch.ones(1, 96, 64), target="FLUX.1 Fill API")
    grey = (hole.images == hole.images[..., :1]).all(-1)
    last = hole.images[:, 100:400, -300:][grey[:, 100:400, -300:]]
    assert {0.45, 0.65} <= {round(value, 2) for value in last.flatten().tolist()}


@pytest.mark.parametrize(
    ("target", "garment", "reason"),
    [
        ("CatVTON", None, "connect the garment"),
        ("VAEEncodeForInpaint", "given", "VAEEncodeForInpaint takes no garment"),
    ],
)
def test_what_is_not_there_says_why(context, target, garment, reason):
    out, _ = run(context, target=target, garment=torch.rand(1, 9, 9, 3) if garment else None)
    assert isinstance(out["garment"], NotGiven) and reason in out["garment"].reason
    assert isinstance(out["pose"], NotGiven) and "connect a pose picture" in out["pose"].reason


def test_an_empty_mask_goes_through_and_is_told(context):
    out, result = run(context, mask=torch.zeros(1, 64, 64), target="CatVTON")
    assert not out["mask"].any() and any("nothing will be repainted" in line for line in result.text)


def test_a_long_batch_is_prepared_whole_and_previewed_in_part(context):
    many = PREVIEWED + 2
    out, result = run(context, person=drawn_person().repeat(many, 1, 1, 1), target="A1111 batch folder")
    assert len(out["person"]) == many and len(result.images) == PREVIEWED

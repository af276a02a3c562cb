"""The panel's mask: the nodes' own functions in a workflow's order, and the composite that follows."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.contexts import CONTEXT
from support.dressed import draw_labels, garments_of
from torch import Tensor

import hemline.hosts.webui.masking as masking
from hemline.hosts.webui.mask_settings import MaskSettings
from hemline.hosts.webui.masking import composite, draw_preview, garment_mask
from hemline.hosts.webui.settings import parse_settings
from hemline.nodes import detect_garments, grow_feather_mask, protect_parts, refine_mask
from hemline.nodes.spec import Result
from hemline.segmentation.garments import Garments

PHOTO = torch.rand(1, 200, 140, 3, generator=torch.Generator().manual_seed(4))
HARD = {"grow": 0.0, "feather": 0.0, "protect": "nothing"}


@pytest.fixture
def dressed(monkeypatch: pytest.MonkeyPatch) -> Garments:
    """The drawn person is found in any picture, in place of what the parser would find."""
    everything = garments_of(draw_labels(bottom="pants", bag=True))
    real = masking._run

    def run(node: Any, values: Any, context: Any) -> Result:
        if node is not detect_garments:
            return real(node, values, context)
        found = everything.select(masking_labels(values["labels"]))
        return Result((found, found.union(), len(found), "", "", ""))

    monkeypatch.setattr(masking, "_run", run)
    return everything


def masking_labels(text: str) -> tuple[str, ...]:
    from hemline.segmentation.vocabulary import parse_what

    return parse_what(text)


def settings(**values: Any) -> MaskSettings:
    return parse_settings({**HARD, **values})


def made(hand: Tensor | None = None, **values: Any) -> Tensor:
    return garment_mask(PHOTO, settings(**values), hand, context=CONTEXT).mask


def square(value: float = 1.0) -> Tensor:
    mask = torch.zeros(1, 200, 140)
    mask[:, 50:70, 30:110] = value
    return mask


def test_the_mask_is_what_the_nodes_make_of_it(dressed: Garments):
    tops = dressed.select(("upper",))
    mask = refine_mask(mask=tops.union(), image=PHOTO, method="clean").outputs[0]
    mask = grow_feather_mask(mask=mask, grow=5.0, feather=7.0).outputs[0]
    mask = protect_parts(mask=mask, garments=tops, parts="head, hair and hands", target="tops").outputs[0]
    ours = garment_mask(PHOTO, parse_settings({"what": "tops", "grow": 5, "feather": 7}), context=CONTEXT)
    assert torch.equal(ours.mask, mask)


def test_only_what_is_asked_for_is_masked(dressed: Garments):
    assert torch.equal(made(what="bottoms") >= 0.5, dressed.select(("pants",)).union() >= 0.5)


def test_a_new_cut_reaches_further_than_the_garment(dressed: Garments):
    assert made(what="tops", target_cut="coat").sum() > 1.3 * made(what="tops").sum()


def test_protected_parts_stay_out_however_far_the_mask_grows(dressed: Garments):
    head = dressed.parts["face"][0] > 0.9
    assert bool(head.any())
    assert float(made(what="tops", grow=60.0, protect="head, hair and hands")[0][head].max()) == 0.0


def test_a_drawn_mask_is_replaced_added_subtracted_or_intersected(dressed: Garments):
    found, hand = made(), square()
    assert torch.equal(made(hand, drawn="replace"), found)
    assert torch.equal(made(hand, drawn="add"), torch.maximum(found, hand))
    assert torch.equal(made(hand, drawn="subtract"), torch.minimum(found, 1 - hand))
    assert torch.equal(made(hand, drawn="intersect"), torch.minimum(found, hand))


def test_what_is_subtracted_by_hand_stays_out_of_the_feather(dressed: Garments):
    mask = made(square(), drawn="subtract", grow=12.0, feather=9.0)
    assert float((mask * square()).max()) == 0.0


def test_nothing_found_is_a_zero_mask_and_a_sentence(dressed: Garments):
    found = garment_mask(PHOTO, settings(what="headwear"), context=CONTEXT)
    assert found.empty == (True,)
    assert not found.mask.any()
    assert "nothing found" in found.badges[0]
    assert "mask is empty" in found.badges[0]


def test_a_drawn_mask_alone_is_something_to_repaint(dressed: Garments):
    found = garment_mask(PHOTO, settings(what="headwear", drawn="add"), square(), context=CONTEXT)
    assert found.empty == (False,)


def test_underwear_that_a_model_names_is_no_target(dressed: Garments, monkeypatch: pytest.MonkeyPatch):
    from dataclasses import replace

    pants = dressed.select(("pants",))
    named = replace(pants, items=tuple(replace(item, native_label="briefs") for item in pants.items))
    monkeypatch.setattr(masking, "_run", lambda node, values, context: Result((named, named.union(), 1, "", "", "")))
    garments, mask, _ = masking._detect(PHOTO, settings(what="bottoms"), CONTEXT)
    assert not len(garments)
    assert not mask.any()


def test_the_preview_shows_the_mask_at_the_pictures_size(dressed: Garments):
    found = garment_mask(PHOTO, settings(), context=CONTEXT)
    drawn = draw_preview(PHOTO, found, context=CONTEXT)
    assert drawn.shape == PHOTO.shape
    inside = found.mask[0] >= 0.5
    assert float((drawn - PHOTO).abs()[0][inside].mean()) > 0.05


def test_outside_the_mask_the_picture_stays_bit_for_bit():
    soft = square(0.5)
    soft[:, 55:65, 40:100] = 1.0
    generated = torch.rand(1, 64, 96, 3, generator=torch.Generator().manual_seed(9))
    for seam in ("linear", "multi-band", "poisson"):
        whole, _ = composite(PHOTO, soft, generated, (20, 30, 116, 94), parse_settings({"seam": seam}), context=CONTEXT)
        assert torch.equal(whole[soft == 0], PHOTO[soft == 0])
        assert not torch.equal(whole[soft == 1], PHOTO[soft == 1])


def test_a_shift_of_tone_is_undone_in_the_ring_about_the_mask():
    noise = torch.rand(1, 3, 9, 7, generator=torch.Generator().manual_seed(1))
    smooth = torch.nn.functional.interpolate(noise, (200, 140), mode="bicubic")
    image = smooth.permute(0, 2, 3, 1).clamp(0.1, 0.9)
    shifted = image * 0.95 + 0.02
    fitted, lines = composite(image, square(), shifted, (0, 0, 140, 200), settings(), context=CONTEXT)
    plain, _ = composite(image, square(), shifted, (0, 0, 140, 200), settings(match_colours="none"), context=CONTEXT)
    assert float((fitted - image).abs().max()) < 1 / 255 < float((plain - image).abs().max())
    assert "fitted on" in lines[0]

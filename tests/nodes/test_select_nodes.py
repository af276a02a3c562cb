"""Select Garments, Garments from Masks, Garments to SEGS and Protect Parts as nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from support.contexts import CONTEXT

from hemline.hosts.transfer import run_node
from hemline.nodes.protect import protect_parts
from hemline.nodes.select import garments_from_masks_node, garments_to_segs, select_garments_node
from hemline.segmentation.garments import Garment, Garments
from hemline.tensors import HemlineError, ShapeError

H, W = 100, 60


def block(x0: int, y0: int, x1: int, y1: int) -> torch.Tensor:
    mask = torch.zeros(H, W)
    mask[y0:y1, x0:x1] = 1
    return mask


COAT, SKIRT = block(10, 20, 50, 60), block(15, 60, 45, 80)
FACE, HANDS = block(24, 5, 36, 20), block(8, 50, 16, 60)
FOUND = Garments(W, H, 2, (
    Garment(COAT, "outer", 0.8, (10, 20, 50, 60)),
    Garment(SKIRT, "skirt", 0.6, (15, 60, 45, 80)),
    Garment(COAT, "outer", 0.7, (10, 20, 50, 60), image=1),
), "drawn", {
    "face": FACE.expand(2, H, W), "hands": HANDS.expand(2, H, W), "head": FACE.expand(2, H, W),
    "hair": torch.zeros(2, H, W), "skin": torch.maximum(FACE, HANDS).expand(2, H, W),
})  # fmt: skip


def test_select_gives_a_mask_per_picture_or_per_garment_and_always_a_list():
    chosen, mask, masks, count, labels, text = select_garments_node(garments=FOUND, labels="outer").outputs
    assert mask.shape == (2, H, W) and len(masks) == count == len(chosen) == 2 and labels == "outer, outer"
    assert "outer 0.80" in text and all(torch.equal(one[0], COAT) for one in masks)
    each = select_garments_node(garments=FOUND, output="one per garment").outputs
    assert torch.equal(each[1], torch.stack([COAT, SKIRT, COAT])) and each[4] == "outer, skirt, outer"


def test_where_nothing_is_left_the_mask_is_empty_and_a_line_says_so():
    result = select_garments_node(garments=FOUND, labels="bag")
    chosen, mask, masks, count, labels, text = result.outputs
    assert len(chosen) == count == 0 and labels == "" and mask.shape == (2, H, W) and not mask.any()
    assert len(masks) == 1 and masks[0].shape == (1, H, W) and result.text == (text,)
    assert text == "nothing left: none of the 3 garments (outer, skirt) fits"
    with pytest.raises(HemlineError, match="nothing left"):
        select_garments_node(garments=FOUND, labels="bag", nothing_left="error")


def test_protect_takes_hands_and_head_out_and_says_how_much():
    mask = torch.ones(2, H, W)
    left, protected, text = protect_parts(mask=mask, garments=FOUND, margin=0.0, soft_edge=0.0).outputs
    assert torch.equal(protected[0], torch.maximum(FACE, HANDS)) and torch.equal(left, 1 - protected)
    assert "% of the mask was protected" in text and "not in the picture: hair" in text
    assert "a head is 20 px high" in text


def test_margins_count_in_percent_of_the_head_or_in_pixels():
    wide = protect_parts(mask=torch.ones(1, H, W), garments=FOUND, parts="hands 20", soft_edge=0.0).outputs[1]
    same = protect_parts(mask=torch.ones(1, H, W), garments=FOUND, parts="hands 4", soft_edge=0.0, unit="px").outputs[1]
    assert torch.equal(wide, same) and wide.sum() > 2 * HANDS.sum()


def test_the_target_is_what_the_mask_covers_or_what_is_named():
    by_mask = protect_parts(mask=COAT[None], garments=FOUND, parts="other garments", margin=0.0, soft_edge=0.0)
    assert torch.equal(by_mask.outputs[0][0], COAT) and torch.equal(by_mask.outputs[1][0], SKIRT)
    named = protect_parts(
        mask=COAT[None], garments=FOUND, parts="other garments", margin=0.0, soft_edge=0.0, target="bottoms"
    )
    assert not named.outputs[0].any()


def test_a_drawn_mask_is_kept_as_well():
    left = protect_parts(mask=COAT[None], garments=FOUND, parts="face", keep=block(20, 30, 30, 40)[None]).outputs[0]
    assert not left[:, 30:40, 20:30].any() and left[0, 50, 40] == 1


def test_garments_without_parts_are_said_to_protect_nothing():
    bare = replace(FOUND, parts={})
    left, protected, text = protect_parts(mask=COAT[None], garments=bare).outputs
    assert torch.equal(left, COAT.expand(2, H, W)) and not protected.any()
    assert "head, hair and hands cannot be protected" in text


def test_protected_masks_keep_the_masks_dtype():
    left, protected, _ = protect_parts(mask=COAT[None].half(), garments=FOUND).outputs
    assert left.dtype == protected.dtype == torch.float16


def test_protect_refuses_a_mask_of_another_picture_but_knows_the_hosts_empty_one():
    with pytest.raises(ShapeError, match="60x100"):
        protect_parts(mask=torch.ones(1, 9, 9), garments=FOUND)
    result = protect_parts(mask=torch.zeros(1, 64, 64), garments=FOUND)
    assert result.outputs[0].shape == (2, H, W) and result.text[0] == "the mask is empty"


def test_masks_become_garments_and_segs_through_a_host():
    values = {"masks": torch.stack([COAT, SKIRT]), "labels": "coat, skirt"}
    garments, mask, count, text = run_node(garments_from_masks_node, values, CONTEXT, home=torch.device("cpu")).outputs
    assert count == 2 and torch.equal(mask[0], torch.maximum(COAT, SKIRT)) and "outer 1.00, skirt 1.00" in text
    (segs,), number = run_node(garments_to_segs, {"garments": garments}, CONTEXT, home=torch.device("cpu")).outputs
    assert number == 2 and segs[0] == (H, W) and [one.label for one in segs[1]] == ["outer", "skirt"]
    back = run_node(garments_from_masks_node, {"segs": segs}, CONTEXT, home=torch.device("cpu")).outputs
    assert torch.equal(back[1], mask) and [item.label for item in back[0].items] == ["outer", "skirt"]

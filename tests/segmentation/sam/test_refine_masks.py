"""Plain masks get SAM's outlines, region by region, and say where they do not."""

from __future__ import annotations

import pytest
import torch

from hemline.errors import RangeError, ShapeError
from hemline.segmentation.sam import refine_masks

from .conftest import as_garments, roughen, shape
from .test_refine_garments import iou


@pytest.fixture
def rough(truth):
    return torch.maximum(*(roughen(mask) for mask in truth.values()))[None]


def test_a_mask_of_two_things_comes_nearer_to_both(picture, truth, rough, sam, runs):
    whole = torch.maximum(*truth.values())
    refined, notes = refine_masks(picture, rough, sam)
    assert notes == () and len(runs) == 1
    assert 1 - iou(refined[0], whole) < 0.95 * (1 - iou(rough[0], whole))


def test_a_region_that_sam_sees_otherwise_stays_as_it_was(picture, truth, rough, sam):
    strip = shape("square", (250, 30), (50, 3))
    mask = torch.maximum(rough, strip)
    refined, (note,) = refine_masks(picture, mask, sam, least_iou=0.6)
    assert torch.equal(refined[0][strip > 0], torch.ones(int(strip.sum())))
    assert "stays as it is" in note and "Region 3 of the mask" in note
    assert iou(refined[0] * (1 - strip), torch.maximum(*truth.values())) > 0.8


def test_the_mask_as_one_is_asked_for_at_once(picture, truth, rough, sam):
    refined, _ = refine_masks(picture, rough, sam, each_region=False, least_iou=0)
    assert refined.shape == rough.shape and not torch.equal(refined, rough)


def test_an_empty_mask_is_a_result_and_says_so(picture, rough, sam, runs):
    masks = torch.cat((rough, torch.zeros_like(rough), rough))
    refined, notes = refine_masks(picture, masks, sam)
    assert notes == ("The mask of picture 2 is empty; there is nothing to refine.",)
    assert not refined[1].any() and torch.equal(refined[0], refined[2]) and len(runs) == 1


def test_specks_stay(picture, rough, sam):
    speck = torch.zeros_like(rough)
    speck[0, 200:202, 20:22] = 1
    refined, _ = refine_masks(picture, torch.maximum(rough, speck), sam)
    assert torch.equal(refined[speck > 0], torch.ones(4))


def test_a_batch_equals_the_stack_of_singles(picture, rough, sam):
    pictures, masks = torch.cat((picture, picture.flip(1))), torch.cat((rough, rough.flip(1)))
    together, _ = refine_masks(pictures, masks, sam)
    for number in range(2):
        alone, _ = refine_masks(pictures[number : number + 1], masks[number : number + 1], sam)
        assert torch.equal(together[number], alone[0])


def test_garments_that_the_mask_leaves_out_are_kept_away_from(picture, truth, sam):
    merged = torch.maximum(roughen(truth["upper"]), shape("square", (150, 110), (40, 20)) * 0.9)[None]
    others = as_garments({"bag": shape("square", (180, 110), (30, 30)) * (merged[0] < 0.1)})
    plain, _ = refine_masks(picture, merged, sam, least_iou=0)
    kept_away, _ = refine_masks(picture, merged, sam, least_iou=0, garments=others)
    assert not torch.allclose(plain, kept_away, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_the_dtype_stays_and_the_input_too(picture, rough, sam, dtype):
    mask = rough.to(dtype)
    copy = mask.clone()
    assert refine_masks(picture, mask, sam)[0].dtype == dtype and torch.equal(mask, copy)


def test_what_does_not_fit_is_refused(picture, rough, detected, sam):
    with pytest.raises(ShapeError):
        refine_masks(picture, rough[:, 1:], sam)
    with pytest.raises(ShapeError, match="found in a picture of"):
        refine_masks(picture[:, 1:], rough[:, 1:], sam, garments=detected)
    with pytest.raises(RangeError):
        refine_masks(picture, rough, sam, least_iou=-1)


def test_a_cancel_comes_through(picture, rough, sam):
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refine_masks(picture, rough, sam, check_cancelled=stop)

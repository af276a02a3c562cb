"""Refine Mask: its four methods."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hemline.nodes.refine import refine_mask
from hemline.nodes.spec import NotGiven
from hemline.segmentation.garment_model import GarmentModel
from hemline.segmentation.levels import normalise_mask, smooth_mask, stretch_levels
from hemline.segmentation.matting.matte import matte_mask
from hemline.segmentation.matting.trimap import make_trimap
from hemline.segmentation.refine import clean_mask, refine_edges
from hemline.tensors import MissingModel, ShapeError, UnknownName
from tests.support.contexts import CONTEXT
from tests.support.photos import garment_mask, photo

METHODS = ("guided", "clean", "matte")
IMAGE, MASK = photo(96, 80), garment_mask(96, 80, (20, 24, 60, 72))


def test_without_a_method_the_edge_is_guided_as_in_saved_workflows():
    cleaned = clean_mask(MASK, islands_px=0.05 * 76.8, holes_px=0.05 * 76.8)
    wanted = normalise_mask(
        stretch_levels(smooth_mask(refine_edges(IMAGE, cleaned, radius_px=8, epsilon=2.5e-5), 0), 0, 1), 0
    )
    result = refine_mask(mask=MASK, image=IMAGE)
    assert torch.equal(result.outputs[0], wanted) and result.text == ()


def test_clean_leaves_every_edge_bit_for_bit():
    speckled = MASK.clone()
    speckled[0, 2, 2] = 1
    result = refine_mask(mask=speckled, image=IMAGE, method="clean")
    assert torch.equal(result.outputs[0], MASK) and result.text == ()
    assert refine_mask(mask=speckled, method="clean").text == ()


def test_matte_gives_its_trimap_too():
    matte, trimap = refine_mask(mask=MASK, image=IMAGE, method="matte", inside_px=3.0, outside_px=9.0).outputs
    assert torch.equal(trimap, make_trimap(MASK, inside_px=3.0, outside_px=9.0))
    assert torch.equal(matte, matte_mask(IMAGE, MASK, trimap))


def test_a_drawn_trimap_replaces_the_widths():
    drawn = torch.full((1, 96, 80), 0.5)
    drawn[:, :20], drawn[:, 76:] = 0, 1
    matte, trimap = refine_mask(mask=MASK, image=IMAGE, method="matte", inside_px=3.0, trimap=drawn).outputs
    assert torch.equal(trimap, drawn) and (matte[:, :20] == 0).all() and (matte[:, 76:] == 1).all()


@pytest.mark.parametrize("method", METHODS[:2])
def test_other_methods_say_that_they_have_no_trimap(method):
    trimap = refine_mask(mask=MASK, image=IMAGE, method=method).outputs[1]
    assert isinstance(trimap, NotGiven) and "matte" in trimap.reason


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_empty_and_full_masks_come_back_as_they_are(method, value):
    mask = torch.full((2, 96, 80), value)
    assert torch.equal(refine_mask(mask=mask, image=IMAGE, method=method).outputs[0], mask)


@pytest.mark.parametrize("method", METHODS)
def test_each_method_keeps_soft_values_within_0_and_1(method):
    refined = refine_mask(mask=MASK, image=IMAGE, method=method).outputs[0]
    assert refined.min() >= 0 and refined.max() <= 1 and ((refined > 0.1) & (refined < 0.9)).any()


def test_matte_without_a_picture_says_that_edges_stay():
    result = refine_mask(mask=MASK, method="matte")
    assert torch.equal(result.outputs[0], MASK) and "no image connected" in result.text[0]


@pytest.mark.parametrize("model", [None, GarmentModel()])
def test_sam_without_a_sam_says_what_to_connect(model):
    with pytest.raises(MissingModel, match="Load Garment Model with a SAM file"):
        refine_mask(mask=MASK, image=IMAGE, method="sam", model=model)


def test_sam_draws_the_mask_by_the_connected_file_and_looks_once(tmp_path: Path):
    pytest.importorskip("segment_anything", reason="builds a tiny SAM of the real package's classes")
    from tests.support.tiny_models import write_sam

    write_sam(tmp_path / "sam.pth", torch.save)
    model, batch = GarmentModel(sam=tmp_path / "sam.pth"), torch.cat([MASK, torch.zeros_like(MASK)])
    result = refine_mask(mask=batch, image=IMAGE, method="sam", model=model, context=CONTEXT)
    refined = result.outputs[0]
    assert refined.shape == batch.shape and refined.min() >= 0 and refined.max() <= 1
    assert (refined[1] == 0).all() and any("empty" in line for line in result.text)
    # A random SAM does not agree with the mask, so the mask stays and the node says so.
    changed = not torch.equal(refined[0], batch[0])
    assert changed != any("stays as it is" in line for line in result.text)
    again = refine_mask(mask=batch, image=IMAGE, method="sam", model=model)
    assert torch.equal(again.outputs[0], refined)


def test_an_unknown_method_names_the_known_ones():
    with pytest.raises(UnknownName, match="guided, clean, sam, matte"):
        refine_mask(mask=MASK, image=IMAGE, method="mat")


def test_a_trimap_of_another_size_is_an_error():
    with pytest.raises(ShapeError, match="trimap is 10x12"):
        refine_mask(mask=MASK, image=IMAGE, method="matte", trimap=torch.rand(1, 12, 10))

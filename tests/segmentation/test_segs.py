"""SEGS read and written: what other packs give and want."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hemline.segmentation.garments import Garment, Garments, mask_box
from hemline.segmentation.segs import garments_to_segs, read_segs, segs_size
from hemline.segmentation.shape import feather_mask
from hemline.tensors import RangeError, ShapeError

H, W = 48, 64
FIELDS = ["cropped_image", "cropped_mask", "confidence", "crop_region", "bbox", "label", "control_net_wrapper"]
ForeignSeg = namedtuple("ForeignSeg", FIELDS, defaults=[None])


def block(x0: int, y0: int, x1: int, y1: int) -> torch.Tensor:
    mask = torch.zeros(H, W)
    mask[y0:y1, x0:x1] = 1
    return mask


def garments(*masks: torch.Tensor, batch: int = 1) -> Garments:
    items = tuple(
        Garment(mask, "upper", 0.25 + 0.5 / (number + 1), mask_box(mask) or (0, 0, 1, 1), image=number % batch)
        for number, mask in enumerate(masks)
    )
    return Garments(W, H, batch, items, "drawn")


boxes = st.tuples(st.integers(0, W - 2), st.integers(0, H - 2), st.integers(1, 30), st.integers(1, 30)).map(
    lambda box: block(box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@given(st.lists(boxes, max_size=4), st.floats(1, 100), st.floats(0.1, 9))
def test_to_segs_and_back_keeps_masks_boxes_labels_and_confidence(masks, factor, soft):
    found = garments(*(feather_mask(mask[None], soft)[0] for mask in masks))
    ((size, segments),) = garments_to_segs(found, crop_factor=factor)
    back = read_segs((size, segments))
    assert size == (H, W) and len(back) == len(found)
    for item, segment, one in zip(found.items, segments, back, strict=True):
        assert (one.mask - item.mask).abs().max() <= 1 / 512
        assert one.word == item.label and one.score == pytest.approx(item.score)
        if mask_box(item.mask):
            assert tuple(segment.bbox) == item.box


@given(boxes, st.floats(1, 100))
def test_a_segment_is_what_other_packs_expect(mask, factor):
    image = torch.rand(1, H, W, 4)
    ((_, (segment,)),) = garments_to_segs(garments(mask), image, crop_factor=factor)
    assert type(segment).__name__ == "SEG" and list(segment._fields) == FIELDS
    x1, y1, x2, y2 = segment.crop_region
    assert all(type(value) is int for value in (*segment.crop_region, *segment.bbox))
    assert 0 <= x1 < x2 <= W and 0 <= y1 < y2 <= H
    assert x1 <= segment.bbox[0] and y2 >= segment.bbox[3]
    assert segment.cropped_mask.dtype == np.float32 and segment.cropped_mask.shape == (y2 - y1, x2 - x1)
    assert torch.equal(segment.cropped_image, image[:, y1:y2, x1:x2, :3])
    assert segment.control_net_wrapper is None and type(segment.confidence) is float


def test_the_crop_region_is_as_many_times_as_large_as_the_box_and_moved_into_the_picture():
    ((_, (middle,)),) = garments_to_segs(garments(block(28, 20, 36, 26)), crop_factor=3)
    assert middle.crop_region == [20, 14, 44, 32]
    ((_, (corner,)),) = garments_to_segs(garments(block(0, 0, 8, 6)), crop_factor=3)
    assert corner.crop_region == [0, 0, 24, 18]


def test_a_batch_gives_segs_for_each_picture_also_where_nothing_is():
    segs = garments_to_segs(garments(block(1, 1, 9, 9), block(5, 5, 20, 20), batch=2))
    assert [len(segments) for _, segments in segs] == [1, 1]
    assert [len(segments) for _, segments in garments_to_segs(garments(batch=3))] == [0, 0, 0]


def test_the_label_may_be_the_models_own_word():
    item = replace(garments(block(1, 1, 9, 9)).items[0], native_label="shirt, blouse")
    found = replace(garments(), items=(item,))
    assert garments_to_segs(found)[0][1][0].label == "upper"
    assert garments_to_segs(found, own_words=True)[0][1][0].label == "shirt, blouse"


WANTED = block(10, 12, 30, 40)
CROP = WANTED[8:44, 6:36]


@pytest.mark.parametrize("mask", [
    CROP.numpy(), CROP, CROP[None], CROP[..., None].numpy(), CROP[None, None], CROP.bool(), CROP.to(torch.uint8),
    (CROP * 255).to(torch.uint8).numpy(), CROP.double() * 255, CROP.half(), CROP.numpy().astype(np.int64) * 255,
])  # fmt: skip
def test_masks_may_be_arrays_or_tensors_of_any_number(mask):
    segment = ForeignSeg(None, mask, 0.5, [6, 8, 36, 44], [10, 12, 30, 40], "dress")
    assert torch.equal(read_segs(((H, W), [segment]))[0].mask, WANTED)


@pytest.mark.parametrize("segment", [
    (None, CROP, 0.5, [6, 8, 36, 44], [10, 12, 30, 40], "dress"),
    [None, CROP, np.array([0.5]), np.array([6, 8, 36, 44]), None, "dress", None],
    SimpleNamespace(cropped_mask=CROP, confidence=torch.tensor(0.5), crop_region=(6.0, 8.0, 36.0, 44.0), label="dress"),
    ForeignSeg(None, CROP, np.float32(0.5), (6, 8, 36, 44), np.array([10, 12, 30, 40]), "dress"),
    ForeignSeg(None, None, 0.5, (6, 8, 36, 44), np.array([10, 12, 30, 40]), "dress"),
])  # fmt: skip
def test_fields_are_read_by_name_or_by_place(segment):
    (one,) = read_segs([[H, W], [segment]])
    assert torch.equal(one.mask, WANTED) and one.word == "dress" and one.score == 0.5


@pytest.mark.parametrize("confidence", [None, "sure", float("nan"), np.array([])])
def test_a_confidence_that_is_no_number_counts_as_1(confidence):
    assert read_segs(((H, W), [ForeignSeg(None, CROP, confidence, [6, 8, 36, 44], None, "dress")]))[0].score == 1


@given(st.integers(-40, 60), st.integers(-40, 60))
def test_a_crop_region_that_leaves_the_picture_is_cut_there(x, y):
    segment = ForeignSeg(None, np.ones((20, 30)), 0.5, [x, y, x + 30, y + 20], [x, y, x + 30, y + 20], "")
    wanted = block(max(0, x), max(0, y), max(0, x + 30), max(0, y + 20))
    assert torch.equal(read_segs(((H, W), [segment]))[0].mask, wanted)


def test_a_mask_of_another_size_than_its_region_is_brought_to_it():
    segment = ForeignSeg(None, np.ones((5, 5)), 0.5, [6, 8, 36, 44], [6, 8, 36, 44], "")
    assert torch.equal(read_segs(((H, W), [segment]))[0].mask, block(6, 8, 36, 44))


@pytest.mark.parametrize("segs", [None, 3, "segs", (), ((H, W),), ((0, 5), []), (("a", "b"), []), ((H,), [])])
def test_what_are_no_segs_is_refused(segs):
    with pytest.raises(ShapeError, match="SEGS"):
        segs_size(segs)


@pytest.mark.parametrize("segment", [
    (1, 2), ForeignSeg(None, CROP, 1, None, None, ""), ForeignSeg(None, np.ones(5), 1, [0, 0, 5, 5], None, ""),
])  # fmt: skip
def test_what_are_no_segments_is_refused(segment):
    with pytest.raises(ShapeError, match="segment"):
        read_segs(((H, W), [segment]))


def test_another_picture_and_a_crop_factor_below_1_are_refused():
    with pytest.raises(ShapeError, match="the garments are of 1 of 64x48"):
        garments_to_segs(garments(), torch.zeros(1, 9, 9, 3))
    with pytest.raises(RangeError, match="crop factor"):
        garments_to_segs(garments(), crop_factor=0.5)

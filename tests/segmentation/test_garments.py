from __future__ import annotations

import json

import pytest
import torch

from hemline.segmentation.garments import Garment, Garments, mask_box, name_pictures
from hemline.segmentation.vocabulary import LABELS, PRESETS, parse_what
from hemline.tensors import ShapeError, UnknownName


def garment(label: str, image: int = 0, value: float = 1.0) -> Garment:
    mask = torch.zeros(10, 8)
    mask[2:6, 1:5] = value
    return Garment(mask, label, 0.75, (1.0, 2.0, 5.0, 6.0), image=image)


FOUND = Garments(8, 10, 2, (garment("upper"), garment("lower", image=1, value=0.6)), "heuristic", notes=("a note",))


def test_the_union_has_a_mask_for_every_picture_even_where_nothing_is():
    union = FOUND.select(["upper"]).union()
    assert union.shape == (2, 10, 8) and union[0].any() and not union[1].any()


def test_the_union_keeps_soft_values():
    assert FOUND.union()[1].max() == pytest.approx(0.6)


def test_nothing_found_is_a_result_with_words():
    nothing = FOUND.select(["bag"])
    assert len(nothing) == 0 and not nothing.union().any()
    assert nothing.describe() == "nothing found (method: heuristic)"


def test_the_report_is_plain_json_with_polygons_and_boxes():
    report = json.loads(json.dumps(FOUND.report()))
    assert report["count"] == 2 and report["method"] == "heuristic" and report["notes"] == ["a note"]
    assert report["garments"][0]["box"] == [1, 2, 5, 6]
    assert report["garments"][0]["polygons"] == [[[1, 2], [5, 2], [5, 6], [1, 6]]]


def test_a_mask_that_is_not_the_pictures_size_is_refused():
    with pytest.raises(ShapeError, match="the mask of 'upper'"):
        Garments(9, 10, 1, (garment("upper"),), "heuristic")


def test_moving_to_another_dtype_moves_every_mask():
    moved = FOUND.to(torch.device("cpu"), torch.float16)
    assert all(item.mask.dtype == torch.float16 for item in moved.items)


def test_a_box_is_tight_around_what_reaches_the_level():
    mask = torch.zeros(6, 9)
    mask[2:4, 3:8], mask[5, 0] = 0.5, 0.4
    assert mask_box(mask) == (3.0, 2.0, 8.0, 4.0) and mask_box(mask, level=0.3) == (0.0, 2.0, 8.0, 6.0)
    assert mask_box(mask, level=0.6) is None


def test_pictures_are_named_from_1_on_where_there_are_several():
    assert name_pictures((0, 2), 3) == " in picture 1, 3" and name_pictures((0,), 1) == ""


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_means_known_labels(preset):
    assert set(parse_what(preset)) <= set(LABELS)


def test_words_are_joined_in_their_order_without_repeats():
    assert parse_what("Footwear, bottoms,pants") == ("footwear", "pants", "skirt", "lower")


@pytest.mark.parametrize("word", ["", "tosp", "tops, hate"])
def test_an_unknown_word_is_an_error_that_lists_the_known_ones(word):
    with pytest.raises(UnknownName, match="Known: outfit"):
        parse_what(word)


def test_no_preset_of_garments_holds_skin_or_hair():
    assert all(not {"skin", "hair"} & set(labels) for name, labels in PRESETS.items() if name != "person")

"""Masks from elsewhere that become garments."""

from __future__ import annotations

import json

import pytest
import torch

from hemline.segmentation import given as given_module
from hemline.segmentation.annotations.write import AnnotatedPicture, coco_instances
from hemline.segmentation.detect import Detection
from hemline.segmentation.garments import Garment, Garments
from hemline.segmentation.given import garments_from_masks, label_of
from hemline.segmentation.protect import protected_area
from hemline.segmentation.segs import garments_to_segs
from hemline.segmentation.vocabulary import LEGEND
from hemline.tensors import RangeError, ShapeError

H, W = 60, 80


def block(x0: int, y0: int, x1: int, y1: int) -> torch.Tensor:
    mask = torch.zeros(H, W)
    mask[y0:y1, x0:x1] = 1
    return mask


COAT, SKIRT, BAG = block(10, 10, 30, 30), block(10, 30, 30, 50), block(50, 20, 70, 40)
MASKS = torch.stack([COAT, SKIRT, BAG])


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch):
    """A parser that sees two people in coats, on the left with a skirt, and the skin of both; counts its pictures."""
    seen: list[int] = []

    def detect(image, labels, **_):
        seen.append(len(image))
        painted = torch.zeros(len(image), H, W, dtype=torch.uint8)
        painted[:, 8:30, 8:32], painted[:, 30:52, 8:32], painted[:, 10:50, 45:78] = (
            LEGEND.index(label) for label in ("outer", "skirt", "outer")
        )
        items = tuple(
            Garment(block(x0, 8, x1, 52), "outer", 0.5, (x0, 8, x1, 52), image=index, person=person)
            for index in range(len(image))
            for person, (x0, x1) in enumerate([(8, 32), (45, 78)])
        )
        parts = {"hands": block(0, 0, 4, 4).expand(len(image), H, W)}
        found = Garments(W, H, len(image), items, "parser", parts, ("seen",), painted)
        return Detection(found, found.union(), len(items))

    monkeypatch.setattr(given_module, "detect", detect)
    return seen


def test_without_an_image_each_plane_is_a_garment_of_one_picture():
    found = garments_from_masks(MASKS, words=["coat", "skirt"])
    assert found.batch == 1 and [item.label for item in found.items] == ["outer", "skirt", "garment"]
    assert [item.native_label for item in found.items] == ["coat", "", ""]
    assert all(torch.equal(item.mask, mask) for item, mask in zip(found.items, MASKS, strict=True))
    assert found.items[2].box == (50, 20, 70, 40) and torch.equal(found.union()[0], MASKS.amax(0))


def test_each_plane_may_be_a_picture():
    found = garments_from_masks(MASKS, words=["dress"], planes="one picture each")
    assert found.batch == 3 and [(item.image, item.label) for item in found.items] == [(n, "dress") for n in range(3)]
    assert torch.equal(found.union(), MASKS)


def test_the_parser_names_what_has_no_name_and_says_whose_it_is(parser):
    found = garments_from_masks(MASKS, image=torch.rand(1, H, W, 3), words=["", "trousers"])
    assert [item.label for item in found.items] == ["outer", "pants", "outer"]
    assert [item.person for item in found.items] == [0, 0, 1]
    assert found.method == "given masks, parser" and found.notes == ("seen",) and "hands" in found.parts


def test_skin_is_called_skin_and_nothing_is_a_garment(parser):
    nowhere = block(0, 55, 80, 60)
    found = garments_from_masks(nowhere, image=torch.rand(1, H, W, 3))
    assert found.items[0].label == "garment"


def test_a_given_garment_is_not_also_another_garment_of_the_parsers(parser):
    found = garments_from_masks(SKIRT, image=torch.rand(1, H, W, 3), words=["dress"])
    kept = protected_area(found, ["other garments"], target=["dress"])[0]
    assert not (kept * SKIRT).any() and (kept * COAT).any()


def test_as_many_masks_as_pictures_are_one_for_each(parser):
    found = garments_from_masks(MASKS[:2], image=torch.rand(2, H, W, 3))
    assert [(item.image, item.label) for item in found.items] == [(0, "outer"), (1, "skirt")] and parser == [2]


def test_one_mask_holds_for_every_picture_and_one_picture_for_every_mask(parser):
    spread = garments_from_masks(COAT, image=torch.rand(3, H, W, 3))
    assert [item.image for item in spread.items] == [0, 1, 2]
    found = garments_from_masks(MASKS, image=torch.rand(1, H, W, 3), planes="one picture each")
    assert found.batch == 3 and found.labels.shape == (3, H, W)


def test_a_mask_is_divided_into_its_pieces_where_asked_for():
    both = torch.maximum(COAT, BAG)
    found = garments_from_masks(both, split=True, words=["top"])
    assert len(found) == 2 and all(item.label == "upper" for item in found.items)
    assert torch.equal(found.union()[0], both)


def test_empty_masks_are_left_out_and_said():
    found = garments_from_masks(torch.stack([COAT, torch.zeros(H, W)]))
    assert len(found) == 1 and found.notes == ("mask 2 is empty and left out",)


def test_a_faint_mask_is_a_garment_too():
    assert len(garments_from_masks(COAT * 0.2)) == 1


def test_nothing_found_is_a_result(parser):
    found = garments_from_masks(torch.zeros(1, 64, 64), image=torch.rand(2, H, W, 3))
    assert len(found) == 0 and found.union().shape == (2, H, W)


def test_segs_come_with_their_labels_and_confidence_behind_the_masks():
    (segs,) = garments_to_segs(garments_from_masks(MASKS[:2], words=["upper", "Jeans"]), own_words=True)
    found = garments_from_masks(BAG, segs=segs, words=["bag"])
    assert [item.label for item in found.items] == ["bag", "bag", "bag"]
    found = garments_from_masks(BAG, segs=segs, words=["bag", ""])
    assert [(item.label, item.native_label) for item in found.items] == [("bag", ""), ("upper", ""), ("pants", "Jeans")]


def test_a_report_and_coco_join_what_else_is_given(parser):
    found = garments_from_masks(MASKS[:2], words=["coat", "skirt"])
    report = json.dumps(found.report())
    again = garments_from_masks(BAG, words=["bag"], annotations=report)
    assert [item.label for item in again.items] == ["bag", "outer", "skirt"]
    assert torch.equal(again.items[1].mask, COAT) and again.items[1].native_label == "coat"
    alone = garments_from_masks(annotations=report)
    assert (alone.width, alone.height) == (W, H) and torch.equal(alone.union(), found.union())
    seen = garments_from_masks(annotations=report, image=torch.rand(1, H, W, 3))
    assert [item.label for item in seen.items] == ["outer", "skirt"] and "hands" in seen.parts
    pictures = [AnnotatedPicture(name, W, H, found.items) for name in ("a.jpg", "b.jpg")]
    coco = json.dumps(coco_instances(pictures))
    assert [item.image for item in garments_from_masks(annotations=coco).items] == [0, 0, 1, 1]
    assert len(garments_from_masks(BAG, annotations=coco, picture="b.jpg")) == 3
    with pytest.raises(ShapeError, match="annotations are of 2 pictures"):
        garments_from_masks(annotations=coco, image=torch.rand(1, H, W, 3))
    with pytest.raises(ShapeError, match="width"):
        garments_from_masks(annotations=report, image=torch.rand(1, H, W + 1, 3))


@pytest.mark.parametrize(("word", "wanted"), [
    ("upper", ("upper", "")), (" Hands ", ("hands", "")), ("T_Shirt", ("upper", "T_Shirt")), ("", ("garment", "")),
    ("garment", ("garment", "")), ("sleeve", ("garment", "sleeve")), ("red thing", ("garment", "red thing")),
    ("person", ("garment", "person")),
])  # fmt: skip
def test_words_become_labels_and_unknown_ones_are_kept(word, wanted):
    assert label_of(word) == wanted


def test_what_does_not_fit_together_is_refused(parser):
    with pytest.raises(ShapeError, match="nothing is given"):
        garments_from_masks(image=torch.rand(1, H, W, 3))
    with pytest.raises(ShapeError, match="image 9x9, masks 80x60"):
        garments_from_masks(MASKS, image=torch.rand(1, 9, 9, 3))
    with pytest.raises(ShapeError, match="3 masks as one garment each"):
        garments_from_masks(MASKS, image=torch.rand(2, H, W, 3))
    with pytest.raises(ShapeError, match="3 masks for 2 pictures"):
        garments_from_masks(MASKS, image=torch.rand(2, H, W, 3), planes="one picture each")
    with pytest.raises(ShapeError, match="SEGS are of one picture"):
        garments_from_masks(segs=((H, W), []), image=torch.rand(2, H, W, 3))
    with pytest.raises(RangeError, match="NaN"):
        garments_from_masks(COAT * float("nan"))

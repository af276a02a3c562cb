"""Masks that are written and read again are the same masks; texts of other programs mean what they say."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import torch
from figures import draw_person
from scipy import ndimage
from support.annotation_texts import KINDS, SQUARE, blobs, coco, garment, labelme, read, shape, svg, written

from hemline.segmentation.annotations.read import garments_from_annotations
from hemline.segmentation.annotations.write import (
    UNNAMED,
    AnnotatedPicture,
    coco_instances,
    join_holes,
)
from hemline.segmentation.garments import Garment, Garments
from hemline.segmentation.polygons import garment_outlines
from hemline.tensors import BadFile, ShapeError, UnknownName

every_kind = pytest.mark.parametrize("kind", KINDS)


@functools.cache
def masks() -> dict[str, torch.Tensor]:
    rows, columns = torch.meshgrid(torch.arange(160) - 80.0, torch.arange(140) - 70.0, indexing="ij")
    away = torch.hypot(rows, columns)
    drawn = draw_person(200, 140)[1]
    wide = torch.zeros(150, 150)
    wide[5:140, 5:145] = 1
    specks = wide.clone()
    specks[40:42, 40:42], specks[80, 80], specks[60:63, 100] = 0, 0, 0  # holes of 4, 1 and 3 px
    specks[145:147, 20:22], specks[148, 100:110] = 1, 1
    return {
        "disk": (away < 66).float(), "ring": ((away < 66) & (away > 50)).float(),
        "ring round an island": ((away < 66) & ~((away > 30) & (away < 50))).float(),
        "thin ring": ((away < 60) & (away > 58)).float(), "specks and pinholes": specks,
        "whole picture": torch.ones(30, 20), "one pixel": torch.eye(9)[:, 4:5] * torch.ones(9, 1),
        "staircase": torch.eye(40), "shirt": drawn["upper"], "trousers": drawn["lower"], "hair": drawn["hair"],
        **{f"blobs {seed}": blobs(90 + seed, 120 - seed, seed, 2 + 3 * seed, seed / 8 - 0.5) for seed in range(1, 8)},
    }  # fmt: skip


@functools.cache
def written_mask(name: str) -> dict[str, str]:
    return written(masks()[name])


def farthest_error(found: torch.Tensor, mask: torch.Tensor) -> float:
    """The largest distance of a wrong pixel's middle from the outline of ``mask >= 0.5``, in px, exact."""
    wanted, got = np.pad((mask >= 0.5).numpy(), 1), np.pad(found.numpy() >= 0.5, 1)
    return max((gap_to_another(wanted, y, x, 4) for y, x in np.argwhere(wanted != got)), default=0.0)


def gap_to_another(plane: np.ndarray, y: int, x: int, reach: int) -> float:
    """How far a pixel's middle is from the nearest pixel of another value, in px, exact: pixels are squares."""
    top, left = max(y - reach, 0), max(x - reach, 0)
    rows, columns = np.nonzero(plane[top : y + reach + 1, left : x + reach + 1] != plane[y, x])
    gaps = np.hypot((abs(rows + top - y) - 0.5).clip(min=0), (abs(columns + left - x) - 0.5).clip(min=0))
    nearest = float(gaps.min()) if len(gaps) else math.inf
    # What is not looked at lies farther than `reach`.
    return nearest if nearest <= reach or reach > max(plane.shape) else gap_to_another(plane, y, x, 4 * reach)


@every_kind
@pytest.mark.parametrize("name", masks())
def test_a_mask_comes_back_within_a_pixel_of_its_outline_holes_and_parts_included(name, kind):
    mask = masks()[name]
    found = garments_from_annotations(written_mask(name)[kind])
    (item,) = found.items
    assert (item.label, item.score, item.image, found.batch) == ("dress", 0.8, 0, 1)
    assert item.mask.shape == mask.shape and item.mask.dtype == torch.float32
    assert farthest_error(item.mask, mask) <= 1
    for kind_of_pixel in (False, True):  # every part keeps at least one pixel, and every hole
        regions, count = ndimage.label((mask >= 0.5).numpy() == kind_of_pixel)
        kept = (item.mask >= 0.5).numpy() == kind_of_pixel
        assert set(range(1, count + 1)) <= set(np.unique(regions[kept]))


def test_a_hole_is_joined_to_the_part_that_holds_it_not_to_one_whose_box_does():
    mask = torch.zeros(60, 60)
    mask[0:60, 0:4] = mask[56:60, 0:60] = 1  # an L whose box holds all
    mask[10:50, 10:50] = 1
    mask[20:30, 20:30] = 0
    outlines = garment_outlines(mask)
    assert sorted(len(part) for part in join_holes(outlines)) == [6, 10]
    assert farthest_error(garments_from_annotations(written(mask)["LabelMe"]).items[0].mask, mask) == 0


@every_kind
def test_a_picture_of_another_size_is_refused(kind):
    text = written(torch.ones(20, 30))[kind]
    assert garments_from_annotations(text, 30, 20).items
    with pytest.raises(ShapeError, match=r"30.*31"):
        garments_from_annotations(text, 31, 20)


@every_kind
def test_a_word_that_nobody_knows_is_left_out_and_said_unless_it_is_given_a_meaning(kind):
    text = written(torch.ones(20, 30))[kind].replace('"dress"', '"zibeline"')
    if "COCO" in kind:
        text = text.replace('"name": "dress"', '"name": "zibeline"')
    found = garments_from_annotations(text)
    assert not found.items and "zibeline" in found.notes[0]
    (item,) = garments_from_annotations(text, meanings={"zibeline": "outer"}).items
    assert (item.label, item.native_label) == ("outer", "zibeline")
    assert not garments_from_annotations(text, meanings={"zibeline": "background"}).items
    with pytest.raises(UnknownName):
        garments_from_annotations(text, meanings={"zibeline": "over"})


@every_kind
def test_a_mask_without_a_name_stays_one(kind):
    (item,) = garments_from_annotations(written(torch.ones(20, 30), UNNAMED)[kind]).items
    assert (item.label, item.native_label) == (UNNAMED, "")


@every_kind
def test_words_of_data_sets_keep_theirs_and_parts_of_the_body_become_parts(kind):
    (item,) = garments_from_annotations(written(torch.ones(20, 30))[kind].replace('"dress"', '"Jumpsuit"')).items
    assert (item.label, item.native_label) == ("dress", "Jumpsuit")
    found = garments_from_annotations(written(torch.ones(20, 30), "hair")[kind])
    assert not found.items and found.parts["hair"].shape == (1, 20, 30) and bool((found.parts["hair"] == 1).all())


@every_kind
def test_only_the_labels_asked_for_are_read(kind):
    assert not garments_from_annotations(written(torch.ones(20, 30))[kind], labels=("bag",)).items


# --- COCO ------------------------------------------------------------------------------------------------------------


def test_polygons_of_one_annotation_are_united_not_counted_twice():
    square = [float(value) for point in SQUARE for value in point]
    (item,) = read(coco([square, square, [50, 40, 58, 40, 58, 48, 50, 48]])).items
    assert item.mask.sum() == 30 * 20 + 8 * 8 and (item.label, item.native_label, item.score) == (
        "pants",
        "trousers",
        1,
    )


def test_run_lengths_of_pycocotools_are_read(tmp_path):
    tools = pytest.importorskip("pycocotools.mask")
    mask = blobs(50, 60, 3, 4)
    packed = tools.encode(np.asfortranarray(mask.numpy().astype(np.uint8)))
    packed["counts"] = packed["counts"].decode()
    assert torch.equal(read(coco(packed)).items[0].mask, mask)


def test_pycocotools_reads_packed_run_lengths(tmp_path):
    tools = pytest.importorskip("pycocotools.coco")
    mask = ((blobs(90, 60, 3, 9) > 0) & ~(blobs(90, 60, 4, 5) > 0)).float()
    file = tmp_path / "coco.json"
    file.write_text(written(mask)["packed COCO"])
    loaded = tools.COCO(str(file))
    assert isinstance(loaded.anns[1]["segmentation"]["counts"], str)
    assert np.array_equal(loaded.annToMask(loaded.anns[1]), mask.numpy())


def test_one_picture_of_a_file_is_read_by_its_name_and_pictures_of_one_size_as_a_batch():
    pictures = [
        AnnotatedPicture(f"set/{name}.png", 30, 20, tuple(garment(torch.ones(20, 30)) for _ in range(count)))
        for name, count in (("one", 1), ("two", 2), ("none", 0))
    ]
    both = coco_instances(pictures)
    assert [item.image for item in read(both).items] == [0, 1, 1] and read(both).batch == 3
    for name in ("set/two.png", "two.png", "two"):
        found = read(both, picture=name)
        assert [item.image for item in found.items] == [0, 0] and found.batch == 1
    assert not read(both, picture="none").items
    with pytest.raises(UnknownName, match=r"two\.png"):
        read(both, picture="tow")
    both["images"][0]["width"] = 31
    with pytest.raises(BadFile, match="2 sizes"):
        read(both)


def test_a_box_without_a_mask_and_a_mask_without_a_pixel_are_left_out_and_said():
    assert "no mask" in read(coco([])).notes[0] and not read(coco([])).items
    outside = [[100.0, 100, 120, 100, 120, 120]]
    assert "no pixel" in read(coco(outside)).notes[0] and not read(coco(outside)).items


# --- LabelMe ---------------------------------------------------------------------------------------------------------


def test_shapes_of_a_group_are_one_garment_and_shapes_without_one_are_one_each():
    far = [[50, 40], [58, 40], [58, 48], [50, 48]]
    assert len(read(labelme(shape(), shape(points=far))).items) == 2
    (item,) = read(labelme(shape(group_id=1), shape(points=far, group_id=1))).items
    assert item.mask.sum() == 30 * 20 + 8 * 8 and (item.label, item.native_label) == ("pants", "jeans")
    assert len(read(labelme(shape(group_id=1), shape("bag", far, group_id=1))).items) == 2


def test_rectangles_and_circles_are_shapes_too():
    box = shape(points=[[40, 30], [10, 10]], shape_type="rectangle")
    disk = shape("bag", [[30, 25], [30, 35]], shape_type="circle")
    rectangle, circle = read(labelme(box, disk)).items
    assert rectangle.mask.sum() == 600 and rectangle.box == (10, 10, 40, 30)
    assert float(circle.mask.sum()) == pytest.approx(np.pi * 100, rel=0.02) and circle.box == (20, 15, 40, 35)


def test_the_size_may_come_from_the_picture():
    bare = labelme(shape(), imageWidth=None, imageHeight=None)
    assert read(bare, 45, 35).items[0].mask.shape == (35, 45)
    with pytest.raises(BadFile, match="width"):
        read(bare)


# --- SVG -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "M10 10 40 10 40 30 10 30Z", "M10,10 L40,10 L40,30 L10,30 Z", "m10 10 30 0 0 20-30 0z", "M10 10h30v20H10z",
        "M 1e1 10. l 30 0 0 2e1 -30,0", "M0 0Zm10 10h30v20h-30z", "\n\tM10 10\nV30\nH40\nV10\n",
    ],
)  # fmt: skip
def test_lines_absolute_and_relative_draw_the_same(path):
    (item,) = garments_from_annotations(svg(path)).items
    assert item.mask.sum() == 600 and item.box == (10, 10, 40, 30) and item.label == "headwear"


def test_the_rule_of_filling_is_the_elements_own_or_its_parents():
    twice = "M10 10H40V30H10ZM20 15H30V25H20Z"

    def area(group: str) -> float:
        return float(garments_from_annotations(svg(twice, group)).items[0].mask.sum())

    assert area('fill-rule="evenodd"') == area('style="opacity:1;fill-rule:evenodd"') == 500
    assert area("") == area('fill-rule="nonzero"') == 600


# --- reports ---------------------------------------------------------------------------------------------------------


def test_a_report_keeps_batch_person_and_native_label():
    items = tuple(
        Garment(blobs(30, 40, number, 5), "upper", 0.5, (0, 0, 1, 1), number % 2, number, "blouse")
        for number in range(3)
    )
    found = read(Garments(40, 30, 2, items, "parser").report())
    assert [(item.image, item.person, item.native_label) for item in found.items] == [
        (0, 0, "blouse"), (1, 1, "blouse"), (0, 2, "blouse"),
    ]  # fmt: skip
    assert found.union().shape == (2, 30, 40)


def test_the_description_of_a_saved_set_is_of_one_picture():
    entry = {"image": 5, "label": "upper", "polygons": [SQUARE]}
    assert read({"width": 60, "height": 50, "garments": [entry]}).items[0].image == 0
    bare = {"width": 60, "height": 50, "garments": [], "mask": {"share": 0.2, "polygons": [SQUARE]}}
    assert read(bare).items[0].label == UNNAMED


def test_a_report_of_nothing_is_read_as_nothing():
    empty = Garments(9, 8, 3, (), "parser").report()
    assert len(read(empty)) == 0 and read(empty).union().shape == (3, 8, 9)

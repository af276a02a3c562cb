"""Masks that are written as annotations and read again are the same masks; hostile texts are refused with a place."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest
import torch
from figures import draw_person
from scipy import ndimage

from hemline.segmentation.annotations.read import garments_from_annotations
from hemline.segmentation.annotations.write import (
    UNNAMED,
    AnnotatedPicture,
    coco_instances,
    join_holes,
    labelme_shapes,
    svg_outlines,
)
from hemline.segmentation.garments import Garment, Garments, mask_box
from hemline.segmentation.polygons import garment_outlines
from hemline.tensors import BadFile, HemlineError, ShapeError, UnknownName

RED = (1.0, 0.0, 0.0)
SQUARE = [[10, 10], [40, 10], [40, 30], [10, 30]]


def garment(mask: torch.Tensor, label: str = "dress", image: int = 0) -> Garment:
    return Garment(mask, label, 0.8, mask_box(mask) or (0, 0, 0, 0), image)


def written(mask: torch.Tensor, label: str = "dress") -> dict[str, str]:
    """The mask as each kind of text that we write."""
    height, width = mask.shape
    item = garment(mask, label)
    picture = AnnotatedPicture("photos/coat.png", width, height, (item,))
    return {
        "COCO": json.dumps(coco_instances([picture])),
        "packed COCO": json.dumps(coco_instances([picture], packed=True)),
        "LabelMe": json.dumps(labelme_shapes(picture)),
        "SVG": svg_outlines(picture, [RED]),
        "report": json.dumps(Garments(width, height, 1, (item,), "parser").report()),
    }


KINDS = tuple(written(torch.ones(2, 2)))
every_kind = pytest.mark.parametrize("kind", KINDS)


def blobs(height: int, width: int, seed: int, size: int, level: float = 0.0) -> torch.Tensor:
    """Round shapes about `size` px large, with holes and islands."""
    noise = torch.rand((1, 1, height, width), generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.avg_pool2d(noise, 2 * size + 1, 1, size, count_include_pad=False)[0, 0]
    return (smooth > smooth.mean() + level * smooth.std()).float()


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


def farthest_error(found: torch.Tensor, mask: torch.Tensor) -> float:
    """The largest distance of a wrong pixel's middle from the outline of ``mask >= 0.5``, in px, exact."""
    wanted, got = np.pad((mask >= 0.5).numpy(), 1), np.pad(found.numpy() >= 0.5, 1)
    # Pixels are squares: the nearest point of the nearest pixel of the other kind.
    worst = 0.0
    for y, x in np.argwhere(wanted != got):
        rows, columns = np.nonzero(wanted != wanted[y, x])
        gaps = np.hypot((abs(rows - y) - 0.5).clip(min=0), (abs(columns - x) - 0.5).clip(min=0))
        worst = max(worst, gaps.min())
    return worst


@every_kind
@pytest.mark.parametrize("name", masks())
def test_a_mask_comes_back_within_a_pixel_of_its_outline_holes_and_parts_included(name, kind):
    mask = masks()[name]
    found = garments_from_annotations(written(mask)[kind])
    (item,) = found.items
    assert (item.label, item.score, item.image, found.batch) == ("dress", 0.8, 0, 1)
    assert item.mask.shape == mask.shape and item.mask.dtype == torch.float32
    assert farthest_error(item.mask, mask) <= 1
    for kind_of_pixel in (False, True):  # every part keeps at least one pixel, and every hole
        regions, count = ndimage.label((mask >= 0.5).numpy() == kind_of_pixel)
        kept = (item.mask >= 0.5).numpy() == kind_of_pixel
        assert set(range(1, count + 1)) <= set(np.unique(regions[kept]))


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


def coco(segmentation: object = None, **changes: object) -> dict[str, object]:
    """A COCO file of one square of trousers in a picture of 60x50."""
    one = {"id": 7, "image_id": 3, "category_id": 9, "iscrowd": 0, "bbox": [0, 0, 1, 1], "area": 1}
    corners = [float(value) for point in SQUARE for value in point]
    return {
        "images": [{"id": 3, "file_name": "a/coat.jpg", "width": 60, "height": 50}],
        "categories": [{"id": 9, "name": "trousers"}],
        "annotations": [{**one, "segmentation": [corners] if segmentation is None else segmentation, **changes}],
    }


def read(values: object, *size: int, **options: str) -> Garments:
    return garments_from_annotations(json.dumps(values), *size, **options)


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


def labelme(*shapes: dict[str, object], **changes: object) -> dict[str, object]:
    return {"shapes": list(shapes), "imageWidth": 60, "imageHeight": 50, **changes}


def shape(label: str = "jeans", points: object = SQUARE, **changes: object) -> dict[str, object]:
    return {"label": label, "points": points, "shape_type": "polygon", "group_id": None, **changes}


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


def svg(path: str, group: str = 'fill-rule="evenodd"', inside: str = "") -> str:
    return (
        f'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 50"><g {group}>{inside}'
        f'<path id="hat-3" d="{path}"/></g></svg>'
    )


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


@pytest.mark.parametrize(
    "text, said",
    [
        (svg("M0 0C1 1 2 2 3 3Z"), "'C'"), (svg("M0 0L1 x"), "number"), (svg("L1 1 2 2"), "begin with M"),
        (svg("M0 0 1 1 2"), "number"), (svg("M0 0L1 1Z 3 3"), "command"), (svg("M0 0L1e400 1 2 2Z"), "number"),
        (svg("M0 0H9V9Z", 'transform="scale(2)"'), "transform"), (svg("M0 0H9V9Z", inside="<rect/>"), "rect"),
        (svg("M0 0H9V9Z").replace("0 0 60 50", "5 0 60 50"), "viewBox"),
        (svg("M0 0H9V9Z").replace("0 0 60 50", "0 0 60 5e9"), "side"),
        (svg("M0 0H9V9Z").replace("<path", '<path data-score="nan"'), "data-score"),
        (svg("M0 0H9V9Z").replace("</g>", ""), "line 1"), ("<html></html>", "<html>"), ("<svg", "no SVG"),
        ("<svg>" + "<g>" * 100_000, "deep"),
        ('<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg><title>&b;</title></svg>', "entity"),
        (svg("\ud800"), "path"),
    ],
)  # fmt: skip
def test_what_no_svg_of_lines_is_gets_an_error_with_its_line(text, said):
    with pytest.raises(BadFile, match=said):
        garments_from_annotations(text)


def test_the_line_of_an_error_is_told():
    with pytest.raises(BadFile, match="line 3"):
        garments_from_annotations('<svg viewBox="0 0 9 9">\n<g>\n<path d="M0 0Q1 1 2 2"/>\n</g></svg>')


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


# --- hostile ---------------------------------------------------------------------------------------------------------


HUGE = 1e308
HOSTILE: dict[str, tuple[object, str]] = {
    "no json": ("{", "line 1"),
    "not a number": ('{"shapes": [NaN]}', "NaN"),
    "infinity": ('{"shapes": [], "imageWidth": -Infinity}', "Infinity"),
    "deep nesting": ('{"shapes": ' + "[" * 200_000, "deep|no JSON"),
    "deep objects": ('{"shapes": ' + '{"a":' * 200_000, "deep|no JSON"),
    "a number of a million digits": ('{"garments": [], "width": ' + "9" * 1_000_000 + "}", "width|no JSON"),
    "a list": ([], "an object|none that is known"),
    "something else": ({"a": 1}, "none that is known"),
    "a text for a list": (labelme() | {"shapes": "all"}, "shapes"),
    "a far point": (labelme(shape(points=[[0, 0], [HUGE, 0], [0, 5]])), r"shapes\[0\]\.points"),
    "a point of three numbers": (labelme(shape(points=[[0, 0, 1], [3, 0, 1], [0, 5, 1]])), r"shapes\[0\]\.points"),
    "a point that is none": (labelme(shape(points=[[0, 0], [3, True], [0, 5]])), "numbers"),
    "two points": (labelme(shape(points=[[0, 0], [3, 3]])), "three points"),
    "a mask shape": (labelme(shape(shape_type="mask", mask=base64.b64encode(b"png").decode())), "polygon, rectangle"),
    "a line": (labelme(shape(shape_type="linestrip")), "shape_type"),
    "no label": (labelme(shape(label=None)), "label"),
    "a negative size": (labelme(shape(), imageWidth=-5), "imageWidth"),
    "half a pixel": (labelme(shape(), imageWidth=5.5), "whole number"),
    "a huge picture": (labelme(shape(), imageWidth=60_000, imageHeight=60_000), "60000x60000"),
    "a huge batch": ({"width": 9000, "height": 9000, "batch": 10_000, "garments": []}, "10000 pictures"),
    "an image that is not there": (
        {"width": 9, "height": 9, "batch": 1, "garments": [{"image": 1, "label": "upper"}]}, "image"),
    "no polygons": ({"width": 9, "height": 9, "garments": [{"label": "upper"}]}, r"garments\[0\]\.polygons"),
    "an unknown category": (coco(category_id=1), r"annotations\[0\]\.category_id"),
    "an unknown picture": (coco(image_id=1), r"annotations\[0\]\.image_id"),
    "a score of two": (coco(score=2), r"annotations\[0\]\.score"),
    "runs of another picture": (coco({"size": [60, 50], "counts": [3000]}), "size"),
    "too few pixels": (coco({"size": [50, 60], "counts": [2999]}), "3000 pixels"),
    "runs that add up to a picture": (coco({"size": [50, 60], "counts": [1 << 53, 3000]}), "3000 pixels"),
    "a negative run": (coco({"size": [50, 60], "counts": [-1, 3001]}), "counts"),
    "runs that are texts": (coco({"size": [50, 60], "counts": ["3000"]}), "counts"),
    "packed runs that go negative": (coco({"size": [50, 60], "counts": "O"}), "3000 pixels"),
    "packed runs cut off": (coco({"size": [50, 60], "counts": "P"}), "cut off"),
    "packed runs without end": (coco({"size": [50, 60], "counts": "P" * 100_000 + "0"}), "larger than any"),
    "packed runs in other letters": (coco({"size": [50, 60], "counts": "é~"}), "character"),
    "no counts": (coco({"size": [50, 60]}), "counts"),
    "an odd number of numbers": (coco([[1, 2, 3, 4, 5, 6, 7]]), "7 numbers"),
    "two pictures of one id": ({**coco(), "images": coco()["images"] * 2}, "id of their own"),
    "no picture": ({**coco(), "images": []}, "0 sizes|image"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_that_is_not_as_it_should_be_gets_an_error_with_its_place(name):
    text, said = HOSTILE[name]
    with pytest.raises(BadFile, match=said):
        garments_from_annotations(text if isinstance(text, str) else json.dumps(text))


def test_a_million_points_are_drawn_or_refused_but_never_for_long():
    spiral = np.linspace(0, 60, 1_000_000)
    points = np.stack([30 + 20 * np.cos(spiral), 25 + 20 * np.sin(spiral)], 1).round(3).ravel().tolist()
    assert read(coco([points])).items
    teeth = [value for x in range(500_000) for value in (x % 60, 50 * (x % 2))]
    with pytest.raises(BadFile, match="crossings"):
        read(coco([teeth * 6]))


@every_kind
def test_damaged_texts_raise_our_errors_or_are_read(kind):
    text = written(blobs(20, 24, 1, 3))[kind]
    generator = np.random.default_rng(0)
    for _ in range(150):
        place, length = generator.integers(0, len(text)), generator.integers(1, 12)
        patch = "".join(generator.choice(list('0123456789.-e[]{}",:<>MLZ/ '), length))
        try:
            garments_from_annotations(text[:place] + patch + text[place + length :])
        except HemlineError:
            pass


def test_a_hole_is_joined_to_the_part_that_holds_it_not_to_one_whose_box_does():
    mask = torch.zeros(60, 60)
    mask[0:60, 0:4] = mask[56:60, 0:60] = 1  # an L whose box holds all
    mask[10:50, 10:50] = 1
    mask[20:30, 20:30] = 0
    outlines = garment_outlines(mask)
    assert sorted(len(part) for part in join_holes(outlines)) == [6, 10]
    assert farthest_error(garments_from_annotations(written(mask)["LabelMe"]).items[0].mask, mask) == 0


def test_messages_do_not_repeat_a_whole_file():
    with pytest.raises(BadFile) as caught:
        read(labelme(shape(points=["x" * 100_000])))
    assert len(str(caught.value)) < 200 and re.search(r"shapes\[0\]", str(caught.value))

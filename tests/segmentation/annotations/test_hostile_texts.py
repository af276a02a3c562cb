"""Laws of reading hostile, damaged and mistaken annotations: an error of ours that names the place, and soon."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest
from support.annotation_texts import KINDS, blobs, coco, labelme, read, shape, svg, written

from hemline.segmentation.annotations.read import garments_from_annotations
from hemline.tensors import BadFile, HemlineError

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


@pytest.mark.parametrize("kind", KINDS)
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


def test_messages_do_not_repeat_a_whole_file():
    with pytest.raises(BadFile) as caught:
        read(labelme(shape(points=["x" * 100_000])))
    assert len(str(caught.value)) < 200 and re.search(r"shapes\[0\]", str(caught.value))


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

"""Strokes as text: compact, the same after a round trip, and closed to what is not theirs."""

from __future__ import annotations

import json
import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hemline.errors import RangeError
from hemline.segmentation.strokes import text as module
from hemline.segmentation.strokes.text import (
    BRUSHES,
    FEWEST_POINTS,
    HIGHEST,
    LOWEST,
    Edit,
    Stroke,
    digest_of,
    format_strokes,
    parse_strokes,
)

percents = st.integers(0, 100)
points = st.tuples(st.integers(LOWEST, HIGHEST), st.integers(LOWEST, HIGHEST))


@st.composite
def some_stroke(draw: st.DrawFn) -> Stroke:
    tool = draw(st.sampled_from(module.TOOLS))
    line = tuple(draw(st.lists(points, min_size=FEWEST_POINTS[tool], max_size=8))) if FEWEST_POINTS[tool] else ()
    pressure = tuple(draw(percents) for _ in line) if tool in BRUSHES and draw(st.booleans()) else ()
    radius = draw(st.integers(1, 10000)) if tool in BRUSHES else 200
    return Stroke(tool, line, draw(st.booleans()), radius, draw(percents), draw(percents), pressure)


edits = st.builds(Edit, st.lists(some_stroke(), min_size=1, max_size=6).map(tuple), st.just("0f3a"), st.just(""))


@given(edits)
def test_an_edit_survives_being_written_and_read(edit: Edit) -> None:
    assert parse_strokes(format_strokes(edit)) == edit


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_is_an_edit_without_strokes(text: str) -> None:
    assert parse_strokes(text) == Edit()
    assert format_strokes(Edit(image="0f")) == ""


def test_two_hundred_strokes_of_a_hand_stay_under_forty_kilobytes() -> None:
    rng = random.Random(3)
    drawn: list[Stroke] = []
    for _ in range(200):
        x, y, heading = rng.randrange(16384), rng.randrange(16384), rng.random() * 6.3
        line = [(x, y)]
        for _ in range(35):  # what is left of a stroke across a third of the picture after simplifying
            heading += rng.gauss(0, 0.3)
            x, y = x + round(160 * math.cos(heading)), y + round(160 * math.sin(heading))
            line.append((min(max(x, 0), 16384), min(max(y, 0), 16384)))
        drawn.append(Stroke("brush", tuple(line), radius=300, hardness=80))
    assert len(format_strokes(Edit(tuple(drawn), "0" * 16, "0" * 16))) < 40_000


def test_the_text_is_json_of_a_version() -> None:
    text = format_strokes(Edit((Stroke("brush", ((0, 0), (16384, -16)), erase=True, radius=250, hardness=80),), "ab"))
    assert json.loads(text) == {
        "version": 1, "image": "ab", "mask": "",
        "strokes": [{"t": "brush", "e": 1, "r": 250, "h": 80, "p": "AAgggBhB"}],
    }  # fmt: skip


BRUSH = {"t": "brush", "p": "AA"}


def test_a_text_has_the_lowest_version_that_knows_its_tools() -> None:
    """So that an earlier Hemline, which reads version 1 alone, refuses smart strokes and nothing else."""
    plain, smart = Stroke("brush", ((0, 0),)), Stroke("smart", ((0, 0),))
    assert json.loads(format_strokes(Edit((plain,))))["version"] == 1
    assert json.loads(format_strokes(Edit((plain, smart))))["version"] == 2
    assert json.loads(format_strokes(Edit((smart,))))["strokes"] == [{"t": "smart", "r": 200, "p": "AA"}]


def text_of(*strokes: object, **fields: object) -> str:
    return json.dumps({"version": 1, "strokes": list(strokes), **fields})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("clipspace.png", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[1]", "no JSON object"),
        ('{"version": 3, "strokes": []}', "version 3.*update"),
        ('{"version": 0, "strokes": []}', "version 0"),
        (text_of({"t": "smart", "p": "AA"}), "smart.*known"),
        ('{"strokes": []}', "version None"),
        (text_of(version=True), "version True"),
        ('{"version": 1, "strokes": {}}', "no list"),
        (text_of(7), "stroke 1 is no JSON object"),
        (text_of(BRUSH, {"t": "spray", "p": "AA"}), "stroke 2 is of the tool 'spray'.*brush, lasso"),
        (text_of({"t": ["brush"], "p": "AA"}), "tool"),
        (text_of(BRUSH | {"r": 0}), "r is 0; it is a whole number from 1 to 10000"),
        (text_of(BRUSH | {"h": 101}), "h is 101"),
        (text_of(BRUSH | {"o": 0.5}), "o is 0.5"),
        (text_of(BRUSH | {"e": True}), "e is True"),
        (text_of(BRUSH | {"r": 10**400}), "r is 1000"),
        (text_of(BRUSH | {"p": 5}), "no text"),
        (text_of(BRUSH | {"p": "A!"}), "damaged"),
        (text_of(BRUSH | {"p": "gggggggggggA"}), "damaged"),
        (text_of(BRUSH | {"p": "Ag"}), "breaks off"),
        (text_of(BRUSH | {"p": "AAA"}), "without y"),
        (text_of({"t": "polygon", "p": "AACC"}), "2 points; a polygon has 3"),
        (text_of({"t": "brush"}), "0 points"),
        (text_of(BRUSH | {"p": "gggggB" * 2}), "beyond the frame"),
        (text_of(BRUSH | {"w": "AA"}), "pressure"),
        (text_of(BRUSH | {"w": "qG"}), "pressure"),
        (text_of(image="../../etc"), "image is no digest"),
        (text_of(mask=3), "mask is no digest"),
    ],
)  # fmt: skip
def test_what_is_no_edit_is_refused_with_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(RangeError, match=complaint):
        parse_strokes(text)


@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_strokes(text)
    except RangeError as error:
        assert len(str(error)) < 1000


def test_an_edit_is_bounded_in_letters_strokes_and_points(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, bound, complaint in (("LETTERS", 9, "letters"), ("STROKES", 1, "2 strokes"), ("POINTS", 1, "2 points")):
        with monkeypatch.context() as patch:
            patch.setattr(module, f"MOST_{name}", bound)
            with pytest.raises(RangeError, match=complaint):
                parse_strokes(text_of(BRUSH, BRUSH))


def test_a_digest_tells_pictures_and_sizes_apart_but_not_what_eight_bits_do_not_show() -> None:
    picture = torch.rand(1, 6, 8, 3)
    assert digest_of(picture) == digest_of(picture.clone()) != digest_of(picture.flip(2))
    assert digest_of(torch.zeros(1, 2, 8)) != digest_of(torch.zeros(1, 4, 4))
    assert digest_of(torch.full((1, 2, 2), 0.5001)) == digest_of(torch.full((1, 2, 2), 0.5002))
    assert len(digest_of(picture)) == 16

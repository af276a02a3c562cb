"""What a user may write about parts to be protected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.segmentation.protect import PROTECTABLE
from hemline.segmentation.protection import PROTECTIONS, parse_protection
from hemline.tensors import RangeError, UnknownName


def test_each_part_has_the_numbers_behind_it_and_else_the_common_ones():
    found = parse_protection("hands 6 soft 4; hair -1, Face\nother garments soft 3", margin=2, soft_edge=1)
    assert found.parts == ("hands", "hair", "face", "other garments")
    assert found.margins == {"hands": 6, "hair": -1, "face": 2, "other garments": 2}
    assert found.soft_edges == {"hands": 4, "hair": 1, "face": 1, "other garments": 3}


@pytest.mark.parametrize("name", PROTECTIONS)
def test_a_preset_names_its_parts_and_may_be_followed_by_exceptions(name):
    assert parse_protection(name).parts == PROTECTIONS[name]
    mixed = parse_protection(f"{name.upper()} 3; hands -2")
    assert mixed.margins["hands"] == -2 and set(mixed.parts) == {*PROTECTIONS[name], "hands"}


@given(st.lists(st.tuples(st.sampled_from(PROTECTABLE), st.integers(-512, 512), st.integers(0, 512)), min_size=1))
def test_what_is_written_is_what_is_read(rows):
    found = parse_protection("\n".join(f"{part} {margin} soft {soft}" for part, margin, soft in rows))
    assert found.margins == {part: margin for part, margin, _ in rows}
    assert found.soft_edges == {part: soft for part, _, soft in rows}


@pytest.mark.parametrize("text", ["", " ; ", "hands 9999", "hands soft -1", "hands 1.2.3", "hands 2 soft 600"])
def test_numbers_out_of_range_and_texts_without_a_part_are_refused(text):
    with pytest.raises(RangeError):
        parse_protection(text)


@pytest.mark.parametrize("text", ["hand", "hands soft", "hands 2 3", "face; nose", "hands 4px"])
def test_what_is_no_part_is_refused_with_the_nearest(text):
    with pytest.raises(UnknownName, match="Known: head"):
        parse_protection(text)

"""The handle of a user's models, and the class map: what a user writes about a file's words."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hemline.errors import RangeError, UnknownName
from hemline.segmentation.garment_model import (
    GarmentModel,
    describe_meanings,
    meanings_of,
    parse_meanings,
    unused_words,
)
from hemline.segmentation.vocabulary import LABELS

MAP = """
# what our shop calls them
short sleeve top = upper; Long_Sleeve-Top = upper   # two of them
*dress* = dress
logo = ignore
wall = background
"""
WORDS = ("short sleeve top", "long sleeve top", "sling dress", "vest dress", "logo", "wall", "trousers")


def test_a_class_map_is_one_entry_a_line_or_between_semicolons() -> None:
    assert parse_meanings(MAP) == {
        "short sleeve top": "upper", "long sleeve top": "upper", "*dress*": "dress", "logo": "background",
        "wall": "background",
    }  # fmt: skip
    assert parse_meanings("") == parse_meanings("\n  ; ;\n# nothing") == {}


def test_a_word_may_hold_a_comma_an_equals_sign_or_a_number_sign() -> None:
    text = "shirt, blouse = upper\na=b = skirt\nsize#4 = pants"
    assert parse_meanings(text) == {"shirt, blouse": "upper", "a=b": "skirt", "size#4": "pants"}


@pytest.mark.parametrize(
    ("text", "error", "line", "said"),
    [
        ("top = upper\ndress", RangeError, 2, "write word = label"),
        ("= upper", RangeError, 1, "write word = label"),
        ("top =", RangeError, 1, "write word = label"),
        ("\n\ntop = uper", UnknownName, 3, "Did you mean 'upper'"),
        ("top = upper; a = skirt\nTOP = dress", RangeError, 2, "another meaning"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text: str, error: type[Exception], line: int, said: str) -> None:
    with pytest.raises(error, match=rf"class_map line {line}: .*{said}"):
        parse_meanings(text)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}( [a-z]{1,5})?", fullmatch=True), st.sampled_from(LABELS)))
def test_every_written_map_is_read_back(meanings: dict[str, str]) -> None:
    assert parse_meanings("\n".join(f"{word} = {label}" for word, label in meanings.items())) == meanings


def test_a_word_itself_counts_before_a_pattern_and_patterns_in_their_order() -> None:
    told = meanings_of(WORDS, {"*": "upper", "*dress": "dress", "vest dress": "skirt"})
    assert told["vest dress"] == "skirt" and told["sling dress"] == "upper"
    told = meanings_of(WORDS, {"*dress": "dress", "*": "upper"})
    assert told["vest dress"] == "dress" and told["logo"] == "upper"


def test_words_are_told_whatever_their_case_and_hyphens_and_keep_their_own_spelling() -> None:
    assert meanings_of(("Upper-clothes", "HAT"), {"upper clothes": "outer"}) == {"Upper-clothes": "outer"}


def test_brackets_in_a_word_are_letters() -> None:
    assert meanings_of(("top [new]", "top n"), {"top [new]": "upper"}) == {"top [new]": "upper"}


def test_an_entry_that_fits_no_word_is_told() -> None:
    with pytest.raises(UnknownName, match=r"class_map word 'trouser'.*Did you mean 'trousers'"):
        meanings_of(WORDS, {"trouser": "pants"})


def test_the_list_of_classes_is_a_class_map_itself() -> None:
    words = (*WORDS, "thingamajig", "sleeve")
    told = meanings_of(words, parse_meanings(MAP))
    lines = describe_meanings(words, told)
    assert lines[0] == "short sleeve top = upper" and lines[6] == "trousers = pants"
    assert lines[7] == "# thingamajig: not used; map it in class_map"
    assert parse_meanings("\n".join(lines)) == {
        word.replace("-", " "): label for word, label in {**told, "trousers": "pants"}.items()
    }
    assert unused_words(words, told) == ("thingamajig", "sleeve")


def test_the_handle_is_frozen_light_and_checked() -> None:
    model = GarmentModel(meanings={"top": "upper"}, precision="float16")
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.precision = "float32"  # type: ignore[misc]
    for wrong in ({"precision": "float8"}, {"meanings": {"top": "uper"}}):
        with pytest.raises(UnknownName):
            GarmentModel(**wrong)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_a_cpu_works_in_float32_and_says_so(precision: str) -> None:
    model = GarmentModel(precision=precision)
    assert model.dtype_on(torch.device("cpu")) is torch.float32
    (note,) = model.precision_note(torch.device("cpu"))
    assert precision in note and "float32" in note
    assert model.dtype_on(torch.device("cuda")) is getattr(torch, precision)
    assert model.precision_note(torch.device("cuda")) == ()
    assert GarmentModel().precision_note(torch.device("cpu")) == ()

"""Settings: read off a signature, given as text, JSON or widgets, and always of their default's type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.settings import BadSignature, Setting, choose_settings, describe_settings, settings_of
from hemline.tensors import RangeError, UnknownName

SETTINGS = (Setting("size", 2.5), Setting("count", 3), Setting("round", False), Setting("kind", "disc"))


def chosen(text: str = "", **widgets: float | int | bool | str) -> dict[str, float | int | bool | str]:
    return choose_settings(SETTINGS, text, widgets, owner="'dots'")


def test_settings_are_the_keywords_after_the_inputs():
    def dots(image, size=2.5, *, count=3, round=False, kind="disc"): ...

    assert settings_of(dots, ("image",)) == SETTINGS


@pytest.mark.parametrize(
    "function",
    [
        lambda picture, size=1.0: 0,
        lambda image, size: 0,
        lambda image, size=None: 0,
        lambda image, size=(1, 2): 0,
        lambda image, *more: 0,
        lambda image, **more: 0,
        lambda: 0,
    ],
    ids=["other input", "no default", "None", "tuple", "*args", "**kwargs", "nothing"],
)
def test_any_other_signature_is_refused(function):
    with pytest.raises(BadSignature):
        settings_of(function, ("image",))


def test_text_counts_more_than_a_widget_and_a_widget_more_than_the_default():
    assert chosen() == {"size": 2.5, "count": 3, "round": False, "kind": "disc"}
    assert chosen(size=4.0, unknown=1.0, kind="") == {**chosen(), "size": 4.0}
    assert chosen("size = 5; kind=ring", size=4.0, kind="x") == {**chosen(), "size": 5.0, "kind": "ring"}


def test_lines_semicolons_and_json_say_the_same():
    lines = chosen("size = 5\ncount = 4\n\nround = yes\nkind = a b")
    assert lines == chosen("size=5; count=4; round=on; kind=a b;")
    assert lines == chosen('{"size": 5, "count": 4.0, "round": true, "kind": "a b"}')


@pytest.mark.parametrize(
    "text",
    ["size = big", "size = nan", "size = inf", "count = 1.5", "round = 2", "size", "= 3", "{", '{"size": "5"}',
     '{"size": true}', '{"round": 1}', '{"kind": 1}', '{"count": [1]}'],
)  # fmt: skip
def test_what_has_no_such_meaning_is_an_error(text):
    with pytest.raises(RangeError):
        chosen(text)


def test_an_unknown_setting_names_the_known_ones():
    with pytest.raises(UnknownName, match=r"Setting of 'dots' 'sise' is not known. Did you mean 'size'\?"):
        chosen("sise = 3")
    with pytest.raises(UnknownName, match="none at all"):
        choose_settings((), "a = 1", owner="'plain'")


@given(
    size=st.floats(-1e6, 1e6),
    count=st.integers(),
    round=st.booleans(),
    kind=st.from_regex(r"[a-z ]{1,9}[a-z]", fullmatch=True),
)
def test_a_description_reads_back_as_the_values(size, count, round, kind):
    values = chosen(size=float(f"{size:g}"), count=count, round=round, kind=kind.strip())
    assert chosen(describe_settings(values)) == values

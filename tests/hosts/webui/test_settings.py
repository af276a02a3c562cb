"""The panel's settings: one record, read from lists, dicts and infotexts."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.errors import HemlineError, RangeError, UnknownName
from hemline.hosts.webui.mask_settings import NAMES, TARGETS, WHAT, MaskSettings
from hemline.hosts.webui.panel_ports import GROUPS, PORTS
from hemline.hosts.webui.settings import from_infotext, parse_settings, with_setting
from hemline.nodes import NODES
from hemline.segmentation.vocabulary import PART_LABELS, parse_what

# The order in which a list gives them is a public interface: names are only appended.
ORDER = (
    "enabled", "what", "labels", "target_cut", "detector", "sam", "person", "number", "edges", "silhouette",
    "looseness", "shadow", "protect", "parts", "margin", "drawn", "grow", "feather", "unit", "area", "padding", "fill",
    "nothing_found", "composite", "match_colours", "seam", "classes", "confidence", "class_map", "denoising", "prompt",
)  # fmt: skip


def values_of(name: str) -> st.SearchStrategy[object]:
    port = PORTS[name]
    if port.type == "COMBO" and not port.folders:
        return st.sampled_from(port.choices())
    if port.type == "BOOLEAN":
        return st.booleans()
    if port.minimum is None or port.maximum is None:
        return st.just(port.default)
    if port.type == "INT":
        return st.integers(int(port.minimum), int(port.maximum))
    return st.integers(round(port.minimum * 4), round(port.maximum * 4)).map(lambda quarters: quarters / 4)


def test_a_list_gives_values_in_an_order_that_never_changes():
    assert NAMES[: len(ORDER)] == ORDER


def test_every_setting_stands_in_the_panel_once():
    assert sorted(port.name for ports in GROUPS.values() for port in ports) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_panel_names_no_port_of_a_node_and_no_body_as_a_target(name: str):
    assert "`" not in PORTS[name].tooltip
    assert "body part" not in PORTS[name].tooltip


def test_defaults_are_those_of_the_record():
    assert {name: port.default for name, port in PORTS.items()} == asdict(MaskSettings())


def test_what_a_node_has_too_starts_as_on_the_node():
    own = {"what", "grow", "feather", "looseness", "shadow", "margin", "classes", "confidence", "unit"}
    nodes = {port.name: port.default for node in NODES for port in node.inputs if port.name in own}
    assert {name: getattr(MaskSettings(), name) for name in nodes} == nodes


@given(st.data())
def test_list_dict_and_record_say_the_same(data: st.DataObject):
    values = {name: data.draw(values_of(name)) for name in NAMES}
    settings = parse_settings(values)
    assert parse_settings(list(values.values())) == settings == parse_settings([values]) == parse_settings(settings)


@given(st.data())
def test_an_infotext_comes_back_as_the_settings(data: st.DataObject):
    settings = parse_settings({name: data.draw(values_of(name)) for name in NAMES if name != "enabled"})
    assert from_infotext(settings.infotext()) == with_setting(settings, "enabled", True)


@pytest.mark.parametrize("parts", ["hands 4 soft 6; hair", "hands 4\nhair", "head, hair"])
def test_texts_with_signs_of_the_infotext_come_back(parts: str):
    assert from_infotext(parse_settings({"parts": parts}).infotext()).parts == parts


def test_an_infotext_tells_what_is_not_as_usual():
    assert parse_settings({"what": "tops", "grow": 4}).infotext() == "what = tops; grow = 4"


def test_what_is_left_out_or_none_is_as_usual():
    assert parse_settings([True, None, None]) == MaskSettings(enabled=True)
    assert parse_settings([]) == MaskSettings()


def test_a_slider_may_hand_out_a_whole_number_as_float():
    assert parse_settings({"padding": 64.0, "grow": 4}) == MaskSettings(padding=64, grow=4.0)


@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        ({"feathr": 3}, UnknownName, "Did you mean 'feather'"),
        ({"what": "topz"}, UnknownName, "Did you mean 'tops'"),
        ({"grow": 999}, RangeError, "grow is 999"),
        ({"grow": float("nan")}, RangeError, "give a number"),
        ({"grow": "8"}, RangeError, "give a number"),
        ({"parts": "nose"}, UnknownName, "Part 'nose'"),
        ({"class_map": "no meaning"}, RangeError, "write word = label"),
        ({"enabled": "yes"}, RangeError, "true or false"),
        ([True] * 99, RangeError, "99 values"),
    ],
)
def test_what_is_wrong_is_said(values: object, error: type[HemlineError], said: str):
    with pytest.raises(error, match=said):
        parse_settings(values)  # type: ignore[arg-type]


@pytest.mark.parametrize("label", [*PART_LABELS, "person"])
def test_a_body_is_never_what_is_repainted(label: str):
    for values in ({"what": label}, {"labels": label}, {"labels": f"tops, {label}"}):
        with pytest.raises(UnknownName):
            parse_settings(values)


def test_every_choice_of_what_names_something_worn_or_carried():
    assert all(set(parse_what(name)) <= set(TARGETS) for name in WHAT)


def test_every_field_is_of_a_type_that_hosts_can_send():
    assert {field.type for field in fields(MaskSettings)} <= {"bool", "int", "float", "str"}

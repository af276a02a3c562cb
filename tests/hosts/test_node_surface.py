"""Saved workflows keep working: the nodes' ids, ports and defaults are frozen, and each record fits its function."""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.surface import broken_promises, describe_surface

from hemline.nodes import NODES
from hemline.nodes.spec import Node

GOLDEN = Path(__file__).parents[1] / "golden" / "node_surface.json"
RULE = """The node surface changed. Saved workflows hold widget values by position, so ids and ports never change:
only appended ports (wires optional, widgets with a default) and appended options are allowed.
If that is all you did: run `python tests/golden/regenerate.py`, review the difference, add a line to CHANGELOG.md."""
every_node = pytest.mark.parametrize("node", NODES, ids=[node.id for node in NODES])


def test_saved_workflows_find_every_port_where_it_was() -> None:
    broken = broken_promises(json.loads(GOLDEN.read_text(encoding="utf-8")), describe_surface(NODES))
    assert not broken, "\n".join([RULE, *broken])


def test_surface_is_the_golden_one() -> None:
    now = json.loads(json.dumps(describe_surface(NODES)))
    assert now == json.loads(GOLDEN.read_text(encoding="utf-8")), RULE


def test_node_ids_are_unique_and_carry_the_prefix() -> None:
    ids = [node.id for node in NODES]
    assert len(set(ids)) == len(ids)
    assert all(id.startswith("Hemline") for id in ids)


@every_node
def test_record_names_exactly_the_arguments_of_its_function(node: Node) -> None:
    parameters = [name for name in inspect.signature(node.function).parameters if name != "context"]
    assert [port.name for port in node.inputs] == parameters


@every_node
def test_record_and_function_have_the_same_defaults(node: Node) -> None:
    parameters = inspect.signature(node.function).parameters
    for port in node.inputs:
        expected = port.default if port.is_widget else None if port.optional else inspect.Parameter.empty
        assert parameters[port.name].default == expected, port.name
        assert type(parameters[port.name].default) is type(expected), port.name


@every_node
def test_context_is_a_keyword(node: Node) -> None:
    context = inspect.signature(node.function).parameters.get("context")
    assert "context" not in [port.name for port in node.inputs], "the host's Context goes by that name"
    assert context is None or context.kind is inspect.Parameter.KEYWORD_ONLY


@every_node
def test_input_and_output_names_are_unique(node: Node) -> None:
    for ports in (node.inputs, node.outputs):
        names = [port.name for port in ports]
        assert len(set(names)) == len(names)


@every_node
def test_numbers_have_limits_a_step_and_a_default_of_their_own_type(node: Node) -> None:
    for port in node.inputs:
        if port.type in ("INT", "FLOAT"):
            assert port.minimum is not None and port.maximum is not None and port.step, port.name
            assert isinstance(port.default, int if port.type == "INT" else float), port.name
            assert port.minimum <= port.default <= port.maximum, port.name


@every_node
def test_choices_are_distinct_and_hold_the_default(node: Node) -> None:
    for port in node.inputs:
        if port.type == "COMBO":
            assert port.default in port.choices(), port.name
            assert len(set(port.choices())) == len(port.choices()), port.name


@every_node
def test_version_is_semantic_and_description_is_there(node: Node) -> None:
    assert [part.isdigit() for part in node.version.split(".")] == [True] * 3
    assert node.description.endswith(".")


def changed(change: Callable[[list[dict[str, Any]]], Any]) -> list[str]:
    """What `broken_promises` says after a change to the first node with two inputs."""
    old = json.loads(json.dumps(describe_surface(NODES)))
    new = copy.deepcopy(old)
    change(new)
    return broken_promises(old, new)


def test_an_appended_widget_breaks_nothing() -> None:
    port = {"name": "more", "type": "INT", "default": 1, "minimum": 0, "maximum": 2}
    assert changed(lambda nodes: nodes[0]["inputs"].append(port)) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda nodes: nodes.pop(0), "is gone"),
        (lambda nodes: nodes[0]["inputs"].reverse(), "never rename or reorder"),
        (lambda nodes: nodes[0]["inputs"].insert(0, {"name": "new", "type": "INT"}), "never rename or reorder"),
        (lambda nodes: nodes[0]["outputs"].pop(), "never rename or reorder"),
        (lambda nodes: nodes[0]["inputs"][0].update(type="LATENT"), "and is LATENT"),
        (lambda nodes: nodes[0]["inputs"].append({"name": "new", "type": "IMAGE"}), "make it optional"),
    ],
    ids=["node removed", "reordered", "inserted", "output removed", "retyped", "new required wire"],
)
def test_every_other_change_is_named(change: Callable[[list[dict[str, Any]]], Any], complaint: str) -> None:
    assert complaint in "\n".join(changed(change))

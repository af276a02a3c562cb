"""The inputs and widget values of one node as a workflow in UI format has saved them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..nodes.spec import Node
from .ui_canvas import is_list, objects
from .workflow_values import is_object

# Behind a seed the frontend saves what becomes of it after a run.
SEEDS = ("seed", "noise_seed")
SEED_CONTROLS = ("fixed", "increment", "decrement", "randomize")
_CONTROLS = ("control_after_generate", "control_filter_list", *SEED_CONTROLS)


class Slot(NamedTuple):
    """An input of a node: its link's number, if it has one, and whether it is a widget's."""

    name: str
    type: str
    link: int | None
    is_widget: bool = False


class Typed(NamedTuple):
    """A value that no node makes: typed into a primitive node, or into a widget of a subgraph."""

    value: Any


def declared_slots(node: Mapping[str, Any], record: Node | None) -> list[Slot]:
    """The inputs of a node in the frontend's order: wires first, each kind with what is optional behind. Of an unknown
    node they are those that were saved."""
    saved = saved_slots(node)
    if record is None:
        return [*saved.values()]
    ports = sorted(record.inputs, key=lambda port: (port.is_widget, port.optional))
    links = {slot.name: slot.link for slot in saved.values()}
    known = [Slot(port.name, port.type, links.pop(port.name, None), port.is_widget) for port in ports]
    return [*known, *(saved[name] for name in links)]


def saved_slots(node: Mapping[str, Any]) -> dict[str, Slot]:
    """The inputs of a node as saved, by name."""
    return {
        port["name"]: Slot(port["name"], str(port.get("type")), _number(port.get("link")), "widget" in port)
        for port in objects(node.get("inputs"))
        if isinstance(port.get("name"), str)
    }


def widget_values(node: Mapping[str, Any], record: Node | None) -> dict[str, Any]:
    """The node's widget values by name; those that were added to the node since it was saved are left out."""
    values, by_name = node.get("widgets_values"), node.get("widgets_values_named")
    if is_object(values):
        return dict(values)
    if record is None and is_object(by_name):
        return {name: value for name, value in by_name.items() if name not in _CONTROLS}
    names, named, last = _widget_names(node, record), dict[str, Any](), ""
    for value in values if is_list(values) else []:
        control_of_seed = last in SEEDS and value in SEED_CONTROLS
        last = "" if control_of_seed else next(names, "")
        if last:
            named[last] = value
    return named


def _widget_names(node: Mapping[str, Any], record: Node | None) -> Iterator[str]:
    if record is not None:
        return (port.name for port in sorted(record.inputs, key=lambda port: port.optional) if port.is_widget)
    return (slot.name for slot in saved_slots(node).values() if slot.is_widget)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None

"""Values typed into a workflow's widgets: their check by the port's type, and changing them from the command line."""

from __future__ import annotations

import copy
import math
import reprlib
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from ..errors import BadWorkflow, did_you_mean, name_some
from ..nodes.spec import Node, Port

Workflow = dict[str, Any]
Value = str | int | float | bool

_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80
_LARGEST = sys.float_info.max  # integers in JSON have no end, floats do


def widget_value(port: Port, value: object) -> Value:
    """The JSON value in the port's own type: a whole float becomes an INT, an integer a FLOAT.

    Raises `BadWorkflow` for another type, a number outside the range and an unknown option; the message is the rest of
    a sentence that begins with the input's name.
    """
    if port.type in ("INT", "FLOAT"):
        return _number(port, value)
    if port.type == "BOOLEAN":
        if isinstance(value, bool):
            return value
        raise BadWorkflow(f"is {shown(value)}; give true or false.")
    if not isinstance(value, str):
        raise BadWorkflow(f"is {shown(value)}; give a text.")
    choices = port.choices()
    if port.type == "COMBO" and choices and value not in choices:
        places = " Model files are looked for in the folders that `hemline doctor` names." if port.folders else ""
        raise BadWorkflow(f"is {shown(value)}, which is no option.{hint(value, choices)}{places}")
    return value


def parse_value(port: Port, text: str) -> Value:
    """What `text` means for the port: a number, true or false (also yes, no, on, off, 1, 0), or the text itself.

    Raises `BadWorkflow` as `widget_value` does.
    """
    value: object = text
    try:
        if port.type == "INT":
            value = int(text)
        elif port.type == "FLOAT":
            value = float(text)
    except ValueError:
        value = text  # widget_value says what is wanted
    if port.type == "BOOLEAN":
        value = _TRUTH.get(text.strip().lower(), text)
    return widget_value(port, value)


def shown(value: object) -> str:
    """The value as a message shows it: as Python writes it, shortened."""
    return _SHORT.repr(value)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def apply_inputs(workflow: Workflow, assignments: Iterable[str], nodes: Mapping[str, Node]) -> Workflow:
    """A copy of the workflow with inputs set by lines such as ``3.threshold=0.5`` or ``Load Image.image=a.jpg``.

    In front of the last dot stands a node's id, its title, or its class where only one node is of that class. The
    value is read by the port's type. Raises one `BadWorkflow` that lists every assignment that cannot be made.
    """
    changed = copy.deepcopy(workflow)
    problems: list[str] = []
    for assignment in assignments:
        try:
            _assign(changed, assignment, nodes)
        except BadWorkflow as error:
            problems.append(str(error))
    if problems:
        raise BadWorkflow("\n".join(problems))
    return changed


def hint(got: str, known: Iterable[str]) -> str:
    """What to put behind "... is not known.": the nearest known name if there is one, and the known ones."""
    names = list(known)
    meant = did_you_mean(got, names)
    return f"{meant} Known: {name_some(names)}." if names else meant


def title_of(entry: Mapping[str, Any]) -> str:
    """The title that the user gave a node, else its class."""
    return _own_title(entry) or str(entry.get("class_type", "?"))


def _own_title(entry: Mapping[str, Any]) -> str:
    meta = entry.get("_meta")
    title = meta.get("title") if is_object(meta) else None
    return title if isinstance(title, str) else ""


def _number(port: Port, value: object) -> int | float:
    whole = port.type == "INT"
    kind = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadWorkflow(f"is {shown(value)}; give {kind}.")
    if isinstance(value, float) and not (value.is_integer() if whole else math.isfinite(value)):
        raise BadWorkflow(f"is {value}; give {kind}.")
    low = -_LARGEST if port.minimum is None else port.minimum
    high = _LARGEST if port.maximum is None else port.maximum
    if not low <= value <= high:
        raise BadWorkflow(f"is {shown(value)}; give {kind} {_range(port)}.")
    return int(value) if whole else float(value)


def _range(port: Port) -> str:
    bounds = [f"from {port.minimum:g}"] if port.minimum is not None else []
    return " ".join([*bounds, f"to {_LARGEST if port.maximum is None else port.maximum:g}"])


def _assign(workflow: Workflow, assignment: str, nodes: Mapping[str, Node]) -> None:
    target, equals, text = assignment.partition("=")
    name, dot, port_name = target.rpartition(".")
    if not (equals and dot and name.strip() and port_name.strip()):
        raise BadWorkflow(f"{assignment!r} is no assignment; write NODE.INPUT=VALUE, such as 3.threshold=0.5.")
    entry = workflow[_find_node(workflow, name.strip())]
    node = nodes.get(str(entry["class_type"]))
    if node is None:
        raise BadWorkflow(f"{assignment!r} sets an input of a {entry['class_type']!r}, which is not known here.")
    ports = {port.name: port for port in node.inputs}
    port = ports.get(port_name.strip())
    if port is None:
        raise BadWorkflow(f"{node.id} has no input {port_name.strip()!r}.{hint(port_name.strip(), ports)}")
    if not port.is_widget:
        raise BadWorkflow(f"Input {port.name!r} of {node.id} takes a link to a node that gives {port.type}.")
    try:
        _inputs(entry)[port.name] = parse_value(port, text)
    except BadWorkflow as error:
        raise BadWorkflow(f"Input {port.name!r} of {name.strip()} {error}") from error


def _inputs(entry: dict[str, Any]) -> dict[str, Any]:
    """The node's inputs, ready to be changed; anything else in their place is left for the check before the run."""
    inputs = entry.setdefault("inputs", {})
    return inputs if is_object(inputs) else {}


def _find_node(workflow: Workflow, name: str) -> str:
    """The id of the node that has this id, or else alone this title, or else alone this class."""
    entries = {key: entry for key, entry in workflow.items() if is_object(entry) and "class_type" in entry}
    if name in entries:
        return name
    titles = {key: _own_title(entry) for key, entry in entries.items()}
    classes = {key: str(entry["class_type"]) for key, entry in entries.items()}
    for names in (titles, classes):
        found = [key for key, own in names.items() if own == name]
        if len(found) > 1:
            raise BadWorkflow(f"{name!r} is the name of the nodes {', '.join(found)}; write one of these ids.")
        if found:
            return found[0]
    known = dict.fromkeys(one for one in [*entries, *titles.values(), *classes.values()] if one)
    raise BadWorkflow(f"The workflow has no node {name!r}.{hint(name, known)}")

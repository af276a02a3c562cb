"""Finds everything that is wrong with a workflow before any of it runs, and the order in which it is to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from ..nodes.spec import Node, Port
from ..tensors import BadWorkflow
from .workflow_values import Workflow, hint, is_object, shown, title_of, widget_value

# ComfyUI's frontends keep the upload button of LoadImage as if it were an input.
_BUTTONS = ("upload", "choose file to upload")
EXPORT_ADVICE = "in ComfyUI use Workflow > Export (API) and run that file"


def check_format(workflow: object, name: str = "The workflow") -> Workflow:
    """`workflow`, if it looks like ComfyUI's API format. Raises `BadWorkflow`, which calls it `name`."""
    if not is_object(workflow):
        raise BadWorkflow(f"{name} is no JSON object; {EXPORT_ADVICE}.")
    if not workflow:
        raise BadWorkflow(f"{name} is empty; {EXPORT_ADVICE}.")
    return workflow


def plan_workflow(workflow: Workflow, nodes: Mapping[str, Node]) -> list[str]:
    """The ids of the nodes that the output nodes need, each once, every one behind those that feed it.

    The order follows the file. Nodes that no output needs are not run, so only their class is checked.
    Raises one `BadWorkflow` that lists each problem on a line of its own.
    """
    check_format(workflow)
    problems: list[str] = []
    entries = _entries(workflow, problems)
    declared = _declared(entries, nodes, problems)
    outputs = [node_id for node_id, node in declared.items() if node.is_output]
    if not outputs and not problems:
        problems.append("The workflow has no output node, so nothing would be run; add one, such as SaveImage.")
    order = _order(entries, outputs, problems)
    for node_id in order:
        if node_id in declared:
            problems.extend(_node_problems(node_id, entries, declared))
    if problems:
        raise BadWorkflow("\n".join(problems))
    return order


def is_link(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether an input's value is a link, ``[node id, output number]``; ids may be numbers in hand-written files."""
    if not _is_list(value) or len(value) != 2:
        return False
    source, slot = value
    return isinstance(source, (str, int)) and isinstance(slot, int) and not isinstance(slot, bool)


def label(node_id: str, entry: Mapping[str, Any]) -> str:
    """How messages call a node: its id and title."""
    return f"node {node_id} ({title_of(entry)})"


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _entries(workflow: Workflow, problems: list[str]) -> dict[str, dict[str, Any]]:
    """The workflow's well-formed nodes."""
    entries: dict[str, dict[str, Any]] = {}
    for node_id, entry in workflow.items():
        if not is_object(entry) or not isinstance(entry.get("class_type"), str):
            problems.append(f"Entry {node_id!r} is no node; a node is an object with class_type and inputs.")
        elif not is_object(entry.get("inputs", {})):
            problems.append(f"The inputs of {label(node_id, entry)} are no object; give one such as {{}}.")
        else:
            entries[node_id] = entry
    return entries


def _declared(entries: Mapping[str, dict[str, Any]], nodes: Mapping[str, Node], problems: list[str]) -> dict[str, Node]:
    """The declaration of each node whose class is known."""
    declared: dict[str, Node] = {}
    for node_id, entry in entries.items():
        node = nodes.get(entry["class_type"])
        if node is None:
            known = hint(entry["class_type"], nodes)
            problems.append(f"The class of {label(node_id, entry)}, {entry['class_type']!r}, is not known.{known}")
        else:
            declared[node_id] = node
    return declared


def _sources(entry: Mapping[str, Any]) -> Iterator[str]:
    return (str(value[0]) for value in entry.get("inputs", {}).values() if is_link(value))


def _order(entries: Mapping[str, dict[str, Any]], outputs: Sequence[str], problems: list[str]) -> list[str]:
    """Depth first from the outputs, without recursion, because a long chain is deeper than Python's stack."""
    done: dict[str, None] = {}
    for output in outputs:
        path = {output: _sources(entries[output])} if output not in done else {}
        while path:
            node_id = next(reversed(path))
            source = next((one for one in path[node_id] if one in entries and one not in done), None)
            if source is None:
                done[node_id] = None
                del path[node_id]
            elif source in path:
                circle = [*path][[*path].index(source) :]
                problems.append(f"These nodes feed each other in a circle: {' -> '.join([*circle, source])}.")
            else:
                path[source] = _sources(entries[source])
    return list(done)


def _node_problems(node_id: str, entries: Mapping[str, dict[str, Any]], declared: Mapping[str, Node]) -> Iterator[str]:
    name, node = label(node_id, entries[node_id]), declared[node_id]
    inputs = entries[node_id].get("inputs", {})
    ports = {port.name: port for port in node.inputs}
    for key in inputs:
        if key not in ports and key not in _BUTTONS:
            yield f"{name[0].upper()}{name[1:]} has no input {key!r}.{hint(key, ports)}"
    for port in node.inputs:
        problem = _input_problem(port, inputs, entries, declared)
        if problem:
            yield f"Input {port.name!r} of {name} {problem}"


def _input_problem(
    port: Port, inputs: Mapping[str, Any], entries: Mapping[str, dict[str, Any]], declared: Mapping[str, Node]
) -> str | None:
    """What is wrong with one input, as the rest of a sentence that begins with its name."""
    value = inputs.get(port.name)
    if value is None:
        wanted = "a value" if port.is_widget else f"a link to a node that gives {port.type}"
        return None if port.optional or port.default is not None else f"is missing; give {wanted}."
    if is_link(value):
        return _link_problem(port, str(value[0]), value[1], entries, declared)
    if _is_list(value) or not port.is_widget:
        return f"is {shown(value)}; give a link to a node that gives {port.type}, as [node id, output number]."
    try:
        widget_value(port, value)
    except BadWorkflow as error:
        return str(error)
    return None


def _link_problem(
    port: Port, source: str, slot: int, entries: Mapping[str, dict[str, Any]], declared: Mapping[str, Node]
) -> str | None:
    if source not in entries:
        return f"is linked to node {source}, which is not in the workflow."
    if source not in declared:
        return None  # its class is unknown, which is a problem of its own
    outputs = declared[source].outputs
    if not 0 <= slot < len(outputs):
        return f"is linked to output {slot} of {label(source, entries[source])}, which has {len(outputs)} (from 0)."
    if outputs[slot].type != port.type:
        return (
            f"wants {port.type} but is linked to output {slot} of {label(source, entries[source])}, "
            f"which gives {outputs[slot].type}."
        )
    return None

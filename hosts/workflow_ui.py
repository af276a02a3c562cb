"""Workflow JSON as ComfyUI saves it from its canvas (UI format), brought to the API format that is run.

Reroutes, notes, primitives, muted and bypassed nodes are resolved as the frontend does it when it queues a workflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard

from ..nodes.spec import Node
from ..tensors import BadWorkflow
from .workflow_values import Workflow, is_object

MUTED, BYPASSED = 2, 4
NOTES = ("Note", "MarkdownNote")
# Behind a seed the frontend saves what becomes of it after a run.
SEEDS = ("seed", "noise_seed")
SEED_CONTROLS = ("fixed", "increment", "decrement", "randomize")


class Link(NamedTuple):
    """Where a wire comes from: a node's id and the number of its output."""

    node: str
    slot: int


class Typed(NamedTuple):
    """A value that a primitive node hands on."""

    value: Any


def is_ui_format(workflow: Mapping[str, Any]) -> bool:
    """Whether this is what ComfyUI saves from its canvas."""
    return isinstance(workflow.get("nodes"), list) and isinstance(workflow.get("links"), list)


def to_api_format(workflow: Mapping[str, Any], nodes: Mapping[str, Node], name: str = "The workflow") -> Workflow:
    """The workflow in ComfyUI's API format.

    nodes: the known nodes by id, whose ports give the widget values their names; of other nodes the names that newer
    frontends save are used. Raises `BadWorkflow`, which calls the workflow `name`, where it holds subgraphs or is not
    what a frontend saves.
    """
    canvas = _Canvas.read(workflow, name)
    return {
        node_id: canvas.entry(node_id, nodes.get(node["type"]))
        for node_id, node in canvas.nodes.items()
        if canvas.runs(node)
    }


@dataclass(frozen=True)
class _Canvas:
    """The canvas's nodes by id, and its links by number."""

    nodes: Mapping[str, dict[str, Any]]
    links: Mapping[int, Link]

    @classmethod
    def read(cls, workflow: Mapping[str, Any], name: str) -> _Canvas:
        nodes = {str(node["id"]): node for node in workflow["nodes"] if _is_node(node)}
        links = dict(_link_of(link) for link in workflow["links"] if _is_link(link))
        if len(nodes) < len(workflow["nodes"]) or len(links) < len(workflow["links"]):
            raise BadWorkflow(f"{name} holds nodes or links that no ComfyUI saves; save it again from ComfyUI.")
        subgraphs = {one.get("id") for one in _objects(_object(workflow.get("definitions")).get("subgraphs"))}
        inside = [str(node.get("title") or node["id"]) for node in nodes.values() if node["type"] in subgraphs]
        if inside:
            raise BadWorkflow(
                f"{name} has the subgraphs {', '.join(inside)}, which only ComfyUI can open; there use Workflow > "
                "Export (API) and run that file, or unpack the subgraphs."
            )
        return cls(nodes, links)

    def runs(self, node: Mapping[str, Any]) -> bool:
        passed_over = node.get("mode") in (MUTED, BYPASSED)
        return not passed_over and node["type"] not in (*NOTES, "Reroute", "PrimitiveNode")

    def entry(self, node_id: str, record: Node | None) -> dict[str, Any]:
        """One node in API format."""
        node = self.nodes[node_id]
        inputs = _widget_values(node, record)
        for port in _objects(node.get("inputs")):
            if port.get("link") is None:
                continue
            found = self.source(port["link"])
            inputs.pop(port["name"], None)
            if isinstance(found, Typed):
                inputs[port["name"]] = found.value
            elif found is not None:
                inputs[port["name"]] = [found.node, found.slot]
        title = {"_meta": {"title": node["title"]}} if isinstance(node.get("title"), str) else {}
        return {"class_type": node["type"], "inputs": inputs, **title}

    def source(self, number: int) -> Link | Typed | None:
        """What a link brings in the end, behind reroutes and bypassed nodes; None where nothing comes."""
        seen: set[int] = set()
        while number in self.links and number not in seen:
            seen.add(number)
            link = self.links[number]
            node = self.nodes.get(link.node)
            if node is None or node.get("mode") == MUTED:
                return None
            if node["type"] == "PrimitiveNode":
                values = node.get("widgets_values")
                return Typed(values[0]) if _is_list(values) and values else None
            if node["type"] != "Reroute" and node.get("mode") != BYPASSED:
                return link
            number = _way_through(node, link.slot)
        return None


def _way_through(node: Mapping[str, Any], slot: int) -> int:
    """The link that stands in for an output of a bypassed node: of the same input if the types fit, else the first
    that fits; -1 where none does."""
    inputs, outputs = _objects(node.get("inputs")), _objects(node.get("outputs"))
    if node["type"] == "Reroute":
        return _number_of(inputs[0]) if inputs else -1
    wanted = outputs[slot].get("type") if slot < len(outputs) else None
    opposite = [inputs[slot]] if slot < len(inputs) else []
    return next((_number_of(port) for port in (*opposite, *inputs) if port.get("type") == wanted), -1)


def _number_of(port: Mapping[str, Any]) -> int:
    return port["link"] if isinstance(port.get("link"), int) else -1


def _widget_values(node: Mapping[str, Any], record: Node | None) -> dict[str, Any]:
    """The node's widget values by name; those that were added to the node since it was saved are left out."""
    values = node.get("widgets_values")
    if is_object(values):
        return dict(values)
    names, named, last = _widget_names(node, record), dict[str, Any](), ""
    for value in values if _is_list(values) else []:
        control_of_seed = last in SEEDS and value in SEED_CONTROLS
        last = "" if control_of_seed else next(names, "")
        if last:
            named[last] = value
    return named


def _widget_names(node: Mapping[str, Any], record: Node | None) -> Iterator[str]:
    if record is not None:
        return (port.name for port in record.inputs if port.is_widget)
    return (port["name"] for port in _objects(node.get("inputs")) if "widget" in port)


def _link_of(link: Any) -> tuple[int, Link]:
    if is_object(link):
        return link["id"], Link(str(link["origin_id"]), link["origin_slot"])
    return link[0], Link(str(link[1]), link[2])


def _is_node(node: object) -> bool:
    return is_object(node) and isinstance(node.get("id"), (int, str)) and isinstance(node.get("type"), str)


def _is_link(link: object) -> bool:
    if is_object(link):
        return {"id", "origin_id", "origin_slot"} <= link.keys()
    return _is_list(link) and len(link) >= 5


def _object(value: object) -> Mapping[str, Any]:
    return value if is_object(value) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if is_object(item)] if _is_list(value) else []


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)

"""Reads the canvases that a workflow in ComfyUI's UI format holds: its own, and one for each of its subgraphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeGuard

from ..tensors import BadWorkflow
from .workflow_values import is_object

# The frontend's ids of the two boxes at the edges of a subgraph, where what comes in and goes out is connected.
INPUT_NODE = "-10"


class Link(NamedTuple):
    """Where a wire comes from: a node's id and the number of its output."""

    node: str
    slot: int


@dataclass(frozen=True)
class Canvas:
    """A canvas: its nodes by id and its links by number.

    name: of the subgraph. inputs, outputs: its slots, each with the numbers of the links behind it as ``linkIds``.
    renamed: the ids of nodes that the frontend changes because another canvas has them, too.
    """

    nodes: Mapping[str, dict[str, Any]]
    links: Mapping[int, Link]
    name: str = ""
    inputs: Sequence[dict[str, Any]] = ()
    outputs: Sequence[dict[str, Any]] = ()
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])

    def link_out(self, slot: int) -> Link | None:
        """The link that ends in one of the subgraph's outputs."""
        numbers = link_ids(self.outputs[slot]) if 0 <= slot < len(self.outputs) else []
        return self.links.get(numbers[0]) if numbers else None


def read_canvases(workflow: Mapping[str, Any], name: str) -> tuple[Canvas, dict[str, Canvas]]:
    """The workflow's own canvas, and those of its subgraphs by id. Raises `BadWorkflow` for what no frontend saves."""
    canvas = _canvas(workflow, name, {})
    ids = _Ids(canvas.nodes, workflow)
    subgraphs: dict[str, Canvas] = {}
    for definition in _definitions(workflow):
        if isinstance(definition.get("id"), str) and definition["id"] not in subgraphs:
            subgraphs[definition["id"]] = _canvas(definition, name, ids.renamed(definition))
    return canvas, subgraphs


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a JSON list."""
    return [item for item in value if is_object(item)] if is_list(value) else []


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is a list."""
    return isinstance(value, list)


def link_ids(slot: Mapping[str, Any]) -> list[int]:
    """The numbers of the links behind a slot of a subgraph."""
    given = slot.get("linkIds")
    return [number for number in given if isinstance(number, int)] if is_list(given) else []


def _canvas(source: Mapping[str, Any], name: str, renamed: Mapping[str, str]) -> Canvas:
    given_nodes, given_links = _list(source.get("nodes")), _list(source.get("links"))
    nodes = [node for node in objects(given_nodes) if _is_node(node)]
    links = [link for link in given_links if _is_link(link)]
    if len(nodes) < len(given_nodes) or len(links) < len(given_links):
        raise BadWorkflow(f"{name} holds nodes or links that no ComfyUI saves; save it again from ComfyUI.")
    named = {renamed.get(str(node["id"]), str(node["id"])): node for node in nodes}
    numbered = {number: Link(renamed.get(link.node, link.node), link.slot) for number, link in map(_link_of, links)}
    slots = objects(source.get("inputs")), objects(source.get("outputs"))
    return Canvas(named, numbered, str(source.get("name", "")), *slots, renamed)


def _definitions(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The subgraphs of a workflow, and those that are kept inside them, as some frontends do."""
    own = source.get("definitions")
    found: list[dict[str, Any]] = []
    waiting = objects(own.get("subgraphs")) if is_object(own) else []
    while waiting:
        definition = waiting.pop(0)
        found.append(definition)
        inner = definition.get("definitions")
        waiting[:0] = objects(inner.get("subgraphs")) if is_object(inner) else []
    return found


class _Ids:
    """The frontend's rule that no two nodes have one id, wherever they are: who comes later gets the next free one."""

    def __init__(self, nodes: Mapping[str, Any], workflow: Mapping[str, Any]) -> None:
        state = workflow.get("state")
        last = state.get("lastNodeId") if is_object(state) else workflow.get("last_node_id")
        self._used = set(nodes)
        self._last = last if isinstance(last, int) else 0

    def renamed(self, definition: Mapping[str, Any]) -> dict[str, str]:
        """The new ids by the old ones of those nodes of a subgraph that get one."""
        changed: dict[str, str] = {}
        for node in objects(definition.get("nodes")):
            given = str(node.get("id"))
            if given in self._used:
                changed[given] = self._next()
            elif given.isdecimal():
                self._last = max(self._last, int(given))
            self._used.add(changed.get(given, given))
        return changed

    def _next(self) -> str:
        self._last += 1
        while str(self._last) in self._used:
            self._last += 1
        return str(self._last)


def _list(value: object) -> list[Any]:
    return value if is_list(value) else []


def _link_of(link: Any) -> tuple[int, Link]:
    if is_object(link):
        return link["id"], Link(str(link["origin_id"]), link["origin_slot"])
    return link[0], Link(str(link[1]), link[2])


def _is_node(node: Mapping[str, Any]) -> bool:
    return isinstance(node.get("id"), (int, str)) and isinstance(node.get("type"), str)


def _is_link(link: object) -> bool:
    if is_object(link):
        numbers = link.get("id"), link.get("origin_slot")
        return "origin_id" in link and all(isinstance(number, int) for number in numbers)
    return is_list(link) and len(link) >= 5 and isinstance(link[0], int) and isinstance(link[2], int)

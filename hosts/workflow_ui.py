"""Workflow JSON as ComfyUI saves it from its canvas (UI format 0.4 and 1), brought to the API format that is run.

Subgraphs, reroutes, notes, primitives, muted and bypassed nodes are resolved as the frontend does it when it queues a
workflow; a node inside a subgraph gets an id such as "5:3".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..nodes.spec import Node
from ..tensors import BadWorkflow
from .ui_canvas import is_list, read_canvases
from .ui_levels import Level
from .ui_sources import BYPASSED, MUTED, source_of
from .ui_widgets import Typed
from .workflow_values import Workflow

NOTES = ("Note", "MarkdownNote")
_GROUP_NODE = re.compile(r"workflow[>/]")
_SUBGRAPH_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_ui_format(workflow: Mapping[str, Any]) -> bool:
    """Whether this is what ComfyUI saves from its canvas."""
    return is_list(workflow.get("nodes")) and is_list(workflow.get("links", []))


def to_api_format(workflow: Mapping[str, Any], nodes: Mapping[str, Node], name: str = "The workflow") -> Workflow:
    """The workflow in ComfyUI's API format.

    nodes: the known nodes by id, whose ports give the widget values their names; of other nodes the names that newer
    frontends save are used. Raises `BadWorkflow`, which calls the workflow `name`, where it is not what a frontend
    saves, where a subgraph is not in it or contains itself, and for group nodes of older frontends.
    """
    canvas, subgraphs = read_canvases(workflow, name)
    flow: Workflow = {}
    for level, node_id in _running(Level(canvas, subgraphs, nodes)):
        problem = _problem(level, node_id)
        if problem:
            raise BadWorkflow(f"{name}: {level.label(node_id)} {problem}.")
        flow[level.path + node_id] = _entry(level, node_id)
    return flow


def _running(level: Level) -> Iterator[tuple[Level, str]]:
    """Every node that is to run, those of a subgraph in the place of the node that stands for it."""
    for node_id, node in level.canvas.nodes.items():
        passed_over = node.get("mode") in (MUTED, BYPASSED)
        if level.is_subgraph(node_id):
            # On the canvas of a subgraph the frontend asks each inner node for its own mode, not who stands for it.
            if not passed_over or level.host is not None:
                yield from _running(level.inside(node_id))
        elif not passed_over and node["type"] not in (*NOTES, "Reroute", "PrimitiveNode"):
            yield level, node_id


def _entry(level: Level, node_id: str) -> dict[str, Any]:
    """One node in API format."""
    node = level.canvas.nodes[node_id]
    inputs = level.values(node_id)
    for index, slot in enumerate(level.slots(node_id)):
        found = source_of(level, node_id, index)
        if isinstance(found, Typed):
            inputs[slot.name] = found.value
        elif found is not None:
            inputs[slot.name] = [found.node, found.slot]
    title = {"_meta": {"title": node["title"]}} if isinstance(node.get("title"), str) else {}
    return {"class_type": node["type"], "inputs": inputs, **title}


def _problem(level: Level, node_id: str) -> str:
    """Why a node cannot be read, as the rest of a sentence; empty where it can."""
    kind = level.canvas.nodes[node_id]["type"]
    if kind in level.known:
        return ""
    if _SUBGRAPH_ID.fullmatch(kind):
        return "is a subgraph that the file does not hold; open it in the ComfyUI that has it and save it again"
    if _GROUP_NODE.match(kind):
        return "is a group node of an older ComfyUI; convert it to a subgraph in ComfyUI and save the workflow again"
    return ""

"""A canvas of a workflow in UI format where it is used: a subgraph's as often as there are nodes that stand for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from ..nodes.spec import Node
from ..tensors import BadWorkflow
from .ui_canvas import Canvas, is_list, link_ids
from .ui_widgets import Slot, Typed, declared_slots, saved_slots, widget_values
from .workflow_values import is_object

# Older frontends put the ids of inner subgraphs in front of a widget's name, such as "12: text".
_PREFIX = re.compile(r"(\s*\d+\s*:\s*)+(?=.)")


class _Promoted(NamedTuple):
    """Values that a node gives to widgets inside its subgraph.

    inputs: by the name of an input that the widget is connected to. widgets: by node id and name of any other widget.
    """

    inputs: dict[str, Any]
    widgets: dict[tuple[str, str], Any]


class Level:
    """A canvas in use.

    subgraphs: their canvases by id. known: the known nodes by id. host: the level and the id of the node that stands
    for this canvas, None for the workflow's own. path: what stands before the ids of its nodes in API format.
    """

    def __init__(
        self, canvas: Canvas, subgraphs: Mapping[str, Canvas], known: Mapping[str, Node],
        host: tuple[Level, str] | None = None,
    ) -> None:  # fmt: skip
        self.canvas, self.subgraphs, self.known, self.host = canvas, subgraphs, known, host
        self.path = f"{host[0].path}{host[1]}:" if host else ""
        self._inside: dict[str, Level] = {}
        self._slots: dict[str, list[Slot]] = {}

    def label(self, node_id: str) -> str:
        """How messages call a node: its id in API format and its title."""
        node = self.canvas.nodes[node_id]
        name = self.inside(node_id).canvas.name if self.is_subgraph(node_id) else node["type"]
        return f"node {self.path}{node_id} ({node.get('title') or name})"

    def is_subgraph(self, node_id: str) -> bool:
        """Whether the node stands for a subgraph."""
        return self.canvas.nodes[node_id]["type"] in self.subgraphs

    def inside(self, node_id: str) -> Level:
        """The canvas that the node stands for. Raises `BadWorkflow` where it is the one that the node is on."""
        if node_id not in self._inside:
            canvas = self.subgraphs[self.canvas.nodes[node_id]["type"]]
            if any(above.canvas is canvas for above in self._above()):
                raise BadWorkflow(
                    f"The subgraph {canvas.name!r} contains itself, as node {self.path}{node_id}; delete that node in "
                    "ComfyUI and save the workflow again."
                )
            self._inside[node_id] = Level(canvas, self.subgraphs, self.known, (self, node_id))
        return self._inside[node_id]

    def slots(self, node_id: str) -> list[Slot]:
        """The node's inputs in the frontend's order."""
        if node_id not in self._slots:
            node = self.canvas.nodes[node_id]
            if self.is_subgraph(node_id):
                inner, saved = self.subgraphs[node["type"]].inputs, saved_slots(node)
                links = {name: slot.link for name, slot in saved.items()}
                names = [(str(slot.get("name")), str(slot.get("type"))) for slot in inner]
                self._slots[node_id] = [Slot(name, kind, links.get(name)) for name, kind in names]
            else:
                self._slots[node_id] = declared_slots(node, self.known.get(node["type"]))
        return self._slots[node_id]

    def values(self, node_id: str) -> dict[str, Any]:
        """The node's widget values by name, as the node that stands for the canvas may have changed them."""
        node = self.canvas.nodes[node_id]
        values = widget_values(node, self.known.get(node["type"]))
        for slot in self.slots(node_id):
            if slot.is_widget and (node_id, slot.name) in self._promoted.widgets:
                values[slot.name] = self._promoted.widgets[node_id, slot.name]
        return values

    def primitive_value(self, node_id: str) -> Typed | None:
        """What a primitive node hands on."""
        given = [value for (owner, _), value in self._promoted.widgets.items() if owner == node_id]
        values = given or self.canvas.nodes[node_id].get("widgets_values")
        return Typed(values[0]) if is_list(values) and values else None

    def input_value(self, index: int) -> Typed | None:
        """What the canvas's input gives where nothing is connected to it outside: the value of the widget that it is
        connected to inside, as the node that stands for the canvas shows it; None where there is no widget."""
        if self.host is None or self._widget_behind(index) is None:
            return None
        name = str(self.canvas.inputs[index].get("name"))
        above, node_id = self.host
        values = above.canvas.nodes[node_id].get("widgets_values")
        position = sum(self._widget_behind(before) is not None for before in range(index))
        for given in (above._promoted.widgets.get((node_id, name)), self._promoted.inputs.get(name)):
            if given is not None:
                return Typed(given)
        if is_list(values) and position < len(values) and values[position] is not None:
            return Typed(values[position])
        return self._inner_value(index)

    def _above(self) -> Iterator[Level]:
        level: Level | None = self
        while level is not None:
            yield level
            level = level.host[0] if level.host else None

    @cached_property
    def _ends(self) -> dict[int, tuple[str, str]]:
        """For each link the id of the node and the name of the input where it ends."""
        ends = ((slot.link, (node_id, slot.name)) for node_id in self.canvas.nodes for slot in self.slots(node_id))
        return {number: end for number, end in ends if number is not None}

    def _widget_behind(self, index: int) -> tuple[str, str] | None:
        """The first widget, by its node's id and its name, that an input of the canvas is connected to."""
        if not 0 <= index < len(self.canvas.inputs):
            return None
        for node_id, name in self._behind(index):
            slots = self.slots(node_id)
            at = next(number for number, slot in enumerate(slots) if slot.name == name)
            is_widget = slots[at].is_widget
            if self.is_subgraph(node_id):
                is_widget = self.inside(node_id)._widget_behind(at) is not None
            if is_widget:
                return node_id, name
        return None

    def _behind(self, index: int) -> list[tuple[str, str]]:
        return [self._ends[number] for number in link_ids(self.canvas.inputs[index]) if number in self._ends]

    def _inner_value(self, index: int) -> Typed | None:
        """The value of the widget behind an input as it was saved inside."""
        found = self._widget_behind(index)
        if found is None:
            return None
        node_id, name = found
        if self.is_subgraph(node_id):
            at = next(number for number, slot in enumerate(self.slots(node_id)) if slot.name == name)
            return self.inside(node_id).input_value(at)
        values = self.values(node_id)
        return Typed(values[name]) if name in values else None

    @cached_property
    def _promoted(self) -> _Promoted:
        """What the node that stands for the canvas says in its list of promoted widgets, as older frontends saved it:
        [node id, widget], with the values in the same order."""
        promoted = _Promoted({}, {})
        if self.host is None:
            return promoted
        above, host_id = self.host
        node = above.canvas.nodes[host_id]
        properties, values = node.get("properties"), node.get("widgets_values")
        entries = properties.get("proxyWidgets") if is_object(properties) else None
        behind = {self._widget_behind(index): slot for index, slot in enumerate(self.canvas.inputs)}
        for number, entry in enumerate(entries if is_list(entries) else []):
            if not is_list(entry) or len(entry) < 2:
                continue
            owner, name = self.canvas.renamed.get(str(entry[0]), str(entry[0])), str(entry[1])
            value = values[number] if is_list(values) and number < len(values) else None
            value = above._promoted.widgets.get((host_id, name), value)
            if value is None:
                continue
            if (owner, name) in behind:
                promoted.inputs[str(behind[owner, name].get("name"))] = value
            elif owner == "-1":
                promoted.inputs[name] = value
            else:
                promoted.widgets[owner, self._bare(owner, name)] = value
        return promoted

    def _bare(self, owner: str, name: str) -> str:
        names = [slot.name for slot in self.slots(owner)] if owner in self.canvas.nodes else [name]
        return name if name in names else _PREFIX.sub("", name, count=1)

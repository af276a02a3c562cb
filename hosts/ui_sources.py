"""Where the inputs of a workflow in UI format come from in the end: behind reroutes, bypassed nodes and subgraphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .ui_canvas import INPUT_NODE, Link, objects
from .ui_levels import Level
from .ui_widgets import Slot, Typed

MUTED, BYPASSED = 2, 4


class _Input(NamedTuple):
    level: Level
    node: str
    slot: int
    type: str = ""


class _Output(NamedTuple):
    level: Level
    node: str
    slot: int
    type: str


def source_of(level: Level, node: str, index: int) -> Link | Typed | None:
    """What comes to an input of a node: an output, by its node's id in API format, or a value; None where nothing does.

    A muted node gives nothing. A bypassed one gives what comes to its input of the same number if the types fit, else
    to the first whose type fits. A primitive's value goes to the widgets that it is connected to itself, as in the
    frontend, and not through other nodes or into a subgraph. Circles of reroutes give nothing.
    """
    at: _Input | _Output = _Input(level, node, index)
    seen: set[tuple[bool, str, int]] = set()
    while True:
        key = isinstance(at, _Input), at.level.path + at.node, at.slot
        if key in seen:
            return None
        seen.add(key)
        found = _before_input(at) if isinstance(at, _Input) else _before_output(at, direct=len(seen) == 2)
        if not isinstance(found, (_Input, _Output)):
            return found
        at = found


def _before_input(at: _Input) -> _Input | _Output | Typed | None:
    level = at.level
    slot = level.slots(at.node)[at.slot]
    link = None if slot.link is None else level.canvas.links.get(slot.link)
    if link is None:
        return None
    if link.node != INPUT_NODE or level.host is None:
        return _Output(level, link.node, link.slot, at.type or slot.type)
    above, host = level.host
    slots = above.slots(host)
    if not 0 <= link.slot < len(slots):
        return None
    return level.input_value(link.slot) if slots[link.slot].link is None else _Input(above, host, link.slot)


def _before_output(at: _Output, direct: bool) -> _Input | _Output | Link | Typed | None:
    level = at.level
    node = level.canvas.nodes.get(at.node)
    if node is None or node.get("mode") == MUTED:
        return None
    if node.get("mode") == BYPASSED:
        outputs = objects(node.get("outputs"))
        given = str(outputs[at.slot].get("type")) if 0 <= at.slot < len(outputs) else at.type
        way = _way_through(level.slots(at.node), at.slot, given, at.type)
        return None if way is None else _Input(level, at.node, way)
    if level.is_subgraph(at.node):
        inner = level.inside(at.node)
        link = inner.canvas.link_out(at.slot)
        if link is None:
            return None
        if link.node == INPUT_NODE:
            return _Input(level, at.node, link.slot) if 0 <= link.slot < len(level.slots(at.node)) else None
        return _Output(inner, link.node, link.slot, at.type)
    if node["type"] == "PrimitiveNode":
        return level.primitive_value(at.node) if direct else None
    if node["type"] == "Reroute":
        return _Input(level, at.node, 0, at.type) if level.slots(at.node) else None
    return Link(level.path + at.node, at.slot)


def _way_through(slots: Sequence[Slot], output: int, given: str, wanted: str) -> int | None:
    """The number of the input whose value a bypassed node gives for one of its outputs."""
    if wanted in ("*", ""):
        return (output if output < len(slots) else 0) if slots else None
    fits = [_fits(slot.type, given) and _fits(slot.type, wanted) for slot in slots]
    exact = [number for number, slot in enumerate(slots) if slot.type == wanted]
    same = [output] if output < len(slots) and fits[output] else []
    return next(iter([*same, *exact, *(number for number, fit in enumerate(fits) if fit)]), None)


def _fits(one: str, other: str) -> bool:
    """Whether the frontend connects two types; each may be several, with commas between."""
    anything = ("", "*", "0")
    kinds = {*one.lower().split(",")}, {*other.lower().split(",")}
    return one in anything or other in anything or bool(kinds[0] & kinds[1])

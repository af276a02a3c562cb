"""Workflows and blueprints as ComfyUI saves them from its canvas."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from .steps import OURS, WIDGETS, Blueprint, Group, Step, ports_of

GAP_PX, GROUP_PAD_PX, TITLE_PX = 60, 20, 60
NODE_WIDTH_PX, SLOT_PX, WIDGET_PX, HEAD_PX, PREVIEW_PX, TEXT_PX = 340, 22, 26, 40, 260, 120
SHOWS_PICTURE = (
    "LoadImage", "SaveImage", "PreviewImage", "HemlinePreviewMask", "HemlineTryOnInputs", "HemlineSaveGarmentSet",
)  # fmt: skip
# What their widgets in the page take, as they open there; Edit Mask with the text that hosts show below after a run.
EDITOR_PX = {"HemlineEditMask": 440 + 64, "HemlinePreviewCompare": 520}
WIDTH_PX = {"HemlineEditMask": 460, "HemlinePreviewCompare": 540}
LIVE_PREVIEW_PX = 300
GROUP_COLOURS = ("#3f789e", "#8a6d3b", "#5b7f4a", "#7a5480")
IO_WIDTH_PX = 140
INPUT_NODE, OUTPUT_NODE = -10, -20
# What the ids of blueprints and of their slots are made of, so that they stay the same.
IDS = uuid.UUID("2b1d7a3e-5f0c-4d8e-9a61-0c7c3e5b8f14")

Json = dict[str, Any]


def ui_format(groups: tuple[Group, ...]) -> Json:
    """The workflow as ComfyUI saves it from its canvas, format 0.4."""
    steps = [one for group in groups for column in group.columns for one in column]
    nodes = {one.name: _node(number, one) for number, one in enumerate(steps, start=1)}
    links = _links(steps, nodes)
    boxes = _place(groups, nodes)
    return {
        "last_node_id": len(nodes), "last_link_id": len(links), "nodes": list(nodes.values()),
        "links": [[*link.values()] for link in links], "groups": boxes, "config": {},
        "extra": {"ds": {"scale": 0.6, "offset": [60, 160]}}, "version": 0.4,
    }  # fmt: skip


def blueprint_format(name: str, blueprint: Blueprint) -> Json:
    """The blueprint as the host keeps it: a workflow of one node that stands for the subgraph."""
    kind = str(uuid.uuid5(IDS, name))
    definition, values = _definition(name, kind, blueprint)
    ends = [{key: slot[key] for key in ("name", "type")} for slot in definition["inputs"]]
    promoted = len(ends) - len(values)
    instance = {
        "id": 1, "type": kind, "pos": [0, 0], "size": [NODE_WIDTH_PX, HEAD_PX + (SLOT_PX + 4) * len(ends)], "flags": {},
        "order": 0, "mode": 0, "title": name,
        "inputs": [{**end, "link": None, **({"widget": {"name": end["name"]}} if number >= promoted else {})}
                   for number, end in enumerate(ends)],
        "outputs": [{"name": slot["name"], "type": slot["type"], "links": []} for slot in definition["outputs"]],
        "properties": {}, "widgets_values": values,
    }  # fmt: skip
    return {
        "id": str(uuid.uuid5(IDS, f"{name} workflow")), "revision": 0,
        "last_node_id": definition["state"]["lastNodeId"], "last_link_id": 0, "nodes": [instance],
        "links": [], "version": 0.4, "definitions": {"subgraphs": [definition]},
        "extra": {"BlueprintDescription": blueprint.description, "BlueprintSearchAliases": [*blueprint.aliases]},
    }  # fmt: skip


def _definition(name: str, kind: str, blueprint: Blueprint) -> tuple[Json, list[Any]]:
    """The subgraph, and the values of its promoted widgets, whose inputs come behind all wires."""
    steps = [one for column in blueprint.columns for one in column]
    nodes = {one.name: _node(number, one) for number, one in enumerate(steps, start=2)}
    links = _links(steps, nodes)
    width, height = _place_columns(blueprint.columns, nodes, 0)
    inputs, values = [], []
    for slot, (label, targets) in enumerate(blueprint.inputs.items()):
        made = [_connect(len(links) + n, INPUT_NODE, slot, nodes[to], port) for n, (to, port) in enumerate(targets, 1)]
        links += made
        inputs.append(_io_slot(name, "in", label, made, -IO_WIDTH_PX - GAP_PX, slot))
        default = _value_of(next(one for one in steps if one.name == targets[0][0]), targets[0][1])
        values += [] if default is None else [default]
    outputs = []
    right = width + GAP_PX
    for slot, (label, (source, number)) in enumerate(blueprint.outputs.items()):
        port = nodes[source]["outputs"][number]
        link = _link(len(links) + 1, nodes[source]["id"], number, OUTPUT_NODE, slot, port["type"])
        port["links"].append(link["id"])
        links.append(link)
        outputs.append(_io_slot(name, "out", label, [link], right, slot))
    definition = {
        "id": kind, "version": 1, "revision": 0, "config": {}, "name": name,
        "state": {"lastGroupId": 0, "lastNodeId": len(nodes) + 1, "lastLinkId": len(links), "lastRerouteId": 0},
        "inputNode": {"id": INPUT_NODE, "bounding": [-IO_WIDTH_PX - GAP_PX, 0, IO_WIDTH_PX, height]},
        "outputNode": {"id": OUTPUT_NODE, "bounding": [right, 0, IO_WIDTH_PX, height]},
        "inputs": inputs, "outputs": outputs, "widgets": [], "nodes": list(nodes.values()), "groups": [],
        "links": links, "extra": {}, "category": "Hemline", "description": blueprint.description,
    }  # fmt: skip
    return definition, values


def _io_slot(name: str, side: str, label: str, links: list[Json], left: float, slot: int) -> Json:
    kind = links[0]["type"]
    id = str(uuid.uuid5(IDS, f"{name} {side} {label}"))
    ids = [link["id"] for link in links]
    return {
        "id": id,
        "name": label,
        "type": kind,
        "linkIds": ids,
        "pos": [left + IO_WIDTH_PX, HEAD_PX + SLOT_PX * slot],
    }


def _place(groups: tuple[Group, ...], nodes: dict[str, Json]) -> list[Json]:
    """Puts the nodes in columns from left to right; the frames around the groups."""
    left, frames = 0, list[Json]()
    for group, colour in zip(groups, GROUP_COLOURS, strict=False):
        width, bottom = _place_columns(group.columns, nodes, left)
        corner = [left - GROUP_PAD_PX, -TITLE_PX - 2 * GROUP_PAD_PX]
        size = [width + 2 * GROUP_PAD_PX, bottom + TITLE_PX + 3 * GROUP_PAD_PX]
        frame = {"title": group.title, "bounding": [*corner, *size], "color": colour, "font_size": 24, "flags": {}}
        frames.append(frame)
        left += width + 2 * GROUP_PAD_PX + GAP_PX
    return frames


def _place_columns(columns: tuple[tuple[Step, ...], ...], nodes: dict[str, Json], left: int) -> tuple[int, int]:
    """Puts the nodes in columns; the width and the height that they take."""
    right, bottom = left, 0
    for column in columns:
        top = 0
        for one in column:
            nodes[one.name]["pos"] = [right, top]
            top += nodes[one.name]["size"][1] + GAP_PX
        bottom = max(bottom, top - GAP_PX)
        right += max(nodes[one.name]["size"][0] for one in column) + GAP_PX
    return right - GAP_PX - left, bottom


def _value_of(one: Step, port: str) -> Any:
    """What a widget is set to; None for a wire."""
    kind, default = next((kind, default) for name, kind, default in ports_of(one.type)[0] if name == port)
    return one.inputs.get(port, default) if kind in WIDGETS else None


def _node(number: int, one: Step) -> Json:
    inputs, outputs = ports_of(one.type)
    unknown = one.inputs.keys() - {name for name, _, _ in inputs}
    assert not unknown, f"{one.type} has no {unknown}"
    values: list[Any] = []
    for name, kind, default in inputs:
        if kind in WIDGETS:
            value = one.inputs.get(name, default)
            values += [default if isinstance(value, tuple) else value]
            values += ["fixed"] if name == "seed" else []
    values += ["image"] if one.type == "LoadImage" else []
    wires = [(name, kind) for name, kind, _ in inputs if kind not in WIDGETS]
    widgets = [(name, kind) for name, kind, _ in inputs if kind in WIDGETS and one.type != "MarkdownNote"]
    return {
        "id": number, "type": one.type, "pos": [0, 0],
        "size": [WIDTH_PX.get(one.type, NODE_WIDTH_PX), _height(one, max(len(wires), len(outputs)), len(values))],
        "flags": {},
        "order": number - 1, "mode": 0,
        "inputs": [
            *({"name": name, "type": kind, "link": None} for name, kind in wires),
            *({"name": name, "type": kind, "link": None, "widget": {"name": name}} for name, kind in widgets),
        ],
        "outputs": [
            {"name": name, "type": kind, "links": [], "slot_index": slot} for slot, (name, kind) in enumerate(outputs)
        ],
        **({"title": one.title} if one.title else {}),
        "properties": {"Node name for S&R": one.type, **({"hemline_preview": "on"} if _has_preview(one.type) else {})},
        "widgets_values": values,
    }  # fmt: skip


def _height(one: Step, rows: int, values: int) -> int:
    if one.type == "MarkdownNote":
        return HEAD_PX + WIDGET_PX + TEXT_PX
    text = one.type == "CLIPTextEncode" or _has_text_area(one.type)
    height = HEAD_PX + SLOT_PX * rows + WIDGET_PX * values
    return (
        height
        + TEXT_PX * text
        + PREVIEW_PX * (one.type in SHOWS_PICTURE)
        + EDITOR_PX.get(one.type, LIVE_PREVIEW_PX * _has_preview(one.type))
    )


def _has_preview(type: str) -> bool:
    return type in OURS and OURS[type].has_preview


def _links(steps: Iterable[Step], nodes: dict[str, Json]) -> list[Json]:
    """The wires between steps."""
    links: list[Json] = []
    for one in steps:
        for port, value in one.inputs.items():
            if isinstance(value, tuple):
                source = nodes[value[0]]
                link = _connect(len(links) + 1, source["id"], value[1], nodes[one.name], port)
                link["type"] = source["outputs"][value[1]]["type"]
                source["outputs"][value[1]]["links"].append(link["id"])
                links.append(link)
    return links


def _connect(number: int, origin: int, slot: int, target: Json, name: str) -> Json:
    index = next(index for index, port in enumerate(target["inputs"]) if port["name"] == name)
    target["inputs"][index]["link"] = number
    return _link(number, origin, slot, target["id"], index, target["inputs"][index]["type"])


def _link(number: int, origin: int, origin_slot: int, target: int, target_slot: int, kind: str) -> Json:
    return {"id": number, "origin_id": origin, "origin_slot": origin_slot, "target_id": target,
            "target_slot": target_slot, "type": kind}  # fmt: skip


def _has_text_area(type: str) -> bool:
    return type in OURS and any(port.multiline for port in OURS[type].inputs)

"""The words in which the workflows are described: steps in columns, columns in groups."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hemline.nodes import NODES

ROOT = Path(__file__).resolve().parents[2]
CORE = json.loads((ROOT / "tests" / "golden" / "core_object_info.json").read_text(encoding="utf-8"))
OURS = {record.id: record for record in NODES}
# It comes with every ComfyUI, so that no node is red when a template opens.
ANY_PICTURE = "example.png"
WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")


@dataclass(frozen=True)
class Step:
    """A node: its name here, class, title and what differs from its defaults; ``("name", 0)`` is a wire."""

    name: str
    type: str
    inputs: dict[str, Any]
    title: str = ""


@dataclass(frozen=True)
class Group:
    """Columns of steps under one title."""

    title: str
    columns: tuple[tuple[Step, ...], ...]


@dataclass(frozen=True)
class Blueprint:
    """A subgraph that users find beside the nodes.

    inputs: its sockets and widgets, each with the ``(step, input)`` that it goes to; outputs: where each comes from.
    """

    description: str
    aliases: tuple[str, ...]
    columns: tuple[tuple[Step, ...], ...]
    inputs: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    outputs: dict[str, tuple[str, int]] = field(default_factory=dict)


def step(name: str, type: str, title: str = "", /, **inputs: Any) -> Step:
    """A step with its inputs as keywords."""
    return Step(name, type, inputs, title)


def note(name: str, text: str) -> Step:
    """A note on the canvas."""
    return Step(name, "MarkdownNote", {"text": text})


def ports_of(type: str) -> tuple[list[tuple[str, str, Any]], list[tuple[str, str]]]:
    """(name, type, default) of the inputs, None for wires, and (name, type) of the outputs, in the host's order."""
    if type in OURS:
        record = OURS[type]
        inputs = sorted(record.inputs, key=lambda port: port.optional)
        return [(port.name, port.type, port.default) for port in inputs], [(p.name, p.type) for p in record.outputs]
    if type not in CORE:
        return [("text", "STRING", "")], []
    info = CORE[type]
    given = {**info["input"].get("required", {}), **info["input"].get("optional", {})}
    inputs = [(name, *_core_port(*entry)) for name, entry in given.items()]
    return inputs, list(zip(info["output_name"], info["output"], strict=True))


def _core_port(kind: Any, options: dict[str, Any] | None = None) -> tuple[str, Any]:
    if isinstance(kind, list):
        return "COMBO", (options or {}).get("default", kind[0] if kind else "")
    return kind, (options or {}).get("default", "") if kind in WIDGETS else None

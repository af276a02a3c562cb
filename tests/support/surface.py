"""The node surface: everything about the nodes that a saved workflow depends on, as plain JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hemline.nodes.spec import Node, Port
from hemline.plugins import Registry

Surface = list[dict[str, Any]]
LIMITS = ("minimum", "maximum", "step")


def describe_surface(nodes: Sequence[Node]) -> Surface:
    """One entry per node, in menu order; ports in their order, by which old workflows store widget values."""
    return [
        {
            "id": node.id,
            "category": node.category,
            "version": node.version,
            "is_output": node.is_output,
            "inputs": [_describe_input(port) for port in node.inputs],
            "outputs": [{"name": port.name, "type": port.type, **_list_flag(port)} for port in node.outputs],
        }
        for node in nodes
    ]


def _describe_input(port: Port) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": port.name, "type": port.type}
    if port.is_widget:
        entry["default"] = port.default
        entry |= {key: getattr(port, key) for key in LIMITS if getattr(port, key) is not None}
    if port.type == "COMBO":
        entry["options"] = _fixed_options(port)
    return entry | ({"optional": True} if port.optional else {}) | _list_flag(port)


def _list_flag(port: Port) -> dict[str, Any]:
    return {"is_list": True} if port.is_list else {}


def _fixed_options(port: Port) -> list[str] | str:
    """The options that no plugin and no file decides about."""
    owner = getattr(port.options, "__self__", None)
    if isinstance(owner, Registry):
        return list(owner.built_in)
    return "found at run time" if callable(port.options) else list(port.options)


def broken_promises(old: Surface, new: Surface) -> list[str]:
    """What a workflow saved with `old` would trip over in `new`; empty where ports and options were only appended."""
    now = {node["id"]: node for node in new}
    broken = [f"{node['id']} is gone" for node in old if node["id"] not in now]
    for before in (node for node in old if node["id"] in now):
        after = now[before["id"]]
        for side in ("inputs", "outputs"):
            broken += [f"{before['id']} {text}" for text in _broken_ports(side, before[side], after[side])]
    return broken


def _broken_ports(side: str, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[str]:
    names = [port["name"] for port in new][: len(old)]
    if names != [port["name"] for port in old]:
        return [f"{side} were {[port['name'] for port in old]} and are {names}: append, never rename or reorder"]
    broken: list[str] = []
    for before, after in zip(old, new, strict=False):
        lost = [option for option in _options(before) if option not in _options(after)]
        if before["type"] != after["type"]:
            broken.append(f"{side} {before['name']} was {before['type']} and is {after['type']}")
        if lost and _options(after):
            broken.append(f"{side} {before['name']} lost the options {lost}")
        if before.get("is_list") and not after.get("is_list"):
            broken.append(f"{side} {before['name']} was a list and is one value")
        if before.get("optional") and not after.get("optional"):
            broken.append(f"{side} {before['name']} was optional and is required")
        if _narrower(before, after):
            broken.append(f"{side} {before['name']} takes a narrower range than before")
    added = [port["name"] for port in new[len(old) :] if side == "inputs" and _must_be_wired(port)]
    return broken + [f"{side} {name} is a new required wire: make it optional" for name in added]


def _options(port: dict[str, Any]) -> list[str]:
    return port["options"] if isinstance(port.get("options"), list) else []


def _narrower(before: dict[str, Any], after: dict[str, Any]) -> bool:
    if "minimum" not in before or "minimum" not in after:
        return False
    return after["minimum"] > before["minimum"] or after["maximum"] < before["maximum"]


def _must_be_wired(port: dict[str, Any]) -> bool:
    return "default" not in port and not port.get("optional")

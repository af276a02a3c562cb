"""What a host says about the pack's nodes, in one form for both interfaces."""

from __future__ import annotations

from typing import Any

from support.fake_comfyui import Host


def ours(host: Host) -> dict[str, dict[str, Any]]:
    """The entries of our nodes."""
    return {id: info for id, info in host.object_info().items() if id.startswith("Hemline")}


def ports_of(info: dict[str, Any]) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Every input of an entry, required or not: widgets with a default are optional ones."""
    groups = comparable(info)["ports"]
    return {**groups["required"], **groups["optional"]}


def comparable(info: dict[str, Any]) -> dict[str, Any]:
    """An entry of object_info in one form: V1 writes options as the type, V3 beside it."""
    ports = {
        group: {name: combo_as_v3(*entry) for name, entry in info["input"].get(group, {}).items()}
        for group in ("required", "optional")
    }
    kept = ("output", "output_name", "output_is_list", "display_name", "description", "category", "output_node")
    order = {group: names for group, names in info["input_order"].items() if group in ports and names}
    entry = {"ports": ports, "order": order, **{key: list_of(info[key]) for key in kept}}
    return {**entry, "output": ["COMBO" if isinstance(kind, list) else kind for kind in entry["output"]]}


def combo_as_v3(kind: Any, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
    options = {key: value for key, value in (options or {}).items() if value is not None and value is not False}
    if isinstance(kind, (list, tuple)):
        kind, options = "COMBO", {**options, "options": kind}
    if "options" in options:
        options["options"] = list(options["options"])
    return kind, options


def list_of(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

"""UI workflows, the form that users save and share, made out of API prompts, and a prompt to make one of."""

from __future__ import annotations

from typing import Any

from support.given import default_of
from support.prompt_validation import Prompt, is_link

WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
PICTURE = "photo.png"  # the one that Load Image knows in the tests of the page
COLUMN_PX, ROW_PX, ROWS = 420, 520, 2


def widget_defaults(info: dict[str, Any]) -> list[list[Any]]:
    ports = {**info["input"].get("required", {}), **info["input"].get("optional", {})}
    options = {name: (entry[0], entry[1] if len(entry) > 1 else {}) for name, entry in ports.items()}
    return [
        [name, default_of(kind, rest)]
        for name, (kind, rest) in options.items()
        if isinstance(kind, list) or kind in WIDGETS
    ]


def chain(object_info: dict[str, Any]) -> Prompt:
    """LoadImage -> detect -> refine -> grow -> crop -> stitch -> SaveImage, and a preview."""
    wires: dict[str, tuple[str, dict[str, Any]]] = {
        "photo": ("LoadImage", {"image": PICTURE}),
        "found": ("HemlineDetectGarments", {"image": ["photo", 0], "what": "tops"}),
        "refined": ("HemlineRefineMask", {"mask": ["found", 1], "image": ["photo", 0], "edge_px": 5}),
        "grown": ("HemlineGrowFeatherMask", {"mask": ["refined", 0], "grow": -2.5}),
        "cropped": ("HemlineInpaintCrop", {"image": ["photo", 0], "mask": ["grown", 0]}),
        "stitched": ("HemlineInpaintStitch", {"stitch": ["cropped", 3], "image": ["cropped", 0]}),
        "saved": ("SaveImage", {"images": ["stitched", 0], "filename_prefix": "hemline"}),
        "seen": ("HemlinePreviewMask", {"image": ["photo", 0], "mask": ["grown", 0], "garments": ["found", 0]}),
    }
    return {
        id: {"class_type": type, "inputs": dict(widget_defaults(object_info[type])) | inputs}
        for id, (type, inputs) in wires.items()
    }


def ui_workflow(prompt: Prompt, object_info: dict[str, Any]) -> dict[str, Any]:
    """The prompt as workflow JSON of format 0.4; node ids become numbers, widget values a list in declared order."""
    numbers = {id: number for number, id in enumerate(prompt, start=1)}
    nodes = [_node(numbers[id], entry, object_info[entry["class_type"]]) for id, entry in prompt.items()]
    by_id = {node["id"]: node for node in nodes}
    links: list[list[Any]] = []
    for id, entry in prompt.items():
        for name, value in entry["inputs"].items():
            if is_link(value):
                links.append(_connect(len(links) + 1, by_id[numbers[value[0]]], value[1], by_id[numbers[id]], name))
    return {
        "last_node_id": len(nodes), "last_link_id": len(links), "nodes": nodes, "links": links, "groups": [],
        "config": {}, "extra": {}, "version": 0.4,
    }  # fmt: skip


def numbered(prompt: Prompt) -> Prompt:
    """The prompt with the ids that its `ui_workflow` has."""
    numbers = {id: str(number) for number, id in enumerate(prompt, start=1)}
    return {
        numbers[id]: {
            "class_type": entry["class_type"],
            "inputs": {name: [numbers[v[0]], v[1]] if is_link(v) else v for name, v in entry["inputs"].items()},
        }
        for id, entry in prompt.items()
    }


def _ports(info: dict[str, Any]) -> dict[str, Any]:
    return {**info["input"].get("required", {}), **info["input"].get("optional", {})}


def _is_widget(entry: Any) -> bool:
    return isinstance(entry[0], list) or entry[0] in WIDGETS


def _node(number: int, entry: dict[str, Any], info: dict[str, Any]) -> dict[str, Any]:
    wires = [(name, port[0]) for name, port in _ports(info).items() if not _is_widget(port)]
    values = [entry["inputs"][name] for name, port in _ports(info).items() if _is_widget(port)]
    return {
        "id": number,
        "type": entry["class_type"],
        "pos": [60 + COLUMN_PX * ((number - 1) // ROWS), 60 + ROW_PX * ((number - 1) % ROWS)],
        "size": [360, 200],
        "flags": {},
        "order": number - 1,
        "mode": 0,
        "inputs": [{"name": name, "type": kind, "link": None} for name, kind in wires],
        "outputs": [
            {"name": name, "type": kind, "links": [], "slot_index": slot}
            for slot, (name, kind) in enumerate(zip(info["output_name"], info["output"], strict=True))
        ],
        "properties": {"Node name for S&R": entry["class_type"]},
        # LoadImage has a button behind its one value, which is saved as the word "image".
        "widgets_values": [*values, "image"] if entry["class_type"] == "LoadImage" else values,
    }


def _connect(number: int, source: dict[str, Any], slot: int, target: dict[str, Any], name: str) -> list[Any]:
    source["outputs"][slot]["links"].append(number)
    index = next(i for i, port in enumerate(target["inputs"]) if port["name"] == name)
    target["inputs"][index]["link"] = number
    return [number, source["id"], slot, target["id"], index, source["outputs"][slot]["type"]]

"""Nodes that hand test tensors into a prompt and keep results, and prompts built out of a node's own declaration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.fake_comfyui import Host
from support.pictures import add_batch
from support.prompt_validation import Prompt

WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
# Widgets that are not left at their default, to keep the tests short: the default crop has a million pixels.
QUICK = {
    "HemlineInpaintCrop": {"target": "as is"},
    "HemlineBatchLoad": {"source": "batch", "overlays": "*_overlay.png", "masks": "*_mask.png"},
    "HemlineTryOnInputs": {"width": 64, "height": 96},
}
# Of wires that stand for each other: the one that is given, and those that are not.
GIVEN_WIRES = {"HemlineGarmentsFromMasks": ("masks",)}
OPEN_WIRES = {"HemlineGarmentsFromMasks": ("segs",)}
# Pictures that only make sense from another node: (wire type whose maker gives it, output of that maker).
PARTNERS = {("HemlineInpaintStitch", "image"): ("STITCH", 0)}


def add_test_nodes(host: Host, values: dict[str, Any]) -> None:
    """`Given<TYPE>` nodes, whose widget `key` picks from `values`, and `Keep`, an output node for anything.

    `GivenSTRING` gives the key itself.
    """

    def given(kind: str) -> type[Any]:
        class Given:
            CATEGORY, FUNCTION, RETURN_TYPES = "test", "run", (kind,)

            @classmethod
            def INPUT_TYPES(cls) -> dict[str, Any]:
                return {"required": {"key": ("STRING", {"default": ""})}}

            def run(self, key: str) -> tuple[Any]:
                return (key if kind == "STRING" else values[key],)

        return Given

    class Keep:
        CATEGORY, FUNCTION, RETURN_TYPES, OUTPUT_NODE = "test", "run", (), True

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {"value": ("*",)}}

        def run(self, value: Any) -> tuple[()]:
            return ()

    add_batch(Path(host.folder_paths.get_input_directory()) / "batch")
    host.add({"GivenIMAGE": given("IMAGE"), "GivenMASK": given("MASK"), "GivenSTRING": given("STRING"), "Keep": Keep})


def prompt_for(host: Host, node_id: str, wires: dict[str, str] | None = None, **widgets: Any) -> Prompt:
    """A prompt that runs one node of the pack, called "node", with widgets at their defaults and wires from `Given`.

    wires: input name, or IMAGE or MASK for all inputs of that type, or "optional" for all optional wires -> key of
        the given value. Without it required wires take "image" or "mask" and optional ones stay open.
        A wire type of the pack's own comes from the first node that makes it.
    """
    prompt: Prompt = {}
    _add(host, prompt, "node", node_id, wires or {}, widgets)
    if not host.classes[node_id].is_output:
        for port in range(len(host.classes[node_id].return_types)):
            prompt[f"keep{port}"] = {"class_type": "Keep", "inputs": {"value": ["node", port]}}
    return prompt


def _add(host: Host, prompt: Prompt, id: str, node_id: str, wires: dict[str, str], widgets: dict[str, Any]) -> None:
    inputs = defaults(host, node_id)
    chosen = {**QUICK.get(node_id, {}), **widgets}
    inputs |= {name: value for name, value in chosen.items() if name in inputs}
    prompt[id] = {"class_type": node_id, "inputs": inputs}
    for group in ("required", "optional"):
        for name, (kind, *_) in host.classes[node_id].input_types.get(group, {}).items():
            wanted = group == "required" or name in wires or "optional" in wires or name in GIVEN_WIRES.get(node_id, ())
            if name not in inputs and wanted and name not in OPEN_WIRES.get(node_id, ()):
                inputs[name] = _wire(host, prompt, kind, wires.get(name), wires)
                if (node_id, name) in PARTNERS:
                    maker, port = PARTNERS[node_id, name]
                    inputs[name] = [_wire(host, prompt, maker, None, wires)[0], port]


def _wire(host: Host, prompt: Prompt, kind: str, key: str | None, wires: dict[str, str]) -> list[Any]:
    if kind in ("IMAGE", "MASK"):
        key = key or wires.get(kind, kind.lower())
        id = f"given {kind} {key}"
        prompt[id] = {"class_type": f"Given{kind}", "inputs": {"key": key}}
        return [id, 0]
    maker = next(id for id, node in host.classes.items() if kind in node.return_types)
    id = f"maker of {kind}"
    if id not in prompt:
        _add(host, prompt, id, maker, {name: key for name, key in wires.items() if name in ("IMAGE", "MASK")}, {})
    return [id, host.classes[maker].return_types.index(kind)]


def defaults(host: Host, node_id: str) -> dict[str, Any]:
    """The widget values of a fresh node."""
    groups = host.classes[node_id].input_types
    ports = {**groups.get("required", {}), **groups.get("optional", {})}
    return {
        name: default_of(entry[0], entry[1] if len(entry) > 1 else {})
        for name, entry in ports.items()
        if entry[0] in WIDGETS or isinstance(entry[0], list)
    }


def default_of(kind: Any, options: dict[str, Any]) -> Any:
    """The value a fresh widget holds in the frontend."""
    if "default" in options:
        return options["default"]
    choices = kind if isinstance(kind, list) else options.get("options", [])
    fallback = {"INT": 0, "FLOAT": 0.0, "STRING": "", "BOOLEAN": False}
    return choices[0] if choices else fallback.get(kind)

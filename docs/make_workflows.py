"""Writes the example workflows in ComfyUI's UI format from the short descriptions below.

python docs/make_workflows.py
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemline.nodes import NODES

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "example_workflows"
CORE = json.loads((ROOT / "tests" / "golden" / "core_object_info.json").read_text(encoding="utf-8"))
OURS = {record.id: record for record in NODES}

COLUMN_PX, GAP_PX, GROUP_PAD_PX, TITLE_PX = 400, 60, 20, 60
NODE_WIDTH_PX, SLOT_PX, WIDGET_PX, HEAD_PX, PREVIEW_PX, TEXT_PX = 340, 22, 26, 40, 260, 120
SHOWS_PICTURE = ("LoadImage", "SaveImage", "PreviewImage", "HemlinePreviewMask", "HemlineTryOnInputs")
WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
GROUP_COLOURS = ("#3f789e", "#8a6d3b", "#5b7f4a", "#7a5480")


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


def step(name: str, type: str, title: str = "", /, **inputs: Any) -> Step:
    """A step with its inputs as keywords."""
    return Step(name, type, inputs, title)


def note(name: str, text: str) -> Step:
    """A note on the canvas."""
    return Step(name, "MarkdownNote", {"text": text})


def _repaint(what: str) -> tuple[tuple[Step, ...], ...]:
    """Two columns: the conditions for an inpaint model and its run, between the steps "crop" and "decoded"."""
    return (
        (step("prompt", "CLIPTextEncode", "What to wear", clip=("model", 1), text=what),
         step("avoid", "CLIPTextEncode", "What to avoid", clip=("model", 1), text="text, logo"),
         step("conditions", "InpaintModelConditioning", positive=("prompt", 0), negative=("avoid", 0),
              vae=("model", 2), pixels=("crop", 0), mask=("crop", 1))),
        (step("sampler", "KSampler", model=("model", 0), positive=("conditions", 0), negative=("conditions", 1),
              latent_image=("conditions", 2)),
         step("decoded", "VAEDecode", samples=("sampler", 0), vae=("model", 2))),
    )  # fmt: skip


FIND = Group("1 Find the garment", (
    (step("photo", "LoadImage", "Photo", image="photo.png"),
     note("hint", "Load a photo. **what** says which garments are to be changed, **target_cut** what the new one is: "
          "the area then covers its sleeves and its hem. Face, hair and hands stay out of it.")),
    (step("found", "HemlineDetectGarments", image=("photo", 0), what="tops"),
     step("area", "HemlineAgnosticMask", garments=("found", 0), target_cut="long sleeve"),),
    (step("grown", "HemlineGrowFeatherMask", mask=("area", 0), grow=0.0, feather=12.0),
     step("kept", "HemlineProtectParts", mask=("grown", 0), garments=("found", 0))),
))  # fmt: skip

OUTFIT_SWAP = (
    FIND,
    Group("2 Hand the crop to the model", (
        (step("crop", "HemlineInpaintCrop", image=("photo", 0), mask=("kept", 0), target="SD 1.5"),
         step("model", "CheckpointLoaderSimple", "Your inpaint model", ckpt_name="your inpaint model.safetensors"),
         note("choose", "Choose an **inpaint** checkpoint, and its family as **target** of Inpaint Crop.")),
        *_repaint("a dark green knitted sweater"),
    )),
    Group("3 Back into the photo", (
        (step("stitched", "HemlineInpaintStitch", stitch=("crop", 3), image=("decoded", 0), align="shift and zoom",
              match_colours="affine"),
         step("saved", "SaveImage", images=("stitched", 0), filename_prefix="outfit")),
    )),
)  # fmt: skip

SEVERAL_GARMENTS = (
    Group("1 Find all garments", (
        (step("photo", "LoadImage", "Photo", image="photo.png"),
         note("hint", "Every garment becomes a crop of its own; the nodes of group 2 run once for each, and Inpaint "
              "Stitch puts them all into one photo.")),
        (step("found", "HemlineDetectGarments", image=("photo", 0), what="outfit"),
         step("grown", "HemlineGrowFeatherMask", mask=("found", 1), grow=8.0, feather=12.0),
         step("kept", "HemlineProtectParts", mask=("grown", 0), garments=("found", 0))),
    )),
    Group("2 One crop per garment, through the model", (
        (step("crop", "HemlineInpaintCrop", image=("photo", 0), mask=("kept", 0), garments=("found", 0),
              target="SD 1.5", split="per garment"),
         step("model", "CheckpointLoaderSimple", "Your inpaint model", ckpt_name="your inpaint model.safetensors")),
        *_repaint("blue denim"),
    )),
    Group("3 All of them back into one photo", (
        (step("stitched", "HemlineInpaintStitch", stitch=("crop", 3), image=("decoded", 0), align="shift and zoom",
              match_colours="affine"),
         step("saved", "SaveImage", images=("stitched", 0), filename_prefix="garments"),
         step("changed", "MaskToImage", mask=("stitched", 1)),
         step("seen", "PreviewImage", "What was changed", images=("changed", 0))),
    )),
)  # fmt: skip

TRY_ON = (
    Group("1 Person and garment", (
        (step("person", "LoadImage", "Person", image="photo.png"),
         step("garment", "LoadImage", "Garment", image="garment.png")),
        (step("found", "HemlineDetectGarments", image=("person", 0), what="tops"),
         step("area", "HemlineAgnosticMask", garments=("found", 0), target_cut="long sleeve")),
    )),
    Group("2 Exactly what the try-on model wants", (
        (step("inputs", "HemlineTryOnInputs", person=("person", 0), garment=("garment", 0), mask=("area", 0),
              target="CatVTON"),
         note("choose", "Choose your try-on model as **target** and, on Agnostic Mask, the new garment's cut; the "
              "picture on the node says what the model gets.")),
    )),
    Group("3 Your try-on node here", (
        (note("here", "Put your try-on node here: **person**, **garment** and **mask** of Try-On Inputs go in, its "
              "picture goes to **image** of Inpaint Stitch. As it is, the person goes straight through."),),
    )),
    Group("4 Back into the photo", (
        (step("stitched", "HemlineInpaintStitch", stitch=("inputs", 6), image=("inputs", 0), align="shift and zoom",
              match_colours="affine"),
         step("saved", "SaveImage", images=("stitched", 0), filename_prefix="try-on")),
        (step("kept", "HemlineSaveGarmentSet", "For training or batch use", image=("person", 0), mask=("area", 0),
              garment=("garment", 0), name="try-on set", layout="VITON-HD"),),
    )),
)  # fmt: skip

FOLDER_OF_COMPOSITES = (
    Group("1 Pictures, overlays and masks, paired by name", (
        (step("loaded", "HemlineBatchLoad", source="composites/jobs.yaml"),
         note("hint", "Put originals, enhanced pictures and masks into folders of the input folder, and a job file "
              "beside them: its keys are on the help page of Batch Load. What follows runs once for each picture.")),
    )),
    Group("2 The enhanced picture through the mask", (
        (step("hardened", "HemlineRefineMask", mask=("loaded", 1), islands_percent=0.0, holes_percent=0.0, edge_px=0,
              normalise=("loaded", 5)),),
        (step("blended", "HemlineBlendLayers", base=("loaded", 0), layer=("loaded", 2), mask=("hardened", 0),
              mode=("loaded", 6), opacity=("loaded", 8)),),
    )),
    Group("3 Each under its name", (
        (step("saved", "SaveImage", images=("blended", 0), filename_prefix=("loaded", 4)),),
    )),
)  # fmt: skip

WORKFLOWS = {
    "composites_of_a_folder": FOLDER_OF_COMPOSITES,
    "outfit_swap_with_an_inpaint_model": OUTFIT_SWAP,
    "several_garments_in_one_picture": SEVERAL_GARMENTS,
    "try_on_hand_off": TRY_ON,
}


def main() -> None:
    """Writes every workflow."""
    FOLDER.mkdir(exist_ok=True)
    for name, groups in WORKFLOWS.items():
        text = json.dumps(ui_format(groups), indent=1, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def ui_format(groups: tuple[Group, ...]) -> dict[str, Any]:
    """The workflow as ComfyUI saves it from its canvas."""
    steps = [one for group in groups for column in group.columns for one in column]
    nodes = {one.name: _node(number, one) for number, one in enumerate(steps, start=1)}
    links: list[list[Any]] = []
    for one in steps:
        for port, value in one.inputs.items():
            if isinstance(value, tuple):
                links.append(_connect(len(links) + 1, nodes[value[0]], value[1], nodes[one.name], port))
    boxes = _place(groups, nodes)
    return {
        "last_node_id": len(nodes), "last_link_id": len(links), "nodes": list(nodes.values()), "links": links,
        "groups": boxes, "config": {}, "extra": {"ds": {"scale": 0.6, "offset": [60, 160]}}, "version": 0.4,
    }  # fmt: skip


def _place(groups: tuple[Group, ...], nodes: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Puts the nodes in columns from left to right; the frames around the groups."""
    left, frames = 0, list[dict[str, Any]]()
    for group, colour in zip(groups, GROUP_COLOURS, strict=False):
        bottom = 0
        for index, column in enumerate(group.columns):
            top = 0
            for one in column:
                nodes[one.name]["pos"] = [left + index * COLUMN_PX, top]
                top += nodes[one.name]["size"][1] + GAP_PX
            bottom = max(bottom, top - GAP_PX)
        width = len(group.columns) * COLUMN_PX - (COLUMN_PX - NODE_WIDTH_PX)
        corner = [left - GROUP_PAD_PX, -TITLE_PX - 2 * GROUP_PAD_PX]
        size = [width + 2 * GROUP_PAD_PX, bottom + TITLE_PX + 3 * GROUP_PAD_PX]
        frame = {"title": group.title, "bounding": [*corner, *size], "color": colour, "font_size": 24, "flags": {}}
        frames.append(frame)
        left += width + 2 * GROUP_PAD_PX + GAP_PX
    return frames


def _ports(type: str) -> tuple[list[tuple[str, str, Any]], list[tuple[str, str]]]:
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


def _node(number: int, one: Step) -> dict[str, Any]:
    inputs, outputs = _ports(one.type)
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
    text = one.type in ("CLIPTextEncode", "MarkdownNote") or _has_text_area(one.type)
    height = HEAD_PX + SLOT_PX * max(len(wires), len(outputs)) + WIDGET_PX * len(values)
    height += TEXT_PX * text + PREVIEW_PX * (one.type in SHOWS_PICTURE)
    return {
        "id": number, "type": one.type, "pos": [0, 0], "size": [NODE_WIDTH_PX, height], "flags": {},
        "order": number - 1, "mode": 0,
        "inputs": [
            *({"name": name, "type": kind, "link": None} for name, kind in wires),
            *({"name": name, "type": kind, "link": None, "widget": {"name": name}} for name, kind in widgets),
        ],
        "outputs": [
            {"name": name, "type": kind, "links": [], "slot_index": slot} for slot, (name, kind) in enumerate(outputs)
        ],
        **({"title": one.title} if one.title else {}),
        "properties": {"Node name for S&R": one.type}, "widgets_values": values,
    }  # fmt: skip


def _connect(number: int, source: dict[str, Any], slot: int, target: dict[str, Any], name: str) -> list[Any]:
    source["outputs"][slot]["links"].append(number)
    index = next(index for index, port in enumerate(target["inputs"]) if port["name"] == name)
    target["inputs"][index]["link"] = number
    return [number, source["id"], slot, target["id"], index, source["outputs"][slot]["type"]]


def _has_text_area(type: str) -> bool:
    return type in OURS and any(port.multiline for port in OURS[type].inputs)


if __name__ == "__main__":
    main()

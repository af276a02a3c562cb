"""Turns prompts made for the fake host into prompts for a real one: `Given` and `Keep` become ComfyUI's own nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from support.pictures import add_batch, drawn_person, shirt_mask
from support.prompt_validation import Prompt

Entry = tuple[str, dict[str, Any]]
PHOTO = "photo.png"
SIZE = (96, 64)
ODD_SIZE = (133, 77)


def write_inputs(folder: Path) -> None:
    """The picture files that the prompts read, into a host's input folder."""
    from hemline.hosts.pictures import from_bytes, to_bytes

    files: dict[str, Tensor] = {
        PHOTO: drawn_person(*SIZE)[0],
        "mask.png": shirt_mask(*SIZE)[0],
        "odd.png": drawn_person(*ODD_SIZE)[0],
        "odd mask.png": shirt_mask(*ODD_SIZE)[0],
        "wall.png": drawn_person(*SIZE)[0] * 0 + 0.86,
    }
    for name, picture in files.items():
        from_bytes(to_bytes(picture)).save(folder / name)
    add_batch(folder / "batch")


def sources(key: str) -> dict[str, Entry]:
    """The core nodes that give one of the `given_values`; the one called "out" has it at output 0."""
    photo: Entry = ("LoadImage", {"image": PHOTO})
    mask: Entry = ("LoadImageMask", {"image": "mask.png", "channel": "red"})
    three: dict[str, Any] = {"amount": 3}
    known: dict[str, dict[str, Entry]] = {
        "image": {"out": photo},
        "mask": {"out": mask},
        "image of 3": {"one": photo, "out": ("RepeatImageBatch", {"image": ["one", 0], **three})},
        "mask of 3": {
            "one": mask,
            "grey": ("MaskToImage", {"mask": ["one", 0]}),
            "many": ("RepeatImageBatch", {"image": ["grey", 0], **three}),
            "out": ("ImageToMask", {"image": ["many", 0], "channel": "red"}),
        },
        "rgba": {
            "one": photo,
            "alpha": mask,
            "out": ("JoinImageWithAlpha", {"image": ["one", 0], "alpha": ["alpha", 0]}),
        },
        "empty mask": {"out": ("SolidMask", {"value": 0.0, "width": SIZE[1], "height": SIZE[0]})},
        # What LoadImage gives beside an opaque picture has 64x64 zeros: the host's "no mask".
        "no mask": {"out": ("SolidMask", {"value": 0.0, "width": 64, "height": 64})},
        "odd image": {"out": ("LoadImage", {"image": "odd.png"})},
        "odd mask": {"out": ("LoadImageMask", {"image": "odd mask.png", "channel": "red"})},
        "wall": {"out": ("LoadImage", {"image": "wall.png"})},
    }
    return known[key]


def with_core_nodes(prompt: Prompt) -> Prompt:
    """The prompt with `Given...` replaced by their sources and `Keep` by the host's PreviewAny."""
    result: Prompt = {}
    for id, entry in prompt.items():
        if entry["class_type"].startswith("Given"):
            for part, (kind, inputs) in sources(entry["inputs"]["key"]).items():
                name = id if part == "out" else f"{id} {part}"
                result[name] = {"class_type": kind, "inputs": {k: _within(id, v) for k, v in inputs.items()}}
        elif entry["class_type"] == "Keep":
            result[id] = {"class_type": "PreviewAny", "inputs": {"source": entry["inputs"]["value"]}}
        else:
            result[id] = entry
    return result


def _within(id: str, value: Any) -> Any:
    return [f"{id} {value[0]}", value[1]] if isinstance(value, list) else value

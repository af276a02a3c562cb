"""What the API takes and gives: records as plain data, from which typed models and docs/webui_api.md are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

from ...blending.crop import TARGETS
from ...blending.fill import FILLS
from ...blending.regions import STITCH_MATCHES
from ...blending.seams import SEAMS
from ...nodes.spec import Port
from .panel_ports import PORTS

# 64 million characters of base64 are 48 MB of file.
MOST_CHARACTERS = 64_000_000
MOST_PIXELS = 64_000_000
REQUIRED: Any = ...
"""The default of a field that must be given."""
_TYPES: dict[str, type] = {"BOOLEAN": bool, "FLOAT": float, "INT": int, "STRING": str}


@dataclass(frozen=True)
class Field:
    """A field of a record. type: of its value, or the name of a record; choices and the ends low, high are included."""

    type: Any
    says: str
    default: Any = REQUIRED
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


Record = Mapping[str, Field]
_PICTURE = Field(
    str,
    "A picture as base64 of PNG, JPEG or WebP, with or without 'data:image/...;base64,' in front; it is turned upright "
    "by its EXIF orientation.",
)
_MASK = Field(str, "A soft mask of the picture's size, white = repaint, as base64.")
_BOX = Field(list[int], "x0, y0, x1, y1 in pixels, end exclusive; may leave the picture.")
_FOUND: Record = {
    "badges": Field(list[str], "What was found, how, and how large the mask is."),
    "notes": Field(list[str], "What else should be known."),
    "found": Field(bool, "Whether the mask covers anything."),
}


def _setting(port: Port) -> Field:
    if port.type == "COMBO":
        return Field(str, port.tooltip, port.default, choices=() if port.folders else port.choices())
    return Field(_TYPES[port.type], port.tooltip, port.default, port.minimum, port.maximum)


RECORDS: dict[str, Record] = {
    "HemlineSettings": {name: _setting(port) for name, port in PORTS.items()},
    "HemlineMaskRequest": {
        "image": _PICTURE,
        "settings": Field("HemlineSettings", "What to look for, and how; see below.", {}),
        "drawn": Field(str, "A mask drawn by hand, used as the setting 'drawn' says.", ""),
        "overlay": Field(bool, "Whether the picture with the mask drawn on is wanted.", False),
    },
    "HemlineMask": {
        "mask": _MASK,
        "overlay": Field(str, "The picture with the mask drawn on, if asked for, else empty.", ""),
        **_FOUND,
    },
    "HemlineDetectRequest": {
        "image": _PICTURE, "settings": Field("HemlineSettings", "What to look for, and how; see below.", {}),
    },
    "HemlineDetection": {
        "garments": Field(list[dict[str, Any]], "Label, score, box and polygons of each garment."), "mask": _MASK,
        "method": Field(str, "What has found them."), **_FOUND,
    },
    "HemlineCropRequest": {
        "image": _PICTURE, "mask": _MASK,
        "target": Field(str, "The model that will repaint the crop.", "SDXL", choices=tuple(TARGETS)),
        "context_factor": Field(float, "The crop is so many times as large as the mask.", 1.2, 1, 10),
        "padding": Field(int, "At least so many pixels around the mask.", 32, 0, 4096),
        "width": Field(int, "For target 'custom'.", 1024, 8, 4096),
        "height": Field(int, "For target 'custom'.", 1024, 8, 4096),
        "fill": Field(str, "What 'agnostic' shows in the mask's place.", "grey", choices=tuple(FILLS)),
    },
    "HemlineCrop": {
        "image": Field(str, "The crop, PNG as base64."),
        "sampling_mask": Field(str, "What the model is to repaint of it: hard, wider than the soft mask by its edge."),
        "soft_mask": Field(str, "The mask's part of the crop."),
        "agnostic": Field(str, "The crop with the mask's place filled, as 'fill' says."),
        "box": _BOX,
        "empty": Field(bool, "Whether the mask was empty: the crop is then the picture's middle."),
    },
    "HemlineStitchRequest": {
        "image": _PICTURE, "mask": _MASK, "crop": _PICTURE, "box": _BOX,
        "seam": Field(str, "How the crop is joined.", "linear", choices=tuple(SEAMS)),
        "match_colours": Field(str, "How a shift of tone is undone.", "mean and std", choices=STITCH_MATCHES),
    },
    "HemlineStitched": {
        "image": Field(str, "The whole picture, PNG as base64."),
        "notes": Field(list[str], "What was found of the tone."),
    },
    "HemlineModels": {
        "detectors": Field(list[str], "What can stand in the setting 'detector'."),
        "sams": Field(list[str], "What can stand in the setting 'sam'."),
        "what": Field(list[str], "Presets and labels."),
        "target_cuts": Field(list[str], "What can stand in the setting 'target_cut'."),
        "targets": Field(list[str], "What a crop can be made for."),
    },
    "HemlineVersion": {
        "version": Field(str, "Of Hemline."), "settings": Field(dict[str, Any], "Every setting as it is usually."),
    },
}  # fmt: skip
"""Every record by its name; one that another names stands before it."""


@lru_cache(maxsize=1)
def models() -> dict[str, Any]:
    """A pydantic model for each of `RECORDS`, which takes no other names; made once, by the pydantic of the host."""
    pydantic: Any = import_module("pydantic")
    forbid: Any = {"extra": "forbid"}
    config = forbid if str(pydantic.VERSION).startswith("2") else type("Config", (), forbid)
    made: dict[str, Any] = {}
    for name, fields in RECORDS.items():
        typed = {field_name: _typed(pydantic, field, made) for field_name, field in fields.items()}
        made[name] = pydantic.create_model(name, __config__=config, **typed)
    return made


def _typed(pydantic: Any, field: Field, made: Mapping[str, Any]) -> Any:
    """Type and pydantic's field."""
    if isinstance(field.type, str):
        return (made[field.type], pydantic.Field(made[field.type](), description=field.says))
    limits = {name: end for name, end in (("ge", field.low), ("le", field.high)) if end is not None}
    if field.type is str and not field.choices:
        limits["max_length"] = MOST_CHARACTERS
    kind = Literal[field.choices] if field.choices else field.type
    return (kind, pydantic.Field(field.default, description=field.says, **limits))

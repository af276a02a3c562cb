"""What the API takes and gives: typed records for pydantic 1 and 2, made from the panel's own declaration."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal, NamedTuple

from ...blending.crop import TARGETS
from ...blending.fill import FILLS
from ...blending.regions import STITCH_MATCHES
from ...blending.seams import SEAMS
from ...nodes.spec import Port
from .panel_ports import PORTS
from .settings import MaskSettings

# 64 million characters of base64 are 48 MB of file.
MOST_CHARACTERS = 64_000_000
MOST_PIXELS = 64_000_000
_TYPES: dict[str, type] = {"BOOLEAN": bool, "FLOAT": float, "INT": int, "STRING": str}


class Models(NamedTuple):
    """The request and response records by what they are for."""

    settings: Any
    mask: Any
    mask_answer: Any
    detect: Any
    detect_answer: Any
    crop: Any
    crop_answer: Any
    stitch: Any
    stitch_answer: Any
    models_answer: Any
    version_answer: Any


@lru_cache(maxsize=1)
def models() -> Models:
    """The records, made once with the pydantic that the host has."""
    settings = _record("HemlineSettings", {name: _setting(port) for name, port in PORTS.items()})
    picture = _text("A picture as base64 of PNG, JPEG or WebP, with or without 'data:image/...;base64,' in front.")
    soft = _text("A soft mask of the picture's size, white = repaint, as base64.")
    found = {
        "badges": _given(list[str], "What was found, how, and how large the mask is."),
        "notes": _given(list[str], "What else should be known."),
        "found": _given(bool, "Whether the mask covers anything."),
    }
    box = _given(list[int], "x0, y0, x1, y1 in pixels, end exclusive; may leave the picture.")
    return Models(
        settings,
        _record("HemlineMaskRequest", {
            "image": picture, "settings": (settings, _field(settings())),
            "drawn": _text("A mask drawn by hand, used as the setting 'drawn' says.", ""),
            "overlay": (bool, _field(False, "Whether the picture with the mask drawn on is wanted.")),
        }),
        _record("HemlineMask", {"mask": soft, "overlay": _text("PNG, or empty.", ""), **found}),
        _record("HemlineDetectRequest", {"image": picture, "settings": (settings, _field(settings()))}),
        _record("HemlineDetection", {
            "garments": _given(list[dict[str, Any]], "Label, score, box and polygons of each garment."), "mask": soft,
            "method": _given(str, "What has found them."), **found,
        }),
        _record("HemlineCropRequest", {
            "image": picture, "mask": soft,
            "target": _choice(tuple(TARGETS), "SDXL", "The model that will repaint the crop."),
            "context_factor": _number(float, 1.2, 1, 10, "The crop is so many times as large as the mask."),
            "padding": _number(int, 32, 0, 4096, "At least so many pixels around the mask."),
            "width": _number(int, 1024, 8, 4096, "For target 'custom'."),
            "height": _number(int, 1024, 8, 4096, "For target 'custom'."),
            "fill": _choice(tuple(FILLS), "grey", "What 'agnostic' shows in the mask's place."),
        }),
        _record("HemlineCrop", {
            "image": picture, "sampling_mask": soft, "soft_mask": soft, "agnostic": picture, "box": box,
            "empty": _given(bool, "Whether the mask was empty: the crop is then the picture's middle."),
        }),
        _record("HemlineStitchRequest", {
            "image": picture, "mask": soft, "crop": picture, "box": box,
            "seam": _choice(tuple(SEAMS), "linear", "How the crop is joined."),
            "match_colours": _choice(STITCH_MATCHES, "mean and std", "How a shift of tone is undone."),
        }),
        _record("HemlineStitched", {"image": picture, "notes": _given(list[str], "What was found of the tone.")}),
        _record("HemlineModels", {
            "detectors": _given(list[str], "What can stand in the setting 'detector'."),
            "sams": _given(list[str], "What can stand in the setting 'sam'."),
            "what": _given(list[str], "Presets and labels."),
            "target_cuts": _given(list[str], "What can stand in the setting 'target_cut'."),
            "targets": _given(list[str], "What a crop can be made for."),
        }),
        _record("HemlineVersion", {
            "version": _given(str, "Of Hemline."), "settings": _given(dict[str, Any], "Every setting as it is usually.")
        }),
    )  # fmt: skip


def _setting(port: Port) -> Any:
    if port.type == "COMBO" and not port.folders:
        return _choice(port.choices(), str(port.default), port.tooltip)
    kind = str if port.type == "COMBO" else _TYPES[port.type]
    if port.minimum is not None and port.maximum is not None:
        return _number(kind, port.default, port.minimum, port.maximum, port.tooltip)
    return (kind, _field(port.default, port.tooltip))


def _record(name: str, fields: dict[str, Any]) -> Any:
    """A pydantic model that takes no other names."""
    pydantic: Any = import_module("pydantic")
    forbid: Any = {"extra": "forbid"}
    config = forbid if str(pydantic.VERSION).startswith("2") else type("Config", (), forbid)
    return pydantic.create_model(name, __config__=config, **fields)


def _field(default: Any, description: str = "", **limits: Any) -> Any:
    return import_module("pydantic").Field(default, description=description, **limits)


def _given(kind: Any, description: str) -> Any:
    return (kind, _field(..., description))


def _text(description: str, default: Any = ...) -> Any:
    return (str, _field(default, description, max_length=MOST_CHARACTERS))


def _number(kind: type, default: Any, low: float, high: float, description: str) -> Any:
    return (kind, _field(default, description, ge=low, le=high))


def _choice(names: tuple[str, ...], default: str, description: str) -> Any:
    return (Literal[names], _field(default, description))


def usual_settings() -> dict[str, Any]:
    """Every setting with its default."""
    return asdict(MaskSettings())

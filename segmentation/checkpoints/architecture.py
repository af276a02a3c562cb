"""Checks the text that says how a YOLO is built, before anybody builds one from it.

ultralytics turns this text (its ``yaml``) into layers by evaluating the activation and looking names up among its own
globals. Only what its published models use passes here: known layers, literal arguments, activations from a table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import cast

from ...errors import BadFile
from .records import as_literal, describe

Architecture = dict[str, object]
"""The text as plain values: nc, backbone, head and, where given, scale, scales, activation, reg_max, end2end, ..."""

LAYERS = frozenset({
    "A2C2f", "AConv", "ADown", "Bottleneck", "BottleneckCSP", "C1", "C2", "C2PSA", "C2f", "C2fCIB", "C2fPSA", "C3",
    "C3Ghost", "C3k2", "C3x", "CBFuse", "CBLinear", "Classify", "Concat", "Conv", "ConvTranspose", "DWConv", "Detect",
    "ELAN1", "Focus", "GhostBottleneck", "GhostConv", "OBB", "OBB26", "PSA", "Pose", "Pose26", "RepC3",
    "RepNCSPELAN4", "SCDown", "SPP", "SPPELAN", "SPPF", "Segment", "Segment26", "nn.ConvTranspose2d", "nn.Identity",
    "nn.MaxPool2d", "nn.Upsample", "nn.ZeroPad2d", "v10Detect",
})  # fmt: skip
ACTIVATIONS = frozenset(
    f"{prefix}nn.{call}"
    for prefix in ("", "torch.")
    for call in (
        "SiLU()", "SiLU(inplace=True)", "ReLU()", "ReLU(inplace=True)", "ReLU6()", "LeakyReLU()", "LeakyReLU(0.1)",
        "Hardswish()", "Mish()", "GELU()", "ELU()", "Identity()", "Sigmoid()", "Tanh()",
    )
)  # fmt: skip
WORDS = frozenset({"nc", "None", "True", "False", "nearest", "bilinear", "kpt_shape"})
"""The texts that may stand among a layer's arguments; ultralytics looks other ones up."""

MOST_LAYERS, MOST_REPEATS, MOST_CHANNELS, MOST_ARGUMENT, MOST_CLASSES = 256, 64, 4096, 4096, 65_536
MOST_ARGUMENTS, MOST_SCALES, MOST_SCALE, MOST_BINS = 16, 16, 4.0, 64
_SCALE_NAMES = 8


def check_architecture(text: object) -> Architecture:
    """A plain copy of the text with only what is known in it; raises `BadFile` where anything else would be built.

    The numbers are bounded, which does not yet make a network small: build it on the meta device and compare its shapes
    with the tensors before anything is allocated.
    """
    if not isinstance(text, dict):
        raise BadFile(f"its architecture is {describe(text)}, not a dict.")
    whole = cast("dict[object, object]", text)
    known = {name: whole.get(name) for name in ("nc", "backbone", "head", *_CHECKS)}
    given = cast("dict[str, object]", as_literal(known))
    clean: Architecture = {"nc": _whole("nc", given.get("nc"), MOST_CLASSES)}
    told = {name: value for name, value in given.items() if name in _CHECKS and value not in (None, "")}
    clean.update({name: _CHECKS[name](name, value) for name, value in told.items()})
    if "scales" in clean and "scale" in clean and clean["scale"] not in cast("Mapping[str, object]", clean["scales"]):
        raise BadFile(f"its architecture has no scale {clean['scale']!r}.")
    start = _rows("backbone", given.get("backbone"), 0)
    clean["backbone"], clean["head"] = start, _rows("head", given.get("head"), len(start))
    return clean


def _whole(name: str, value: object, most: int, least: int = 1) -> int:
    if type(value) is not int or not least <= value <= most:
        raise BadFile(
            f"its architecture has {name} = {_shown(value)}; a whole number from {least} to {most} is wanted."
        )
    return value


def _shown(value: object) -> str:
    return str(value) if isinstance(value, int | float) else describe(value)


def _factor(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MOST_SCALE:
        raise BadFile(f"its architecture has {name} = {_shown(value)}; a number up to {MOST_SCALE:g} is wanted.")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadFile(f"its architecture has {name} = {_shown(value)}; true or false is wanted.")
    return value


def _activation(name: str, value: object) -> str:
    if not isinstance(value, str) or value not in ACTIVATIONS:
        raise BadFile(
            f"its architecture has the {name} {describe(value)}; known are nn.SiLU(), nn.ReLU() and their like."
        )
    return value


def _scale(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.isalnum() or len(value) > _SCALE_NAMES:
        raise BadFile(f"its architecture has {name} = {_shown(value)}; a letter such as 'n' is wanted.")
    return value


def _scales(name: str, value: object) -> dict[str, list[float]]:
    if not isinstance(value, dict) or len(cast("dict[str, object]", value)) > MOST_SCALES:
        raise BadFile(f"its architecture has {name} that are no table.")
    return {_scale(name, key): _three(name, row) for key, row in cast("dict[str, object]", value).items()}


def _three(name: str, row: object) -> list[float]:
    numbers = cast("list[object]", row) if isinstance(row, list) else []
    if len(numbers) != 3:
        raise BadFile(f"its architecture has {name} of other than depth, width and channels.")
    most = numbers[2]
    channels = most if type(most) is float and math.isinf(most) and most > 0 else _whole(name, most, MOST_CHANNELS)
    return [_factor(name, numbers[0]), _factor(name, numbers[1]), channels]


def _points(name: str, value: object) -> list[int]:
    numbers = cast("list[object]", value) if isinstance(value, list) else []
    if len(numbers) != 2:
        raise BadFile(f"its architecture has {name} of other than two numbers.")
    return [_whole(name, number, MOST_ARGUMENT) for number in numbers]


_CHECKS: Mapping[str, Callable[[str, object], object]] = {
    "scales": _scales,
    "scale": _scale,
    "depth_multiple": _factor,
    "width_multiple": _factor,
    "activation": _activation,
    "reg_max": lambda name, value: _whole(name, value, MOST_BINS),
    "end2end": _flag,
    "kpt_shape": _points,
    "ch": lambda name, value: _whole(name, value, 64),
    "channels": lambda name, value: _whole(name, value, 64),
}


def _rows(name: str, value: object, before: int) -> list[list[object]]:
    """The layers of one half: [from, repeats, layer, arguments]; `before` is how many stand before it."""
    rows = cast("list[object]", value) if isinstance(value, list) else []
    if not rows or before + len(rows) > MOST_LAYERS:
        raise BadFile(f"its architecture has a {name} of {len(rows)} layers; 1 to {MOST_LAYERS} are wanted.")
    return [_row(row, before + index) for index, row in enumerate(rows)]


def _row(row: object, index: int) -> list[object]:
    parts = cast("list[object]", row) if isinstance(row, list) else []
    if len(parts) != 4:
        raise BadFile(f"its architecture has a layer {index} that is not [from, repeats, layer, arguments].")
    source, repeats, layer, arguments = parts
    if not isinstance(layer, str) or layer not in LAYERS:
        raise BadFile(f"its architecture asks for the layer {describe(layer)}, which is none of YOLO's.")
    if not isinstance(arguments, list):
        raise BadFile(f"its architecture has a layer {index} without arguments.")
    _whole(f"the repeats of layer {index}", repeats, MOST_REPEATS)
    return [_sources(source, index), repeats, layer, _arguments(cast("list[object]", arguments), index)]


def _sources(source: object, index: int) -> int | list[int]:
    """Where a layer reads: -1 for the one before, or the number of an earlier one; or a list of these."""
    several = cast("list[object]", source) if isinstance(source, list) else [source]
    if not 1 <= len(several) <= MOST_ARGUMENTS:
        raise BadFile(f"its architecture has a layer {index} that reads from {len(several)} others.")
    numbers = [_whole(f"the source of layer {index}", number, index - 1, -max(index, 1)) for number in several]
    return numbers if isinstance(source, list) else numbers[0]


def _arguments(values: list[object], index: int, depth: int = 0) -> list[object]:
    if len(values) > MOST_ARGUMENTS or depth > 2:
        raise BadFile(f"its architecture has a layer {index} with too many arguments.")
    for value in values:
        if isinstance(value, list):
            _arguments(cast("list[object]", value), index, depth + 1)
        elif isinstance(value, str):
            if value not in WORDS and value not in ACTIVATIONS:
                raise BadFile(f"its architecture has the argument {describe(value)} in layer {index}; it is not known.")
        elif value is not None and not (isinstance(value, int | float) and abs(value) <= MOST_ARGUMENT):
            raise BadFile(f"its architecture has the argument {_shown(value)} in layer {index}; it is too much.")
    return values

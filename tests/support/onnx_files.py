"""ONNX models written byte by byte, so that tests need no package for it; field numbers are those of onnx.proto."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

FLOAT, INT64 = 1, 7
NAMES = ("vest", "trousers")
BOX = (40.0, 30.0, 60.0, 20.0)
"""Centre and size in px of the frame of the one thing that the model finds, as a vest where there is red."""


def field(number: int, value: int | bytes | str | float) -> bytes:
    """One field of a message."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*digits, value))


def tensor(name: str, sides: Sequence[int], values: Sequence[float], kind: int = FLOAT, more: bytes = b"") -> bytes:
    raw = struct.pack(f"<{len(values)}{'f' if kind == FLOAT else 'q'}", *values)
    return b"".join(field(1, side) for side in sides) + field(2, kind) + field(8, name) + field(9, raw) + more


def node(kind: str, inputs: Sequence[str], output: str, *attributes: bytes, domain: str = "") -> bytes:
    parts = [*(field(1, name) for name in inputs), field(2, output), field(4, kind), *(field(5, a) for a in attributes)]
    return b"".join(parts) + (field(7, domain) if domain else b"")


def integers(name: str, *values: int) -> bytes:
    """An attribute that is a list of integers."""
    return field(1, name) + b"".join(field(8, value) for value in values) + field(20, 7)


def described(name: str, sides: Sequence[int | str], kind: int = FLOAT) -> bytes:
    """An input or output: its name, type and shape."""
    shape = b"".join(field(1, field(1, side) if isinstance(side, int) else field(2, side)) for side in sides)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


TOLD = {"task": "segment", "names": repr(dict(enumerate(NAMES))), "stride": "32", "imgsz": "[64, 96]"}


def yolo_onnx(
    told: Mapping[str, str] = TOLD, *, sides: Sequence[int | str] = ("batch", 3, "height", "width"),
    end_to_end: bool = False, weights: bytes | None = None, nodes: Sequence[bytes] = (),
    operators: Sequence[bytes] = (),
) -> bytes:  # fmt: skip
    """A model that gives `BOX` with the mean of red as its score, and pooled pictures as prototypes."""
    rows = 9  # centre and size, two scores, three coefficients; or corners, score, class, coefficients
    first = (
        [BOX[0] - BOX[2] / 2, BOX[1] - BOX[3] / 2, BOX[0] + BOX[2] / 2, BOX[1] + BOX[3] / 2] if end_to_end else [*BOX]
    )
    bias = [*first, 0.0, 0.0, 20.0, 0.0, 0.0]
    weight = [1.0 if (channel, row) == (0, 4) else 0.0 for channel in range(3) for row in range(rows)]
    shape = [0, 1, rows] if end_to_end else [0, rows, 1]
    graph = b"".join([
        *(field(1, each) for each in (
            node("GlobalAveragePool", ["images"], "mean"),
            node("Flatten", ["mean"], "flat"),
            node("MatMul", ["flat", "weight"], "scores"),
            node("Add", ["scores", "bias"], "row"),
            node("Reshape", ["row", "shape"], "output0"),
            node("MaxPool", ["images"], "output1", integers("kernel_shape", 4, 4), integers("strides", 4, 4)),
            *nodes,
        )),
        field(2, "drawn"),
        field(5, weights or tensor("weight", [3, rows], weight)),
        field(5, tensor("bias", [rows], bias)),
        field(5, tensor("shape", [3], shape, INT64)),
        field(11, described("images", sides)),
        field(12, described("output0", (sides[0], *shape[1:]))),
        field(12, described("output1", (sides[0], 3, "rows", "columns"))),
    ])  # fmt: skip
    texts = b"".join(field(14, field(1, name) + field(2, text)) for name, text in told.items())
    opset = b"".join(field(8, each) for each in (field(2, 13), *operators))
    return field(1, 8) + opset + field(7, graph) + texts

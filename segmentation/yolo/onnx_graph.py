"""Looks through an ONNX file before a runtime is given it: nothing from other files, no operators of strangers.

ONNX is a protobuf message; its wire format is read here as far as that needs, without a package. Field numbers are
those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from ...errors import BadFile

DOMAINS = ("", "ai.onnx")
"""Where operators may come from: ONNX itself."""

MOST_DEPTH, MOST_FIELDS = 32, 2_000_000
# Protobuf's wire types, and how many bytes the two of fixed length take.
VARINT, BYTES, FIXED = 0, 2, {1: 8, 5: 4}
MOST_VARINT = 10
STORED_OUTSIDE = 1

Kind: TypeAlias = str
# Message -> field -> the message or text that it holds. What is not listed is passed over.
MESSAGES: Mapping[Kind, Mapping[int, Kind]] = {
    "model": {7: "graph", 8: "operators", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 9: "operators", 11: "attribute"},
    "node": {5: "attribute", 7: "domain"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "operators": {1: "domain"},
    "tensor": {13: "outside", 14: "place"},
}


def check_graph(content: bytes) -> None:
    """Raises `BadFile` for a damaged model, one that keeps numbers in other files, and one with custom operators."""
    left = [MOST_FIELDS]
    _check(memoryview(content), "model", left, 0)


def _check(message: memoryview, kind: Kind, left: list[int], depth: int) -> None:
    if depth > MOST_DEPTH:
        raise BadFile("its graph is nested too deeply to be a network.")
    holds = MESSAGES[kind]
    for number, value in _fields(message, left):
        what = holds.get(number)
        if what == "outside" or (what == "place" and value == STORED_OUTSIDE):
            raise BadFile("it keeps numbers in another file; export it as one file.")
        if what is None or not isinstance(value, memoryview):
            continue
        if what == "domain":
            domain = bytes(value).decode("utf-8", "replace")
            if domain not in DOMAINS:
                shown = "".join(letter if letter.isprintable() else "?" for letter in domain[:80])
                raise BadFile(f"it has operators of {shown!r}; only those of ONNX itself are run.")
        elif what in MESSAGES:
            _check(value, what, left, depth + 1)


def _fields(message: memoryview, left: list[int]) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field; what has a fixed length is passed over."""
    place = 0
    while place < len(message):
        left[0] -= 1
        if left[0] < 0:
            raise BadFile("its graph is too large to be a network's.")
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, place = _varint(message, place)
            yield number, value
        elif wire == BYTES:
            length, place = _varint(message, place)
            if length > len(message) - place:
                raise BadFile("it ends in the middle of its graph.")
            yield number, message[place : place + length]
            place += length
        elif wire in FIXED and place + FIXED[wire] <= len(message):
            place += FIXED[wire]
        else:
            raise BadFile("it is no ONNX model, or damaged.")


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for step, byte in enumerate(message[place : place + MOST_VARINT]):
        value |= (byte & 0x7F) << (7 * step)
        if byte < 0x80:
            return value, place + step + 1
    raise BadFile("it is no ONNX model, or damaged.")

"""What an inert reading of a pickle is made of: plain values, and records that only remember what was asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import cast

import torch

from ...errors import BadFile

# Checkpoints hold a few thousand names; what goes beyond is made to exhaust.
MOST_NODES, MOST_DEPTH, MOST_TEXT = 200_000, 64, 512
MOST_AXES, MOST_ELEMENTS = 16, 2**48


@dataclass(frozen=True)
class Global:
    """The name of a class or function that a pickle mentions. Nothing is imported to make one."""

    module: str
    name: str


@dataclass(eq=False, repr=False)
class Record:
    """An object that a pickle wanted to have built: of what, out of which arguments, and what was put into it.

    Records can hold each other without end, so that nothing may print, compare or hash what is in them.
    """

    kind: object
    arguments: tuple[object, ...] = ()
    state: object = None
    entries: dict[object, object] = field(default_factory=dict[object, object])
    items: list[object] = field(default_factory=list[object])

    @property
    def name(self) -> str:
        """The last word of the class that was asked for, such as "Segment"; empty where it was no class."""
        return self.kind.name.rpartition(".")[2] if isinstance(self.kind, Global) else ""


@dataclass(frozen=True)
class StorageRecord:
    """A run of numbers in the file: its key there, its type (None: bytes) and how many it claims to hold."""

    key: str
    dtype: torch.dtype | None
    count: int


@dataclass(frozen=True)
class TensorRecord:
    """A tensor that has not been read: a view of a storage, in elements. It was checked to lie within the storage."""

    storage: StorageRecord
    dtype: torch.dtype
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many elements it has."""
        return math.prod(self.size)


def make_tensor_record(
    storage: StorageRecord, dtype: torch.dtype, offset: object, size: object, stride: object
) -> TensorRecord:
    """The record of a dense view; raises `BadFile` where it is none, or reaches beyond what its storage claims."""
    sides, steps = _numbers(size), _numbers(stride)
    (start,) = _numbers((offset,))
    if len(sides) != len(steps) or len(sides) > MOST_AXES:
        raise BadFile(f"a tensor in it has {len(sides)} axes and {len(steps)} strides.")
    if math.prod(max(side, 1) for side in sides) > MOST_ELEMENTS:  # also of one that has no elements
        raise BadFile(f"a tensor in it claims the shape {list(sides)}.")
    record = TensorRecord(storage, dtype, start, sides, steps)
    held = storage.count if storage.dtype is not None else storage.count // dtype.itemsize
    last = start + sum((side - 1) * step for side, step in zip(sides, steps, strict=True))
    # More elements than the storage has would be a small file that unfolds into a huge tensor.
    if record.count and (last >= held or record.count > held):
        raise BadFile(f"a tensor of shape {list(sides)} in it is larger than its storage of {held} elements.")
    return record


def _numbers(values: object) -> tuple[int, ...]:
    if not isinstance(values, tuple | list):
        raise BadFile("a tensor in it has no shape.")
    numbers = tuple(cast("tuple[object, ...]", values))
    if not all(type(number) is int and 0 <= number <= MOST_ELEMENTS for number in numbers):
        raise BadFile("a tensor in it has a shape, stride or offset that is no count.")
    return cast("tuple[int, ...]", numbers)


def as_literal(value: object) -> object:
    """A copy made of dict, list, str, int, float, bool and None only, tuples as lists.

    Raises `BadFile` for anything else inside, and where it is too deep, too large or has names that are too long.
    """
    return _Copy().literal(value, 0)


class _Copy:
    """One copy with its budget, because lists that hold the same list twice can unfold without end."""

    def __init__(self) -> None:
        self.left = MOST_NODES

    def literal(self, value: object, depth: int) -> object:
        self.left -= 1
        if self.left < 0 or depth > MOST_DEPTH:
            raise BadFile("it holds a description that is too large or too deep to be one.")
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int) and abs(value) < 2**63:
            return value
        if isinstance(value, str) and len(value) <= MOST_TEXT:
            return value
        if isinstance(value, list | tuple):
            return [self.literal(item, depth + 1) for item in cast("list[object]", value)]
        if isinstance(value, dict):
            pairs = cast("dict[object, object]", value).items()
            return {self._key(key): self.literal(item, depth + 1) for key, item in pairs}
        raise BadFile(f"it holds {describe(value)} where only plain numbers, texts and lists may stand.")

    def _key(self, key: object) -> str | int:
        if isinstance(key, str) and len(key) <= MOST_TEXT:
            return key
        if isinstance(key, int):
            return int(key)
        raise BadFile(f"it holds {describe(key)} as a name.")


def describe(value: object) -> str:
    """A few words for a message; never what a file could make long or strange."""
    if isinstance(value, Record | Global):
        kind = value.kind if isinstance(value, Record) else value
        if isinstance(kind, Global):
            return f"{clean_text(kind.module)}.{clean_text(kind.name)}"
    if isinstance(value, str):
        return f"the text {clean_text(value)!r}"
    return f"a {type(value).__name__}"


def clean_text(text: str, most: int = 80) -> str:
    """The text without control characters, cut to `most` characters."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."

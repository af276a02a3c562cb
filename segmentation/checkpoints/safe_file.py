"""Tensors and texts of a safetensors file; the package of that name checks sizes, offsets and the header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - its PathLike has no argument
from torch import Tensor

from ...errors import BadFile
from .modules import MOST_NAME, MOST_TENSORS
from .records import clean_text

# What may be in a file; other types than these are none that a network here has.
TYPES: Mapping[str, torch.dtype] = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip


@dataclass(frozen=True)
class SafeFile:
    """tensors: on the CPU, mapped from the file, or on the meta device. texts: the header's own."""

    tensors: Mapping[str, Tensor]
    texts: Mapping[str, str]


class _Slice(Protocol):
    def get_shape(self) -> list[int]: ...
    def get_dtype(self) -> str: ...


class _Reader(Protocol):
    def keys(self) -> list[str]: ...
    def metadata(self) -> dict[str, str] | None: ...
    def get_tensor(self, name: str) -> Tensor: ...
    def get_slice(self, name: str) -> _Slice: ...


def read_safe_file(path: Path, values: bool = True) -> SafeFile:
    """What the file holds; without `values` the tensors are on the meta device and none is read.

    Raises `BadFile` where it is damaged or has types or names that no network has.
    """
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:  # pyright: ignore[reportUnknownVariableType]
            reader = cast(_Reader, file)
            return SafeFile({name: _tensor(reader, name, values) for name in _names(reader)}, reader.metadata() or {})
    except (SafetensorError, RuntimeError) as error:
        raise BadFile(f"it is no whole safetensors file ({clean_text(str(error), 200)}).") from error


def _names(reader: _Reader) -> list[str]:
    names = list(reader.keys())
    if len(names) > MOST_TENSORS or any(len(name) > MOST_NAME or not name.isprintable() for name in names):
        raise BadFile("it has too many tensors, or names that are none.")
    return names


def _tensor(reader: _Reader, name: str, values: bool) -> Tensor:
    part = reader.get_slice(name)
    dtype = TYPES.get(part.get_dtype())
    if dtype is None:
        raise BadFile(f"its {name!r} is of the type {part.get_dtype()}; known are {', '.join(TYPES)}.")
    return reader.get_tensor(name) if values else torch.empty(part.get_shape(), dtype=dtype, device="meta")


def write_safe_file(tensors: Mapping[str, Tensor], texts: Mapping[str, str], path: Path) -> None:
    """Writes the tensors and texts; raises `BadFile` where that fails. The file is not written whole or not at all."""
    try:
        save_file(_apart(tensors), path, metadata={"format": "pt", **texts})
    except SafetensorError as error:
        raise BadFile(f"{path} cannot be written ({clean_text(str(error), 200)}).") from error


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, with copies of those that share memory or lie in it with gaps: safetensors takes no such ones."""
    taken: set[int] = set()
    apart: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        whole = tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.nbytes
        fresh = whole and tensor.data_ptr() not in taken
        apart[name] = tensor if fresh else tensor.clone(memory_format=torch.contiguous_format)
        taken.add(tensor.data_ptr())
    return apart

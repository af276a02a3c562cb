"""What becomes of the calls in a pickle: a few of torch's are understood, all others are only remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import torch

from ...errors import BadFile
from .records import Global, Record, StorageRecord, TensorRecord, make_tensor_record

MOST_KEY, MOST_COUNT = 64, 2**48

# Of torch 2.1, the oldest that Hemline runs on.
_DTYPES = (
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "float8_e4m3fn",
    "float8_e5m2",
)  # fmt: skip
DTYPES: Mapping[str, torch.dtype] = {name: getattr(torch, name) for name in _DTYPES}
_STORAGES: Mapping[str, torch.dtype | None] = {
    "DoubleStorage": torch.float64, "FloatStorage": torch.float32, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
    "UntypedStorage": None,
}  # fmt: skip
_STORAGE_MODULES = ("torch", "torch.cuda", "torch.storage")
_TENSOR_MODULES = ("torch._utils", "torch._tensor")
_MAPPINGS = ("OrderedDict", "defaultdict")


def record_call(kind: object, arguments: object) -> object:
    """A dict, tuple or `TensorRecord` for the calls that are understood, else a `Record`; nothing is called.

    An ordered dict is empty before its entries are set, and the factory of a default dict is dropped.
    """
    if not isinstance(arguments, tuple):
        raise BadFile("its pickle calls without arguments.")
    given = cast("tuple[object, ...]", arguments)
    if isinstance(kind, Global):
        if kind.module == "collections" and kind.name in _MAPPINGS and len(given) <= 1:
            return {}
        if kind.module in _TENSOR_MODULES and kind.name in _TENSORS:
            return _TENSORS[kind.name](given)
        if kind.module == "torch" and kind.name == "Size" and len(given) == 1 and isinstance(given[0], tuple | list):
            return tuple(cast("tuple[object, ...]", given[0]))
    return Record(kind, given)


def record_storage(identity: object) -> object:
    """The `StorageRecord` that a persistent id means: ("storage", type, key, place, count), in old files one more.

    Files of torch before 1.6 also refer to classes with their source, which is dropped.
    """
    words = list(cast("tuple[object, ...]", identity)) if isinstance(identity, tuple) else []
    if len(words) == 4 and words[0] == "module":
        return words[1]
    if len(words) not in (5, 6) or words[0] != "storage" or (len(words) == 6 and words[5] is not None):
        raise BadFile("its pickle refers to something that is no storage.")
    _, kind, key, _, count = words[:5]
    if not isinstance(kind, Global) or kind.module not in _STORAGE_MODULES or kind.name not in _STORAGES:
        return Record(kind)
    if not isinstance(key, str) or len(key) > MOST_KEY or type(count) is not int or not 0 <= count < MOST_COUNT:
        raise BadFile("its pickle refers to a storage by a key or size that is none.")
    return StorageRecord(key, _STORAGES[kind.name], count)


def _tensor(arguments: tuple[object, ...], dtype: torch.dtype | None = None) -> TensorRecord | Record:
    """Tensors of other types (complex, quantised) stay records: an optimiser may have them, a network here has not."""
    if len(arguments) < 4:
        raise BadFile("a tensor in it has too few parts.")
    storage, offset, size, stride = arguments[:4]
    kind = storage.dtype if dtype is None and isinstance(storage, StorageRecord) else dtype
    if not isinstance(storage, StorageRecord) or kind is None:
        return Record(None, arguments)
    return make_tensor_record(storage, kind, offset, size, stride)


def _typed_tensor(arguments: tuple[object, ...]) -> TensorRecord | Record:
    """Of types that have no storage class of their own: the seventh argument is the type."""
    kind = arguments[6] if len(arguments) > 6 else None
    dtype = DTYPES.get(kind.name) if isinstance(kind, Global) and kind.module == "torch" else None
    return _tensor(arguments, dtype) if dtype is not None else Record(None, arguments)


def _parameter(arguments: tuple[object, ...]) -> object:
    if not arguments:
        raise BadFile("a parameter in it has no tensor.")
    return arguments[0]


def _with_attributes(arguments: tuple[object, ...]) -> object:
    """``_rebuild_from_type_v2(function, type, arguments, state)``: the tensor without the type and the state."""
    if len(arguments) != 4 or not isinstance(arguments[0], Global) or arguments[0].name not in _PLAIN_TENSORS:
        return Record(None, arguments)
    return record_call(arguments[0], arguments[2])


_PLAIN_TENSORS: Mapping[str, Callable[[tuple[object, ...]], object]] = {
    "_rebuild_tensor": _tensor,
    "_rebuild_tensor_v2": _tensor,
    "_rebuild_tensor_v3": _typed_tensor,
    "_rebuild_parameter": _parameter,
    "_rebuild_parameter_with_state": _parameter,
}
_TENSORS = {**_PLAIN_TENSORS, "_rebuild_from_type_v2": _with_attributes}

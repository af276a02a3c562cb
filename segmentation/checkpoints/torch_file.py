"""What lies in a file that torch.save wrote: its pickle as inert records, and its tensors once they are asked for.

Both formats are read: the zip of torch 1.6 and later, and the row of pickles of the years before. TorchScript archives
hold a program and are refused.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BufferedReader
from typing import cast

import torch
from torch import Tensor

from ...errors import BadFile
from .archive import MOST_ENTRIES, Span, read_directory
from .machine import MOST_PICKLE_BYTES, Machine
from .records import StorageRecord, TensorRecord, clean_text

LEGACY_MAGIC, LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
# Tied weights share a storage; a file in which thousands of names share one is made to exhaust.
MOST_SHARING, FREE_BYTES = 4, 2**20
MOST_FILE_BYTES = 2**34  # SAM's largest has 2.5 GB; a sparse file can claim any size


@dataclass(frozen=True)
class TorchFile:
    """content: the pickle's value in records. spans: where each storage lies, by its key. file: still open."""

    content: object
    spans: Mapping[str, Span]
    file: BufferedReader


def read_torch_file(file: BufferedReader) -> TorchFile:
    """The open file's pickle and the places of its storages; no tensor is read. Raises `BadFile`."""
    size = os.fstat(file.fileno()).st_size
    start = file.read(4)
    if size > MOST_FILE_BYTES:
        raise BadFile(f"it has {size} bytes; checkpoints have at most {MOST_FILE_BYTES}.")
    if start.startswith(b"PK\x03\x04"):
        return _read_zip(file, size)
    if start.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        return _read_legacy(file, size)
    raise BadFile("it is no checkpoint: torch.save writes a zip file or, in old versions, a row of pickles.")


def _read_zip(file: BufferedReader, size: int) -> TorchFile:
    spans = read_directory(file, size)
    roots = [name.removesuffix("data.pkl") for name in spans if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise BadFile("it is a zip file, but none that torch.save wrote: it has no data.pkl in one folder.")
    root = roots[0]
    if root + "constants.pkl" in spans or any(name.startswith(root + "code/") for name in spans):
        raise BadFile("it is a TorchScript program; give the checkpoint it was exported from, or export it to ONNX.")
    order = _small(file, spans.get(root + "byteorder"))
    if order not in ("", sys.byteorder):
        raise BadFile(f"its numbers are {clean_text(order)}-endian, this machine's {sys.byteorder}-endian.")
    pickled = spans[root + "data.pkl"]
    if pickled.size > MOST_PICKLE_BYTES:
        raise BadFile(f"its pickle has {pickled.size} bytes; those of checkpoints have at most {MOST_PICKLE_BYTES}.")
    file.seek(pickled.start)
    content = Machine(file.read(pickled.size)).run()
    folder = root + "data/"
    stored = {name[len(folder) :]: span for name, span in spans.items() if name.startswith(folder)}
    return TorchFile(content, stored, file)


def _small(file: BufferedReader, span: Span | None) -> str:
    if span is None:
        return ""
    file.seek(span.start)
    return file.read(min(span.size, 32)).decode("latin-1")


def _read_legacy(file: BufferedReader, size: int) -> TorchFile:
    """Magic number, protocol, the writer's number sizes, the content, the keys in order; then the storages."""
    file.seek(0)
    machine = Machine(file.read(MOST_PICKLE_BYTES))
    if machine.run() != LEGACY_MAGIC or machine.run() != LEGACY_PROTOCOL:
        raise BadFile("it is a pickle, but no checkpoint: torch.save writes other numbers first.")
    system, content, keys = machine.run(), machine.run(), machine.run()
    little = isinstance(system, dict) and cast("dict[object, object]", system).get("little_endian") is True
    if not little or sys.byteorder != "little":
        raise BadFile("its numbers are of a machine with another byte order.")
    if not isinstance(keys, list) or len(cast("list[object]", keys)) > MOST_ENTRIES:
        raise BadFile("it lists no storages, or too many.")
    return TorchFile(content, dict(_legacy_spans(file, size, machine, cast("list[object]", keys))), file)


def _legacy_spans(file: BufferedReader, size: int, machine: Machine, keys: list[object]) -> Iterable[tuple[str, Span]]:
    at = machine.position
    for key in keys:
        storage = machine.storages.get(key) if isinstance(key, str) else None
        if storage is None or storage.dtype is None:
            raise BadFile("it lists a storage that nothing uses.")
        file.seek(at)
        head = file.read(8)
        count = struct.unpack("<q", head)[0] if len(head) == 8 else -1
        span = Span(at + 8, count * storage.dtype.itemsize)
        at = span.start + span.size
        if count < 0 or at > size:
            raise BadFile("it is cut off.")
        yield storage.key, span


def read_tensors(source: TorchFile, records: Mapping[str, TensorRecord]) -> dict[str, Tensor]:
    """The tensors of these records, on the CPU, each storage read once. Raises `BadFile` where the file has less."""
    check_sizes(source, records)
    storages: dict[str, Tensor] = {}
    tensors: dict[str, Tensor] = {}
    for name, record in records.items():
        key = record.storage.key
        if record.count and key not in storages:
            storages[key] = _read_span(source.file, source.spans[key])
        tensors[name] = _view(storages[key], record) if record.count else torch.empty(record.size, dtype=record.dtype)
    return tensors


def check_sizes(source: TorchFile, records: Mapping[str, TensorRecord]) -> None:
    """Raises `BadFile` unless the file has all that the records claim, and names share no more than tied weights do."""
    held: dict[str, int] = {}
    wanted = 0
    for record in records.values():
        span, claimed = source.spans.get(record.storage.key), _bytes(record.storage)
        if span is None or claimed > span.size:
            raise BadFile(f"a tensor in it claims {claimed} bytes where the file has {span.size if span else 0}.")
        held[record.storage.key] = span.size
        wanted += record.count * record.dtype.itemsize
    if wanted > MOST_SHARING * sum(held.values()) + FREE_BYTES:
        raise BadFile(f"its tensors unfold to {wanted} bytes out of {sum(held.values())} in the file.")


def _bytes(storage: StorageRecord) -> int:
    return storage.count * (storage.dtype.itemsize if storage.dtype is not None else 1)


def _read_span(file: BufferedReader, span: Span) -> Tensor:
    numbers = torch.empty(span.size, dtype=torch.uint8)
    file.seek(span.start)
    room = memoryview(numbers.numpy())  # pyright: ignore[reportArgumentType] - numpy says that it is a buffer from 3.12 on
    if span.size and file.readinto(room) != span.size:
        raise BadFile("it is cut off.")
    return numbers


def _view(numbers: Tensor, record: TensorRecord) -> Tensor:
    whole = numbers[: _bytes(record.storage) // record.dtype.itemsize * record.dtype.itemsize]
    if record.dtype == torch.bool:  # any other byte than 0 and 1 would be a bool that is neither
        whole = whole.ne(0)
    return whole.view(record.dtype).as_strided(record.size, record.stride, record.offset)

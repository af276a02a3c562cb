"""Reads a model file without trusting it: tensors, family, class names and architecture, from .pt, .pth or safetensors.

Nothing in the file is imported, called or evaluated; see `machine`. Every number it claims is checked before memory is
taken, and what is returned holds plain values only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from ...errors import BadFile, HemlineError
from .architecture import MOST_CLASSES, Architecture, check_architecture
from .families import YOLO_FAMILIES, Family, tell_family, title_of
from .modules import attribute, find_network, named_tensors
from .records import TensorRecord, as_literal, clean_text
from .safe_file import read_safe_file, write_safe_file
from .torch_file import TorchFile, check_sizes, read_tensors, read_torch_file

MOST_STRIDE, MOST_STRIDES, MOST_NOTE, MOST_CLASS_NAME = 1024, 8, 200, 200
MOST_JSON = 2**22
NOTES = ("version", "license", "date", "imgsz")
"""What is kept of a checkpoint's other entries, as texts; for ultralytics its version, licence and training size."""


@dataclass(frozen=True)
class Checkpoint:
    """What a model file holds.

    tensors: on the CPU, in the file's own types, under the names of the network's state dict; on the meta device where
        they were not asked for. family, task, scale: see `Family`. names: class number -> name, for every class; empty
        for SAM. stride: pixels of the picture per cell, for each of YOLO's scales; empty where the file does not say.
    architecture: the checked text that a YOLO is built from; None where the file has none.
    metadata: short notes of the file's maker. source: the file.
    """

    tensors: Mapping[str, Tensor]
    family: str
    task: str
    scale: str = ""
    names: Mapping[int, str] = field(default_factory=dict[int, str])
    stride: tuple[int, ...] = ()
    architecture: Architecture | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    source: Path = Path()

    @property
    def title(self) -> str:
        """The network for a person, as `title_of` gives it."""
        return title_of(self.family, self.scale, self.task)


def read_checkpoint(path: Path, *, values: bool = True) -> Checkpoint:
    """What the model file holds; its kind is told from its content, never from its name.

    values: False reads no tensor and gives them on the meta device, for a look at a large file.
    Raises `BadFile` for everything that is no model known here, a hostile or damaged file included.
    """
    try:
        with path.open("rb") as file:
            start = file.read(9)
            file.seek(0)
            if start[4:] == b"\0\0\0\0{":  # a header below 4 GiB that is a JSON object
                return _read_safetensors(path, values)
            return _read_torch(read_torch_file(file), path, values)
    except HemlineError as error:
        raise BadFile(f"{path} cannot be read as a model: {error}") from error
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror or error}).") from error


def _read_torch(source: TorchFile, path: Path, values: bool) -> Checkpoint:
    network = find_network(source.content)
    records = named_tensors(network)
    check_sizes(source, records)
    family = tell_family({name: record.size for name, record in records.items()})
    found = {name: attribute(network, source.content, name) for name in ("yaml", "names", *NOTES)}
    found["imgsz"] = _train_argument(source.content, "imgsz")
    found["stride"] = _stride_values(source, attribute(network, source.content, "stride"))
    tensors = read_tensors(source, records) if values else {name: _shape_of(record) for name, record in records.items()}
    return _checkpoint(family, tensors, found, path)


def _train_argument(content: object, name: str) -> object:
    """What ultralytics was told when it trained the file."""
    told = cast("dict[object, object]", content).get("train_args") if isinstance(content, dict) else None
    return cast("dict[object, object]", told).get(name) if isinstance(told, dict) else None


def _shape_of(record: TensorRecord) -> Tensor:
    return torch.empty(record.size, dtype=record.dtype, device="meta")


def _stride_values(source: TorchFile, stride: object) -> object:
    if not isinstance(stride, TensorRecord):
        return stride
    if len(stride.size) != 1 or stride.count > MOST_STRIDES:
        raise BadFile("its strides are too many.")
    return cast("list[float]", read_tensors(source, {"stride": stride})["stride"].tolist())


def _checkpoint(family: Family, tensors: Mapping[str, Tensor], found: Mapping[str, object], path: Path) -> Checkpoint:
    yolo = family.name in YOLO_FAMILIES
    if family.classes > MOST_CLASSES:
        raise BadFile(f"it has {family.classes} classes; at most {MOST_CLASSES} are taken.")
    architecture = check_architecture(found["yaml"]) if yolo and found.get("yaml") is not None else None
    if architecture is not None and architecture["nc"] != family.classes:
        raise BadFile(f"its architecture has {architecture['nc']} classes, its tensors {family.classes}.")
    names = _class_names(found.get("names"), family) if yolo else {}
    stride = _strides(found.get("stride")) if yolo else ()
    notes = {name: clean_text(str(found[name]), MOST_NOTE) for name in NOTES if _is_note(found.get(name))}
    return Checkpoint(tensors, family.name, family.task, family.scale, names, stride, architecture, notes, path)


def _is_note(value: object) -> bool:
    return isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 2**63)


def _class_names(value: object, family: Family) -> dict[int, str]:
    """A name for each class: those of the file, and "class 7" where it has none."""
    plain = None if value is None else as_literal(value)
    given: dict[object, object] = {}
    if isinstance(plain, dict):
        given = {_number(key): name for key, name in cast("dict[object, object]", plain).items()}
    elif isinstance(plain, list):
        given = dict(enumerate(cast("list[object]", plain)))
    names: dict[int, str] = {}
    for number in range(family.classes):
        name = given.get(number)
        names[number] = clean_text(name, MOST_CLASS_NAME) if isinstance(name, str) else f"class {number}"
    return names


def _number(key: object) -> object:
    """JSON knows no numbers as keys."""
    return int(key) if isinstance(key, str) and key.isdecimal() and len(key) < 8 else key


def _strides(value: object) -> tuple[int, ...]:
    numbers = cast("list[object]", value) if isinstance(value, list | tuple) else []
    fine = [int(number) for number in numbers if isinstance(number, int | float) and 1 <= number <= MOST_STRIDE]
    if len(fine) != len(numbers) or len(fine) > MOST_STRIDES:
        raise BadFile("its strides are no numbers of pixels.")
    return tuple(fine)


# Our own conversions carry what the pickle had beside the tensors as JSON in the texts of the safetensors header.
_TEXTS = ("yaml", "names", "stride", *NOTES)


def _read_safetensors(path: Path, values: bool) -> Checkpoint:
    found = read_safe_file(path, values)
    family = tell_family({name: tuple(tensor.shape) for name, tensor in found.tensors.items()})
    return _checkpoint(family, found.tensors, {name: _from_json(found.texts.get(name)) for name in _TEXTS}, path)


def _from_json(text: str | None) -> object:
    if text is None or len(text) > MOST_JSON:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None if len(text) > MOST_NOTE else text


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Writes the checkpoint as safetensors, so that the next load needs no pickle; `read_checkpoint` reads it back.

    The header's texts are JSON: yaml, names, stride, family, task, scale and the notes. Raises `BadFile` for a
    checkpoint that was read without its values, and where the file cannot be written.
    """
    if any(tensor.is_meta for tensor in checkpoint.tensors.values()):
        raise BadFile(f"{checkpoint.source} was read without its values; there is nothing to write.")
    told = {
        "yaml": checkpoint.architecture, "names": checkpoint.names, "stride": checkpoint.stride,
        "family": checkpoint.family, "task": checkpoint.task, "scale": checkpoint.scale, **checkpoint.metadata,
    }  # fmt: skip
    texts = {name: json.dumps(value) for name, value in told.items() if value not in (None, "", (), {})}
    write_safe_file(checkpoint.tensors, texts, path)

"""Checkpoints made opcode by opcode, so that tests can say what no honest program would write."""

from __future__ import annotations

import math
import struct
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

FLOAT = "FloatStorage"


@dataclass(frozen=True)
class Named:
    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """A REDUCE; with a state, a BUILD after it."""

    kind: Named
    arguments: tuple = ()
    state: object = None


@dataclass(frozen=True)
class Opcodes:
    """These bytes in place of a value."""

    data: bytes


@dataclass(frozen=True)
class Stored:
    """A tensor of zeros as torch writes it. `count` is what its storage claims to hold; what `size` needs if None."""

    size: tuple[int, ...]
    key: str = "0"
    count: int | None = None
    stride: tuple[int, ...] | None = None
    offset: int = 0
    kind: str = FLOAT

    def elements(self) -> int:
        return math.prod(self.size)


@dataclass
class Assembly:
    """What `assemble` met on its way."""

    data: bytearray = field(default_factory=bytearray)
    storages: dict[str, int] = field(default_factory=dict)


def assemble(value: object) -> Assembly:
    """The pickle of protocol 2 that builds the value, and the storages it needs with their counts."""
    made = Assembly(bytearray(b"\x80\x02"))
    _write(made, value)
    made.data += b"."
    return made


def _write(made: Assembly, value: object) -> None:
    data = made.data
    if isinstance(value, Opcodes):
        data += value.data
    elif value is None or isinstance(value, bool):
        data += {None: b"N", True: b"\x88", False: b"\x89"}[value]
    elif isinstance(value, int):
        raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        data += b"\x8a" + bytes([len(raw)]) + raw
    elif isinstance(value, float):
        data += b"G" + struct.pack(">d", value)
    elif isinstance(value, str):
        raw = value.encode("utf-8", "surrogatepass")
        data += b"X" + struct.pack("<I", len(raw)) + raw
    elif isinstance(value, bytes):
        data += b"B" + struct.pack("<I", len(value)) + value
    elif isinstance(value, Named):
        data += b"c" + f"{value.module}\n{value.name}\n".encode()
    elif isinstance(value, Stored):
        _write_tensor(made, value)
    elif isinstance(value, Call):
        _write(made, value.kind)
        _write(made, value.arguments)
        data += b"R"
        if value.state is not None:
            _write(made, value.state)
            data += b"b"
    else:
        _write_container(made, value)


def _write_container(made: Assembly, value: object) -> None:
    start, items, end = {
        tuple: (b"(", value, b"t"), list: (b"](", value, b"e"),
        dict: (b"}(", [part for pair in value.items() for part in pair] if isinstance(value, dict) else (), b"u"),
    }[type(value)]  # fmt: skip
    made.data += start
    for item in items:
        _write(made, item)
    made.data += end


def _write_tensor(made: Assembly, tensor: Stored) -> None:
    count = tensor.elements() if tensor.count is None else tensor.count
    made.storages[tensor.key] = max(made.storages.get(tensor.key, 0), count)
    _write(made, Named("torch._utils", "_rebuild_tensor_v2"))
    made.data += b"("
    _write(made, ("storage", Named("torch", tensor.kind), tensor.key, "cpu", count))
    made.data += b"Q"
    for part in (tensor.offset, tensor.size, tensor.stride or dense(tensor.size), False, {}):
        _write(made, part)
    made.data += b"tR"


def dense(size: tuple[int, ...]) -> tuple[int, ...]:
    steps, step = [], 1
    for side in reversed(size):
        steps.append(step)
        step *= max(side, 1)
    return tuple(reversed(steps))


def torch_zip(path: Path, value: object, *, storages: dict[str, bytes] | None = None, pickled: bytes = b"") -> Path:
    """A file as torch.save would write it; storages are zeros of four bytes an element unless they are given."""
    made = assemble(value)
    held = {key: bytes(4 * count) for key, count in made.storages.items()} if storages is None else storages
    entries = {"data.pkl": pickled or bytes(made.data), "byteorder": b"little", "version": b"3\n"}
    entries |= {f"data/{key}": raw for key, raw in held.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, raw in entries.items():
            archive.writestr(f"archive/{name}", raw)
    return path


def legacy_file(path: Path, value: object) -> Path:
    """A file as torch before 1.6 wrote it: pickles in a row, then the storages."""
    made = assemble(value)
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = [assemble(part).data for part in (0x1950A86A20F9469CFC6C, 1001, system)]
    keys = assemble(sorted(made.storages)).data
    body = b"".join(
        struct.pack("<q", made.storages[key]) + bytes(4 * made.storages[key]) for key in sorted(made.storages)
    )
    path.write_bytes(b"".join([*map(bytes, head), bytes(made.data), bytes(keys), body]))
    return path


def module(kind: Named, tensors: dict[str, object], **attributes: object) -> Call:
    """An `nn.Module` as its pickle has it, with these tensors under their dotted names."""
    here = {name: value for name, value in tensors.items() if "." not in name}
    inside: dict[str, dict[str, object]] = {}
    for name, value in tensors.items():
        first, dot, rest = name.partition(".")
        if dot:
            inside.setdefault(first, {})[rest] = value
    plain = Named("torch.nn.modules.module", "Module")
    children = {name: module(plain, below) for name, below in inside.items()}
    return Call(kind, (), {"training": False, "_parameters": here, "_buffers": {}, "_modules": children, **attributes})


YOLO = Named("ultralytics.nn.tasks", "DetectionModel")
ARCHITECTURE = {
    "nc": 2,
    "scale": "n",
    "scales": {"n": [0.33, 0.25, 1024]},
    "backbone": [[-1, 1, "Conv", [64, 3, 2]], [-1, 1, "Conv", [128, 3, 2]], [-1, 3, "C2f", [128, True]]],
    "head": [[-1, 1, "nn.Upsample", ["None", 2, "nearest"]], [[2, 3], 1, "Detect", ["nc"]]],
}


def yolo_tensors() -> dict[str, object]:
    """The few tensors by which a YOLOv8 n of two classes is known."""
    sizes = {
        "model.0.conv.weight": (16, 3, 3, 3), "model.0.bn.bias": (16,), "model.2.m.0.cv1.conv.weight": (8, 8, 3, 3),
        "model.4.cv2.0.2.weight": (64, 2, 1, 1), "model.4.cv3.0.2.weight": (2, 2, 1, 1),
    }  # fmt: skip
    return {name: Stored(size, key=str(number)) for number, (name, size) in enumerate(sizes.items())}


def yolo(**attributes: object) -> dict[str, object]:
    """A checkpoint as ultralytics saves it, small enough to be made by the hundred."""
    given = {"yaml": ARCHITECTURE, "names": {0: "shirt", 1: "skirt"}, "stride": [8.0, 16.0, 32.0], **attributes}
    return {
        "model": module(YOLO, yolo_tensors(), **given),
        "ema": None,
        "version": "8.4.0",
        "train_args": {"imgsz": 640},
    }

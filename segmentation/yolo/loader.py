"""A YOLO out of a file of the user's: .pt, .pth or .safetensors by the inert reader, or .onnx."""

from __future__ import annotations

from pathlib import Path

from ...errors import BadFile, MissingModel
from ..checkpoints.checkpoint import Checkpoint, read_checkpoint
from ..checkpoints.families import YOLO_FAMILIES
from .model import Yolo
from .network import build_network
from .onnx_network import is_onnx, load_onnx

TASKS = ("detect", "segment")
DEFAULT_SIDE, LEAST_SIDE, MOST_SIDE = 640, 32, 8192


def load_yolo(path: Path, *, folder: Path | None = None) -> Yolo:
    """The YOLO in a file, on the CPU, in float32, ready to look.

    folder: where ultralytics may keep its settings, see `import_ultralytics`; it is given neither the file nor its
    path. Raises `MissingModel` where there is no file, or a package is missing that the file needs, and `BadFile` where
    it holds no YOLO that finds boxes or masks.
    """
    if not path.is_file():
        raise MissingModel(f"{path} is not there; give a .pt, .safetensors or .onnx file of a YOLO.")
    if is_onnx(path):
        return load_onnx(path)
    checkpoint = read_checkpoint(path)
    if checkpoint.family not in YOLO_FAMILIES:
        raise BadFile(f"{path} is a {checkpoint.family}, no YOLO; known are {', '.join(YOLO_FAMILIES)}.")
    if checkpoint.task not in TASKS:
        raise BadFile(
            f"{path} is a {checkpoint.family} for the task {checkpoint.task!r}; Hemline takes those that find boxes "
            "(detect) or masks (segment)."
        )
    network = build_network(checkpoint, folder=folder)
    names = tuple(checkpoint.names[number] for number in range(len(checkpoint.names)))
    return Yolo(
        network, names, checkpoint.task, checkpoint.family, checkpoint.scale, training_side(checkpoint),
        stride=int(max(network.head.stride)), end_to_end=network.end_to_end, metadata=checkpoint.metadata,
    )  # fmt: skip


def training_side(checkpoint: Checkpoint) -> int:
    """The long side in px at which the file was trained, as far as it says so."""
    told = checkpoint.metadata.get("imgsz", "")
    side = int(told) if told.isdecimal() and len(told) < 6 else DEFAULT_SIDE
    return side if LEAST_SIDE <= side <= MOST_SIDE else DEFAULT_SIDE

"""The user's own model files on the command line: what they hold, and the same without a pickle."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import BadFile, name_some
from ..segmentation.checkpoints.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from .events import Events
from .whole_file import whole_file


def inspect_model(path: Path, events: Events) -> None:
    """Tells the network in a model file, its classes and the size of its weights. Raises `BadFile`."""
    found = read_checkpoint(path, values=False)
    count = sum(tensor.numel() for tensor in found.tensors.values())
    size = f"{count / 1e6:.1f} million values in {len(found.tensors)} tensors"
    events.tell(
        "model", f"{path.name}: {found.title}, {size}{_classes(found)}",
        file=str(path), family=found.family, task=found.task, scale=found.scale, names=dict(found.names),
        stride=found.stride, tensors=len(found.tensors), values=count, architecture=found.architecture is not None,
        metadata=dict(found.metadata),
    )  # fmt: skip


def _classes(found: Checkpoint) -> str:
    return f"\nclasses: {name_some(list(found.names.values()))}" if found.names else ""


def convert_model(path: Path, output: Path | None, *, overwrite: bool, events: Events) -> None:
    """Writes the model as safetensors, whole or not at all, to `output` or beside the file.

    Raises `BadFile` where the model cannot be read, or where a file is in the way and `overwrite` is not set.
    """
    target = output or path.with_suffix(".safetensors")
    if target.suffix != ".safetensors":
        raise BadFile(f"{target} would hold safetensors; give it that suffix, so that loaders know it.")
    if target.exists() and not overwrite:
        raise BadFile(f"{target} is there already; give --overwrite to replace it, or another name with -o.")
    found = read_checkpoint(path)
    with whole_file(target) as temporary:
        save_checkpoint(found, temporary)
        shutil.copymode(path, temporary)  # safetensors lets nobody else read what it writes
    events.tell("converted", f"{target}: {found.title}", file=str(target), source=str(path), family=found.family)

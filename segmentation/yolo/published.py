"""The architectures that ultralytics publishes, read from its package, for files that hold nothing but tensors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import yaml

from ..checkpoints.architecture import Architecture, check_architecture
from ..checkpoints.checkpoint import Checkpoint

# family -> folder of its texts, and how their names begin; those of v9 and v10 carry the size.
FOLDERS = {
    "yolov5u": ("v5", "yolov5"), "yolov8": ("v8", "yolov8"), "yolov9": ("v9", "yolov9{scale}"),
    "yolov10": ("v10", "yolov10{scale}"), "yolo11": ("11", "yolo11"), "yolo12": ("12", "yolo12"),
    "yolo26": ("26", "yolo26"),
}  # fmt: skip
OTHER_TASKS = ("cls", "pose", "obb", "world", "worldv2", "rtdetr", "depth", "sem")


def published_architectures(package: Path, checkpoint: Checkpoint) -> Iterator[Architecture]:
    """The published texts of the checkpoint's family and task, the plain one first, with its size and class count.

    package: ultralytics' folder.
    """
    if checkpoint.family not in FOLDERS:
        return
    folder, stem = FOLDERS[checkpoint.family]
    stem = stem.format(scale=checkpoint.scale)
    files = (package / "cfg" / "models" / folder).glob(f"{stem}*.yaml")
    for file in sorted(files, key=lambda file: (len(file.stem), file.stem)):
        kinds = file.stem[len(stem) :].split("-")
        if kinds[0] or set(kinds) & set(OTHER_TASKS) or ("seg" in kinds) != (checkpoint.task == "segment"):
            continue
        text = cast("dict[str, object]", yaml.safe_load(file.read_text(encoding="utf-8")))
        scales = cast("dict[str, object]", text.get("scales") or {})
        if scales and checkpoint.scale not in scales:
            continue
        scale = {"scale": checkpoint.scale} if scales else {}
        yield check_architecture({**text, **scale, "nc": _classes(checkpoint)})


def _classes(checkpoint: Checkpoint) -> int:
    return len(checkpoint.names)

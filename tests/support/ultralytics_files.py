"""Writes what ultralytics itself saves into a folder: checkpoints, what plain loading finds in them, and name tables.

    python ultralytics_files.py FOLDER

Runs in a process of its own, with everything switched off that would look for a network or install anything.
"""

from __future__ import annotations

import json
import os
import sys
from copy import deepcopy
from pathlib import Path

FILES = {
    "yolov8n": "yolov8n", "yolov8n-seg": "yolov8n-seg", "yolov5nu": "yolov5n", "yolo11n-seg": "yolo11n-seg",
    "yolo12n": "yolo12n", "yolo26n-seg": "yolo26n-seg",
}  # fmt: skip
NAMES = {0: "short sleeve top", 1: "Kleid, Röcke", 2: "鞋"}
YAMLS = {
    "yolov8": ("v8/yolov8", "nsmlx"), "yolov8-seg": ("v8/yolov8-seg", "nsmlx"), "yolov8-p6": ("v8/yolov8-p6", "n"),
    "yolov8-cls": ("v8/yolov8-cls", "n"), "yolov8-pose": ("v8/yolov8-pose", "n"), "yolov8-obb": ("v8/yolov8-obb", "n"),
    "yolov5u": ("v5/yolov5", "nsmlx"), "yolov10": ("v10/yolov10{}", "nsmblx"), "yolov9": ("v9/yolov9{}", "tsmce"),
    "yolo11": ("11/yolo11", "nsmlx"), "yolo11-seg": ("11/yolo11-seg", "nsmlx"),
    "yolo12": ("12/yolo12", "nsmlx"), "yolo12-seg": ("12/yolo12-seg", "nsmlx"),
    "yolo26": ("26/yolo26", "nsmlx"), "yolo26-seg": ("26/yolo26-seg", "nsmlx"), "yolo26-pose": ("26/yolo26-pose", "n"),
    "refused rtdetr": ("rt-detr/rtdetr-l", "l"), "refused yoloe": ("11/yoloe-11-seg", "n"),
    "refused world": ("v8/yolov8-worldv2", "n"),
}  # fmt: skip


def main(folder: Path) -> None:
    switches = {
        "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_VERBOSE": "0", "YOLO_CONFIG_DIR": str(folder),
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    os.environ.update(switches)
    import torch

    save = torch.save
    import ultralytics
    from safetensors.torch import save_file
    from ultralytics.nn.tasks import DetectionModel, SegmentationModel, parse_model, yaml_model_load

    torch.manual_seed(0)
    for stem, config in FILES.items():
        kind = SegmentationModel if config.endswith("-seg") else DetectionModel
        model = kind(f"{config}.yaml", nc=len(NAMES), verbose=False)
        model.names = dict(NAMES)
        for module in model.modules():  # what an untrained model has there would equal anything
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-1, 1)
        ema = deepcopy(model).half() if stem == "yolov8n-seg" else None  # as it is kept while training
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9).state_dict() if ema else None
        entries = {"model": model if ema else model.half(), "ema": ema, "optimizer": optimizer, "epoch": 3}
        notes = {"version": ultralytics.__version__, "train_args": {"imgsz": 640}, "license": "AGPL-3.0"}
        save({**entries, **notes}, folder / f"{stem}.pt")
        loaded = torch.load(folder / f"{stem}.pt", weights_only=False)
        state = (loaded["ema"] or loaded["model"]).state_dict()
        save_file({name: value.clone() for name, value in state.items()}, folder / f"{stem}.expected")
    save(loaded, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    save(loaded["model"].state_dict(), folder / "state.pt")
    save({"state_dict": {f"module.{name}": value for name, value in state.items()}}, folder / "parallel.pt")

    shapes: dict[str, dict[str, list[int]]] = {}
    configs = Path(ultralytics.__file__).parent / "cfg" / "models"
    for name, (config, scales) in YAMLS.items():
        for scale in scales:
            plan = {**yaml_model_load(str(configs / f"{config.format(scale)}.yaml")), "scale": scale, "channels": 3}
            with torch.device("meta"):
                net, _ = parse_model(plan, ch=3, verbose=False)
            shapes[f"{name} {scale}"] = {f"model.{part}": list(value.shape) for part, value in net.state_dict().items()}
    (folder / "shapes.json").write_text(json.dumps(shapes))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

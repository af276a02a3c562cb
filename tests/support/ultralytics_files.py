"""Writes what ultralytics itself saves and computes into a folder, for comparison: checkpoints, what plain loading
finds in them, what the networks give, what predict makes of that, and name tables.

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
    "yolo12n": "yolo12n", "yolov9t": "yolov9t", "yolov10n": "yolov10n", "yolo26n-seg": "yolo26n-seg",
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


PREDICTED = ("yolov8n", "yolo11n-seg")
PICTURE, SIDE = (333, 500), 320
"""What predict is shown: height and width of a drawn picture, and the size that it is told."""


def pictures(count=2, height=96, width=64, seed=7):
    """Blurred spots ``[count,3,height,width]``; those without arguments are shown to every network."""
    import torch
    from torch.nn import functional

    spots = torch.rand((count, 3, height // 24, width // 24), generator=torch.Generator().manual_seed(seed))
    return functional.interpolate(spots, (height, width), mode="bilinear")


def _teach_statistics(model):
    """What an untrained model finds hardly depends on what it is shown; here it learns means and spreads."""
    import torch

    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    model.train()(pictures(4, 224, 320, seed=5))
    for norm in norms:
        norm.momentum = 0.03
    for name in ("cv3", "one2one_cv3"):
        for branch in getattr(model.model[-1], name, ()):
            branch[-1].bias.data.zero_()


def outputs_of(model):
    """What a whole model of ultralytics gives for `pictures`, by itself."""
    import torch

    model.eval().end2end = getattr(model.model[-1], "one2one_cv2", None) is not None
    with torch.no_grad():
        found = model(pictures())[0]
    found = found if isinstance(found, tuple) else (found,)
    named = dict(zip(("predictions", "prototypes"), found, strict=False))
    return {"pictures": pictures(), **{name: value.contiguous() for name, value in named.items()}}


def predict(folder: Path, stem: str) -> None:
    """Writes what ultralytics predicts for a picture: boxes, scores, classes, and what it has shown to the network."""
    import torch
    from safetensors.torch import save_file
    from ultralytics import YOLO
    from ultralytics.data.augment import LetterBox

    picture = (pictures(1, *PICTURE, seed=8)[0] * 255).round().to(torch.uint8)
    bgr = picture.permute(1, 2, 0).flip(-1).contiguous().numpy()
    frame = LetterBox((SIDE, SIDE), auto=True, stride=32)(image=bgr)
    (found,) = YOLO(folder / f"{stem}.pt").predict(bgr, imgsz=SIDE, conf=0.3, iou=0.5, max_det=50, verbose=False)
    boxes = found.boxes
    told = {
        "picture": picture, "frame": torch.from_numpy(frame[..., ::-1].copy()), "boxes": boxes.xyxy,
        "scores": boxes.conf, "classes": boxes.cls,
    }  # fmt: skip
    save_file({name: value.clone().contiguous() for name, value in told.items()}, folder / f"{stem}.predicted")


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
        model.task = "segment" if config.endswith("-seg") else "detect"
        _teach_statistics(model)
        ema = deepcopy(model).half() if stem == "yolov8n-seg" else None  # as it is kept while training
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9).state_dict() if ema else None
        entries = {"model": model if ema else model.half(), "ema": ema, "optimizer": optimizer, "epoch": 3}
        notes = {
            "version": ultralytics.__version__,
            "train_args": {"imgsz": 640, "task": model.task},
            "license": "AGPL-3.0",
        }
        save({**entries, **notes}, folder / f"{stem}.pt")
        loaded = torch.load(folder / f"{stem}.pt", weights_only=False)
        state = (loaded["ema"] or loaded["model"]).state_dict()
        save_file({name: value.clone() for name, value in state.items()}, folder / f"{stem}.expected")
        save_file(outputs_of(deepcopy(loaded["ema"] or loaded["model"]).float()), folder / f"{stem}.outputs")
    save(loaded, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    save(loaded["model"].state_dict(), folder / "state.pt")
    save({"state_dict": {f"module.{name}": value for name, value in state.items()}}, folder / "parallel.pt")

    for stem in PREDICTED:
        predict(folder, stem)

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

"""Small model files of each family for tests of what is done with them, not of what they see."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from checkpoints import draw_segformer
from safetensors.torch import save_file

from hemline.segmentation.taxonomies import NUMBERED


def write_segformer(path: Path, seed: int = 0, words: tuple[str, ...] = NUMBERED["atr"]) -> Path:
    """A tiny SegFormer of random weights, with its configuration beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in draw_segformer(seed=seed).items()}, path)
    config = {"model_type": "segformer", "id2label": dict(enumerate(words)), "num_attention_heads": [1, 2, 3, 5]}
    path.with_name("config.json").write_text(json.dumps(config))
    path.with_name("preprocessor_config.json").write_text(json.dumps({"size": {"height": 128, "width": 128}}))
    return path


def write_sam_names(path: Path) -> Path:
    """A file that has the names of a SAM's tensors and nothing to run."""
    names = {"mask_decoder.iou_token.weight": (1, 8), "image_encoder.pos_embed": (1, 2, 2, 8)}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({name: torch.zeros(shape) for name, shape in names.items()}, path)
    return path


def write_yolo_names(path: Path, words: tuple[str, ...] = ("dress",), task: str = "detect") -> Path:
    """A file that has the names of a YOLOv8's tensors that tell its family, and nothing to run."""
    last = {"cv2.0.2.weight": (64, 8, 1, 1), "cv3.0.2.weight": (len(words), 8, 1, 1)}
    last |= {"proto.cv1.conv.weight": (8, 8, 3, 3)} if task == "segment" else {}
    last |= {"cv4.0.2.weight": (51, 8, 1, 1)} if task == "pose" else {}
    shapes = {"model.0.conv.weight": (16, 3, 3, 3), "model.2.m.0.cv1.conv.weight": (8, 8, 3, 3)}
    shapes |= {f"model.22.{name}": shape for name, shape in last.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = {"names": json.dumps(dict(enumerate(words))), "license": json.dumps("AGPL-3.0")}
    save_file({name: torch.zeros(shape) for name, shape in shapes.items()}, path, metadata=texts)
    return path

"""Writes tiny model files as the libraries themselves write them, so that the whole way from a menu to a mask is short.

    python tiny_models.py FOLDER

Runs in a process of its own, with everything switched off that would look for a network or install anything. The YOLO
is sure of a garment everywhere; the SAM is random. What they see is tested elsewhere, by known geometry.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

NAMES = {0: "short sleeve dress", 1: "trousers", 2: "gizmo"}
YOLO_FILE, SAM_FILE = "clothes.pt", "sam.pth"


def main(folder: Path) -> None:
    os.environ.update(
        YOLO_OFFLINE="1", YOLO_AUTOINSTALL="0", YOLO_VERBOSE="0", YOLO_CONFIG_DIR=str(folder), OMP_NUM_THREADS="1"
    )
    import torch

    save = torch.save
    torch.manual_seed(0)
    write_yolo(folder / YOLO_FILE, save)
    write_sam(folder / SAM_FILE, save)


def write_yolo(path: Path, save) -> None:
    import ultralytics
    from ultralytics.nn.tasks import SegmentationModel, yaml_model_load

    plan = yaml_model_load("yolov8n-seg.yaml")
    model = SegmentationModel(
        {**plan, "scales": {"n": [0.33, 0.0625, 256]}, "scale": "n"}, nc=len(NAMES), verbose=False
    )
    model.names, model.task = dict(NAMES), "segment"
    for branch in model.model[-1].cv3:
        branch[-1].bias.data.copy_(branch[-1].bias.data.new_tensor([2.0, -9.0, -9.0]))
    notes = {"version": ultralytics.__version__, "license": "AGPL-3.0", "train_args": {"imgsz": 128, "task": "segment"}}
    save({"model": model.half(), "ema": None, "epoch": -1, **notes}, path)


def write_sam(path: Path, save) -> None:
    import torch
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    encoder = ImageEncoderViT(
        img_size=128, depth=2, embed_dim=32, num_heads=2, out_chans=64, window_size=4, global_attn_indexes=[1],
        use_rel_pos=True, norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
    )  # fmt: skip
    prompter = PromptEncoder(embed_dim=64, image_embedding_size=(8, 8), input_image_size=(128, 128), mask_in_chans=16)
    transformer = TwoWayTransformer(depth=2, embedding_dim=64, num_heads=8, mlp_dim=64)
    decoder = MaskDecoder(transformer_dim=64, transformer=transformer, iou_head_hidden_dim=32)
    save(Sam(encoder, prompter, decoder).state_dict(), path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

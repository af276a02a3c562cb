"""A stand-in for a diffusion model, with the faults that real ones have: shift, zoom and a change of tone.

This file is also put into a real ComfyUI as a node pack of its own, so it imports nothing but torch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

SHIFT_PX = (3.0, -2.0)
ZOOM = 1.015
GAIN, OFFSET = 0.97, 0.01
PAINT = (0.12, 0.42, 0.30)
MODEL_NODES = ("CheckpointLoaderSimple", "CLIPTextEncode", "InpaintModelConditioning", "KSampler", "VAEDecode")


def repaint(image: Tensor, mask: Tensor, faulty: bool) -> Tensor:
    """The crop ``[B,h,w,3]`` with new cloth inside the mask; as a whole shifted, zoomed and toned if `faulty`."""
    folds = 0.5 + image.float().mean(-1, keepdim=True)
    painted = torch.lerp(image.float(), torch.tensor(PAINT) * folds, mask.float().unsqueeze(-1))
    if not faulty:
        return painted
    height, width = image.shape[1:3]
    rows = (torch.arange(height) + 0.5 - height / 2 - SHIFT_PX[1]) / ZOOM / (height / 2)
    columns = (torch.arange(width) + 0.5 - width / 2 - SHIFT_PX[0]) / ZOOM / (width / 2)
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], -1)
    grid = grid.expand(len(image), -1, -1, -1)
    planes = painted.permute(0, 3, 1, 2)
    moved = functional.grid_sample(planes, grid, mode="bicubic", padding_mode="border", align_corners=False)
    return (moved.permute(0, 2, 3, 1) * GAIN + OFFSET).clamp(0, 1)


def with_stand_in(prompt: dict[str, Any], faulty: bool) -> dict[str, Any]:
    """The prompt with its diffusion model replaced: what decodes becomes the stand-in, the rest of the model goes."""
    conditions = next((entry for entry in prompt.values() if entry["class_type"] == "InpaintModelConditioning"), None)
    replaced: dict[str, Any] = {}
    for id, entry in prompt.items():
        if entry["class_type"] == "VAEDecode" and conditions is not None:
            given = {"image": conditions["inputs"]["pixels"], "mask": conditions["inputs"]["mask"], "faulty": faulty}
            replaced[id] = {"class_type": "TestSampler", "inputs": given}
        elif entry["class_type"] not in MODEL_NODES:
            replaced[id] = entry
    return replaced


class TestSampler:
    """The stand-in as a node of ComfyUI."""

    __test__ = False
    CATEGORY, FUNCTION, RETURN_TYPES = "test", "run", ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        wires = {"image": ("IMAGE",), "mask": ("MASK",)}
        return {"required": {**wires, "faulty": ("BOOLEAN", {"default": True})}}

    def run(self, image: Tensor, mask: Tensor, faulty: bool) -> tuple[Tensor]:
        return (repaint(image, mask, faulty),)


NODE_CLASS_MAPPINGS = {"TestSampler": TestSampler}

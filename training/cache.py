"""The prepared data as train.py holds it: byte tensors on the device, nothing decoded twice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

CACHE_FILE, INDEX_FILE = "cache.safetensors", "index.json"


@dataclass
class Photos:
    """photos: uint8 ``[N,3,H,W]``; labels: uint8 ``[N,H,W]``, 255 = ignore; heights: rows of each that are photo.

    present: bool ``[N,classes]``, what is in each photo. Without labels yet, all of them are to be ignored.
    """

    photos: Tensor
    heights: Tensor
    labels: Tensor
    present: Tensor

    def __len__(self) -> int:
        return len(self.photos)


@dataclass
class Cache:
    """The three parts. Labels of `unlabelled` are the network's own (pseudo.py)."""

    training: Photos
    unlabelled: Photos
    validation: Photos
    names: dict[str, list[str]]


def load_cache(folder: Path, device: torch.device) -> Cache:
    """What prepare.py wrote; photos and labels on `device`, heights and tags on the CPU, where picks are made."""
    tensors = load_file(str(folder / CACHE_FILE))
    parts: dict[str, Photos] = {}
    for part in ("training", "unlabelled", "validation"):
        photos = tensors[f"{part}_photos"]
        labels = tensors.get(f"{part}_labels")
        if labels is None:
            labels = torch.full((len(photos), *photos.shape[2:]), 255, dtype=torch.uint8)
        parts[part] = Photos(
            photos.to(device), tensors[f"{part}_heights"], labels.to(device), tensors[f"{part}_present"].bool()
        )
    return Cache(**parts, names=json.loads((folder / INDEX_FILE).read_text()))

"""Layered pictures as tensors, written as PSD."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from ..context import PictureLayer
from .formats.info import PictureInfo, Strip
from .formats.psd import PsdGroup, PsdLayer, PsdMask, write_psd
from .picture_values import from_values
from .whole_file import whole_file


def save_layers(path: Path, merged: Tensor, layers: Sequence[PictureLayer], bits: Literal[8, 16]) -> None:
    """Writes the layers, the lowest first, as a PSD that appears whole or not at all.

    merged: how they look together ``[H,W,3|4]``; laid on white where it is transparent. Raises as `write_psd` does.
    """
    flat = _levels(_on_white(merged), bits)
    with whole_file(path) as temporary, open(temporary, "xb") as file:
        write_psd(file, flat, list(_in_groups(layers, bits)))


def _in_groups(layers: Iterable[PictureLayer], bits: Literal[8, 16]) -> Iterable[PsdLayer | PsdGroup]:
    for group, members in groupby(layers, key=lambda layer: layer.group):
        converted = [_layer(layer, bits) for layer in members]
        if group:
            yield PsdGroup(group, converted)
        else:
            yield from converted


def _layer(layer: PictureLayer, bits: Literal[8, 16]) -> PsdLayer:
    mask = None
    if layer.mask is not None:
        levels = _levels(layer.mask.unsqueeze(-1).expand(-1, -1, 3), bits)[..., 0]
        mask = PsdMask(levels, layer.x, layer.y)
    pixels = _levels(layer.image, bits)
    return PsdLayer(layer.name, pixels, layer.x, layer.y, mask, layer.opacity, layer.mode, layer.visible)


def _levels(image: Tensor, bits: Literal[8, 16]) -> Strip:
    height, width, channels = image.shape
    info = PictureInfo(width, height, channels, bits, "none" if channels == 3 else "straight")
    return from_values(image.detach().float().cpu().unsqueeze(0), info)


def _on_white(image: Tensor) -> Tensor:
    if image.shape[-1] == 3:
        return image
    colours = image[..., :3].float()
    return torch.lerp(torch.ones_like(colours), colours, image[..., 3:].float())

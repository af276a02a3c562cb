"""Labels for photos of which only the tags are known: the network's own, limited to the tags."""

from __future__ import annotations

import torch
from cache import Photos
from ccp import IGNORED
from torch import Tensor, nn
from torch.nn import functional

from hemline.segmentation.parser import CLASSES, STRIDE, Parser

# Pixels below this probability stay without a label (the feasibility run).
SURE = 0.7
BATCH = 8


@torch.no_grad()
def label_photos(parser: Parser, photos: Photos, *, fast: bool) -> None:
    """Fills `photos.labels` in place with what `parser` sees, at its own scale. fast: in bfloat16."""
    device = photos.photos.device
    for start in range(0, len(photos), BATCH):
        part = slice(start, start + BATCH)
        with torch.autocast(device.type, torch.bfloat16, enabled=fast):
            chances = _look(parser, photos.photos[part].float() / 255)
        labels = limit_to_tags(chances.float(), photos.present[part].to(device))
        whole = functional.interpolate(labels.unsqueeze(1).float(), photos.labels.shape[1:], mode="nearest")
        photos.labels[part] = whole[:, 0].byte()


def _look(parser: Parser, planes: Tensor) -> Tensor:
    """Probabilities at half the scale of the training; sides rounded to the stride, since labels come back anyway."""
    net: nn.Module = parser.net
    scale = parser.long_side / max(planes.shape[2:])
    size = [max(STRIDE, STRIDE * round(side * scale / STRIDE)) for side in planes.shape[2:]]
    small = functional.interpolate(planes, size, mode="bilinear", antialias=True)
    mean, std = (torch.tensor(values, device=planes.device).view(1, 3, 1, 1) for values in (parser.mean, parser.std))
    return torch.softmax(net((small - mean) / std).float(), dim=1)


def limit_to_tags(chances: Tensor, present: Tensor) -> Tensor:
    """The likeliest of the classes that a photo is tagged with, uint8 ``[B,h,w]``, 255 where none is sure.

    chances: ``[B,classes,h,w]``; present: bool ``[B,classes]``. Background is always possible.
    """
    allowed = present.clone()
    allowed[:, CLASSES.index("background")] = True
    limited = chances * allowed.view(*allowed.shape, 1, 1)
    limited = limited / limited.sum(1, keepdim=True).clamp_min(1e-6)
    best, labels = limited.max(1)
    return labels.masked_fill(best < SURE, IGNORED).byte()

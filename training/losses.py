"""What the network is taught by: weighted cross entropy, soft dice over the classes, dice of garment against the rest.

Nothing here makes a one-hot volume: on a CPU that would cost a third of the step.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from ccp import IGNORED
from torch import Tensor

from hemline.segmentation.parser import CLASSES
from hemline.segmentation.vocabulary import GARMENT_LABELS

GARMENT_IDS = tuple(number for number, name in enumerate(CLASSES) if name in GARMENT_LABELS)
# Inverse frequency to this power, at most 6 (the feasibility run found ^.35 too mild for 14 classes). Not below 1:
# a background that counts less than cloth makes every mask too large.
WEIGHT_POWER, LEAST_WEIGHT, MOST_WEIGHT = 0.5, 1.0, 6.0
DICE_SHARE, GARMENT_SHARE = 0.5, 0.5
# Pixels added above and below in a dice, so that a handful of pixels is no all-or-nothing.
SMOOTHING = 20.0


@dataclass(frozen=True)
class Loss:
    """total: what is minimised, a scalar. cross_entropy, dice, garment: its parts, detached."""

    total: Tensor
    cross_entropy: Tensor
    dice: Tensor
    garment: Tensor

    def figures(self) -> dict[str, float]:
        """The loss and its parts as numbers."""
        return {"loss": float(self.total.detach())} | {
            name: float(getattr(self, name)) for name in ("cross_entropy", "dice", "garment")
        }


def class_weights(labels: Tensor, picks: Tensor) -> Tensor:
    """The weight of each class from how often the batches show it, ``[classes]``.

    labels: uint8 ``[N,H,W]``; picks: how often each photo is picked, ``[N]``. Without the picks a rare class would be
    favoured twice, and garments that look like it would go to it.
    """
    counts = torch.zeros(len(CLASSES))
    for photo, weight in zip(labels, picks.tolist(), strict=True):
        counts += weight * torch.bincount(photo.flatten().int(), minlength=256)[: len(CLASSES)].cpu()
    share = counts.clamp_min(1) / counts.sum().clamp_min(1)
    return (1 / (len(CLASSES) * share)).pow(WEIGHT_POWER).clamp(LEAST_WEIGHT, MOST_WEIGHT)


def parsing_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Loss:
    """The loss of logits ``[B,C,h,w]`` on labels ``[B,h,w]`` (int64, 255 = ignore); weights: ``[C]``."""
    logarithms = torch.log_softmax(logits.float(), dim=1)
    valid = labels != IGNORED
    wanted = labels.masked_fill(~valid, 0)
    reached = logarithms.gather(1, wanted.unsqueeze(1)).squeeze(1)
    weight = weights[wanted] * valid
    cross_entropy = -(reached * weight).sum() / weight.sum().clamp_min(1)
    chances = logarithms.exp()
    dice = _class_dice(chances, reached.exp(), wanted, valid)
    garment = _garment_dice(chances, wanted, valid)
    total = cross_entropy + DICE_SHARE * dice + GARMENT_SHARE * garment
    return Loss(total, cross_entropy.detach(), dice.detach(), garment.detach())


def _class_dice(chances: Tensor, reached: Tensor, wanted: Tensor, valid: Tensor) -> Tensor:
    """1 - dice, mean over the classes that the batch shows (Milletari et al., "V-Net", 2016, with plain sums)."""
    classes, spots = chances.shape[1], wanted.flatten()
    there = valid.flatten().float()
    both = reached.new_zeros(classes).index_add(0, spots, reached.flatten() * there)
    area = reached.new_zeros(classes).index_add(0, spots, there)
    said = (chances * valid.unsqueeze(1)).sum((0, 2, 3))
    dice = (2 * both + SMOOTHING) / (said + area + SMOOTHING)
    shown = (area > 0).float()
    return 1 - (dice * shown).sum() / shown.sum().clamp_min(1)


def _garment_dice(chances: Tensor, wanted: Tensor, valid: Tensor) -> Tensor:
    """1 - dice of all garments together, mean over the pictures."""
    is_garment = torch.zeros(chances.shape[1], device=chances.device)
    is_garment[list(GARMENT_IDS)] = 1
    said = torch.einsum("bchw,c->bhw", chances, is_garment) * valid
    area = is_garment[wanted] * valid
    both = (said * area).sum((1, 2))
    return 1 - ((2 * both + SMOOTHING) / (said.sum((1, 2)) + area.sum((1, 2)) + SMOOTHING)).mean()

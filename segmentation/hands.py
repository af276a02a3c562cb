"""What hands wear: gloves, rings, watches and bracelets, which are accessories to everybody but the hand."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import label_regions
from .feet import head_heights_px
from .garments import Garments

# Nearer to a hand than this, in heads, an accessory is worn on it.
NEAR = 0.06
# What is longer than this in heads is no hand's: a belt that a hand rests on, a scarf.
LONGEST = 1.1
HALF = 0.5


def worn_on_hands(garments: Garments, accessories: Tensor) -> Tensor:
    """The accessories ``[B,H,W]`` that hands wear: connected pieces beside a hand that are no longer than one.

    Nothing where the garments tell no hands, or where a glove leaves nothing of a hand to be seen.
    """
    worn = torch.zeros_like(accessories)
    if "hands" not in garments.parts or not bool(accessories.any()):
        return worn
    hands = garments.parts["hands"].to(accessories.device) >= HALF
    heads = head_heights_px(garments)
    for index, plane in enumerate(accessories):  # each picture has hands of its own
        head = heads[index % garments.batch]
        reach = 1 + round(NEAR * head)
        near = functional.max_pool2d(hands[index % garments.batch][None].float(), 2 * reach + 1, 1, reach)[0] > 0
        regions = label_regions(plane >= HALF)
        found = regions[near & (regions > 0)].flatten()
        for number in sorted(set(cast("list[int]", found.tolist()))):
            piece = regions == number
            if max(int(piece.any(0).sum()), int(piece.any(1).sum())) <= LONGEST * head:
                # Half a pixel around what is at least half covered are its soft rim.
                rim = functional.max_pool2d(piece[None].float(), 3, 1, 1)[0] > 0
                worn[index] = torch.maximum(worn[index], plane * rim)
    return worn

"""Which photos make the next batch: rare garments more often, and some photos whose labels are the network's own."""

from __future__ import annotations

import torch
from torch import Tensor

from hemline.segmentation.parser import CLASSES

# How much more often a photo with a rare garment is picked than others (the feasibility run: 3 to 5 times, or they
# never start to be learnt). Dresses are not rare, but without a share of their own they go to the skirts.
RARE = {"headwear": 5.0, "neckwear": 4.0, "skirt": 3.0, "legwear": 2.0, "dress": 2.0}
# The most that pseudo-labels may make of the picks.
PSEUDO_SHARE = 0.25


def pick_weights(present: Tensor) -> Tensor:
    """How often each photo is to be picked, from what is in it: bool ``[N,classes]`` -> ``[N]``."""
    boosts = torch.tensor([RARE.get(name, 1.0) for name in CLASSES])
    return torch.where(present, boosts, torch.ones(())).amax(1)


def pick_photos(
    training: Tensor, unlabelled: Tensor, count: int, generator: torch.Generator, *, with_pseudo: bool
) -> tuple[Tensor, Tensor]:
    """Indices into both parts, `count` in all. training, unlabelled: the weights of `pick_weights`."""
    borrowed = 0
    if with_pseudo and len(unlabelled):
        borrowed = int((torch.rand(count, generator=generator) < PSEUDO_SHARE).sum().clamp(max=count - 1))
    ours = torch.multinomial(training, count - borrowed, replacement=True, generator=generator)
    if not borrowed:
        return ours, torch.zeros(0, dtype=torch.long)
    return ours, torch.multinomial(unlabelled, borrowed, replacement=True, generator=generator)

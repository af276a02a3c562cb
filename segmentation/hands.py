"""What hands wear: gloves, rings, watches and bracelets, which are accessories to everybody but the hand."""

from __future__ import annotations

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
        near = _spread(hands[index % garments.batch], 1 + round(NEAR * head))
        # Half a pixel around what is at least half covered are its soft rim.
        worn[index] = plane * _spread(_pieces(plane >= HALF, near, LONGEST * head), 1)
    return worn


def _pieces(support: Tensor, near: Tensor, longest: float) -> Tensor:
    """The connected pieces of `support` ``[H,W]`` that `near` touches and whose sides are at most `longest`, in px."""
    places = support.nonzero()
    numbers = label_regions(support)[support].long()
    size = int(numbers.max()) + 1 if len(numbers) else 1
    index = numbers.unsqueeze(1).expand(-1, 2)
    first = places.new_full((size, 2), max(support.shape)).scatter_reduce(0, index, places, "amin")
    last = places.new_full((size, 2), -1).scatter_reduce(0, index, places, "amax")
    touched = torch.zeros(size, dtype=torch.bool, device=support.device)
    touched[numbers[near[support]]] = True
    chosen = touched & (last - first + 1 <= longest).all(1)
    pieces = torch.zeros_like(support)
    pieces[support] = chosen[numbers]
    return pieces


def _spread(region: Tensor, reach_px: int) -> Tensor:
    """The bool region ``[H,W]`` with all that lies in the squares of side ``2 * reach_px + 1`` around its pixels."""
    return _spread_rows(_spread_rows(region, reach_px).mT, reach_px).mT


def _spread_rows(region: Tensor, reach_px: int) -> Tensor:
    """Counted, not compared: the cost of a pooled maximum grows with the reach."""
    window = 2 * reach_px + 1
    counts = functional.pad(region, (reach_px + 1, reach_px)).cumsum(-1, dtype=torch.int32)
    return counts[:, window:] > counts[:, :-window]

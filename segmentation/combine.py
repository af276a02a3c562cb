"""Masks combined: fuzzy set algebra, products, weighted averages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..tensors import RangeError, ShapeError, as_finite_mask, check_name, is_host_empty_mask, match_batch, resize_mask

Combine = Callable[[Tensor, Tensor], Tensor]
COMBINE_OPERATIONS: dict[str, Combine] = {
    "union": torch.maximum,
    "intersect": torch.minimum,
    "subtract": lambda first, second: torch.minimum(first, 1 - second),
    "xor": lambda first, second: torch.maximum(torch.minimum(first, 1 - second), torch.minimum(1 - first, second)),
    "max": torch.maximum,
    "min": torch.minimum,
    "product": torch.mul,
    "probabilistic sum": lambda first, second: first + second - first * second,
    "weighted average": torch.add,
    "exclude": lambda first, second: first * (1 - second),
}
"""Zadeh's fuzzy set algebra: on hard masks plain logic, on soft masks the value of the stronger claim. Product,
probabilistic sum and exclude take values for independent coverages. A weighted average adds weighted masks.
"""
AVERAGE = "weighted average"


def combine_masks(
    masks: Sequence[Tensor], operation: str, *, invert: Sequence[bool] = (), weights: Sequence[float] = (),
    resize: bool = False,
) -> Tensor:  # fmt: skip
    """One mask ``[B,H,W]``, float32: the operation applied from the first mask to the last.

    "subtract" and "exclude" take every further mask away from the first. A host's 64x64 zero mask counts as empty at
    any size. invert: per mask, whether 1 - mask is meant; missing ones are not. weights: per mask, for the weighted
    average; missing ones are 1. resize: bring other sizes to the first mask's; otherwise they raise `ShapeError`.
    Batches 1 and N go together. Raises `RangeError` for weights that are negative or all 0.
    """
    check_name("Operation", operation, COMBINE_OPERATIONS)
    planes = [as_finite_mask(mask, f"mask {number}").float() for number, mask in enumerate(masks, start=1)]
    reference = next((plane for plane in planes if not is_host_empty_mask(plane)), planes[0])
    height, width = reference.shape[1:]
    fitted = [_fit(plane.to(reference.device), height, width, resize) for plane in planes]
    turned = [1 - plane if index < len(invert) and invert[index] else plane for index, plane in enumerate(fitted)]
    if operation == AVERAGE:
        turned = [plane * share for plane, share in zip(turned, _shares(weights, len(turned)), strict=True)]
    combined, *rest = match_batch(turned, [f"mask {number}" for number in range(1, len(turned) + 1)])
    for plane in rest:
        combined = COMBINE_OPERATIONS[operation](combined, plane)
    return combined


def _shares(weights: Sequence[float], count: int) -> list[float]:
    given = [*weights, *[1.0] * count][:count]
    if min(given) < 0 or sum(given) <= 0:
        raise RangeError(f"the weights are {', '.join(map(str, given))}; give none below 0 and one above.")
    return [weight / sum(given) for weight in given]


def _fit(mask: Tensor, height: int, width: int, resize: bool) -> Tensor:
    if tuple(mask.shape[1:]) == (height, width):
        return mask
    if is_host_empty_mask(mask):
        return mask.new_zeros((mask.shape[0], height, width))
    if not resize:
        raise ShapeError(
            f"the masks are {width}x{height} and {mask.shape[2]}x{mask.shape[1]}; choose size = 'resize to first', "
            "or give masks of one size."
        )
    return resize_mask(mask, height, width)

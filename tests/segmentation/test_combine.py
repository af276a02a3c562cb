from __future__ import annotations

import pytest
import torch

from hemline.segmentation.combine import combine_masks
from hemline.tensors import RangeError, ShapeError, UnknownName


def random_mask(height: int, width: int, seed: int) -> torch.Tensor:
    return (torch.rand((1, height, width), generator=torch.Generator().manual_seed(seed)) > 0.5).float()


HARD_LOGIC = {
    "union": lambda a, b: a | b,
    "intersect": lambda a, b: a & b,
    "subtract": lambda a, b: a & ~b,
    "xor": lambda a, b: a ^ b,
    "max": lambda a, b: a | b,
    "min": lambda a, b: a & b,
    "product": lambda a, b: a & b,
    "probabilistic sum": lambda a, b: a | b,
    "exclude": lambda a, b: a & ~b,
}


@pytest.mark.parametrize("operation", HARD_LOGIC)
def test_on_hard_masks_the_operations_are_plain_logic(operation):
    a, b = random_mask(20, 30, seed=1).bool(), random_mask(20, 30, seed=2).bool()
    assert torch.equal(combine_masks([a, b], operation).bool(), HARD_LOGIC[operation](a, b))


@pytest.mark.parametrize(
    ("operation", "value"),
    [("product", 0.2), ("probabilistic sum", 0.7), ("exclude", 0.3), ("weighted average", 0.45), ("subtract", 0.5)],
)
def test_soft_values_of_two_masks(operation: str, value: float):
    first, second = torch.full((1, 2, 2), 0.5), torch.full((1, 2, 2), 0.4)
    assert torch.allclose(combine_masks([first, second], operation), torch.full((1, 2, 2), value))


def test_a_weighted_average_goes_by_its_weights():
    masks = [torch.full((1, 2, 2), value) for value in (1.0, 0.0, 0.5)]
    assert torch.allclose(combine_masks(masks, "weighted average", weights=[3, 1]), torch.full((1, 2, 2), 3.5 / 5))
    assert torch.equal(combine_masks(masks, "weighted average", weights=[0, 0, 2]), masks[2])
    for weights in ([0, 0, 0], [1, -1, 1]):
        with pytest.raises(RangeError, match="weights"):
            combine_masks(masks, "weighted average", weights=weights)


def test_excluding_wins_over_including():
    garment, face = torch.ones(1, 4, 4), torch.ones(1, 4, 4)
    assert not combine_masks([garment, face], "subtract").any()


def test_inverting_takes_what_a_mask_leaves_out():
    a, b = random_mask(20, 30, seed=1), random_mask(20, 30, seed=2)
    assert torch.equal(combine_masks([a, b], "intersect", invert=[False, True]), combine_masks([a, b], "subtract"))


def test_masks_of_two_sizes_are_an_error_that_names_the_option_which_mends_it():
    masks = [torch.ones(1, 10, 20), torch.ones(1, 30, 40)]
    with pytest.raises(ShapeError, match=r"20x10 and 40x30.*resize to first"):
        combine_masks(masks, "union")
    assert combine_masks(masks, "union", resize=True).shape == (1, 10, 20)


def test_the_hosts_empty_mask_counts_as_empty_beside_any_other():
    mask = torch.ones(2, 10, 20)
    assert torch.equal(combine_masks([torch.zeros(1, 64, 64), mask], "union"), mask)


def test_an_unknown_operation_is_refused():
    with pytest.raises(UnknownName, match="union"):
        combine_masks([torch.zeros(1, 4, 4)] * 2, "add")

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hemline.segmentation.shape import combine_masks, feather_mask, grow_mask
from hemline.tensors import RangeError, ShapeError, UnknownName

ODD_SIZES = [(1, 1), (3, 7), (101, 77)]


def random_mask(height: int, width: int, batch: int = 1, seed: int = 0, hard: bool = True) -> torch.Tensor:
    noise = torch.rand((batch, 1, height, width), generator=torch.Generator().manual_seed(seed))
    blobs = torch.nn.functional.avg_pool2d(noise, 5, stride=1, padding=2, count_include_pad=False).squeeze(1)
    return (blobs > 0.53).float() if hard else ((blobs - 0.4) * 4).clamp(0, 1)


def disk(size: int, radius: float) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(size) - size // 2, torch.arange(size) - size // 2, indexing="ij")
    return (radius + 0.5 - torch.hypot(rows.float(), columns.float())).clamp(0, 1)[None]


@pytest.mark.parametrize("size", ODD_SIZES)
def test_zero_changes_nothing(size):
    mask = torch.rand(2, *size)
    assert torch.equal(grow_mask(mask, 0), mask) and torch.equal(feather_mask(mask, 0), mask)


@pytest.mark.parametrize("radius", [1, 5, 12])
@pytest.mark.parametrize("size", ODD_SIZES)
def test_growing_a_hard_mask_reaches_every_pixel_within_the_euclidean_distance(radius, size):
    mask = random_mask(*size, seed=3)
    if not mask.any():
        assert not grow_mask(mask, radius).any()
        return
    distance = torch.from_numpy(ndimage.distance_transform_edt(mask[0].numpy() == 0))
    assert torch.equal(grow_mask(mask, radius)[0] == 1, distance <= radius)


@pytest.mark.parametrize("radius", [1, 7, 12])
def test_shrinking_clears_every_pixel_within_the_euclidean_distance_of_the_outside(radius):
    mask = disk(81, 30.0).round()
    distance = torch.from_numpy(ndimage.distance_transform_edt(mask[0].numpy()))
    assert torch.equal(grow_mask(mask, -radius)[0] == 0, distance <= radius)


@pytest.mark.parametrize("radius", [0.5, 3.3, 10.25, -0.75, -8.5])
def test_fractions_of_a_pixel_count(radius):
    grown = grow_mask(disk(141, 40.0), radius)
    effective = (grown.sum() / torch.pi).sqrt() - (disk(141, 40.0).sum() / torch.pi).sqrt()
    assert abs(effective - radius) < 0.2


@pytest.mark.parametrize("shape", ["round", "square"])
def test_more_radius_never_gives_less_mask(shape):
    mask = random_mask(60, 50, hard=False)
    grown = [grow_mask(mask, radius, shape=shape) for radius in (-6.5, -2, -0.5, 0, 0.3, 1, 1.7, 4, 9.5)]
    assert all((more >= less - 1e-6).all() for less, more in pairwise(grown))


def test_a_square_reaches_the_corners_and_a_disk_does_not():
    mask = torch.zeros(1, 41, 41)
    mask[0, 20, 20] = 1
    assert grow_mask(mask, 10, shape="square")[0, 10, 10] == 1
    assert grow_mask(mask, 10, shape="round")[0, 10, 10] == 0


def test_a_soft_value_spreads_as_it_is():
    mask = torch.zeros(1, 41, 41)
    mask[0, 20, 20] = 0.4
    grown = grow_mask(mask, 8)
    assert grown.max() == pytest.approx(0.4) and grown[0, 20, 28] == pytest.approx(0.4)


def test_a_soft_edge_moves_outwards_and_keeps_its_profile():
    ramp = (torch.arange(100) - 40).div(20).clamp(0, 1).expand(1, 50, 100)
    moved = grow_mask(ramp, 10)
    assert torch.allclose(moved[0, 25, 20:80], ramp[0, 25, 30:90], atol=1e-6)


def test_nothing_grows_in_from_the_frame_and_nothing_is_eaten_there():
    full = torch.ones(1, 30, 30)
    assert torch.equal(grow_mask(full, -5), full)


@pytest.mark.parametrize("side", ["centred", "inside", "outside"])
@pytest.mark.parametrize("size", ODD_SIZES)
def test_a_batch_equals_the_stack_of_its_singles(side, size):
    batch = random_mask(*size, batch=3, hard=False)
    whole = feather_mask(grow_mask(batch, 3.5), 9, side=side)
    singles = [feather_mask(grow_mask(batch[i : i + 1], 3.5), 9, side=side) for i in range(3)]
    assert torch.allclose(whole, torch.cat(singles), atol=2e-6)


def test_feathering_centred_keeps_the_half_line_and_the_area():
    mask = torch.zeros(1, 200, 200)
    mask[0, :, 100:] = 1
    soft = feather_mask(mask, 20)
    assert soft[0, 100, 99] < 0.5 < soft[0, 100, 100]
    blob = disk(241, 60.0)
    assert abs(float(feather_mask(blob, 20).sum() / blob.sum()) - 1) < 0.005


@settings(max_examples=25, deadline=None)
@given(st.floats(0.5, 40), st.integers(0, 50), st.booleans())
def test_an_inside_feather_never_exceeds_the_mask_and_an_outside_one_never_falls_below(width, seed, hard):
    mask = random_mask(40, 33, seed=seed, hard=hard)
    assert (feather_mask(mask, width, side="inside") <= mask).all()
    assert (feather_mask(mask, width, side="outside") >= mask).all()


def test_a_feather_is_as_wide_as_it_says():
    mask = torch.zeros(1, 20, 400)
    mask[0, :, 200:] = 1
    soft = feather_mask(mask, 40)[0, 10]
    inside_band = ((soft > 0.023) & (soft < 0.977)).sum()
    assert abs(int(inside_band) - 40) <= 2


def test_far_from_the_edge_a_feathered_mask_is_exactly_0_and_1():
    soft = feather_mask(disk(301, 100.0), 60)
    assert soft[0, 150, 150] == 1 and soft[0, 0, 0] == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_dtype_stays(dtype):
    mask = random_mask(30, 20).to(dtype)
    assert grow_mask(mask, 2.5).dtype == feather_mask(mask, 6).dtype == dtype


def test_inputs_are_not_written_to_and_may_be_any_view():
    mask = random_mask(40, 40).mT
    before = mask.clone()
    feather_mask(grow_mask(mask, 4), 8, side="outside")
    assert torch.equal(mask, before)


def test_an_empty_mask_stays_empty():
    assert not feather_mask(grow_mask(torch.zeros(2, 30, 30), 9), 9).any()


@pytest.mark.parametrize("call", [lambda m: grow_mask(m, 513), lambda m: feather_mask(m, -1)])
def test_numbers_out_of_range_are_refused(call):
    with pytest.raises(RangeError):
        call(torch.zeros(1, 4, 4))


def test_unknown_shapes_sides_and_operations_are_refused():
    with pytest.raises(UnknownName, match="round, square"):
        grow_mask(torch.zeros(1, 4, 4), 1, shape="disc")
    with pytest.raises(UnknownName, match="Did you mean 'centred'"):
        feather_mask(torch.zeros(1, 4, 4), 1, side="centered")
    with pytest.raises(UnknownName, match="union"):
        combine_masks([torch.zeros(1, 4, 4)] * 2, "add")


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

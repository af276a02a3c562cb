from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hemline.segmentation.feather import PROFILES
from hemline.segmentation.shape import (
    FEATHER_PROFILES,
    FEATHER_SIDES,
    GROW_SHAPES,
    feather_mask,
    garment_size_px,
    grow_mask,
    grow_region,
)
from hemline.tensors import RangeError, UnknownName

ODD_SIZES = [(1, 1), (3, 7), (101, 77)]


def random_mask(height: int, width: int, batch: int = 1, seed: int = 0, hard: bool = True) -> torch.Tensor:
    noise = torch.rand((batch, 1, height, width), generator=torch.Generator().manual_seed(seed))
    blobs = torch.nn.functional.avg_pool2d(noise, 5, stride=1, padding=2, count_include_pad=False).squeeze(1)
    return (blobs > 0.53).float() if hard else ((blobs - 0.4) * 4).clamp(0, 1)


def disk(size: int, radius: float, edge: float = 1) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(size) - size // 2, torch.arange(size) - size // 2, indexing="ij")
    return (0.5 - (torch.hypot(rows.float(), columns.float()) - radius) / edge).clamp(0, 1)[None]


def sloping_rim(mask: torch.Tensor, radius: float) -> torch.Tensor:
    """Grey dilation read from its definition: the largest of all values less what they lie beyond the radius."""
    reach, (height, width) = int(radius) + 1, mask.shape
    wide = torch.nn.functional.pad(mask, (reach,) * 4)
    grown = mask.clone()
    for down in range(2 * reach + 1):
        for across in range(2 * reach + 1):
            beyond = max(0.0, math.hypot(down - reach, across - reach) - radius)
            grown = torch.maximum(grown, wide[down : down + height, across : across + width] - beyond)
    return grown


@pytest.mark.parametrize("size", ODD_SIZES)
def test_zero_changes_nothing(size):
    mask = torch.rand(2, *size)
    assert torch.equal(grow_mask(mask, 0), mask) and torch.equal(feather_mask(mask, 0), mask)


@pytest.mark.parametrize("radius", [0.0, 1.5, 7.0])
def test_a_region_grows_to_all_pixels_within_the_radius(radius):
    region = torch.rand((40, 33), generator=torch.Generator().manual_seed(3)) > 0.98
    near = torch.from_numpy(ndimage.distance_transform_edt(~region.numpy())) <= radius
    assert torch.equal(grow_region(region, radius), near)
    assert torch.equal(grow_region(region, 1e6), torch.ones_like(region))
    assert not grow_region(torch.zeros_like(region), 9).any()


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


@pytest.mark.parametrize("radius", [0.5, 2.25, 9.7, 26, -3.6])
@pytest.mark.parametrize("edge", [1, 8])
def test_an_antialiased_disk_and_a_soft_one_become_the_larger_disk(radius, edge):
    error = (grow_mask(disk(151, 40.3, edge), radius) - disk(151, 40.3 + radius, edge)).abs() * edge
    assert error.max() < 0.6 and error[error > 0].mean() < 0.2


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(0, 99), st.sampled_from(["noise", "soft", "levels", "dots", "hard"]))
def test_growing_is_grey_dilation_by_a_disk_with_a_sloping_rim(radius, seed, kind):
    noise = torch.rand(37, 53, generator=torch.Generator().manual_seed(seed))
    soft = random_mask(37, 53, seed=seed, hard=False)[0]
    mask = {
        "noise": noise,
        "soft": soft,
        "levels": (soft * 4).round() / 4,
        "dots": noise * (noise > 0.98),
        "hard": random_mask(37, 53, seed=seed)[0],
    }[kind]
    assert torch.allclose(grow_mask(mask, radius)[0], sloping_rim(mask, radius), atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(0, 99), st.booleans(), st.sampled_from(GROW_SHAPES))
def test_growing_then_shrinking_never_loses_and_shrinking_then_growing_never_adds(radius, seed, hard, shape):
    mask = random_mask(40, 33, seed=seed, hard=hard)
    assert (grow_mask(grow_mask(mask, radius, shape=shape), -radius, shape=shape) >= mask - 1e-5).all()
    assert (grow_mask(grow_mask(mask, -radius, shape=shape), radius, shape=shape) <= mask + 1e-5).all()


@pytest.mark.parametrize(("shape", "metric"), [("diamond", "taxicab"), ("square", "chessboard")])
def test_diamond_and_square_reach_what_the_hosts_own_nodes_reach(shape, metric):
    mask = random_mask(60, 70, seed=4)
    distance = torch.from_numpy(ndimage.distance_transform_cdt(mask[0].numpy() == 0, metric))
    assert torch.equal(grow_mask(mask, 6, shape=shape)[0] == 1, distance <= 6)


def test_each_side_grows_by_its_own_share():
    mask = torch.zeros(1, 60, 60)
    mask[0, 25:35, 25:35] = 1
    for shape in GROW_SHAPES:
        grown = grow_mask(mask, 10, shape=shape, sides_percent=(0, 50, 100, 150))[0] == 1
        assert (grown.any(0).nonzero().min(), grown.any(0).nonzero().max()) == (25, 39)
        assert (grown.any(1).nonzero().min(), grown.any(1).nonzero().max()) == (15, 49)
    shrunk = grow_mask(mask, -4, sides_percent=(0, 50, 100, 25))[0] == 1
    assert (shrunk.any(0).nonzero().min(), shrunk.any(0).nonzero().max()) == (25, 32)
    assert (shrunk.any(1).nonzero().min(), shrunk.any(1).nonzero().max()) == (29, 33)


@pytest.mark.parametrize("shape", GROW_SHAPES)
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


@pytest.mark.parametrize("profile", FEATHER_PROFILES)
@pytest.mark.parametrize("edge", [1, 9])
def test_feathering_centred_keeps_the_half_line_and_the_area(profile, edge):
    mask = ((torch.arange(200.0) - 99.5) / edge + 0.5).clamp(0, 1).expand(1, 200, 200)
    soft = feather_mask(mask, 20, profile=profile)
    assert soft[0, 100, 99] < 0.5 < soft[0, 100, 100]
    blob = disk(401, 150.0, edge)
    assert abs(float(feather_mask(blob, 20, profile=profile).sum() / blob.sum()) - 1) < 0.005


def test_a_blur_keeps_the_area_of_a_small_disk_too():
    blob = disk(241, 60.0)
    assert abs(float(feather_mask(blob, 20).sum() / blob.sum()) - 1) < 0.005


def test_a_strap_thinner_than_the_feather_keeps_its_half_line():
    mask = torch.zeros(1, 100, 100)
    mask[0, :, 47:53] = 1
    for profile in PROFILES:
        assert torch.equal(feather_mask(mask, 40, profile=profile) >= 0.5, mask >= 0.5)


@pytest.mark.parametrize("side", FEATHER_SIDES)
@pytest.mark.parametrize(
    ("profile", "value"),
    [
        ("linear", lambda u: (0.5 - u).clamp(0, 1)),
        ("smoothstep", lambda u: (0.5 - u).clamp(0, 1) ** 2 * (3 - 2 * (0.5 - u).clamp(0, 1))),
        ("gaussian", lambda u: (1 - torch.erf(u * 4 / 2**0.5)) / 2),
    ],
)
def test_the_edge_is_the_profile_of_the_exact_distance(profile, value, side):
    mask = random_mask(90, 110, seed=5)
    inside = mask[0].bool().numpy()
    outward, inward = ndimage.distance_transform_edt(~inside), ndimage.distance_transform_edt(inside)
    distance = torch.from_numpy(outward - inward).float()
    distance = distance - 0.5 * distance.sign()  # the line lies between the pixels' centres
    shift = {"centred": 0, "inside": 0.5, "outside": -0.5}[side]
    wanted = value(distance / 12 + shift)
    if side != "centred":
        wanted = torch.minimum(wanted, mask[0]) if side == "inside" else torch.maximum(wanted, mask[0])
    tail = 2e-3 if profile == "gaussian" else 1e-6  # what the cut Gaussian lacks
    assert (feather_mask(mask, 12, side=side, profile=profile)[0] - wanted).abs().max() < tail


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("angle", [0.0, 0.4, 0.785])
def test_a_soft_edge_in_any_direction_gets_the_same_profile(profile, angle):
    rows, columns = torch.meshgrid(torch.arange(161.0) - 80, torch.arange(161.0) - 80, indexing="ij")
    along = columns * math.cos(angle) + rows * math.sin(angle)
    # Wider than any pixel, so that it is blurred, and far narrower than the feather, so that the profile is seen.
    soft = feather_mask((0.5 - along / 4).clamp(0, 1)[None], 60, profile=profile)[0, 80]
    straight = feather_mask((0.5 - along).clamp(0, 1)[None], 60, profile=profile)[0, 80]
    assert (soft[30:130] - straight[30:130]).abs().max() < 0.02


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.booleans(), st.sampled_from([(1, 1), (1, 30), (3, 7), (33, 40)]), st.floats(0.3, 60))
def test_masks_of_any_size_that_touch_the_frame_do_not_fade_there(seed, transposed, size, width):
    mask = random_mask(*size, seed=seed)
    mask = mask.mT if transposed else mask
    for side in FEATHER_SIDES:
        assert torch.isfinite(feather_mask(mask, width, side=side)).all()
    full = torch.ones_like(mask)
    assert torch.equal(feather_mask(full, width), full) and torch.equal(grow_mask(full, -width), full)


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


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("change", [grow_mask, feather_mask])
def test_values_that_are_no_numbers_are_refused(value, change):
    mask = random_mask(9, 9)
    mask[0, 4, 4] = value
    with pytest.raises(RangeError, match="NaN or infinite"):
        change(mask, 2)


def test_a_large_mask_in_half_precision_is_not_taken_for_an_infinite_one():
    full = torch.ones(1, 300, 300, dtype=torch.float16)
    assert torch.equal(grow_mask(full, 2), full)


def test_unknown_shapes_and_sides_are_refused():
    with pytest.raises(UnknownName, match="round, square, diamond"):
        grow_mask(torch.zeros(1, 4, 4), 1, shape="disc")
    with pytest.raises(UnknownName, match="Did you mean 'centred'"):
        feather_mask(torch.zeros(1, 4, 4), 1, side="centered")


def test_the_size_of_a_mask_is_the_side_of_the_square_of_its_area():
    mask = torch.zeros(2, 50, 50)
    mask[0, :20, :45] = 1
    assert garment_size_px(mask).tolist() == [30, 0]

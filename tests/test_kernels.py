from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hemline.kernels import (
    box_around,
    box_mean,
    expand_planes,
    gaussian_blur,
    label_regions,
    nearest_pixels,
    radial_blur,
    reduce_planes,
    remove_small_regions,
    smooth_planes,
    support_box,
)


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (31, 40)])
@pytest.mark.parametrize("radius", [1, 4, 100])
def test_a_box_mean_of_a_flat_plane_is_flat_up_to_the_frame(shape, radius):
    assert torch.allclose(box_mean(torch.full((2, 1, *shape), 0.7), radius), torch.tensor(0.7))


def test_a_box_mean_is_the_mean_over_the_square():
    plane = torch.rand(1, 1, 20, 20)
    assert torch.allclose(box_mean(plane, 3)[0, 0, 9, 11], plane[0, 0, 6:13, 8:15].mean())


@pytest.mark.parametrize("sigma", [0.5, 2.0, 5.0, 40.0])
def test_a_gaussian_blur_equals_scipys(sigma):
    plane = torch.rand(1, 1, 41, 67)
    wanted = ndimage.gaussian_filter(plane[0, 0].double().numpy(), sigma, mode="nearest", radius=math.ceil(3 * sigma))
    assert np.abs(gaussian_blur(plane, sigma)[0, 0].numpy() - wanted).max() < 1e-5


@pytest.mark.parametrize("sigma", [1.0, 9.0])
def test_a_blur_keeps_a_flat_plane_flat_up_to_the_frame(sigma):
    assert torch.allclose(gaussian_blur(torch.ones(1, 2, 5, 9), sigma), torch.tensor(1.0), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 24), st.integers(1, 24), st.floats(0.1, 0.9), st.integers(0, 99), st.booleans()
)
def test_regions_removed_are_those_that_scipy_labels_and_weighs(batch, height, width, density, seed, keep_at_frame):
    generator = torch.Generator().manual_seed(seed)
    support = torch.rand((batch, height, width), generator=generator) < density
    weights = torch.rand((batch, height, width), generator=generator)
    kept = remove_small_regions(support, weights, 2.0, keep_at_frame=keep_at_frame)
    for index in range(batch):
        labels, count = ndimage.label(support[index].numpy())
        heavy = np.asarray(ndimage.sum(weights[index].double().numpy(), labels, range(count + 1))) >= 2.0
        if keep_at_frame:
            heavy[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = True
        heavy[0] = False
        assert (heavy[labels] == kept[index].numpy()).all()


def test_a_region_that_winds_is_one_region():
    rows, columns = torch.meshgrid(torch.arange(101) - 50.0, torch.arange(101) - 50.0, indexing="ij")
    turn = torch.hypot(rows, columns) / 8 - torch.atan2(rows, columns) / (2 * math.pi)
    spiral = ((turn % 1) < 0.5)[None]
    labels, count = ndimage.label(spiral[0].numpy())
    largest = max(ndimage.sum(np.ones(labels.shape), labels, range(1, count + 1)))
    kept = remove_small_regions(spiral, torch.ones(spiral.shape), largest)
    assert int(kept.sum()) == largest


def test_nothing_stays_nothing():
    assert not remove_small_regions(torch.zeros(2, 5, 5, dtype=torch.bool), torch.ones(2, 5, 5), 1.0).any()


def test_a_radial_blur_with_the_gaussians_transfer_is_the_gaussian_blur():
    planes = torch.rand(2, 3, 40, 51, generator=torch.Generator().manual_seed(3))
    blurred = radial_blur(planes, lambda cycles: torch.exp(-2 * (torch.pi * cycles * 2.5) ** 2), 10)
    inside = (..., slice(10, -10), slice(10, -10))
    assert torch.allclose(blurred[inside], gaussian_blur(planes, 2.5)[inside], atol=2e-3)
    flat = torch.full((1, 1, 7, 9), 0.3)
    assert torch.allclose(radial_blur(flat, torch.sinc, 4), flat, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 7), (31, 40)])
def test_a_pyramid_keeps_a_flat_plane_flat_and_halves_its_size(size):
    smaller = reduce_planes(torch.full((2, 3, *size), 0.7))
    assert smaller.shape == (2, 3, (size[0] + 1) // 2, (size[1] + 1) // 2)
    assert torch.allclose(smaller, torch.tensor(0.7))
    assert torch.allclose(expand_planes(smaller, *size), torch.full((2, 3, *size), 0.7))


def test_a_pyramids_levels_are_the_binomial_mean_of_every_second_pixel():
    plane = torch.rand(1, 1, 20, 31)
    row = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    wanted = (plane[0, 0, 6:11, 8:13] * row.view(5, 1) * row).sum()
    assert torch.allclose(reduce_planes(plane)[0, 0, 4, 5], wanted)


@pytest.mark.parametrize("size", [(16, 12), (9, 15)])
def test_expanding_is_the_adjoint_of_reducing_away_from_the_frame(size):
    fine, coarse = torch.zeros(1, 1, *size), torch.zeros(1, 1, (size[0] + 1) // 2, (size[1] + 1) // 2)
    fine[..., 3:-3, 3:-3] = torch.rand(size[0] - 6, size[1] - 6)
    coarse[..., 2:-2, 2:-2] = torch.rand(coarse.shape[-2] - 4, coarse.shape[-1] - 4)
    assert torch.allclose((4 * reduce_planes(fine) * coarse).sum(), (fine * expand_planes(coarse, *size)).sum())


def test_the_support_box_holds_what_is_true_and_no_more():
    support = torch.zeros(9, 7, dtype=torch.bool)
    assert support_box(support) is None
    support[2, 3] = support[5, 1] = True
    assert support_box(support) == (1, 2, 4, 6)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([0.01, 0.2, 0.9]), st.integers(0, 2**31))
def test_the_nearest_pixels_are_as_near_as_scipys(height, width, share, seed):
    generator = torch.Generator().manual_seed(seed)
    region = torch.rand((2, height, width), generator=generator) < share
    wanted = torch.rand((2, height, width), generator=generator) < 0.7
    places, squares = nearest_pixels(region, wanted)
    own = wanted.flatten().nonzero().flatten()
    picture = own // (height * width)
    for index in range(2):
        here = picture == index
        if not region[index].any():
            assert torch.equal(places[here], own[here]) and (squares[here] >= height**2 + width**2).all()
            continue
        far = ndimage.distance_transform_edt(~region[index].numpy())[wanted[index].numpy()]
        assert np.abs(squares[here].sqrt().numpy() - far).max(initial=0) < 1e-4
        found = places[here]
        assert (found // (height * width) == index).all() and region.flatten()[found].all()
        down, across = found // width - own[here] // width, found % width - own[here] % width
        assert torch.equal(down**2 + across**2, squares[here])


def test_a_pixel_of_the_region_is_its_own_nearest_and_ties_go_left():
    region = torch.zeros(1, 1, 7, dtype=torch.bool)
    region[0, 0, [1, 5]] = True
    places, squares = nearest_pixels(region, torch.ones_like(region))
    assert places.tolist() == [1, 1, 1, 1, 5, 5, 5] and squares.tolist() == [1, 0, 1, 4, 1, 0, 1]


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**31))
def test_regions_are_numbered_as_scipy_numbers_them(height, width, seed):
    support = torch.rand((height, width), generator=torch.Generator().manual_seed(seed)) < 0.5
    assert np.array_equal(label_regions(support).numpy(), ndimage.label(support.numpy())[0])


def test_a_gaussian_that_is_hardly_there_leaves_the_planes_as_they_are():
    planes = torch.rand(1, 1, 5, 7)
    for sigma in (1e-300, 1e-30, 0.04):
        assert torch.equal(gaussian_blur(planes, sigma), planes)


def test_a_box_around_boxes_holds_them_and_no_more():
    assert box_around([(1.5, 8, 3, 9), (2, 0, 2.5, 4)]) == (1.5, 0, 3, 9)
    assert box_around(iter([(1.0, 2.0, 3.0, 4.0)])) == (1, 2, 3, 4)


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (20, 31)])
def test_reducing_is_smoothing_and_then_every_second_pixel(size):
    planes = torch.rand((2, 3, *size), generator=torch.Generator().manual_seed(1))
    assert torch.allclose(smooth_planes(planes)[..., ::2, ::2], reduce_planes(planes), atol=1e-6)
    spot = torch.zeros(1, 1, 9, 9)
    spot[0, 0, 4, 4] = 256
    assert smooth_planes(spot)[0, 0, 4].tolist() == [0, 0, 6, 24, 36, 24, 6, 0, 0]

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.segmentation.matting.trimap import make_trimap
from hemline.tensors import RangeError


def square(size: int = 120, low: int = 40, high: int = 80) -> torch.Tensor:
    mask = torch.zeros(1, size, size)
    mask[0, low:high, low:high] = 1
    return mask


def distance_to(region: torch.Tensor) -> torch.Tensor:
    """Distances from every pixel of ``[H,W]`` to the nearest one of the region, pixel by pixel."""
    height, width = region.shape
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    points = torch.stack([rows, columns], 2).view(-1, 2).double()
    return torch.cdist(points, points[region.flatten()]).amin(1).view(height, width)


@pytest.mark.parametrize(("inside", "outside"), [(3.0, 7.0), (5.5, 1.0), (1.0, 12.5)])
def test_radii_are_exact_and_count_pixels_once(inside, outside):
    mask = square(60, 20, 45)
    trimap = make_trimap(mask, inside_px=inside, outside_px=outside)[0]
    assert torch.equal(trimap == 1, distance_to(mask[0] == 0) > inside)
    assert torch.equal(trimap == 0, distance_to(mask[0] == 1) > outside)


def test_soft_values_are_unknown_and_never_cut_to_zero():
    mask = square() * 0.99
    mask[0, 40:80, 80:90] = 0.6
    trimap = make_trimap(mask, inside_px=2.0, outside_px=2.0)
    assert (trimap[0, 44:76, 44:76] == 1).all() and (trimap[0, 40:80, 80:90] == 0.5).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_empty_and_full_masks_have_no_unknown(value):
    assert torch.equal(make_trimap(torch.full((2, 20, 30), value)), torch.full((2, 20, 30), value))


def test_a_mask_that_is_unsure_all_over_is_all_unknown():
    assert (make_trimap(torch.full((1, 30, 30), 0.5)) == 0.5).all()


@pytest.mark.parametrize("width", [2, 3, 6])
@pytest.mark.parametrize("radius", [0.0, 6.0])
def test_a_thin_strap_keeps_its_middle_and_a_thin_slit_too(width, radius):
    mask = square(160, 40, 120)
    mask[0, 5:40, 60 : 60 + width] = 1
    mask[0, 60:100, 75 : 75 + width] = 0
    trimap = make_trimap(mask, inside_px=radius, outside_px=radius)[0]
    strap, slit = trimap[12:30, 60 : 60 + width], trimap[68:92, 75 : 75 + width]
    assert (strap == 1).any(1).all() and not (strap == 0).any()
    assert (slit == 0).any(1).all() and not (slit == 1).any()


def test_notches_of_a_ragged_edge_are_no_slits():
    mask = square(120, 40, 100)
    mask[0, 37:40, 40:100:6] = 1
    trimap = make_trimap(mask, inside_px=8.0, outside_px=8.0)[0]
    assert (trimap[34:46, 50:90] == 0.5).all()


def test_auto_reaches_farther_where_the_edge_is_softer():
    mask = square(200, 60, 140)
    mask[0, 60:140, 140:172] = torch.linspace(0.9, 0.1, 32)
    trimap = make_trimap(mask)[0]
    hard, soft = (trimap[100, :100] == 0.5).sum(), (trimap[100, 100:] == 0.5).sum()
    assert hard <= 6 and soft >= 32 + 8


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), radius=st.floats(0, 9), batch=st.integers(1, 3))
def test_known_pixels_say_what_the_mask_says_and_batches_are_stacks(seed, radius, batch):
    generator = torch.Generator().manual_seed(seed)
    mask = (torch.rand((batch, 3, 4), generator=generator) * 1.6 - 0.3).clamp(0, 1)
    mask = torch.nn.functional.interpolate(mask[None], (31, 44), mode="bilinear")[0]
    trimap = make_trimap(mask, inside_px=radius, outside_px=radius)
    assert (mask[trimap == 1] >= 0.95).all() and (mask[trimap == 0] <= 0.05).all()
    assert set(trimap.unique().tolist()) <= {0.0, 0.5, 1.0}
    assert torch.equal(trimap, torch.cat([make_trimap(m, inside_px=radius, outside_px=radius) for m in mask]))
    turned = make_trimap(mask.flip(2), inside_px=radius, outside_px=radius)
    assert torch.equal(turned.flip(2), trimap)


def test_dtype_stays_and_input_is_read_only():
    mask = square().half()
    before = mask.clone()
    assert make_trimap(mask).dtype == torch.float16 and torch.equal(mask, before)


@pytest.mark.parametrize("radius", [-1.0, 600.0, float("nan")])
def test_a_radius_out_of_range_is_an_error(radius):
    with pytest.raises(RangeError, match="inside_px"):
        make_trimap(square(), inside_px=radius)

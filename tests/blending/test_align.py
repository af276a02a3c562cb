from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.photos import moved, photo

from hemline.blending.align import LEAST_MOVE_PX, Move, find_alignment
from hemline.resampling import resize_planes
from hemline.segmentation.shape import feather_mask
from hemline.tensors import ShapeError

FOUND = Move(3.0, 3.0, 1.015)


def disc(height: int, width: int, share: float) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    inside = ((rows / height - 0.5) ** 2 + (columns / width - 0.5) ** 2) < (share / 2) ** 2
    return feather_mask(inside.float().unsqueeze(0), 6)


def error_px(found: Move, true: Move, mask: torch.Tensor) -> float:
    """How far off the corners of the mask's box come to lie at most."""
    rows, columns = (mask[0] > 0).nonzero().unbind(1)
    height, width = mask.shape[1:]
    zoom = found.zoom - true.zoom
    return max(
        math.hypot(zoom * (x - (width - 1) / 2) + found.x - true.x, zoom * (y - (height - 1) / 2) + found.y - true.y)
        for x in (int(columns.min()), int(columns.max()))
        for y in (int(rows.min()), int(rows.max()))
    )


def bricks(side: int) -> torch.Tensor:
    """A pattern that repeats, as walls do, under soft light."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    joints = (rows % 32 < 3) | ((columns + 24 * (rows // 32 % 2)) % 48 < 3)
    light = 0.15 * torch.cos(rows / side * 3) + 0.1 * photo(side, side)[0, ..., 0]
    return (0.45 - 0.2 * joints.float() + light)[None, ..., None].expand(1, side, side, 3)


def wall(side: int) -> torch.Tensor:
    """Almost nothing but a slow fall of light and a few dark spots."""
    rows, columns = torch.meshgrid(torch.arange(float(side)), torch.arange(float(side)), indexing="ij")
    plane = 0.8 - 0.3 * rows / side
    for n in range(14):
        y, x = (0.03 + 0.94 * ((n * 0.618) % 1)) * side, (0.05 if n % 2 else 0.93) * side
        plane = plane - 0.4 * torch.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 60)
    return plane[None, ..., None].expand(1, side, side, 3)


TEXTURES = {"photo": lambda side: photo(side, side), "bricks": bricks, "wall": wall}


@pytest.mark.parametrize("texture", TEXTURES)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.85])
@pytest.mark.parametrize("repainted", [False, True])
def test_a_shift_and_zoom_is_found_to_a_small_part_of_a_pixel(texture, share, repainted):
    original, mask = TEXTURES[texture](512), disc(512, 512, share)
    painted = original
    if repainted:
        painted = torch.where(mask.unsqueeze(-1) > 0, photo(512, 512, seed=7), original)
    noise = torch.randn(original.shape, generator=torch.Generator().manual_seed(3)) * (2 / 255)
    crop = moved(painted, FOUND) * 0.97 + 0.01 + noise
    found = find_alignment(crop, original, mask)
    assert found.applies, found.describe()
    assert error_px(found.move, FOUND, mask) < 0.1
    assert found.after < found.before / 3 and "moved back: shift +3.0" in found.describe()


@pytest.mark.parametrize("size", [(512, 768), (1024, 1024), (1184, 880)])
def test_crops_of_every_size_are_aligned(size):
    original, mask = photo(*size), disc(*size, 0.6)
    found = find_alignment(moved(original, FOUND), original, mask)
    assert found.applies and error_px(found.move, FOUND, mask) < 0.05


@settings(max_examples=12, deadline=None)
@given(st.floats(-8, 8), st.floats(-8, 8), st.floats(0.97, 1.03), st.floats(0.95, 1.05), st.floats(-0.04, 0.04))
def test_any_move_is_found_whatever_the_tone(x, y, zoom, gain, offset):
    original, mask, true = photo(256, 320), disc(256, 320, 0.5), Move(x, y, zoom)
    found = find_alignment(moved(original, true) * gain + offset, original, mask)
    assert error_px(found.move, true, mask) < 0.05


def test_the_original_may_have_another_scale_and_the_move_is_told_in_the_crops_pixels():
    original, mask = photo(300, 300), disc(300, 300, 0.5)
    crop = resize_planes(original.permute(0, 3, 1, 2), 768, 768).permute(0, 2, 3, 1)
    found = find_alignment(moved(crop, FOUND), original, mask)
    assert found.applies and error_px(found.move, FOUND, disc(768, 768, 0.5)) < 0.1


def test_shift_alone_looks_for_no_zoom():
    original, mask = photo(256, 256), disc(256, 256, 0.5)
    found = find_alignment(moved(original, Move(2.5, -1.25)), original, mask, zoom=False)
    assert found.move.zoom == 1 and error_px(found.move, Move(2.5, -1.25), mask) < 0.02


@pytest.mark.parametrize("noise", [0.0, 3 / 255])
def test_a_crop_that_lies_right_stays(noise):
    original, mask = photo(256, 256), disc(256, 256, 0.5)
    crop = original * 0.9 + 0.05 + noise * torch.randn(original.shape, generator=torch.Generator().manual_seed(1))
    found = find_alignment(crop, original, mask)
    assert not found.applies and f"it lies where it was, to {LEAST_MOVE_PX} px" in found.describe()


def stripes(side: int) -> torch.Tensor:
    wave = 0.5 + 0.3 * torch.sin(torch.arange(side) / 7.0)
    return wave.view(1, 1, side, 1).expand(1, side, side, 3)


@pytest.mark.parametrize(
    ("original", "mask"),
    [
        (torch.full((1, 256, 256, 3), 0.5), disc(256, 256, 0.5)),  # flat
        (stripes(256), disc(256, 256, 0.5)),  # tells one axis only
        (torch.linspace(0, 1, 256).view(1, 1, 256, 1).expand(1, 256, 256, 3), disc(256, 256, 0.5)),
        (photo(256, 256), torch.nn.functional.pad(torch.ones(1, 250, 250), (3, 3, 3, 3))),  # a ring of 3 px
        (photo(256, 256), torch.ones(1, 256, 256)),
        (photo(3, 7), torch.zeros(1, 3, 7)),
    ],
    ids=["flat", "stripes", "ramp", "narrow", "full", "tiny"],
)
def test_a_ring_that_cannot_tell_the_place_is_refused(original, mask):
    noise = torch.randn(original.shape, generator=torch.Generator().manual_seed(1)) * (2 / 255)
    found = find_alignment(moved(original, FOUND) + noise, original, mask)
    assert not found.applies and found.reason and found.describe().startswith("not moved: ")


def test_another_picture_altogether_is_refused():
    found = find_alignment(photo(256, 256, seed=5), photo(256, 256), disc(256, 256, 0.5))
    assert not found.applies


def test_what_is_not_finite_or_transparent_is_not_looked_at():
    original, mask = photo(256, 256, channels=4), disc(256, 256, 0.4)
    original[..., 3] = 1
    crop = moved(original, FOUND)
    crop[:, :40, :40, :3], crop[:, -40:, -40:, 3], crop[:, 30:60, 200:230, 0] = 9.0, 0.0, math.nan
    crop[:, :40, :40, 3] = 0
    found = find_alignment(crop, original, mask)
    assert found.applies and error_px(found.move, FOUND, mask) < 0.1


def test_it_is_deterministic_and_writes_to_nothing():
    original, mask = photo(200, 200), disc(200, 200, 0.5)
    crop = moved(original, FOUND)
    before = crop.clone(), original.clone(), mask.clone()
    first, second = (find_alignment(crop, original, mask) for _ in range(2))
    assert first == second
    assert all(torch.equal(new, old) for new, old in zip((crop, original, mask), before, strict=True))


def test_moves_are_combined_as_they_happen():
    first, then = Move(2.0, -1.0, 1.02), Move(-3.0, 0.5, 0.97)
    both = then.after(first)
    for p in (-10.0, 0.0, 25.0):
        assert math.isclose(both.zoom * p + both.x, then.zoom * (first.zoom * p + first.x) + then.x)


def test_batches_are_not_taken():
    with pytest.raises(ShapeError, match="one picture of each at a time"):
        find_alignment(photo(64, 64, batch=2), photo(64, 64), disc(64, 64, 0.5))

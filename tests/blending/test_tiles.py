"""Strips of rows: they cover the window once, and a mask's busy part is found."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.blending import tiles
from hemline.blending.tiles import Tile, coverage_of, load_colours, load_planes, new_pictures, store_pixels, strips

CPU = torch.device("cpu")


def whole(batch: int, height: int, width: int) -> Tile:
    return Tile(slice(0, batch), slice(0, height), slice(0, width))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 40), st.integers(0, 39), st.integers(1, 2000))
def test_strips_cover_every_pixel_of_the_window_once(batch, height, width, top, budget):
    top = min(top, height - 1)
    window = Tile(slice(0, batch), slice(top, height), slice(0, width))
    seen = torch.zeros(batch, height, width)
    before, tiles.STRIP_VALUES = tiles.STRIP_VALUES, budget
    try:
        for tile in strips(window, 3, CPU):
            tile.of(seen).add_(1)
            rows = (tile.rows.stop - tile.rows.start) * (tile.pictures.stop - tile.pictures.start)
            assert rows == 1 or rows * width * 3 <= budget * torch.get_num_threads()
    finally:
        tiles.STRIP_VALUES = before
    assert bool((seen[:, top:] == 1).all()) and seen[:, :top].sum() == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 999), st.floats(0, 1))
def test_coverage_finds_every_covered_pixel(seed, share):
    generator = torch.Generator().manual_seed(seed)
    mask = (torch.rand(2, 9, 11, generator=generator) < share * 0.3).float()
    found = coverage_of(mask, whole(2, 9, 11))
    outside = mask.clone()
    outside[:, :, found.columns] = 0
    assert outside.sum() == 0
    if found.columns.stop == found.columns.start:
        return
    for picture in range(2):
        for row in range(9):
            tile = Tile(slice(picture, picture + 1), slice(row, row + 1), found.columns)
            assert found.any_in(tile) == bool((tile.of(mask) > 0).any())
            assert found.full_in(tile) == bool((tile.of(mask) > 0).all())


def test_nan_does_not_hide_the_rest_of_a_mask():
    mask = torch.zeros(1, 5, 5)
    mask[0, 2, 2], mask[0, 2, 4] = float("nan"), 1
    found = coverage_of(mask, whole(1, 5, 5))
    assert found.columns.stop == 5 and found.any_in(Tile(slice(0, 1), slice(2, 3), found.columns))


def test_pixels_come_back_from_both_layouts():
    stack = torch.rand(2, 5, 7, 4)[:, :, 1:6]
    for load in (load_colours, load_planes):
        back = torch.zeros(2, 5, 5, 4, dtype=torch.float16)
        store_pixels(back, load(stack))
        assert torch.equal(back, stack.half())


def test_new_pictures_are_of_the_dtype_asked_for():
    for dtype in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        made = new_pictures((2, 3, 5, 3), dtype, CPU)
        assert made.shape == (2, 3, 5, 3) and made.dtype == dtype and made.is_contiguous()
        made.fill_(0.5)
        assert bool((made.clone() == 0.5).all())

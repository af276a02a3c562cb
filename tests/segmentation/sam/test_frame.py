"""Which parts of a picture are encoded, and that places and masks come back from there where they were."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hemline.segmentation.sam.frame import Frame, grow_box, plan_frames

SIDE, CELL = 1024, 4


def whole(height: int, width: int) -> Frame:
    return Frame((0, 0, width, height), SIDE, CELL)


@pytest.mark.parametrize("size", [(1000, 1500), (896, 1152), (1920, 1080), (1003, 777), (300, 200), (3, 7), (1, 1)])
def test_the_size_in_the_square_is_segment_anythings(size):
    transforms = pytest.importorskip("segment_anything.utils.transforms", reason="segment-anything resizes pictures")
    assert whole(*size).size == transforms.ResizeLongestSide.get_preprocess_shape(*size, SIDE)


def test_a_picture_resized_here_is_the_predictors_within_its_rounding_to_8_bits():
    transforms = pytest.importorskip("segment_anything.utils.transforms", reason="segment-anything resizes pictures")
    torch.manual_seed(0)
    for size in ((600, 1500), (301, 199)):
        bytes_ = torch.randint(0, 256, (*size, 3), dtype=torch.uint8)
        wanted = torch.from_numpy(transforms.ResizeLongestSide(SIDE).apply_image(bytes_.numpy())).permute(2, 0, 1)
        got = whole(*size).fit(bytes_.permute(2, 0, 1).float())
        assert (got - wanted).abs().max() <= 1


@pytest.mark.parametrize("size", [(1000, 1500), (896, 1152), (1920, 1080), (1003, 777), (2047, 1365)])
def test_a_rectangle_comes_back_from_the_cells_within_a_pixel(size):
    height, width = size
    mask = torch.zeros(1, height, width)
    y0, y1, x0, x1 = height // 7, height - 11, width // 9, width - 23
    mask[:, y0:y1, x0:x1] = 1
    frame = whole(height, width)
    back = frame.spread(frame.cells(mask), (0, 0, width, height))[0] >= 0.5
    rows, columns = back.any(1).nonzero().flatten(), back.any(0).nonzero().flatten()
    found = (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    assert max(abs(a - b) for a, b in zip(found, (y0, y1, x0, x1), strict=True)) <= 1


@given(st.integers(1, 3000), st.integers(1, 3000), st.floats(0, 1), st.floats(0, 1))
def test_places_and_the_way_back_of_cells_agree(height, width, down, across):
    """A ramp over the cells, read at a pixel, is that pixel's place in the square."""
    frame = whole(height, width)
    row, column = min(int(down * height), height - 1), min(int(across * width), width - 1)
    cells = torch.arange(SIDE / CELL).add(0.5).mul(CELL)
    ramp = torch.stack((cells.expand(256, -1), cells.unsqueeze(1).expand(-1, 256)))
    read = frame.spread(ramp, (column, row, column + 1, row + 1)).flatten()
    place = frame.places(torch.tensor([column + 0.5, row + 0.5]))
    assert torch.allclose(read, place.clamp(CELL / 2, SIDE - CELL / 2), atol=0.02)


def test_a_window_of_a_mask_is_the_same_part_of_the_whole():
    frame, planes = whole(600, 900), torch.randn(2, 256, 256)
    part = frame.spread(planes, (100, 50, 400, 333))
    assert torch.allclose(part, frame.spread(planes, (0, 0, 900, 600))[:, 50:333, 100:400], atol=1e-5)


# Which parts are encoded.


def plan(boxes, size, reencode_px=1024):
    frames, chosen = plan_frames(boxes, size, SIDE, cell_px=CELL, reencode_px=reencode_px)
    return [frame.window for frame in frames], chosen


def test_small_garments_are_looked_for_in_the_whole_picture():
    assert plan([(10, 10, 300, 500), (400, 20, 800, 1000)], (2000, 3000)) == ([(0, 0, 3000, 2000)], [0, 0])


def test_a_large_garment_gets_a_padded_crop_and_what_lies_within_comes_along():
    windows, chosen = plan([(2000, 1000, 2600, 2200), (2100, 1200, 2200, 1300), (100, 100, 300, 300)], (4000, 4000))
    assert windows == [(0, 0, 4000, 4000), (1550, 850, 3050, 2350)]
    assert chosen == [1, 1, 0]


def test_the_whole_picture_is_not_encoded_where_nobody_is_looked_for_in_it():
    assert plan([(2000, 1000, 2600, 2200)], (4000, 4000)) == ([(1550, 850, 3050, 2350)], [0])


def test_neighbours_share_a_crop_that_is_little_larger_and_others_get_their_own():
    near, beside, far = (500, 500, 1100, 1800), (1000, 550, 1500, 1750), (4500, 500, 5200, 1900)
    windows, chosen = plan([near, beside, far], (6000, 6000))
    assert len(windows) == 2 and chosen[0] == chosen[1] != chosen[2]


def test_a_crop_that_shows_hardly_more_than_the_whole_picture_is_not_encoded():
    assert plan([(100, 50, 1400, 1950)], (2000, 1500)) == ([(0, 0, 1500, 2000)], [0])


def test_a_picture_that_the_encoder_sees_at_full_resolution_is_encoded_whole():
    assert plan([(10, 10, 60, 60)], (900, 1000), reencode_px=40) == ([(0, 0, 1000, 900)], [0])


boxes = st.tuples(*[st.integers(0, 2900)] * 2, *[st.integers(1, 2500)] * 2).map(
    lambda b: (b[0], b[1], min(b[0] + b[2], 3000), min(b[1] + b[3], 3000))
)


@given(st.lists(boxes, min_size=1, max_size=6))
def test_every_box_lies_in_its_frame_and_every_frame_has_a_box(found):
    windows, chosen = plan([tuple(map(float, box)) for box in found], (3000, 3000))
    assert set(chosen) == set(range(len(windows)))
    for box, number in zip(found, chosen, strict=True):
        x0, y0, x1, y1 = windows[number]
        assert x0 <= box[0] and y0 <= box[1] and box[2] <= x1 and box[3] <= y1


def test_a_grown_box_stays_in_the_picture():
    assert grow_box((10, 10, 110, 60), 0.1, 6, (64, 200)) == (0, 4, 120, 64)

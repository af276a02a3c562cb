"""The letterbox: where a picture lies in the frame, and the way back to its pixels."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from hemline.segmentation.yolo.letterbox import GREY, fit_letterbox, letterbox_pictures, read_planes

SIDES = st.integers(1, 3000)


@given(SIDES, SIDES, st.sampled_from([320, 640, 1280]), st.sampled_from([32, 64]))
def test_the_picture_lies_within_a_frame_of_whole_strides(height, width, long_side, stride):
    box = fit_letterbox(height, width, long_side, stride)
    assert box.frame_height % stride == 0 and box.frame_width % stride == 0
    assert max(box.inner_height, box.inner_width) == long_side
    assert 0 <= box.top and box.top + box.inner_height <= box.frame_height
    assert 0 <= box.left and box.left + box.inner_width <= box.frame_width
    below, right = box.frame_height - box.inner_height - box.top, box.frame_width - box.inner_width - box.left
    assert 0 <= below - box.top <= 1 and 0 <= right - box.left <= 1


@given(SIDES, SIDES, st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_boxes_there_and_back_are_the_same(height, width, shares):
    box = fit_letterbox(height, width, 640, 32)
    x0, x1 = sorted(share * width for share in shares[:2])
    y0, y1 = sorted(share * height for share in shares[2:])
    boxes = torch.tensor([[x0, y0, x1, y1]], dtype=torch.float64)
    assert torch.allclose(box.to_picture(box.to_frame(boxes)), boxes, atol=1e-6)


def test_the_inner_frame_is_the_whole_picture():
    box = fit_letterbox(1500, 1000, 640, 32)
    inner = torch.tensor([[box.left, box.top, box.left + box.inner_width, box.top + box.inner_height]])
    assert box.to_picture(inner.double()).tolist() == [[0, 0, 1000, 1500]]


def test_boxes_end_with_the_picture():
    box = fit_letterbox(100, 200, 640, 32)
    assert box.to_picture(torch.tensor([[-50.0, -50.0, 900.0, 900.0]])).tolist() == [[0, 0, 200, 100]]


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((1500, 1000), (640, 427, 640, 448, 0, 10)), ((1152, 896), (640, 498, 640, 512, 0, 7)),
     ((1080, 1920), (360, 640, 384, 640, 12, 0)), ((480, 640), (480, 640, 480, 640, 0, 0))],
)  # fmt: skip
def test_known_sizes_are_laid_out_as_ultralytics_does(size, wanted):
    box = fit_letterbox(*size, 640, 32)
    got = (box.inner_height, box.inner_width, box.frame_height, box.frame_width, box.top, box.left)
    assert got == wanted


def test_a_network_of_one_size_alone_gets_that_size():
    box = fit_letterbox(1500, 1000, 640, 32, frame=(320, 512))
    assert (box.frame_height, box.frame_width, box.inner_height) == (320, 512, 320)


def test_frames_are_grey_around_the_picture():
    pictures = torch.rand(2, 3, 50, 30)
    box = fit_letterbox(50, 30, 64, 32)
    frames = letterbox_pictures(pictures, box)
    assert tuple(frames.shape) == (2, 3, 64, 64)
    assert (frames[..., :, : box.left] == GREY).all()
    inside = frames[..., box.left : box.left + box.inner_width]
    wanted = functional.interpolate(pictures, (64, box.inner_width), mode="bilinear")
    assert (inside - wanted).abs().max() <= 0.5 / 255 + 1e-6


def test_a_plane_is_read_where_its_pixels_lie():
    box = fit_letterbox(300, 200, 640, 32)
    rows, columns = torch.arange(160).view(-1, 1) * 4 + 2.0, torch.arange(box.frame_width // 4) * 4 + 2.0
    places = torch.stack([rows.expand(-1, len(columns)), columns.expand(160, -1)])  # in px of the frame
    read = read_planes(places, box, (20, 30, 120, 250))
    wanted = (torch.arange(20, 120) + 0.5) * box.scale_x + box.left
    assert torch.allclose(read[1], wanted.expand(220, -1), atol=1e-3)
    down = ((torch.arange(30, 250) + 0.5) * box.scale_y + box.top).view(-1, 1)
    assert torch.allclose(read[0], down.expand(-1, 100), atol=1e-3)


@given(st.integers(1, 60), st.integers(1, 60))
def test_the_smallest_pictures_have_a_frame(height, width):
    box = fit_letterbox(height, width, 64, 32)
    frames = letterbox_pictures(torch.rand(1, 3, height, width), box)
    assert tuple(frames.shape[2:]) == (box.frame_height, box.frame_width)
    area = (0, 0, width, height)
    assert tuple(read_planes(torch.rand(3, box.frame_height // 4, box.frame_width // 4), box, area).shape) == (
        3, height, width,
    )  # fmt: skip

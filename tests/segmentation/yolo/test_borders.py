"""Borders: a drawn rectangle comes back where it was drawn, at sizes where the usual ways back are 6 to 34 px off."""

from __future__ import annotations

import pytest
import torch
from support.drawn_yolo import draw_rectangles, drawn_yolo, rectangle

from hemline.segmentation.garments import mask_box
from hemline.segmentation.yolo.detect import detect_with_yolo

SIZES = [(1500, 1000), (1152, 896), (1080, 1920), (777, 1003), (300, 200), (64, 48)]
SHARES = [(0.2, 0.15, 0.71, 0.83), (0.0, 0.4, 0.33, 0.77), (0.5, 0.0, 1.0, 1.0)]


def corners(height: int, width: int, shares: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(round(share * side)) for share, side in zip(shares, (width, height) * 2, strict=True))


@pytest.mark.parametrize("shares", SHARES)
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("end_to_end", [False, True])
def test_boxes_and_masks_are_within_a_pixel(height, width, shares, end_to_end):
    box = corners(height, width, shares)
    found, _ = detect_with_yolo(draw_rectangles(height, width, box), drawn_yolo(end_to_end=end_to_end))
    (item,) = found.items
    # A frame of 640 px sees one pixel in three of a picture of 1920: that is the pixel.
    assert max(abs(got - wanted) for got, wanted in zip(item.box, box, strict=True)) <= 1.0 + 1e-3
    assert max(abs(got - wanted) for got, wanted in zip(mask_box(item.mask), box, strict=True)) <= 1
    wrong = (item.mask - rectangle(height, width, box)).abs() > 0.5
    assert int(wrong.sum()) <= 2 * (height + width)  # a pixel along the border at most


@pytest.mark.parametrize(("height", "width"), SIZES[:4])
def test_where_the_frame_shows_every_pixel_the_border_is_exact(height, width):
    box = corners(height, width, SHARES[0])
    found, _ = detect_with_yolo(draw_rectangles(height, width, box), drawn_yolo(long_side=max(height, width)))
    (item,) = found.items
    assert max(abs(got - wanted) for got, wanted in zip(item.box, box, strict=True)) <= 0.02
    assert mask_box(item.mask) == box


def test_masks_are_soft_and_end_with_their_boxes():
    found, _ = detect_with_yolo(draw_rectangles(400, 400, (100.0, 100.0, 300.0, 300.0)), drawn_yolo())
    mask = found.items[0].mask
    assert ((mask > 0.05) & (mask < 0.95)).any()
    beyond = mask.clone()
    beyond[93:307, 93:307] = 0  # the box and three per cent of it
    assert beyond.max() == 0


def test_masks_of_a_network_without_any_are_the_boxes():
    box = (20.25, 30.5, 60.75, 90.0)
    found, _ = detect_with_yolo(draw_rectangles(128, 96, box), drawn_yolo(masks=False, long_side=128))
    (item,) = found.items
    assert torch.allclose(item.mask, rectangle(128, 96, item.box), atol=1e-5)
    assert any("no parser" in note for note in found.notes)

"""Garments by a YOLO: labels, persons, overlaps, batches, and masks in the boxes of one that gives no masks."""

from __future__ import annotations

import pytest
import torch
from figures import draw_person
from support.drawn_yolo import SCORES, draw_rectangles, drawn_yolo, rectangle

from hemline.errors import RangeError, ShapeError, UnknownName
from hemline.segmentation.detect import WEIGHTS
from hemline.segmentation.garments import Garments
from hemline.segmentation.parser import Parser, load_parser
from hemline.segmentation.vocabulary import PART_LABELS
from hemline.segmentation.yolo.detect import detect_with_yolo

HEIGHT, WIDTH = 96, 128
RED, GREEN, BLUE = (10.0, 10.0, 50.0, 50.0), (70.0, 8.0, 110.0, 88.0), (8.0, 60.0, 60.0, 90.0)
BOXED = drawn_yolo(long_side=WIDTH)


@pytest.fixture(scope="module")
def parser() -> Parser:
    return load_parser(WEIGHTS)


def labels(found: Garments) -> list[tuple[str, str]]:
    return [(item.label, item.native_label) for item in found.items]


def test_native_words_become_canonical_labels():
    found, looks = detect_with_yolo(draw_rectangles(HEIGHT, WIDTH, RED, GREEN, BLUE), BOXED)
    assert found.method == "yolo" and not found.notes and not looks
    assert labels(found) == [("upper", "short sleeve top"), ("pants", "trousers"), ("skirt", "skirt")]
    assert [item.score for item in found.items] == pytest.approx(SCORES)
    for item, box in zip(found.items, (RED, GREEN, BLUE), strict=True):
        assert ((item.mask >= 0.5) == (rectangle(HEIGHT, WIDTH, box) >= 0.5)).float().mean() > 0.99


def test_only_what_was_asked_for_comes():
    image = draw_rectangles(HEIGHT, WIDTH, RED, GREEN, BLUE)
    assert labels(detect_with_yolo(image, BOXED, ("skirt",))[0]) == [("skirt", "skirt")]
    assert len(detect_with_yolo(image, BOXED, ("lower",))[0]) == 2  # trousers and skirts
    assert labels(detect_with_yolo(image, BOXED, classes="*top")[0]) == [("upper", "short sleeve top")]
    assert len(detect_with_yolo(image, BOXED, confidence=0.75)[0]) == 2
    assert len(detect_with_yolo(image, BOXED, max_detections=1)[0]) == 1
    with pytest.raises(UnknownName, match="short sleeve top"):
        detect_with_yolo(image, BOXED, classes="coat")


def test_nothing_is_a_result_with_a_sentence():
    empty = draw_rectangles(HEIGHT, WIDTH)
    found, _ = detect_with_yolo(empty, BOXED)
    assert len(found) == 0 and found.union().shape == (1, HEIGHT, WIDTH) and not found.union().any()
    assert "nothing found" in found.describe()
    found, _ = detect_with_yolo(draw_rectangles(HEIGHT, WIDTH, RED), BOXED, ("footwear",))
    assert len(found) == 0 and any("footwear" in note and "upper" in note for note in found.notes)


def test_batches_are_stacks_of_singles_in_order():
    pictures = [(RED, None, None), (None, None, None), (None, GREEN, BLUE)] * 4
    images = torch.cat([draw_rectangles(HEIGHT, WIDTH, *boxes) for boxes in pictures])
    done: list[tuple[int, int]] = []
    found, _ = detect_with_yolo(images, BOXED, progress=lambda *step: done.append(step))
    assert found.batch == 12 and done == [(number, 12) for number in range(1, 13)]
    assert [item.image for item in found.items] == [0, 2, 2, 3, 5, 5, 6, 8, 8, 9, 11, 11]
    for index in range(3):
        alone, _ = detect_with_yolo(images[index : index + 1], BOXED)
        for one, many in zip(alone.items, found.of_image(index).items, strict=True):
            assert torch.equal(one.mask, many.mask) and one.box == many.box


def test_the_whole_batch_goes_through_at_once():
    model = drawn_yolo(long_side=WIDTH)
    detect_with_yolo(draw_rectangles(HEIGHT, WIDTH, RED).repeat(5, 1, 1, 1), model)
    assert model.network.shown == [(5, 3, HEIGHT, WIDTH)]


def test_inputs_stay_as_they_are_and_alpha_and_nan_do_no_harm():
    image = torch.cat([draw_rectangles(HEIGHT, WIDTH, RED), torch.zeros(1, HEIGHT, WIDTH, 1)], -1)
    image[0, 0, 0, 0] = torch.nan
    before = image.clone()
    found, _ = detect_with_yolo(image.half(), BOXED)
    assert torch.equal(image.nan_to_num(9), before.nan_to_num(9))
    (item,) = found.items
    assert item.mask.dtype == torch.float32 and item.mask.isfinite().all()


def test_a_cancel_is_passed_on():
    class Stop(BaseException):
        pass

    def stop() -> None:
        raise Stop

    with pytest.raises(Stop):
        detect_with_yolo(draw_rectangles(HEIGHT, WIDTH, RED), BOXED, check_cancelled=stop)


@pytest.mark.parametrize("wrong", [{"confidence": 1.5}, {"iou": -0.1}, {"max_detections": 0}, {"max_detections": 5000}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(RangeError):
        detect_with_yolo(draw_rectangles(HEIGHT, WIDTH), BOXED, **wrong)


def test_person_boxes_for_another_batch_are_refused():
    with pytest.raises(ShapeError, match="2 pictures"):
        detect_with_yolo(draw_rectangles(HEIGHT, WIDTH), BOXED, person_boxes=[[], []])


# Overlaps.


def test_each_pixel_goes_to_one_garment():
    """Of a green rectangle over a red one the network gives both as if nothing were before them."""
    found, _ = detect_with_yolo(
        draw_rectangles(HEIGHT, WIDTH, (10.0, 10.0, 60.0, 80.0), (35.0, 20.0, 80.0, 70.0)), BOXED
    )
    red, green = (item.mask for item in found.items)
    assert not ((red > 0.5) & (green > 0.5)).any()


def test_the_union_of_two_that_touch_has_no_gap():
    upper, lower = (30.0, 10.0, 90.0, 45.0), (30.0, 45.0, 90.0, 88.0)
    found, _ = detect_with_yolo(draw_rectangles(HEIGHT, WIDTH, upper, lower), BOXED)
    assert found.union()[0, 20:80, 40:80].min() > 0.85


def test_words_of_one_label_compete():
    """Two words for one garment give it once, the surer one."""
    image = draw_rectangles(HEIGHT, WIDTH, None, RED)
    image[..., 0] = image[..., 2] = 0
    model = drawn_yolo(("long sleeve top", "short sleeve top", "vest"), long_side=WIDTH)
    image = draw_rectangles(HEIGHT, WIDTH, RED, (10.5, 10.0, 50.0, 50.0))
    image[:, 12:48, 12:30, :2] = torch.tensor((1.0, 0.0))
    both = len(detect_with_yolo(image, model, iou=1.0)[0])
    assert both == 2 and len(detect_with_yolo(image, model, iou=0.3)[0]) == 1


# Persons.

LEFT, RIGHT = (0.0, 0.0, 64.0, 96.0), (60.0, 0.0, 128.0, 96.0)


def test_garments_go_to_the_person_who_holds_most_of_them():
    image = draw_rectangles(HEIGHT, WIDTH, RED, GREEN, BLUE)
    found, looks = detect_with_yolo(image, BOXED, person_boxes=[[RIGHT, LEFT]])
    assert [(item.native_label, item.person) for item in found.items] == [
        ("trousers", 0), ("short sleeve top", 1), ("skirt", 1),
    ]  # fmt: skip
    assert [look.box for look in looks] == [RIGHT, LEFT]


def test_what_overlaps_nobody_comes_after_the_last_person():
    image = draw_rectangles(HEIGHT, WIDTH, RED, GREEN)
    found, _ = detect_with_yolo(image, BOXED, person_boxes=[[(0.0, 0.0, 60.0, 96.0)]])
    assert [(item.native_label, item.person) for item in found.items] == [("short sleeve top", 0), ("trousers", 1)]


def test_the_models_own_persons_count():
    model = drawn_yolo(("handbag", "person", "tie"), long_side=WIDTH)
    found, looks = detect_with_yolo(draw_rectangles(HEIGHT, WIDTH, RED, GREEN, (80.0, 20.0, 100.0, 60.0)), model)
    assert labels(found) == [("neckwear", "tie"), ("bag", "handbag")]
    assert [item.person for item in found.items] == [0, 1]
    (look,) = looks
    assert max(abs(got - wanted) for got, wanted in zip(look.box, GREEN, strict=True)) <= 0.5
    only = drawn_yolo(("cat", "person", "dog"), long_side=WIDTH)
    found, _ = detect_with_yolo(draw_rectangles(HEIGHT, WIDTH, RED, GREEN), only)
    assert len(found) == 0 and any("only persons" in note for note in found.notes)


def test_a_box_in_the_padding_alone_is_none():
    """A picture of 300x480 px lies in a frame of 320x480, ten pixels from its sides."""
    image = torch.zeros(1, TALL, 300, 3)
    found, _ = detect_with_yolo(image, boxes_of((1.0, 100.0, 9.0, 200.0), (10.0, 100.0, 60.0, 200.0)))
    assert len(found) == 1 and not any("lies under" in note for note in found.notes)


# With the shipped parser beside it.

TALL, WIDE = 480, 320
SHIRT = (100.0, 90.0, 220.0, 260.0)


class Boxes(torch.nn.Module):
    """A network that finds a box of the picture, given in px, whatever it is shown."""

    def __init__(self, *boxes: tuple[float, float, float, float]) -> None:
        super().__init__()
        self.boxes = boxes

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, None]:
        rows = [torch.tensor([*box, 0.9, float(number)]) for number, box in enumerate(self.boxes)]
        return torch.stack(rows).expand(len(frames), -1, -1), None


def boxes_of(*boxes: tuple[float, float, float, float], names: tuple[str, ...] = ("vest", "trousers", "skirt")):
    model = drawn_yolo(names, masks=False, end_to_end=True, long_side=TALL)
    object.__setattr__(model, "network", Boxes(*boxes))
    return model


def test_boxes_get_the_parsers_masks(parser):
    image, masks = draw_person(TALL, WIDE, 100)
    found, looks = detect_with_yolo(image, boxes_of(SHIRT), companion=parser)
    assert any("boxes only" in note for note in found.notes) and len(looks) == 1
    (item,) = found.items
    assert (item.label, item.person, item.box) == ("upper", 0, pytest.approx(SHIRT))
    got, wanted = item.mask >= 0.5, masks["upper"] * rectangle(TALL, WIDE, SHIRT) >= 0.5
    assert (got & wanted).sum() / (got | wanted).sum() > 0.8
    assert set(found.parts) == set(PART_LABELS) and found.parts["hair"].shape == (1, TALL, WIDE)
    assert found.labels.shape == (1, TALL, WIDE) and found.labels.any()


def test_where_the_parser_sees_nothing_the_box_is_the_mask(parser):
    image, _ = draw_person(TALL, WIDE, 100)
    corner = (2.0, 2.0, 40.0, 40.0)
    found, _ = detect_with_yolo(image, boxes_of(corner), companion=parser)
    (item,) = found.items
    assert torch.equal(item.mask, rectangle(TALL, WIDE, corner))
    assert any("the mask is the box" in note for note in found.notes)


def test_each_picture_is_parsed_once_and_numbered(parser):
    image, _ = draw_person(TALL, WIDE, 100)
    empty = torch.full_like(image, 0.5)
    found, looks = detect_with_yolo(torch.cat([empty, image]), boxes_of(SHIRT), companion=parser, flip=False)
    assert [look.image for look in looks] == [1] and found.labels.shape[0] == 2
    assert any("No person was found in picture 1" in note for note in found.notes)
    assert [item.image for item in found.items] == [0, 1]
    assert not found.parts["hair"][0].any() and found.parts["hair"][1].any()

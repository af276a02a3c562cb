"""Laws of the measure of a person: where crown and chin of drawn label maps are found, and what is taken for a head."""

from __future__ import annotations

import pytest
import torch
from support.dressed import CROWN, HEAD, SOLES, draw_labels
from torch import Tensor

from hemline.segmentation.body import HEADS_TALL, Body, measure_body, middle_column, union_of
from hemline.segmentation.parser import CLASSES

MIDDLE = 69.5


def measured(labels: Tensor) -> Body | None:
    masks = {name: labels == number for number, name in enumerate(CLASSES)}
    return measure_body(masks, ~masks["background"])


def test_a_standing_person_is_measured_from_crown_to_chin() -> None:
    body = measured(draw_labels())
    assert body is not None and body.has_face and body.crown == CROWN
    assert body.chin == pytest.approx(CROWN + HEAD, abs=0.15 * HEAD)
    assert body.middle == pytest.approx(MIDDLE, abs=1)
    assert body.head == pytest.approx((SOLES - CROWN) / HEADS_TALL)


def test_where_the_frame_cuts_the_figure_the_face_tells_the_head() -> None:
    whole, cut = measured(draw_labels()), measured(draw_labels()[:60])
    assert whole is not None and cut is not None and cut.has_face
    assert cut.head == pytest.approx(whole.head, rel=0.2)
    assert cut.head > 2 * 50 / HEADS_TALL  # its height alone would tell a head of 7 px


def test_bare_skin_on_top_of_clothes_is_a_bald_head() -> None:
    labels = draw_labels()
    labels[labels == CLASSES.index("hair")] = CLASSES.index("skin")
    body = measured(labels)
    assert body is not None and body.has_face and body.crown == CROWN


def test_without_a_head_in_the_picture_the_waist_tells_where_it_would_be() -> None:
    labels = draw_labels()[60:]
    body = measured(labels)
    assert body is not None and not body.has_face
    assert body.crown < 0 and body.chin == body.crown + body.head
    waist = int((labels == CLASSES.index("pants")).any(1).nonzero()[0])
    assert body.crown == pytest.approx(waist - 3 * body.head)


def test_nobody_has_no_measure() -> None:
    assert measured(torch.zeros(60, 40, dtype=torch.long)) is None


def test_masks_that_are_not_there_are_empty() -> None:
    none = torch.zeros(2, 3, dtype=torch.bool)
    there = none.clone()
    there[0, 2] = True
    assert torch.equal(union_of({"upper": there}, ("upper", "dress"), none), there)
    assert middle_column(there) == 2

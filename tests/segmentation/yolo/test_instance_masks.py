"""Masks of single detections, and which of them a pixel goes to."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from support.drawn_yolo import rectangle

from hemline.segmentation.yolo.instance_masks import (
    Patch,
    box_masks,
    cut_masks,
    grown_area,
    prototype_masks,
    resolve_overlaps,
)  # fmt: skip
from hemline.segmentation.yolo.letterbox import fit_letterbox
from hemline.segmentation.yolo.persons import person_of

SIDE = 64
EDGES = st.lists(st.floats(-20, 90), min_size=4, max_size=4)


def make_box(edges: list[float]) -> tuple[float, float, float, float]:
    (x0, x1), (y0, y1) = sorted(edges[:2]), sorted(edges[2:])
    return x0, y0, x1, y1


@given(EDGES)
def test_an_area_lies_in_the_picture_and_holds_the_box(edges):
    x0, y0, x1, y1 = box = make_box(edges)
    left, top, right, bottom = grown_area(box, SIDE, SIDE)
    assert 0 <= left <= right <= SIDE and 0 <= top <= bottom <= SIDE
    inside = rectangle(SIDE, SIDE, (max(x0, 0), max(y0, 0), min(x1, SIDE), min(y1, SIDE))) > 0
    inside[top:bottom, left:right] = False
    assert not inside.any()


@given(EDGES)
def test_a_box_as_a_mask_covers_its_area(edges):
    x0, y0, x1, y1 = make_box(edges)
    (patch,) = box_masks(torch.tensor([[x0, y0, x1, y1]]), SIDE, SIDE)
    wide = max(0.0, min(x1, SIDE) - max(x0, 0)) * max(0.0, min(y1, SIDE) - max(y0, 0))
    assert abs(float(patch.mask.sum()) - wide) < 0.05


def test_a_mask_reads_the_prototypes_with_its_coefficients():
    box = fit_letterbox(SIDE, SIDE, SIDE, 32)
    prototypes, coefficients = torch.randn(3, 16, 16), torch.tensor([[1.0, -2.0, 0.5]])
    (patch,) = prototype_masks(coefficients, prototypes, torch.tensor([[0.0, 0, SIDE, SIDE]]), box)
    logits = torch.einsum("m,mhw->hw", coefficients[0], prototypes)[None, None]
    wanted = torch.nn.functional.interpolate(logits, (SIDE, SIDE), mode="bilinear")[0, 0].sigmoid()
    assert torch.allclose(patch.whole(SIDE, SIDE), wanted, atol=1e-5)


def test_a_cut_mask_is_the_mask_inside_and_fades_outside():
    plane = torch.full((SIDE, SIDE), 0.7)
    (patch,) = cut_masks(plane, torch.tensor([[10.0, 10, 50, 50]]))
    whole = patch.whole(SIDE, SIDE)
    assert torch.allclose(whole[10:50, 10:50], torch.tensor(0.7))
    assert 0 < whole[9, 30] < 0.7 and whole[8, 30] == 0


def planes(*values: float) -> list[Patch]:
    return [Patch(torch.full((4, 4), value), (0, 0, 4, 4)) for value in values]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 1)), min_size=2, max_size=5))
def test_masks_stay_masks(pairs):
    patches = planes(*(value for value, _ in pairs))
    resolve_overlaps(patches, [score for _, score in pairs], 4, 4)
    assert all(0 <= float(patch.mask.min()) <= float(patch.mask.max()) <= 1 for patch in patches)


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=5))
def test_of_equal_scores_the_greatest_mask_loses_nothing(values):
    patches = planes(*values)
    resolve_overlaps(patches, [0.5] * len(values), 4, 4)
    assert max(float(patch.mask.min()) for patch in patches) >= max(values) - 1e-5


def test_the_surer_of_two_sure_masks_wins():
    patches = planes(1.0, 1.0)
    resolve_overlaps(patches, [0.6, 0.9], 4, 4)
    assert patches[0].mask.max() < 0.05 and patches[1].mask.min() == 1


def test_the_stronger_mask_wins_against_a_better_score():
    patches = planes(0.999, 0.6)
    resolve_overlaps(patches, [0.7, 0.9], 4, 4)
    assert patches[0].mask.min() > 0.99 and patches[1].mask.max() == 0


def test_masks_apart_stay_as_they_are():
    patches = [Patch(torch.rand(4, 4), (0, 0, 4, 4)), Patch(torch.rand(4, 4), (4, 4, 8, 8))]
    before = [patch.mask.clone() for patch in patches]
    resolve_overlaps(patches, [0.5, 0.9], 8, 8)
    for patch, mask in zip(patches, before, strict=True):
        assert torch.allclose(patch.mask, mask, atol=1e-6)


def test_no_mask_and_one_mask_stay():
    resolve_overlaps([], [], 4, 4)
    (patch,) = planes(0.4)
    resolve_overlaps([patch], [0.5], 4, 4)
    assert patch.mask.unique().tolist() == [torch.tensor(0.4).item()]


# Persons.

LEFT, RIGHT = (0.0, 0.0, 50.0, 100.0), (40.0, 0.0, 90.0, 100.0)


def test_a_garment_is_whose_box_holds_most_of_it():
    assert person_of((5.0, 10.0, 30.0, 40.0), [RIGHT, LEFT]) == 1
    assert person_of((60.0, 10.0, 80.0, 40.0), [LEFT, RIGHT]) == 1


def test_between_two_who_hold_it_the_nearer_one_is_it():
    assert person_of((41.0, 10.0, 49.0, 40.0), [(0.0, 0.0, 60.0, 100.0), RIGHT]) == 0
    assert person_of((50.0, 10.0, 60.0, 40.0), [(0.0, 0.0, 60.0, 100.0), RIGHT]) == 1


def test_nobodys_garment_comes_after_everybody():
    assert person_of((95.0, 10.0, 99.0, 40.0), [LEFT, RIGHT]) == 2
    assert person_of((5.0, 5.0, 6.0, 6.0), []) == 0

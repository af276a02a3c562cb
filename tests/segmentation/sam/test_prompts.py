"""What a SAM is asked: points deep inside, points on what the garment is not, equal counts, masks as logits."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hemline.segmentation.part_masks import PartMasks, PersonParts
from hemline.segmentation.sam.frame import Frame
from hemline.segmentation.sam.prompts import Surroundings, Target, deepest_points, make_prompts

SIZE = (200, 300)
CPU = torch.device("cpu")


def rectangle(y0: int, y1: int, x0: int, x1: int, size: tuple[int, int] = SIZE) -> torch.Tensor:
    mask = torch.zeros(size)
    mask[y0:y1, x0:x1] = 1
    return mask


def test_the_deepest_point_of_a_rectangle_is_in_its_middle():
    (point,) = deepest_points(rectangle(20, 61, 30, 71) > 0, 3).tolist()
    assert point == [50, 40]


def test_further_points_lie_in_other_deep_places_only():
    two = torch.maximum(rectangle(20, 61, 30, 71), rectangle(100, 131, 200, 231)) > 0
    assert deepest_points(two, 3).tolist() == [[50, 40], [215, 115]]
    thin = torch.maximum(rectangle(20, 61, 30, 71), rectangle(100, 103, 200, 203)) > 0
    assert len(deepest_points(thin, 3)) == 1


def test_the_frame_is_a_rim():
    (point,) = deepest_points(torch.ones(41, 41, dtype=torch.bool), 1).tolist()
    assert point == [20, 20]


@given(st.integers(0, 10_000))
def test_every_point_lies_inside_and_deep_enough(seed):
    generator = torch.Generator().manual_seed(seed)
    region = torch.nn.functional.interpolate(torch.randn(1, 1, 4, 6, generator=generator), (24, 36))[0, 0] > 0.3
    for column, row in deepest_points(region, 3, least=1.5).long().tolist():
        assert region[row, column]
        assert region[row - 1 : row + 2, column - 1 : column + 2].all() and 0 < row < 23 and 0 < column < 35


def test_nothing_has_no_points():
    assert deepest_points(torch.zeros(5, 5, dtype=torch.bool), 3).shape == (0, 2)


def ask(mask, parts=None, others=(), box=None):
    around = Surroundings(SIZE, parts or {}, 0, CPU)
    rows, columns = mask.nonzero().unbind(1)
    box = box or (float(columns.min()), float(rows.min()), float(columns.max()) + 1, float(rows.max()) + 1)
    return around.target(mask, box, around.reduce(mask), [around.reduce(other) for other in others])


def inside(points, mask) -> bool:
    return all(mask[int(y), int(x)] > 0.5 for x, y in points.tolist())


def test_points_outside_lie_on_parts_and_neighbours_within_reach_of_the_box_and_not_on_the_garment():
    garment = rectangle(50, 150, 50, 150)
    hand, face = rectangle(120, 150, 130, 165), rectangle(5, 30, 250, 280)
    belt = rectangle(60, 75, 140, 160)
    garment = garment * (1 - hand) * (1 - belt)
    found = ask(garment, {"hands": hand[None], "face": face[None]}, [belt], box=(50.0, 50.0, 150.0, 150.0))
    assert len(found.inside) >= 1 and inside(found.inside, garment)
    assert len(found.outside) == 2 and inside(found.outside, torch.maximum(hand, belt))
    assert inside(found.outside[:1], belt)  # neighbours first


def test_a_part_that_the_garment_covers_gets_no_point():
    garment = rectangle(50, 150, 50, 150)
    assert len(ask(garment, {"hair": rectangle(60, 90, 60, 90)[None]}).outside) == 0


def test_an_unsure_mask_gets_no_point_inside():
    assert len(ask(rectangle(50, 150, 50, 150) * 0.7).inside) == 0


def test_parts_that_are_still_small_serve_as_they_are():
    plane = torch.zeros(10, 10)
    plane[4:8, 4:8] = 1
    planes = dict.fromkeys(("hair", "skin", "head", "face", "neck", "hands", "arms", "legs"), torch.zeros(10, 10))
    person = PersonParts(0, (100, 50, 200, 150), torch.rand(3, 100, 100), {**planes, "hands": plane})
    parts = PartMasks((1, *SIZE), (person,), device=CPU)
    found = ask(rectangle(60, 80, 60, 180), parts, box=(60.0, 60.0, 190.0, 150.0))
    assert len(found.outside) == 1 and inside(found.outside, rectangle(90, 130, 140, 180))


def target(inside: int, outside: int) -> Target:
    return Target(
        torch.ones(SIZE), (100.0, 50.0, 200.0, 100.0), torch.full((inside, 2), 60.0), torch.full((outside, 2), 90.0)
    )


def test_counts_are_made_equal_by_points_that_are_none():
    frame = Frame((0, 0, 300, 200), 1200, 4)
    prompts = make_prompts(frame, [target(1, 0), target(2, 3), target(0, 0)], torch.rand(3, 1, 300, 300), SIZE)
    assert prompts.marks.tolist() == [[1, -1, -1, -1, -1], [1, 1, 0, 0, 0], [-1] * 5]
    assert prompts.points[1].tolist() == [[240.0, 240.0]] * 2 + [[360.0, 360.0]] * 3


def test_boxes_grow_by_a_few_percent_and_masks_become_logits_of_10():
    frame = Frame((0, 0, 300, 200), 1200, 4)
    shares = torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 1, 3)
    prompts = make_prompts(frame, [target(1, 0)], shares, SIZE)
    assert prompts.masks.flatten().tolist() == [-10, 0, 10]
    assert prompts.boxes[0].tolist() == pytest.approx([4 * 97, 4 * 48.5, 4 * 203, 4 * 101.5])


def test_without_any_point_boxes_and_masks_are_enough():
    frame = Frame((0, 0, 300, 200), 1200, 4)
    assert make_prompts(frame, [target(0, 0)], torch.rand(1, 1, 300, 300), SIZE).points.shape == (1, 0, 2)

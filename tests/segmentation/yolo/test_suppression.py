"""Non-maximum suppression against its definition."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from hemline.segmentation.yolo.suppression import BLOCK, box_overlaps, suppress


def by_definition(boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, iou: float, most: int) -> list[int]:
    kept: list[int] = []
    covers = (box_overlaps(boxes, boxes) > iou) & (groups.unsqueeze(1) == groups)
    for number in torch.argsort(scores, descending=True, stable=True).tolist():
        if not covers[kept, number].any():
            kept.append(number)
    return kept[:most]


def draw(count: int, seed: int, crowd: float = 100.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand((count, 2), generator=generator) * crowd
    sizes = torch.rand((count, 2), generator=generator) * 40 + 5
    scores = (torch.rand(count, generator=generator) * 20).round() / 20  # with equal ones
    return torch.cat([corners, corners + sizes], 1), scores, torch.randint(3, (count,), generator=generator)


@given(st.integers(0, 60), st.integers(0, 10**6), st.floats(0, 1), st.integers(1, 70))
def test_what_stays_is_what_the_greedy_rule_keeps(count, seed, iou, most):
    boxes, scores, groups = draw(count, seed)
    assert suppress(boxes, scores, groups, iou, most).tolist() == by_definition(boxes, scores, groups, iou, most)


def test_blocks_know_of_each_other():
    boxes, scores, groups = draw(2 * BLOCK + 100, 1, crowd=400.0)
    for most in (10, 5000):
        got = suppress(boxes, scores, groups, 0.3, most).tolist()
        assert got == by_definition(boxes, scores, groups, 0.3, most)


def test_a_chain_is_decided_from_its_head():
    """Each covers the next one: the second goes, so that the third stays."""
    boxes = torch.tensor([[start, 0.0, start + 10, 10] for start in (0.0, 2.0, 4.0, 6.0)])
    scores, groups = torch.tensor([0.9, 0.8, 0.7, 0.6]), torch.zeros(4, dtype=torch.long)
    assert suppress(boxes, scores, groups, 0.5, 9).tolist() == [0, 2]


def test_boxes_of_other_groups_never_cover():
    boxes = torch.tensor([[0.0, 0, 10, 10]] * 2)
    assert suppress(boxes, torch.tensor([0.5, 0.6]), torch.tensor([0, 1]), 0.1, 9).tolist() == [1, 0]


def test_empty_and_reversed_boxes_overlap_nothing():
    boxes = torch.tensor([[5.0, 5, 5, 5], [9.0, 9, 2, 2], [0.0, 0, 10, 10]])
    overlaps = box_overlaps(boxes, boxes)
    assert overlaps.isfinite().all() and overlaps.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_nothing_gives_nothing():
    empty = torch.zeros(0)
    assert suppress(torch.zeros(0, 4), empty, empty.long(), 0.5, 10).tolist() == []

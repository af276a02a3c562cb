from __future__ import annotations

from itertools import pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.blending.crop_boxes import calm_path, cut_image, cut_mask, place_boxes

span = st.tuples(st.integers(-50, 200), st.integers(0, 60)).map(lambda pair: (pair[0], pair[0] + pair[1]))
spans = st.lists(span, min_size=1, max_size=40)


def restlessness(path):
    return sum(abs(after - before) for before, after in pairwise(path))


@given(spans)
def test_a_calm_path_lies_in_every_span(tube):
    path = calm_path(tube)
    assert len(path) == len(tube)
    assert all(low <= place <= high for place, (low, high) in zip(path, tube, strict=True))


@given(spans)
def test_it_stands_still_wherever_one_place_serves_all(tube):
    if max(low for low, _ in tube) <= min(high for _, high in tube):
        assert len(set(calm_path(tube))) == 1


@settings(max_examples=200)
@given(spans, st.data())
def test_no_other_path_moves_less_but_for_soft_turns(tube, data):
    other = [data.draw(st.integers(low, high)) for low, high in tube]
    pushed = [tube[0][0]]
    for low, high in tube[1:]:  # moves only when it must
        pushed.append(min(max(pushed[-1], low), high))
    assert restlessness(calm_path(tube, turn=0)) <= min(restlessness(other), restlessness(pushed))


def test_a_walk_after_a_rest_starts_softly_and_keeps_an_even_pace():
    tube = [(90, 110)] * 40 + [(90 + 4 * step, 110 + 4 * step) for step in range(40)] + [(250, 270)] * 40
    path = calm_path(tube)
    steps = [after - before for before, after in pairwise(path)]
    assert set(steps[:25]) == {0} and set(steps[-25:]) == {0}
    assert all(3 <= step <= 5 for step in steps[50:70])
    assert max(abs(after - before) for before, after in pairwise(steps)) <= 2


def test_trembling_masks_do_not_move_the_box():
    boxes = [(100 + jump, 50, 180 + jump, 250) for jump in (0, 3, -4, 2, 5, -3, 0)]
    placed = place_boxes(boxes, (160, 320), (140, 300), (600, 400), frames="smooth", keep_inside=True)
    assert len(set(placed)) == 1


def test_an_empty_mask_between_two_others_is_passed_evenly():
    boxes = [(100, 100, 120, 120), None, None, None, (300, 100, 320, 120)]
    starts = [box[0] for box in place_boxes(boxes, (40, 40), (40, 40), (600, 400), frames="smooth", keep_inside=True)]
    steps = [after - before for before, after in pairwise(starts)]
    assert min(steps) > 30 and steps == steps[::-1]


def test_a_cut_beyond_the_frame_repeats_the_border_under_a_zero_mask():
    image, mask = torch.rand(2, 5, 6, 3), torch.rand(2, 5, 6)
    box = (-2, -1, 8, 7)
    pixels, share = cut_image(image, box), cut_mask(mask, box)
    assert torch.equal(pixels[:, 1:6, 2:8], image) and torch.equal(share[:, 1:6, 2:8], mask)
    assert torch.equal(pixels[:, 0, 2:8], image[:, 0]) and torch.equal(pixels[:, 3, 9], image[:, 2, 5])
    assert not share[:, 0].any() and not share[:, :, :2].any() and not share[:, 6:].any() and not share[:, :, 8:].any()

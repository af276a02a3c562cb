"""Stabilise Mask says what it did, and Detect Garments what is worn."""

from __future__ import annotations

import json

import torch
from figures import draw_person
from support.contexts import CONTEXT

from hemline.nodes.detect import detect_garments
from hemline.nodes.frames import stabilise_mask_node


def masks(count: int = 5) -> torch.Tensor:
    still = draw_person(120, 100)[1]["upper"]
    return torch.stack([still.roll(2 * number, 1) for number in range(count)])


def test_a_filled_frame_is_told_in_words_and_in_the_report():
    given = masks()
    given[2] = 0
    result = stabilise_mask_node(mask=given, context=CONTEXT)
    mask, report = result.outputs
    assert mask.shape == given.shape and bool(mask[2].any())
    assert result.text[0].startswith("frame 3 filled from frames 2 and 4")
    values = json.loads(report)
    assert values["events"] == [{"frame": 2, "kind": "filled", "sources": [1, 3]}] and values["frames"] == 5


def test_one_frame_is_told_to_be_too_few():
    result = stabilise_mask_node(mask=masks(1), context=CONTEXT)
    assert torch.equal(result.outputs[0], masks(1)) and "one frame" in result.text[0]


def test_the_prompt_has_a_line_for_each_picture():
    pictures = torch.cat([draw_person(200, 120, seed)[0] for seed in (0, 1)])
    result = detect_garments(image=pictures, method="heuristic", context=CONTEXT)
    lines = result.outputs[5].split("\n")
    assert len(lines) == 2 and lines[0].startswith("red top")

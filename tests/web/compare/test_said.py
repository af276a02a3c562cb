"""What the widget says: polarity, numbers, histograms, and what is unusual."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from support.compare_page import (
    HEIGHT,
    MASK,
    READOUT,
    STATUS,
    WIDTH,
    A,
    B,
    choose,
    garments,
    place,
    run,
    settle,
)
from support.frontend import of_ours

from hemline.nodes.compare_views import VIEWS


def test_numbers_and_histograms_open_and_are_labelled(comparer: Any, server: Any) -> None:
    run(comparer, server, image_b=B, mask=MASK)
    assert not comparer.is_visible(".hemline-numbers")
    choose(comparer, "numbers")
    table = comparer.inner_text(".hemline-numbers table")
    assert f"{WIDTH} x {HEIGHT}" in table and "13.20 %" in table and "90 68 210 200" in table
    labels = comparer.locator(".hemline-charts canvas").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert labels[0].startswith("A, luma: median 0.29 inside, 0.87 outside") and len(labels) == 2
    comparer.select_option(".hemline-numbers select", "red")
    labels = comparer.locator(".hemline-charts canvas").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert labels[0].startswith("A, red: median 0.76 inside")
    drawn = comparer.evaluate(
        """() => [...document.querySelectorAll(".hemline-charts canvas")].map(canvas =>
            canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(value => value))"""
    )
    assert drawn == [True, True]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"mask": torch.zeros(1, 64, 64)}, "the mask is empty: nothing is repainted"),
        ({"mask": 1 - MASK}, "is it inverted?"),
        ({"mask": torch.ones_like(MASK)}, "the whole picture"),
        ({"mask": MASK[:, ::2, ::2]}, "the mask is 150x200, scaled to the picture's 300x400"),
        ({"image_b": A}, "A and B are equal"),
        ({"image_b": B[:, :, :200]}, "B is 200x400, scaled to A's 300x400, with bars"),
        ({"garments": replace(garments(), items=())}, "parser: nothing found"),
        ({}, "no mask is connected"),
    ],
)  # fmt: skip
def test_what_is_unusual_is_said(comparer: Any, server: Any, inputs: dict[str, Any], said: str) -> None:
    run(comparer, server, **inputs)
    assert said in comparer.inner_text(STATUS)


def test_one_pixel_is_shown(comparer: Any, server: Any) -> None:
    run(comparer, server, image=A[:, :1, :1], mask=MASK[:, :1, :1], image_b=B[:, :1, :1])
    for view in VIEWS:
        choose(comparer, view)
    comparer.mouse.move(*place(comparer, 0.5, 0.5))
    settle(comparer)
    assert comparer.inner_text(READOUT).startswith("x 0, y 0") and of_ours(comparer) == []

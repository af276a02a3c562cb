"""Edit Mask in both renderers: the smart brush on the page."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.edit_page import CANVAS, HEIGHT, WIDTH, choose, colour, drag, run, settle, stored
from support.frontend import SCREENSHOTS, of_ours, to_prompt
from support.widget_page import file_of, png
from torch import Tensor

from hemline.segmentation.strokes.raster import apply_strokes

GARMENT, GROUND = (150, 60, 70), (120, 125, 118)


@pytest.fixture
def photo(server: Any) -> Tensor:
    """A garment left of the middle, as the picture of the run."""
    photo = (torch.tensor(GROUND) / 255).repeat(HEIGHT, WIDTH, 1)
    photo[:, : WIDTH // 2] = torch.tensor(GARMENT) / 255
    opaque = torch.cat([photo, torch.ones(HEIGHT, WIDTH, 1)], -1)
    for channel, image in (("rgb", photo), ("a", opaque), ("", opaque)):
        server.pictures["garment.png", channel] = png(image)
    return photo


def test_a_rough_stroke_is_shown_up_to_the_edge_as_python_draws_it(
    editor: Any, server: Any, photo: Tensor, renderer: str
) -> None:
    run(editor, server, "garment.png")
    choose(editor, "smart")
    editor.evaluate("() => { const s = document.querySelector('[data-hemline=size]'); s.value = 12; "
                    "s.dispatchEvent(new Event('input')) }")  # fmt: skip
    drag(editor, (0.42, 0.2), (0.44, 0.8))
    (stroke,) = stored(editor).strokes
    assert stroke.tool == "smart" and '"version":2' in to_prompt(editor)["2"]["inputs"]["strokes"]
    drawn = apply_strokes(torch.zeros(1, HEIGHT, WIDTH), [stroke], photo.unsqueeze(0))[0]
    assert float(drawn[200, 140]) > 0.99 and float(drawn[200, 154]) < 0.01
    assert colour(editor, 140 / WIDTH, 0.5)[:3] != list(GARMENT) and colour(editor, 154 / WIDTH, 0.5)[:3] == list(
        GROUND
    )
    if SCREENSHOTS:
        editor.screenshot(path=SCREENSHOTS / f"smart brush in {renderer}.png")
    choose(editor, "undo")
    settle(editor)
    assert colour(editor, 140 / WIDTH, 0.5)[:3] == list(GARMENT)
    assert of_ours(editor) == []


def test_the_keyboard_draws_and_removes_with_it(editor: Any, server: Any, photo: Tensor) -> None:
    run(editor, server, "garment.png")
    editor.focus(CANVAS)
    for key in ("s", "Space", *["ArrowUp"] * 6, "Space", "r", "Space", "ArrowDown", "Space", "r"):
        editor.keyboard.press(key)
    assert [(stroke.tool, stroke.erase) for stroke in stored(editor).strokes] == [("smart", False), ("smart", True)]


def test_a_large_photo_is_looked_at_as_the_node_says(editor: Any, server: Any, photo: Tensor) -> None:
    """What the run hands over for it, not what the page would make of the preview."""
    server.pictures["work.png", ""] = png(photo.flip(1))
    run(editor, server, "garment.png", pictures={"work": [file_of("work.png")]})
    choose(editor, "smart")
    drag(editor, (0.52, 0.2), (0.52, 0.8))
    middle = colour(editor, 0.52, 0.5)[:3]
    assert middle != list(GROUND) and colour(editor, 0.494, 0.5)[:3] == pytest.approx(GARMENT, abs=3)

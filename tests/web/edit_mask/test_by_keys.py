"""Edit Mask in both renderers: by the keyboard alone, and for those who see or move little."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from support.edit_page import CANVAS, GREY, choose, colour, drag, settle, stored
from support.frontend import contrast

from hemline.segmentation.strokes.text import UNIT


def test_ctrl_z_takes_strokes_back_and_leaves_the_graph_alone(editor: Any) -> None:
    for y in (0.2, 0.5, 0.8):
        drag(editor, (0.2, y), (0.8, y))
    editor.evaluate("() => { window.app.graph.hemlineSame = true }")
    editor.keyboard.press("Control+z")
    editor.keyboard.press("Control+z")
    assert len(stored(editor).strokes) == 1
    settle(editor)
    assert colour(editor, 0.5, 0.2) != GREY and colour(editor, 0.5, 0.8) == GREY
    editor.keyboard.press("Control+y")
    assert len(stored(editor).strokes) == 2
    editor.keyboard.press("Control+Shift+Z")
    assert len(stored(editor).strokes) == 3
    choose(editor, "undo")
    assert len(stored(editor).strokes) == 2
    editor.wait_for_timeout(200)  # in which the host would have loaded its older graph
    assert len(stored(editor).strokes) == 2
    assert len(editor.evaluate("() => window.app.graph.nodes.map(node => node.id)")) == 3


def test_the_keyboard_alone_draws_and_takes_back(editor: Any, renderer: str) -> None:
    editor.focus("[data-hemline=opacity]")
    editor.keyboard.press("Tab")
    assert editor.evaluate("query => document.activeElement === document.querySelector(query)", CANVAS)
    assert editor.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for key in ("ArrowLeft", "Space", *["ArrowRight"] * 8, "Space"):
        editor.keyboard.press(key)
    (stroke,) = stored(editor).strokes
    assert stroke.tool == "brush" and stroke.points[-1][0] - stroke.points[0][0] == pytest.approx(0.16 * UNIT, abs=3)
    for key in (
        "e",
        "Shift+ArrowDown",
        "Enter",
        "Enter",
        "p",
        "Space",
        *["ArrowUp"] * 5,
        "Space",
        *["ArrowLeft"] * 5,
        "Space",
    ):
        editor.keyboard.press(key)
    editor.keyboard.press("Enter")
    assert [(one.tool, one.erase) for one in stored(editor).strokes] == [
        ("brush", False),
        ("brush", True),
        ("polygon", False),
    ]
    editor.keyboard.press("Control+z")
    assert len(stored(editor).strokes) == 2


def test_keys_of_the_canvas_do_nothing_to_the_host(editor: Any, server: Any) -> None:
    asked: list[str] = []
    editor.on("request", lambda request: asked.append(urlsplit(request.url).path))
    before = editor.evaluate("() => [window.app.canvas.ds.scale, ...window.app.canvas.ds.offset]")
    editor.focus(CANVAS)
    for key in ("r", "q", "w", "n", "m", "+", "-", "0", "[", "]", "ArrowUp", "Delete", "Backspace"):
        editor.keyboard.press(key)
    editor.wait_for_timeout(200)
    assert not [path for path in asked if "object_info" in path]
    assert editor.evaluate("() => window.app.graph.nodes.length") == 3
    assert editor.evaluate("() => [window.app.canvas.ds.scale, ...window.app.canvas.ds.offset]") == before


def test_every_control_has_a_name_enough_contrast_and_no_motion(editor: Any) -> None:
    found = editor.evaluate(
        """() => [...document.querySelectorAll(".hemline-edit :is(button, input, select, canvas)")].map(element => {
            const style = getComputedStyle(element)
            const label = element.closest("label")?.textContent
            const name = element.getAttribute("aria-label") || element.textContent || label
            return { name, colour: style.color, ground: style.backgroundColor, tag: element.tagName,
                still: style.transitionDuration === "0s" && style.animationName === "none", off: element.disabled }
        })"""
    )
    assert len(found) >= 16
    for control in found:
        assert control["name"].strip() and control["still"], control
        if control["tag"] == "BUTTON" and not control["off"]:
            assert contrast(control["colour"], control["ground"]) > 4.5, control

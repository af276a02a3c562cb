"""Edit Mask in both renderers: what the hand draws, with every tool."""

from __future__ import annotations

from typing import Any

import pytest
from support.edit_page import CANVAS, DIGESTS, GREY, choose, colour, drag, drawn, place, run, settle, stored
from support.frontend import SCREENSHOTS, amiss, of_ours

from hemline.segmentation.strokes.text import UNIT, parse_strokes


def test_a_drawn_stroke_is_shown_stored_and_sent(editor: Any, server: Any, renderer: str) -> None:
    run(editor, server)
    drag(editor, (0.2, 0.8), (0.8, 0.8))
    (stroke,) = stored(editor).strokes
    assert stroke.tool == "brush" and not stroke.erase and not stroke.pressure
    assert [round(x / UNIT, 2) for x, _ in (stroke.points[0], stroke.points[-1])] == [0.2, 0.8]
    assert len(stroke.points) == 2  # a straight line needs no more
    assert colour(editor, 0.5, 0.8) != GREY and float(drawn(editor)[320, 150]) == 1
    assert (stored(editor).image, stored(editor).mask) == (DIGESTS["image"], DIGESTS["mask"])
    server.prompts.clear()
    editor.evaluate("async () => { await window.app.queuePrompt(0) }")
    assert parse_strokes(server.prompts[0]["prompt"]["2"]["inputs"]["strokes"]) == stored(editor)
    if SCREENSHOTS:
        editor.screenshot(path=SCREENSHOTS / f"edit mask in {renderer}.png")
    assert of_ours(editor) == []


def test_the_eraser_and_every_area_tool_store_their_stroke(editor: Any) -> None:
    choose(editor, "eraser")
    drag(editor, (0.1, 0.1), (0.2, 0.1))
    choose(editor, "lasso")
    drag(editor, (0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))
    choose(editor, "polygon")
    choose(editor, "remove")
    for x, y in ((0.4, 0.4), (0.6, 0.4), (0.5, 0.6)):
        editor.mouse.click(*place(editor, x, y))
    editor.keyboard.press("Enter")
    choose(editor, "fill")
    choose(editor, "remove")
    editor.mouse.click(*place(editor, 0.5, 0.45))
    for name in ("invert", "clear"):
        choose(editor, name)
    strokes = stored(editor).strokes
    assert [stroke.tool for stroke in strokes] == ["brush", "lasso", "polygon", "fill", "invert", "clear"]
    assert [stroke.erase for stroke in strokes] == [True, False, True, False, False, False]
    assert len(strokes[2].points) == 3 and len(strokes[1].points) >= 4
    choose(editor, "reset")
    assert stored(editor).strokes == ()
    choose(editor, "undo")
    assert stored(editor).strokes == strokes


def test_a_polygon_ends_with_a_double_click_and_escape_drops_it(editor: Any) -> None:
    choose(editor, "polygon")
    for x, y in ((0.2, 0.2), (0.8, 0.2)):
        editor.mouse.click(*place(editor, x, y))
    editor.keyboard.press("Escape")
    editor.mouse.click(*place(editor, 0.9, 0.9))
    choose(editor, "brush")
    drag(editor, (0.1, 0.9), (0.2, 0.9))  # another tool drops it too
    choose(editor, "undo")
    choose(editor, "polygon")
    for x, y in ((0.3, 0.3), (0.6, 0.3)):
        editor.mouse.click(*place(editor, x, y))
    editor.mouse.dblclick(*place(editor, 0.5, 0.6))
    (stroke,) = stored(editor).strokes
    assert [round(x / UNIT, 1) for x, _ in stroke.points] == [0.3, 0.6, 0.5]


def test_a_pens_pressure_is_stored(editor: Any) -> None:
    editor.evaluate(
        """([query, points]) => {
            const canvas = document.querySelector(query)
            const pen = { bubbles: true, pointerId: 1, pointerType: "pen", button: 0 }
            const tell = (type, [x, y], pressure, buttons) => canvas.dispatchEvent(
                new PointerEvent(type, { ...pen, buttons, clientX: x, clientY: y, pressure }))
            tell("pointerdown", points[0], 0.2, 1)
            tell("pointermove", points[1], 0.9, 1)
            tell("pointerup", points[1], 0, 0)
        }""",
        [CANVAS, [place(editor, 0.2, 0.5), place(editor, 0.8, 0.5)]],
    )
    (stroke,) = stored(editor).strokes
    assert stroke.pressure == (20, 90)


def test_drawing_and_zooming_move_neither_node_nor_graph(editor: Any) -> None:
    state = """() => JSON.stringify([window.app.canvas.ds.scale, window.app.canvas.ds.offset,
        Array.from(window.app.graph.getNodeById(2).pos)])"""
    before = editor.evaluate(state)
    drag(editor, (0.2, 0.2), (0.8, 0.8))
    editor.mouse.move(*place(editor, 0.5, 0.5))
    for _ in range(4):
        editor.mouse.wheel(0, -120)
    settle(editor)
    editor.mouse.down(button="middle")
    editor.mouse.move(*place(editor, 0.6, 0.5), steps=3)
    editor.mouse.up(button="middle")
    settle(editor)
    drag(editor, (0.5, 0.5), (0.7, 0.5))
    assert editor.evaluate(state) == before
    line = stored(editor).strokes[-1].points
    # 1.25 to the fourth: what is drawn is so much shorter, and panned to the left.
    assert line[-1][0] - line[0][0] == pytest.approx(0.2 / 1.25**4 * UNIT, rel=0.05) and line[0][0] < 0.49 * UNIT


def test_nothing_of_ours_leaves_this_machine_and_nothing_is_complained_about(editor: Any, server: Any) -> None:
    run(editor, server)
    drag(editor, (0.2, 0.2), (0.8, 0.8))
    assert amiss(editor, server) == []

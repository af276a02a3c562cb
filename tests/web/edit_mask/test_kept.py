"""Edit Mask in both renderers: strokes stay with the workflow, and what is stored is taken over."""

from __future__ import annotations

import json
from typing import Any

from support.edit_page import CANVAS, GREY, ID, STATUS, choose, colour, drag, place, show, stored
from support.frontend import EMPTY, load, of_ours, reload, saved, saved_values, to_prompt

from hemline.hosts.headless import HEADLESS_NODES
from hemline.hosts.workflow_ui import to_api_format
from hemline.segmentation.strokes.text import parse_strokes


def test_what_is_sent_has_the_nodes_own_inputs_only(editor: Any) -> None:
    drag(editor, (0.2, 0.8), (0.8, 0.8))
    assert sorted(to_prompt(editor)["2"]["inputs"]) == ["image", "on_stale", "picture", "strokes", "wait_for_ok"]
    values = saved_values(editor, "2")
    assert len(values) == 4 and values[1:] == ["", "replay", False]


def test_a_saved_workflow_brings_the_strokes_back(editor: Any) -> None:
    drag(editor, (0.2, 0.3), (0.8, 0.3))
    before = stored(editor)
    workflow = saved(editor)
    load(editor, EMPTY)
    load(editor, workflow)
    show(editor)
    assert stored(editor) == before and colour(editor, 0.5, 0.3) != GREY
    assert editor.inner_text(STATUS).startswith("1 stroke")
    ours = to_api_format(workflow, HEADLESS_NODES)
    assert parse_strokes(ours["2"]["inputs"]["strokes"]) == before


def test_strokes_survive_a_reload_of_the_page(editor: Any) -> None:
    drag(editor, (0.2, 0.3), (0.8, 0.3))
    before = stored(editor)
    reload(editor, ID, 3)
    show(editor)
    assert stored(editor) == before and colour(editor, 0.5, 0.3) != GREY


def test_two_hundred_strokes_stay_small_and_come_back(editor: Any) -> None:
    editor.evaluate(
        """([query, [left, top], [right, bottom]]) => {
            const canvas = document.querySelector(query)
            const tell = (type, x, y, buttons) => canvas.dispatchEvent(new PointerEvent(type, {
                bubbles: true, pointerId: 1, pointerType: "mouse", button: 0, buttons, clientX: x, clientY: y }))
            for (let stroke = 0; stroke < 200; stroke++) {
                const [x, y] = [left + (stroke % 10) / 12 * (right - left), top + stroke / 220 * (bottom - top)]
                tell("pointerdown", x, y, 1)
                for (let at = 1; at <= 60; at++) {
                    tell("pointermove", x + at * 1.4, y + 9 * Math.sin(at / 4 + stroke) + 2 * Math.sin(at * 1.3), 1)
                }
                tell("pointerup", x + 84, y, 0)
            }
        }""",
        [CANVAS, place(editor, 0, 0), place(editor, 1, 1)],
    )
    text = to_prompt(editor)["2"]["inputs"]["strokes"]
    assert len(parse_strokes(text).strokes) == 200 and 4_000 < len(text) < 40_000
    workflow = saved(editor)
    load(editor, EMPTY)
    load(editor, workflow)
    show(editor)
    assert to_prompt(editor)["2"]["inputs"]["strokes"] == text and editor.inner_text(STATUS).startswith("200 strokes")


def test_an_edit_of_a_later_version_is_left_as_it_is(editor: Any, workflow: dict[str, Any]) -> None:
    text = json.dumps({"version": 9, "strokes": []})
    next(node for node in workflow["nodes"] if node["type"] == ID)["widgets_values"][0] = text
    load(editor, workflow)
    show_problem = "query => document.querySelector(query)?.textContent.includes('cannot be read')"
    editor.wait_for_function(show_problem, arg=STATUS)
    drag(editor, (0.2, 0.2), (0.8, 0.8))
    assert to_prompt(editor)["2"]["inputs"]["strokes"] == text and of_ours(editor) == []
    choose(editor, "reset")
    drag(editor, (0.2, 0.2), (0.8, 0.8))
    assert len(stored(editor).strokes) == 1


def test_the_value_is_reached_without_the_canvas_too(editor: Any) -> None:
    """What another program writes into the widget is taken over."""
    drag(editor, (0.2, 0.3), (0.8, 0.3))
    text = to_prompt(editor)["2"]["inputs"]["strokes"]
    assign = "text => { window.app.graph.getNodeById(2).widgets.find(w => w.name === 'strokes').value = text }"
    for value, said in (("", "0 strokes"), (text, "1 stroke")):
        editor.evaluate(assign, value)
        editor.hover(CANVAS)
        editor.mouse.move(*place(editor, 0.3, 0.3))
        says = "([query, said]) => document.querySelector(query).textContent.startsWith(said)"
        editor.wait_for_function(says, arg=[STATUS, said])

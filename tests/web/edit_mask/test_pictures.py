"""Edit Mask in both renderers: which picture and which automatic mask the canvas shows."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from support.edit_page import CANVAS, GREY, STATUS, choose, colour, drag, place, run, settle, stored
from support.frontend import to_prompt


def test_before_the_first_run_the_canvas_shows_the_photo_of_load_image(editor: Any) -> None:
    assert colour(editor, 0.3, 0.3) == GREY and colour(editor, 0.5, 0.5) == GREY
    assert "run once to see the automatic mask" in editor.inner_text(STATUS)


def test_after_a_run_the_canvas_shows_the_automatic_mask(editor: Any, server: Any) -> None:
    run(editor, server)
    assert colour(editor, 0.2, 0.2) == GREY
    red, _, blue, _ = colour(editor, 0.5, 0.5)
    assert blue - red > 50  # the tint
    assert editor.inner_text(STATUS) == "0 strokes"


def test_what_the_host_writes_below_takes_room_of_the_canvas_and_the_node_stays_as_tall(editor: Any) -> None:
    height = (
        "() => document.querySelector('[data-node-id=\"2\"]')?.offsetHeight ?? window.app.graph.getNodeById(2).size[1]"
    )
    editor.evaluate("() => { const node = window.app.graph.getNodeById(2); node.setSize([460, 760]) }")
    settle(editor)
    before, room = editor.evaluate(height), editor.locator(CANVAS).bounding_box()["height"]
    editor.evaluate("() => window.app.api.dispatchCustomEvent('progress_text', { nodeId: '2', text: 'replayed' })")
    editor.wait_for_function("() => window.app.graph.getNodeById(2).widgets.some(one => one.name.startsWith('$$'))")
    editor.wait_for_function(
        "([query, room]) => document.querySelector(query).clientHeight < room - 30", arg=[CANVAS, room]
    )
    assert editor.evaluate(height) == pytest.approx(before, abs=1)


def test_over_another_picture_strokes_stay_and_it_is_said(editor: Any, server: Any) -> None:
    run(editor, server)
    drag(editor, (0.2, 0.8), (0.8, 0.8))
    before = stored(editor)
    run(editor, server, "second.png", image="fedcba9876543210")
    assert stored(editor) == before
    assert colour(editor, 0.2, 0.2) == [200, 200, 200, 255] != colour(editor, 0.5, 0.8)
    assert editor.inner_text(STATUS) == "1 stroke, drawn over another picture"


def test_another_file_in_load_image_is_shown_at_once(editor: Any, server: Any) -> None:
    run(editor, server)
    editor.evaluate("() => { window.app.graph.getNodeById(1).widgets[0].value = 'other.png' }")
    editor.mouse.move(*place(editor, 0.3, 0.3))
    editor.wait_for_function("query => document.querySelector(query).textContent.includes('run once')", arg=STATUS)
    settle(editor)
    assert colour(editor, 0.5, 0.5) == GREY  # no mask of the picture before


def test_the_hosts_own_mask_editor_opens_with_the_automatic_mask_and_its_file_is_taken(
    editor: Any, server: Any
) -> None:
    run(editor, server)
    choose(editor, "host")
    save = editor.get_by_role("button", name="Save").last
    save.click()
    editor.wait_for_function("() => window.app.graph.getNodeById(2).widgets.find(w => w.name === 'image').value !== ''")
    name = to_prompt(editor)["2"]["inputs"]["image"]
    assert name.startswith("clipspace-painted-masked-") and name.endswith(".png [input]")
    saved = Image.open(io.BytesIO(server.pictures[name.removesuffix(" [input]"), ""]))
    assert saved.getpixel((150, 200))[3] == 0 and saved.getpixel((50, 50))[3] == 255
    editor.hover(CANVAS)
    editor.wait_for_function("query => document.querySelector(query).textContent.includes('saved')", arg=STATUS)

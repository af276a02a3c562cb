"""Edit Mask in the real ComfyUI frontend, in headless Chromium, in both renderers: drawing, keeping, replaying."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import torch
from PIL import Image
from support.frontend import EMPTY, PICTURE, READY, SCREENSHOTS, load, of_ours, to_prompt
from support.ui_workflow import ui_workflow

from hemline.hosts.headless import HEADLESS_NODES
from hemline.hosts.workflow_ui import to_api_format
from hemline.segmentation.strokes.raster import apply_strokes
from hemline.segmentation.strokes.text import UNIT, Edit, parse_strokes

ID = "HemlineEditMask"
WIDTH, HEIGHT = 300, 400
DIGESTS = {"image": "0123456789abcdef", "mask": "00ff00ff00ff00ff"}
CANVAS, STATUS = ".hemline-edit canvas", ".hemline-status"
PROMPT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": PICTURE}},
    "2": {"class_type": ID, "inputs": {"picture": ["1", 0], "strokes": "", "image": "", "on_stale": "replay"}},
    "3": {"class_type": "HemlinePreviewMask", "inputs": {"image": ["1", 0], "mask": ["2", 0], "opacity": 0.5}},
}
PLACES = {"LoadImage": [0, 60], ID: [320, 60], "HemlinePreviewMask": [900, 60]}


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def give_pictures(server: Any, name: str, shade: int) -> None:
    """A grey picture whose middle is transparent, in the channels that the host serves."""
    photo = Image.new("RGB", (WIDTH, HEIGHT), (shade, shade, shade))
    alpha = Image.new("L", (WIDTH, HEIGHT), 255)
    alpha.paste(0, (100, 150, 200, 250))
    holes = Image.new("RGBA", (WIDTH, HEIGHT))
    holes.putalpha(alpha)
    server.pictures[name, "rgb"], server.pictures[name, "a"] = png(photo), png(holes)
    photo.putalpha(alpha)
    server.pictures[name, ""] = png(photo)


@pytest.fixture(scope="module")
def server(server: Any) -> Any:
    for name, shade in ((PICTURE, 120), ("other.png", 120), ("first.png", 120), ("second.png", 200)):
        give_pictures(server, name, shade)
    return server


@pytest.fixture
def workflow(server: Any) -> dict[str, Any]:
    workflow = ui_workflow(PROMPT, server.object_info)
    for node in workflow["nodes"]:
        node["pos"] = PLACES[node["type"]]
        node.pop("size", None)
    return workflow


@pytest.fixture
def editor(page: Any, workflow: dict[str, Any]) -> Any:
    """The page with Load Image, Edit Mask and Preview Mask, before the first run; the canvas shows the photo."""
    load(page, EMPTY)
    page.complaints.clear()
    page.outward.clear()
    load(page, workflow)
    show(page)
    return page


def show(page: Any) -> None:
    page.evaluate(
        """() => {
            window.app.canvas.ds.scale = 1
            window.app.canvas.ds.offset = [100, 60]
            window.app.graph.setDirtyCanvas(true, true)
        }"""
    )
    page.wait_for_function("query => document.querySelector(query)?.clientHeight > 100", arg=CANVAS)
    page.wait_for_function("query => document.querySelector(query).textContent.includes('stroke')", arg=STATUS)
    settle(page)


def settle(page: Any) -> None:
    """Waits until what was asked for with the next frame is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def run(page: Any, server: Any, name: str = "first.png", **digests: str) -> None:
    """Tells the page that the node was run and shows a picture."""
    image = {"filename": name, "subfolder": "", "type": "temp"}
    server.send(
        "executed", node="2", display_node="2", prompt_id="1",
        output={"images": [image], "hemline": [DIGESTS | digests], "text": ["ran"]},
    )  # fmt: skip
    page.wait_for_function("() => !document.querySelector('[data-hemline=host]').disabled")
    page.wait_for_function(f"() => window.app.graph.getNodeById(2).imgs?.[0]?.src.includes('{name}')")
    settle(page)


def place(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where a point of the picture, in shares, lies on the page."""
    box = page.locator(CANVAS).bounding_box()
    height = min(box["height"], box["width"] * HEIGHT / WIDTH)
    width = height * WIDTH / HEIGHT
    return (
        box["x"] + box["width"] / 2 + (x - 0.5) * width,
        box["y"] + box["height"] / 2 + (y - 0.5) * height,
    )


def drag(page: Any, *points: tuple[float, float]) -> None:
    page.mouse.move(*place(page, *points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*place(page, *point), steps=4)
    page.mouse.up()
    settle(page)


def choose(page: Any, key: str) -> None:
    page.click(f"[data-hemline={key}]")


def stored(page: Any) -> Edit:
    return parse_strokes(to_prompt(page)["2"]["inputs"]["strokes"])


def colour(page: Any, x: float, y: float) -> list[int]:
    """What the canvas shows at a point of the picture."""
    return page.evaluate(
        """([query, left, top]) => {
            const canvas = document.querySelector(query)
            const box = canvas.getBoundingClientRect()
            const [x, y] = [(left - box.left) / box.width * canvas.width, (top - box.top) / box.height * canvas.height]
            return Array.from(canvas.getContext("2d").getImageData(Math.round(x), Math.round(y), 1, 1).data)
        }""",
        [CANVAS, *place(page, x, y)],
    )


def drawn(page: Any) -> torch.Tensor:
    """What Python makes of nothing with the stored strokes."""
    return apply_strokes(torch.zeros(1, HEIGHT, WIDTH), stored(page).strokes)[0]


GREY = [120, 120, 120, 255]


def test_before_the_first_run_the_canvas_shows_the_photo_of_load_image(editor: Any) -> None:
    assert colour(editor, 0.3, 0.3) == GREY and colour(editor, 0.5, 0.5) == GREY
    assert "run once to see the automatic mask" in editor.inner_text(STATUS)


def test_after_a_run_the_canvas_shows_the_automatic_mask(editor: Any, server: Any) -> None:
    run(editor, server)
    assert colour(editor, 0.2, 0.2) == GREY
    red, _, blue, _ = colour(editor, 0.5, 0.5)
    assert blue - red > 50  # the tint
    assert editor.inner_text(STATUS) == "0 strokes"


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


def test_what_is_sent_has_the_nodes_own_inputs_only(editor: Any) -> None:
    drag(editor, (0.2, 0.8), (0.8, 0.8))
    assert sorted(to_prompt(editor)["2"]["inputs"]) == ["image", "on_stale", "picture", "strokes"]
    saved = editor.evaluate("() => window.app.graph.serialize().nodes.find(node => node.id == 2).widgets_values")
    assert len(saved) == 3 and saved[1:] == ["", "replay"]


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


def test_a_saved_workflow_brings_the_strokes_back(editor: Any) -> None:
    drag(editor, (0.2, 0.3), (0.8, 0.3))
    before = stored(editor)
    saved = editor.evaluate("() => JSON.parse(JSON.stringify(window.app.graph.serialize()))")
    load(editor, EMPTY)
    load(editor, saved)
    show(editor)
    assert stored(editor) == before and colour(editor, 0.5, 0.3) != GREY
    assert editor.inner_text(STATUS).startswith("1 stroke")
    ours = to_api_format(saved, HEADLESS_NODES)
    assert parse_strokes(ours["2"]["inputs"]["strokes"]) == before


def test_strokes_survive_a_reload_of_the_page(editor: Any) -> None:
    drag(editor, (0.2, 0.3), (0.8, 0.3))
    before = stored(editor)
    editor.wait_for_timeout(1500)  # the page puts its draft away when the graph has been calm for a while
    editor.reload()
    editor.wait_for_function(READY, arg=ID)
    editor.keyboard.press("Escape")
    editor.wait_for_function("() => window.app.graph.nodes.length === 3")
    show(editor)
    assert stored(editor) == before and colour(editor, 0.5, 0.3) != GREY


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
    saved = editor.evaluate("() => JSON.parse(JSON.stringify(window.app.graph.serialize()))")
    load(editor, EMPTY)
    load(editor, saved)
    show(editor)
    assert to_prompt(editor)["2"]["inputs"]["strokes"] == text and editor.inner_text(STATUS).startswith("200 strokes")


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


def contrast(first: str, second: str) -> float:
    """WCAG's contrast ratio of two CSS colours."""
    lights = sorted(map(luminance, (first, second)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour: str) -> float:
    shares = [int(part) / 255 for part in colour[4:-1].split(",")]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


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


def test_nothing_of_ours_leaves_this_machine_and_nothing_is_complained_about(editor: Any, server: Any) -> None:
    run(editor, server)
    drag(editor, (0.2, 0.2), (0.8, 0.8))
    assert {urlsplit(url).hostname for url in editor.outward} <= {"api.comfy.org"}  # the page's own release notes
    assert of_ours(editor) == [] and not [path for path in server.unknown if "hemline" in path.lower()]

"""Preview & Compare in the real ComfyUI frontend, in headless Chromium, in both renderers: views, slider, names.

What the page is sent is what the node itself makes.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import torch
from support.contexts import CONTEXT
from support.frontend import EMPTY, PICTURE, READY, SCREENSHOTS, contrast, load, of_ours, to_prompt
from support.pictures import drawn_person, shirt_mask
from support.ui_workflow import ui_workflow
from torch import Tensor

from hemline.hosts.headless import HEADLESS_NODES
from hemline.hosts.pictures import from_bytes, to_bytes
from hemline.hosts.workflow_ui import to_api_format
from hemline.nodes.compare import preview_compare
from hemline.segmentation.garments import Garment, Garments
from hemline.segmentation.vocabulary import LEGEND

ID = "HemlinePreviewCompare"
VIEWER = replace(CONTEXT, has_viewer=True)
HEIGHT, WIDTH = 400, 300
ROOT, STATUS, READOUT = ".hemline-compare", ".hemline-compare .hemline-status", ".hemline-readout"
CANVAS = f"{ROOT} > canvas"
VALUES = {
    "view": "overlay", "position": 0.5, "opacity": 0.5, "colour": "blue", "gain": 4.0, "labels": False,
    "fit": "contain",
}  # fmt: skip
PROMPT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": PICTURE}},
    "2": {"class_type": ID, "inputs": {"image": ["1", 0], **VALUES}},
}
A, MASK = drawn_person(HEIGHT, WIDTH), shirt_mask(HEIGHT, WIDTH)
B = torch.where(MASK.unsqueeze(-1) > 0, torch.tensor([0.1, 0.6, 0.2]), A)
# Of the picture: the middle of the shirt, of the trousers, of the hair, and of the wall.
SHIRT, TROUSERS, HAIR, WALL = (0.5, 0.35), (0.5, 0.7), (0.5, 0.06), (0.1, 0.9)
RED, GREEN, GREY = [191, 26, 31], [26, 153, 51], [219, 219, 219]


def garments() -> Garments:
    """The shirt, found; the hair lies there but was not asked for."""
    labels = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.uint8)
    labels[0, MASK[0] > 0] = LEGEND.index("upper")
    labels[0, int(0.04 * HEIGHT) : int(0.08 * HEIGHT), int(0.42 * WIDTH) : int(0.58 * WIDTH)] = LEGEND.index("hair")
    shirt = Garment(MASK[0], "upper", 0.87, (90, 68, 210, 200))
    return Garments(WIDTH, HEIGHT, 1, (shirt,), "parser", labels=labels)


def png(image: Tensor) -> bytes:
    file = io.BytesIO()
    from_bytes(to_bytes(image)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def server(server: Any) -> Any:
    server.pictures[PICTURE, "rgb"] = png(A[0])
    return server


@pytest.fixture
def workflow(server: Any) -> dict[str, Any]:
    workflow = ui_workflow(PROMPT, server.object_info)
    for node, place in zip(workflow["nodes"], ([0, 60], [320, 60]), strict=True):
        node["pos"] = place
        node.pop("size", None)
    return workflow


@pytest.fixture
def comparer(page: Any, workflow: dict[str, Any]) -> Any:
    """The page with Load Image and Preview & Compare, before the first run."""
    load(page, EMPTY)
    page.complaints.clear()
    page.outward.clear()
    page.evaluate("() => { window.app.nodeOutputs = {} }")
    load(page, workflow)
    show(page)
    return page


def show(page: Any) -> None:
    page.evaluate(
        """() => {
            window.app.canvas.ds.scale = 1
            window.app.canvas.ds.offset = [60, 40]
            window.app.graph.setDirtyCanvas(true, true)
        }"""
    )
    page.wait_for_function("query => document.querySelector(query)?.clientHeight > 100", arg=CANVAS)
    page.wait_for_function("query => document.querySelector(query).textContent.length > 0", arg=STATUS)
    settle(page)


def settle(page: Any) -> None:
    """Waits until what was asked for with the next frame is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def run(page: Any, server: Any, image: Tensor = A, **inputs: Any) -> None:
    """Runs the node and tells the page what it sends, as the host does."""
    result = preview_compare(context=VIEWER, image=image, **inputs)
    sent: dict[str, list[dict[str, str]]] = {}
    run.count += 1  # files of other runs have other names
    for name, batch in result.pictures.items():
        sent[name] = []
        for index, picture in enumerate(batch):
            file = f"{name}_{run.count}_{index}.png"
            server.pictures[file, ""] = png(picture)
            sent[name].append({"filename": file, "subfolder": "", "type": "temp"})
    page.evaluate("query => { document.querySelector(query).ariaBusy = 'soon' }", ROOT)
    server.send(
        "executed", node="2", display_node="2", prompt_id="1",
        output={"images": sent["a"], "hemline": [{**result.data, "pictures": sent}], "text": list(result.text)},
    )  # fmt: skip
    loaded(page)


def loaded(page: Any) -> None:
    """Waits until pictures that are on their way are there and drawn."""
    page.wait_for_function("query => document.querySelector(query).ariaBusy === 'false'", arg=ROOT)
    settle(page)


run.count = 0


def place(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where a point of the picture, in shares, lies on the page while all of it is shown."""
    box = page.locator(CANVAS).bounding_box()
    height = min(box["height"], box["width"] * HEIGHT / WIDTH)
    width = height * WIDTH / HEIGHT
    return box["x"] + box["width"] / 2 + (x - 0.5) * width, box["y"] + box["height"] / 2 + (y - 0.5) * height


def colour(page: Any, x: float, y: float) -> list[int]:
    """What the canvas shows at a point of the picture."""
    return colour_at(page, *place(page, x, y))


def colour_at(page: Any, left: float, top: float) -> list[int]:
    return page.evaluate(
        """([query, left, top]) => {
            const canvas = document.querySelector(query)
            const box = canvas.getBoundingClientRect()
            const [x, y] = [(left - box.left) / box.width * canvas.width, (top - box.top) / box.height * canvas.height]
            return Array.from(canvas.getContext("2d").getImageData(Math.round(x), Math.round(y), 1, 1).data).slice(0, 3)
        }""",
        [CANVAS, left, top],
    )


def choose(page: Any, view: str) -> None:
    page.click(f"{ROOT} [data-hemline='{view}']")
    settle(page)


def stored(page: Any) -> dict[str, Any]:
    return to_prompt(page)["2"]["inputs"]


def set_widget(page: Any, name: str, value: Any) -> None:
    page.evaluate(
        """([name, value]) => {
            const widget = window.app.graph.getNodeById(2).widgets.find(widget => widget.name === name)
            widget.value = value
            widget.callback?.(value)
        }""",
        [name, value],
    )
    settle(page)


def near(one: list[int], other: list[int], within: int = 2) -> bool:
    return all(abs(a - b) <= within for a, b in zip(one, other, strict=True))


def test_before_the_first_run_the_picture_that_goes_in_is_shown(comparer: Any) -> None:
    comparer.wait_for_function("query => document.querySelector(query).textContent.includes('run once')", arg=STATUS)
    settle(comparer)
    assert near(colour(comparer, *SHIRT), RED)


def test_a_run_shows_the_mask_as_a_tint_and_says_what_is_repainted(comparer: Any, server: Any, renderer: str) -> None:
    run(comparer, server, mask=MASK, image_b=B, garments=garments())
    tinted = [round(127.5 * share + value / 2) for share, value in zip((0.34, 0.71, 0.91), RED, strict=True)]
    assert near(colour(comparer, 0.45, 0.4), tinted) and near(colour(comparer, *WALL), GREY)
    assert "white = repaint: 13.2 % of the picture" in comparer.inner_text(STATUS)
    assert "13.2 % of the pixels differ, 0 % outside the mask, PSNR 15.3 dB" in comparer.inner_text(STATUS)
    assert comparer.inner_text(STATUS).startswith("parser: upper 0.87")
    before = colour(comparer, 0.1, 0.05)
    set_widget(comparer, "labels", True)
    assert colour(comparer, 0.1, 0.05) == before and colour(comparer, 0.5, 0.498) != colour(comparer, 0.5, 0.45)
    if SCREENSHOTS:
        for view in ("overlay", "A/B", "side by side"):
            choose(comparer, view)
            comparer.screenshot(path=SCREENSHOTS / f"compare {view.replace('/', '')} in {renderer}.png")
    assert of_ours(comparer) == []


def test_every_view_is_shown_at_once_stored_in_the_node_and_sent(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK, image_b=B)
    wanted = {
        "matte": ([255] * 3, [0] * 3), "checkerboard": (RED, None), "difference": ([255, 255, 81], [0] * 3),
        "A": (RED, GREY), "B": (GREEN, GREY),
    }  # fmt: skip
    for view, (in_shirt, on_wall) in wanted.items():
        choose(comparer, view)
        assert near(colour(comparer, 0.45, 0.4), in_shirt), view
        if on_wall:
            assert near(colour(comparer, *WALL), on_wall), view
        assert stored(comparer)["view"] == view
        assert comparer.get_attribute(f"{ROOT} [data-hemline='{view}']", "aria-pressed") == "true"
    choose(comparer, "checkerboard")
    assert 153 <= colour(comparer, *WALL)[0] <= 204
    server.prompts.clear()
    comparer.evaluate("async () => { await window.app.queuePrompt(0) }")
    assert server.prompts[0]["prompt"]["2"]["inputs"]["view"] == "checkerboard"


def test_a_soft_mask_is_grey_in_the_matte_and_a_thinner_tint(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK * 0.6, image_b=B)
    choose(comparer, "matte")
    assert near(colour(comparer, 0.45, 0.4), [153] * 3)
    choose(comparer, "overlay")
    tinted = [255 * 0.3 * share + value * 0.7 for share, value in zip((0.34, 0.71, 0.91), RED, strict=True)]
    assert near(colour(comparer, 0.45, 0.4), [round(level) for level in tinted])


def test_what_is_sent_has_the_nodes_own_inputs_only(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK)
    choose(comparer, "matte")
    assert stored(comparer) == {"image": ["1", 0], **VALUES, "view": "matte"}
    saved = comparer.evaluate("() => window.app.graph.serialize().nodes.find(node => node.id == 2).widgets_values")
    assert saved == ["matte", *list(VALUES.values())[1:]]


def test_what_is_chosen_in_the_nodes_own_widgets_is_shown(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK, image_b=B)
    set_widget(comparer, "view", "matte")
    assert colour(comparer, 0.45, 0.4) == [255] * 3
    set_widget(comparer, "view", "overlay")
    set_widget(comparer, "colour", "orange")
    set_widget(comparer, "opacity", 1.0)
    assert near(colour(comparer, 0.45, 0.4), [230, 158, 0])


def test_the_slider_follows_the_pointer_and_its_place_is_stored(comparer: Any, server: Any) -> None:
    run(comparer, server, image_b=B)
    choose(comparer, "A/B")
    assert near(colour(comparer, 0.4, 0.4), RED) and near(colour(comparer, 0.6, 0.4), GREEN)
    comparer.mouse.move(*place(comparer, 0.5, 0.9))
    comparer.mouse.down()
    comparer.mouse.move(*place(comparer, 0.65, 0.9), steps=4)
    comparer.mouse.up()
    settle(comparer)
    assert stored(comparer)["position"] == pytest.approx(0.65, abs=0.011)
    assert near(colour(comparer, 0.6, 0.4), RED)


def test_the_slider_follows_the_keys(comparer: Any, server: Any) -> None:
    run(comparer, server, image_b=B)
    comparer.focus(CANVAS)
    comparer.keyboard.press("4")
    assert stored(comparer)["view"] == "A/B"
    for key in (".", ".", ".", ","):
        comparer.keyboard.press(key)
    assert stored(comparer)["position"] == pytest.approx(0.52)
    comparer.keyboard.press("Tab")
    assert comparer.evaluate("() => document.activeElement.dataset.hemline") == "position"
    comparer.keyboard.press("ArrowRight")
    assert stored(comparer)["position"] == pytest.approx(0.53)
    comparer.keyboard.press("End")
    settle(comparer)
    assert stored(comparer)["position"] == 1 and near(colour(comparer, 0.68, 0.4), RED)


def test_the_pointer_names_the_garment_and_reads_the_pixels(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK, image_b=B, garments=garments())
    comparer.mouse.move(*place(comparer, *SHIRT))
    settle(comparer)
    text = comparer.inner_text(READOUT)
    assert "upper 0.87" in text and "A 191 26 31" in text and "B 26 153 51" in text and "mask 1.00" in text
    assert f"x {WIDTH // 2}" in text.replace("149", "150") and "y 1" in text
    comparer.mouse.move(*place(comparer, *HAIR))
    settle(comparer)
    assert comparer.inner_text(READOUT).endswith("hair")  # there, but not among what was asked for
    comparer.mouse.move(*place(comparer, *WALL))
    settle(comparer)
    assert "upper" not in comparer.inner_text(READOUT) and "mask 0.00" in comparer.inner_text(READOUT)


def test_the_keys_move_the_pointer_too(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK, garments=garments())
    comparer.focus(CANVAS)
    for key in ("ArrowUp",) * 6 + ("Shift+ArrowLeft",):
        comparer.keyboard.press(key)
    settle(comparer)
    assert "upper 0.87" in comparer.inner_text(READOUT)
    assert comparer.get_attribute(READOUT, "aria-live") == "polite"


def test_frames_are_stepped_through_and_pictures_without_a_batch_stay(comparer: Any, server: Any) -> None:
    frames = torch.cat([A, 1 - A, A * 0.5])
    run(comparer, server, image=frames, mask=MASK, image_b=B)
    choose(comparer, "A")
    assert comparer.inner_text(f"{ROOT} output").strip() == "1 of 3"
    choose(comparer, "next")
    loaded(comparer)
    assert near(colour(comparer, *WALL), [36, 36, 36])
    comparer.focus(CANVAS)
    comparer.keyboard.press("PageDown")
    loaded(comparer)
    assert near(colour(comparer, *WALL), [110, 110, 110]) and comparer.is_disabled(f"{ROOT} [data-hemline=next]")
    comparer.keyboard.press("8")
    settle(comparer)
    assert near(colour(comparer, 0.45, 0.4), GREEN)


def test_zoom_and_place_stay_from_view_to_view_and_run_to_run(comparer: Any, server: Any) -> None:
    run(comparer, server, image_b=B, mask=MASK)
    choose(comparer, "A")
    comparer.mouse.move(*place(comparer, *WALL))
    for _ in range(6):
        comparer.mouse.wheel(0, -120)
    settle(comparer)
    before = [colour_at(comparer, *place(comparer, x, 0.5)) for x in (0.2, 0.5, 0.8)]
    choose(comparer, "B")
    choose(comparer, "A")
    run(comparer, server, image_b=B * 0.9, mask=MASK)
    assert [colour_at(comparer, *place(comparer, x, 0.5)) for x in (0.2, 0.5, 0.8)] == before
    assert not near(colour(comparer, *SHIRT), RED)
    choose(comparer, "fit")
    assert near(colour(comparer, *SHIRT), RED)


def test_side_by_side_zooms_both_alike(comparer: Any, server: Any) -> None:
    run(comparer, server, image_b=B)
    choose(comparer, "side by side")
    box = comparer.locator(CANVAS).bounding_box()
    in_a, in_b = (
        (box["x"] + box["width"] * share, box["y"] + box["height"] * 0.35) for share in (0.247, 0.753)
    )  # fmt: skip

    def shows_both() -> bool:
        """Beside the pointer, which is drawn in both."""
        pairs = ((in_a, RED), (in_b, GREEN))
        return all(near(colour_at(comparer, x + 12, y + 12), wanted) for (x, y), wanted in pairs)

    assert shows_both()
    comparer.mouse.move(*in_b)
    for _ in range(8):
        comparer.mouse.wheel(0, -120)
    settle(comparer)
    assert shows_both()
    text = comparer.inner_text(READOUT)
    comparer.mouse.move(*in_a)
    settle(comparer)
    assert text.split(" · ")[1:] == comparer.inner_text(READOUT).split(" · ")[1:]


def test_blink_changes_between_a_and_b_and_stays_out_of_the_value(comparer: Any, server: Any) -> None:
    run(comparer, server, image_b=B)
    choose(comparer, "A")
    choose(comparer, "blink")
    assert near(colour(comparer, 0.45, 0.4), GREEN)
    comparer.wait_for_function(
        """([query, x, y]) => {
            const canvas = document.querySelector(query)
            const box = canvas.getBoundingClientRect()
            const at = [(x - box.left) / box.width * canvas.width, (y - box.top) / box.height * canvas.height]
            return canvas.getContext("2d").getImageData(...at.map(Math.round), 1, 1).data[0] > 150
        }""",
        arg=[CANVAS, *place(comparer, 0.45, 0.4)],
    )
    choose(comparer, "blink")
    assert near(colour(comparer, 0.45, 0.4), RED) and stored(comparer)["view"] == "A"


def test_where_less_motion_is_asked_for_blink_flips_once(comparer: Any, server: Any) -> None:
    run(comparer, server, image_b=B)
    choose(comparer, "A")
    comparer.emulate_media(reduced_motion="reduce")
    try:
        choose(comparer, "blink")
        assert near(colour(comparer, 0.45, 0.4), GREEN)
        comparer.wait_for_timeout(900)
        assert near(colour(comparer, 0.45, 0.4), GREEN)
        assert comparer.get_attribute(f"{ROOT} [data-hemline=blink]", "aria-pressed") == "false"
        choose(comparer, "blink")
        assert near(colour(comparer, 0.45, 0.4), RED)
    finally:
        comparer.emulate_media(reduced_motion="no-preference")


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


def test_the_hosts_own_text_and_preview_do_not_show_all_that_again(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK)
    comparer.evaluate(
        "() => window.app.api.dispatchCustomEvent('progress_text', { nodeId: '2', text: 'words of the host' })"
    )
    names = "() => window.app.graph.getNodeById(2).widgets.map(widget => widget.name)"
    comparer.wait_for_function(f"() => ({names})().includes('$$node-text-preview')")
    settle(comparer)
    assert not [text for text in comparer.get_by_text("words of the host").all() if text.is_visible()]
    hidden = (
        "() => window.app.graph.getNodeById(2).widgets.filter(one => one.name.startsWith('$$')).map(one => one.hidden)"
    )
    assert set(comparer.evaluate(hidden)) == {True}


def test_what_the_host_has_kept_of_the_last_run_is_shown_again(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK)
    saved = comparer.evaluate("() => JSON.parse(JSON.stringify(window.app.graph.serialize()))")
    outputs = comparer.evaluate("() => JSON.parse(JSON.stringify(window.app.nodeOutputs))")
    load(comparer, EMPTY)
    load(comparer, saved)
    comparer.evaluate("outputs => { window.app.nodeOutputs = outputs }", outputs)
    show(comparer)
    for x in (0.4, 0.6):
        comparer.mouse.move(*place(comparer, x, 0.5))
    says = "query => document.querySelector(query).textContent.startsWith('white = repaint: 13.2 %')"
    comparer.wait_for_function(says, arg=STATUS)


def test_a_view_without_its_second_picture_shows_a_and_says_so(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK)
    choose(comparer, "difference")
    assert near(colour(comparer, 0.45, 0.4), RED)
    assert "no second picture is connected" in comparer.inner_text(STATUS)
    assert comparer.is_disabled(f"{ROOT} [data-hemline=blink]")


def test_one_pixel_is_shown(comparer: Any, server: Any) -> None:
    run(comparer, server, image=A[:, :1, :1], mask=MASK[:, :1, :1], image_b=B[:, :1, :1])
    for view in VIEWS:
        choose(comparer, view)
    comparer.mouse.move(*place(comparer, 0.5, 0.5))
    settle(comparer)
    assert comparer.inner_text(READOUT).startswith("x 0, y 0") and of_ours(comparer) == []


VIEWS = ("overlay", "matte", "checkerboard", "A/B", "side by side", "difference", "A", "B")


def test_a_saved_workflow_and_a_reloaded_page_keep_the_view(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK, image_b=B)
    choose(comparer, "A/B")
    comparer.focus(CANVAS)
    comparer.keyboard.press(".")
    before = stored(comparer)
    saved = comparer.evaluate("() => JSON.parse(JSON.stringify(window.app.graph.serialize()))")
    assert to_api_format(saved, HEADLESS_NODES)["2"]["inputs"] == before
    comparer.wait_for_timeout(1500)  # the page puts its draft away when the graph has been calm for a while
    comparer.reload()
    comparer.wait_for_function(READY, arg=ID)
    comparer.keyboard.press("Escape")
    comparer.wait_for_function("() => window.app.graph.nodes.length === 2")
    show(comparer)
    assert stored(comparer) == before and before["position"] == pytest.approx(0.51)
    assert comparer.get_attribute(f"{ROOT} [data-hemline='A/B']", "aria-pressed") == "true"


def test_dragging_zooming_and_keys_move_neither_node_nor_graph(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK, image_b=B)
    state = """() => JSON.stringify([window.app.canvas.ds.scale, window.app.canvas.ds.offset,
        Array.from(window.app.graph.getNodeById(2).pos), window.app.graph.nodes.length])"""
    before = comparer.evaluate(state)
    comparer.focus(CANVAS)  # in Nodes 2.0 the wheel is the graph's over what has no focus
    comparer.mouse.move(*place(comparer, 0.5, 0.5))
    comparer.mouse.wheel(0, -240)
    for button in ("left", "middle"):
        comparer.mouse.move(*place(comparer, 0.5, 0.5))
        comparer.mouse.down(button=button)
        comparer.mouse.move(*place(comparer, 0.6, 0.6), steps=3)
        comparer.mouse.up(button=button)
    for key in ("r", "q", "n", "m", "+", "-", "ArrowUp", "Delete", "Backspace"):
        comparer.keyboard.press(key)
    settle(comparer)
    assert comparer.evaluate(state) == before


def test_every_control_is_reached_in_order_has_a_name_enough_contrast_and_no_motion(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK, image_b=B)
    choose(comparer, "A/B")
    choose(comparer, "numbers")
    found = comparer.evaluate(
        """query => [...document.querySelectorAll(query)].map(element => {
            const style = getComputedStyle(element)
            const label = element.closest("label")?.textContent
            return { name: element.getAttribute("aria-label") || element.textContent || label, colour: style.color,
                ground: style.backgroundColor, tag: element.tagName, off: element.disabled,
                still: style.transitionDuration === "0s" && style.animationName === "none" }
        })""",
        f"{ROOT} :is(button, input, select, [tabindex='0'])",
    )
    assert len(found) >= 14
    for control in found:
        assert control["name"].strip() and control["still"], control
        if control["tag"] == "BUTTON" and not control["off"]:
            assert contrast(control["colour"], control["ground"]) > 4.5, control
    comparer.focus(f"{ROOT} [data-hemline=overlay]")
    order = []
    for _ in range(20):
        order.append(
            comparer.evaluate("() => document.activeElement.dataset.hemline ?? document.activeElement.className")
        )
        comparer.keyboard.press("Tab")
    assert order[:13] == [*VIEWS, "blink", "numbers", "fit", "", "position"]
    texts = comparer.evaluate(
        """query => [...document.querySelectorAll(query)].map(one => {
            let ground = one
            while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") ground = ground.parentElement
            return [getComputedStyle(one).color, getComputedStyle(ground).backgroundColor]
        })""",
        f"{STATUS}, {READOUT}, {ROOT} th, {ROOT} td, {ROOT} figcaption",
    )
    assert texts and all(contrast(*pair) > 4.5 for pair in texts)


def test_nothing_of_ours_leaves_this_machine_and_nothing_is_complained_about(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK, image_b=B, garments=garments())
    for view in VIEWS:
        choose(comparer, view)
    assert {urlsplit(url).hostname for url in comparer.outward} <= {"api.comfy.org"}  # the page's own release notes
    assert of_ours(comparer) == [] and not [path for path in server.unknown if "hemline" in path.lower()]

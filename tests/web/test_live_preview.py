"""The live previews in the real ComfyUI frontend, in both renderers: sliders answer without a run."""

from __future__ import annotations

import base64
import io
from typing import Any
from urllib.parse import urlsplit

import pytest
import torch
from PIL import Image
from support.frontend import EMPTY, PICTURE, SCREENSHOTS, load, of_ours, to_prompt
from support.live_previews import Blend, GrowFeather
from support.ui_workflow import ui_workflow
from torch import Tensor

MASK_ID, BLEND_ID = "HemlineGrowFeatherMask", "HemlineBlendLayers"
WIDTH, HEIGHT = 120, 80
# The proxies stand for pictures of twice their size.
SCALE = 0.5
NODES = {"mask": "2", "blend": "3"}
START = {
    "grow": 0.0, "feather": 0.0, "side": "centred", "shape": "round", "profile": "blur", "unit": "px",
    "left": 100.0, "right": 100.0, "top": 100.0, "bottom": 100.0,
}  # fmt: skip
BLEND_START = {
    "mode": "normal", "opacity": 1.0, "space": "sRGB", "fit": "error", "operator": "source-over", "alpha": "straight",
    "offset_x": 0, "offset_y": 0, "dissolve_seed": 0,
}  # fmt: skip
PROMPT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": PICTURE}},
    "2": {"class_type": MASK_ID, "inputs": {"mask": ["1", 1], "image": ["1", 0], **START}},
    "3": {"class_type": BLEND_ID, "inputs": {"base": ["1", 0], "layer": ["1", 0], "mask": ["2", 0], **BLEND_START}},
    "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
}
PLACES = {"LoadImage": [0, 60], MASK_ID: [320, 0], BLEND_ID: [720, 0], "PreviewImage": [1120, 60]}


def disk() -> Tensor:
    """An antialiased disk as 8-bit levels ``[H,W]``."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    return ((25.0 - torch.hypot(x - 50.0, y - 40.0)).clamp(0, 1) * 255).round()


def noise(seed: int, channels: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (HEIGHT, WIDTH, channels), generator=generator).float()


MASK, PHOTO, BASE, LAYER = disk(), noise(1, 3), noise(2, 3), noise(3, 4)
RESULT = torch.full((HEIGHT, WIDTH, 3), 200.0)


def png(levels: Tensor) -> bytes:
    file = io.BytesIO()
    Image.fromarray(levels.to(torch.uint8).numpy()).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def server(server: Any) -> Any:
    named = {"mask": MASK, "photo": PHOTO, "base": BASE, "layer": LAYER, "result": RESULT, "dark": RESULT / 4}
    for name, levels in named.items():
        server.pictures[f"{name}.png", ""] = png(levels)
    return server


@pytest.fixture
def workflow(server: Any) -> dict[str, Any]:
    workflow = ui_workflow(PROMPT, server.object_info)
    for node in workflow["nodes"]:
        node["pos"] = PLACES[node["type"]]
        node.pop("size", None)
        if node["type"] in (MASK_ID, BLEND_ID):
            node["properties"]["hemline_preview"] = "on"
    return workflow


@pytest.fixture
def graph(page: Any, workflow: dict[str, Any]) -> Any:
    """The page with Load Image, Grow & Feather Mask and Blend Layers, before the first run."""
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
            window.app.canvas.ds.offset = [60, 60]
            window.app.graph.setDirtyCanvas(true, true)
        }"""
    )
    page.wait_for_function("() => document.querySelectorAll('.hemline-live').length === 2")
    for which in NODES:
        page.wait_for_function(f"() => {element(which, '.hemline-status')}?.textContent")
    settle(page)


def element(which: str, query: str) -> str:
    """JavaScript for an element of a node's preview."""
    widget = f"window.app.graph.getNodeById({NODES[which]}).widgets.find(widget => widget.name === 'preview')"
    return f"{widget}.element.querySelector('{query}')"


def settle(page: Any) -> None:
    """Waits until what was asked for with the next frame is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def said(page: Any, which: str) -> str:
    return page.evaluate(f"() => {element(which, '.hemline-status')}.textContent")


def run(page: Any, server: Any, which: str, result: str = "result", **data: str) -> None:
    """Tells the page that the node was run, and waits until its preview is there."""
    names = {"mask": {"mask": "mask", "image": "photo"}, "blend": {"base": "base", "layer": "layer"}}[which]
    sent = {name: [{"filename": f"{file}.png", "subfolder": "", "type": "temp"}] for name, file in names.items()}
    sent["result"] = [{"filename": f"{result}.png", "subfolder": "", "type": "temp"}]
    size = {"width": str(int(WIDTH / SCALE)), "height": str(int(HEIGHT / SCALE)), "count": "1"}
    own = {"mask": {"size_px": "100"}, "blend": {"x": "0", "y": "0", "alpha": "straight", "fit": "", "beyond": ""}}
    output = {"hemline": [{**size, **own[which], **data, "pictures": sent}]}
    server.send("executed", node=NODES[which], display_node=NODES[which], prompt_id="1", output=output)
    page.wait_for_function(f"() => !/Run once|Loading/.test({element(which, '.hemline-status')}.textContent)")
    settle(page)


def set_widget(page: Any, which: str, name: str, value: Any) -> None:
    """Changes a widget as a slider does that somebody moves."""
    page.evaluate(
        """([id, name, value]) => {
            const widget = window.app.graph.getNodeById(id).widgets.find(widget => widget.name === name)
            widget.value = value
            widget.callback?.(value)
        }""",
        [NODES[which], name, value],
    )
    settle(page)


def shown(page: Any, which: str) -> Tensor:
    """What the canvas of a preview shows, ``[H,W,3]``, 0..255."""
    text = page.evaluate(
        f"""() => {{
            const canvas = {element(which, "canvas")}
            const {{ data }} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
            return new Uint8Array(data.buffer).toBase64()
        }}"""
    )
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8).reshape(HEIGHT, WIDTH, 4)[..., :3]


def redraws(page: Any, which: str) -> int:
    root = element(which, "canvas").replace(".querySelector('canvas')", "")
    return int(page.evaluate(f"() => {root}.dataset.redraws ?? 0"))


def assert_shows(page: Any, which: str, expected: Tensor, levels: float = 2.0) -> None:
    """expected: ``[H,W]`` or ``[H,W,3]``, 0..1. levels: by how many of 255 it may differ, beside rounding to 8 bits."""
    expected = expected if expected.dim() == 3 else expected.unsqueeze(-1).expand(-1, -1, 3)
    difference = (shown(page, which).float() - expected.clamp(0, 1) * 255).abs().max()
    assert float(difference) <= levels + 0.5


def over_checks(picture: Tensor) -> Tensor:
    """A picture ``[H,W,4]`` over the checkerboard that stands for holes."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    check = (0.35 + 0.15 * ((x // 8 + y // 8) % 2)).unsqueeze(-1)
    alpha = picture[..., 3:].clamp(0, 1)
    return picture[..., :3].clamp(0, 1) * alpha + check * (1 - alpha)


def as_matte(page: Any) -> None:
    page.evaluate(
        f"""() => {{
            const view = {element("mask", "select")}
            view.value = "1"
            view.dispatchEvent(new Event("change"))
        }}"""
    )
    settle(page)


def test_before_the_first_run_the_previews_say_how_to_get_one(graph: Any) -> None:
    for which in NODES:
        assert said(graph, which) == "Run once to see the preview."
    assert of_ours(graph) == []


def test_a_run_shows_the_mask_over_the_photo(graph: Any, server: Any, renderer: str) -> None:
    run(graph, server, "mask")
    assert said(graph, "mask") == f"Live, at {WIDTH} × {HEIGHT}."
    share = 0.6 * MASK.unsqueeze(-1) / 255
    assert_shows(graph, "mask", PHOTO / 255 * (1 - share) + torch.tensor([86, 180, 233]) / 255 * share)
    before = graph.evaluate("() => window.app.graph.getNodeById(3).size[1]")
    run(graph, server, "blend")
    assert graph.evaluate("() => window.app.graph.getNodeById(3).size[1]") == before  # a picture makes no node grow
    if SCREENSHOTS:
        graph.screenshot(path=SCREENSHOTS / f"live preview in {renderer}.png")
    assert {urlsplit(url).hostname for url in graph.outward} <= {"api.comfy.org"}  # the page's own release notes
    assert of_ours(graph) == [] and not [path for path in server.unknown if "hemline" in path.lower()]


@pytest.mark.parametrize(
    ("widgets", "settings"),
    [
        ({"grow": 9.0}, GrowFeather(grow=4.5)),
        ({"feather": 24.0, "side": "inside"}, GrowFeather(feather=12.0, side="inside")),
        ({"grow": -7.0, "shape": "diamond", "left": 0.0}, GrowFeather(-3.5, shape="diamond", sides=(0, 100, 100, 100))),
        ({"grow": 10.0, "unit": "% of the mask's size"}, GrowFeather(grow=5.0)),
    ],
    ids=str,
)
def test_a_slider_changes_the_mask_without_a_run(graph: Any, server: Any, widgets: Any, settings: GrowFeather) -> None:
    run(graph, server, "mask")
    as_matte(graph)
    server.prompts.clear()
    for name, value in widgets.items():
        before = redraws(graph, "mask")
        set_widget(graph, "mask", name, value)
        assert redraws(graph, "mask") == before + 1
    assert_shows(graph, "mask", settings.in_python(MASK))
    settle(graph)
    assert server.prompts == []
    assert of_ours(graph) == []


@pytest.mark.parametrize(
    ("widgets", "settings"),
    [
        ({"mode": "multiply", "opacity": 0.4}, Blend("multiply", 0.4)),
        ({"mode": "luminosity", "space": "OKLab"}, Blend("luminosity", space="OKLab")),
        ({"mode": "dissolve", "dissolve_seed": 2**32 - 1}, Blend("dissolve", seed=2**32 - 1)),
        ({"offset_x": 31, "offset_y": -20, "operator": "xor"}, Blend(offset=(16, -10), operator="xor")),
    ],
    ids=str,
)
def test_a_slider_changes_the_blend_without_a_run(graph: Any, server: Any, widgets: Any, settings: Blend) -> None:
    run(graph, server, "blend")
    server.prompts.clear()
    for name, value in widgets.items():
        before = redraws(graph, "blend")
        set_widget(graph, "blend", name, value)
        assert redraws(graph, "blend") == before + 1
    assert_shows(graph, "blend", over_checks(settings.in_python(BASE, LAYER, None)))
    assert server.prompts == []
    assert of_ours(graph) == []


def test_a_wheel_of_events_in_one_frame_is_one_redraw(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    before = redraws(graph, "mask")
    graph.evaluate(
        """id => {
            const widget = window.app.graph.getNodeById(id).widgets.find(widget => widget.name === "grow")
            for (let value = 1; value <= 50; value++) { widget.value = value; widget.callback?.(value) }
        }""",
        NODES["mask"],
    )
    settle(graph)
    assert redraws(graph, "mask") == before + 1
    settle(graph)
    assert redraws(graph, "mask") == before + 1  # and none without a change


@pytest.mark.parametrize(
    ("which", "name", "value", "reason"),
    [
        ("blend", "mode", "my plugin's", "the mode “my plugin's” has no live preview."),
        ("blend", "alpha", "premultiplied", "alpha was kept in another way."),
    ],
)
def test_an_option_without_a_shader_shows_the_last_result(
    graph: Any, server: Any, which: str, name: str, value: str, reason: str
) -> None:
    run(graph, server, which)
    set_widget(graph, which, name, value)
    assert said(graph, which) == f"What the last run gave: {reason} Run to see."
    assert_shows(graph, which, RESULT / 255, 0)
    set_widget(graph, which, name, {"mode": "normal", "alpha": "straight"}[name])
    assert said(graph, which).startswith("Live")


def test_a_layer_that_was_fitted_otherwise_shows_the_last_result(graph: Any, server: Any) -> None:
    run(graph, server, "blend", fit="cover")
    set_widget(graph, "blend", "fit", "contain")
    assert said(graph, "blend") == "What the last run gave: the layer was fitted in another way. Run to see."
    set_widget(graph, "blend", "fit", "cover")
    assert said(graph, "blend").startswith("Live")


def test_values_beyond_1_and_batches_are_mentioned(graph: Any, server: Any) -> None:
    run(graph, server, "blend", beyond="yes", count="3")
    assert "The first of 3 is shown. Values above 1 end at 1 here" in said(graph, "blend")


def test_a_lost_context_shows_the_last_result_until_it_is_back(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    as_matte(graph)
    set_widget(graph, "mask", "grow", 6.0)
    graph.evaluate(
        """async () => {
            const { sharedGpu } = await import("/extensions/hemline/live/gpu.mjs")
            window.loseContext = sharedGpu().gl.getExtension("WEBGL_lose_context")
            window.loseContext.loseContext()
        }"""
    )
    graph.wait_for_function(f"() => {element('mask', '.hemline-status')}.textContent.includes('taken the graphics')")
    assert_shows(graph, "mask", RESULT / 255, 0)
    run(graph, server, "blend")  # what comes meanwhile waits
    assert "taken the graphics" in said(graph, "blend")
    graph.evaluate("() => window.loseContext.restoreContext()")
    for which in NODES:
        graph.wait_for_function(f"() => {element(which, '.hemline-status')}.textContent.startsWith('Live')")
    assert_shows(graph, "mask", GrowFeather(grow=3.0).in_python(MASK))
    assert_shows(graph, "blend", over_checks(Blend().in_python(BASE, LAYER, None)))
    assert of_ours(graph) == []


def test_all_previews_share_one_context(graph: Any, server: Any) -> None:
    for which in NODES:
        run(graph, server, which)
    set_widget(graph, "mask", "grow", 4.0)
    as_matte(graph)
    set_widget(graph, "blend", "mode", "screen")
    assert_shows(graph, "mask", GrowFeather(grow=2.0).in_python(MASK))
    assert_shows(graph, "blend", over_checks(Blend("screen").in_python(BASE, LAYER, None)))
    contexts = graph.evaluate(
        "() => Array.from(document.querySelectorAll('.hemline-live canvas'), one => Boolean(one.getContext('webgl2')))"
    )
    assert contexts == [False, False]


def test_a_preview_is_no_input_and_has_no_value(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    assert sorted(to_prompt(graph)["2"]["inputs"]) == sorted(PROMPT["2"]["inputs"])
    saved = graph.evaluate("() => window.app.graph.serialize().nodes.find(node => node.id == 2).widgets_values")
    assert saved == list(START.values())


def test_folded_away_it_stays_so_in_the_workflow(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    tall = graph.evaluate("() => window.app.graph.getNodeById(2).computeSize()[1]")
    graph.evaluate(f"() => {element('mask', '[data-hemline=toggle]')}.click()")
    settle(graph)
    assert graph.evaluate(f"() => {element('mask', '.hemline-frame')}.hidden")
    assert graph.evaluate(f"() => {element('mask', '[data-hemline=toggle]')}.getAttribute('aria-pressed')") == "false"
    assert graph.evaluate("() => window.app.graph.getNodeById(2).computeSize()[1]") < tall - 200
    before = redraws(graph, "mask")
    set_widget(graph, "mask", "grow", 11.0)
    assert redraws(graph, "mask") == before
    saved = graph.evaluate("() => window.app.graph.serialize()")
    load(graph, EMPTY)
    load(graph, saved)
    graph.wait_for_function(f"() => {element('mask', '.hemline-frame')}?.hidden")
    graph.evaluate(f"() => {element('mask', '[data-hemline=toggle]')}.click()")
    assert not graph.evaluate(f"() => {element('mask', '.hemline-frame')}.hidden")


def test_in_workflows_from_before_it_was_there_it_is_folded(page: Any, workflow: dict[str, Any]) -> None:
    for node in workflow["nodes"]:
        node["properties"].pop("hemline_preview", None)
    load(page, EMPTY)
    load(page, workflow)
    page.wait_for_function(f"() => {element('mask', '.hemline-frame')}?.hidden")


def test_a_changed_wire_makes_the_pictures_old(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    graph.evaluate("() => { const node = window.app.graph.getNodeById(2); node.disconnectInput(0) }")
    settle(graph)
    assert said(graph, "mask") == "Run once to see the preview."


def test_after_undo_and_another_run_it_is_live_again(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    graph.evaluate(
        """() => {
            const { graph } = window.app
            graph.beforeChange(); graph.getNodeById(2).pos[0] += 40; graph.afterChange()
        }"""
    )
    graph.evaluate("async () => { await window.app.extensionManager.command.execute('Comfy.Undo') }")
    graph.wait_for_function(f"() => {element('mask', '.hemline-status')}?.textContent")
    run(graph, server, "mask", result="dark")
    as_matte(graph)
    set_widget(graph, "mask", "grow", 8.0)
    assert_shows(graph, "mask", GrowFeather(grow=4.0).in_python(MASK))
    assert of_ours(graph) == []


def test_what_comes_over_a_wire_shows_the_last_result(page: Any, server: Any, workflow: dict[str, Any]) -> None:
    load(page, EMPTY)
    load(page, workflow)
    show(page)
    run(page, server, "mask")
    wired = page.evaluate(
        """() => {
            const { graph } = window.app
            const other = window.LiteGraph.createNode("PrimitiveFloat") ?? window.LiteGraph.createNode("PrimitiveNode")
            graph.add(other)
            const node = graph.getNodeById(2)
            return Boolean(other.connect(0, node, node.findInputSlot("grow")))
        }"""
    )
    assert wired
    settle(page)
    assert said(page, "mask") == "What the last run gave: “grow” comes over a wire. Run to see."


def test_a_node_that_goes_frees_its_pictures(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    before = redraws(graph, "mask")
    graph.evaluate("() => { window.gone = window.app.graph.getNodeById(2); window.app.graph.remove(window.gone) }")
    settle(graph)
    graph.evaluate("() => { window.gone.widgets.find(widget => widget.name === 'grow').value = 33 }")
    settle(graph)
    root = "window.gone.widgets.find(widget => widget.name === 'preview').element"
    assert int(graph.evaluate(f"() => {root}.dataset.redraws")) == before
    assert of_ours(graph) == []


def test_the_canvas_tells_a_screen_reader_what_it_shows(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    label = graph.evaluate(f"() => {element('mask', 'canvas')}.getAttribute('aria-label')")
    assert label == f"The grown and feathered mask. Live, at {WIDTH} × {HEIGHT}."
    assert graph.evaluate(f"() => {element('mask', 'canvas')}.getAttribute('role')") == "img"
    for query in ("select", "[role=toolbar]"):
        assert graph.evaluate(f"() => {element('mask', query)}.getAttribute('aria-label')")

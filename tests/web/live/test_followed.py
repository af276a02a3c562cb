"""Live previews in both renderers: sliders answer without a run."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.frontend import SCREENSHOTS, amiss, of_ours
from support.live_page import (
    BASE,
    HEIGHT,
    LAYER,
    MASK,
    NODES,
    PHOTO,
    WIDTH,
    as_matte,
    assert_shows,
    element,
    over_checks,
    redraws,
    run,
    said,
)
from support.live_previews import Blend, GrowFeather
from support.widget_page import set_widget, settle


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
    assert amiss(graph, server) == []


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
        set_widget(graph, NODES["mask"], name, value)
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
        set_widget(graph, NODES["blend"], name, value)
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


def test_all_previews_share_one_context(graph: Any, server: Any) -> None:
    for which in NODES:
        run(graph, server, which)
    set_widget(graph, NODES["mask"], "grow", 4.0)
    as_matte(graph)
    set_widget(graph, NODES["blend"], "mode", "screen")
    assert_shows(graph, "mask", GrowFeather(grow=2.0).in_python(MASK))
    assert_shows(graph, "blend", over_checks(Blend("screen").in_python(BASE, LAYER, None)))
    contexts = graph.evaluate(
        "() => Array.from(document.querySelectorAll('.hemline-live canvas'), one => Boolean(one.getContext('webgl2')))"
    )
    assert contexts == [False, False]


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
    set_widget(graph, NODES["mask"], "grow", 8.0)
    assert_shows(graph, "mask", GrowFeather(grow=4.0).in_python(MASK))
    assert of_ours(graph) == []


def test_the_canvas_tells_a_screen_reader_what_it_shows(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    label = graph.evaluate(f"() => {element('mask', 'canvas')}.getAttribute('aria-label')")
    assert label == f"The grown and feathered mask. Live, at {WIDTH} × {HEIGHT}."
    assert graph.evaluate(f"() => {element('mask', 'canvas')}.getAttribute('role')") == "img"
    for query in ("select", "[role=toolbar]"):
        assert graph.evaluate(f"() => {element('mask', query)}.getAttribute('aria-label')")


def test_values_beyond_1_and_batches_are_mentioned(graph: Any, server: Any) -> None:
    run(graph, server, "blend", beyond="yes", count="3")
    assert "The first of 3 is shown. Values above 1 end at 1 here" in said(graph, "blend")

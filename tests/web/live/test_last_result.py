"""Live previews in both renderers: where there is nothing live, the last result is shown, and why."""

from __future__ import annotations

from typing import Any

import pytest
from support.frontend import of_ours
from support.live_page import BASE, LAYER, MASK, NODES, RESULT, as_matte, assert_shows, element, over_checks, run, said
from support.live_previews import Blend, GrowFeather
from support.widget_page import set_widget, settle


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
    set_widget(graph, NODES[which], name, value)
    assert said(graph, which) == f"What the last run gave: {reason} Run to see."
    assert_shows(graph, which, RESULT / 255, 0)
    set_widget(graph, NODES[which], name, {"mode": "normal", "alpha": "straight"}[name])
    assert said(graph, which).startswith("Live")


def test_a_layer_that_was_fitted_otherwise_shows_the_last_result(graph: Any, server: Any) -> None:
    run(graph, server, "blend", fit="cover")
    set_widget(graph, NODES["blend"], "fit", "contain")
    assert said(graph, "blend") == "What the last run gave: the layer was fitted in another way. Run to see."
    set_widget(graph, NODES["blend"], "fit", "cover")
    assert said(graph, "blend").startswith("Live")


def test_what_comes_over_a_wire_shows_the_last_result(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    wired = graph.evaluate(
        """() => {
            const { graph } = window.app
            const other = window.LiteGraph.createNode("PrimitiveFloat") ?? window.LiteGraph.createNode("PrimitiveNode")
            graph.add(other)
            const node = graph.getNodeById(2)
            return Boolean(other.connect(0, node, node.findInputSlot("grow")))
        }"""
    )
    assert wired
    settle(graph)
    assert said(graph, "mask") == "What the last run gave: “grow” comes over a wire. Run to see."


def test_a_lost_context_shows_the_last_result_until_it_is_back(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    as_matte(graph)
    set_widget(graph, NODES["mask"], "grow", 6.0)
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

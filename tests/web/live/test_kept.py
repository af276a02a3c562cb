"""Live previews in both renderers: what stays with the workflow, and what goes with a wire or a node."""

from __future__ import annotations

from typing import Any

from support.frontend import EMPTY, empty, load, of_ours, saved, saved_values, to_prompt
from support.live_page import NODES, PROMPT, START, element, redraws, run, said
from support.widget_page import set_widget, settle


def test_a_preview_is_no_input_and_has_no_value(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    assert sorted(to_prompt(graph)["2"]["inputs"]) == sorted(PROMPT["2"]["inputs"])
    values = saved_values(graph, "2")
    assert values == list(START.values())


def test_folded_away_it_stays_so_in_the_workflow(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    tall = graph.evaluate("() => window.app.graph.getNodeById(2).computeSize()[1]")
    graph.evaluate(f"() => {element('mask', '[data-hemline=toggle]')}.click()")
    settle(graph)
    assert graph.evaluate(f"() => {element('mask', '.hemline-frame')}.hidden")
    assert graph.evaluate(f"() => {element('mask', '[data-hemline=toggle]')}.getAttribute('aria-pressed')") == "false"
    assert graph.evaluate("() => window.app.graph.getNodeById(2).computeSize()[1]") < tall - 200
    before = redraws(graph, "mask")
    set_widget(graph, NODES["mask"], "grow", 11.0)
    assert redraws(graph, "mask") == before
    workflow = saved(graph)
    load(graph, EMPTY)
    load(graph, workflow)
    graph.wait_for_function(f"() => {element('mask', '.hemline-frame')}?.hidden")
    graph.evaluate(f"() => {element('mask', '[data-hemline=toggle]')}.click()")
    assert not graph.evaluate(f"() => {element('mask', '.hemline-frame')}.hidden")


def test_in_workflows_from_before_it_was_there_it_is_folded(page: Any, workflow: dict[str, Any]) -> None:
    for node in workflow["nodes"]:
        node["properties"].pop("hemline_preview", None)
    empty(page)
    load(page, workflow)
    page.wait_for_function(f"() => {element('mask', '.hemline-frame')}?.hidden")


def test_a_changed_wire_makes_the_pictures_old(graph: Any, server: Any) -> None:
    run(graph, server, "mask")
    graph.evaluate("() => { const node = window.app.graph.getNodeById(2); node.disconnectInput(0) }")
    settle(graph)
    assert said(graph, "mask") == "Run once to see the preview."


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

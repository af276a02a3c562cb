"""Views on the page: shown at once, stored in the node, sent, and kept."""

from __future__ import annotations

from typing import Any

import pytest
from support.compare_page import (
    CANVAS,
    GREEN,
    GREY,
    ID,
    MASK,
    READOUT,
    RED,
    ROOT,
    SHIRT,
    STATUS,
    VALUES,
    WALL,
    B,
    choose,
    colour,
    colour_at,
    garments,
    near,
    place,
    run,
    settle,
    show,
    stored,
)
from support.frontend import EMPTY, SCREENSHOTS, amiss, load, of_ours, reload, saved, saved_values
from support.widget_page import set_widget

from hemline.hosts.headless import HEADLESS_NODES
from hemline.hosts.workflow_ui import to_api_format
from hemline.nodes.compare_views import VIEWS


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
    set_widget(comparer, "2", "labels", True)
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
    values = saved_values(comparer, "2")
    assert values == ["matte", *list(VALUES.values())[1:]]


def test_what_is_chosen_in_the_nodes_own_widgets_is_shown(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK, image_b=B)
    set_widget(comparer, "2", "view", "matte")
    assert colour(comparer, 0.45, 0.4) == [255] * 3
    set_widget(comparer, "2", "view", "overlay")
    set_widget(comparer, "2", "colour", "orange")
    set_widget(comparer, "2", "opacity", 1.0)
    assert near(colour(comparer, 0.45, 0.4), [230, 158, 0])


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
    workflow = saved(comparer)
    outputs = comparer.evaluate("() => JSON.parse(JSON.stringify(window.app.nodeOutputs))")
    load(comparer, EMPTY)
    load(comparer, workflow)
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


def test_a_saved_workflow_and_a_reloaded_page_keep_the_view(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK, image_b=B)
    choose(comparer, "A/B")
    comparer.focus(CANVAS)
    comparer.keyboard.press(".")
    before = stored(comparer)
    workflow = saved(comparer)
    assert to_api_format(workflow, HEADLESS_NODES)["2"]["inputs"] == before
    reload(comparer, ID, 2)
    show(comparer)
    assert stored(comparer) == before and before["position"] == pytest.approx(0.51)
    assert comparer.get_attribute(f"{ROOT} [data-hemline='A/B']", "aria-pressed") == "true"


def test_nothing_of_ours_leaves_this_machine_and_nothing_is_complained_about(comparer: Any, server: Any) -> None:
    run(comparer, server, mask=MASK, image_b=B, garments=garments())
    for view in VIEWS:
        choose(comparer, view)
    assert amiss(comparer, server) == []

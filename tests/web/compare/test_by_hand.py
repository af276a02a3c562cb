"""Slider, pointer, zoom, frames and blink, by mouse and by keys."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.compare_page import (
    CANVAS,
    GREEN,
    HAIR,
    MASK,
    READOUT,
    RED,
    ROOT,
    SHIRT,
    STATUS,
    WALL,
    WIDTH,
    A,
    B,
    choose,
    colour,
    colour_at,
    garments,
    loaded,
    near,
    place,
    run,
    settle,
    stored,
)
from support.frontend import contrast

from hemline.nodes.compare_views import VIEWS


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

"""The help panel of the real frontend: every node's page opens there, and its picture loads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.frontend import SCREENSHOTS, empty, of_ours

from hemline.nodes import NODES

PANEL = ".node-help-content"
LOADED = "picture => picture.complete && picture.naturalWidth > 0"
# Long pages, pages with a table, and a short one.
SHOWN = ("HemlineBlendLayers", "HemlineDetectGarments", "HemlineEditMask", "HemlinePreviewMask")


@pytest.fixture
def asked(page: Any) -> Iterator[dict[str, int]]:
    """Address -> status of every picture of a help page that the page asks for."""
    answers: dict[str, int] = {}

    def keep(response: Any) -> None:
        if "/docs/pictures/" in response.url:
            answers[response.url] = response.status

    empty(page)
    page.on("response", keep)
    yield answers
    page.remove_listener("response", keep)


def open_help(page: Any, id: str) -> Any:
    """Selects a new node, presses the info button above it, and returns the picture of the page that opens."""
    page.evaluate(
        """id => {
            window.app.graph.clear()
            const node = window.LiteGraph.createNode(id)
            window.app.graph.add(node)
            window.app.canvas.selectNode(node)
            window.app.canvas.ds.offset = [600, 300]
            window.app.canvas.setDirty(true, true)
        }""",
        id,
    )
    page.locator("[data-testid=info-button]").click()
    picture = page.locator(f"{PANEL} img[src$='/{id}.webp']")
    picture.wait_for()
    page.wait_for_function(LOADED, arg=picture.element_handle())
    return picture


def test_the_help_of_every_node_opens_and_shows_its_picture(
    page: Any, asked: dict[str, int], renderer: str, server: Any
):
    for node in NODES:
        picture = open_help(page, node.id)
        assert picture.get_attribute("src") == f"/extensions/hemline/docs/pictures/{node.id}.webp"
        assert len(picture.get_attribute("alt")) > 20, node.id
        assert page.locator(f"{PANEL} h1").inner_text() == node.name
        panel, shown = page.locator(PANEL).bounding_box(), picture.bounding_box()
        assert shown["x"] >= panel["x"] and shown["width"] <= panel["width"], f"{node.id} is cut off"
        if SCREENSHOTS and node.id in SHOWN:
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SCREENSHOTS / f"help {node.id} {renderer}.png")
    assert asked == {f"{server.url}/extensions/hemline/docs/pictures/{node.id}.webp": 200 for node in NODES}
    assert not of_ours(page)

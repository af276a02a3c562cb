"""Grow & Feather Mask and Blend Layers on the page, before their first run, in both renderers."""

from __future__ import annotations

from typing import Any

import pytest
from support.frontend import empty, load
from support.live_page import BASE, BLEND_ID, LAYER, MASK, MASK_ID, PHOTO, PLACES, PROMPT, RESULT, show
from support.widget_page import laid_out, png


@pytest.fixture(scope="module")
def server(server: Any) -> Any:
    named = {"mask": MASK, "photo": PHOTO, "base": BASE, "layer": LAYER, "result": RESULT, "dark": RESULT / 4}
    for name, levels in named.items():
        server.pictures[f"{name}.png", ""] = png(levels / 255)
    return server


@pytest.fixture
def workflow(server: Any) -> dict[str, Any]:
    workflow = laid_out(PROMPT, server.object_info, PLACES)
    for node in workflow["nodes"]:
        if node["type"] in (MASK_ID, BLEND_ID):
            node["properties"]["hemline_preview"] = "on"
    return workflow


@pytest.fixture
def graph(page: Any, workflow: dict[str, Any]) -> Any:
    """The page with Load Image, Grow & Feather Mask and Blend Layers, before the first run."""
    empty(page)
    load(page, workflow)
    show(page)
    return page

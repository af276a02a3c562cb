"""Preview & Compare on the page, before its first run, in both renderers."""

from __future__ import annotations

from typing import Any

import pytest
from support.compare_page import (
    PROMPT,
    A,
    png,
    show,
)
from support.frontend import EMPTY, PICTURE, load
from support.ui_workflow import ui_workflow


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

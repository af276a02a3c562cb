"""Preview & Compare on the page, before its first run, in both renderers."""

from __future__ import annotations

from typing import Any

import pytest
from support.compare_page import PLACES, PROMPT, A, show
from support.frontend import PICTURE, empty, load
from support.widget_page import laid_out, png


@pytest.fixture(scope="module")
def server(server: Any) -> Any:
    server.pictures[PICTURE, "rgb"] = png(A[0])
    return server


@pytest.fixture
def comparer(page: Any, server: Any) -> Any:
    """The page with Load Image and Preview & Compare, before the first run."""
    empty(page)
    page.evaluate("() => { window.app.nodeOutputs = {} }")
    load(page, laid_out(PROMPT, server.object_info, PLACES))
    show(page)
    return page

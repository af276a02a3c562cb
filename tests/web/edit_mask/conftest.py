"""Edit Mask on the page, before and after runs, in both renderers."""

from __future__ import annotations

from typing import Any

import pytest
from support.edit_page import PLACES, PROMPT, give_pictures, show
from support.frontend import PICTURE, empty, load
from support.widget_page import laid_out


@pytest.fixture(scope="module")
def server(server: Any) -> Any:
    for name, shade in ((PICTURE, 120), ("other.png", 120), ("first.png", 120), ("second.png", 200)):
        give_pictures(server, name, shade)
    return server


@pytest.fixture
def workflow(server: Any) -> dict[str, Any]:
    return laid_out(PROMPT, server.object_info, PLACES)


@pytest.fixture
def editor(page: Any, workflow: dict[str, Any]) -> Any:
    """The page with Load Image, Edit Mask and Preview Mask, before the first run; the canvas shows the photo."""
    empty(page)
    load(page, workflow)
    show(page)
    return page

"""The real ComfyUI frontend in headless Chromium, over a canned host.

Without Chromium or the packages that serve it every test that asks for a page is skipped with the reason.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from support.fake_comfyui import Host, comfyui, install_pack
from support.frontend import CHROMIUM, RENDERERS, SITE, WEB, chromium, frontend, object_info_of

NEEDED = ("playwright.sync_api", "comfyui_frontend_package", "aiohttp")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Of the module's own: while it is open an event loop runs, in which other tests could not start theirs."""
    if CHROMIUM is None:
        pytest.skip("needs chromium on the PATH")
    for name in NEEDED:
        pytest.importorskip(name, reason=f"needs {name.split('.')[0]} (pip install hemline[test])")
    with chromium(importlib.import_module("playwright.sync_api")) as browser:
        yield browser


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    base = tmp_path_factory.mktemp("host")
    with comfyui(base, "V1") as host:
        host.load_pack(install_pack(base / "custom_nodes", name="hemline"))
        yield host


@pytest.fixture(scope="module")
def object_info(host: Host) -> dict[str, Any]:
    return object_info_of(host)


@pytest.fixture(scope="module")
def server(browser: Any, host: Host, object_info: dict[str, Any]) -> Iterator[Any]:
    """A canned host of the module's own, with no settings and pictures but those that its tests give it."""
    from support.stub_server import StubServer, serving

    with serving(StubServer(object_info, host.web_directories)) as server:
        yield server


@pytest.fixture(scope="module", params=RENDERERS)
def renderer(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def page(renderer: str, browser: Any, server: Any) -> Iterator[Any]:
    with frontend(browser, server, renderer, "HemlinePreviewMask") as page:
        yield page


@pytest.fixture(scope="module")
def site(browser: Any) -> Iterator[Any]:
    """An empty page of a site, `SITE`, that is the folder `web`: for modules that need no host."""

    def answer(route: Any) -> None:
        path = WEB / route.request.url.removeprefix(f"{SITE}/")
        if path.is_file():
            route.fulfill(body=path.read_bytes(), content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    page = browser.new_page()
    page.route("**/*", answer)
    page.goto(f"{SITE}/empty")
    yield page
    page.close()

"""Fixtures: hosts for the WebUI extension, their page, and pictures with and without a person."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from figures import draw_person
from PIL import Image
from support.frontend import CHROMIUM, chromium
from support.webui_host import HERE, PATIENCE_S, REAL, STUBS, Host, started
from support.webui_page import WebuiPage

REAL_NAMES = [folder.name for folder in REAL] or ["real host"]


@pytest.fixture(scope="session")
def person() -> Image.Image:
    """A drawn person on whom the shipped parser finds a top and trousers."""
    from hemline.hosts.pictures import from_bytes, to_bytes

    return from_bytes(to_bytes(draw_person(480, 360, seed=3)[0][0]))


@pytest.fixture(scope="session")
def wall() -> Image.Image:
    """A picture without anybody."""
    return Image.new("RGB", (300, 360), (190, 196, 201))


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The stand-in host's modules, fresh."""
    monkeypatch.syspath_prepend(str(HERE / "stub"))
    monkeypatch.setattr(sys, "argv", ["launch.py"])

    def forget() -> None:
        for name in [name for name in sys.modules if name == "modules" or name.startswith("modules.")]:
            del sys.modules[name]

    forget()
    for name in ("processing", "scripts", "shared", "devices"):
        importlib.import_module(f"modules.{name}")
    yield sys.modules["modules"]
    forget()


def on(*names: str) -> list[Any]:
    """Parameters for fixtures of hosts; tests of one host and one pytestmark share a process (``--dist=loadgroup``)."""
    return [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]


@pytest.fixture(scope="session", params=on(*STUBS, *REAL_NAMES))
def webui(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host with this checkout as an extension, as it starts for a user."""
    yield from started(request.param, tmp_path_factory.mktemp("webui"), [])


@pytest.fixture(scope="session", params=on(*STUBS, *REAL_NAMES))
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host that asks for names and passwords: one pair for the page, two for the API."""
    flags = ["--api-auth", "ann:needle,bob:thread", "--gradio-auth", "eve:page"]
    yield from started(request.param, tmp_path_factory.mktemp("webui"), flags)


@pytest.fixture(scope="module")
def page(webui: Host) -> Iterator[Any]:
    """The host's page in Chromium, loaded."""
    if CHROMIUM is None:
        pytest.skip("needs chromium on the PATH")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install hemline[test])")
    with chromium(importlib.import_module(playwright.__name__)) as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1800})
        page.set_default_timeout(PATIENCE_S * 1000)
        page.goto(webui.url)
        page.wait_for_function("typeof get_tab_index === 'function' && document.getElementById('mode_img2img')")
        yield page
        page.close()


@pytest.fixture
def shown(page: Any, webui: Host, tmp_path: Path) -> WebuiPage:
    """The page with its img2img tab open."""
    made = WebuiPage(page, webui, tmp_path)
    made.open()
    return made


@pytest.fixture
def probed(webui: Host) -> Iterator[Host]:
    """A host whose parts a test breaks or slows down; all is well again afterwards."""
    webui.probe()
    yield webui
    webui.probe()

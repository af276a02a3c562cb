"""The ComfyUI frontend in headless Chromium: pages, what they complain about, and what they hold."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.fake_comfyui import Host
from support.prompt_validation import Prompt
from support.ui_workflow import PICTURE

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = (
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-unsafe-swiftshader",  # WebGL2 without a GPU
)  # fmt: skip
# Set to a folder to keep pictures of the canvas and of the widgets, one per renderer.
SCREENSHOTS = Path(os.environ["HEMLINE_SCREENSHOTS"]) if os.environ.get("HEMLINE_SCREENSHOTS") else None
SITE = "http://hemline.test"
WEB = Path(__file__).parents[2] / "web"
EMPTY = {"nodes": [], "links": [], "groups": [], "config": {}, "extra": {}, "version": 0.4}
RENDERERS = {"classic": False, "Nodes 2.0": True}
READY_MS = 60_000
READY = """id => Boolean(window.app && window.app.graph && window.LiteGraph
    && window.LiteGraph.registered_node_types[id] && window.app.extensionManager)"""
CORE = json.loads((Path(__file__).parents[1] / "golden" / "core_object_info.json").read_text(encoding="utf-8"))


def object_info_of(host: Host) -> dict[str, Any]:
    """What a host with the pack and a few core nodes answers; Load Image knows `PICTURE`."""
    info = json.loads(json.dumps(host.object_info() | CORE))
    info["LoadImage"]["input"]["required"]["image"][0] = [PICTURE]
    return info


@contextlib.contextmanager
def chromium(sync_api: Any) -> Iterator[Any]:
    """A running browser. sync_api: the module `playwright.sync_api`."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextlib.contextmanager
def frontend(
    browser: Any, server: Any, renderer: str, node_id: str, prepare: Callable[[Any], object] = bool
) -> Iterator[Any]:
    """The frontend with an empty canvas, once it knows a node. prepare: is given the page before it loads anything.

    `page.complaints` collects what its console says, `page.outward` where it wanted to go beyond this machine.
    """
    server.settings["Comfy.VueNodes.Enabled"] = RENDERERS[renderer]
    page = browser.new_page(viewport={"width": 1700, "height": 1200})
    page.complaints, page.outward = [], []
    prepare(page)
    page.route("**/*", lambda route: _local_only(route, server.url, page.outward))
    page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(f"uncaught: {error}"))
    page.goto(server.url)
    _until_ready(page, node_id)
    yield page
    page.close()


def _until_ready(page: Any, node_id: str) -> None:
    page.wait_for_function(READY, arg=node_id, timeout=READY_MS)
    page.keyboard.press("Escape")


def _local_only(route: Any, url: str, outward: list[str]) -> None:
    if route.request.url.startswith((url, "data:", "blob:")):
        route.fallback()
    else:
        outward.append(route.request.url)
        route.abort()


def of_ours(page: Any) -> list[str]:
    """Uncaught errors, and console errors that name this pack."""
    return [text for text in page.complaints if text.startswith("uncaught") or "hemline" in text.lower()]


def amiss(page: Any, server: Any) -> list[str]:
    """What `of_ours` finds, hosts beyond this machine that the page asked for, and files of ours that nobody serves."""
    hosts = {str(urlsplit(url).hostname) for url in page.outward} - {"api.comfy.org"}  # the page's own release notes
    return [*of_ours(page), *hosts, *(path for path in server.unknown if "hemline" in path.lower())]


def load(page: Any, workflow: dict[str, Any]) -> None:
    page.evaluate("async workflow => { await window.app.loadGraphData(workflow) }", workflow)


def empty(page: Any) -> None:
    """Leaves nothing on the canvas, and a page that has said nothing yet."""
    load(page, EMPTY)  # not graph.clear(): widgets of a new node with an old id would take over the old values
    page.complaints.clear()
    page.outward.clear()


def saved(page: Any) -> dict[str, Any]:
    """The workflow as the page would save it."""
    return page.evaluate("() => JSON.parse(JSON.stringify(window.app.graph.serialize()))")


def saved_values(page: Any, id: str) -> list[Any]:
    """What is saved of a node's widgets."""
    return next(node for node in saved(page)["nodes"] if str(node["id"]) == id)["widgets_values"]


def reload(page: Any, node_id: str, count: int) -> None:
    """Loads the page anew, once it has put its draft of `count` nodes away."""
    page.wait_for_timeout(1500)  # it does so when the graph has been calm for a while
    page.reload()
    _until_ready(page, node_id)
    page.wait_for_function("count => window.app.graph.nodes.length === count", arg=count)


def to_prompt(page: Any) -> Prompt:
    """What the page would send to the host, without titles."""
    output = page.evaluate("async () => (await window.app.graphToPrompt()).output")
    return {str(id): {key: entry[key] for key in ("class_type", "inputs")} for id, entry in output.items()}


def contrast(first: str, second: str) -> float:
    """WCAG's contrast ratio of two CSS colours."""
    lights = sorted(map(_luminance, (first, second)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: str) -> float:
    shares = [int(part) / 255 for part in colour[4:-1].split(",")]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def drop(page: Any, file: Path, kind: str) -> None:
    """Does what the page does with a file that is dropped on its canvas."""
    page.evaluate(
        """async ([letters, name, type]) => {
            const bytes = Uint8Array.from(atob(letters), letter => letter.charCodeAt(0))
            await window.app.handleFile(new File([bytes], name, { type }))
        }""",
        [base64.b64encode(file.read_bytes()).decode(), file.name, kind],
    )

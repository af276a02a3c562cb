"""The pack in the languages of ComfyUI's page: what is shown is translated, what is saved and sent is not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.frontend import EMPTY, RENDERERS, empty, frontend, load, of_ours, to_prompt
from support.prompt_validation import Prompt

from hemline.nodes import NODES

LOCALES = Path(__file__).parents[2] / "locales"
EXAMPLES = sorted((Path(__file__).parents[2] / "example_workflows").glob("*.json"))
IDS = [node.id for node in NODES]
PAGES = (("classic", "de"), ("Nodes 2.0", "fr"), ("classic", "ja"), ("Nodes 2.0", "zh"))
SHOWN = """async id => {
    const node = window.LiteGraph.createNode(id)
    window.app.graph.add(node)
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
    return {
        title: node.title,
        category: node.constructor.category,
        inputs: Object.fromEntries(node.inputs.map(slot => [slot.name, slot.localized_name])),
        widgets: Object.fromEntries((node.widgets || []).map(widget => [widget.name, widget.label])),
        outputs: node.outputs.map(slot => slot.localized_name),
    }
}"""
SAVED = """async () => (await window.app.graphToPrompt()).workflow.nodes.map(
    ({ id, type, title, inputs, outputs, properties, widgets_values, widgets_values_named }) =>
    ({ id, type, title, inputs, outputs, properties, widgets_values, widgets_values_named }))"""
SLOT_AT = """name => {
    const [node] = window.app.graph._nodes, canvas = window.app.canvas
    const widget = node.widgets.find(widget => widget.name === name)
    const [x, y] = canvas.convertOffsetToCanvas([node.pos[0] + 40, node.pos[1] + widget.last_y + 10])
    const box = canvas.canvas.getBoundingClientRect()
    return [x + box.left, y + box.top]
}"""


def locale(language: str, name: str) -> dict[str, Any]:
    return json.loads((LOCALES / language / f"{name}.json").read_text(encoding="utf-8"))


def offer_german(page: Any) -> None:
    """Makes a frontend offer German that does not do so yet; its own texts are then French."""
    page.route(re.compile(r"/assets/i18n-[^/]*\.js$"), _with_german)


def _with_german(route: Any) -> None:
    response = route.fetch()
    languages = re.sub(r"\bfr:(\{text:[^,]*,loaders:loadersFor\(.fr.\)\})", r"de:\1,\g<0>", response.text())
    route.fulfill(response=response, body=response.text() if "de:{text:" in response.text() else languages)


@pytest.fixture(scope="module", params=PAGES, ids=["-".join(pair) for pair in PAGES])
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


@pytest.fixture(scope="module")
def renderer(pair: tuple[str, str]) -> str:
    return pair[0]


@pytest.fixture(scope="module")
def language(pair: tuple[str, str]) -> str:
    return pair[1]


@pytest.fixture(scope="module")
def page(renderer: str, language: str, browser: Any, server: Any) -> Iterator[Any]:
    server.settings["Comfy.Locale"] = language
    with frontend(browser, server, renderer, "HemlinePreviewMask", offer_german) as page:
        assert page.evaluate("window.app.extensionManager.setting.get('Comfy.Locale')") == language
        yield page


@pytest.fixture
def canvas(page: Any) -> Any:
    empty(page)
    return page


def test_nodes_show_exactly_what_the_translator_wrote(canvas: Any, language: str):
    categories = locale(language, "main")["nodeCategories"]
    for node in NODES:
        shown, written = canvas.evaluate(SHOWN, node.id), locale(language, "nodeDefs")[node.id]
        inputs = {name: port["name"] for name, port in written["inputs"].items()}
        assert shown["title"] == written["display_name"]
        assert shown["category"] == "/".join(categories[word] for word in node.category.split("/"))
        assert shown["inputs"] == inputs
        assert shown["outputs"] == [port["name"] for port in written["outputs"].values()]
        labels = {name: label for name, label in shown["widgets"].items() if name in inputs}
        assert labels == {port.name: inputs[port.name] for port in node.inputs if port.is_widget}
    assert of_ours(canvas) == []


def test_a_tooltip_shows_exactly_what_the_translator_wrote(canvas: Any, language: str, renderer: str):
    written = locale(language, "nodeDefs")["HemlineBatchLoad"]["inputs"]["skip_existing"]
    assert "{name}_composite.png" in written["tooltip"]
    canvas.evaluate(SHOWN, "HemlineBatchLoad")
    canvas.mouse.move(5, 500)
    if RENDERERS[renderer]:
        canvas.get_by_text(written["name"], exact=True).first.hover()
    else:
        canvas.wait_for_function("window.app.graph._nodes[0].widgets[0].last_y > 0")
        canvas.mouse.move(*canvas.evaluate(SLOT_AT, "skip_existing"))
    canvas.get_by_text(written["tooltip"], exact=True).first.wait_for(timeout=10_000)


def test_the_mask_editor_speaks_the_language_too(canvas: Any, language: str):
    canvas.evaluate(SHOWN, "HemlineEditMask")
    canvas.wait_for_selector(".hemline-edit [data-hemline=brush]")
    written = locale(language, "main")["hemline"]["edit_mask"]
    buttons = canvas.evaluate(
        "[...document.querySelectorAll('.hemline-edit button')].map(b => [b.textContent, b.title])"
    )
    assert [written["undo"], written["undo_hint"]] in buttons
    assert [written["brush"], written["brush_hint"]] in buttons
    assert written["no_picture"] in canvas.inner_text(".hemline-edit")


def sent_and_saved(page: Any) -> list[tuple[Prompt, Any]]:
    """The prompt and the saved nodes, of one fresh node of each class, and of each example workflow."""
    found = []
    for workflow in (None, *EXAMPLES):
        load(page, EMPTY if workflow is None else json.loads(workflow.read_text(encoding="utf-8")))
        for id in IDS if workflow is None else ():
            page.evaluate(SHOWN, id)
        found.append((to_prompt(page), page.evaluate(SAVED)))
    return found


@pytest.fixture(scope="session")
def heard() -> dict[str, list[tuple[Prompt, Any]]]:
    """What was sent and saved in English, by renderer: two languages share each."""
    return {}


@pytest.fixture
def english(
    browser: Any, server: Any, renderer: str, heard: dict[str, list[tuple[Prompt, Any]]]
) -> list[tuple[Prompt, Any]]:
    if renderer not in heard:
        server.settings["Comfy.Locale"] = "en"
        with frontend(browser, server, renderer, "HemlinePreviewMask") as page:
            heard[renderer] = sent_and_saved(page)
    return heard[renderer]


def test_what_is_sent_and_saved_is_the_same_in_every_language(canvas: Any, english: list[tuple[Prompt, Any]]):
    assert sent_and_saved(canvas) == english


@pytest.mark.parametrize("other", ["tr", "xx"])
def test_without_a_translation_the_pack_speaks_english(browser: Any, server: Any, other: str):
    """Turkish is one of the host's languages and not of ours; no host has the other one."""
    assert not (LOCALES / other).exists()
    server.settings["Comfy.Locale"] = other
    with frontend(browser, server, "classic", "HemlinePreviewMask") as page:
        shown = page.evaluate(SHOWN, "HemlineEditMask")
        assert (shown["title"], shown["inputs"]["mask"]) == ("Edit Mask", "mask")
        page.wait_for_selector(".hemline-edit [data-hemline=brush]")
        assert page.inner_text(".hemline-edit [data-hemline=eraser]") == "Eraser"


def test_a_widget_is_there_in_english_where_translations_cannot_be_fetched(browser: Any, server: Any):
    server.settings["Comfy.Locale"] = "fr"
    with frontend(browser, server, "classic", "HemlinePreviewMask") as page:
        page.route("**/api/i18n", lambda route: route.abort())
        page.evaluate(SHOWN, "HemlineEditMask")
        page.wait_for_selector(".hemline-edit [data-hemline=brush]")
        assert page.inner_text(".hemline-edit [data-hemline=eraser]") == "Eraser"

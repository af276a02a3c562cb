"""The pack's blueprints in the real frontend: found beside the nodes, put on a canvas, queued."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from figures import draw_person
from support.frontend import EMPTY, SCREENSHOTS, frontend, load, of_ours, to_prompt

from hemline.hosts.files import FolderStore
from hemline.hosts.headless import HEADLESS_NODES, run_headless
from hemline.hosts.workflow_ui import to_api_format

BLUEPRINTS = sorted((Path(__file__).parents[2] / "subgraphs").glob("*.json"))
NAMES = [path.stem for path in BLUEPRINTS]


@pytest.fixture(scope="module")
def page(renderer: str, browser: Any, server: Any) -> Iterator[Any]:
    server.blueprints = BLUEPRINTS
    with frontend(browser, server, renderer, "HemlinePreviewMask") as page:
        yield page


@pytest.fixture
def canvas(page: Any) -> Any:
    load(page, EMPTY | {"extra": {"ds": {"scale": 0.7, "offset": [0, 0]}}})
    page.complaints.clear()
    return page


def search_and_add(page: Any, name: str, at: tuple[int, int]) -> str:
    """Puts a node on the canvas as a user does, by a double click, its name, Enter and a click; gives its id."""
    before = page.evaluate("() => window.app.rootGraph.nodes.length")
    page.locator("#graph-canvas").dblclick(position={"x": at[0], "y": at[1]})
    page.wait_for_function("() => document.activeElement.tagName === 'INPUT'")
    page.keyboard.type(name)
    page.locator("[role=option], [data-testid=result-item]", has_text=name).first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_function("before => window.app.rootGraph.nodes.length > before", arg=before)
    page.wait_for_timeout(500)  # the node is there before the frontend lets it go with the pointer, if it does
    if page.evaluate("() => window.app.canvas.state.ghostNodeId != null"):
        page.mouse.click(at[0], at[1] + 100)
        page.wait_for_function("() => window.app.canvas.state.ghostNodeId == null")
    page.wait_for_function("() => document.activeElement.tagName !== 'INPUT'")
    return page.evaluate("() => String(window.app.rootGraph.nodes.at(-1).id)")


def connect(page: Any, *wires: tuple[str, str, str, str]) -> None:
    """Connects (node, output) to (node, input); a node that is not there is one of that class, which is made."""
    page.evaluate(
        """wires => { for (const [from, output, to, input] of wires) {
            const root = window.app.rootGraph
            const [source, target] = [from, to].map(name => {
                const there = root.getNodeById(name) ?? root.nodes.find(node => node.type === name)
                if (there) return there
                const made = window.LiteGraph.createNode(name)
                root.add(made)
                return made })
            const slot = source.outputs.findIndex(one => one.name === output)
            source.connect(slot, target, target.inputs.findIndex(one => one.name === input))
        } }""",
        [*wires],
    )


def without_the_page(workflow: dict[str, Any]) -> dict[str, Any]:
    prompt = to_api_format(workflow, HEADLESS_NODES)
    return {id: {key: entry[key] for key in ("class_type", "inputs")} for id, entry in prompt.items()}


@pytest.mark.parametrize("path", BLUEPRINTS, ids=NAMES)
def test_a_blueprint_opens_as_a_workflow_and_becomes_the_same_prompt_without_the_page(canvas: Any, path: Path) -> None:
    workflow = json.loads(path.read_text(encoding="utf-8"))
    load(canvas, workflow)
    assert to_prompt(canvas) == without_the_page(workflow) != {}
    assert of_ours(canvas) == []


def test_blueprints_are_found_put_on_the_canvas_and_run(canvas: Any, renderer: str, tmp_path: Path) -> None:
    ready, back = (search_and_add(canvas, name, at) for name, at in zip(NAMES, [(500, 300), (1000, 300)], strict=True))
    connect(
        canvas, ("LoadImage", "IMAGE", ready, "image"), (ready, "image", back, "image"),
        (ready, "stitch", back, "stitch"), (back, "image", "SaveImage", "images"),
    )  # fmt: skip
    canvas.evaluate("id => { window.app.rootGraph.getNodeById(id).widgets[0].value = 'bottoms' }", ready)
    if SCREENSHOTS:
        canvas.wait_for_timeout(1000)
        canvas.screenshot(path=SCREENSHOTS / f"blueprints in {renderer}.png")
    workflow = canvas.evaluate("() => JSON.parse(JSON.stringify(window.app.rootGraph.serialize()))")
    prompt = to_prompt(canvas)
    assert without_the_page(workflow) == prompt and of_ours(canvas) == []
    found = next(entry for entry in prompt.values() if entry["class_type"] == "HemlineDetectGarments")
    assert found["inputs"]["what"] == "bottoms"
    photo = draw_person(320, 224, seed=1)[0]
    FolderStore(tmp_path).save_image("photo", photo[0])
    results = run_headless(prompt, tmp_path / "out", device="cpu", input_folder=tmp_path)
    (stitched,) = (result for id, result in results.items() if prompt[id]["class_type"] == "HemlineInpaintStitch")
    (image,), (changed,) = stitched.outputs
    assert 0.02 < changed.mean() < 0.5
    assert (image - photo).abs()[changed.unsqueeze(-1).expand_as(image) == 0].max() < 1 / 255

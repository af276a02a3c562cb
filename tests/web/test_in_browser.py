"""The pack in the real ComfyUI frontend, in headless Chromium: nodes show, save and load in both renderers."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import torch
from support.fake_comfyui import Host
from support.frontend import EMPTY, RENDERERS, SCREENSHOTS, drop, empty, load, of_ours, saved, to_prompt
from support.ui_workflow import chain, numbered, ui_workflow, widget_defaults

from hemline.hosts.files import FolderStore
from hemline.hosts.headless import HEADLESS_NODES
from hemline.hosts.workflow_ui import to_api_format
from hemline.nodes import NODES

IDS = [node.id for node in NODES]
EXAMPLES = sorted((Path(__file__).parents[2] / "example_workflows").glob("*.json"))
EARLIER = sorted((Path(__file__).parents[1] / "workflows").glob("*/*.json"))


@pytest.fixture
def canvas(page: Any) -> Any:
    """The page with nothing on its canvas and nothing said yet."""
    empty(page)
    return page


def add_node(page: Any, id: str) -> dict[str, Any]:
    """Puts a fresh node on the canvas; returns its widgets and slots as the page sees them."""
    return page.evaluate(
        """async id => {
            const node = window.LiteGraph.createNode(id)
            window.app.graph.add(node)
            await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
            return {
                title: node.title,
                widgets: (node.widgets || []).filter(w => w.serialize !== false).map(w => [w.name, w.value]),
                wires: node.inputs.filter(i => !i.widget).map(i => [i.name, i.type]),
                outputs: node.outputs.map(o => [o.name, o.type]),
            }
        }""",
        id,
    )


def test_every_node_is_registered(page: Any) -> None:
    known = page.evaluate("() => Object.keys(window.LiteGraph.registered_node_types)")
    assert [id for id in IDS if id not in known] == []


@pytest.mark.parametrize("id", IDS)
def test_a_fresh_node_shows_its_widgets_in_order_with_their_defaults(
    canvas: Any, id: str, object_info: dict[str, Any]
) -> None:
    assert add_node(canvas, id)["widgets"] == widget_defaults(object_info[id])


@pytest.mark.parametrize("id", IDS)
def test_a_fresh_node_has_its_wires_and_outputs(canvas: Any, id: str) -> None:
    record = next(node for node in NODES if node.id == id)
    shown = add_node(canvas, id)
    assert shown["title"] == record.name
    assert [name for name, _ in shown["wires"]] == wires_in_host_order(record.inputs)
    assert shown["outputs"] == [[port.name, port.type] for port in record.outputs]


def wires_in_host_order(ports: Any) -> list[str]:
    """The host lists required inputs before optional ones."""
    wires = [port for port in ports if not port.is_widget]
    return [port.name for port in sorted(wires, key=lambda port: port.optional)]


def test_all_nodes_on_one_canvas_raise_no_error(canvas: Any, renderer: str) -> None:
    for id in IDS:
        add_node(canvas, id)
    drawn_as_elements = canvas.locator("[data-node-id]")
    if RENDERERS[renderer]:
        drawn_as_elements.nth(len(IDS) - 1).wait_for()
    assert drawn_as_elements.count() == (len(IDS) if RENDERERS[renderer] else 0)
    assert of_ours(canvas) == []


def test_a_saved_workflow_loads_with_every_node_known(canvas: Any, object_info: Any, renderer: str) -> None:
    load(canvas, ui_workflow(chain(object_info), object_info))
    if SCREENSHOTS:
        canvas.wait_for_timeout(1000)
        canvas.screenshot(path=SCREENSHOTS / f"chain in {renderer}.png")
    nodes = canvas.evaluate("() => window.app.graph.nodes.map(n => [n.type, Boolean(n.has_errors)])")
    assert nodes == [[entry["class_type"], False] for entry in chain(object_info).values()]
    assert of_ours(canvas) == []


def test_a_saved_workflow_becomes_the_prompt_it_was_made_of(canvas: Any, object_info: dict[str, Any]) -> None:
    prompt = chain(object_info)
    load(canvas, ui_workflow(prompt, object_info))
    assert to_prompt(canvas) == numbered(prompt)


def test_a_canvas_with_detours_becomes_the_same_prompt_without_the_page(canvas: Any, object_info: Any) -> None:
    workflow = ui_workflow(chain(object_info), object_info)
    nodes = {node["type"]: node for node in workflow["nodes"]}
    nodes["HemlineRefineMask"]["mode"] = 4  # bypassed: its mask goes through
    nodes["HemlinePreviewMask"]["mode"] = 2  # muted
    photo, crop = nodes["LoadImage"], nodes["HemlineInpaintCrop"]
    reroute = {"id": 90, "type": "Reroute", "pos": [0, 0], "size": [75, 26], "flags": {}, "order": 0, "mode": 0,
               "inputs": [{"name": "", "type": "*", "link": 91}], "properties": {},
               "outputs": [{"name": "", "type": "IMAGE", "links": [crop["inputs"][0]["link"]]}]}  # fmt: skip
    wire = next(link for link in workflow["links"] if link[0] == crop["inputs"][0]["link"])
    wire[1:3] = [90, 0]
    workflow["nodes"].append(reroute)
    workflow["links"].append([91, photo["id"], 0, 90, 0, "*"])
    load(canvas, workflow)
    ours = to_api_format(workflow, HEADLESS_NODES)
    assert {id: {key: entry[key] for key in ("class_type", "inputs")} for id, entry in ours.items()} == to_prompt(
        canvas
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_an_example_workflow_loads_and_becomes_the_same_prompt_without_the_page(canvas: Any, path: Path) -> None:
    workflow = json.loads(path.read_text(encoding="utf-8"))
    load(canvas, workflow)
    if SCREENSHOTS:
        canvas.evaluate("() => { window.app.canvas.ds.scale = 0.5; window.app.canvas.ds.offset = [60, 200] }")
        canvas.wait_for_timeout(1000)
        canvas.screenshot(path=SCREENSHOTS / f"{path.stem}.png")
    ours = to_api_format(workflow, HEADLESS_NODES)
    wanted = {id: {key: entry[key] for key in ("class_type", "inputs")} for id, entry in ours.items()}
    assert to_prompt(canvas) == wanted
    assert of_ours(canvas) == []


@pytest.mark.parametrize("path", EARLIER, ids=[f"{path.parent.name}-{path.stem}" for path in EARLIER])
def test_a_workflow_of_an_earlier_version_becomes_the_same_prompt_with_new_widgets_at_their_defaults(
    canvas: Any, path: Path
) -> None:
    workflow = json.loads(path.read_text(encoding="utf-8"))
    load(canvas, workflow)
    wanted = {id: {key: entry[key] for key in ("class_type", "inputs")}
              for id, entry in to_api_format(workflow, HEADLESS_NODES).items()}  # fmt: skip
    for entry in wanted.values():
        ports = HEADLESS_NODES[entry["class_type"]].inputs if entry["class_type"].startswith("Hemline") else ()
        defaults = {port.name: port.default for port in ports if port.is_widget}
        entry["inputs"] = {**defaults, **entry["inputs"]}
    assert to_prompt(canvas) == wanted
    assert of_ours(canvas) == []


def test_the_host_accepts_the_prompt_of_the_page(canvas: Any, host: Host, object_info: dict[str, Any]) -> None:
    load(canvas, ui_workflow(chain(object_info), object_info))
    ours = {id: entry for id, entry in to_prompt(canvas).items() if entry["class_type"] in host.classes}
    for entry in ours.values():  # the core nodes are not there: their wires go
        entry["inputs"] = {
            name: value
            for name, value in entry["inputs"].items()
            if not isinstance(value, list) or str(value[0]) in ours
        }
    verdict = host.validate(ours)
    assert verdict.types <= {"required_input_missing"} and not verdict.refusal


def test_widget_values_survive_saving_and_loading(canvas: Any, object_info: dict[str, Any]) -> None:
    load(canvas, ui_workflow(chain(object_info), object_info))
    before = to_prompt(canvas)
    workflow = saved(canvas)
    load(canvas, EMPTY)
    load(canvas, workflow)
    assert to_prompt(canvas) == before


@pytest.mark.parametrize(("suffix", "bits"), [(".png", 8), (".png", 16), (".webp", 8)])
def test_a_saved_picture_dropped_on_the_canvas_opens_the_workflow_that_made_it(
    canvas: Any, object_info: dict[str, Any], tmp_path: Path, suffix: str, bits: Any
) -> None:
    prompt = chain(object_info)
    notes = {"prompt": json.dumps(prompt), "workflow": json.dumps(ui_workflow(prompt, object_info))}
    picture = FolderStore(tmp_path).save_image("coat", torch.rand(9, 8, 4), suffix=suffix, bits=bits, notes=notes)
    drop(canvas, picture, f"image/{suffix[1:]}")
    assert to_prompt(canvas) == numbered(prompt)


def test_a_shorter_list_of_old_widget_values_loads_with_defaults_for_the_rest(
    canvas: Any, object_info: dict[str, Any]
) -> None:
    prompt = chain(object_info)
    workflow = ui_workflow(prompt, object_info)
    node = next(node for node in workflow["nodes"] if node["type"] == "HemlineDetectGarments")
    node["widgets_values"] = node["widgets_values"][:1]
    load(canvas, workflow)
    assert to_prompt(canvas) == numbered(prompt)


def test_queueing_sends_the_prompt(canvas: Any, server: Any, object_info: dict[str, Any]) -> None:
    prompt = chain(object_info)
    load(canvas, ui_workflow(prompt, object_info))
    server.prompts.clear()
    canvas.evaluate("async () => { await window.app.queuePrompt(0) }")
    sent = server.prompts[0]["prompt"]
    assert {id: entry["inputs"] for id, entry in sent.items()} == {
        id: entry["inputs"] for id, entry in numbered(prompt).items()
    }


@pytest.mark.parametrize("id", IDS)
def test_the_help_page_is_where_the_frontend_looks_for_it(server: Any, object_info: Any, id: str) -> None:
    folder = object_info[id]["python_module"].split(".")[1]
    with urllib.request.urlopen(f"{server.url}/extensions/{folder}/docs/{id}.md") as answer:
        assert answer.read().decode().lstrip().startswith("#")

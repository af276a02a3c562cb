"""Subgraphs made in the page itself become the same prompt with and without the page."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.frontend import EMPTY, drop, load, to_prompt
from support.ui_workflow import chain, ui_workflow

from hemline.hosts.files import FolderStore
from hemline.hosts.headless import HEADLESS_NODES
from hemline.hosts.workflow_ui import to_api_format
from hemline.segmentation.strokes.text import Edit, Stroke, format_strokes

# 0.4 and 1: what the page writes into a file, and the form in which it keeps its subgraphs.
FORMATS = ("serialize", "asSerialisable")
REFINE, GROW, DETECT = "HemlineRefineMask", "HemlineGrowFeatherMask", "HemlineDetectGarments"
TOOLS = """
    const app = window.app, root = app.rootGraph
    const at = path => path.split(':').reduce(([, graph], id) => {
        const node = graph.getNodeById(id); return [node, node.subgraph] }, [null, root])[0]
    const pack = (graph, test) => {
        const { node } = graph.convertToSubgraph(new Set(graph.nodes.filter(test)))
        return String(node.id) }
    const promote = (host, inner, name) => {
        const target = host.subgraph.getNodeById(inner), slot = target.inputs.find(one => one.name === name)
        host.subgraph.addInput(name, String(slot.type)).connect(slot, target) }
    const widget = (node, name) => node.widgets.find(one => one.name === name)
    const input = (node, name) => node.inputs.findIndex(one => one.name === name)
"""


@pytest.fixture
def packed(page: Any, object_info: dict[str, Any]) -> str:
    """The id of a subgraph of refine (3) and grow (4) with promoted widgets, on the page's canvas."""
    load(page, ui_workflow(chain(object_info), object_info))
    return run(
        page,
        f"""const id = pack(root, node => ['{REFINE}', '{GROW}'].includes(node.type))
        for (const [inner, name] of [[4, 'grow'], [4, 'feather'], [3, 'edge_px']]) promote(at(id), inner, name)
        widget(at(id), 'grow').value = 7.5
        return id""",
    )


def run(page: Any, code: str, *arguments: Any) -> Any:
    return page.evaluate(f"arguments => {{ {TOOLS} {code} }}", [*arguments])


def saved(page: Any, form: str) -> dict[str, Any]:
    return page.evaluate("form => JSON.parse(JSON.stringify(window.app.rootGraph[form]()))", form)


def without_the_page(workflow: dict[str, Any]) -> dict[str, Any]:
    prompt = to_api_format(workflow, HEADLESS_NODES)
    return {id: {key: entry[key] for key in ("class_type", "inputs")} for id, entry in prompt.items()}


def queued(page: Any) -> dict[str, Any]:
    """What the page would queue, which what it saves gives in every form."""
    prompt = to_prompt(page)
    for form in FORMATS:
        assert without_the_page(saved(page, form)) == prompt, form
    return prompt


def loaded(page: Any, workflow: dict[str, Any]) -> dict[str, Any]:
    """What the page would queue of a file, which the file gives without it."""
    load(page, workflow)
    prompt = to_prompt(page)
    assert without_the_page(workflow) == prompt
    return prompt


def test_promoted_widgets_give_their_values_inside(page: Any, packed: str) -> None:
    prompt = queued(page)
    assert prompt[f"{packed}:4"]["inputs"]["grow"] == 7.5 and prompt[f"{packed}:3"]["inputs"]["edge_px"] == 5


@pytest.mark.parametrize("form", FORMATS)
def test_a_saved_file_means_what_it_meant(page: Any, packed: str, form: str) -> None:
    before = to_prompt(page)
    assert loaded(page, saved(page, form)) == before


def test_a_workflow_in_a_queued_picture_leaves_unlinked_widgets_out_and_means_the_same(page: Any, packed: str) -> None:
    workflow = page.evaluate("async () => JSON.parse(JSON.stringify((await window.app.graphToPrompt()).workflow))")
    assert without_the_page(workflow) == to_prompt(page)


@pytest.mark.parametrize("mode", [2, 4])
@pytest.mark.parametrize("inner", ["", ":3"])
def test_muted_and_bypassed_subgraphs_and_nodes_inside(page: Any, packed: str, mode: int, inner: str) -> None:
    run(page, "at(arguments[0]).mode = arguments[1]", packed + inner, mode)
    prompt = queued(page)
    assert (f"{packed}:3" in prompt) is False and (f"{packed}:4" in prompt) is bool(inner)


def test_a_subgraph_inside_a_subgraph_and_two_of_them(page: Any, packed: str) -> None:
    outer = run(
        page,
        f"""const outer = pack(root, node => node.type === '{DETECT}' || String(node.id) === arguments[0])
        widget(at(outer + ':' + arguments[0]), 'feather').value = 3
        promote(at(outer), arguments[0], 'edge_px')
        widget(at(outer), 'edge_px').value = 21
        return outer""",
        packed,
    )
    assert queued(page)[f"{outer}:{packed}:3"]["inputs"]["edge_px"] == 21
    other = run(
        page,
        """const node = at(arguments[0]), other = window.LiteGraph.createNode(node.type)
        root.add(other)
        root.nodes.find(one => one.type === 'LoadImage').connect(0, other, input(other, 'image'))
        const mask = other.outputs.findIndex(one => one.type === 'MASK')
        const seen = root.nodes.find(one => one.type === 'HemlinePreviewMask')
        other.connect(mask, seen, input(seen, 'mask'))
        widget(other, 'edge_px').value = 2
        return String(other.id)""",
        outer,
    )
    prompt = queued(page)
    assert prompt[f"{other}:{packed}:3"]["inputs"]["edge_px"] == 2
    assert prompt[f"{outer}:{packed}:3"]["inputs"]["edge_px"] == 21
    run(page, "at(arguments[0]).mode = 4", f"{outer}:{packed}")
    queued(page)


def test_primitives_and_reroutes_inside_and_outside(page: Any, packed: str) -> None:
    run(
        page,
        """const host = at(arguments[0]), inner = host.subgraph
        const add = (graph, type) => { const node = window.LiteGraph.createNode(type); graph.add(node); return node }
        const fixed = add(inner, 'PrimitiveNode'), way = add(inner, 'Reroute'), outside = add(root, 'PrimitiveNode')
        const refine = inner.getNodeById(3), grow = inner.getNodeById(4)
        fixed.connect(0, refine, input(refine, 'smooth_px'))
        fixed.widgets[0].value = 17
        refine.connect(0, way, 0)
        way.connect(0, grow, input(grow, 'mask'))
        outside.connect(0, host, input(host, 'grow'))
        outside.widgets[0].value = 3
        root.createReroute([100, 100], [...root.links.values()][0])""",
        packed,
    )
    assert queued(page)[f"{packed}:3"]["inputs"]["smooth_px"] == 17


def test_files_of_older_frontends_list_their_promoted_widgets(page: Any, object_info: dict[str, Any]) -> None:
    load(page, ui_workflow(chain(object_info), object_info))
    host = run(page, f"return pack(root, node => ['{REFINE}', '{GROW}'].includes(node.type))")
    workflow = saved(page, "serialize")
    instance = next(node for node in workflow["nodes"] if str(node["id"]) == host)
    instance["properties"]["proxyWidgets"] = [["4", "grow"], ["3", "edge_px"], ["3", "no such"], ["77", "gone"]]
    for values, grow in (([], -2.5), ([9.5, 31], 9.5)):
        instance["widgets_values"] = values
        assert loaded(page, copy.deepcopy(workflow))[f"{host}:4"]["inputs"]["grow"] == grow


def test_ids_that_two_canvases_have_are_changed_as_the_page_changes_them(page: Any, packed: str) -> None:
    workflow = saved(page, "serialize")
    (definition,) = workflow["definitions"]["subgraphs"]
    changed = json.loads(json.dumps(definition).replace('_id": 3,', '_id": 1,').replace('_id": 4,', '_id": 2,'))
    for node in changed["nodes"]:
        node["id"] -= 2
    workflow["definitions"]["subgraphs"] = [changed]
    assert {f"{packed}:{int(packed) + 1}", f"{packed}:{int(packed) + 2}"} <= loaded(page, workflow).keys()


def test_ids_may_be_texts(page: Any, packed: str) -> None:
    workflow = saved(page, "asSerialisable")
    for canvas in (workflow, *workflow["definitions"]["subgraphs"]):
        for node in canvas["nodes"]:
            node["id"] = str(node["id"])
        for link in canvas["links"]:
            link["origin_id"], link["target_id"] = str(link["origin_id"]), str(link["target_id"])
    assert loaded(page, workflow)[f"{packed}:4"]["inputs"]["mask"] == [f"{packed}:3", 0]


def test_a_saved_picture_with_subgraphs_and_an_edited_mask_brings_both_back(
    page: Any, packed: str, tmp_path: Path
) -> None:
    """Edit Mask lies once on the workflow's own canvas and once inside a subgraph of its own."""
    strokes = format_strokes(Edit((Stroke("brush", points=((2000, 3000), (9000, 8000)), radius=400),)))
    inner = run(
        page,
        """const grow = root.nodes.find(one => String(one.id) === arguments[0])
        const photo = root.nodes.find(one => one.type === 'LoadImage')
        const seen = root.nodes.find(one => one.type === 'HemlinePreviewMask')
        const edits = [1, 2].map(() => { const one = window.LiteGraph.createNode('HemlineEditMask'); root.add(one)
            photo.connect(0, one, input(one, 'picture'))
            widget(one, 'strokes').value = arguments[1]
            return one })
        grow.connect(0, edits[0], input(edits[0], 'mask'))
        edits[0].connect(0, edits[1], input(edits[1], 'mask'))
        edits[1].connect(0, seen, input(seen, 'mask'))
        return pack(root, one => one === edits[1])""",
        packed,
        strokes,
    )
    sent = page.evaluate("async () => JSON.parse(JSON.stringify(await window.app.graphToPrompt()))")
    before = to_prompt(page)
    edited = {id: entry["inputs"]["strokes"] for id, entry in before.items() if "strokes" in entry["inputs"]}
    assert [*edited.values()] == [strokes, strokes] and any(id.startswith(f"{inner}:") for id in edited)
    notes = {"prompt": json.dumps(sent["output"]), "workflow": json.dumps(sent["workflow"])}
    picture = FolderStore(tmp_path).save_image("coat", torch.rand(9, 8, 3), notes=notes)
    load(page, EMPTY)
    drop(page, picture, "image/png")
    assert to_prompt(page) == before == without_the_page(sent["workflow"])

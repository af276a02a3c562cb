"""Workflows as ComfyUI saves them from its canvas run as the prompts that its frontend would make of them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.workflow_nodes import NODES

from hemline.hosts.headless_context import headless_context
from hemline.hosts.workflow import load_workflow, run_workflow
from hemline.hosts.workflow_ui import to_api_format
from hemline.nodes.spec import Port, node
from hemline.tensors import BadWorkflow


def shown(id: int, type: str, *values: Any, inputs: Any = (), outputs: Any = ("MASK",), **more: Any) -> dict[str, Any]:
    """A node of a canvas; inputs: (name, type, link)."""
    return {
        "id": id, "type": type, "mode": 0, "widgets_values": [*values],
        "inputs": [{"name": name, "type": kind, "link": link} for name, kind, link in inputs],
        "outputs": [{"name": kind, "type": kind} for kind in outputs], **more,
    }  # fmt: skip


def canvas(*nodes: dict[str, Any], links: Any) -> dict[str, Any]:
    return {"nodes": [*nodes], "links": [*links], "version": 0.4}


SOURCE = shown(1, "TestMask", 8, 0.5, "flat", False, "a", outputs=("MASK", "STRING"), title="Coat")
SHOW = shown(9, "TestShow", inputs=[("mask", "MASK", 1)], outputs=())


def show(*nodes: dict[str, Any], links: Any) -> Any:
    """What the mask input of the last node becomes."""
    flow = to_api_format(canvas(SOURCE, *nodes, SHOW, links=links), NODES)
    return flow["9"]["inputs"].get("mask")


def test_widget_values_get_the_names_of_the_nodes_ports_and_titles_stay():
    flow = to_api_format(canvas(SOURCE, SHOW, links=[[1, 1, 0, 9, 0, "MASK"]]), NODES)
    inputs = {"size": 8, "value": 0.5, "mode": "flat", "flip": False, "text": "a"}
    assert flow["1"] == {"class_type": "TestMask", "inputs": inputs, "_meta": {"title": "Coat"}}
    assert flow["9"] == {"class_type": "TestShow", "inputs": {"mask": ["1", 0]}}


def test_a_file_in_ui_format_runs(tmp_path):
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(canvas(SOURCE, SHOW, links=[[1, 1, 0, 9, 0, "MASK"]])))
    context = headless_context(tmp_path / "out", device="cpu")
    assert run_workflow(load_workflow(path, NODES), NODES, context)["9"].text == ("0.500",)


def test_widgets_added_since_it_was_saved_are_left_to_their_defaults():
    old = shown(1, "TestMask", 8, 0.5)
    assert to_api_format(canvas(old, links=[]), NODES)["1"]["inputs"] == {"size": 8, "value": 0.5}


def test_reroutes_are_passed_through():
    way = [shown(n, "Reroute", inputs=[("", "*", n - 1)], outputs=("*",)) for n in (3, 4)]
    assert show(*way, links=[[2, 1, 0, 3, 0, "*"], [3, 3, 0, 4, 0, "*"], [1, 4, 0, 9, 0, "*"]]) == ["1", 0]


def test_a_bypassed_node_hands_on_the_input_of_its_outputs_type():
    passed = shown(3, "TestJoin", inputs=[("name", "STRING", 5), ("first", "MASK", 2)], mode=4)
    assert show(passed, links=[[5, 1, 1, 3, 0, "STRING"], [2, 1, 0, 3, 1, "MASK"], [1, 3, 0, 9, 0, "MASK"]]) == ["1", 0]


def test_a_bypassed_node_without_such_an_input_hands_on_nothing():
    passed = shown(3, "TestJoin", inputs=[("name", "STRING", 5)], mode=4)
    assert show(passed, links=[[5, 1, 1, 3, 0, "STRING"], [1, 3, 0, 9, 0, "MASK"]]) is None


def test_nothing_comes_from_a_muted_node_and_muted_nodes_and_notes_are_left_out():
    muted = shown(3, "TestMask", mode=2)
    assert show(muted, links=[[1, 3, 0, 9, 0, "MASK"]]) is None
    flow = to_api_format(canvas(SOURCE, muted, shown(4, "Note", "hello"), links=[]), NODES)
    assert list(flow) == ["1"]


def test_a_primitive_gives_its_value():
    number = shown(3, "PrimitiveNode", 16, "fixed", outputs=("INT",))
    source = {**SOURCE, "inputs": [{"name": "size", "type": "INT", "widget": {"name": "size"}, "link": 2}]}
    flow = to_api_format(canvas(source, number, links=[[2, 3, 0, 1, 0, "INT"]]), NODES)
    assert flow["1"]["inputs"]["size"] == 16 and "3" not in flow


def test_a_link_wins_over_the_widget_value_below_it():
    text = shown(3, "TestMask", outputs=("MASK", "STRING"))
    source = {**SOURCE, "inputs": [{"name": "text", "type": "STRING", "widget": {"name": "text"}, "link": 2}]}
    flow = to_api_format(canvas(source, text, links=[[2, 3, 1, 1, 0, "STRING"]]), NODES)
    assert flow["1"]["inputs"]["text"] == ["3", 1] and flow["1"]["inputs"]["size"] == 8


def test_what_becomes_of_a_seed_after_a_run_is_no_widget():
    @node(id="TestSeed", name="Seed", category="test", outputs=[],
          inputs=[Port("seed", "INT", default=0), Port("mode", "STRING", default="")])  # fmt: skip
    def seeded(seed=0, mode=""):
        """Seeds."""

    flow = to_api_format(canvas(shown(1, "TestSeed", 7, "randomize", "fixed"), links=[]), {"TestSeed": seeded})
    assert flow["1"]["inputs"] == {"seed": 7, "mode": "fixed"}


def test_nodes_of_other_packs_keep_the_names_that_the_frontend_saved():
    foreign = shown(1, "KSampler", 7, "randomize", 20, outputs=("LATENT",))
    foreign["inputs"] = [
        {"name": name, "type": "INT", "widget": {"name": name}, "link": None} for name in ("seed", "steps")
    ]
    assert to_api_format(canvas(foreign, links=[]), NODES)["1"]["inputs"] == {"seed": 7, "steps": 20}


def test_values_by_name_and_links_as_objects_are_understood():
    flow = canvas({**SOURCE, "widgets_values": {"size": 4}}, SHOW, links=[{"id": 1, "origin_id": 1, "origin_slot": 0}])
    api = to_api_format(flow, NODES)
    assert api["1"]["inputs"] == {"size": 4} and api["9"]["inputs"] == {"mask": ["1", 0]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "type", "link"]), inner),
)


@given(nodes=st.lists(JSON, max_size=3), links=st.lists(JSON, max_size=3))
def test_a_damaged_canvas_is_an_error_of_ours_or_a_workflow(nodes, links):
    try:
        assert isinstance(to_api_format({"nodes": nodes, "links": links}, NODES), dict)
    except BadWorkflow as error:
        assert "save it again" in str(error)

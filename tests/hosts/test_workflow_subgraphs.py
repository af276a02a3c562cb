"""Subgraphs of workflows in UI format 0.4 and 1 are unfolded as the frontend does it when it queues."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.workflow_nodes import NODES

from hemline.hosts.headless_context import headless_context
from hemline.hosts.workflow import load_workflow, run_workflow
from hemline.hosts.workflow_ui import to_api_format
from hemline.tensors import BadWorkflow

KIND = "916dff42-6166-4d45-b028-04eaf69fbb35"
OUTER = "27c1e1f0-3d0f-4d55-9a63-0d1a1d4d2b10"


def node(id: Any, type: str, inputs: Any = (), outputs: Any = ("MASK",), **more: Any) -> dict[str, Any]:
    """A node; inputs: (name, type, link), a widget's where the type is written small."""
    ports = [
        {"name": name, "type": kind.upper(), "link": link, **({"widget": {"name": name}} if kind.islower() else {})}
        for name, kind, link in inputs
    ]
    return {"id": id, "type": type, "mode": 0, "inputs": ports, "outputs": [{"type": kind} for kind in outputs], **more}


def link(id: int, origin: Any, slot: int, target: Any, target_slot: int, type: str = "MASK") -> dict[str, Any]:
    return {"id": id, "origin_id": origin, "origin_slot": slot, "target_id": target, "target_slot": target_slot,
            "type": type}  # fmt: skip


def subgraph(id: str, name: str, nodes: Any, links: Any, inputs: Any, outputs: Any) -> dict[str, Any]:
    """A definition; inputs, outputs: (name, type, link ids)."""
    slots = [[{"name": n, "type": t, "linkIds": [*ids]} for n, t, ids in side] for side in (inputs, outputs)]
    return {
        "id": id, "version": 1, "name": name, "inputNode": {"id": -10}, "outputNode": {"id": -20}, "inputs": slots[0],
        "outputs": slots[1], "nodes": [*nodes], "links": [*links], "state": {"lastNodeId": 20},
    }  # fmt: skip


def join(value_link: int = 32, **more: Any) -> dict[str, Any]:
    """Two masks multiplied: what comes in, and one of a value that is promoted."""
    made = node(11, "TestMask", [("value", "float", value_link)], widgets_values=[8, 0.25, "flat", False, "in"])
    joined = node(12, "TestJoin", [("first", "MASK", 31), ("second", "MASK", 33)])
    links = [link(31, -10, 0, 12, 0), link(32, -10, 1, 11, 0, "FLOAT"), link(33, 11, 0, 12, 1), link(34, 12, 0, -20, 0)]
    return subgraph(KIND, "Join", [made, joined], links, [("mask", "MASK", [31]), ("value", "FLOAT", [32])],
                    [("MASK", "MASK", [34])]) | more  # fmt: skip


SOURCE = node(1, "TestMask", widgets_values=[8, 0.5, "flat", False, "out"], outputs=("MASK", "STRING"))
SHOW = node(9, "TestShow", [("mask", "MASK", 2)], outputs=())
INSTANCE = node(5, KIND, [("mask", "MASK", 1), ("value", "float", None)], widgets_values=[0.75], title="Join")
LINKS = [link(1, 1, 0, 5, 0), link(2, 5, 0, 9, 0)]


def workflow(*nodes: Any, links: Any = LINKS, subgraphs: Any = None, **more: Any) -> dict[str, Any]:
    definitions = {"subgraphs": [join()] if subgraphs is None else subgraphs}
    return {"version": 1, "state": {"lastNodeId": 20}, "nodes": [*nodes], "links": [*links],
            "definitions": definitions, **more}  # fmt: skip


def api(*nodes: Any, **more: Any) -> dict[str, Any]:
    return to_api_format(workflow(*nodes, **more), NODES)


def test_inner_nodes_get_the_path_to_them_as_id_and_what_is_connected_outside():
    flow = api(SOURCE, INSTANCE, SHOW)
    assert list(flow) == ["1", "5:11", "5:12", "9"]
    assert flow["5:12"]["inputs"] == {"first": ["1", 0], "second": ["5:11", 0]}
    assert flow["9"]["inputs"] == {"mask": ["5:12", 0]}


def test_links_as_lists_in_the_workflow_of_format_0_4():
    lists = [[1, 1, 0, 5, 0, "MASK"], [2, 5, 0, 9, 0, "MASK"]]
    assert api(SOURCE, INSTANCE, SHOW, links=lists, version=0.4) == api(SOURCE, INSTANCE, SHOW)


def test_a_promoted_widget_says_its_value_and_else_the_one_inside_holds():
    assert api(SOURCE, INSTANCE, SHOW)["5:11"]["inputs"]["value"] == 0.75
    assert api(SOURCE, INSTANCE | {"widgets_values": []}, SHOW)["5:11"]["inputs"]["value"] == 0.25


def test_each_node_of_a_subgraph_has_its_own_values():
    other = node(6, KIND, [("mask", "MASK", 3)], widgets_values=[0.125])
    flow = api(SOURCE, INSTANCE, other, SHOW, links=[link(1, 1, 0, 5, 0), link(3, 5, 0, 6, 0), link(2, 6, 0, 9, 0)])
    assert [flow[f"{id}:11"]["inputs"]["value"] for id in (5, 6)] == [0.75, 0.125]
    assert flow["6:12"]["inputs"]["first"] == ["5:12", 0]


def test_a_subgraph_inside_a_subgraph_hands_values_and_links_through():
    inner = node(21, KIND, [("mask", "MASK", 41), ("value", "float", 42)], widgets_values=[0.9])
    links = [link(41, -10, 0, 21, 0), link(42, -10, 1, 21, 1), link(43, 21, 0, -20, 0)]
    outer = subgraph(OUTER, "Outer", [inner], links, [("mask", "MASK", [41]), ("value", "FLOAT", [42])],
                     [("MASK", "MASK", [43])])  # fmt: skip
    host = node(5, OUTER, [("mask", "MASK", 1)])
    flow = api(SOURCE, host, SHOW, subgraphs=[outer, join()])
    assert flow["5:21:12"]["inputs"]["first"] == ["1", 0] and flow["9"]["inputs"]["mask"] == ["5:21:12", 0]
    assert flow["5:21:11"]["inputs"]["value"] == 0.9
    flow = api(SOURCE, host | {"widgets_values": [0.1]}, SHOW, subgraphs=[outer, join()])
    assert flow["5:21:11"]["inputs"]["value"] == 0.1
    kept_inside = outer | {"definitions": {"subgraphs": [join()]}}
    assert api(SOURCE, host | {"widgets_values": [0.1]}, SHOW, subgraphs=[kept_inside]) == flow


def test_a_bypassed_subgraph_hands_its_mask_on_and_a_muted_one_nothing():
    assert api(SOURCE, INSTANCE | {"mode": 4}, SHOW)["9"]["inputs"] == {"mask": ["1", 0]}
    assert api(SOURCE, INSTANCE | {"mode": 2}, SHOW)["9"]["inputs"] == {}
    assert list(api(SOURCE, INSTANCE | {"mode": 2}, SHOW)) == ["1", "9"]


def test_what_goes_straight_through_a_subgraph_comes_out():
    straight = subgraph(
        KIND, "Wire", [], [link(31, -10, 0, -20, 0)], [("mask", "MASK", [31])], [("MASK", "MASK", [31])]
    )
    assert api(SOURCE, INSTANCE, SHOW, subgraphs=[straight])["9"]["inputs"] == {"mask": ["1", 0]}


def test_widgets_listed_by_older_frontends():
    listed = INSTANCE | {"properties": {"proxyWidgets": [["11", "size"], ["11", "value"], ["12", "$$preview"]]}}
    inputs = api(SOURCE, listed | {"widgets_values": [16, 0.6]}, SHOW)["5:11"]["inputs"]
    assert (inputs["size"], inputs["value"]) == (16, 0.6)
    inputs = api(SOURCE, listed | {"widgets_values": []}, SHOW)["5:11"]["inputs"]
    assert (inputs["size"], inputs["value"]) == (8, 0.25)


def test_an_id_that_is_already_taken_becomes_the_next_free_one():
    taken = SOURCE | {"id": 11}
    flow = api(taken, INSTANCE, SHOW, links=[link(1, 11, 0, 5, 0), link(2, 5, 0, 9, 0)])
    assert list(flow) == ["11", "5:21", "5:12", "9"]
    assert flow["5:12"]["inputs"] == {"first": ["11", 0], "second": ["5:21", 0]}


def test_ids_may_be_texts_and_links_may_be_missing():
    assert list(api(SOURCE | {"id": "a"}, links=[])) == ["a"]
    assert list(to_api_format({"nodes": [SOURCE], "version": 1}, NODES)) == ["1"]


def test_a_file_with_subgraphs_runs(tmp_path):
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(workflow(SOURCE, INSTANCE, SHOW)))
    results = run_workflow(load_workflow(path, NODES), NODES, headless_context(tmp_path / "out", device="cpu"))
    assert results["9"].text == ("0.375",)


def test_a_subgraph_that_contains_itself_is_told():
    again = join()
    again["nodes"] = [*again["nodes"], node(13, KIND)]
    with pytest.raises(BadWorkflow, match=r"subgraph 'Join' contains itself, as node 5:13; delete"):
        api(SOURCE, INSTANCE, SHOW, subgraphs=[again])


def test_a_subgraph_that_is_not_in_the_file_is_told():
    with pytest.raises(BadWorkflow, match=r"node 5 \(Join\) is a subgraph that the file does not hold; open it"):
        api(SOURCE, INSTANCE, SHOW, subgraphs=[])


def test_a_group_node_of_an_older_frontend_is_told():
    with pytest.raises(BadWorkflow, match=r"node 5 \(workflow>Try-on\) is a group node .* convert it to a subgraph"):
        api(node(5, "workflow>Try-on"), links=[])


ENTRIES = st.recursive(
    st.none() | st.integers(-21, 3) | st.sampled_from([KIND, "TestJoin", "Reroute", "mask"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "mode", "link", "inputs", "name", "nodes", "links", "linkIds", "properties",
                             "proxyWidgets", "widgets_values", "origin_id", "origin_slot"]), inner,
        )
    ),
    max_leaves=30,
)  # fmt: skip


@given(nodes=st.lists(ENTRIES, max_size=3), inner=st.lists(ENTRIES, max_size=3), links=st.lists(ENTRIES, max_size=3))
def test_a_damaged_subgraph_is_an_error_of_ours_or_a_workflow(nodes, inner, links):
    definition = {"id": KIND, "nodes": inner, "links": links, "inputs": links, "outputs": nodes}
    try:
        flow = to_api_format({"nodes": nodes, "links": links, "definitions": {"subgraphs": [definition]}}, NODES)
        assert isinstance(flow, dict)
    except BadWorkflow as error:
        assert ";" in str(error)

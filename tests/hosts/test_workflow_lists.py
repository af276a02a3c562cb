"""Lists between nodes: what follows a list runs once per item, what takes a list runs once; without and in ComfyUI."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from support.fake_comfyui import Host
from support.workflow_nodes import NODES, RAN, entry

from hemline.context import Context
from hemline.hosts.headless_context import headless_context
from hemline.hosts.workflow import run_workflow
from hemline.tensors import BadWorkflow

CHAIN = {
    "1": entry("TestMask", value=0.6, size=2),
    "2": entry("TestSplit", mask=["1", 0]),
    "3": entry("TestJoin", first=["2", 0], second=["1", 0]),
    "4": entry("TestGather", masks=["3", 0], name=["2", 1]),
    "5": entry("TestShow", mask=["2", 0]),
}


@pytest.fixture
def context(tmp_path) -> Context:
    RAN.clear()
    return headless_context(tmp_path / "out", device="cpu", input_folder=tmp_path)


def test_what_follows_a_list_runs_once_per_item_and_what_takes_a_list_once(context):
    results = run_workflow(CHAIN, NODES, context)
    assert RAN == ["mask", "join", "join", "join", "gather 3 part 0", "show", "show", "show"]
    assert torch.allclose(results["4"].outputs[0], torch.full((1, 2, 2), 0.36 * (1 + 1 / 2 + 1 / 3)))


def test_results_of_several_runs_come_as_lists_of_their_items(context):
    results = run_workflow(CHAIN, NODES, context)
    assert [len(results[id].outputs[0]) for id in ("2", "3")] == [3, 3]
    assert results["2"].outputs[1] == ["part 0", "part 1", "part 2"]
    assert results["5"].text == ("0.600", "0.300", "0.200")


def test_a_shorter_list_repeats_its_last_item(context):
    workflow = {
        **CHAIN,
        "6": entry("TestSplit", mask=["1", 0], count=2),
        "3": entry("TestJoin", first=["2", 0], second=["6", 0]),
    }
    results = run_workflow(workflow, NODES, context)
    values = [float(mask[0, 0, 0]) for mask in results["3"].outputs[0]]
    assert values == pytest.approx([0.36, 0.6 / 2 * 0.3, 0.6 / 3 * 0.3])


def test_a_list_of_one_gives_single_results_behind_it(context):
    workflow = {**CHAIN, "2": entry("TestSplit", mask=["1", 0], count=1)}
    results = run_workflow(workflow, NODES, context)
    assert isinstance(results["3"].outputs[0], torch.Tensor) and len(results["2"].outputs[0]) == 1


def test_what_is_not_given_fails_where_it_is_used_with_the_reason(context):
    assert run_workflow({**CHAIN}, NODES, context)
    with pytest.raises(BadWorkflow, match=r"Node 6 \(TestShow\): .*'mask': nothing is left"):
        run_workflow({**CHAIN, "6": entry("TestShow", mask=["2", 2])}, NODES, context)


def test_a_cancel_is_heard_between_the_items(context):
    calls = []

    def check() -> None:
        calls.append(len(RAN))
        if RAN.count("join") == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_workflow(CHAIN, NODES, replace(context, check_cancelled=check))
    assert RAN.count("join") == 2


def test_the_workflow_that_runs_is_in_the_contexts_notes(context):
    assert "prompt" not in context.notes
    seen: list[str] = []

    def look(*, context: Context) -> tuple[()]:
        seen.append(context.notes["prompt"])
        return ()

    record = replace(NODES["TestShort"], function=look, outputs=())
    run_workflow({"1": entry("TestShort")}, {"TestShort": record}, context)
    assert seen == ['{"1": {"class_type": "TestShort", "inputs": {}}}']


@pytest.fixture
def listing(host: Host) -> Host:
    """A host that also has the list nodes of this test, made into the host's classes by the pack itself."""
    assert host.pack is not None
    name = host.pack.__name__
    adapter, spec = sys.modules[f"{name}.hosts.comfyui"], sys.modules[f"{name}.nodes.spec"]

    def split(mask: Any, count: int = 3) -> Any:
        return [mask / (n + 1) for n in range(count)], spec.NotGiven("nothing is left")

    def gather(masks: Any, offset: float = 0.0, *, context: Any) -> Any:
        RAN.append(context.notes.get("prompt", ""))
        return sum(masks) + offset

    mask, number = spec.Port("mask", "MASK"), {"minimum": 0, "maximum": 9, "step": 1}
    records = [
        spec.Node(
            "TestSplit", "Split", "test", "Splits.", (mask, spec.Port("count", "INT", default=3, **number)),
            (spec.Port("masks", "MASK", is_list=True), spec.Port("rest", "MASK")), split,
        ),
        spec.Node(
            "TestGather", "Gather", "test", "Adds.",
            (spec.Port("masks", "MASK", is_list=True), spec.Port("offset", "FLOAT", default=0.0, **number)),
            (spec.Port("mask", "MASK"),), gather, is_output=True,
        ),
    ]  # fmt: skip
    make = adapter.v1_class if host.version == "V1" else adapter.v3_class
    host.add({record.id: make(record) for record in records})
    return host


def prompt_of(host: Host, rest_to: str) -> dict[str, Any]:
    source = {"class_type": "TestSource", "inputs": {}}

    class TestSource:
        CATEGORY, FUNCTION, RETURN_TYPES = "test", "run", ("MASK",)

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {}}

        def run(self) -> tuple[torch.Tensor]:
            return (torch.full((1, 2, 2), 0.6),)

    host.add({"TestSource": TestSource})
    return {
        "1": source,
        "2": {"class_type": "TestSplit", "inputs": {"mask": ["1", 0], "count": 3}},
        "3": {"class_type": "TestGather", "inputs": {"masks": ["2", 0], "offset": 1.0}},
        "4": {"class_type": "TestGather", "inputs": {"masks": ["2", 1], "offset": 0.0}} if rest_to else source,
    }


def test_in_comfyui_a_list_goes_whole_to_the_node_that_takes_it(listing: Host) -> None:
    RAN.clear()
    run = listing.run(prompt_of(listing, rest_to=""))
    assert run.ok, run.error
    assert torch.allclose(run.output("3"), torch.full((1, 2, 2), 1 + 0.6 * (1 + 1 / 2 + 1 / 3)))
    assert "TestGather" in RAN[0], "an output node is told the workflow, though it takes lists"
    info = listing.object_info()
    assert info["TestSplit"]["output_is_list"] == [True, False] and info["TestGather"]["is_input_list"]


def test_in_comfyui_what_is_not_given_blocks_what_follows_with_the_reason(listing: Host) -> None:
    run = listing.run(prompt_of(listing, rest_to="4"))
    assert run.blocked == {"4": "nothing is left"} and run.ok

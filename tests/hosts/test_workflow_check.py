"""Workflows that cannot run: every fault is told, at once and in plain words, before anything runs."""

from __future__ import annotations

import pytest
from support.workflow_nodes import NODES, RAN, entry, good

from hemline.context import Context
from hemline.hosts.headless_context import headless_context
from hemline.hosts.workflow import run_workflow
from hemline.tensors import BadWorkflow


@pytest.fixture
def context(tmp_path) -> Context:
    RAN.clear()
    return headless_context(tmp_path / "out", device="cpu", input_folder=tmp_path)


def problems(workflow, context) -> list[str]:
    with pytest.raises(BadWorkflow) as caught:
        run_workflow(workflow, NODES, context)
    assert RAN == [], "nothing runs before everything is checked"
    return str(caught.value).splitlines()


BAD_INPUTS = {
    "unknown class": (
        {"1": entry("TestMsk")},
        "The class of node 1 (TestMsk), 'TestMsk', is not known. Did you mean 'TestMask'?",
    ),
    "missing link": (
        {"4": entry("TestShow")},
        "Input 'mask' of node 4 (TestShow) is missing; give a link",
    ),
    "null link": (
        {"4": entry("TestShow", mask=None)},
        "Input 'mask' of node 4 (TestShow) is missing; give a link",
    ),
    "missing value": (
        {"1": entry("LoadImage"), "4": entry("PreviewImage", images=["1", 0])},
        "Input 'image' of node 1 (LoadImage) is missing; give a value.",
    ),
    "unknown input": (
        {"1": entry("TestMask", valve=1)},
        "Node 1 (TestMask) has no input 'valve'. Did you mean 'value'? Known: size, value, mode, flip, text.",
    ),
    "missing node": (
        {"3": entry("TestJoin", first=["7", 0])},
        "Input 'first' of node 3 (TestJoin) is linked to node 7, which is not in the workflow.",
    ),
    "missing slot": (
        {"3": entry("TestJoin", first=["1", 2])},
        "Input 'first' of node 3 (TestJoin) is linked to output 2 of node 1 (Coat), which has 2 (from 0).",
    ),
    "negative slot": (
        {"3": entry("TestJoin", first=["1", -1])},
        "Input 'first' of node 3 (TestJoin) is linked to output -1 of",
    ),
    "link type": (
        {"3": entry("TestJoin", first=["1", 1])},
        "Input 'first' of node 3 (TestJoin) wants MASK but is linked to output 1 of node 1 (Coat), which gives STRING.",
    ),
    "widget link type": (
        {"1": entry("TestMask", size=["2", 1])},
        "Input 'size' of node 1 (TestMask) wants INT but is linked",
    ),
    "no link": (
        {"3": entry("TestJoin", first="1")},
        "Input 'first' of node 3 (TestJoin) is '1'; give a link",
    ),
    "list": (
        {"1": entry("TestMask", size=[1, 2, 3])},
        "Input 'size' of node 1 (TestMask) is [1, 2, 3]; give a link",
    ),
    "text for int": (
        {"1": entry("TestMask", size="8")},
        "Input 'size' of node 1 (TestMask) is '8'; give a whole number.",
    ),
    "float for int": (
        {"1": entry("TestMask", size=8.5)},
        "Input 'size' of node 1 (TestMask) is 8.5; give a whole number.",
    ),
    "bool for int": (
        {"1": entry("TestMask", size=True)},
        "Input 'size' of node 1 (TestMask) is True; give a whole number.",
    ),
    "int range": (
        {"1": entry("TestMask", size=65)},
        "Input 'size' of node 1 (TestMask) is 65; give a whole number from 1 to 64.",
    ),
    "float range": (
        {"1": entry("TestMask", value=-0.5)},
        "Input 'value' of node 1 (TestMask) is -0.5; give a number from 0 to 1.",
    ),
    "nan": (
        {"1": entry("TestMask", value=float("nan"))},
        "Input 'value' of node 1 (TestMask) is nan; give a number.",
    ),
    "endless int": (
        {"1": entry("TestMask", value=10**400)},
        "give a number from 0 to 1.",
    ),
    "text for bool": (
        {"1": entry("TestMask", flip="true")},
        "Input 'flip' of node 1 (TestMask) is 'true'; give true or false.",
    ),
    "number for text": (
        {"1": entry("TestMask", text=3)},
        "Input 'text' of node 1 (TestMask) is 3; give a text.",
    ),
    "object for text": (
        {"1": entry("TestMask", text={})},
        "Input 'text' of node 1 (TestMask) is {}; give a text.",
    ),
    "option": (
        {"1": entry("TestMask", mode="slop")},
        "Input 'mode' of node 1 (TestMask) is 'slop', which is no option. Did you mean 'slope'? Known: flat, slope.",
    ),
    "no node": (
        {"1": 5},
        "Entry '1' is no node;",
    ),
    "no class": (
        {"1": {"inputs": {}}},
        "Entry '1' is no node;",
    ),
    "class is no text": (
        {"1": {"class_type": ["x"]}},
        "Entry '1' is no node;",
    ),
    "inputs are no object": (
        {"1": {"class_type": "TestMask", "inputs": []}},
        "The inputs of node 1 (TestMask) are no object;",
    ),
    "inputs are null": (
        {"1": {"class_type": "TestMask", "inputs": None}},
        "The inputs of node 1 (TestMask) are no object;",
    ),
}


@pytest.mark.parametrize("change, message", BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_each_fault_is_told_in_one_line(change, message, context):
    lines = problems({**good(), **change}, context)
    assert any(message in line for line in lines), lines
    # An ill-formed node 1 also leaves the link to it without a target.
    assert len(lines) == (2 if message.startswith(("Entry", "The inputs")) else 1), lines


def test_all_faults_are_told_at_once(context):
    lines = problems({
        "1": entry("TestMask", size=0, mode="slop", colour=1),
        "2": entry("Nonsense"),
        "3": entry("TestJoin", first=["1", 1], second=["8", 0]),
        "4": entry("TestShow", mask=["3", 0]),
    }, context)  # fmt: skip
    assert len(lines) == 6
    assert all(line.endswith(".") for line in lines)


def test_a_circle_names_its_nodes(context):
    workflow = {"1": entry("TestLoop", mask=["2", 0]), "2": entry("TestJoin", first=["3", 0]),
                "3": entry("TestJoin", first=["1", 0])}  # fmt: skip
    assert problems(workflow, context) == ["These nodes feed each other in a circle: 1 -> 2 -> 3 -> 1."]
    assert problems({"1": entry("TestLoop", mask=["1", 0])}, context) == [
        "These nodes feed each other in a circle: 1 -> 1."
    ]


def test_a_workflow_without_output_node_is_refused(context):
    (line,) = problems({"1": entry("TestMask")}, context)
    assert "no output node" in line

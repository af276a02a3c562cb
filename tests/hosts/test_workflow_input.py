"""Reading workflow files, and setting their inputs from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from support.workflow_nodes import NODES, entry

from hemline.hosts.files import FolderStore
from hemline.hosts.headless_context import headless_context
from hemline.hosts.workflow import apply_inputs, load_workflow, run_workflow
from hemline.tensors import BadFile, BadWorkflow


def labelled():
    return {"1": entry("TestMask", "Coat"), "2": entry("TestMask"), "4": entry("TestShow", mask=["1", 0])}


# --- reading ---------------------------------------------------------------------------------------------------------


def test_an_empty_canvas_is_told(tmp_path):
    path = tmp_path / "ui.json"
    path.write_text(json.dumps({"version": 0.4, "nodes": [], "links": []}))
    with pytest.raises(BadWorkflow, match=r"ui\.json is empty"):
        load_workflow(path, NODES)


@pytest.mark.parametrize("data, message", [
    (b"", "is empty"), (b" \n", "is empty"), (b"{}", "is empty"), (b"{", "is no JSON (line 1, column 2"),
    (b"[]", "is no JSON object"), (b"3", "is no JSON object"), (b"null", "is no JSON object"),
    (b"\x89PNG\r\n\x1a\n\x00\xff", "is no JSON text"), (b"[" * 100_000, "cannot be read as JSON"),
    (b'{"1": ' + b"9" * 5000 + b"}", ""),
])  # fmt: skip
def test_a_file_that_is_no_workflow_is_told_in_one_line(data, message, tmp_path):
    path = tmp_path / "flow.json"
    path.write_bytes(data)
    try:
        load_workflow(path, NODES)
    except BadWorkflow as error:
        assert message in str(error)
        assert "\n" not in str(error)
    else:
        assert message == ""  # only Python 3.11 and newer refuse to read thousands of digits


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_workflow_file_that_cannot_be_read_is_a_bad_file(name, tmp_path):
    with pytest.raises(BadFile, match="cannot be read"):
        load_workflow(tmp_path / name, NODES)


def test_a_workflow_file_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "flow.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(labelled()).encode())
    assert load_workflow(path, NODES) == labelled()


# --- changing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("assignment, key, name, value", [
    ("1.size=16", "1", "size", 16),
    ("1.value=1", "1", "value", 1.0),
    ("1.value=2.5e-1", "1", "value", 0.25),
    ("1.flip=true", "1", "flip", True),
    ("1.flip=Off", "1", "flip", False),
    ("1.text=a=b.c", "1", "text", "a=b.c"),
    ("1.text=", "1", "text", ""),
    ("1.text=7", "1", "text", "7"),
    ("1.mode=slope", "1", "mode", "slope"),
    ("Coat.size=3", "1", "size", 3),
    ("Coat v1.2.size=3", "2", "size", 3),
    ("LoadImage.image=C:\\photos\\a b.jpg", "3", "image", "C:\\photos\\a b.jpg"),
])  # fmt: skip
def test_inputs_are_read_by_the_ports_type(assignment, key, name, value):
    workflow = {"1": entry("TestMask", "Coat"), "2": entry("TestMask", "Coat v1.2"), "3": entry("LoadImage")}
    changed = apply_inputs(workflow, [assignment], NODES)
    got = changed[key]["inputs"][name]
    assert (got, type(got)) == (value, type(value))
    assert workflow["1"]["inputs"] == {}, "the given workflow stays as it is"


def test_a_value_replaces_a_link():
    workflow = {"1": entry("TestMask", text=["9", 1])}
    assert apply_inputs(workflow, ["1.text=x"], NODES)["1"]["inputs"]["text"] == "x"


@pytest.mark.parametrize("assignment, message", [
    ("1.size=big", "Input 'size' of 1 is 'big'; give a whole number."),
    ("1.size=1.5", "Input 'size' of 1 is '1.5'; give a whole number."),
    ("1.size=99", "Input 'size' of 1 is 99; give a whole number from 1 to 64."),
    ("1.value=nan", "Input 'value' of 1 is nan; give a number."),
    ("1.flip=maybe", "Input 'flip' of 1 is 'maybe'; give true or false."),
    ("1.mode=flet", "Input 'mode' of 1 is 'flet', which is no option. Did you mean 'flat'?"),
    ("1.sice=3", "TestMask has no input 'sice'. Did you mean 'size'?"),
    ("4.mask=3", "Input 'mask' of TestShow takes a link to a node that gives MASK."),
    ("TestMask.size=3", "'TestMask' is the name of the nodes 1, 2; write one of these ids."),
    ("Cote.size=3", "The workflow has no node 'Cote'. Did you mean 'Coat'?"),
    ("size=3", "'size=3' is no assignment; write NODE.INPUT=VALUE"),
    ("1.size", "'1.size' is no assignment"),
    ("", "'' is no assignment"),
])  # fmt: skip
def test_a_wrong_assignment_is_told(assignment, message):
    with pytest.raises(BadWorkflow) as caught:
        apply_inputs(labelled(), [assignment], NODES)
    assert message in str(caught.value)


def test_all_wrong_assignments_are_told_at_once():
    with pytest.raises(BadWorkflow) as caught:
        apply_inputs(labelled(), ["1.size=0", "9.size=1", "1.text=fine"], NODES)
    assert len(str(caught.value).splitlines()) == 2


def test_assigning_survives_ill_formed_nodes():
    workflow = {
        "1": entry("TestMask"),
        "2": 5,
        "3": {"class_type": ["x"]},
        "4": {"class_type": "TestMask", "inputs": []},
    }
    apply_inputs(workflow, ["1.size=3", "4.size=3"], NODES)


def test_a_given_file_is_saved_with_the_workflow_in_it(tmp_path):
    from PIL import Image

    elsewhere = FolderStore(tmp_path / "photos").save_image("coat", torch.rand(3, 5, 3))
    workflow = {"1": entry("LoadImage", image="x.png"), "2": entry("SaveImage", images=["1", 0], filename_prefix="a/b")}
    workflow = apply_inputs(workflow, [f"1.image={elsewhere}"], NODES)
    context = headless_context(tmp_path / "out", device="cpu", input_folder=tmp_path, given_files=[str(elsewhere)])
    (path,) = run_workflow(workflow, NODES, context)["2"].text
    assert Path(path) == tmp_path / "out" / "a" / "b_00001_.png"
    with Image.open(path) as saved:
        assert json.loads(saved.info["prompt"]) == workflow

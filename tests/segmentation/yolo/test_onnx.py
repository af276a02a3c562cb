"""YOLOs exported to ONNX: run by onnxruntime, after a look at the graph that lets nothing foreign through."""

from __future__ import annotations

import importlib.util

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.onnx_files import BOX, NAMES, TOLD, field, node, tensor, yolo_onnx

from hemline.errors import BadFile, HemlineError, MissingModel
from hemline.segmentation.yolo.detect import detect_with_yolo
from hemline.segmentation.yolo.loader import load_yolo
from hemline.segmentation.yolo.onnx_graph import check_graph

RED = torch.zeros(1, 64, 96, 3)
RED[..., 0] = 0.75


@pytest.fixture
def saved(tmp_path):
    def save(content: bytes):
        path = tmp_path / "model.onnx"
        path.write_bytes(content)
        return path

    return save


def needs_runtime() -> None:
    pytest.importorskip("onnxruntime", reason="it runs ONNX models (pip install onnxruntime)")


@pytest.mark.parametrize("end_to_end", [False, True])
@pytest.mark.parametrize("sides", [("batch", 3, "height", "width"), (1, 3, 64, 96), (2, 3, 64, 96)])
def test_what_the_metadata_says_is_known_and_what_the_network_sees_found(saved, sides, end_to_end):
    needs_runtime()
    model = load_yolo(saved(yolo_onnx(sides=sides, end_to_end=end_to_end)))
    assert (model.names, model.task, model.stride, model.long_side) == (NAMES, "segment", 32, 96)
    assert model.frame == (None if sides[2] == "height" else (64, 96)) and model.end_to_end == end_to_end
    found, _ = detect_with_yolo(RED.repeat(3, 1, 1, 1), model)
    assert [(item.image, item.label, item.native_label) for item in found.items] == [
        (index, "upper", "vest") for index in range(3)
    ]
    centre_x, centre_y, width, height = BOX
    corners = (centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2)
    for item in found.items:
        assert item.box == pytest.approx(corners) and item.score == pytest.approx(0.75, abs=1 / 255)
        assert item.mask[30, 40] > 0.99 and item.mask[5, 5] == 0


def test_it_moves_by_moving_what_goes_in_and_out(saved):
    needs_runtime()
    model = load_yolo(saved(yolo_onnx())).to(torch.device("cpu"), torch.float16)
    found, _ = detect_with_yolo(RED, model)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({**TOLD, "task": "pose"}, "'pose'"),
        ({}, "task is ''"),
        ({**TOLD, "names": "__import__('os').system('true')"}, "no names that can be read"),
        ({**TOLD, "names": "[" * 5000}, "no names that can be read"),
        ({**TOLD, "names": "{}"}, "no names for its classes"),
        ({**TOLD, "names": "{0: 1}"}, "no names for its classes"),
        ({**TOLD, "names": "{1: 'a', 2: 'b'}"}, "no names for its classes"),
        ({**TOLD, "stride": "0"}, "no stride"),
        ({**TOLD, "stride": "'32'"}, "no stride"),
        ({**TOLD, "imgsz": "[1e9]"}, "no imgsz"),
        ({**TOLD, "imgsz": "[]"}, "no size"),
    ],
)
def test_metadata_that_says_nothing_of_use_is_refused(saved, told, reason):
    needs_runtime()
    with pytest.raises(BadFile, match=reason):
        load_yolo(saved(yolo_onnx(told)))


OUTSIDE = tensor("weight", [3, 9], [], more=field(13, field(1, "location") + field(2, "../secret")) + field(14, 1))
HOSTILE = {
    "numbers in another file": yolo_onnx(weights=OUTSIDE),
    "the place alone": yolo_onnx(weights=tensor("weight", [3, 9], [], more=field(14, 1))),
    "numbers in another file, in a branch": yolo_onnx(
        nodes=[node("If", ["x"], "y", field(1, "then_branch") + field(6, field(5, OUTSIDE)))]
    ),
    "numbers in another file, of a constant": yolo_onnx(
        nodes=[node("Constant", [], "y", field(1, "value") + field(5, OUTSIDE))]
    ),
    "an operator of a stranger": yolo_onnx(nodes=[node("Shell", ["images"], "y", domain="evil.ops")]),
    "operators of a stranger": yolo_onnx(operators=[field(1, "com.evil") + field(2, 1)]),
    "a function of a stranger": yolo_onnx() + field(25, field(7, node("Shell", [], "y", domain="evil.ops"))),
    "a graph in a graph without end": yolo_onnx(nodes=[b""])
    + field(7, b"") + field(7, __import__("functools").reduce(
        lambda inner, _: field(1, field(5, field(6, inner))), range(60), b"")),
    "an end in the middle": yolo_onnx()[:-7],
    "no message": b"\x08\x08" + bytes(range(255)),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_graphs_are_refused_before_the_runtime_sees_them(name):
    with pytest.raises(BadFile):
        check_graph(HOSTILE[name])


def test_a_plain_graph_passes():
    check_graph(yolo_onnx())


@given(st.binary(max_size=200), st.integers(0, 2000))
def test_any_bytes_are_an_answer_or_an_error_of_ours(junk, place):
    whole = yolo_onnx()
    for content in (junk, whole[:place] + junk + whole[place:]):
        try:
            check_graph(content)
        except HemlineError:
            pass


def test_an_operator_that_does_not_exist_is_refused_by_the_runtime(saved):
    needs_runtime()
    with pytest.raises(BadFile, match="onnxruntime does not take it"):
        load_yolo(saved(yolo_onnx(nodes=[node("NoSuchThing", ["images"], "y")])))


def test_without_the_runtime_the_remedy_is_told(saved, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingModel, match="pip install onnxruntime"):
        load_yolo(saved(yolo_onnx()))

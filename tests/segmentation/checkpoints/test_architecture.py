"""Only what ultralytics' published models use may be built."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pickles import ARCHITECTURE, Named

from hemline.errors import BadFile
from hemline.segmentation.checkpoints.architecture import ACTIVATIONS, LAYERS, check_architecture
from hemline.segmentation.checkpoints.records import Record


def changed(**changes: object) -> dict[str, object]:
    return {**ARCHITECTURE, **changes}


def row(layer: object = "Conv", arguments: object = (64, 3, 2), source: object = -1, repeats: object = 1) -> dict:
    return changed(backbone=[[source, repeats, layer, list(arguments) if isinstance(arguments, tuple) else arguments]])


def test_a_good_text_comes_back_as_it_is():
    assert check_architecture(ARCHITECTURE) == ARCHITECTURE


def test_what_ultralytics_does_not_build_from_is_dropped():
    assert check_architecture(changed(yaml_file="C:/Users/x/yolov8n.yaml", text_model=Record(None))) == ARCHITECTURE


def test_the_copy_is_a_copy():
    given_ = changed(backbone=[list(layer) for layer in ARCHITECTURE["backbone"]])
    clean = check_architecture(given_)
    clean["backbone"][0][3].append(5)
    assert given_["backbone"][0] == ARCHITECTURE["backbone"][0]


@pytest.mark.parametrize("activation", ["nn.SiLU()", "torch.nn.ReLU()", "nn.LeakyReLU(0.1)"])
def test_activations_of_the_table_pass(activation):
    assert check_architecture(changed(activation=activation))["activation"] == activation


@pytest.mark.parametrize(
    "activation",
    ["nn.SiLU", "nn.SiLU() ", "nn.SiLU();1", "torch.nn.Module()", "nn.SiLU().__class__", "lambda: 0", 7, ["nn.SiLU()"]],
)
def test_other_activations_are_refused(activation):
    with pytest.raises(BadFile, match="activation"):
        check_architecture(changed(activation=activation))


@given(st.text(max_size=40))
def test_no_other_text_is_an_activation_layer_or_argument(text):
    for build in (lambda: changed(activation=text), lambda: row(text), lambda: row(arguments=(64, text))):
        allowed = text in ACTIVATIONS or text in LAYERS or text in ("nc", "None", "True", "False", "")
        if not allowed:
            with pytest.raises(BadFile):
                check_architecture(build())


@pytest.mark.parametrize(
    "text",
    [
        row(source=0), row(source=-2), row(source=True), row(source=[]), row(source=[-1] * 17), row(repeats=0),
        row(repeats=65), row(repeats=1.0), row(arguments="64"), row(arguments=(2**20,)), row(arguments=(math.nan,)),
        row(arguments=(math.inf,)), row(arguments=({},)), row(arguments=([[[[1]]]],)), row(arguments=(1,) * 17),
        row(layer=None), row(layer=Record(Named("os", "system"))), changed(backbone=[]), changed(backbone="Conv"),
        changed(head=None), changed(head=[[-1, 1, "Conv"]]), changed(backbone=ARCHITECTURE["backbone"] * 100),
        changed(nc=0), changed(nc="3"), changed(nc=True), changed(scale="z"), changed(scale=["n"]),
        changed(scales={"n": [0.33, 0.25]}), changed(scales={"n": [0.33, math.nan, 1024]}),
        changed(scales={"n": [0.33, 0.25, 2**20]}), changed(depth_multiple=-1.0), changed(reg_max=10**6),
        changed(end2end="yes"), changed(kpt_shape=[17]), {}, [], None, "yolov8n.yaml",
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused(text):
    with pytest.raises(BadFile, match=r"^its architecture|^it holds"):
        check_architecture(text)

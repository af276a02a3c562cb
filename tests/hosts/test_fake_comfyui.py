"""The test host itself keeps ComfyUI's rules: shown on tiny nodes, V1 and V3."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support import fake_comfyui
from support.fake_comfyui import Host, comfyui
from support.given import add_test_nodes

V1_PACK = """
class Scale:
    CATEGORY, FUNCTION, RETURN_TYPES = "toy", "run", ("IMAGE", "INT")
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",), "factor": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 2.0}),
                             "mode": (["down", "up"], {"default": "up"})},
                "optional": {"other": ("IMAGE,MASK", {"lazy": True})},
                "hidden": {"own_id": "UNIQUE_ID"}}
    def check_lazy_status(self, factor, mode, image=None, other=None, **kwargs):
        return ["other"] if factor == 2.0 and other is None else []
    def run(self, image, factor, mode, other=None, own_id=None):
        seen = "nothing" if other is None else "other"
        return {"ui": {"text": [f"{own_id} {mode} {seen}"]}, "result": (image * factor, image.shape[0])}
class Refuse:
    CATEGORY, FUNCTION, RETURN_TYPES, OUTPUT_NODE = "toy", "run", (), True
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"number": ("INT", {"default": 1, "max": 3})}}
    @classmethod
    def VALIDATE_INPUTS(cls, number):
        return True if number != 7 else "seven is refused"
    def run(self, number):
        if number == 8:
            raise ValueError("eight does not work")
        return ()
NODE_CLASS_MAPPINGS = {"ToyScale": Scale, "ToyRefuse": Refuse}
NODE_DISPLAY_NAME_MAPPINGS = {"ToyScale": "Scale", "ToyRefuse": "Refuse"}
"""

V3_PACK = """
from comfy_api.latest import ComfyExtension, io, ui
class Scale(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="ToyScale", display_name="Scale", category="toy", inputs=[
            io.Image.Input("image"), io.Float.Input("factor", default=1.0, min=0.0, max=2.0),
            io.Combo.Input("mode", options=["down", "up"], default="up"),
            io.Custom("IMAGE,MASK").Input("other", optional=True, lazy=True)],
            outputs=[io.Image.Output("image"), io.Int.Output("count")], hidden=[io.Hidden.unique_id])
    @classmethod
    def check_lazy_status(cls, factor, mode, image=None, other=None):
        return ["other"] if factor == 2.0 and other is None else []
    @classmethod
    def execute(cls, image, factor, mode, other=None):
        seen = "nothing" if other is None else "other"
        text = ui.PreviewText(f"{cls.hidden.unique_id} {mode} {seen}")
        return io.NodeOutput(image * factor, image.shape[0], ui=text)
class Refuse(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="ToyRefuse", display_name="Refuse", category="toy", is_output_node=True,
                         inputs=[io.Int.Input("number", default=1, max=3)])
    @classmethod
    def validate_inputs(cls, number):
        return True if number != 7 else "seven is refused"
    @classmethod
    def execute(cls, number):
        if number == 8:
            raise ValueError("eight does not work")
class Toys(ComfyExtension):
    async def get_node_list(self):
        return [Scale, Refuse]
async def comfy_entrypoint():
    return Toys()
"""


@pytest.fixture(params=["V1", "V3"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    pack = tmp_path / "toy-pack.v1"
    pack.mkdir()
    (pack / "__init__.py").write_text(V1_PACK if request.param == "V1" else V3_PACK)
    with comfyui(tmp_path, request.param) as host:
        host.load_pack(pack)
        add_test_nodes(host, {"a": torch.ones(2, 4, 4, 3), "b": torch.zeros(1, 4, 4, 3)})
        yield host


def given(key: str) -> dict[str, Any]:
    return {"class_type": "GivenIMAGE", "inputs": {"key": key}}


def scale(**inputs: Any) -> dict[str, dict[str, Any]]:
    scaled = {"class_type": "ToyScale", "inputs": {"image": ["1", 0], "factor": 0.5, "mode": "up", **inputs}}
    keep = {"class_type": "Keep", "inputs": {"value": ["3", 0]}}
    return {"1": given("a"), "2": given("b"), "3": scaled, "4": keep}


def refuse(number: Any) -> dict[str, dict[str, Any]]:
    return {"1": {"class_type": "ToyRefuse", "inputs": {"number": number}}}


def test_nodes_run_in_the_order_of_their_wires(host: Host) -> None:
    run = host.run(scale())
    assert run.executed == ["1", "3", "4"]
    assert run.output("3").mean() == 0.5 and run.output("3", 1) == 2


def test_hidden_inputs_and_ui_text_arrive(host: Host) -> None:
    assert host.run(scale()).ui["3"]["text"] == ["3 up nothing"]


def test_lazy_input_runs_only_when_asked_for(host: Host) -> None:
    assert "2" not in host.run(scale(other=["2", 0])).executed
    assert host.run(scale(other=["2", 0], factor=2.0)).ui["3"]["text"] == ["3 up other"]


def test_second_run_executes_nothing_and_a_changed_widget_only_what_follows(host: Host) -> None:
    host.run(scale())
    assert host.run(scale()).executed == []
    assert host.run(scale(factor=0.25)).executed == ["3", "4"]


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [
        ({"factor": 3.0}, "value_bigger_than_max"),
        ({"factor": -1}, "value_smaller_than_min"),
        ({"factor": "much"}, "invalid_input_type"),
        ({"mode": "sideways"}, "value_not_in_list"),
        ({"image": ["3", 1]}, "return_type_mismatch"),
        ({"image": ["1"]}, "bad_linked_input"),
    ],
)
def test_wrong_inputs_are_refused_before_anything_runs(host: Host, inputs: dict[str, Any], fault: str) -> None:
    run = host.run(scale(**inputs))
    assert fault in run.verdict.types and not run.executed


def test_missing_required_input_is_refused(host: Host) -> None:
    prompt = scale()
    del prompt["3"]["inputs"]["image"]
    assert host.validate(prompt).types == {"required_input_missing"}


def test_union_type_accepts_each_member(host: Host) -> None:
    assert host.validate(scale(other=["2", 0])).ok


def test_unknown_node_is_refused_by_name(host: Host) -> None:
    assert "Nowhere" in host.validate({"1": {"class_type": "Nowhere", "inputs": {}}}).refusal


def test_cycle_is_refused(host: Host) -> None:
    assert "dependency_cycle" in host.validate(scale(image=["3", 0])).types


def test_own_validation_replaces_the_range_check_of_the_inputs_it_names(host: Host) -> None:
    assert host.validate(refuse(5)).ok
    assert host.validate(refuse(7)).types == {"custom_validation_failed"}


def test_an_error_is_reported_with_its_node_and_message(host: Host) -> None:
    error = host.run(refuse(8)).error
    assert error is not None and (error.node_id, error.message) == ("1", "eight does not work")


def test_a_list_output_maps_the_next_node_over_its_items(host: Host) -> None:
    class Pair:
        CATEGORY, FUNCTION, RETURN_TYPES, OUTPUT_IS_LIST = "toy", "run", ("FLOAT",), (True,)

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {}}

        def run(self) -> tuple[list[float]]:
            return ([0.25, 0.75],)

    host.add({"Pair": Pair})
    prompt = scale(factor=["5", 0]) | {"5": {"class_type": "Pair", "inputs": {}}}
    assert [float(image.mean()) for image in host.run(prompt).values["3"][0]] == [0.25, 0.75]


def test_interrupt_stops_at_the_running_node_and_the_host_goes_on(host: Host) -> None:
    def press_stop() -> tuple[torch.Tensor]:
        host.model_management.interrupt_current_processing()
        return (torch.ones(1, 4, 4, 3),)

    host.executor.classes["GivenIMAGE"].runner = lambda prompt, id: lambda key: press_stop()
    run = host.run(scale())
    assert run.interrupted_at == "3" and run.error is None
    assert host.run(scale()).ok


def test_modules_of_the_host_are_gone_afterwards(tmp_path: Path) -> None:
    before = set(sys.modules)
    with comfyui(tmp_path):
        assert "folder_paths" in sys.modules and "nodes" in sys.modules
    assert set(sys.modules) == before


def test_decoy_modules_refuse_to_be_read() -> None:
    with pytest.raises(AssertionError, match="relative"):
        _ = fake_comfyui.Decoy("nodes").NODES

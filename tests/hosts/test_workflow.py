"""Running workflow JSON without ComfyUI: in which order nodes run, what they get, and what their errors look like."""

from __future__ import annotations

import pytest
import torch
from support.workflow_nodes import NODES, RAN, entry, good

from hemline.context import Context
from hemline.hosts.files import FolderStore
from hemline.hosts.headless_context import headless_context
from hemline.hosts.lettering import letter
from hemline.hosts.workflow import run_workflow
from hemline.nodes.spec import Port, node
from hemline.tensors import BadWorkflow, RangeError


@pytest.fixture
def context(tmp_path) -> Context:
    RAN.clear()
    return headless_context(tmp_path / "out", device="cpu", input_folder=tmp_path)


def test_results_come_by_id_in_the_order_of_the_run(context):
    results = run_workflow(good(), NODES, context)
    assert list(results) == ["1", "2", "3", "4"]
    assert results["4"].text == ("0.250",)
    assert RAN == ["mask a", "mask b", "join", "show"]


def test_a_node_that_feeds_two_runs_once(context):
    workflow = {
        **good(),
        "3": entry("TestJoin", first=["1", 0], second=["1", 0]),
        "5": entry("TestShow", mask=["1", 0]),
    }
    run_workflow(workflow, NODES, context)
    assert RAN == ["mask a", "join", "show", "show"]


def test_what_no_output_needs_does_not_run(context):
    workflow = {**good(), "9": entry("TestMask", text="idle"), "10": entry("TestJoin")}
    assert "9" not in run_workflow(workflow, NODES, context)
    assert "mask idle" not in RAN


def test_the_order_follows_the_links_not_the_file(context):
    workflow = dict(reversed(good().items()))
    assert list(run_workflow(workflow, NODES, context)) == ["1", "2", "3", "4"]


def test_the_same_workflow_runs_in_the_same_order_again(context):
    orders = {tuple(run_workflow(good(), NODES, context)) for _ in range(3)}
    assert len(orders) == 1


def test_a_chain_longer_than_pythons_stack_runs(context):
    workflow = {"0": entry("TestMask"), **{str(i): entry("TestJoin", first=[str(i - 1), 0]) for i in range(1, 3000)}}
    workflow["end"] = entry("TestShow", mask=["2999", 0])
    assert len(run_workflow(workflow, NODES, context)) == 3001


def test_missing_widgets_take_their_defaults(context):
    results = run_workflow({"1": entry("TestMask"), "2": entry("TestShow", mask=["1", 0])}, NODES, context)
    assert results["1"].outputs[0].shape == (1, 4, 4)
    assert results["1"].outputs[1] == "flat False"


def test_a_string_output_may_feed_a_string_widget(context):
    workflow = {"1": entry("TestMask", mode="slope"), "2": entry("TestMask", text=["1", 1]),
                "3": entry("TestShow", mask=["2", 0])}  # fmt: skip
    run_workflow(workflow, NODES, context)
    assert RAN == ["mask", "mask slope False", "show"]


def test_numbers_come_in_the_ports_type(context):
    seen = {}

    @node(id="TestSee", name="See", category="test", inputs=[Port("a", "INT"), Port("b", "FLOAT")], outputs=[],
          is_output=True)  # fmt: skip
    def see(a, b):
        """Sees."""
        seen.update(a=a, b=b)
        return ()

    run_workflow({"1": entry("TestSee", a=5.0, b=1)}, {"TestSee": see}, context)
    assert [type(seen["a"]), type(seen["b"])] == [int, float]


def test_links_may_name_their_node_by_number(context):
    assert run_workflow({"1": entry("TestMask"), "2": entry("TestShow", mask=[1, 0])}, NODES, context)


def test_the_upload_button_of_old_frontends_is_no_input(context, tmp_path):
    FolderStore(tmp_path).save_image("a", torch.rand(3, 5, 3))
    workflow = {"1": entry("LoadImage", image="a.png", upload="image"), "2": entry("PreviewImage", images=["1", 0])}
    assert run_workflow(workflow, NODES, context)["2"].images.shape == (1, 3, 5, 3)


def test_heavy_nodes_work_on_the_contexts_device_and_give_back_on_the_cpu(tmp_path):
    context = Context(torch.device("meta"), FolderStore(tmp_path), letter)
    result = run_workflow({"1": entry("TestMask"), "2": entry("TestHeavy", mask=["1", 0])}, NODES, context)
    assert result["1"].outputs[0].device.type == "cpu"
    assert result["2"].outputs[1] == "meta"
    assert result["2"].outputs[0].device == "cpu"


def test_nodes_run_without_gradients(context):
    results = run_workflow({"1": entry("TestMask"), "2": entry("TestHeavy", mask=["1", 0])}, NODES, context)
    assert results["2"].text == ("False", "False"), "inference tensors would break who writes in place later"


def test_on_node_hears_of_each_node_before_it_runs(context):
    heard = []
    run_workflow(good(), NODES, context, on_node=lambda *call: heard.append((*call, len(RAN))))
    assert heard == [("1", "Coat", 0, 4, 0), ("2", "TestMask", 1, 4, 1), ("3", "TestJoin", 2, 4, 2),
                     ("4", "TestShow", 3, 4, 3)]  # fmt: skip


def test_the_workflow_is_not_changed(context):
    workflow = good()
    run_workflow(workflow, NODES, context)
    assert workflow == good()


# --- failing ---------------------------------------------------------------------------------------------------------


def test_a_nodes_own_error_keeps_its_class_and_gets_the_nodes_name(context):
    with pytest.raises(RangeError, match=r"^Node 1 \(Grow\): radius is 7; give a number from 0 to 5\.$"):
        run_workflow({"1": entry("TestFail", "Grow", how="hemline")}, NODES, context)


def test_any_other_error_becomes_a_bad_workflow_with_its_cause(context):
    with pytest.raises(BadWorkflow, match=r"^Node 1 \(TestFail\) failed: KeyError: 'radius'$") as caught:
        run_workflow({"1": entry("TestFail", how="python")}, NODES, context)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_node_with_too_few_outputs_is_told(context):
    with pytest.raises(BadWorkflow, match="TestShort gave 0 outputs instead of 1"):
        run_workflow({"1": entry("TestShort")}, NODES, context)


def test_an_interrupt_passes_through(context):
    with pytest.raises(KeyboardInterrupt):
        run_workflow({"1": entry("TestFail", how="interrupt")}, NODES, context)


@pytest.mark.parametrize("kind", [type("Stop", (Exception,), {}), type("Halt", (BaseException,), {}), RangeError])
@pytest.mark.parametrize("calls_before", [0, 1])
def test_a_cancel_passes_through_as_it_is(kind, calls_before, tmp_path):
    stop, calls = kind("stop"), []

    def check():
        calls.append(1)
        if len(calls) > calls_before:  # 0: before the node runs; 1: inside it
            raise stop

    context = headless_context(tmp_path, device="cpu", check_cancelled=check)
    with pytest.raises(kind) as caught:
        run_workflow({"1": entry("TestFail")}, NODES, context)
    assert caught.value is stop
    assert str(stop) == "stop"

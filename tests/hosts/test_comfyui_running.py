"""The pack at work in ComfyUI: every node on what the host sends, its errors, Stop, progress and the cache."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
import torch
from PIL import Image
from support.fake_comfyui import VERSIONS, Host
from support.given import defaults, prompt_for
from support.host_modules import ExecutionBlocker
from support.object_info import ours, ports_of
from support.pictures import given_values
from support.prompt_executor import PromptExecutor, Run
from support.prompt_validation import Prompt
from torch import Tensor

from hemline.nodes import NODES

IDS = [node.id for node in NODES]
HEAVY = [node.id for node in NODES if node.weight == "heavy"]
# Nodes that take each picture of a batch by itself.
PER_PICTURE = ["HemlineDetectGarments", "HemlineSaveGarmentSet", "HemlineBatchLoad"]


def checked(run: Run) -> Run:
    """The run, if it went through; otherwise what stopped it is the failure's text."""
    if not run.ok:
        pytest.fail(str(run.verdict.refusal or run.verdict.faults or run.error or f"interrupted: {run.interrupted_at}"))
    return run


# For each host, what nodes gave that only stand before the one that is tested: looking at a picture takes long.
MADE: WeakKeyDictionary[PromptExecutor, dict[Any, Any]] = WeakKeyDictionary()


def run_afresh(host: Host, prompt: Prompt) -> Run:
    """Runs "node" of a prompt, whatever the cache holds; what stands before it runs the first time only."""
    executor, made = host.executor, MADE.setdefault(host.executor, {})
    executor.cache = {key: entry for key, entry in made.items() if key != executor.signature("node", prompt)}
    run = checked(host.run(prompt))
    assert "node" in run.executed
    keys = (executor.signature(id, prompt) for id in prompt if id.startswith("maker of "))
    made.update((key, executor.cache[key]) for key in keys if key in executor.cache)
    return run


def tensors(run: Run, id: str = "node") -> list[Tensor]:
    return [value for port in run.values[id] for value in port if isinstance(value, Tensor)]


# --- running -------------------------------------------------------------------------------------------------------

WIRES = {
    "one picture": {},
    "three pictures": {"IMAGE": "image of 3", "MASK": "mask of 3"},
    "three pictures, one mask": {"IMAGE": "image of 3"},
    "mask without batch": {"MASK": "plain mask"},
    "the host's empty mask": {"MASK": "no mask"},
    "zero mask": {"MASK": "empty mask"},
    "not contiguous": {"IMAGE": "strided image", "MASK": "strided mask"},
    "RGBA": {"IMAGE": "rgba"},
    "one pixel": {"IMAGE": "pixel", "MASK": "pixel mask"},
    "odd size": {"IMAGE": "odd image", "MASK": "odd mask"},
    "every wire connected": {"optional": "yes"},
}


def cases() -> list[Any]:
    """Every node with every form of input that it has a port for."""
    kinds = {node.id: {port.type for port in node.inputs} | {"optional"} for node in NODES}
    kinds["HemlineInpaintStitch"].add("MASK")  # through the crop that it is given
    return [
        pytest.param(id, wires, id=f"{id}-{name}")
        for id in IDS
        for name, wires in WIRES.items()
        if not wires or kinds[id] & wires.keys()
    ]


@pytest.mark.parametrize(("id", "wires"), cases())
def test_every_node_runs_on_what_the_host_sends(host: Host, id: str, wires: dict[str, str]) -> None:
    run = run_afresh(host, prompt_for(host, id, wires))
    for tensor in tensors(run):
        assert tensor.dtype == torch.float32 and tensor.device.type == "cpu"
        assert torch.isfinite(tensor).all()


@pytest.mark.parametrize("id", IDS)
def test_a_node_gives_one_value_per_declared_output(host: Host, id: str) -> None:
    run = run_afresh(host, prompt_for(host, id))
    assert len(run.values["node"]) == len(host.classes[id].return_types)


@pytest.mark.parametrize("id", IDS)
def test_images_and_masks_leave_in_the_hosts_form(host: Host, id: str) -> None:
    run = run_afresh(host, prompt_for(host, id, {"IMAGE": "image of 3", "MASK": "mask of 3"}))
    for kind, port in zip(host.classes[id].return_types, run.values["node"], strict=True):
        for value in (item for item in port if not isinstance(item, ExecutionBlocker)):
            if kind == "IMAGE":
                assert value.dim() == 4 and value.shape[-1] in (3, 4)
            if kind == "MASK":
                assert value.dim() == 3


@pytest.mark.parametrize("id", IDS)
def test_what_a_node_shows_is_json_with_lists(host: Host, id: str) -> None:
    ui = run_afresh(host, prompt_for(host, id)).ui.get("node", {})
    json.dumps(ui)
    assert all(isinstance(shown, (list, tuple)) for shown in ui.values())


@pytest.mark.parametrize("id", IDS)
def test_inputs_stay_as_they_were(host: Host, id: str, values: dict[str, Tensor]) -> None:
    before = given_values()
    run_afresh(host, prompt_for(host, id, {"IMAGE": "image of 3", "MASK": "mask of 3", "optional": "yes"}))
    assert [key for key, value in values.items() if not torch.equal(value, before[key])] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_half_precision_between_nodes_stays_half(fresh: Any, version: str) -> None:
    with fresh(version, dtype=torch.float16) as host:
        for id in IDS:
            for tensor in tensors(checked(host.run(prompt_for(host, id, {"optional": "yes"})))):
                assert tensor.dtype == torch.float16 and torch.isfinite(tensor).all(), id


@pytest.mark.parametrize("version", VERSIONS)
def test_hosts_without_half_precision_intermediates_work(fresh: Any, version: str) -> None:
    with fresh(version, old_interrupt=True) as host:
        for tensor in tensors(checked(host.run(prompt_for(host, "HemlineGrowFeatherMask")))):
            assert tensor.dtype == torch.float32


def test_nothing_found_is_a_zero_mask_a_count_of_0_and_a_line_of_text(host: Host, values: dict[str, Tensor]) -> None:
    prompt = prompt_for(host, "HemlineDetectGarments", {"IMAGE": "wall"}, what="footwear")
    run = checked(host.run(prompt))
    found = dict(zip(host.classes["HemlineDetectGarments"].return_names, run.values["node"], strict=True))
    assert found["mask"][0].shape == values["wall"].shape[:3] and not found["mask"][0].any()
    assert found["count"] == [0]
    assert run.ui["node"]["text"][0]


def test_nothing_found_can_be_an_error(host: Host) -> None:
    prompt = prompt_for(host, "HemlineDetectGarments", {"IMAGE": "wall"}, what="footwear", nothing_found="error")
    error = host.run(prompt).error
    assert error is not None and error.node_id == "node" and "footwear" in error.message


# --- errors --------------------------------------------------------------------------------------------------------


def masks_and_images(host: Host) -> list[str]:
    """Nodes that need a picture and a mask of it."""
    kinds = {id: [entry[0] for entry in host.classes[id].input_types["required"].values()] for id in IDS}
    return [id for id in IDS if "IMAGE" in kinds[id] and "MASK" in kinds[id]]


def test_batches_that_do_not_fit_are_named_in_the_error(host: Host) -> None:
    for id in masks_and_images(host):
        error = host.run(prompt_for(host, id, {"IMAGE": "image of 2", "MASK": "mask of 3"})).error
        assert error is not None and error.node_id == "node", id
        assert "2" in error.message and "3" in error.message, (id, error.message)


def test_a_mask_of_another_size_is_fitted_or_named_in_the_error(host: Host) -> None:
    for id in masks_and_images(host):
        run = host.run(prompt_for(host, id, {"MASK": "odd mask"}))
        assert run.ok or (run.error is not None and "777x1003" in run.error.message), (id, run.error)


def test_values_outside_their_limits_never_reach_a_node(host: Host) -> None:
    for id, info in ours(host).items():
        for name, (kind, options) in ports_of(info).items():
            if kind in ("INT", "FLOAT"):
                verdict = host.validate(prompt_for(host, id, **{name: options["max"] + 1}))
                assert verdict.types == {"value_bigger_than_max"}, f"{id}.{name}"
            if kind == "COMBO":
                verdict = host.validate(prompt_for(host, id, **{name: "no such option"}))
                assert verdict.types == {"value_not_in_list"}, f"{id}.{name}"


# --- interrupt, progress, cache ------------------------------------------------------------------------------------


@pytest.mark.parametrize("old_interrupt", [False, True], ids=["BaseException", "Exception"])
@pytest.mark.parametrize("version", VERSIONS)
def test_stop_during_a_heavy_node_stops_it(fresh: Any, version: str, old_interrupt: bool) -> None:
    with fresh(version, old_interrupt=old_interrupt) as host:
        for id in HEAVY:
            prompt = prompt_for(host, id, {"IMAGE": "image of 3", "MASK": "mask of 3"})
            host.press_stop_inside("node")
            run = host.run(prompt)
            assert (run.interrupted_at, run.error) == ("node", None), id
            checked(host.run(prompt))


@pytest.mark.parametrize("id", PER_PICTURE)
def test_stop_is_asked_for_before_each_picture(host: Host, id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["comfy.utils"], "PROGRESS_BAR_HOOK", None)  # progress would ask too
    prompt = prompt_for(host, id, {"IMAGE": "image of 3", "MASK": "mask of 3"}, name="stopped")
    host.executor.cache.clear()
    host.press_stop_inside("node", poll=3)
    assert host.run(prompt).interrupted_at == "node"


@pytest.mark.parametrize("id", PER_PICTURE)
def test_the_progress_bar_moves_picture_by_picture(host: Host, id: str) -> None:
    host.progress.clear()
    run_afresh(host, prompt_for(host, id, {"IMAGE": "image of 3", "MASK": "mask of 3"}))
    assert [(value, total) for node, value, total in host.progress if node == "node"][-3:] == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("id", ["HemlineDetectGarments", "HemlineRefineMask", "HemlineGrowFeatherMask"])
def test_a_prompt_exported_before_a_widget_was_there_runs_with_its_default(host: Host, id: str) -> None:
    prompt = prompt_for(host, id)
    wanted = tensors(run_afresh(host, prompt))
    for name in defaults(host, id):
        del prompt["node"]["inputs"][name]
    got = tensors(run_afresh(host, prompt))
    assert wanted and all(torch.equal(one, other) for one, other in zip(got, wanted, strict=True))


def test_a_second_run_executes_nothing(host: Host) -> None:
    for id in IDS:
        prompt = prompt_for(host, id)
        checked(host.run(prompt))
        assert checked(host.run(prompt)).executed == [], id


@pytest.mark.parametrize("change", ["another picture", "a new picture", "a picture gone"])
def test_a_batch_is_loaded_again_when_its_files_change(fresh: Any, host: Host, change: str) -> None:
    with fresh(host.version) as own:
        prompt = prompt_for(own, "HemlineBatchLoad")
        assert "node" in checked(own.run(prompt)).executed and checked(own.run(prompt)).executed == []
        folder = Path(own.folder_paths.get_input_directory()) / "batch"
        if change == "another picture":
            Image.new("RGB", (9, 9)).save(folder / "coat.png")
            Image.new("L", (9, 9)).save(folder / "coat_mask.png")
        for part in ("", "_mask", "_overlay"):
            if change == "a new picture":
                Image.new("L", (9, 9)).save(folder / f"sock{part}.png")
            if change == "a picture gone":
                (folder / f"hat{part}.png").unlink()
        run = checked(own.run(prompt))
        assert "node" in run.executed
        assert len(run.values["node"][0]) == {"a new picture": 4, "a picture gone": 2}.get(change, 3)


def test_a_batch_whose_source_comes_over_a_wire_is_loaded_each_time(host: Host) -> None:
    prompt = prompt_for(host, "HemlineBatchLoad")
    prompt["node"]["inputs"]["source"] = ["folder", 0]
    prompt["folder"] = {"class_type": "GivenSTRING", "inputs": {"key": "batch"}}
    checked(host.run(prompt))
    assert "node" in checked(host.run(prompt)).executed


def test_a_jobs_blend_mode_links_to_blend_layers(host: Host) -> None:
    """A COMBO output: V1 compares the lists of choices, V3 the type."""
    prompt = prompt_for(host, "HemlineBatchLoad")
    inputs = defaults(host, "HemlineBlendLayers") | {"base": ["node", 0], "layer": ["node", 2], "mask": ["node", 1]}
    links = {"mode": ["node", 6], "opacity": ["node", 8]}
    prompt["blend"] = {"class_type": "HemlineBlendLayers", "inputs": inputs | links}
    prompt["kept"] = {"class_type": "Keep", "inputs": {"value": ["blend", 0]}}
    assert len(checked(host.run(prompt)).values["blend"][0]) == 3


def chain(host: Host) -> Prompt:
    """Detect -> refine -> grow -> crop -> stitch -> preview, as a user wires them."""
    wires: dict[str, tuple[str, dict[str, Any]]] = {
        "photo": ("GivenIMAGE", {"key": "image"}),
        "found": ("HemlineDetectGarments", {"image": ["photo", 0]}),
        "refined": ("HemlineRefineMask", {"mask": ["found", 1], "image": ["photo", 0]}),
        "grown": ("HemlineGrowFeatherMask", {"mask": ["refined", 0]}),
        "cropped": ("HemlineInpaintCrop", {"image": ["photo", 0], "mask": ["grown", 0], "target": "as is"}),
        "stitched": ("HemlineInpaintStitch", {"stitch": ["cropped", 3], "image": ["cropped", 0]}),
        "seen": ("HemlinePreviewMask", {"image": ["stitched", 0], "mask": ["grown", 0], "garments": ["found", 0]}),
    }
    return {id: {"class_type": node, "inputs": defaults(host, node) | inputs} for id, (node, inputs) in wires.items()}


def test_the_whole_chain_runs_and_puts_the_picture_back(host: Host, values: dict[str, Tensor]) -> None:
    stitched = checked(host.run(chain(host))).output("stitched")
    assert torch.allclose(stitched, values["image"], atol=0.02)


def test_a_changed_widget_runs_only_what_follows_it(host: Host) -> None:
    prompt = chain(host)
    checked(host.run(prompt))
    prompt["cropped"]["inputs"]["padding"] += 1
    assert checked(host.run(prompt)).executed == ["cropped", "stitched", "seen"]

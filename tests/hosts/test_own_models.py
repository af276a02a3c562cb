"""The user's own models from a menu to a mask: in ComfyUI, in workflow files, and on the command line."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from figures import draw_person
from PIL import Image
from support import tiny_models
from support.commands import hemline
from support.fake_comfyui import VERSIONS, Host
from support.tiny_models import SAM_FILE, YOLO_FILE

from hemline.errors import BadWorkflow, MissingModel
from hemline.hosts import doctor
from hemline.hosts.headless import headless_nodes, run_headless
from hemline.hosts.pictures import to_bytes
from hemline.hosts.workflow_ui import to_api_format
from hemline.model_cache import ModelCache
from hemline.nodes.models import NONE, SHIPPED, load_garment_model

LOAD, DETECT = "HemlineLoadGarmentModel", "HemlineDetectGarments"
MENU_NAME = f"segm/{YOLO_FILE}"


@pytest.fixture(scope="session")
def tiny_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny YOLO and a tiny SAM as their own libraries write them; see support/tiny_models.py."""
    for package in ("ultralytics", "segment_anything"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed, which writes and runs the model")
    folder = tmp_path_factory.mktemp("tiny")
    run = subprocess.run([sys.executable, tiny_models.__file__, str(folder)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder


def lay_out(tiny_files: Path, models: Path) -> None:
    """The files where ComfyUI's detector packs keep them."""
    for source, place in ((YOLO_FILE, "ultralytics/segm"), (SAM_FILE, "sams")):
        (models / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(tiny_files / source, models / place / source)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(to_bytes(draw_person(192, 128)[0][0]).numpy()).save(path)
    return path


@pytest.fixture
def root(tiny_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model root of a machine without ComfyUI."""
    lay_out(tiny_files, tmp_path / "root")
    monkeypatch.setenv("HEMLINE_MODELS", str(tmp_path / "root"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "root"


def chain(image: list[Any], **chosen: str) -> dict[str, Any]:
    """Load Garment Model -> Detect Garments, by the words of a user with such files."""
    loaded = {
        "detector": MENU_NAME,
        "sam": SAM_FILE,
        "class_map": "gizmo = accessory",
        "precision": "float32",
        **chosen,
    }
    return {
        "load": {"class_type": LOAD, "inputs": {**loaded, **chosen}},
        "detect": {
            "class_type": DETECT,
            "inputs": {
                "image": image, "model": ["load", 0], "what": "outfit", "labels": "", "method": "auto",
                "person_boxes": "", "nothing_found": "empty mask", "flip": False, "fallback": "error",
                "classes": "*dress", "confidence": 0.3, "iou": 0.5, "max_detections": 3,
            },
        },
    }  # fmt: skip


def check_report(report: str) -> None:
    told = json.loads(report)
    assert told["method"].startswith("yolo") and told["count"] == 3
    assert {entry["native_label"] for entry in told["garments"]} == {"short sleeve dress"}
    assert {entry["label"] for entry in told["garments"]} == {"dress"}
    assert told["model"]["family"] == "yolov8" and told["model"]["file"] == YOLO_FILE
    assert set(told["stages"]) == {"load", "detect", "sam"} and len(told["sam"]) == 3


# --- ComfyUI -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_in_comfyui_the_chain_runs_and_a_second_run_loads_nothing(
    fresh: Callable[..., Any], tiny_files: Path, tmp_path: Path, version: str
) -> None:
    lay_out(tiny_files, tmp_path / "models")
    with fresh(version) as host:
        prompt: dict[str, Any] = {"given": {"class_type": "GivenIMAGE", "inputs": {"key": "image"}}}
        prompt |= chain(["given", 0])
        prompt |= {f"keep{port}": {"class_type": "Keep", "inputs": {"value": ["detect", port]}} for port in range(5)}
        run = host.run(prompt)
        assert run.ok, run.error or run.verdict.faults
        assert run.output("detect", 1).shape == (1, 96, 64) and run.output("detect", 1).max() > 0
        check_report(run.output("detect", 4))
        models = cache_of(host)
        loads = models.loads
        host.executor.cache.clear()
        again = host.run(prompt)
        assert again.ok and set(again.executed) >= {"load", "detect"}
        assert models.loads == loads == 5  # the parser, the YOLO, the SAM, and what the two files are
        assert torch.equal(again.output("detect", 1), run.output("detect", 1))


def cache_of(host: Host) -> ModelCache:
    module = next(sys.modules[name] for name in sys.modules if name.endswith("hosts.comfyui") and "/" in name)
    return module._MODELS


@pytest.mark.parametrize("version", VERSIONS)
def test_comfyuis_menus_list_the_files_of_the_hosts_folders_as_they_are_now(
    fresh: Callable[..., Any], tmp_path: Path, version: str
) -> None:
    with fresh(version) as host:
        assert menu(host, "detector") == [SHIPPED] and menu(host, "sam") == [NONE]
        for place in ("models/ultralytics/bbox/a.pt", "models/sams/b.pth", "models/sams/notes.txt", "elsewhere/c.onnx"):
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / place).write_bytes(b"")
        host.folder_paths.add_model_folder_path("ultralytics_segm", str(tmp_path / "elsewhere"))
        assert menu(host, "detector") == [SHIPPED, "bbox/a.pt", "segm/c.onnx"]
        assert menu(host, "sam") == [NONE, "b.pth"]


def menu(host: Host, port: str) -> list[str]:
    kind, _, options = host.classes[LOAD].input_info(port)  # type: ignore[misc]
    return kind if isinstance(kind, list) else options["options"]


def test_comfyui_runs_the_chain_again_when_a_model_file_is_replaced(
    fresh: Callable[..., Any], tiny_files: Path, tmp_path: Path
) -> None:
    lay_out(tiny_files, tmp_path / "models")
    with fresh("V1") as host:
        prompt = {**chain([], sam=NONE), "keep": {"class_type": "Keep", "inputs": {"value": ["load", 0]}}}
        del prompt["detect"]
        assert "load" in host.run(prompt).executed
        assert "load" not in host.run(prompt).executed
        (tmp_path / "models" / "ultralytics" / "segm" / YOLO_FILE).touch()
        assert "load" in host.run(prompt).executed


def test_comfyui_refuses_a_model_that_is_not_there_before_anything_runs(
    fresh: Callable[..., Any], tiny_files: Path, tmp_path: Path
) -> None:
    lay_out(tiny_files, tmp_path / "models")
    with fresh("V3") as host:
        prompt = {**chain([], sam="gone.pth"), "keep": {"class_type": "Keep", "inputs": {"value": ["load", 0]}}}
        del prompt["detect"]
        assert host.validate(prompt).types == {"value_not_in_list"}


# --- without a host ------------------------------------------------------------------------------------------------


def test_a_workflow_file_runs_the_chain_and_a_second_run_loads_nothing(root: Path, photo: Path, tmp_path: Path) -> None:
    workflow = {"photo": {"class_type": "LoadImage", "inputs": {"image": str(photo)}}, **chain(["photo", 0])}
    workflow["save"] = {"class_type": "PreviewImage", "inputs": {"images": ["photo", 0]}}
    workflow["show"] = {"class_type": "HemlinePreviewMask", "inputs": {"image": ["photo", 0], "mask": ["detect", 1]}}
    workflow["kept"] = {
        "class_type": "HemlineSaveGarmentSet",
        "inputs": {"image": ["photo", 0], "mask": ["detect", 1], "garments": ["detect", 0], "name": "dress"},
    }
    models = ModelCache()
    results = run_headless(workflow, tmp_path / "out", given_files=[str(photo)], device="cpu", models=models)
    check_report(results["detect"].outputs[4])
    assert "gizmo = accessory" in results["load"].outputs[1]
    loads = models.loads
    again = run_headless(workflow, tmp_path / "out", given_files=[str(photo)], device="cpu", models=models)
    assert models.loads == loads == 5
    assert torch.equal(again["detect"].outputs[1], results["detect"].outputs[1])


def test_a_workflow_is_checked_against_the_files_before_anything_runs(root: Path, photo: Path, tmp_path: Path) -> None:
    workflow = {"photo": {"class_type": "LoadImage", "inputs": {"image": str(photo)}}}
    workflow |= chain(["photo", 0], detector="segm/cloth.pt")
    workflow["show"] = {"class_type": "HemlinePreviewMask", "inputs": {"image": ["photo", 0], "mask": ["detect", 1]}}
    with pytest.raises(BadWorkflow, match=rf"(?s)detector.*segm/cloth\.pt.*Did you mean '{MENU_NAME}'.*hemline doctor"):
        run_headless(workflow, tmp_path / "out", given_files=[str(photo)], device="cpu")
    workflow["load"]["inputs"]["detector"] = str(root / "ultralytics" / "segm" / YOLO_FILE)
    with pytest.raises(BadWorkflow, match="no option"):  # a stranger's workflow reads no file by its path
        run_headless(workflow, tmp_path / "out", given_files=[str(photo)], device="cpu")


def test_a_sam_alone_redraws_what_the_shipped_parser_finds_and_is_not_opened_for_nothing(
    root: Path, photo: Path, tmp_path: Path
) -> None:
    workflow = {"photo": {"class_type": "LoadImage", "inputs": {"image": str(photo)}}}
    workflow |= chain(["photo", 0], detector=SHIPPED, class_map="")
    workflow["detect"]["inputs"] |= {"what": "outfit", "classes": "*"}
    workflow["show"] = {"class_type": "HemlinePreviewMask", "inputs": {"image": ["photo", 0], "mask": ["detect", 1]}}
    models = ModelCache()
    run = {"given_files": [str(photo)], "device": "cpu", "models": models}
    told = json.loads(run_headless(workflow, tmp_path / "out", **run)["detect"].outputs[4])
    assert told["method"] == "parser + SAM" and len(told["sam"]) == told["count"] > 0 and "model" not in told
    Image.new("RGB", (64, 64), "grey").save(photo)
    loads = models.loads
    told = json.loads(run_headless(workflow, tmp_path / "out", **run)["detect"].outputs[4])
    assert told["count"] == 0 and told["sam"] == [] and "sam" not in told["stages"] and models.loads == loads


@pytest.mark.parametrize(
    ("package", "requirement"), [("ultralytics", '"ultralytics>='), ("segment_anything", "segment-anything")]
)
def test_without_a_package_the_node_says_what_installs_it_and_only_when_it_runs(
    root: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, requirement: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == package else find(name, *more))
    workflow = {"photo": {"class_type": "LoadImage", "inputs": {"image": str(photo)}}, **chain(["photo", 0])}
    workflow["show"] = {"class_type": "HemlinePreviewMask", "inputs": {"image": ["photo", 0], "mask": ["detect", 1]}}
    with pytest.raises(MissingModel, match=rf"(?s)detect.*pip install {requirement}"):
        run_headless(workflow, tmp_path / "out", given_files=[str(photo)], device="cpu")


@pytest.mark.parametrize("saved", [7, 11], ids=["saved before it had a model", "saved with one"])
def test_a_saved_canvas_keeps_its_widgets_whether_or_not_the_model_is_connected(saved: int) -> None:
    widgets = ["tops", "", "auto", "", "error", False, "error", "*dress", 0.4, 0.6, 7]
    inputs = [{"name": "image", "type": "IMAGE", "link": 1}, {"name": "model", "type": "GARMENT_MODEL", "link": 2}]
    loader = {"id": 2, "type": LOAD, "widgets_values": [MENU_NAME, NONE, "gizmo = bag", "float16"]}
    canvas = {
        "nodes": [
            {"id": 1, "type": "LoadImage", "widgets_values": ["a.png"]}, loader,
            {"id": 3, "type": DETECT, "inputs": inputs[: 1 + (saved > 7)], "widgets_values": widgets[:saved]},
        ],
        "links": [[1, 1, 0, 3, 0, "IMAGE"], [2, 2, 0, 3, 1, "GARMENT_MODEL"]],
    }  # fmt: skip
    detect = to_api_format(canvas, headless_nodes())["3"]["inputs"]
    assert detect["what"] == "tops" and detect["flip"] is False and detect["fallback"] == "error"
    assert detect.get("model") == (["2", 0] if saved > 7 else None)
    assert detect.get("max_detections") == (7 if saved > 7 else None)
    assert to_api_format(canvas, headless_nodes())["2"]["inputs"]["detector"] == MENU_NAME


def test_what_the_nodes_declare_does_not_depend_on_a_machines_files(root: Path) -> None:
    ports = {port.name: port for port in headless_nodes()[LOAD].inputs}
    assert ports["detector"].choices() == (SHIPPED, MENU_NAME) and ports["sam"].choices() == (NONE, SAM_FILE)
    declared = {port["name"]: port for port in load_garment_model.describe()["inputs"]}
    assert declared["detector"]["options"] == [SHIPPED] and "ultralytics_segm" in declared["detector"]["folders"]


def test_the_command_takes_models_from_anywhere(tiny_files: Path, photo: Path, tmp_path: Path) -> None:
    done = hemline(
        "mask", photo, "-o", tmp_path / "out", "--model", tiny_files / YOLO_FILE, "--sam", tiny_files / SAM_FILE,
        "--classes", "!gizmo", "--confidence", "0.3", "--class-map", "gizmo = bag", "--device", "cpu", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "photo_mask.png").is_file()
    told = json.loads((tmp_path / "out" / "photo.json").read_text(encoding="utf-8"))
    assert {entry["native_label"] for entry in told["garments"]} == {"short sleeve dress"}


def test_a_model_typed_in_for_a_workflow_may_lie_anywhere_too(tiny_files: Path, photo: Path, tmp_path: Path) -> None:
    workflow = {"photo": {"class_type": "LoadImage", "inputs": {"image": photo.name}}}
    workflow |= chain(["photo", 0], detector=SHIPPED, sam=NONE)
    workflow["show"] = {"class_type": "HemlinePreviewMask", "inputs": {"image": ["photo", 0], "mask": ["detect", 1]}}
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(workflow))
    typed = f"load.detector={tiny_files / YOLO_FILE}"
    done = hemline("run", file, "-o", tmp_path / "out", "-i", typed, "--device", "cpu", "--json")
    assert done.returncode == 0, done.stderr
    assert f"{YOLO_FILE}: yolov8 (segment)" in done.stdout
    wrong = hemline("run", file, "-o", tmp_path / "out", "-i", "load.detector=gone.pt", "--device", "cpu")
    assert wrong.returncode == 1 and "'gone.pt'" in wrong.stdout + wrong.stderr


def test_the_doctor_names_the_family_of_each_file(root: Path) -> None:
    (root / "sams" / "broken.pth").write_bytes(b"no model")
    lines = [finding.line() for finding in doctor.examine() if finding.topic == "model"]
    assert any("yolov8 (segment)" in line and YOLO_FILE in line for line in lines)
    assert any("sam (prompt)" in line and SAM_FILE in line for line in lines)
    assert any(" broken " in line and "broken.pth" in line for line in lines)

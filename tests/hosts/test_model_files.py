"""`hemline models`: a look into model files, and their conversion."""

from __future__ import annotations

import json

import pytest
from safetensors import safe_open
from support.commands import events, files_below, hemline
from support.pickles import torch_zip, yolo

from hemline.segmentation.checkpoints.checkpoint import read_checkpoint


@pytest.fixture
def model(tmp_path):
    return torch_zip(tmp_path / "best.pt", yolo())


def test_inspect_tells_family_task_and_classes(model):
    run = hemline("models", "inspect", model)
    assert run.returncode == 0, run.stderr
    assert "yolov8 n (detect)" in run.stdout and "classes: shirt, skirt" in run.stdout
    (told,) = events(hemline("models", "inspect", model, "--json"))
    assert told["family"] == "yolov8" and told["names"] == {"0": "shirt", "1": "skirt"} and told["architecture"]


def test_convert_writes_a_safetensors_file_beside_the_model(model, tmp_path):
    run = hemline("models", "convert", model)
    assert run.returncode == 0, run.stderr
    assert files_below(tmp_path) == ["best.pt", "best.safetensors"]
    assert (tmp_path / "best.safetensors").stat().st_mode == model.stat().st_mode
    old, new = read_checkpoint(model), read_checkpoint(tmp_path / "best.safetensors")
    assert (new.names, new.stride, new.architecture) == (old.names, old.stride, old.architecture)
    with safe_open(tmp_path / "best.safetensors", "pt") as file:
        texts = file.metadata()
    assert json.loads(texts["yaml"]) == old.architecture and json.loads(texts["family"]) == "yolov8"
    assert json.loads(texts["task"]) == "detect" and json.loads(texts["stride"]) == [8, 16, 32]


def test_convert_replaces_a_file_only_when_told_to(model, tmp_path):
    target = tmp_path / "out" / "x.safetensors"
    assert hemline("models", "convert", model, "-o", target).returncode == 0
    target.write_bytes(b"mine")
    refused = hemline("models", "convert", model, "-o", target)
    assert refused.returncode == 1 and "--overwrite" in refused.stderr and target.read_bytes() == b"mine"
    assert hemline("models", "convert", model, "-o", target, "--overwrite").returncode == 0
    assert read_checkpoint(target).family == "yolov8"


def test_convert_wants_the_suffix_that_loaders_know(model, tmp_path):
    run = hemline("models", "convert", model, "-o", tmp_path / "x.pt")
    assert run.returncode == 1 and "suffix" in run.stderr


def test_what_is_no_model_leaves_nothing_behind(tmp_path):
    (tmp_path / "x.pt").write_bytes(b"MZ")
    for command in ("inspect", "convert"):
        run = hemline("models", command, tmp_path / "x.pt")
        assert run.returncode == 1 and "no checkpoint" in run.stderr
    assert files_below(tmp_path) == ["x.pt"]

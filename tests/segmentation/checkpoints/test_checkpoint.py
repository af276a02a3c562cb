"""What is read out of model files, against what their makers' own loaders find in them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.commands import PYTHON
from support.pickles import YOLO, Call, Named, Stored, legacy_file, module, torch_zip, yolo, yolo_tensors
from support.ultralytics_files import FILES, NAMES
from torch import Tensor, nn

from hemline.errors import BadFile
from hemline.segmentation import parser
from hemline.segmentation.checkpoints.checkpoint import Checkpoint, read_checkpoint, save_checkpoint

FOUND = {
    "yolov8n": ("yolov8", "detect"), "yolov8n-seg": ("yolov8", "segment"), "yolov5nu": ("yolov5u", "detect"),
    "yolo11n-seg": ("yolo11", "segment"), "yolo12n": ("yolo12", "detect"), "yolo26n-seg": ("yolo26", "segment"),
    "yolov9t": ("yolov9", "detect"), "yolov10n": ("yolov10", "detect"),
}  # fmt: skip


def assert_same_tensors(got: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    assert list(got) == list(wanted)
    for name, tensor in wanted.items():
        assert got[name].dtype == tensor.dtype and torch.equal(got[name], tensor), name


def assert_same(got: Checkpoint, wanted: Checkpoint) -> None:
    assert_same_tensors(dict(sorted(got.tensors.items())), dict(sorted(wanted.tensors.items())))
    for name in ("family", "task", "scale", "names", "stride", "architecture", "metadata"):
        assert getattr(got, name) == getattr(wanted, name), name


@pytest.mark.parametrize("stem", FILES)
def test_the_state_dict_is_that_of_plain_loading(ultralytics_files, stem):
    found = read_checkpoint(ultralytics_files / f"{stem}.pt")
    wanted = load_file(ultralytics_files / f"{stem}.expected")
    assert_same_tensors(dict(sorted(found.tensors.items())), dict(sorted(wanted.items())))


@pytest.mark.parametrize("stem", FILES)
def test_names_stride_task_and_architecture_come_out(ultralytics_files, stem):
    found = read_checkpoint(ultralytics_files / f"{stem}.pt")
    scale = stem.removesuffix("-seg").removesuffix("u")[-1]
    assert (found.family, found.task, found.scale) == (*FOUND[stem], scale)
    assert found.names == NAMES and found.stride == (8, 16, 32)
    assert found.architecture is not None and found.architecture["nc"] == 3
    assert found.architecture.get("scale", scale) == scale
    assert found.metadata["license"] == "AGPL-3.0" and found.metadata["imgsz"] == "640"


def test_a_training_checkpoint_gives_its_averaged_weights_as_they_are(ultralytics_files):
    found = read_checkpoint(ultralytics_files / "yolov8n-seg.pt")
    assert {tensor.dtype for tensor in found.tensors.values()} == {torch.float16, torch.int64}


def test_a_file_of_the_old_format_gives_the_same(ultralytics_files):
    new, old = (read_checkpoint(ultralytics_files / name) for name in ("yolo26n-seg.pt", "legacy.pt"))
    assert_same(old, new)


@pytest.mark.parametrize("name", ["state.pt", "parallel.pt"])
def test_a_plain_state_dict_gives_the_same_tensors_and_unnamed_classes(ultralytics_files, name):
    whole, plain = (read_checkpoint(ultralytics_files / each) for each in ("yolo26n-seg.pt", name))
    assert_same_tensors(dict(plain.tensors), dict(whole.tensors))
    assert (plain.family, plain.task, plain.scale, plain.architecture) == ("yolo26", "segment", "n", None)
    assert plain.names == {0: "class 0", 1: "class 1", 2: "class 2"} and plain.stride == ()


@pytest.mark.parametrize("stem", ["yolov8n", "yolo26n-seg"])
def test_a_conversion_reads_back_as_the_same_checkpoint(ultralytics_files, stem, tmp_path):
    found = read_checkpoint(ultralytics_files / f"{stem}.pt")
    save_checkpoint(found, tmp_path / "any.name")
    assert_same(read_checkpoint(tmp_path / "any.name"), found)


def test_a_look_without_values_tells_the_same_and_reads_no_tensor(ultralytics_files, tmp_path):
    path = ultralytics_files / "yolov8n.pt"
    whole, shapes = read_checkpoint(path), read_checkpoint(path, values=False)
    assert {name: (value.shape, value.dtype) for name, value in shapes.tensors.items()} == {
        name: (value.shape, value.dtype) for name, value in whole.tensors.items()
    }
    assert all(value.is_meta for value in shapes.tensors.values())
    assert (shapes.names, shapes.stride, shapes.architecture) == (whole.names, whole.stride, whole.architecture)
    with pytest.raises(BadFile, match="without its values"):
        save_checkpoint(shapes, tmp_path / "x.safetensors")
    save_checkpoint(whole, tmp_path / "x.safetensors")
    for name, value in read_checkpoint(tmp_path / "x.safetensors", values=False).tensors.items():
        assert value.is_meta and (value.shape, value.dtype) == (whole.tensors[name].shape, whole.tensors[name].dtype)


def test_ultralytics_accepts_every_tensor_and_predicts_the_same(ultralytics_files):
    """In a process of its own, so that nothing it does to this one is left behind."""
    check = """
import sys, torch
from pathlib import Path
from hemline.segmentation.checkpoints.checkpoint import read_checkpoint
assert "ultralytics" not in sys.modules
found = read_checkpoint(Path("yolov8n.pt"))
assert "ultralytics" not in sys.modules
from ultralytics.nn.tasks import DetectionModel
ours = DetectionModel(dict(found.architecture), verbose=False)
ours.load_state_dict({name: value.float() for name, value in found.tensors.items()}, strict=True)
theirs = torch.load("yolov8n.pt", weights_only=False)["model"].float()
picture = torch.rand(1, 3, 64, 96)
with torch.no_grad():
    assert torch.equal(ours.eval()(picture)[0], theirs.eval()(picture)[0])
"""
    switches = {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_CONFIG_DIR": str(ultralytics_files)}
    run = subprocess.run(
        [*PYTHON, check], cwd=ultralytics_files, capture_output=True, text=True, env={**os.environ, **switches}
    )
    assert run.returncode == 0, run.stderr


# What torch.save itself writes, without ultralytics.

PARSER = {"stem.conv.weight": (4, 3, 3, 3), "context.weight": (4, 4, 1, 1), "classify.weight": (3, 4, 1, 1)}


def parser_tensors() -> dict[str, Tensor]:
    return {name: torch.randn(size) for name, size in PARSER.items()}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_and_format_of_torch_is_read(tmp_path, zipped, protocol):
    tensors = parser_tensors()
    path = tmp_path / "x.bin"
    torch.save(tensors, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    assert_same_tensors(dict(read_checkpoint(path).tensors), tensors)


def test_views_parameters_and_every_type_keep_their_values(tmp_path):
    whole = torch.arange(24, dtype=torch.float32)
    tensors = {
        **parser_tensors(),
        "transposed": whole.view(4, 6).t(),
        "every other": whole[1::2],
        "parameter": nn.Parameter(torch.randn(3), requires_grad=False),
        "nothing": torch.zeros(0, 3),
        "scalar": torch.tensor(7),
        "bool": torch.tensor([True, False, True]),
    }
    if hasattr(torch, "uint16"):  # torch before 2.3 cannot save it
        tensors["float8"] = torch.randn(5).to(torch.float8_e4m3fn)
    kinds = (torch.float64, torch.float16, torch.bfloat16, torch.int32, torch.int16, torch.int8, torch.uint8)
    tensors |= {str(kind): torch.arange(5).to(kind) for kind in kinds}
    torch.save(tensors, tmp_path / "x.pt")
    found = read_checkpoint(tmp_path / "x.pt")
    for name, value in tensors.items():
        assert found.tensors[name].dtype == value.dtype and found.tensors[name].shape == value.shape
        assert torch.equal(found.tensors[name].double(), value.double()), name
    save_checkpoint(found, tmp_path / "y")
    for name, value in read_checkpoint(tmp_path / "y").tensors.items():
        assert torch.equal(value.double(), tensors[name].double()), name


def test_tied_weights_are_one_storage_and_are_written_twice(tmp_path):
    tied = torch.randn(4)
    torch.save({**parser_tensors(), "a": tied, "b": tied}, tmp_path / "x.pt")
    found = read_checkpoint(tmp_path / "x.pt")
    assert found.tensors["a"].data_ptr() == found.tensors["b"].data_ptr()
    save_checkpoint(found, tmp_path / "y")
    assert torch.equal(read_checkpoint(tmp_path / "y").tensors["b"], tied)


def test_a_module_gives_the_names_of_its_state_dict(tmp_path):
    net = parser.ParserNet(parser.Plan((4, 4, 4, 4, 4), (1, 1, 1, 1), 3))
    net.register_buffer("passing", torch.zeros(1), persistent=False)
    torch.save(net, tmp_path / "x.pt")
    found = read_checkpoint(tmp_path / "x.pt")
    assert_same_tensors(dict(found.tensors), dict(net.state_dict()))
    assert (found.family, found.task) == ("hemline", "parse")


def test_the_shipped_parser_is_recognised():
    path = Path(parser.__file__).parent / "weights" / "parser.safetensors"
    found = read_checkpoint(path)
    assert (found.family, found.task, found.names) == ("hemline", "parse", {})


def test_wrappers_of_trainers_leave_no_prefix(tmp_path):
    tensors = parser_tensors()
    torch.save({"model": {f"module._orig_mod.{name}": value for name, value in tensors.items()}}, tmp_path / "x.pt")
    assert_same_tensors(dict(read_checkpoint(tmp_path / "x.pt").tensors), tensors)


def test_averaged_weights_win_over_trained_ones(tmp_path):
    marked = {**yolo_tensors(), "model.0.bn.bias": Stored((16,), "8"), "model.0.bn.weight": Stored((16,), "9")}
    torch_zip(tmp_path / "x.pt", {**yolo(), "ema": module(YOLO, marked)})
    assert "model.0.bn.weight" in read_checkpoint(tmp_path / "x.pt").tensors


def test_a_parameter_with_attributes_is_its_tensor(tmp_path):
    inner = Named("torch._utils", "_rebuild_parameter")
    wrapped = Call(
        Named("torch._tensor", "_rebuild_from_type_v2"), (inner, Named("a", "B"), (Stored((16,), "8"), True), {})
    )
    torch_zip(tmp_path / "x.pt", {"model": module(YOLO, {**yolo_tensors(), "model.0.bn.bias": wrapped})})
    assert read_checkpoint(tmp_path / "x.pt").tensors["model.0.bn.bias"].shape == (16,)


def test_a_bool_is_0_or_1_whatever_the_file_says(tmp_path):
    tensors = {name: Stored(size, key=name) for name, size in PARSER.items()}
    tensors["flags"] = Stored((4,), key="flags", kind="BoolStorage")
    held = {name: bytes(4 * tensor.elements()) for name, tensor in tensors.items()} | {"flags": b"\0\1\2\xff"}
    torch_zip(tmp_path / "x.pt", tensors, storages=held)
    assert read_checkpoint(tmp_path / "x.pt").tensors["flags"].view(torch.uint8).tolist() == [0, 1, 1, 1]


def test_class_names_lose_what_would_upset_a_terminal(tmp_path):
    torch_zip(tmp_path / "x.pt", yolo(names=["coat\x1b[2J\n", "x" * 400]))
    names = read_checkpoint(tmp_path / "x.pt").names
    assert names[0] == "coat?[2J?" and len(names[1]) == 200


def test_the_name_of_the_file_means_nothing(tmp_path):
    legacy_file(tmp_path / "sam_vit_h_4b8939.safetensors", yolo())
    assert read_checkpoint(tmp_path / "sam_vit_h_4b8939.safetensors").family == "yolov8"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadFile, match=r"none\.pt cannot be read \(No such file"):
        read_checkpoint(tmp_path / "none.pt")
    with pytest.raises(BadFile, match="cannot be read"):
        read_checkpoint(tmp_path)

"""A user's model files: their kind is told from their content, and one in the wrong place says where it belongs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.model_files import write_sam_names, write_segformer, write_yolo_names
from support.onnx_files import yolo_onnx

from hemline.errors import BadFile, MissingModel, UnknownName
from hemline.model_cache import ModelCache
from hemline.segmentation.garment_model import GarmentModel
from hemline.segmentation.model_files import check_detector, check_sam, inspect_file, look_up, open_detector
from hemline.segmentation.parser import WEIGHTS, Parser
from hemline.segmentation.segformer.files import load_segformer
from hemline.segmentation.segformer.parser import SegformerParser
from hemline.segmentation.yolo import Yolo

CPU = torch.device("cpu")


def test_a_files_kind_and_words_are_told_from_its_content(tmp_path: Path) -> None:
    segformer = inspect_file(write_segformer(tmp_path / "a" / "sam_vit_b.safetensors"))
    assert (segformer.family, segformer.task) == ("segformer", "parse") and "Upper-clothes" in segformer.words
    yolo = inspect_file(write_yolo_names(tmp_path / "parser.safetensors", ("vest", "foo"), "segment"))
    assert (yolo.family, yolo.task, yolo.words) == ("yolov8", "segment", ("vest", "foo"))
    assert yolo.told["license"] == "AGPL-3.0"
    assert inspect_file(write_sam_names(tmp_path / "yolo.pt")).family == "sam"
    assert inspect_file(WEIGHTS).words[0] == "background"


def test_looking_a_file_up_reads_it_once_until_it_or_its_configuration_changes(tmp_path: Path) -> None:
    models, path = ModelCache(), write_segformer(tmp_path / "model.safetensors")
    assert look_up(path, models) is look_up(path, models) and models.loads == 1
    (tmp_path / "config.json").write_text("{}")
    assert "atr" in look_up(path, models).notes[0] and models.loads == 2


def test_a_sam_cannot_detect_and_a_detector_is_no_sam(tmp_path: Path) -> None:
    sam = inspect_file(write_sam_names(tmp_path / "s.pt"))
    with pytest.raises(BadFile, match=r"s\.pt is a SAM.*choose it as 'sam'"):
        check_detector(sam)
    assert check_sam(sam) is sam
    yolo = inspect_file(write_yolo_names(tmp_path / "y.safetensors"))
    with pytest.raises(BadFile, match=r"y\.safetensors is no SAM but yolov8.*choose it as 'detector'"):
        check_sam(yolo)
    assert check_detector(yolo) is yolo


def test_a_yolo_for_another_task_is_refused_by_name(tmp_path: Path) -> None:
    pose = inspect_file(write_yolo_names(tmp_path / "p.safetensors", task="pose"))
    with pytest.raises(BadFile, match=r"task 'pose'.*'detect' or 'segment'"):
        check_detector(pose)


def test_what_is_no_model_and_what_is_not_there_are_told(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("no model")
    with pytest.raises(BadFile, match=r"text\.pt"):
        inspect_file(tmp_path / "text.pt")
    with pytest.raises(MissingModel, match=r"gone\.pt is not there"):
        inspect_file(tmp_path / "gone.pt")


def test_each_family_is_opened_as_what_it_is_and_once(tmp_path: Path) -> None:
    models, path = ModelCache(), write_segformer(tmp_path / "model.safetensors")
    handle = GarmentModel(path, meanings={"upper clothes": "outer"})
    opened = open_detector(handle, models, CPU)
    assert isinstance(opened.network, SegformerParser) and opened.meanings == {"Upper-clothes": "outer"}
    assert opened.network.labels[opened.network.words.index("Upper-clothes")] == "outer"
    loads = models.loads
    assert open_detector(handle, models, CPU).network is opened.network and models.loads == loads
    plain = open_detector(GarmentModel(path), models, CPU).network
    assert isinstance(plain, SegformerParser) and plain.labels[plain.words.index("Upper-clothes")] == "upper"
    assert isinstance(open_detector(GarmentModel(WEIGHTS), models, CPU).network, Parser)


def test_a_class_map_that_does_not_fit_the_file_is_told(tmp_path: Path) -> None:
    path = write_segformer(tmp_path / "model.safetensors")
    with pytest.raises(UnknownName, match="class_map word 'tunic'"):
        open_detector(GarmentModel(path, meanings={"tunic": "upper"}), ModelCache(), CPU)


def test_a_segformer_in_16_bits_sees_nearly_the_same(tmp_path: Path) -> None:
    path = write_segformer(tmp_path / "model.safetensors")
    picture = torch.rand((3, 96, 64), generator=torch.Generator().manual_seed(0))
    exact = open_detector(GarmentModel(path), ModelCache(), CPU).network.look(picture)
    halved = load_segformer(path).to(CPU, torch.bfloat16)
    assert {parameter.dtype for parameter in halved.network.parameters()} == {torch.bfloat16}
    # oneDNN of torch 2.13 to 2.15 convolves few channels of bfloat16 wrongly on CPUs that have AMX.
    with torch.backends.mkldnn.flags(enabled=False):
        found = halved.look(picture)
    assert found.dtype == torch.float32 and 0 < float((found - exact).abs().max()) < 0.05


def test_an_onnx_export_tells_its_words_and_is_a_detector(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="it is what opens the file")
    path = tmp_path / "any.pt"
    path.write_bytes(yolo_onnx())
    models, file = ModelCache(), inspect_file(path)
    assert file.family == "onnx" and file.words and file.task in ("detect", "segment")
    assert check_detector(file) is file
    with pytest.raises(BadFile, match="choose it as 'detector'"):
        check_sam(file)
    assert isinstance(open_detector(GarmentModel(path), models, CPU).network, Yolo)

"""Load Garment Model: files by their menu names, what is in them, and what is told about it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from support.contexts import CONTEXT
from support.model_files import write_sam_names, write_segformer, write_yolo_names

from hemline.context import Context
from hemline.errors import BadFile, MissingModel, RangeError
from hemline.model_cache import ModelCache
from hemline.model_places import folders_below
from hemline.nodes.models import load_garment_model
from hemline.segmentation.garment_model import GarmentModel

WORDS = ("vest dress", "trousers", "gizmo")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_yolo_names(tmp_path / "ultralytics" / "bbox" / "clothes.safetensors", WORDS)
    write_sam_names(tmp_path / "sams" / "sam.pth")
    return tmp_path


@pytest.fixture
def context(root: Path) -> Context:
    return replace(CONTEXT, model_folders=folders_below([root]), models=ModelCache())


def test_untouched_it_gives_the_shipped_parser() -> None:
    model, classes, report = load_garment_model(context=CONTEXT).outputs
    assert model == GarmentModel()
    assert "upper = upper" in classes.splitlines()
    assert json.loads(report)["detector"]["shipped"] and json.loads(report)["sam"] is None


def test_files_are_chosen_by_their_menu_names_and_told_by_their_content(context: Context, root: Path) -> None:
    result = load_garment_model(
        detector="bbox/clothes.safetensors", sam="sam.pth", class_map="gizmo = accessory", context=context
    )
    model, classes, report = result.outputs
    assert model.detector == root / "ultralytics" / "bbox" / "clothes.safetensors"
    assert model.sam == root / "sams" / "sam.pth" and model.meanings == {"gizmo": "accessory"}
    assert classes.splitlines() == ["vest dress = dress", "trousers = pants", "gizmo = accessory"]
    told = json.loads(report)
    assert (told["detector"]["family"], told["sam"]["family"]) == ("yolov8", "sam")
    assert told["detector"]["license"] == "AGPL-3.0" and str(root) not in report
    assert "yolov8 n (detect), 3 classes; its licence: AGPL-3.0" in result.text[0]


def test_words_that_nobody_knows_are_named_with_the_remedy(context: Context) -> None:
    result = load_garment_model(detector="bbox/clothes.safetensors", context=context)
    assert "# gizmo: not used; map it in class_map" in result.outputs[1]
    assert "not used: gizmo" in result.text[0]


def test_a_model_in_the_wrong_place_names_the_other_input(root: Path, context: Context) -> None:
    write_sam_names(root / "ultralytics" / "sam.pt")
    write_segformer(root / "sam" / "model.safetensors")
    with pytest.raises(BadFile, match="choose it as 'sam'"):
        load_garment_model(detector="sam.pt", context=context)
    with pytest.raises(BadFile, match="choose it as 'detector'"):
        load_garment_model(sam="sam/model.safetensors", context=context)


def test_a_missing_file_a_way_out_and_a_bad_class_map_are_errors(context: Context, root: Path) -> None:
    with pytest.raises(MissingModel, match=str(root / "sams")):
        load_garment_model(sam="gone.pth", context=context)
    with pytest.raises(BadFile):
        load_garment_model(detector="../../clothes.safetensors", context=context)
    with pytest.raises(RangeError, match="class_map line 1"):
        load_garment_model(class_map="dress", context=context)


def test_its_fingerprint_changes_with_the_files_only(context: Context, root: Path) -> None:
    fingerprint = load_garment_model.fingerprint
    assert fingerprint is not None

    def stamp(detector: str = "bbox/clothes.safetensors", sam: str | None = "sam.pth", class_map: str = "") -> str:
        return fingerprint(detector=detector, sam=sam, class_map=class_map, precision="float32", context=context)

    first = stamp()
    assert stamp(class_map="gizmo = bag") == first and stamp(sam=None) != first
    os.utime(root / "sams" / "sam.pth", ns=(1, 1))
    second = stamp()
    assert second != first
    missing = stamp(detector="late.pt")
    write_yolo_names(root / "ultralytics" / "late.pt")
    assert stamp(detector="late.pt") != missing


def test_a_class_map_on_the_shipped_parser_and_16_bits_on_a_cpu_are_said_to_do_nothing() -> None:
    result = load_garment_model(class_map="vest = upper", precision="float16", context=CONTEXT)
    assert any("class map is not used" in line for line in result.text)
    assert any("float32" in line for line in result.text)
    assert json.loads(result.outputs[2])["precision"] == "float32"


def test_loading_reads_no_weights_and_the_second_time_nothing_at_all(context: Context) -> None:
    for _ in range(2):
        load_garment_model(detector="bbox/clothes.safetensors", sam="sam.pth", context=context)
    assert context.models.loads == 2 and context.models.held_bytes == 0

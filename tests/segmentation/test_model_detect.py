"""Detect Garments with a model of the user's own: who looks, what is loaded, and what the user is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from figures import draw_person
from support.model_files import write_segformer

from hemline.model_cache import ModelCache
from hemline.segmentation.detect import detect
from hemline.segmentation.garment_model import NO_CLASS_MAP, GarmentModel, YoloOptions
from hemline.segmentation.model_detect import NO_COMPANION, ONLY_YOLO
from hemline.segmentation.parser import WEIGHTS
from hemline.segmentation.vocabulary import PRESETS

OUTFIT = PRESETS["outfit"]
IMAGE = draw_person(240, 160)[0]


@pytest.fixture(scope="module")
def segformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_segformer(tmp_path_factory.mktemp("models") / "model.safetensors")


def test_a_connected_segformer_looks_and_a_second_run_loads_nothing(segformer: Path) -> None:
    models, handle = ModelCache(), GarmentModel(segformer)
    first = detect(IMAGE, OUTFIT, model=handle, models=models, flip=False)
    assert first.garments.method == "segformer" and first.mask.shape == IMAGE.shape[:3]
    assert first.model is not None and first.model["family"] == "segformer"
    assert first.model["file"] == "model.safetensors" and str(segformer.parent) not in str(first.entry())
    loads = models.loads
    second = detect(IMAGE, OUTFIT, model=handle, models=models, flip=False)
    assert models.loads == loads == 3  # the shipped parser, what the file is, and its network
    assert torch.equal(first.mask, second.mask)


def test_the_times_of_the_stages_are_told(segformer: Path) -> None:
    found = detect(IMAGE, OUTFIT, model=GarmentModel(segformer), flip=False)
    stages = found.entry()["stages"]
    assert isinstance(stages, dict) and set(stages) == {"load", "detect"}
    assert all(seconds > 0 for seconds in stages.values()) and sum(stages.values()) <= found.seconds + 1e-3


def test_another_file_of_the_shipped_parsers_kind_gives_the_same(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    shutil.copy(WEIGHTS, other)
    found = detect(IMAGE, OUTFIT, model=GarmentModel(other, meanings={"upper": "outer"}), flip=False)
    assert torch.equal(found.mask, detect(IMAGE, OUTFIT, flip=False).mask)
    assert NO_CLASS_MAP in found.describe()


@pytest.mark.parametrize("method", ["parser", "heuristic"])
def test_a_named_method_stays_what_it_is_and_says_that_the_model_is_idle(segformer: Path, method: str) -> None:
    models = ModelCache()
    found = detect(IMAGE, OUTFIT, method=method, model=GarmentModel(segformer), models=models, flip=False)
    assert found.garments.method == method and found.model is None
    assert f"not used, because method is '{method}'" in found.describe()
    assert all(key[0] != segformer for key in models._held)


def test_without_the_shipped_parser_the_model_looks_alone(segformer: Path, tmp_path: Path) -> None:
    found = detect(IMAGE, OUTFIT, model=GarmentModel(segformer), weights=tmp_path / "gone.safetensors", flip=False)
    assert found.garments.method == "segformer" and NO_COMPANION in found.describe()


def test_what_has_no_effect_is_told(segformer: Path) -> None:
    handle = GarmentModel(segformer, precision="float16")
    found = detect(IMAGE, OUTFIT, model=handle, yolo=YoloOptions(classes="dress"), flip=False)
    assert ONLY_YOLO in found.describe() and "works in float32" in found.describe()


def test_a_handle_that_names_nothing_is_the_shipped_parser() -> None:
    handled = detect(IMAGE, OUTFIT, model=GarmentModel(), flip=False)
    assert torch.equal(handled.mask, detect(IMAGE, OUTFIT, flip=False).mask)
    assert handled.garments.notes == () and handled.sam is None

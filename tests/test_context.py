"""What a host lends to a node: the cache of loaded models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from hemline.context import ModelCache

CPU, META = torch.device("cpu"), torch.device("meta")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"1")
    return path


def test_a_file_is_loaded_once_per_device(weights: Path) -> None:
    models, loads = ModelCache(), []
    for device in (CPU, CPU, META, META, CPU):
        models.get(weights, device, loads.append)
    assert loads == [weights, weights]


def test_a_file_that_has_changed_is_loaded_again(weights: Path) -> None:
    models = ModelCache()
    assert models.get(weights, CPU, Path.read_bytes) == b"1"
    weights.write_bytes(b"2")
    os.utime(weights, ns=(1, 1))
    assert models.get(weights, CPU, Path.read_bytes) == b"2"


def test_what_cannot_be_loaded_is_tried_again(tmp_path: Path) -> None:
    models, path = ModelCache(), tmp_path / "late.bin"
    with pytest.raises(FileNotFoundError):
        models.get(path, CPU, Path.read_bytes)
    path.write_bytes(b"there")
    assert models.get(path, CPU, Path.read_bytes) == b"there"


def test_a_file_that_vanished_is_not_taken_from_memory(weights: Path) -> None:
    models = ModelCache()
    models.get(weights, CPU, Path.read_bytes)
    weights.unlink()
    with pytest.raises(FileNotFoundError):
        models.get(weights, CPU, Path.read_bytes)


def test_cleared_models_are_gone(weights: Path) -> None:
    models, loads = ModelCache(), []
    models.get(weights, CPU, loads.append)
    models.clear()
    models.get(weights, CPU, loads.append)
    assert len(loads) == 2

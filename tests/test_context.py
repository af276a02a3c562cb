"""What a host lends to a node: the caches of loaded models and of what was computed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from hemline.context import ModelCache, TensorCache

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


KILOBYTE = torch.zeros(256)


def test_the_tensor_asked_for_longest_ago_goes_first() -> None:
    cache = TensorCache(3 * 1024)
    for key in "abc":
        cache.put(key, KILOBYTE + ord(key))
    assert cache.get("a") is not None
    cache.put("d", KILOBYTE)
    assert cache.get("b") is None
    assert [float(cache.get(key)[0]) for key in "acd"] == [ord("a"), ord("c"), 0]


def test_what_is_kept_never_exceeds_the_budget() -> None:
    cache = TensorCache(5000)
    for size in (1000, 100, 500, 1250, 30, 900):
        cache.put(size, torch.zeros(size))
        assert cache.held_bytes <= 5000
    cache.put("too large", torch.zeros(1251))
    assert cache.get("too large") is None and cache.get(900) is not None


def test_bytes_are_counted_by_what_a_view_shows_not_by_what_it_is_a_part_of() -> None:
    cache = TensorCache(1024)
    cache.put("part", torch.zeros(1000, 256)[3])
    assert cache.held_bytes == 1024 == cache.get("part").untyped_storage().nbytes()


def test_a_tensor_put_again_takes_the_place_of_the_old_one() -> None:
    cache = TensorCache(2048)
    cache.put("a", KILOBYTE)
    cache.put("a", KILOBYTE + 1)
    assert cache.held_bytes == 1024 and float(cache.get("a")[0]) == 1
    cache.clear()
    assert cache.held_bytes == 0 and cache.get("a") is None


def test_threads_may_share_the_tensors() -> None:
    cache = TensorCache(20 * 1024)

    def work(start: int) -> None:
        for number in range(300):
            cache.put((start * number) % 37, KILOBYTE)
            cache.get(number % 37)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(1, 9)))
    assert cache.held_bytes == sum(1024 for key in range(37) if cache.get(key) is not None) <= 20 * 1024

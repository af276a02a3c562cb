"""The cache of loaded models: what counts as the same, its budget, threads, and what is measured and moved."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from torch import nn

from hemline.errors import RangeError
from hemline.model_cache import DEFAULT_BUDGET_BYTES, ModelCache, model_budget, model_bytes, modules_of

CPU, META = torch.device("cpu"), torch.device("meta")
KILOBYTE = 1024


def network(size: int) -> nn.Module:
    """A network whose weights take so many bytes."""
    module = nn.Module()
    module.weight = nn.Parameter(torch.zeros(size // 4))
    return module


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{letter}.pt" for letter in "abcd"]
    for path in paths:
        path.write_bytes(b"1")
    return paths


def held(models: ModelCache, files: list[Path]) -> str:
    """The names of the files whose models are held; asks for none of them."""
    before, loads = models.loads, []
    for path in files:
        entry = next((key for key in models._held if key[0] == path), None)
        loads += [path.stem] if entry else []
    assert models.loads == before
    return "".join(loads)


def test_device_dtype_and_variant_tell_models_of_one_file_apart(files: list[Path]) -> None:
    models = ModelCache()
    wanted = [(CPU, torch.float32, ""), (META, torch.float32, ""), (CPU, torch.float16, ""), (CPU, torch.float32, "x")]
    found = [
        models.get(files[0], device, lambda path: object(), dtype=dtype, variant=variant)
        for _ in range(2)
        for device, dtype, variant in wanted
    ]
    assert found[:4] == found[4:] and len(set(map(id, found))) == 4
    assert models.loads == 4


def test_a_folder_is_another_one_when_a_file_in_it_is(tmp_path: Path) -> None:
    models, folder = ModelCache(), tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(b"1")
    for _ in range(2):
        models.get(folder, CPU, lambda path: object())
    assert models.loads == 1
    (folder / "config.json").write_bytes(b"{}")
    models.get(folder, CPU, lambda path: object())
    assert models.loads == 2


def test_a_replaced_file_leaves_memory_before_the_new_one_is_loaded(files: list[Path]) -> None:
    models = ModelCache()
    models.get(files[0], CPU, lambda path: network(4 * KILOBYTE))
    os.utime(files[0], ns=(1, 1))
    models.get(files[0], CPU, lambda path: network(KILOBYTE * (8 if models.held_bytes == 0 else 100)))
    assert models.held_bytes == 8 * KILOBYTE


def test_what_was_not_used_for_longest_goes_first(files: list[Path]) -> None:
    models = ModelCache(budget_bytes=3 * KILOBYTE)
    for path in (*files[:3], files[0], files[3]):
        models.get(path, CPU, lambda path: network(KILOBYTE))
    assert held(models, files) == "acd"
    assert models.held_bytes == 3 * KILOBYTE


def test_the_one_just_asked_for_stays_however_large_it_is(files: list[Path]) -> None:
    models = ModelCache(budget_bytes=KILOBYTE)
    models.get(files[0], CPU, lambda path: network(KILOBYTE))
    large = models.get(files[1], CPU, lambda path: network(50 * KILOBYTE))
    assert held(models, files) == "b"
    assert models.get(files[1], CPU, lambda path: network(KILOBYTE)) is large


def test_threads_that_want_the_same_model_share_one_load(files: list[Path]) -> None:
    models, found = ModelCache(), []

    def load(path: Path) -> object:
        time.sleep(0.05)
        return object()

    threads = [threading.Thread(target=lambda: found.append(models.get(files[0], CPU, load))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert models.loads == 1 and len(found) == 8 and len(set(map(id, found))) == 1


def test_a_slow_load_keeps_nobody_from_another_model(files: list[Path]) -> None:
    models, begun, go_on = ModelCache(), threading.Event(), threading.Event()

    def slowly(path: Path) -> str:
        begun.set()
        assert go_on.wait(10)
        return "slow"

    slow = threading.Thread(target=lambda: models.get(files[0], CPU, slowly))
    slow.start()
    assert begun.wait(10)
    assert models.get(files[1], CPU, lambda path: "quick") == "quick"  # would wait for ever behind one lock
    assert models.loads == 1
    go_on.set()
    slow.join()
    assert models.loads == 2


@dataclass(frozen=True)
class Record:
    """A model as the adapters make them: frozen, its networks beside other things; moved by its own `to`."""

    encoder: nn.Module
    decoder: nn.Module
    names: tuple[str, ...] = ()
    device: torch.device = CPU
    moves: list[torch.device] = field(default_factory=list)

    def to(self, device: torch.device) -> Record:
        self.moves.append(device)
        return replace(self, device=device)


def test_the_networks_of_a_record_are_measured_each_tensor_once() -> None:
    shared = network(KILOBYTE)
    shared.register_buffer("buffer", torch.zeros(KILOBYTE, dtype=torch.uint8))
    assert model_bytes(Record(shared, shared)) == 2 * KILOBYTE
    assert model_bytes(Record(shared, network(KILOBYTE))) == 3 * KILOBYTE
    assert modules_of(Record(shared, shared)) == (shared,)
    assert model_bytes("no model") == model_bytes(None) == 0


def test_a_record_may_say_itself_what_it_holds() -> None:
    class Told:
        nbytes = 123

    class Named:
        def modules(self) -> list[nn.Module]:
            return [network(KILOBYTE), network(KILOBYTE)]

    assert model_bytes(Told()) == 123 and model_bytes(Named()) == 2 * KILOBYTE


def test_a_model_is_moved_once_to_the_device_that_it_is_asked_for_on(files: list[Path]) -> None:
    models = ModelCache()
    moves: list[torch.device] = []
    record = Record(network(4), network(4), moves=moves)
    for _ in range(3):
        found = models.get(files[0], META, lambda path: record)
    assert found.device == META and moves == [META]
    plain = models.get(files[1], META, lambda path: network(4))
    assert next(plain.parameters()).is_meta


@pytest.mark.parametrize(("text", "size"), [("", DEFAULT_BUDGET_BYTES), ("2", 2**31), (" 0.5 ", 2**29)])
def test_the_budget_is_a_setting(text: str, size: int) -> None:
    assert model_budget({"HEMLINE_MODEL_GIB": text}) == size


@pytest.mark.parametrize("text", ["much", "0", "-1", "nan", "inf"])
def test_a_budget_that_is_none_is_told(text: str) -> None:
    with pytest.raises(RangeError, match="HEMLINE_MODEL_GIB"):
        model_budget({"HEMLINE_MODEL_GIB": text})

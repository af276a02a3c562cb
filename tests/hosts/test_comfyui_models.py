"""Our models under ComfyUI's memory manager: it makes room for them, takes them away, and they come back."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from support.fake_comfyui import Host, comfyui
from support.host_memory import ModelPatcher
from torch import Tensor, nn

from hemline.hosts.comfyui_models import HostModels

CPU, GPU = torch.device("cpu"), torch.device("meta")
MEBIBYTE = 2**20


class Network(nn.Module):
    """A network of a given size that remembers where it was moved to, as there is no GPU here to move it to."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(size // 4))
        self.place = CPU

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Network:
        self.place = fn(torch.zeros(1)).device
        return self


class ReadOnly(Network):
    """A network that lets nobody write its device, as segment_anything's does not."""

    @property
    def device(self) -> torch.device:
        return self.place


@dataclass(frozen=True)
class Record:
    network: Network


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with comfyui(tmp_path) as host:
        host.model_management._torch_device = GPU
        host.model_management._vram = 100 * MEBIBYTE
        yield host


@pytest.fixture
def get(tmp_path: Path) -> Callable[..., Network]:
    """Asks one cache for the network of a file by name; its size is given in MiB."""
    models = HostModels()

    def get(name: str, size: int = 10, *, kind: type[Network] = Network) -> Network:
        path = tmp_path / name
        if not path.exists():
            path.write_bytes(b"1")
        return models.get(path, GPU, lambda path: Record(kind(size * MEBIBYTE))).network

    get.models = models  # type: ignore[attr-defined]
    return get


def of_the_host(host: Host, size: int) -> ModelPatcher:
    """A model of the host's own, loaded."""
    network = nn.Module()
    network.inner = Network(size * MEBIBYTE)
    patcher = ModelPatcher(network, GPU, CPU)
    host.model_management.load_models_gpu([patcher])
    return patcher


def test_the_host_makes_room_before_our_model_comes(host: Host, get: Callable[..., Network]) -> None:
    theirs = of_the_host(host, 80)
    assert get("sam.pth", 60).place == GPU
    assert theirs.model.inner.place == CPU


def test_the_host_may_take_our_model_away_and_it_comes_back_without_being_read(
    host: Host, get: Callable[..., Network]
) -> None:
    ours = get("sam.pth", 60)
    of_the_host(host, 80)
    assert ours.place == CPU
    assert get("sam.pth") is ours and ours.place == GPU
    assert get.models.loads == 1


def test_the_free_model_button_takes_all_our_weights_off_the_gpu(host: Host, get: Callable[..., Network]) -> None:
    ours = [get("a.pt"), get("b.pt"), get("sam.pth", kind=ReadOnly)]
    host.model_management.unload_all_models()
    assert [network.place for network in ours] == [CPU] * 3
    assert [get(name).place for name in ("a.pt", "sam.pth")] == [GPU, GPU]
    assert get.models.loads == 3


def test_models_of_one_run_stay_together_and_go_when_the_next_one_needs_room(
    host: Host, get: Callable[..., Network]
) -> None:
    with get.models.node_run():
        parser, yolo = get("parser.pt", 45), get("yolo.pt", 45)
        assert (parser.place, yolo.place) == (GPU, GPU)
    with get.models.node_run():
        sam = get("sam.pth", 90)
        assert sam.place == GPU and {parser.place, yolo.place} == {CPU}


def test_a_host_short_of_memory_still_gives_us_the_whole_model(
    host: Host, get: Callable[..., Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = host.model_management.load_models_gpu

    def older(models: Any, memory_required: float = 0) -> None:  # before it could be asked to load all of it
        whole(models, memory_required)

    monkeypatch.setattr(host.model_management, "load_models_gpu", older)
    assert get("sam.pth", 60).place == GPU


def test_hosts_without_patchers_are_only_asked_for_room(
    host: Host, get: Callable[..., Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = of_the_host(host, 80)
    monkeypatch.setitem(__import__("sys").modules, "comfy.model_patcher", None)
    assert get("sam.pth", 60).place == GPU
    assert theirs.model.inner.place == CPU


def test_on_a_cpu_the_host_is_not_asked_at_all(host: Host, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"1")
    models = HostModels()
    for _ in range(2):
        found = models.get(tmp_path / "a.pt", CPU, lambda path: Record(Network(MEBIBYTE)))
    assert found.network.place == CPU and models.loads == 1
    assert host.model_management._requests == [] and models._patchers == {}


def test_what_leaves_the_cache_leaves_the_host(host: Host, get: Callable[..., Network]) -> None:
    get.models.budget_bytes = 15 * MEBIBYTE
    with get.models.node_run():
        get("a.pt")
    with get.models.node_run():
        get("b.pt")
    gc.collect()
    assert len(host.model_management.loaded_models()) == len(get.models._patchers) == 1
    get.models.clear()
    gc.collect()
    assert host.model_management.loaded_models() == []

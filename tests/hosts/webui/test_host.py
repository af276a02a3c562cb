"""What is asked of a host's memory manager."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from hemline.hosts.webui.host import make_room


@pytest.mark.parametrize("manager", ["backend.memory_management", "ldm_patched.modules.model_management"])
def test_forge_and_reforge_are_asked_to_make_room(manager: str, monkeypatch: pytest.MonkeyPatch):
    asked: list[Any] = []
    monkeypatch.setitem(sys.modules, manager, SimpleNamespace(free_memory=lambda *values: asked.append(values)))  # type: ignore[arg-type]
    make_room(1000, torch.device("cuda"))
    assert asked == [(1000, torch.device("cuda"))]


def test_a_host_without_a_memory_manager_is_asked_nothing():
    make_room(1000, torch.device("cuda"))

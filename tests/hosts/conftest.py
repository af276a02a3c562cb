"""Fake ComfyUI hosts with the pack loaded, for every test of this folder that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.fake_comfyui import VERSIONS, Host, comfyui, install_pack
from support.given import add_test_nodes
from support.pictures import given_values
from torch import Tensor


@pytest.fixture(scope="module")
def pack_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_pack(tmp_path_factory.mktemp("custom nodes"))


@pytest.fixture(scope="module")
def values() -> dict[str, Tensor]:
    return given_values()


@pytest.fixture(scope="module", params=VERSIONS)
def host(
    request: pytest.FixtureRequest, pack_folder: Path, values: dict[str, Tensor], tmp_path_factory: Any
) -> Iterator[Host]:
    with comfyui(tmp_path_factory.mktemp("host"), request.param) as host:
        host.load_pack(pack_folder)
        add_test_nodes(host, values)
        yield host


@pytest.fixture
def fresh(pack_folder: Path, tmp_path: Path) -> Any:
    """Makes a host of its own: `with fresh("V1", dtype=torch.float16) as host`."""

    def start(version: str, **options: Any) -> Any:
        dtype = options.get("dtype", torch.float32)
        context = comfyui(tmp_path, version, **options)

        class Started:
            def __enter__(self) -> Host:
                host = context.__enter__()
                host.load_pack(pack_folder)
                add_test_nodes(host, given_values(dtype=dtype))
                return host

            def __exit__(self, *details: Any) -> None:
                context.__exit__(*details)

        return Started()

    return start

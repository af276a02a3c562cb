"""The example workflows on a real ComfyUI, with a stand-in for the diffusion model as a node pack of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.examples import FOLDER, NODES, WORKFLOWS, with_pictures, write_pictures
from support.fake_comfyui import VERSIONS
from support.real_comfyui import RealComfyUI, comfyui_dir, running_comfyui
from support.stand_in import with_stand_in

from hemline.hosts.headless_context import headless_context
from hemline.hosts.pictures import load_image
from hemline.hosts.workflow import load_workflow, run_workflow

pytestmark = pytest.mark.skipif(comfyui_dir() is None, reason="COMFYUI_DIR names no real ComfyUI")
# The host cuts fractions of 8-bit levels off and works with its own order of operations.
ONE_LEVEL = 1.01 / 255


@pytest.fixture(scope="module", params=VERSIONS)
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealComfyUI]:
    base = tmp_path_factory.mktemp("real")
    pack = base / "custom_nodes" / "stand_in"
    pack.mkdir(parents=True)
    shutil.copy(Path(__file__).parents[1] / "support" / "stand_in.py", pack / "__init__.py")
    with running_comfyui(base, force_v1=request.param == "V1") as host:
        write_pictures(host.base / "input")
        yield host


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_real_host_gives_what_the_headless_run_gives(name: str, real: RealComfyUI, tmp_path: Path) -> None:
    prompt = with_stand_in(with_pictures(load_workflow(FOLDER / f"{name}.json", NODES)), faulty=True)
    entry = real.run(_with_defaults(prompt))
    assert entry["status"]["status_str"] == "success", json.dumps(entry["status"]["messages"], indent=1)[-3000:]
    context = headless_context(tmp_path, device="cpu", input_folder=real.base / "input")
    run_workflow(prompt, NODES, context)
    theirs = {path.relative_to(real.base / "output") for path in (real.base / "output").rglob("*.png")}
    ours = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.png")}
    assert ours and ours <= theirs
    for path in ours:
        expected, got = load_image(tmp_path / path), load_image(real.base / "output" / path)
        assert torch.allclose(got.image, expected.image, atol=ONE_LEVEL), path


def _with_defaults(prompt: dict[str, Any]) -> dict[str, Any]:
    """The prompt with every widget filled in, as the frontend sends it."""
    filled: dict[str, Any] = {}
    for id, entry in prompt.items():
        record = NODES[entry["class_type"]]
        defaults = {port.name: port.default for port in record.inputs if port.default is not None}
        filled[id] = {**entry, "inputs": {**defaults, **entry["inputs"]}}
    return filled

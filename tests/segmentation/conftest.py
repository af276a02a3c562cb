from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

MAKER = Path(__file__).resolve().parents[1] / "support" / "ultralytics_files.py"


@pytest.fixture(scope="session")
def ultralytics_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what ultralytics saves, made once: see support/ultralytics_files.py."""
    if importlib.util.find_spec("ultralytics") is None:
        pytest.skip("ultralytics is not installed")
    folder = tmp_path_factory.mktemp("ultralytics")
    run = subprocess.run([sys.executable, str(MAKER), str(folder)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

"""install.py: silent where all is there, and never touches what the host has."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).resolve().parents[3] / "install.py"


@pytest.fixture
def module() -> Any:
    spec = importlib.util.spec_from_file_location("hemline_install", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_silent_and_quick_to_end_where_all_is_there():
    done = subprocess.run([sys.executable, str(FILE)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_nothing_heavy_is_ever_asked_for(module: Any):
    assert not {"torch", "numpy", "pillow", "opencv-python", "opencv-python-headless"} & {
        name.lower() for name in module.NEEDED
    }


def test_only_what_is_missing_is_installed_and_everything_there_is_held(module: Any, monkeypatch: Any):
    module.NEEDED = ("numpy", "hemline-surely-not-installed")
    assert module.missing() == ["hemline-surely-not-installed"]
    seen: dict[str, Any] = {}

    def run(command: list[str], **kwargs: Any) -> Any:
        seen["command"], seen["held"] = command, Path(command[command.index("-c") + 1]).read_text()
        return subprocess.CompletedProcess(command, 1, "", "no network")

    monkeypatch.setattr(module.subprocess, "run", run)
    module.install(module.missing())
    assert seen["command"][-1:] == ["hemline-surely-not-installed"]
    for name in ("torch", "numpy", "pillow"):
        version = importlib.metadata.version(name).split("+")[0]
        assert f"{name}=={version}" in seen["held"].lower()


def test_pip_that_fails_does_not_keep_the_host_from_starting(module: Any, monkeypatch: Any, caplog: Any):
    failed = subprocess.CompletedProcess([], 1, "", "no network")
    monkeypatch.setattr(module.subprocess, "run", lambda command, **kwargs: failed)
    module.install(["something"])
    assert "no network" in caplog.text

"""scripts/hemline_webui.py, loaded as hosts load it."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).resolve().parents[3] / "scripts" / "hemline_webui.py"


def load(modules: Any) -> set[str]:
    """The classes that the stand-in host finds in the script file."""
    post = importlib.import_module("modules.scripts_postprocessing")
    spec = importlib.util.spec_from_file_location(FILE.name, FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kinds = (modules.scripts.Script, post.ScriptPostprocessing)
    return {name for name, value in vars(module).items() if isinstance(value, type) and issubclass(value, kinds)}


def test_the_host_finds_one_class_of_each_kind(modules: Any, capsys: pytest.CaptureFixture[str]):
    assert load(modules) == {"HemlineScript", "HemlinePostprocessing"}
    assert capsys.readouterr().out == ""


def test_a_host_that_lacks_a_hook_goes_on_without_hemline_and_says_why(
    modules: Any, capsys: pytest.CaptureFixture[str]
):
    del modules.scripts.Script.postprocess_maskoverlay, modules.scripts.Script.postprocess_image_after_composite
    assert not load(modules)
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "does not call postprocess_maskoverlay" in said
    assert "SD.Next is not supported" in said
    assert not importlib.import_module("modules.script_callbacks").registered

"""`hemline doctor` shows what plugins bring and what was left out."""

from __future__ import annotations

import pytest

from hemline.blending.filters import FILTERS
from hemline.blending.modes import MODE_REGISTRY
from hemline.hosts import doctor
from hemline.plugin_sources import find_sources
from hemline.plugins import Plugins, Registry
from hemline.segmentation.generators import GENERATORS


@pytest.fixture
def plugin_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HEMLINE_PLUGINS", str(tmp_path))
    plugins = Plugins(lambda leave_out: find_sources({"HEMLINE_PLUGINS": str(tmp_path)}, leave_out))
    for name, kind in (("MODE_REGISTRY", MODE_REGISTRY), ("GENERATORS", GENERATORS), ("FILTERS", FILTERS)):
        anew = Registry(kind.kind, kind._group, kind.built_in, kind._make, plugins=plugins)
        monkeypatch.setattr(doctor, name, anew)
    tmp_path.chmod(0o755)
    return tmp_path


def plugin_lines() -> list[str]:
    return [finding.line() for finding in doctor.examine() if finding.topic == "plugin"]


def test_without_plugins_it_says_where_to_put_them(plugin_folder):
    assert plugin_lines() == [f"plugin   none               none     put .py files into {plugin_folder}"]


def test_each_plugin_is_listed_and_each_failure_once(plugin_folder):
    (plugin_folder / "mine.py").write_text("FILTERS = {'mine': lambda image: image}")
    (plugin_folder / "broken.py").write_text("1 / 0")
    (plugin_folder / "wrong.py").write_text("FILTERS = {'wrong': lambda: 0}\nBLEND_MODES = {'also': lambda b, s: s}")
    first, second, *failures = plugin_lines()
    assert first.startswith("plugin   also               ok       blend mode of")
    assert second == f"plugin   mine               ok       filter of {plugin_folder / 'mine.py'}"
    assert len(failures) == 2 and all(" broken " in line for line in failures)
    assert "broken.py is left out: ZeroDivisionError: division by zero" in failures[0]
    assert "wrong.py (filters) is left out: the filter 'wrong' cannot be used" in failures[1]

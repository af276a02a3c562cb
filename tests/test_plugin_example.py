"""The contract with plugin authors: the example package, built and installed as theirs are, works in every host."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "plugin"
NAMES = ["quadratic mean", "halftone dots", "split tone"]
BROKEN = {
    "raises.py": "raise RuntimeError('broken on purpose')",
    "signature.py": "MASK_GENERATORS = {'bad': lambda picture: picture}",
    "thief.py": "BLEND_MODES = {'multiply': lambda b, s: b * 0, 'quadratic mean': lambda b, s: b * 0}",
    "nan.py": "FILTERS = {'nan': lambda image: image * float('nan')}",
    "shape.py": "MASK_GENERATORS = {'flat': lambda image: image.mean()}",
}
# conftest makes the checkout importable where it is not installed, and turns plugins off.
START = "import json, os, sys; sys.path.insert(0, sys.argv[1]); import conftest; del os.environ['HEMLINE_PLUGINS']\n"
USE = """
import torch
from hemline.blending.composite import blend_images
from hemline.nodes.blend import apply_filter_node, blend_layers
from hemline.nodes.generate import generate_mask_node
assert "hemline_example_plugin" not in sys.modules, "plugins load on first use, not on import"
image = torch.full((1, 8, 8, 3), 0.6)
told = {}
def ask(name, function):
    try:
        told[name] = function()
    except ValueError as error:
        told[name] = f"{type(error).__name__}: {error}"
def blend():
    return blend_layers(base=image, layer=image / 3, mode="quadratic mean").outputs[0]
def dots():
    return generate_mask_node(image=image, generator="halftone dots", settings="size=4")
def tone():
    return apply_filter_node(image=image, filter="split tone", settings="warmth=1").outputs[0]
ask("blend", lambda: round(float(blend().mean()), 4))
ask("generate", lambda: list(dots().outputs[0].shape))
ask("generate text", lambda: dots().text)
ask("filter", lambda: float(tone()[0, 0, 0, 0]))
ask("multiply", lambda: round(float(blend_images(image, image, mode="multiply").mean()), 4))
ask("nan", lambda: apply_filter_node(image=image, filter="nan"))
ask("flat", lambda: generate_mask_node(image=image, generator="flat"))
ask("bad", lambda: generate_mask_node(image=image, generator="bad"))
print(json.dumps(told))
"""
MENUS = """
import pathlib
from support.fake_comfyui import comfyui, install_pack
from support.object_info import ours, ports_of
base = pathlib.Path(sys.argv[2])
sys.modules["hemline"] = None  # the pack must not import itself by an absolute name
with comfyui(base, sys.argv[3]) as host:
    host.load_pack(install_pack(base / "custom_nodes"))
    info = {id: ports_of(entry) for id, entry in ours(host).items()}
    ports = [("HemlineBlendLayers", "mode"), ("HemlineGenerateMask", "generator"), ("HemlineApplyFilter", "filter")]
    print(json.dumps([info[id][port][1]["options"][-1] for id, port in ports]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of installed packages that holds the example, made from its own wheel."""
    base = tmp_path_factory.mktemp("example")
    source = shutil.copytree(EXAMPLE, base / "source", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(base), str(source)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    with zipfile.ZipFile(next(base.glob("*.whl"))) as wheel:  # what pip does with a wheel of pure Python
        wheel.extractall(base / "site")
    return base / "site"


def run(script: str, installed: Path, configuration: Path, *arguments: str) -> tuple[Any, str]:
    """What the script prints last, as JSON, and what it logs, in a process that has the example installed."""
    paths = os.pathsep.join((str(installed), str(ROOT / "tests")))
    env = {**os.environ, "PYTHONPATH": paths, "XDG_CONFIG_HOME": str(configuration), "APPDATA": str(configuration)}
    command = [sys.executable, "-c", START + script, str(ROOT / "tests"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False, cwd=ROOT / "tests")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.fixture(scope="module")
def used(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The example among broken plugins in the user's folder."""
    configuration = tmp_path_factory.mktemp("configuration")
    folder = configuration / "hemline" / "plugins"
    folder.mkdir(parents=True, mode=0o755)
    for name, text in BROKEN.items():
        (folder / name).write_text(text, encoding="utf-8")
    return run(USE, installed, configuration)


def test_all_three_of_the_example_work_through_the_nodes(used):
    told, _ = used
    assert told["blend"] == pytest.approx(((0.36 + 0.04) / 2) ** 0.5, abs=1e-4)
    assert told["generate"] == [1, 8, 8] and told["filter"] == pytest.approx(0.7)


def test_settings_of_a_plugin_come_from_the_text_and_from_widgets_of_the_same_name(used):
    assert used[0]["generate text"][0] == "halftone dots: size = 4; angle = 0"


def test_no_plugin_replaces_what_is_built_in(used):
    told, log = used
    assert told["multiply"] == pytest.approx(0.36, abs=1e-4)
    assert "the blend mode 'multiply' exists already" in log


def test_wrong_results_are_errors_that_name_the_plugin(used):
    told, _ = used
    assert told["nan"].startswith("PluginError: The filter 'nan' of plugin") and "nan.py gave NaN" in told["nan"]
    assert "shape.py gave shape []; it must give [1, 8, 8]" in told["flat"]


def test_what_was_left_out_is_on_the_node_in_the_error_and_once_in_the_log(used):
    told, log = used
    lines = told["generate text"][1:]
    assert any("raises.py is left out: RuntimeError: broken on purpose" in line for line in lines)
    assert any("signature.py (mask generators) is left out" in line for line in lines)
    assert told["bad"].startswith("UnknownName") and "it must begin with (height, width)" in told["bad"]
    assert log.count("broken on purpose") == 1


@pytest.mark.parametrize("version", ["V1", "V3"])
def test_the_names_are_in_the_hosts_menus(installed: Path, tmp_path: Path, version: str):
    assert run(MENUS, installed, tmp_path, str(tmp_path), version)[0] == NAMES


def test_the_doctor_lists_them(installed: Path, tmp_path: Path):
    script = """
from hemline.hosts.doctor import examine
print(json.dumps([[finding.name, finding.detail] for finding in examine() if finding.topic == "plugin"]))
"""
    kinds = ["blend mode", "mask generator", "filter"]
    findings, _ = run(script, installed, tmp_path)
    expected = zip(NAMES, kinds, strict=True)
    assert findings == [[name, f"{kind} of hemline-example-plugin 1.0.0"] for name, kind in expected]


def test_the_examples_own_tests_pass():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(EXAMPLE), str(EXAMPLE)]
    env = {**os.environ, "PYTHONPATH": str(EXAMPLE), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False, cwd=EXAMPLE)
    assert done.returncode == 0 and "3 passed" in done.stdout, done.stdout + done.stderr

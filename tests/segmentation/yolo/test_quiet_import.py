"""Nothing is sent, started, installed, patched or written elsewhere when ultralytics is imported and used by us."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.commands import PYTHON

from hemline.errors import MissingModel
from hemline.segmentation.remedies import torchvision_remedy
from hemline.segmentation.yolo import quiet_import

# Loads a model and looks at a picture, and tells what the process did meanwhile and what is not as it was before.
WATCH = """
import json, logging, os, random, sys, threading, types, uuid, warnings
folder, file = sys.argv[3], sys.argv[4]
import numpy, torch
torch.zeros(1).numpy()
import hemline.segmentation.yolo.detect, hemline.segmentation.yolo.loader
from pathlib import Path
try:  # their own doings, which any use of them would bring
    import PIL.Image, cv2
except ImportError:
    cv2 = None
addresses = []
uuid.getnode = lambda: addresses.append(1) or 1
seen = []
WATCHED = ("socket.", "subprocess.", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "urllib.",
           "http.", "ftplib.", "smtplib.", "webbrowser.", "ensurepip.", "shutil.", "os.remove", "os.rename", "os.mkdir",
           "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.truncate", "os.putenv", "os.unsetenv")
def hook(event, arguments):
    if not on:
        return
    if event.startswith(WATCHED):
        if event in ("os.mkdir", "os.rmdir", "os.remove") and str(arguments[0]).startswith(folder):
            return
        if event in ("os.putenv", "os.unsetenv"):
            return  # compared below
        seen.append(f"{event} {arguments!r:.200}")
    if event == "open":
        path, mode, flags = arguments
        writes = (mode and set(str(mode)) & set("wax+")) or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and not str(path).startswith(folder) and path != os.devnull:
            seen.append(f"open {arguments!r:.200}")
def functions():
    found = {}
    for name, module in list(sys.modules.items()):
        if isinstance(module, types.ModuleType) and not name.startswith(("ultralytics", "hemline", "__m")):
            for key, value in list(vars(module).items()):
                if callable(value) or isinstance(value, types.ModuleType):
                    found[f"{name}.{key}"] = id(value)
    return found
def state():
    return {
        "environment": dict(os.environ), "threads": torch.get_num_threads(), "interop": torch.get_num_interop_threads(),
        "cv2 threads": cv2 and cv2.getNumThreads(), "torch prints": repr(torch._tensor_str.PRINT_OPTS),
        "numpy prints": {k: repr(v) for k, v in numpy.get_printoptions().items()},
        "filters": repr(warnings.filters), "root": repr((logging.root.handlers, logging.root.level)),
        "levels": [logging.getLogger(name).level for name in ("coremltools", "sentry_sdk", "torch", "PIL")],
        "hooks": repr((sys.excepthook, threading.excepthook, sys.stdout, sys.stderr, sys.displayhook)),
        "paths": [*sys.path, repr(sys.meta_path), repr(sys.path_hooks)],
        "running": [thread.name for thread in threading.enumerate()],
        "random": repr((random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist())),
        "default type": repr(torch.get_default_dtype()), "grad": torch.is_grad_enabled(),
    }
on = False
sys.addaudithook(hook)
picture = torch.rand(1, 64, 96, 3)
functions_before, state_before = functions(), state()
on = True
model = hemline.segmentation.yolo.loader.load_yolo(Path(file), folder=Path(folder))
found, _ = hemline.segmentation.yolo.detect.detect_with_yolo(picture, model, meanings={"鞋": "footwear"},
                                                             confidence=0.0, max_detections=3)
on = False
now, after = functions(), state()
settings = sys.modules["ultralytics.utils"].SETTINGS
print(json.dumps({
    "seen": seen, "found": len(found), "addresses": len(addresses), "sync": settings["sync"],
    "patched": [name for name, value in functions_before.items() if now.get(name, value) != value],
    "changed": [name for name in state_before if state_before[name] != after[name]],
    "written": [str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()],
}))
"""


def needs_ultralytics() -> None:
    if find_spec("ultralytics") is None:  # importing it here would leave its patches in the tests' own process
        pytest.skip("what it does is watched (pip install 'hemline[yolo]')")


def watch(files: Path, folder: Path, **environment: str) -> dict[str, object]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("YOLO_", "OMP_", "ULTRALYTICS_"))
    }
    run = subprocess.run(
        [*PYTHON, WATCH, str(folder), str(files / "yolov8n-seg.pt")], capture_output=True, text=True,
        env={**clean, "HOME": str(files / "home"), **environment},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def expect_nothing(told: dict[str, object]) -> None:
    assert told["seen"] == [] and told["patched"] == [] and told["changed"] == []
    assert told["found"] and told["addresses"] == 0 and told["sync"] is False


def test_loading_and_looking_leaves_no_trace(ultralytics_files, tmp_path):
    """No socket, no process, no file elsewhere; every function, variable and setting is as before."""
    needs_ultralytics()
    told = watch(ultralytics_files, tmp_path)
    expect_nothing(told)
    assert told["written"] == ["Ultralytics/settings.json"]
    assert not (ultralytics_files / "home").exists()


def test_what_the_user_has_set_stays_and_counts(ultralytics_files, tmp_path):
    needs_ultralytics()
    own = tmp_path / "own"
    mine = {"OMP_NUM_THREADS": "2", "YOLO_CONFIG_DIR": str(own), "YOLO_VERBOSE": "1"}
    told = watch(ultralytics_files, tmp_path, **mine)
    expect_nothing(told)
    assert told["written"] == ["own/Ultralytics/settings.json"]


# Releases, without importing any.


@pytest.mark.parametrize("version", ["8.3.41", "8.3.42", "8.3.45", "8.3.46"])
def test_infected_releases_are_refused_unimported(monkeypatch, version):
    refuse(monkeypatch, version, "malware")


@pytest.mark.parametrize("version", ["8.0.5", "8.3.40", "8.3.216", "7.9.999", "of an unknown version"])
def test_old_releases_are_refused_unimported(monkeypatch, version):
    refuse(monkeypatch, version, "too old")


def refuse(monkeypatch: pytest.MonkeyPatch, version: str, reason: str) -> None:
    monkeypatch.setattr(quiet_import, "_installed_version", lambda: version)
    monkeypatch.setattr(quiet_import, "_import", lambda module: pytest.fail("it was imported"))
    with pytest.raises(MissingModel, match=reason) as caught:
        quiet_import.import_ultralytics()
    assert version in str(caught.value)
    assert re.search(r'-m pip install (--upgrade )?"ultralytics>=8\.3\.217"$', str(caught.value))


@pytest.mark.parametrize("version", ["8.3.217", "8.4.0", "9.0.0rc1", "10.0.1"])
def test_newer_releases_are_taken(monkeypatch, version):
    monkeypatch.setattr(quiet_import, "_installed_version", lambda: version)
    quiet_import.check_version()


def test_the_version_is_the_installed_one(monkeypatch):
    needs_ultralytics()
    assert quiet_import._installed_version() == metadata.version("ultralytics")

    def unknown(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", unknown)
    assert quiet_import._installed_version() == metadata.distribution("ultralytics").version  # out of its text


def test_without_it_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingModel, match=r'AGPL-3.0.*pip install "ultralytics>=8\.3\.217"'):
        quiet_import.import_ultralytics()


# A torchvision that does not fit torch.

BROKEN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from hemline.errors import MissingModel
from hemline.segmentation.yolo.loader import load_yolo
try:
    print("loaded", load_yolo(Path(sys.argv[4])).family)
except MissingModel as error:
    print("refused", error)
"""
MISMATCH = 'raise RuntimeError("operator torchvision::nms does not exist")\n'


def with_broken_torchvision(folder: Path, file: Path) -> str:
    (folder / "torchvision").mkdir()
    (folder / "torchvision" / "__init__.py").write_text(MISMATCH)
    run = subprocess.run([*PYTHON, BROKEN, str(folder), str(file)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_a_broken_torchvision_is_told_with_the_remedy(ultralytics_files, tmp_path):
    """Releases of ultralytics that import torchvision on the way: one that does nothing else stands for them."""
    package = tmp_path / "ultralytics"
    (package / "nn").mkdir(parents=True)
    (package / "__init__.py").write_text('__version__ = "8.3.217"\nimport torchvision\n')
    (package / "nn" / "__init__.py").write_text("")
    told = with_broken_torchvision(tmp_path, ultralytics_files / "yolov8n.pt")
    assert told.startswith("refused torchvision does not fit torch") and "torchvision::nms does not exist" in told
    assert told.rstrip().endswith(torchvision_remedy())


def test_who_does_not_need_torchvision_runs_without_it(ultralytics_files, tmp_path):
    needs_ultralytics()
    told = with_broken_torchvision(tmp_path, ultralytics_files / "yolov8n.pt")
    assert told.strip() == "loaded yolov8" or told.startswith("refused torchvision does not fit torch")


def test_hemline_itself_imports_neither(tmp_path):
    check = """
import sys
import hemline.segmentation.yolo.detect, hemline.segmentation.yolo.loader
print([name for name in ("ultralytics", "cv2", "torchvision", "onnxruntime", "matplotlib") if name in sys.modules])
"""
    run = subprocess.run([*PYTHON, check], capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr

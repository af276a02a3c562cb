from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import hemline

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOT_PACKAGED = {"tests", "training", "benchmarks", "docs", "examples", "scripts", "build", "dist"}


def folders_with_code() -> set[str]:
    inits = (path.parent.relative_to(ROOT) for path in ROOT.rglob("__init__.py"))
    kept = (path for path in inits if not path.parts or (path.parts[0] not in NOT_PACKAGED and path.parts[0][0] != "."))
    return {".".join(("hemline", *path.parts)) for path in kept}


def test_the_package_list_equals_the_folders():
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == folders_with_code()


def test_every_folder_of_modules_is_a_package():
    modules = {path.parent for path in ROOT.glob("*/*.py") if path.parent.name not in {*NOT_PACKAGED, ".ci"}}
    assert all((folder / "__init__.py").is_file() for folder in modules)


def test_the_check_of_the_registrys_zip_knows_every_module_beside_the_folders():
    check = (ROOT / ".ci" / "check_pack.py").read_text(encoding="utf-8")
    assert not [path.name for path in ROOT.glob("*.py") if f'"{path.name}"' not in check]


def test_the_version_is_the_same_everywhere():
    assert PROJECT["project"]["version"] == hemline.__version__
    assert f"## {hemline.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_host_owns_its_packages():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line.strip() and not line.startswith("#")]
    assert not [line for line in wanted if re.match(r"(torch|numpy|opencv|pillow)", line, re.IGNORECASE)]
    assert not [line for line in wanted + PROJECT["project"]["dependencies"] if "==" in line]


def test_the_registry_would_take_the_metadata():
    assert "comfyui" not in PROJECT["project"]["name"].lower() and len(PROJECT["project"]["name"]) < 100
    assert PROJECT["tool"]["comfy"]["PublisherId"] and PROJECT["tool"]["comfy"]["DisplayName"]
    assert PROJECT["project"]["license"] == {"file": "LICENSE"} and PROJECT["project"]["urls"]["Repository"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_every_module_the_weights_and_the_help_pages_and_nothing_else(wheel: zipfile.ZipFile):
    packaged = {name for name in wheel.namelist() if ".dist-info/" not in name}
    folders = [
        ROOT,
        *(ROOT / name.partition(".")[2].replace(".", "/") for name in PROJECT["tool"]["setuptools"]["packages"][1:]),
    ]
    files = {path for folder in folders for path in folder.glob("*.py")}
    files |= {*ROOT.glob("segmentation/weights/*"), *ROOT.glob("web/docs/*.md"), ROOT / "py.typed"}
    files |= {path for kind in ("js", "mjs", "webp") for path in ROOT.glob(f"web/**/*.{kind}")}
    assert packaged == {f"hemline/{path.relative_to(ROOT).as_posix()}" for path in files}


def test_the_wheel_has_the_command(wheel: zipfile.ZipFile):
    entry_points = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert b"hemline = hemline.hosts.cli:main" in wheel.read(entry_points)


def test_the_quick_start_holds_exactly_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Quick start")[1].split("\n## ")[0]
    blocks = re.findall(r"```\w*\n(.*?)```", section, re.DOTALL)
    assert len([line for block in blocks for line in block.splitlines()]) == 2


def test_no_file_knows_where_it_was_written():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    home = str(ROOT.parent) + "/"
    texts = ((name, (ROOT / name).read_bytes()) for name in tracked.stdout.splitlines() if (ROOT / name).is_file())
    assert not [name for name, content in texts if len(home) > 2 and home.encode() in content]

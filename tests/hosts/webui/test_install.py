"""install.py as hosts run it: a process of its own, in an environment of its own, with pip on packages made here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[3] / "install.py"
# As a host has them; only their records are there, which is what pip goes by.
HELD = {"torch": "2.1.2+cpu", "numpy": "1.26.2", "Pillow": "9.5.0", "opencv-python": "4.8.0.76"}


def write_wheel(folder: Path, name: str, version: str, *needs: str) -> None:
    """A package with one empty module."""
    module, records = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    files = {
        f"{module}.py": "",
        f"{records}/METADATA": "".join(
            f"{line}\n"
            for line in (
                "Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {n}" for n in needs)
            )
        ),
        f"{records}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }  # fmt: skip
    record = "".join(f"{path},,\n" for path in (*files, f"{records}/RECORD"))
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in {**files, f"{records}/RECORD": record}.items():
            wheel.writestr(path, text)


class Environment:
    """A Python with pip and the records of what a host has; pip finds packages in one folder and nowhere else."""

    def __init__(self, folder: Path) -> None:
        self.packages, self.host = folder / "packages", folder / "host"
        self.host.mkdir()
        venv.create(folder / "venv", with_pip=True, symlinks=os.name != "nt")
        self.python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        self.site = Path(self.call("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
        for name, version in HELD.items():
            self.record(name, version, f"Name: {name}\nVersion: {version}\n")
        self.first = {path.name for path in self.site.iterdir()}

    def reset(self) -> None:
        """As it was made, with no packages to be found."""
        shutil.rmtree(self.packages, ignore_errors=True)
        self.packages.mkdir()
        for path in self.site.iterdir():
            if path.name not in self.first:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def record(self, name: str, version: str, text: str) -> None:
        """What is left in site-packages of a package that is or was there."""
        folder = self.site / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\n{text}" if text else "")

    def call(self, *arguments: str) -> str:
        """What the Python prints, with the host's folder and no index; nothing may go to the error output."""
        environment = {name: text for name, text in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        environment |= {
            "PYTHONPATH": f"{self.host}{os.pathsep}", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.packages), "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }  # fmt: skip
        done = subprocess.run(
            [str(self.python), *arguments], cwd=self.host, env=environment, capture_output=True, text=True, check=True
        )
        assert not done.stderr
        return done.stdout

    def install(self) -> str:
        return self.call(str(FILE))

    def versions(self) -> dict[str, str]:
        code = "import importlib.metadata as m; [print(d.metadata['Name'], d.version) for d in m.distributions()]"
        rows = (line.split(" ") for line in self.call("-c", code).splitlines())
        return {name: version for name, version in rows}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("environment"))


@pytest.fixture
def environment(made: Environment) -> Environment:
    made.reset()
    return made


def test_it_is_silent_and_quick_to_end_where_all_is_there():
    done = subprocess.run([sys.executable, str(FILE)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_only_what_is_missing_is_installed_and_only_once(environment: Environment):
    before = environment.versions()
    for version in ("0.4.2", "0.5.0"):
        write_wheel(environment.packages, "safetensors", version)
    for name in HELD:
        write_wheel(environment.packages, name, "99.0")
    assert environment.install() == "Hemline: installed safetensors\n"
    assert environment.versions() == {**before, "safetensors": "0.5.0"}
    assert environment.install() == ""


@pytest.mark.parametrize("name", HELD)
def test_what_would_move_a_version_of_the_host_is_not_installed(environment: Environment, name: str):
    before = environment.versions()
    write_wheel(environment.packages, "safetensors", "1.0", f"{name}>=99")
    write_wheel(environment.packages, name, "99.0")
    said = environment.install()
    assert "could not install safetensors" in said
    assert said.count("\n") == 1
    assert environment.versions() == before


def test_an_older_one_that_suits_the_host_is_taken_instead(environment: Environment):
    write_wheel(environment.packages, "safetensors", "1.0", "numpy>=2")
    write_wheel(environment.packages, "safetensors", "0.4.2", "numpy>=1.20", "torch>=2")
    write_wheel(environment.packages, "numpy", "2.1.0")
    environment.install()
    versions = environment.versions()
    assert (versions["safetensors"], versions["numpy"]) == ("0.4.2", "1.26.2")


def test_without_a_network_it_says_so_in_one_line_and_the_host_goes_on(environment: Environment):
    said = environment.install()
    assert said.startswith("Hemline: pip could not install safetensors")
    assert "No matching distribution found" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "record",
    [
        lambda environment: environment.record("empty", "1.0", ""),
        lambda environment: environment.record("versionless", "1.0", "Name: versionless\n"),
        lambda environment: environment.record("odd", "1.0_unknown_x", "Name: odd\nVersion: 1.0-unknown-x\n"),
    ],
)
def test_broken_remains_of_other_packages_do_no_harm(environment: Environment, record: Callable[[Environment], None]):
    record(environment)
    write_wheel(environment.packages, "safetensors", "0.4.2")
    assert environment.install() == "Hemline: installed safetensors\n"

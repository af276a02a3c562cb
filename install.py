"""Run by Stable Diffusion WebUI before it starts: installs what Hemline needs and the host lacks, and nothing else.

Silent where all is there. What is there keeps its version: torch, numpy, Pillow, opencv and everything else installed
are handed to pip as constraints. What is said goes to standard output, the only one that hosts show.
"""

import importlib.metadata
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# Every WebUI brings torch, numpy, Pillow and PyYAML; where those are missing, pip is the wrong way to mend it.
NEEDED = ("safetensors",)
# In its normalised form; one line of another makes pip refuse all constraints.
_VERSION = re.compile(r"(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?")


def missing() -> list[str]:
    """The needed distributions that are not installed."""
    return [name for name in NEEDED if not _version(name)]


def constraints() -> str:
    """Every installed distribution at its version, as pip reads it; broken remains of some are left out."""
    there: dict[str, str] = {}
    for told in (dist.metadata for dist in importlib.metadata.distributions()):
        version = told["Version"].split("+")[0] if "Version" in told else ""
        if "Name" in told and _VERSION.fullmatch(version):  # of several the first is the one that is imported
            there.setdefault(told["Name"].lower().replace("_", "-"), version)
    return "".join(f"{name}=={version}\n" for name, version in sorted(there.items()))


def install(names: list[str]) -> str:
    """Installs the distributions and tells in one line what came of it.

    One that cannot be installed does not keep the host from starting: nothing is raised.
    """
    with tempfile.TemporaryDirectory() as folder:
        fixed = Path(folder) / "installed.txt"
        fixed.write_text(constraints(), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "-c", str(fixed), *names]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.returncode:
        return f"Hemline: installed {', '.join(names)}\n"
    said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()[-3:]
    return f"Hemline: pip could not install {', '.join(names)}, without which Hemline does not load: {' '.join(said)}\n"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


if __name__ == "__main__" and missing():
    sys.stdout.write(install(missing()))

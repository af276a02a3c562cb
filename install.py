"""Run by Stable Diffusion WebUI before it starts: installs what Hemline needs and the host lacks, and nothing else.

Silent where all is there. What is there keeps its version: torch, numpy, Pillow, opencv and everything else installed
are handed to pip as constraints.
"""

import importlib.metadata
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

# Every WebUI brings torch, numpy, Pillow and PyYAML; where those are missing, pip is the wrong way to mend it.
NEEDED = ("safetensors",)

_LOG = logging.getLogger("hemline")


def missing() -> list[str]:
    """The needed distributions that are not installed."""
    return [name for name in NEEDED if not _version(name)]


def constraints() -> str:
    """Every installed distribution at its version, as pip reads it."""
    there: dict[str, str] = {}
    for dist in importlib.metadata.distributions():
        if dist.metadata["Name"]:  # of several the first is the one that is imported
            there.setdefault(dist.metadata["Name"].lower().replace("_", "-"), dist.version.split("+")[0])
    return "".join(f"{name}=={version}\n" for name, version in sorted(there.items()))


def install(names: list[str]) -> None:
    """Installs the distributions; one that cannot be is told and does not keep the host from starting."""
    with tempfile.TemporaryDirectory() as folder:
        fixed = Path(folder) / "installed.txt"
        fixed.write_text(constraints(), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "-c", str(fixed), *names]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        _LOG.warning("Hemline: pip could not install %s: %s", ", ".join(names), done.stderr.strip()[-500:])


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


if __name__ == "__main__" and missing():
    install(missing())

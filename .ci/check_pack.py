"""Checks the file list of the registry's zip: all that runs, nothing that does not, and no large file."""

from __future__ import annotations

import subprocess
import sys
import zipfile

RUNS = (
    "blending/", "hosts/", "nodes/", "segmentation/", "web/", "locales/", "example_workflows/", "subgraphs/",
)  # fmt: skip
BESIDE = {
    "__init__.py", "__main__.py", "color.py", "context.py", "errors.py", "kernels.py", "model_cache.py",
    "model_places.py", "pairing.py", "plugin_sources.py", "plugins.py", "resampling.py", "settings.py", "tensors.py",
    "py.typed", "pyproject.toml", "requirements.txt", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
}  # fmt: skip
# What only Stable Diffusion WebUI reads; ComfyUI's manager would run the first one.
LEFT_OUT = {"install.py"}
LARGEST_BYTES = 8_000_000  # the parser may have that many


def main(path: str) -> int:
    """0 where the zip is as it should be; otherwise 1, with what is wrong on standard error."""
    with zipfile.ZipFile(path) as archive:
        packed = {entry.filename: entry.file_size for entry in archive.infolist() if not entry.is_dir()}
    tracked = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.splitlines()
    wanted = {name for name in tracked if name.startswith(RUNS) or name in BESIDE} - LEFT_OUT
    problems = [f"missing: {name}" for name in sorted((wanted | BESIDE) - packed.keys())]
    problems += [f"does not belong: {name}" for name in sorted(packed.keys() - wanted)]
    problems += [f"too large: {name}, {size} bytes" for name, size in packed.items() if size > LARGEST_BYTES]
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    sys.stdout.write(f"{len(packed)} files, {sum(packed.values())} bytes\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

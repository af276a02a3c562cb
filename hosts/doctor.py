"""`hemline doctor`: versions, devices, models found, and what is missing with the command that adds it."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import torch

from .. import __version__
from ..blending.filters import FILTERS
from ..blending.modes import MODE_REGISTRY
from ..errors import BadFile, HemlineError, MissingModel, pip_line
from ..model_places import find_file, list_names
from ..plugin_sources import plugin_folders
from ..plugins import Failure
from ..segmentation.detect import WEIGHTS
from ..segmentation.generators import GENERATORS
from ..segmentation.model_files import inspect_file
from ..segmentation.parser import load_parser
from .files import model_folders

REQUIRED = ("torch", "numpy", "pillow", "safetensors", "typer", "rich", "pyyaml")
# Package -> (extra that brings it, what it is for).
OPTIONAL = {
    "ultralytics>=8.3.217": ("yolo", "YOLO garment detectors (AGPL-3.0)"),
    "segment-anything": ("sam", "SAM masks"),
    "tifffile": ("io", "16-bit and float TIFF"),
    "imagecodecs": ("io", "compressed TIFF, AVIF, JPEG XL"),
    "OpenEXR>=3.3": ("io", "EXR"),
    "zlib-ng": ("io", "PNG in half the time"),
    "fsspec": ("batch", "remote folders"),
    "ray": ("batch", "clusters"),
}
# Extras that nothing of this version uses yet.
UNUSED_EXTRAS = ("batch",)
# Kinds of model folders that are named even where nothing is in them.
NAMED_KINDS = ("ultralytics_bbox", "ultralytics_segm", "sams", "hemline")


@dataclass(frozen=True)
class Finding:
    """One thing looked at. state: "ok", "missing", "none" or "broken"; cure: what to run or do about it."""

    topic: str
    name: str
    state: str
    detail: str = ""
    cure: str = ""

    def line(self) -> str:
        """The finding for a person."""
        cure = f"  ->  {self.cure}" if self.cure else ""
        return f"{self.topic:8} {self.name:18} {self.state:8} {self.detail}{cure}".rstrip()

    def entry(self) -> dict[str, str]:
        """The finding as plain JSON values."""
        return asdict(self)


def examine() -> list[Finding]:
    """Everything that decides what Hemline can do on this machine; plugins are run, nothing changed or downloaded."""
    return [*_versions(), *_devices(), *_optional_packages(), *_models(), *_plugins()]


def _versions() -> list[Finding]:
    own = [
        Finding("version", "hemline", "ok", __version__),
        Finding("version", "python", "ok", platform.python_version()),
    ]
    found = ((name, _installed(name)) for name in REQUIRED)
    return own + [
        Finding("version", name, "ok", version) if version else Finding("version", name, "missing", cure=pip_line(name))
        for name, version in found
    ]


def _devices() -> list[Finding]:
    devices = [Finding("device", "cpu", "ok", f"{torch.get_num_threads()} threads")]
    for index in range(torch.cuda.device_count()):
        devices.append(Finding("device", f"cuda:{index}", "ok", torch.cuda.get_device_name(index)))
    if torch.backends.mps.is_available():
        devices.append(Finding("device", "mps", "ok", "Apple GPU"))
    return devices


def _optional_packages() -> list[Finding]:
    findings: list[Finding] = []
    for requirement, (extra, purpose) in OPTIONAL.items():
        name = requirement.partition(">")[0]
        version = _installed(name)
        if version:
            findings.append(Finding("package", name, "ok", f"{version}, {purpose}"))
        else:
            detail = f"{purpose}; not used by this version yet" if extra in UNUSED_EXTRAS else purpose
            findings.append(Finding("package", name, "missing", detail, pip_line(requirement)))
    return findings


def _models() -> list[Finding]:
    findings = [_shipped_parser()]
    seen: set[Path] = set()
    for kind, folders in model_folders(os.environ).items():
        files = [find_file(name, [kind], {kind: folders}) for name in list_names([kind], {kind: folders})]
        findings += [_model_file(kind, file) for file in files if file not in seen]
        seen.update(files)
        if not files and kind in NAMED_KINDS:
            findings.append(Finding("model", kind, "none", f"put files into {next(iter(folders), Path(kind))}"))
    return findings


def _plugins() -> list[Finding]:
    findings: list[Finding] = []
    failures: dict[Failure, None] = {}  # one that is left out as a whole is known to each registry
    for registry in (MODE_REGISTRY, GENERATORS, FILTERS):
        added = registry.origins().items()
        findings += [Finding("plugin", name, "ok", f"{registry.kind} of {origin}") for name, origin in added]
        failures |= dict.fromkeys(registry.failures())
    findings += [Finding("plugin", Path(failure.origin).name, "broken", failure.line()) for failure in failures]
    places = ", ".join(map(str, plugin_folders(os.environ)))
    return findings or [Finding("plugin", "none", "none", f"put .py files into {places}" if places else "turned off")]


def _shipped_parser() -> Finding:
    try:
        parser = load_parser(WEIGHTS)
    except (MissingModel, BadFile) as error:
        return Finding("model", "parser", "missing", str(error), "install or clone Hemline anew")
    trained = f"trained {parser.metadata.get('date', 'some day')}"
    return Finding("model", "parser", "ok", f"comes with Hemline, {len(parser.classes)} classes, {trained}")


def _model_file(kind: str, path: Path) -> Finding:
    """What is in a user's file; nothing in it is run."""
    try:
        return Finding("model", kind, "ok", f"{inspect_file(path).title}: {path}")
    except HemlineError as error:
        return Finding("model", kind, "broken", str(error))


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""

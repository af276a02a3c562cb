"""The networks of the optional packages segment_anything and its followers, without the rest of these packages.

Only the files that define the networks are run, under names of our own. What a package does when it is imported whole
(torchvision, command line tools, plots) is left out; segment_anything's networks need nothing but torch and numpy.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
import warnings
from pathlib import Path
from types import ModuleType

import torch

from ...errors import MissingModel, pip_line
from ..remedies import torchvision_remedy

OURS = __name__.rpartition(".")[0]
# What to install for each package; MobileSAM is on no package index, but the network of HQ-SAM's small version is the
# same.
REQUIREMENTS = {
    "segment_anything": ("segment-anything",),
    "segment_anything_hq": ("segment-anything-hq",),
    "mobile_sam": ("segment-anything-hq", "timm"),
}
# What importing a package of other people's raises where its dependencies do not fit each other.
BROKEN = (ImportError, RuntimeError, AttributeError, OSError, ValueError)


def is_installed(package: str) -> bool:
    """Whether the package can be found; nothing of it is run."""
    return _folder(package) is not None


def load_networks(package: str, *files: str) -> tuple[ModuleType, ...]:
    """The files of the package's folder `modeling`, as modules.

    Raises `MissingModel` with the line that installs what is missing or does not fit.
    """
    folder = _folder(package)
    if folder is None:
        raise MissingModel(f"{package}, which defines this SAM's network, is not installed. {_run(package)}")
    name = f"{OURS}.modeling_of_{package}"
    if name not in sys.modules:
        parent = ModuleType(name, f"The networks of {package}.")
        parent.__path__ = [str(folder / "modeling")]
        sys.modules[name] = parent
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old module names and a second registration, in timm
            return tuple(importlib.import_module(f"{name}.{file}") for file in files)
    except BROKEN as error:
        for left in [known for known in sys.modules if known.startswith(f"{name}.")]:
            del sys.modules[left]
        raise MissingModel(_explain(package, error)) from error


def _folder(package: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):  # ValueError: a module of that name that came from nowhere
        spec = None
    places = list(spec.submodule_search_locations or ()) if spec else []
    return next((Path(place) for place in places if (Path(place) / "modeling").is_dir()), None)


def _explain(package: str, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and "torchvision" not in error.name:
        missing = error.name.partition(".")[0]
        return f"{package} needs {missing}, which is not installed. {_run(missing)}"
    if "torchvision" in str(error) or _went_through(error, "torchvision"):
        return (
            f"{package} does not start, because torchvision{_version('torchvision')} does not fit torch "
            f"{torch.__version__} ({error}). Run: {torchvision_remedy()}"
        )
    return f"{package} does not start ({error}). {_run(package)}"


def _run(package: str) -> str:
    return f"Run: {pip_line(*REQUIREMENTS.get(package, (package,)))}"


def _went_through(error: BaseException, package: str) -> bool:
    """Whether the error, or one that led to it, came up in a file of the package."""
    while error:
        trace = error.__traceback__
        while trace:
            if package in Path(trace.tb_frame.f_code.co_filename).parts:
                return True
            trace = trace.tb_next
        if error.__cause__ is None and error.__context__ is None:
            return False
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return False


def _version(package: str) -> str:
    try:
        return f" {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return ""

"""Imports ultralytics without what it does besides: nothing is sent, looked up, installed or written, nothing patched.

What importing it (8.4.190) would change in the process, found by comparing every module and setting before and after,
and what becomes of it here:

- It replaces `torch.save` and `PIL.Image.open` (older ones also `torch.load`), on Windows `cv2.imread`, `imwrite` and
  `imshow`: put back.
- It sets OMP_NUM_THREADS, NUMEXPR_MAX_THREADS, TF_CPP_MIN_LOG_LEVEL, TORCH_CPP_LOG_LEVEL and KINETO_LOG_LEVEL: put
  back.
- It sets how torch and numpy print, seven filters for warnings, the level of two other packages' loggers, OpenCV's
  threads to one, and on Windows the encoding of the standard output: put back.
- It writes settings.json with a number made from the network card's address, and asks the network for its own name: it
  writes into a private folder, sees a made-up address and is told that it is offline.
- It counts uses and reports them while its setting `sync` is true: set to false, in memory.
- It installs what it misses, when it misses something: switched off.

What stays: its own logger, which only tells errors, its knowledge that it is offline, and OpenCV's own variables
(QT_QPA_..., LD_LIBRARY_PATH), which any import of OpenCV sets. Where somebody else has imported it before, nothing of
that is ours to change, and nothing is touched. ultralytics is AGPL-3.0 and optional.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import logging
import os
import re
import sys
import tempfile
import threading
import uuid
import warnings
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import numpy
import torch

from ...errors import HemlineError, MissingModel, pip_line
from ..remedies import torchvision_remedy

OLDEST = (8, 3, 217)
"""From here on masks are 0/1 bytes, and what is used here is where it is."""

REQUIREMENT = f"ultralytics>={'.'.join(map(str, OLDEST))}"

INFECTED = ((8, 3, 41), (8, 3, 42), (8, 3, 45), (8, 3, 46))
"""Releases that carried malware (ultralytics#18027)."""

# Read while it is imported, so that they need not stay. Somebody's own choice stands.
SWITCHES = {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_VERBOSE": "0", "ULTRALYTICS_SAFE_LOAD": "1"}
PATCHED = (
    ("torch", "save"), ("torch", "load"), ("PIL.Image", "open"), ("cv2", "imread"), ("cv2", "imwrite"),
    ("cv2", "imshow"), ("sys", "excepthook"), ("threading", "excepthook"), ("sys", "stdout"), ("sys", "stderr"),
)  # fmt: skip
"""What is put back after the import, whoever changed it."""

QUIETED_LOGGERS = ("coremltools", "sentry_sdk")

_lock = threading.Lock()


def import_ultralytics(module: str = "ultralytics.nn.tasks", *, folder: Path | None = None) -> Any:
    """A module of ultralytics, imported without side effects that last.

    folder: where its settings are written the first time; None: a temporary folder that goes when the process ends.
    Raises `MissingModel` where it is not installed, too old, one of the infected releases, or cannot be imported, a
    torchvision that does not fit torch included.
    """
    with _lock:
        check_version()
        if "ultralytics.utils" in sys.modules:
            with _as_before():
                return _import(module)
        with ExitStack() as stack:
            _import_optional("cv2")  # before the comparison: its variables are its own
            _import_optional("PIL.Image")
            stack.enter_context(_as_before())
            stack.enter_context(_switched_off(folder or Path(_private_folder().name)))
            found = _import(module)
            _stop_reports()
        return found


def check_version() -> None:
    """Raises `MissingModel` where ultralytics is not installed or of a release that is not to be used.

    It is not imported for that: the infected releases need only be imported to run.
    """
    version = _installed_version()
    if version is None:
        raise MissingModel(
            f"This model needs the package ultralytics (AGPL-3.0); install it with: {pip_line(REQUIREMENT)}"
        )
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    numbers = tuple(int(number) for number in found.groups()) if found else ()
    if numbers in INFECTED:
        raise MissingModel(
            f"ultralytics {version} is a release that carried malware, so it is not imported. Uninstall it, look for "
            f"what it may have started (ultralytics issue 18027), and install a clean one: {pip_line(REQUIREMENT)}"
        )
    if numbers < OLDEST:
        raise MissingModel(f"ultralytics {version} is too old: {pip_line('--upgrade', REQUIREMENT)}")


def _installed_version() -> str | None:
    spec = importlib.util.find_spec("ultralytics")
    if spec is None:
        return None
    try:
        return importlib.metadata.version("ultralytics")
    except importlib.metadata.PackageNotFoundError:  # a checkout, or a variant under another name
        source = Path(spec.origin).read_text(encoding="utf-8") if spec.origin else ""
        told = re.search(r"^__version__\s*=\s*[\"']([^\"']+)", source, re.MULTILINE)
        return told[1] if told else "of an unknown version"


def _import(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except Exception as error:
        raise _import_error(error) from error


def _import_error(error: Exception) -> HemlineError:
    told = f"{type(error).__name__}: {error}"
    if "torchvision" in told:
        return MissingModel(
            f"torchvision does not fit torch {torch.__version__}, or is missing, and ultralytics cannot be imported "
            f"({told}). Install the one that does: {torchvision_remedy()}"
        )
    return MissingModel(
        f"ultralytics cannot be imported ({told}). Install it with all that it needs: {pip_line(REQUIREMENT)}"
    )


def _import_optional(module: str) -> None:
    if importlib.util.find_spec(module.partition(".")[0]) is not None:
        _import(module)


@functools.cache
def _private_folder() -> tempfile.TemporaryDirectory[str]:
    """One for the whole process, removed at its end: who uses ultralytics after us may save settings there."""
    return tempfile.TemporaryDirectory(prefix="hemline-ultralytics-")


@contextmanager
def _switched_off(folder: Path) -> Generator[None, None, None]:
    """The environment and the address that it sees while it is imported."""
    told = {**SWITCHES, "YOLO_CONFIG_DIR": str(folder), "OMP_NUM_THREADS": str(torch.get_num_threads())}
    for name, value in told.items():
        os.environ.setdefault(name, value)
    address = uuid.getnode
    uuid.getnode = lambda: 0
    try:
        yield
    finally:
        uuid.getnode = address


@contextmanager
def _as_before() -> Generator[None, None, None]:
    """Puts back afterwards what an import of ultralytics changes in the process."""
    environment = dict(os.environ)
    attributes = _attributes()
    threads, vision = torch.get_num_threads(), sys.modules.get("cv2")
    vision_threads = vision.getNumThreads() if vision else None
    printing = cast("dict[str, object]", dict(vars(_print_options())))
    levels = {name: logging.getLogger(name).level for name in QUIETED_LOGGERS}
    handlers, encoding = list(logging.root.handlers), getattr(sys.stdout, "encoding", None)
    try:
        with warnings.catch_warnings(), numpy.printoptions():
            yield
    finally:
        for (module, name), value in attributes.items():
            setattr(sys.modules[module], name, value)
        _restore_environment(environment)
        vars(_print_options()).update(printing)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        logging.root.handlers[:] = handlers
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        if vision is not None and vision.getNumThreads() != vision_threads:
            vision.setNumThreads(vision_threads)
        if encoding and getattr(sys.stdout, "encoding", None) != encoding:
            cast(Any, sys.stdout).reconfigure(encoding=encoding)


def _attributes() -> dict[tuple[str, str], object]:
    """What the functions of `PATCHED` are at present, of the modules that are loaded."""
    loaded = ((module, name, sys.modules.get(module)) for module, name in PATCHED)
    return {(module, name): getattr(found, name) for module, name, found in loaded if hasattr(found, name)}


def _print_options() -> object:
    """How torch prints tensors; it has no public way to ask."""
    return cast(Any, importlib.import_module("torch._tensor_str")).PRINT_OPTS


def _restore_environment(before: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(before):
        del os.environ[name]
    for name, value in before.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _stop_reports() -> None:
    """Reports are off in memory; assigning the setting itself would write it to disk."""
    settings = cast("dict[str, object]", cast(Any, sys.modules["ultralytics.utils"]).SETTINGS)
    dict.__setitem__(settings, "sync", False)
    events = sys.modules.get("ultralytics.utils.events")
    if events is not None:
        events.events.enabled = False

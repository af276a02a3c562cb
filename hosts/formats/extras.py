"""The packages of the extra `io`, imported when a file needs them."""

from __future__ import annotations

import importlib
from typing import Any

from ...errors import MissingModel, pip_line

# Where the package's name alone does not say it. OpenEXR has its File class from 3.3 on.
REQUIREMENTS = {"OpenEXR": "OpenEXR>=3.3"}


def extra(package: str, purpose: str) -> Any:
    """The package; raises `MissingModel` with the command that installs it. Untyped, since none of them has types."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingModel(f"{purpose} needs {package}: {pip_line(REQUIREMENTS.get(package, package))}") from error


def has_extra(package: str) -> bool:
    """Whether the package is there and can be imported."""
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True

"""Makes the checkout importable as `hemline` where it is not installed, whatever its folder is called."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from hypothesis import settings

# A slow machine is no fault of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
if "PYTEST_XDIST_WORKER" in os.environ:  # the processes share the cores already; before torch is imported
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# What is installed where the tests run must not decide what they see; plugin tests ask for their own.
os.environ["HEMLINE_PLUGINS"] = "off"
ROOT = Path(__file__).resolve().parent.parent


def _register_checkout() -> None:
    spec = importlib.util.spec_from_file_location(
        "hemline", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hemline"] = module
    spec.loader.exec_module(module)


if importlib.util.find_spec("hemline") is None:
    _register_checkout()

"""Hemline as an extension of Stable Diffusion WebUI (A1111, Forge, reForge): loads the checkout as package `hemline`.

The host loads this file alone, without a package around it; everything it does is in hosts/webui/.
"""

import importlib
import importlib.util
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def _load_package() -> None:
    """Makes the checkout importable under its own name, whatever its folder is called or else is installed."""
    loaded = sys.modules.get("hemline")
    if loaded is not None and Path(str(loaded.__file__)).resolve().parent == _ROOT:
        return
    for name in [name for name in sys.modules if name == "hemline" or name.startswith("hemline.")]:
        del sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        "hemline", _ROOT / "__init__.py", submodule_search_locations=[str(_ROOT)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{_ROOT} holds no hemline package; clone the whole repository into extensions/.")
    module = importlib.util.module_from_spec(spec)
    sys.modules["hemline"] = module
    spec.loader.exec_module(module)


_load_package()
_published = importlib.import_module("hemline.hosts.webui.publish").publish()
if _published is not None:
    # The host registers every class of its own kinds that it finds in this file.
    HemlineScript = _published.script
    HemlinePostprocessing = _published.postprocessing

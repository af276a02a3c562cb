"""Compares the fake host's modules with a real ComfyUI: every name of the fake must be there, with its parameters."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support import fake_comfy_api, host_memory, host_modules

# Evaluated inside the real host: for each "module:dotted.name" the parameter names, [] for a value, null if missing.
PROBE = """
import importlib, inspect, json, sys
names = json.loads(sys.argv.pop())
sys.argv += ["--cpu"]
import comfy.options
comfy.options.enable_args_parsing()
def look(name):
    module, _, path = name.partition(":")
    try:
        value = importlib.import_module(module)
        for part in filter(None, path.split(".")):
            value = getattr(value, part)
        return list(inspect.signature(value).parameters) if callable(value) else []
    except (ImportError, AttributeError):
        return None
    except (TypeError, ValueError):
        return []
found = {name: look(name) for name in names}
print("PROBE" + json.dumps(found))
"""


def names_of_the_fake(folder: Path) -> dict[str, list[str]]:
    """Every public name of the fake modules with the parameters that it takes there."""
    modules: dict[str, Any] = {
        "folder_paths": host_modules.FolderPaths(folder),
        "comfy.model_management": host_modules.ModelManagement(),
        "comfy.model_patcher": host_memory.make_model_patcher(),
        "comfy.utils": host_modules.ComfyUtils(),
    }
    names = {f"{name}:{key}": parameters(value) for name, module in modules.items() for key, value in public(module)}
    methods = [(key, value) for key, value in vars(host_memory.ModelPatcher).items() if callable(value)]
    names |= {f"comfy.model_patcher:ModelPatcher.{key}": parameters(value) for key, value in methods}
    api = fake_comfy_api.make_modules(modules["folder_paths"])["comfy_api.latest"]
    names["comfy_api.latest:ComfyExtension.get_node_list"] = ["self"]
    for part in ("io", "ui"):
        for key, value in public(vars(api)[part]):
            names[f"comfy_api.latest:{part}.{key}"] = parameters(value)
            for side in ("Input", "Output"):
                if hasattr(value, side):
                    names[f"comfy_api.latest:{part}.{key}.{side}"] = parameters(getattr(value, side))
    names["server:PromptServer.send_progress_text"] = ["self", "text", "node_id", "sid"]
    return names


def public(module: Any) -> list[tuple[str, Any]]:
    names = {*vars(module), *(name for base in type(module).__mro__[:-2] for name in vars(base))}
    hidden = {"interrupt_base"}
    return [(name, getattr(module, name)) for name in sorted(names - hidden) if not name.startswith("_")]


def parameters(value: Any) -> list[str]:
    if not callable(value) or (isinstance(value, type) and "__init__" not in vars(value)):
        return []
    return [name for name in inspect.signature(value).parameters if name not in ("args", "kwargs")]


def drift(home: Path, folder: Path) -> list[str]:
    """What the fake has and the real host in `home` has not."""
    ours = names_of_the_fake(folder)
    python = os.environ.get("COMFYUI_PYTHON", sys.executable)
    command = [python, "-c", PROBE, json.dumps(list(ours))]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=180)
    line = next((line for line in done.stdout.splitlines() if line.startswith("PROBE")), None)
    assert line is not None, done.stderr[-2000:]
    real: dict[str, list[str] | None] = json.loads(line.removeprefix("PROBE"))
    missing = [f"{name} does not exist" for name in ours if real[name] is None]
    return missing + [
        f"{name} has no parameter {parameter}"
        for name, wanted in ours.items()
        for parameter in wanted
        if real[name] is not None and parameter not in (real[name] or [])
    ]

"""Run by test_core_nodes_real.py in a real ComfyUI: executes its nodes on given cases and saves what came out.

Arguments: the folder with cases.json, cases.npz and input/; ComfyUI itself reads the rest of the command line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FOLDER = Path(sys.argv.pop(1))
sys.path[0] = str(Path.cwd())  # instead of this file's folder

import comfy.options  # noqa: E402

comfy.options.enable_args_parsing()  # otherwise the host does not hear of --cpu

import folder_paths  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from comfy_extras import nodes_mask  # noqa: E402

import nodes  # noqa: E402


def node_class(name):
    return nodes.NODE_CLASS_MAPPINGS.get(name) or getattr(nodes_mask, name)


def run(name, values):
    kind = node_class(name)
    if hasattr(kind, "define_schema"):
        return kind.execute(**values).args
    result = getattr(kind(), kind.FUNCTION)(**values)
    return result["result"] if isinstance(result, dict) and "result" in result else result


def surface(name):
    kind = node_class(name)
    inputs = kind.INPUT_TYPES()
    return {
        "required": inputs.get("required", {}), "optional": inputs.get("optional", {}),
        "outputs": list(kind.RETURN_TYPES), "names": list(getattr(kind, "RETURN_NAMES", None) or kind.RETURN_TYPES),
        "category": kind.CATEGORY, "is_output": bool(getattr(kind, "OUTPUT_NODE", False)),
    }  # fmt: skip


def main():
    folder_paths.set_input_directory(str(FOLDER / "input"))
    folder_paths.set_output_directory(str(FOLDER / "host_output"))
    folder_paths.set_temp_directory(str(FOLDER / "host_temp"))
    cases = json.loads((FOLDER / "cases.json").read_text())
    tensors = np.load(FOLDER / "cases.npz")
    results, failures = {}, {}
    for number, (name, values) in enumerate(cases):
        values = {
            key: torch.from_numpy(tensors[value["tensor"]]) if isinstance(value, dict) and "tensor" in value else value
            for key, value in values.items()
        }
        try:
            outputs = run(name, values)
        except Exception as error:  # noqa: BLE001 - which cases fail on the host is one of the results
            failures[number] = f"{type(error).__name__}: {error}"
            continue
        for slot, output in enumerate(outputs):
            results[f"{number}_{slot}"] = output.float().numpy()
    np.savez(FOLDER / "results.npz", **results)
    (FOLDER / "failures.json").write_text(json.dumps(failures))
    names = dict.fromkeys(name for name, _ in cases)
    (FOLDER / "surface.json").write_text(json.dumps({name: surface(name) for name in names}, default=str))


main()

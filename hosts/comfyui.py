"""Hemline in ComfyUI: node records as V3 classes where the host has them, as V1 classes elsewhere.

Only this file and `comfyui_models` import the host's modules, and all of them lazily or after the host has loaded them.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from ..context import Answer, Ask, Context, TensorCache
from ..model_cache import model_budget
from ..model_places import ENDINGS, KINDS, folders_below, in_menu_order, menu_name
from ..nodes import NODES
from ..nodes.spec import Node, NotGiven, Port, Result
from .comfyui_ask import Questions
from .comfyui_models import HostModels
from .transfer import run_node

# Kept for as long as the host runs; what the host unloads leaves the GPU and stays in memory.
_MODELS = HostModels()
_EMBEDDINGS = TensorCache()
_QUESTIONS = Questions()
# The host's hidden inputs -> the names under which it keeps them in pictures.
HIDDEN = {"PROMPT": "prompt", "EXTRA_PNGINFO": "extra_pnginfo"}
# Set to 1 to get V1 classes on a host that has V3; for telling whose fault a fault is.
FORCE_V1 = "HEMLINE_FORCE_V1"


def publish() -> dict[str, Any]:
    """The module attributes by which ComfyUI finds a pack's nodes: V3's or V1's, never both."""
    register_model_folders()
    _QUESTIONS.register()
    published: dict[str, Any] = {"WEB_DIRECTORY": "./web"}
    if has_v3():
        published["comfy_entrypoint"] = _entrypoint
    else:
        published["NODE_CLASS_MAPPINGS"] = {node.id: v1_class(node) for node in NODES}
        published["NODE_DISPLAY_NAME_MAPPINGS"] = {node.id: node.name for node in NODES}
    return published


def has_v3() -> bool:
    """Whether V3 classes are wanted and the host has them."""
    if os.environ.get(FORCE_V1) == "1":
        return False
    try:
        latest = import_module("comfy_api.latest")
    except ImportError:
        return False
    return hasattr(latest, "io") and hasattr(latest, "ComfyExtension")  # hosts of summer 2025 have the module only


def register_model_folders() -> None:
    """Adds our model folders and file endings to what the host and other packs have registered; removes nothing."""
    folder_paths = import_module("folder_paths")

    for kind, folders in folders_below([Path(folder_paths.models_dir)]).items():
        known = kind in folder_paths.folder_names_and_paths
        for folder in folders:
            folder_paths.add_model_folder_path(kind, str(folder))
        paths, endings = folder_paths.folder_names_and_paths[kind]
        if endings or not known:  # an empty set that somebody else registered means "every file"
            merged = set(endings) | folder_paths.supported_pt_extensions | set(ENDINGS)
            folder_paths.folder_names_and_paths[kind] = (paths, merged)


def model_names(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """The menu names of the model files that the host lists for these kinds."""
    folder_paths = import_module("folder_paths")
    found = (menu_name(kind, name) for kind in kinds for name in folder_paths.get_filename_list(kind))
    return in_menu_order(found)


def v1_class(node: Node) -> type:
    """The record as a V1 node class."""

    def input_types(cls: type) -> dict[str, Any]:
        required = {port.name: _v1_port(port) for port in node.inputs if not _may_lack(port)}
        optional = {port.name: _v1_port(port) for port in node.inputs if _may_lack(port)}
        hidden = {"hidden": {name: kind for kind, name in HIDDEN.items()}} if node.is_output else {}
        return {"required": required, "optional": optional, **hidden}

    def run(self: object, **values: Any) -> Any:
        hidden = {name: values.pop(name, None) if node.is_output else None for name in HIDDEN.values()}
        if node.takes_lists:  # then these, too, come as lists
            hidden = {name: value[0] if value else None for name, value in hidden.items()}
        result = run_in_host(node, values, **hidden)
        ui = _ui(result)
        return {"ui": ui, "result": result.outputs} if ui else result.outputs

    def is_changed(cls: type, **values: Any) -> str:
        return _fingerprint(node, values)

    return type(
        node.id,
        (),
        {
            "__doc__": node.description,
            "INPUT_TYPES": classmethod(input_types),
            # A V1 host links a list of choices to a widget of the very same choices only.
            "RETURN_TYPES": tuple(list(port.choices()) if port.type == "COMBO" else port.type for port in node.outputs),
            "RETURN_NAMES": tuple(port.name for port in node.outputs),
            "OUTPUT_TOOLTIPS": tuple(port.tooltip for port in node.outputs),
            "OUTPUT_IS_LIST": tuple(port.is_list for port in node.outputs),
            "INPUT_IS_LIST": node.takes_lists,
            "FUNCTION": "run",
            "CATEGORY": node.category,
            "DESCRIPTION": node.description,
            "OUTPUT_NODE": node.is_output,
            "HAS_INTERMEDIATE_OUTPUT": node.has_preview,
            "SEARCH_ALIASES": list(node.aliases),
            "run": run,
            **({"IS_CHANGED": classmethod(is_changed)} if node.fingerprint else {}),
        },
    )


def v3_class(node: Node) -> type:
    """The record as a V3 node class."""
    io = import_module("comfy_api.latest").io

    def define_schema(cls: type) -> Any:
        fields = {
            "node_id": node.id,
            "display_name": node.name,
            "category": node.category,
            "description": node.description,
            "inputs": [_v3_input(io, port) for port in node.inputs],
            "outputs": [
                _v3_type(io, port).Output(port.name, tooltip=port.tooltip, is_output_list=port.is_list)
                for port in node.outputs
            ],
            "is_input_list": node.takes_lists,
            "is_output_node": node.is_output,  # which brings the hidden inputs along
        }
        later = {"search_aliases": list(node.aliases), "has_intermediate_output": node.has_preview}  # from 2026 on
        known = io.Schema.__dataclass_fields__
        return io.Schema(**fields, **{name: value for name, value in later.items() if name in known})

    def execute(cls: Any, **values: Any) -> Any:
        hidden = {name: getattr(cls.hidden, name) for name in HIDDEN.values()} if node.is_output else {}
        result = run_in_host(node, values, **hidden)
        return io.NodeOutput(*result.outputs, ui=_ui(result) or None)

    def fingerprint_inputs(cls: Any, **values: Any) -> str:
        return _fingerprint(node, values)

    return type(
        node.id,
        (io.ComfyNode,),
        {
            "__doc__": node.description,
            "define_schema": classmethod(define_schema),
            "execute": classmethod(execute),
            **({"fingerprint_inputs": classmethod(fingerprint_inputs)} if node.fingerprint else {}),
        },
    )


def run_in_host(node: Node, values: dict[str, Any], prompt: Any = None, extra_pnginfo: Any = None) -> Result:
    """Runs the record; its outputs are on the host's intermediate device in its dtype, absent ones block what follows.

    prompt, extra_pnginfo: the host's hidden inputs, which only nodes that are outputs get.
    """
    management = import_module("comfy.model_management")
    management.throw_exception_if_processing_interrupted()
    dtype = management.intermediate_dtype() if hasattr(management, "intermediate_dtype") else torch.float32
    ask = _asker(node, prompt, extra_pnginfo)
    context = replace(host_context(), notes=_notes(prompt, extra_pnginfo), ask=ask)
    with _MODELS.node_run():
        result = run_node(node, values, context, home=management.intermediate_device(), dtype=dtype)
    _show_text(result.text)
    return replace(result, outputs=tuple(map(_blocking, result.outputs)))


def host_context() -> Context:
    """What ComfyUI lends to a running node."""
    folder_paths, utils = import_module("folder_paths"), import_module("comfy.utils")
    model_management = import_module("comfy.model_management")

    from .batch_files import InputFolders
    from .files import FolderStore
    from .lettering import letter

    _MODELS.budget_bytes = model_budget(os.environ)
    bars: dict[int, Any] = {}

    def progress(done: int, total: int) -> None:
        if total not in bars:
            bars[total] = utils.ProgressBar(total)
        bars[total].update_absolute(done, total)

    return Context(
        device=model_management.get_torch_device(),
        store=FolderStore(Path(folder_paths.get_output_directory())),
        lettering=letter,
        progress=progress,
        check_cancelled=model_management.throw_exception_if_processing_interrupted,
        model_folders={kind: tuple(map(Path, folder_paths.get_folder_paths(kind))) for kind in KINDS},
        models=_MODELS,
        embeddings=_EMBEDDINGS,
        has_viewer=True,
        sources=InputFolders(Path(folder_paths.get_input_directory()), Path(folder_paths.get_output_directory())),
    )


def _asker(node: Node, prompt: Any, extra_pnginfo: Any) -> Ask:
    def ask(
        widget: str, images: Tensor, *, data: Mapping[str, str], pictures: Mapping[str, Tensor],
        check: Callable[[str], object],
    ) -> Answer:  # fmt: skip
        shown = _ui(Result((), images, data=data, pictures=pictures))
        poll = import_module("comfy.model_management").throw_exception_if_processing_interrupted
        return _QUESTIONS.wait(
            node, widget, shown, check, cancelled=poll, prompt=prompt, extra_pnginfo=extra_pnginfo
        )  # fmt: skip

    return ask


def _notes(prompt: Any, extra_pnginfo: Any) -> dict[str, str]:
    """The host's hidden inputs as JSON texts, by the names under which it keeps them in pictures."""
    named: dict[str, Any] = {"prompt": prompt, **(extra_pnginfo or {})}
    return {name: json.dumps(value) for name, value in named.items() if value is not None}


def _blocking(value: Any) -> Any:
    """`value`, but the host's own sign for what is absent; hosts without one hand on None."""
    if isinstance(value, list):
        return [_blocking(item) for item in cast("list[Any]", value)]
    if not isinstance(value, NotGiven):
        return value
    graph: Any = sys.modules.get("comfy_execution.graph_utils") or sys.modules.get("comfy_execution.graph")
    return graph.ExecutionBlocker(value.reason) if hasattr(graph, "ExecutionBlocker") else None


def _fingerprint(node: Node, values: dict[str, Any]) -> str:
    return node.fingerprint(**values, context=host_context()) if node.fingerprint else ""


async def _entrypoint() -> Any:
    async def get_node_list(self: object) -> list[type]:
        return [v3_class(node) for node in NODES]

    base = import_module("comfy_api.latest").ComfyExtension
    return type("HemlineExtension", (base,), {"get_node_list": get_node_list})()


def _v1_port(port: Port) -> tuple[Any, dict[str, Any]]:
    kind = _choices(port) if port.type == "COMBO" else port.type
    return kind, {"tooltip": port.tooltip, **_widget_options(port)}


def _may_lack(port: Port) -> bool:
    """Whether a prompt may leave the port out: widgets too, as prompts exported before they were there do."""
    return port.optional or (port.is_widget and port.default is not None)


def _v3_input(io: Any, port: Port) -> Any:
    options = _widget_options(port)
    if port.type == "COMBO":
        options["options"] = _choices(port)
    return _v3_type(io, port).Input(port.name, tooltip=port.tooltip, optional=_may_lack(port), **options)


def _choices(port: Port) -> list[str]:
    """A menu as it is now, with the files of its kinds."""
    return list(dict.fromkeys((*port.choices(), *(model_names(port.folders) if port.folders else ()))))


def _v3_type(io: Any, port: Port) -> Any:
    known = {"IMAGE": "Image", "MASK": "Mask", "STRING": "String", "INT": "Int", "FLOAT": "Float",
             "BOOLEAN": "Boolean", "COMBO": "Combo"}  # fmt: skip
    return getattr(io, known[port.type]) if port.type in known else io.Custom(port.type)


def _widget_options(port: Port) -> dict[str, Any]:
    named = {"default": port.default, "min": port.minimum, "max": port.maximum, "step": port.step}
    options = {name: value for name, value in named.items() if value is not None}
    return {**options, "multiline": True} if port.multiline else options


def _ui(result: Result) -> dict[str, Any]:
    ui: dict[str, Any] = {}
    if result.images is not None:
        ui["images"] = _save_previews(result.images)
    if result.text:
        ui["text"] = list(result.text)
    if result.data or result.pictures:  # for web/; hosts take lists only
        pictures = {name: _save_previews(images) for name, images in result.pictures.items()}
        ui["hemline"] = [{**result.data, **({"pictures": pictures} if pictures else {})}]
    return ui


def _save_previews(images: Tensor) -> list[dict[str, str]]:
    """Writes preview pictures into the host's temp folder, where its /view finds them."""
    folder_paths = import_module("folder_paths")

    from .files import FolderStore

    store = FolderStore(Path(folder_paths.get_temp_directory()))
    stem = f"hemline_{secrets.token_hex(6)}"
    paths = [store.save_image(f"{stem}_{index:04d}", image) for index, image in enumerate(images)]
    return [{"filename": path.name, "subfolder": "", "type": "temp"} for path in paths]


def _show_text(lines: tuple[str, ...]) -> None:
    """Puts the lines on the running node in the browser; hosts that cannot still have them in the history.

    The host is asked which node runs; as a hidden input the id would keep equal nodes from sharing a result.
    """
    execution: Any = sys.modules.get("comfy_execution.utils")
    running = execution.get_executing_context() if hasattr(execution, "get_executing_context") else None
    server: Any = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    if lines and running is not None and hasattr(server, "send_progress_text"):
        server.send_progress_text("\n".join(lines), running.node_id)

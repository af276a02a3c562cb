"""A small ComfyUI for tests: loads a pack exactly as the host does, then answers like `/object_info` and `/prompt`.

    with comfyui(tmp_path, version="V3") as host:
        host.load_pack(PACK)
        run = host.run({"1": {"class_type": "HemlineDetectGarments", "inputs": {...}}})

Outside the `with` block `sys.modules` is what it was before.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import torch

from support import fake_comfy_api
from support.host_memory import make_model_patcher
from support.host_modules import (
    ComfyUtils,
    Decoy,
    ExecutionBlocker,
    FolderPaths,
    ModelManagement,
    OldModelManagement,
    make_server,
)
from support.node_class import NodeClass
from support.prompt_executor import PromptExecutor, Run
from support.prompt_validation import Prompt, Verdict, validate_prompt

PACK = Path(__file__).parents[2]
FOLDER_NAME = "hemline-main.v1"  # hyphen and dot: what a zip download of a branch is called
VERSIONS = ("V1", "V3")
# Every name that the pack uses inside itself and that a host, or another pack, may have in sys.modules.
DECOYS = (
    "nodes", "execution", "app", "utils", "tests", "scripts", "segmentation", "blending", "hosts", "kernels",
    "resampling", "tensors", "context", "plugins", "training",
)  # fmt: skip
Version = Literal["V1", "V3"]


@dataclass
class Host:
    """One running fake host.

    classes, names: its NODE_CLASS_MAPPINGS and NODE_DISPLAY_NAME_MAPPINGS.
    progress: (node id, value, total) as the progress bars reported. texts: (node id, text) put on nodes.
    """

    version: str
    folder_paths: FolderPaths
    model_management: OldModelManagement
    classes: dict[str, NodeClass] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    web_directories: dict[str, Path] = field(default_factory=dict)
    progress: list[tuple[str | None, float, float]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    pack: ModuleType | None = None
    _executor: PromptExecutor | None = None

    def load_pack(self, path: Path) -> ModuleType:
        """Executes a pack's `__init__.py` under the host's path-like module name and takes its nodes."""
        name = str(path).replace(".", "_x_")
        spec = importlib.util.spec_from_file_location(name, str(path / "__init__.py"))
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        if getattr(module, "WEB_DIRECTORY", None) is not None:
            self.web_directories[path.name] = (path / module.WEB_DIRECTORY).resolve()
        # As in the host: comfy_entrypoint is looked at only where there is no NODE_CLASS_MAPPINGS.
        if getattr(module, "NODE_CLASS_MAPPINGS", None) is not None:
            self.add(module.NODE_CLASS_MAPPINGS, path.name)
            self.names.update(getattr(module, "NODE_DISPLAY_NAME_MAPPINGS", None) or {})
        elif hasattr(module, "comfy_entrypoint"):
            self._take_extension(module.comfy_entrypoint, path.name)
        self.pack = module
        return module

    def _take_extension(self, entrypoint: Callable[[], Any], folder: str) -> None:
        extension = asyncio.run(_awaited(entrypoint()))
        assert isinstance(extension, fake_comfy_api.ComfyExtension), "comfy_entrypoint must return a ComfyExtension"
        asyncio.run(extension.on_load())
        found = asyncio.run(extension.get_node_list())
        assert isinstance(found, list), "get_node_list must return a list"
        self.add({cls.GET_SCHEMA().node_id: cls for cls in found}, folder)
        self.names.update({cls.GET_SCHEMA().node_id: cls.GET_SCHEMA().display_name for cls in found})

    def add(self, classes: dict[str, type[Any]], folder: str = "core") -> None:
        """Registers node classes, as a pack of the given folder name."""
        for id, cls in classes.items():
            self.classes[id] = NodeClass(id, cls)
            cls.RELATIVE_PYTHON_MODULE = f"custom_nodes.{folder}"

    def object_info(self) -> dict[str, dict[str, Any]]:
        """What `/object_info` would answer."""
        return {id: node.info(self.names.get(id), node.cls.RELATIVE_PYTHON_MODULE) for id, node in self.classes.items()}

    def validate(self, prompt: Prompt) -> Verdict:
        return validate_prompt(prompt, self.classes)

    def run(self, prompt: Prompt) -> Run:
        """Executes a prompt; the cache lives as long as the host."""
        return self.executor.run(prompt)

    def press_stop_inside(self, node_id: str, poll: int = 1) -> None:
        """In a later `run` the user presses Stop while this node is at work, before it asks for the `poll`-th time."""
        polls = itertools.count(1)
        self.model_management._stop_pressed = lambda: self.executor.running == node_id and next(polls) >= poll

    @property
    def server(self) -> Any:
        """Its `PromptServer.instance`."""
        return sys.modules["server"].PromptServer.instance

    @property
    def executor(self) -> PromptExecutor:
        if self._executor is None:
            management = self.model_management
            interrupt, poll = (
                management.InterruptProcessingException, management.throw_exception_if_processing_interrupted
            )  # fmt: skip
            self._executor = PromptExecutor(self.classes, interrupt, poll)
        return self._executor

    def on_progress(self, value: float, total: float, preview: Any, node_id: str | None = None) -> None:
        # The real hook polls for an interrupt too: a progress call may raise.
        self.model_management.throw_exception_if_processing_interrupted()
        self.progress.append((node_id or self.executor.running, value, total))


async def _awaited(value: Any) -> Any:
    return await value if hasattr(value, "__await__") else value


@contextlib.contextmanager
def comfyui(
    base: Path,
    version: str = "V3",
    *,
    old_interrupt: bool = False,
    dtype: torch.dtype = torch.float32,
    prepare: Callable[[Host], None] = lambda host: None,
) -> Iterator[Host]:
    """A host whose modules stand in `sys.modules` for the length of the block.

    version: "V1" hides `comfy_api`, so that a pack must export NODE_CLASS_MAPPINGS.
    old_interrupt: `InterruptProcessingException` is an `Exception`, and there is no `intermediate_dtype`.
    dtype: of tensors between nodes. prepare: changes the host before anything is loaded.
    """
    folder_paths, utils = FolderPaths(base), ComfyUtils()
    management = (OldModelManagement if old_interrupt else ModelManagement)(dtype=dtype)
    host = Host(version, folder_paths, management)
    utils.set_progress_bar_global_hook(host.on_progress)
    comfy = ModuleType("comfy")
    patchers = make_model_patcher()
    vars(comfy).update(__path__=[], model_management=management, utils=utils, model_patcher=patchers)
    modules: dict[str, ModuleType | None] = {"folder_paths": folder_paths, "comfy": comfy}
    modules |= {"comfy.model_management": management, "comfy.utils": utils, "comfy.model_patcher": patchers}
    graph_utils = ModuleType("comfy_execution.graph_utils")
    vars(graph_utils)["ExecutionBlocker"] = ExecutionBlocker
    modules |= {"comfy_execution.graph_utils": graph_utils}
    modules |= {"server": make_server(host.texts, lambda: host.executor.running)}
    modules |= {name: Decoy(name) for name in DECOYS}
    api = {"comfy_api": None, "comfy_api.latest": None}  # None makes the import raise ModuleNotFoundError
    modules |= fake_comfy_api.make_modules(folder_paths) if version == "V3" else api
    before = dict(sys.modules)
    try:
        sys.modules.update(modules)  # type: ignore[arg-type]
        prepare(host)
        yield host
    finally:
        _restore(before, set(modules))


def _restore(before: dict[str, ModuleType], replaced: set[str]) -> None:
    """Takes back the host's and the pack's modules; what the pack imported from elsewhere (PIL, torch) stays."""
    for name in list(sys.modules):
        pack_module = "/" in name or "\\" in name
        if name in replaced or (pack_module and name not in before):
            del sys.modules[name]
    sys.modules.update({name: before[name] for name in replaced if name in before})


def install_pack(custom_nodes: Path, pack: Path = PACK, name: str = FOLDER_NAME) -> Path:
    """Puts the pack into a `custom_nodes` folder as a link and returns its path there."""
    custom_nodes.mkdir(parents=True, exist_ok=True)
    link = custom_nodes / name
    link.symlink_to(pack, target_is_directory=True)
    return link

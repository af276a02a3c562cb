"""Stand-ins for the modules of ComfyUI 0.33 that a pack may import: only names and signatures which the real ones have.

`tests/hosts/test_real_comfyui.py` compares each public name here with the real host when `COMFYUI_DIR` is set.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from support.host_memory import MemoryManagement


class FolderPaths(ModuleType):
    """`folder_paths`: where a host keeps its models, inputs and results."""

    def __init__(self, base: Path) -> None:
        super().__init__("folder_paths")
        self.base_path = str(base)
        self.models_dir = str(base / "models")
        self.output_directory, self.input_directory = str(base / "output"), str(base / "input")
        self.temp_directory, self.user_directory = str(base / "temp"), str(base / "user")
        self.supported_pt_extensions = {".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"}
        self.folder_names_and_paths: dict[str, tuple[list[str], set[str]]] = {}
        for name in ("checkpoints", "loras", "detection", "background_removal"):
            self.folder_names_and_paths[name] = ([str(base / "models" / name)], self.supported_pt_extensions)
        for folder in (self.output_directory, self.input_directory, self.temp_directory, self.user_directory):
            Path(folder).mkdir(parents=True, exist_ok=True)

    def get_output_directory(self) -> str:
        return self.output_directory

    def get_temp_directory(self) -> str:
        return self.temp_directory

    def get_input_directory(self) -> str:
        return self.input_directory

    def get_user_directory(self) -> str:
        return self.user_directory

    def get_directory_by_type(self, type_name: str) -> str | None:
        known = {"output": self.output_directory, "temp": self.temp_directory, "input": self.input_directory}
        return known.get(type_name)

    def add_model_folder_path(self, folder_name: str, full_folder_path: str, is_default: bool = False) -> None:
        # As in the host: a name that is new gets an EMPTY set of suffixes, by which every file is listed.
        paths = self.folder_names_and_paths.setdefault(folder_name, ([], set()))[0]
        if full_folder_path in paths and is_default:
            paths.remove(full_folder_path)
        if full_folder_path not in paths:
            paths.insert(0 if is_default else len(paths), full_folder_path)

    def get_folder_paths(self, folder_name: str) -> list[str]:
        return self.folder_names_and_paths[folder_name][0][:]

    def get_filename_list(self, folder_name: str) -> list[str]:
        folders, suffixes = self.folder_names_and_paths[folder_name]
        files = [path.relative_to(folder) for folder in folders for path in Path(folder).rglob("*") if path.is_file()]
        return sorted({str(path) for path in files if not suffixes or path.suffix.lower() in suffixes})

    def get_full_path(self, folder_name: str, filename: str) -> str | None:
        folders = self.folder_names_and_paths.get(folder_name, ([], set()))[0]
        inside = os.path.relpath(os.path.join("/", filename), "/")
        return next((str(Path(f) / inside) for f in folders if (Path(f) / inside).is_file()), None)

    def get_full_path_or_raise(self, folder_name: str, filename: str) -> str:
        path = self.get_full_path(folder_name, filename)
        if path is None:
            raise FileNotFoundError(f"Model in folder '{folder_name}' with filename '{filename}' not found.")
        return path

    def get_annotated_filepath(self, name: str, default_dir: str | None = None) -> str:
        bare, _, kind = name.partition(" [")
        folder = self.get_directory_by_type(kind.rstrip("]")) or default_dir or self.input_directory
        path = os.path.abspath(os.path.join(folder, bare))
        if not self.is_within_directory(folder, path):
            raise ValueError(f"Invalid file path: {name!r}")
        return path

    def exists_annotated_filepath(self, name: str) -> bool:
        try:
            return os.path.exists(self.get_annotated_filepath(name))
        except ValueError:
            return False

    def is_within_directory(self, directory: str, target: str) -> bool:
        directory = os.path.realpath(directory)
        return os.path.commonpath((directory, os.path.realpath(target))) == directory

    def get_save_image_path(
        self, filename_prefix: str, output_dir: str, image_width: int = 0, image_height: int = 0
    ) -> tuple[str, str, int, str, str]:
        prefix = filename_prefix.replace("%width%", str(image_width)).replace("%height%", str(image_height))
        subfolder, filename = os.path.split(os.path.normpath(prefix))
        folder = os.path.join(output_dir, subfolder)
        if not self.is_within_directory(output_dir, folder):
            raise Exception("**** ERROR: Saving image outside the output folder is not allowed.")
        os.makedirs(folder, exist_ok=True)
        taken = [name[len(filename) + 1 :].split("_")[0] for name in os.listdir(folder) if name.startswith(filename)]
        counter = 1 + max((int(number) for number in taken if number.isdigit()), default=0)
        return folder, filename, counter, subfolder, prefix


class OldModelManagement(MemoryManagement):
    """`comfy.model_management` of hosts before fp16 intermediates; an interrupt there is an `Exception`."""

    interrupt_base: type[BaseException] = Exception

    def __init__(self, device: torch.device | None = None, dtype: torch.dtype = torch.float32) -> None:
        super().__init__("comfy.model_management")
        self.InterruptProcessingException = type("InterruptProcessingException", (self.interrupt_base,), {})
        self._device, self._dtype = device or torch.device("cpu"), dtype
        self._interrupted = False
        # Test control: asked at every poll whether the user has pressed Stop by now.
        self._stop_pressed: Callable[[], bool] = lambda: False

    def intermediate_device(self) -> torch.device:
        return self._device

    def interrupt_current_processing(self, value: bool = True) -> None:
        self._interrupted = value

    def processing_interrupted(self) -> bool:
        return self._interrupted

    def throw_exception_if_processing_interrupted(self) -> None:
        if self._interrupted or self._stop_pressed():
            self._interrupted, self._stop_pressed = False, lambda: False
            raise self.InterruptProcessingException()


class ModelManagement(OldModelManagement):
    """`comfy.model_management` of 0.33: a broad `except Exception` no longer swallows an interrupt."""

    interrupt_base = BaseException

    def intermediate_dtype(self) -> torch.dtype:
        return self._dtype


class ComfyUtils(ModuleType):
    """`comfy.utils`, of which a pack needs the progress bar."""

    def __init__(self) -> None:
        super().__init__("comfy.utils")
        self.PROGRESS_BAR_HOOK: Callable[..., None] | None = None
        utils = self

        class ProgressBar:
            def __init__(self, total: float, node_id: str | None = None) -> None:
                self.total, self.current, self.node_id = total, 0.0, node_id
                self.hook = utils.PROGRESS_BAR_HOOK

            def update_absolute(self, value: float, total: float | None = None, preview: Any = None) -> None:
                self.total = self.total if total is None else total
                self.current = min(value, self.total)
                if self.hook is not None:
                    self.hook(self.current, self.total, preview, node_id=self.node_id)

            def update(self, value: float) -> None:
                self.update_absolute(self.current + value)

        self.ProgressBar = ProgressBar

    def set_progress_bar_global_hook(self, function: Callable[..., None] | None) -> None:
        self.PROGRESS_BAR_HOOK = function


class Routes:
    """The host's table of routes: `handlers` by path."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Any], Any]] = {}

    def post(self, path: str) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        def add(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
            self.handlers[path] = handler
            return handler

        return add


def make_server(texts: list[tuple[str, str]], running: Callable[[], str | None]) -> ModuleType:
    """`server`, whose `PromptServer.instance` puts text on nodes; here into `texts` as (node id, text).

    running: the node at work. No page is there and none has queued a prompt until `open_page`.
    """

    class PromptServer:
        instance: PromptServer

        def __init__(self) -> None:
            self.routes = Routes()
            self.sockets: dict[str, Any] = {}
            self.client_id: str | None = None

        @property
        def last_node_id(self) -> str | None:
            return running() if self.client_id is not None else None

        def open_page(self, hear: Callable[[str, Any], None]) -> None:
            """A page that queues the prompts to come; `hear` gets the type and the data of what it is sent."""
            self.client_id = "page"
            self.sockets["page"] = hear

        def send_sync(self, event: str, data: Any, sid: str | None = None) -> None:
            data = json.loads(json.dumps(data))  # it goes over a wire
            for name, hear in list(self.sockets.items()):
                if sid in (None, name):
                    hear(event, data)

        def send_progress_text(self, text: str | bytes, node_id: str, sid: str | None = None) -> None:
            assert isinstance(text, (str, bytes)) and isinstance(node_id, str)
            texts.append((node_id, text if isinstance(text, str) else text.decode()))

    PromptServer.instance = PromptServer()
    module = ModuleType("server")
    vars(module)["PromptServer"] = PromptServer
    return module


class ExecutionBlocker:
    """An output value that stops every node behind it; the first of them shows the message."""

    def __init__(self, message: str | None) -> None:
        self.message = message


class Decoy(ModuleType):
    """A foreign module under a name that the pack uses inside itself: reading anything from it is the pack's fault."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AssertionError(f"the pack read {self.__name__}.{name} from a foreign module; imports must be relative")

"""What the WebUI lends: device, memory, progress, interruption, folders. Its modules are imported when used."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from ...context import Context, TensorCache
from ...model_cache import ModelCache, model_budget, model_bytes, move_model
from ...model_places import folders_below, list_names
from ..files import FolderStore, model_folders
from ..lettering import letter

LOG = logging.getLogger("hemline")
_CPU = torch.device("cpu")
_EMBEDDINGS = TensorCache()
# Forge's memory manager, and reForge's.
_MANAGERS = ("backend.memory_management", "ldm_patched.modules.model_management")
# The host's options that the settings page adds, and what they are before it is shown.
OPTIONS: dict[str, Any] = {"hemline_device": "automatic", "hemline_model_gib": 6.0, "hemline_folders": ""}


class HostInterrupted(Exception):  # not a HemlineError: no fallback may swallow it
    """The user has pressed Interrupt."""


class HostModels(ModelCache):
    """A `ModelCache` whose models are on the GPU only while they are used."""

    def bring(self, model: object, device: torch.device, *, fresh: bool) -> object:
        """The model on the device; a host with a memory manager makes room first."""
        if device.type != "cpu":
            make_room(model_bytes(model), device)
        return move_model(model, device)

    def give_back(self) -> None:
        """Moves every model off the GPU and hands its memory back; the weights stay in main memory."""
        for model in self.held_models():
            move_model(model, _CPU)
        import_module("modules.devices").torch_gc()


_MODELS = HostModels()


@contextmanager
def lent_context(*, stops: bool = True) -> Generator[Context]:
    """The context of one piece of work; what it took of the GPU is given back afterwards, whatever happens.

    stops: whether Interrupt ends it. It is meant for the generation that runs: what came out of that is finished in any
    case, and what is asked for beside it knows nothing of it.
    """
    _MODELS.budget_bytes = _budget()
    context = Context(
        device=work_device(), store=FolderStore(output_folder()), lettering=letter, progress=_progress,
        check_cancelled=check_interrupted if stops else _go_on, model_folders=folders(), models=_MODELS,
        embeddings=_EMBEDDINGS,
    )  # fmt: skip
    try:
        # Forge calls some hooks in inference mode; what is loaded and kept there could not be moved later on.
        with torch.inference_mode(False), torch.no_grad():
            yield context
    finally:
        _MODELS.give_back()
        import_module("modules.shared").state.textinfo = None


def option(name: str) -> Any:
    """The value of one of `OPTIONS`."""
    value = getattr(import_module("modules.shared").opts, name, None)
    return OPTIONS[name] if value is None else value


def work_device() -> torch.device:
    """Where networks run: the host's device, unless its settings or its command line say CPU."""
    if option("hemline_device") == "cpu":
        return _CPU
    return torch.device(import_module("modules.devices").get_device_for("hemline"))


def folders() -> dict[str, tuple[Path, ...]]:
    """Kind of model -> folders to search: the host's, those of the settings page, those of the environment."""
    named = [Path(line).expanduser() for line in str(option("hemline_folders")).splitlines() if line.strip()]
    own = folders_below([Path(import_module("modules.paths_internal").models_path), *named])
    others = model_folders(os.environ)
    return {kind: (*own[kind], *others[kind]) for kind in own}


def model_names(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """The model files of these kinds as menus call them."""
    return list_names(kinds, folders())


def output_folder() -> Path:
    """Where what is saved goes where the user names no folder."""
    return Path(import_module("modules.paths_internal").data_path) / "outputs" / "hemline"


def check_interrupted() -> None:
    """Raises `HostInterrupted` where the user has pressed Interrupt or asked to stop after this picture."""
    state = import_module("modules.shared").state
    if state.interrupted or getattr(state, "stopping_generation", False):
        raise HostInterrupted("interrupted by the user")


def _go_on() -> None:
    """What is asked in place of `check_interrupted` by work that is always finished."""


def make_room(size: int, device: torch.device) -> None:
    """Has Forge or reForge free so many bytes on the device; A1111 has no memory manager to ask."""
    for manager in (sys.modules[name] for name in _MANAGERS if name in sys.modules):
        manager.free_memory(size, device)


def tell(p: Any, line: str) -> None:
    """Shows a line below the result and writes it to the log."""
    LOG.info("%s", line)
    comment = getattr(p, "comment", None)
    if callable(comment):
        comment(f"Hemline: {line}")


def warn(line: str) -> None:
    """A toast in the browser where the call came from one; a line in the log in any case."""
    LOG.warning("%s", line)
    try:
        import_module("gradio").Warning(f"Hemline: {line}")
    except Exception:
        LOG.debug("no browser to warn", exc_info=True)


def _progress(done: int, total: int) -> None:
    import_module("modules.shared").state.textinfo = f"Hemline: {done} of {total}"


def _budget() -> int:
    told = float(option("hemline_model_gib"))
    return model_budget(os.environ) if told <= 0 else int(told * 2**30)

"""The context of a run without a host."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch

from ..context import Context, ModelCache
from ..model_cache import model_budget
from ..tensors import UnknownName
from .batch_files import InputFolders
from .files import FolderStore, model_folders
from .lettering import letter


@dataclass(frozen=True)
class HeadlessContext(Context):
    """The `Context` of a run without a host; ComfyUI's core nodes need what it adds.

    input_folder: where LoadImage looks for pictures.
    output_folder: where SaveImage writes and where "name [output]" is looked up.
    """

    input_folder: Path = Path()
    output_folder: Path = Path()


def headless_context(
    folder: Path,
    *,
    device: str | None = None,
    input_folder: Path | None = None,
    given_files: Iterable[str] = (),
    models: ModelCache | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    check_cancelled: Callable[[], None] = lambda: None,
) -> HeadlessContext:
    """The context of a run that writes into `folder`; nothing is created before the first result.

    device: cuda if there is one, else mps, else cpu. input_folder: the current folder if not given. models: those of
    an earlier run, so that nothing is loaded twice.
    Raises `UnknownName` for a device that this machine lacks.
    """
    input_folder, given = input_folder or Path.cwd(), frozenset(given_files)
    return HeadlessContext(
        device=_device(device),
        store=FolderStore(folder),
        lettering=letter,
        progress=progress,
        check_cancelled=check_cancelled,
        model_folders=model_folders(os.environ),
        models=ModelCache(model_budget(os.environ)) if models is None else models,
        sources=InputFolders(input_folder, folder, given),
        input_folder=input_folder,
        output_folder=folder,
        given_files=given,
    )


def _device(name: str | None) -> torch.device:
    there = ["cpu"]
    if torch.backends.mps.is_available():
        there.insert(0, "mps")
    if torch.cuda.is_available():
        there.insert(0, "cuda")
    try:
        device = torch.device(name or there[0])
    except RuntimeError:
        device = None
    # An index, as in cuda:1, needs that many GPUs; without one it means the first.
    if device is None or device.type not in there or (device.index or 0) >= max(1, torch.cuda.device_count()):
        raise UnknownName(f"Device {name!r} is not there; this machine has {', '.join(there)}.")
    return device

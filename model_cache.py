"""ModelCache: models that were loaded once, within a budget of memory, on the device where they are used."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from .errors import RangeError

Model = TypeVar("Model")
Key = tuple[Path, torch.device, torch.dtype, str]
Identity = tuple[tuple[int, int], ...]

DEFAULT_BUDGET_BYTES = 6 * 2**30
"""Holds the largest SAM, a large YOLO and a SegFormer at once."""


@dataclass(frozen=True)
class _Held:
    identity: Identity
    model: object
    size: int


class ModelCache:
    """Models that were loaded once. A host keeps one for as long as it lives; threads may share it.

    budget_bytes: what the weights of all models may take together; those that were not used for longest go first, the
    one just asked for never. loads: how many times something was loaded from a file.
    """

    def __init__(self, budget_bytes: int = DEFAULT_BUDGET_BYTES) -> None:
        self.budget_bytes = budget_bytes
        self.loads = 0
        self._held: OrderedDict[Key, _Held] = OrderedDict()
        self._lock = threading.Lock()
        self._loading: dict[Key, threading.Lock] = {}

    @property
    def held_bytes(self) -> int:
        """What the weights of the models in the cache take."""
        with self._lock:
            return sum(held.size for held in self._held.values())

    def held_models(self) -> tuple[object, ...]:
        """The models in the cache, that used last at the end."""
        with self._lock:
            return tuple(held.model for held in self._held.values())

    def get(
        self, path: Path, device: torch.device, load: Callable[[Path], Model], *,
        dtype: torch.dtype = torch.float32, variant: str = "",
    ) -> Model:  # fmt: skip
        """What `load` makes of the file, on this device; the same as last time while the file is the same.

        A file counts as the same by its size and its time, a folder by those of the files in it. load: gives the model
        on the CPU; what it raises is not kept. dtype, variant: tell apart what else `load` makes of the file. Threads
        that ask for the same model wait for one load; others do not wait.
        """
        key = (path, device, dtype, variant)
        with self._lock:
            loading = self._loading.setdefault(key, threading.Lock())
        with loading:
            identity = file_identity(path)
            known = self._find(key, identity)
            if known is None:
                model = load(path)
                moved = cast(Model, self.bring(model, device, fresh=True))
                self._keep(key, _Held(identity, moved, model_bytes(moved)))
                return moved
            return cast(Model, self.bring(known.model, device, fresh=False))

    def bring(self, model: object, device: torch.device, *, fresh: bool) -> object:
        """The model on `device`, ready for use; called each time that it is asked for. A host may make room first.

        fresh: it was loaded just now and lies where `load` has put it.
        """
        return move_model(model, device) if fresh else model

    def clear(self) -> None:
        """Forgets every model, so that its memory comes back."""
        with self._lock:
            self._held.clear()

    def _find(self, key: Key, identity: Identity) -> _Held | None:
        with self._lock:
            held = self._held.get(key)
            if held is None:
                return None
            if held.identity != identity:  # its memory may be needed for what takes its place
                del self._held[key]
                return None
            self._held.move_to_end(key)
            return held

    def _keep(self, key: Key, held: _Held) -> None:
        with self._lock:
            self.loads += 1
            self._held[key] = held
            self._held.move_to_end(key)
            total = sum(other.size for other in self._held.values())
            while total > self.budget_bytes and len(self._held) > 1:
                total -= self._held.popitem(last=False)[1].size


def model_budget(environment: Mapping[str, str]) -> int:
    """Bytes that loaded models may take together: ``HEMLINE_MODEL_GIB``, in GiB, else `DEFAULT_BUDGET_BYTES`.

    Raises `RangeError` for a text that is no positive number.
    """
    text = environment.get("HEMLINE_MODEL_GIB", "").strip()
    try:
        gibibytes = float(text) if text else DEFAULT_BUDGET_BYTES / 2**30
    except ValueError:
        gibibytes = 0.0
    if not 0 < gibibytes < 2**20:
        raise RangeError(f"HEMLINE_MODEL_GIB is {text!r}; give how many GiB loaded models may take, such as 6.")
    return int(gibibytes * 2**30)


def file_identity(path: Path) -> Identity:
    """Size and time of a file, or of each file in a folder; changes when one is replaced. Empty where nothing is."""
    files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
    statuses = [file.stat() for file in files if file.is_file()]
    return tuple((status.st_size, status.st_mtime_ns) for status in statuses)


def modules_of(model: object) -> tuple[nn.Module, ...]:
    """The networks in what was loaded: a module itself, those a record's `modules()` names, or those it holds."""
    if isinstance(model, nn.Module):
        return (model,)
    if isinstance(model, type) or model is None:
        return ()
    named: Any = getattr(model, "modules", None)
    held = cast("Iterable[object]", named() if callable(named) else getattr(model, "__dict__", {}).values())
    return tuple(dict.fromkeys(item for item in held if isinstance(item, nn.Module)))


def model_bytes(model: object) -> int:
    """What the model's weights take: its own `nbytes`, or all parameters and buffers of its networks, each once."""
    told: Any = getattr(model, "nbytes", None)
    if isinstance(told, int):
        return told
    tensors: dict[int, Tensor] = {}
    for module in modules_of(model):
        for tensor in (*module.parameters(), *module.buffers()):
            tensors[id(tensor)] = tensor
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def move_model(model: Model, device: torch.device) -> Model:
    """The model on a device: by its own `to`, if it has one, else its networks one by one."""
    own: Any = getattr(model, "to", None)
    if callable(own) and not isinstance(model, Tensor):
        return cast(Model, own(device))
    for module in modules_of(model):
        module.to(device)
    return model

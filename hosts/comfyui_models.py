"""Our models under ComfyUI's memory manager: it may take them off the GPU, and makes room when they are needed there.

Only what the running host has is used; on one without a model patcher, and on a CPU, this is a plain `ModelCache`.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..model_cache import Model, ModelCache, model_bytes, modules_of, move_model

_CPU = torch.device("cpu")


class HeldNetworks(nn.Module):
    """The networks of one model as one module: hosts write attributes on what they hold, which some networks refuse."""

    def __init__(self, networks: tuple[nn.Module, ...]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)


class HostModels(ModelCache):
    """A `ModelCache` whose models the host moves to the GPU and away from it again, together with its own.

    The models that one run of a node asks for are on the GPU together; see `node_run`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._patchers: dict[tuple[nn.Module, ...], Any] = {}
        self._in_use = threading.local()

    @contextmanager
    def node_run(self) -> Generator[None]:
        """One run of a node: the models that it asks for stay on the GPU together until it ends."""
        self._in_use.patchers = []
        try:
            yield
        finally:
            self._in_use.patchers = []

    def get(
        self, path: Path, device: torch.device, load: Callable[[Path], Model], *,
        dtype: torch.dtype = torch.float32, variant: str = "",
    ) -> Model:  # fmt: skip
        """As `ModelCache.get`; the host loses sight of models that had to leave the cache."""
        found = super().get(path, device, load, dtype=dtype, variant=variant)
        held = {modules_of(model) for model in self.held_models()}
        self._patchers = {networks: patcher for networks, patcher in self._patchers.items() if networks in held}
        return found

    def bring(self, model: object, device: torch.device, *, fresh: bool) -> object:
        """The model on the device; the host has made room for it there. On a CPU it stays where it is."""
        networks = modules_of(model)
        if device.type == "cpu" or not networks:
            return super().bring(model, device, fresh=fresh)
        management: Any = import_module("comfy.model_management")
        patcher = self._patcher(networks, device, management)
        if patcher is not None:
            used: list[Any] = getattr(self._in_use, "patchers", [])
            self._in_use.patchers = [*(other for other in used if other is not patcher), patcher]
            _load(management, self._in_use.patchers)
        elif fresh and hasattr(management, "free_memory"):
            management.free_memory(model_bytes(model), device)
        # Hosts that are short of memory may leave a part behind, and then expect layers of their own.
        return move_model(model, device)

    def clear(self) -> None:
        """Forgets every model and its patcher."""
        super().clear()
        self._patchers.clear()
        self._in_use.patchers = []

    def _patcher(self, networks: tuple[nn.Module, ...], device: torch.device, management: Any) -> Any:
        """The host's handle on the networks, made once; None where the host has none."""
        if networks not in self._patchers:
            try:
                patchers: Any = import_module("comfy.model_patcher")
            except ImportError:
                return None
            if not (hasattr(patchers, "ModelPatcher") and hasattr(management, "load_models_gpu")):
                return None
            aside = management.unet_offload_device() if hasattr(management, "unet_offload_device") else _CPU
            self._patchers[networks] = patchers.ModelPatcher(
                HeldNetworks(networks), load_device=device, offload_device=aside
            )
        return self._patchers[networks]


def _load(management: Any, patchers: list[Any]) -> None:
    """Has the host load the models whole, as their layers are torch's own and cannot be cast one by one."""
    known = inspect.signature(management.load_models_gpu).parameters
    whole = {"force_full_load": True} if "force_full_load" in known else {}
    management.load_models_gpu(patchers, **whole)

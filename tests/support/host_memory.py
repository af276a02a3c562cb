"""ComfyUI's memory manager for tests: what is loaded, what has to go when room is needed, and the patchers it moves.

Its names, parameters and order of steps are those of 0.33 for models that are not loaded piece by piece.
"""

from __future__ import annotations

import weakref
from types import ModuleType
from typing import Any

import torch
from torch import nn


def module_size(module: nn.Module) -> int:
    return sum(value.nelement() * value.element_size() for value in module.state_dict().values())


class ModelPatcher:
    """The host's handle on a model; like the real one it writes on the model, whatever that makes of it."""

    def __init__(
        self, model: Any, load_device: torch.device, offload_device: torch.device, size: int = 0,
        weight_inplace_update: bool = False,
    ) -> None:  # fmt: skip
        self.model, self.load_device, self.offload_device, self.size = model, load_device, offload_device, size
        if not hasattr(model, "device"):
            model.device = offload_device
        model.model_loaded_weight_memory = 0

    def is_dynamic(self) -> bool:
        return False

    def model_size(self) -> int:
        self.size = self.size or module_size(self.model)
        return self.size

    def loaded_size(self) -> int:
        return self.model.model_loaded_weight_memory

    def partially_load(
        self, device_to: torch.device, extra_memory: float = 0, force_patch_weights: bool = False
    ) -> int:
        # Layers of torch's own cannot be cast one by one: where not all fits they stay where they are.
        if self.loaded_size() + extra_memory > self.model_size():
            self.model.to(device_to)
            self.model.device, self.model.model_loaded_weight_memory = device_to, self.model_size()
        return self.loaded_size()

    def detach(self, unpatch_all: bool = True) -> Any:
        if unpatch_all:
            self.model.to(self.offload_device)
            self.model.device, self.model.model_loaded_weight_memory = self.offload_device, 0
        return self.model


class LoadedModel:
    def __init__(self, model: ModelPatcher) -> None:
        self._model, self.device = weakref.ref(model), model.load_device

    @property
    def model(self) -> Any:
        return self._model()


class MemoryManagement(ModuleType):
    """The part of `comfy.model_management` that knows what lies on the GPU."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.current_loaded_models: list[LoadedModel] = []
        self.LoadedModel = LoadedModel
        # Test control: the GPU's whole memory, the device that nodes work on, and how many models it was
        # asked to load each time.
        self._vram, self._torch_device = 8 << 30, torch.device("cpu")
        self._requests: list[int] = []

    def get_torch_device(self) -> torch.device:
        return self._torch_device

    def unet_offload_device(self) -> torch.device:
        return torch.device("cpu")

    def module_size(self, module: nn.Module) -> int:
        return module_size(module)

    def get_free_memory(self, dev: Any = None, torch_free_too: bool = False) -> int:
        self._forget_dead()
        return self._vram - sum(loaded.model.loaded_size() for loaded in self.current_loaded_models)

    def free_memory(
        self, memory_required: float, device: Any, keep_loaded: Any = (), for_dynamic: bool = False,
        pins_required: int = 0, ram_required: int = 0,
    ) -> list[Any]:  # fmt: skip
        gone: list[Any] = []
        for loaded in reversed([*self.current_loaded_models]):  # that loaded last stays longest
            wanted = loaded.device == device and loaded not in keep_loaded
            if wanted and memory_required > self.get_free_memory(device):
                loaded.model.detach()
                self.current_loaded_models.remove(loaded)
                gone.append(loaded)
        return gone

    def load_models_gpu(
        self, models: Any, memory_required: float = 0, force_patch_weights: bool = False,
        minimum_memory_required: float | None = None, force_full_load: bool = False,
    ) -> None:  # fmt: skip
        self._requests.append(len(models))
        self._forget_dead()
        self.current_loaded_models = [one for one in self.current_loaded_models if one.model not in models]
        kept = sum(model.loaded_size() for model in models)
        missing = sum(model.model_size() - model.loaded_size() for model in models)
        for device in {model.load_device for model in models} - {torch.device("cpu")}:
            self.free_memory(missing * 1.1 + kept, device)
        for model in models:
            room = 1e32 if force_full_load else self.get_free_memory(model.load_device) / 2
            model.partially_load(model.load_device, room)
            self.current_loaded_models.insert(0, LoadedModel(model))

    def loaded_models(self, only_currently_used: bool = False) -> list[Any]:
        self._forget_dead()
        return [loaded.model for loaded in self.current_loaded_models]

    def unload_all_models(self) -> None:
        """What the "Free model" button does."""
        self.free_memory(1e30, self._torch_device)

    def soft_empty_cache(self, force: bool = False) -> None:
        pass

    def _forget_dead(self) -> None:
        self.current_loaded_models = [one for one in self.current_loaded_models if one.model is not None]


def make_model_patcher() -> ModuleType:
    """`comfy.model_patcher`, of which a pack needs one class."""
    module = ModuleType("comfy.model_patcher")
    vars(module)["ModelPatcher"] = ModelPatcher
    return module

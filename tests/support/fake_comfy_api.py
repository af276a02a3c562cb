"""A small `comfy_api.latest`: the part of ComfyUI 0.33's V3 node API which a pack of image nodes uses.

Parameter names are the host's (held by `tests/hosts/test_real_comfyui.py`); the bodies are this project's own.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

from support.comfy_api_ports import (
    BooleanInput,
    ComboInput,
    FloatInput,
    Input,
    IntInput,
    Output,
    StringInput,
    WidgetInput,
    custom,
    custom_type,
)  # fmt: skip


class FolderType(str, Enum):
    input = "input"
    output = "output"
    temp = "temp"


class Hidden(str, Enum):
    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"
    dynprompt = "DYNPROMPT"


@dataclass
class Schema:
    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list[Input] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    description: str = ""
    search_aliases: list[str] = field(default_factory=list)
    is_input_list: bool = False
    is_output_node: bool = False
    is_deprecated: bool = False
    is_experimental: bool = False
    not_idempotent: bool = False
    enable_expand: bool = False
    accept_all_inputs: bool = False
    has_intermediate_output: bool = False

    def validate(self) -> None:
        for kind, ids in (("Input", [p.id for p in self.inputs]), ("Output", [p.id for p in self.outputs])):
            if len(set(ids)) != len(ids):
                raise ValueError(f"{kind} ids must be unique, but {ids} are not.")

    def finalize(self) -> None:
        self.hidden = list(self.hidden or [])
        for wanted in (Hidden.prompt, Hidden.extra_pnginfo) if self.is_output_node else ():
            if wanted not in self.hidden:
                self.hidden.append(wanted)
        for index, output in enumerate(self.outputs):
            output.id = output.id or f"_{index}_{output.io_type}_"


class NodeOutput:
    def __init__(
        self, *args: Any, ui: Any = None, expand: dict[str, Any] | None = None, block_execution: str | None = None
    ) -> None:
        self.args, self.ui, self.expand, self.block_execution = args, ui, expand, block_execution

    @property
    def result(self) -> tuple[Any, ...] | None:
        return self.args or None


class ComfyNode:
    """Base of V3 nodes. `hidden` is filled in on the clone that the host runs."""

    hidden: SimpleNamespace | None = None

    @classmethod
    def define_schema(cls) -> Schema:
        raise NotImplementedError

    @classmethod
    def execute(cls, **kwargs: Any) -> NodeOutput:
        raise NotImplementedError

    @classmethod
    def validate_inputs(cls, **kwargs: Any) -> bool | str:
        raise NotImplementedError

    @classmethod
    def fingerprint_inputs(cls, **kwargs: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def check_lazy_status(cls, **kwargs: Any) -> list[str]:
        return [name for name in kwargs if kwargs[name] is None]

    @classmethod
    def GET_SCHEMA(cls) -> Schema:
        schema = cls.define_schema()
        schema.finalize()
        schema.validate()
        return schema


class ComfyExtension:
    async def on_load(self) -> None:
        pass

    async def get_node_list(self) -> list[type[ComfyNode]]:
        raise NotImplementedError


class SavedResult(dict):  # type: ignore[type-arg]
    def __init__(self, filename: str, subfolder: str, type: FolderType) -> None:
        super().__init__(filename=filename, subfolder=subfolder, type=type.value)


class PreviewText:
    def __init__(self, value: str, **kwargs: Any) -> None:
        self.value = value

    def as_dict(self) -> dict[str, Any]:
        return {"text": (self.value,)}


def preview_image_class(folder_paths: Any) -> type[Any]:
    class PreviewImage:
        def __init__(self, image: Any, animated: bool = False, cls: Any = None, **kwargs: Any) -> None:
            prefix = "ComfyUI_temp_" + "".join(random.choice("abcdefghijklmnop") for _ in range(5))
            self.values, self.animated = save_pngs(folder_paths, image, prefix, FolderType.temp), animated

        def as_dict(self) -> dict[str, Any]:
            return {"images": self.values, "animated": (self.animated,)}

    return PreviewImage


def save_pngs(folder_paths: Any, images: Any, prefix: str, folder: FolderType) -> list[SavedResult]:
    """Writes a batch as 8-bit PNG files the way the host does."""
    from PIL import Image

    root = folder_paths.get_directory_by_type(folder.value)
    target, name, counter, subfolder, _ = folder_paths.get_save_image_path(prefix, root)
    results: list[SavedResult] = []
    for number, image in enumerate(images, start=counter):
        pixels = (255.0 * image.cpu().float().numpy()).clip(0, 255).astype("uint8")
        file = f"{name}_{number:05}_.png"
        Image.fromarray(pixels).save(f"{target}/{file}", compress_level=1)
        results.append(SavedResult(file, subfolder, folder))
    return results


def _module(name: str, **values: Any) -> ModuleType:
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None, is_package="__path__" in values)
    vars(module).update(values)
    return module


def make_modules(folder_paths: Any) -> dict[str, ModuleType]:
    """`comfy_api` and `comfy_api.latest` for `sys.modules`."""
    plain: dict[str, Callable[..., Any]] = {
        "Schema": Schema, "ComfyNode": ComfyNode, "NodeOutput": NodeOutput, "Hidden": Hidden, "Input": Input,
        "WidgetInput": WidgetInput, "Output": Output, "FolderType": FolderType, "Custom": custom,
    }  # fmt: skip
    widgets = {"Int": IntInput, "Float": FloatInput, "String": StringInput, "Boolean": BooleanInput}
    types = {name: custom_type(name.upper(), base) for name, base in {**widgets, "Combo": ComboInput}.items()}
    types |= {"Image": custom_type("IMAGE"), "Mask": custom_type("MASK"), "AnyType": custom_type("*")}
    io = _module("comfy_api.latest._io_public", **plain, **types)
    ui = _module("comfy_api.latest._ui_public", PreviewText=PreviewText, SavedResult=SavedResult)
    vars(ui)["PreviewImage"] = preview_image_class(folder_paths)
    latest = _module("comfy_api.latest", io=io, ui=ui, IO=io, UI=ui, ComfyExtension=ComfyExtension, __path__=[])
    return {"comfy_api": _module("comfy_api", latest=latest, __path__=[]), "comfy_api.latest": latest}

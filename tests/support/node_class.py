"""One view of a node class for the fake host, whether it was written for the V1 or the V3 API."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from support.fake_comfy_api import ComfyNode, Hidden, NodeOutput, Schema


class NodeClass:
    """What the host reads off a node class; `instance` is kept for V1, V3 classes run on locked clones."""

    def __init__(self, id: str, cls: type[Any]) -> None:
        self.id, self.cls = id, cls
        self.is_v3 = issubclass(cls, ComfyNode)
        self._schema: Schema | None = cls.GET_SCHEMA() if self.is_v3 else None
        self._instance = None if self.is_v3 else cls()

    @property
    def input_types(self) -> dict[str, dict[str, tuple[Any, ...]]]:
        """`{"required": {name: (type, options)}, "optional": ..., "hidden": ...}`, read anew as the host does."""
        if not self.is_v3:
            return self.cls.INPUT_TYPES()
        schema = self.cls.GET_SCHEMA()
        groups: dict[str, dict[str, tuple[Any, ...]]] = {"required": {}}
        for port in schema.inputs:
            groups.setdefault("optional" if port.optional else "required", {})[port.id] = (port.io_type, port.as_dict())
        if schema.hidden:
            groups["hidden"] = {hidden.name: (hidden.value,) for hidden in schema.hidden}
        return groups

    def input_info(self, name: str) -> tuple[Any, str, dict[str, Any]] | None:
        """Type, group and options of one input, or None where the node has no such input."""
        for group in ("required", "optional", "hidden"):
            entry = self.input_types.get(group, {}).get(name)
            if entry is not None:
                if group == "hidden":
                    return entry, group, {}
                return entry[0], group, entry[1] if len(entry) > 1 else {}
        return None

    @property
    def return_types(self) -> list[str]:
        return [port.io_type for port in self._schema.outputs] if self._schema else list(self.cls.RETURN_TYPES)

    @property
    def return_names(self) -> list[str]:
        if self._schema:
            return [port.display_name or port.io_type for port in self._schema.outputs]
        return list(getattr(self.cls, "RETURN_NAMES", self.cls.RETURN_TYPES))

    @property
    def output_is_list(self) -> list[bool]:
        if self._schema:
            return [port.is_output_list for port in self._schema.outputs]
        return list(getattr(self.cls, "OUTPUT_IS_LIST", [False] * len(self.return_types)))

    @property
    def input_is_list(self) -> bool:
        return self._schema.is_input_list if self._schema else getattr(self.cls, "INPUT_IS_LIST", False)

    @property
    def is_output(self) -> bool:
        return self._schema.is_output_node if self._schema else getattr(self.cls, "OUTPUT_NODE", False) is True

    @property
    def sends_again(self) -> bool:
        """Whether what the node showed is sent again where it need not run."""
        if self._schema:
            return self._schema.has_intermediate_output
        return getattr(self.cls, "HAS_INTERMEDIATE_OUTPUT", False)

    @property
    def not_idempotent(self) -> bool:
        return self._schema.not_idempotent if self._schema else getattr(self.cls, "NOT_IDEMPOTENT", False)

    @property
    def wants_own_id(self) -> bool:
        """Whether the cache tells nodes apart by id; true of V1 nodes only, V3 wraps the kind in a tuple."""
        return "UNIQUE_ID" in self._hidden_types().values()

    def _hidden_types(self) -> dict[str, Any]:
        return dict(self.input_types.get("hidden", {}))

    def hook(self, v1_name: str, v3_name: str) -> Callable[..., Any] | None:
        """The node's own `VALIDATE_INPUTS`, `IS_CHANGED` or `check_lazy_status`; None where it has none."""
        if not self.is_v3:
            return getattr(self._instance if v1_name == "check_lazy_status" else self.cls, v1_name, None)
        own = inspect.getattr_static(self.cls, v3_name) is not inspect.getattr_static(ComfyNode, v3_name)
        return getattr(self.cls, v3_name) if own else None

    def runner(self, prompt: dict[str, Any], own_id: str) -> Callable[..., Any]:
        """The function to call with the inputs; hidden inputs are given the way each API wants them."""
        hidden = {"PROMPT": prompt, "UNIQUE_ID": own_id, "EXTRA_PNGINFO": None, "DYNPROMPT": None}
        if self.is_v3:
            clone = _locked_clone(self.cls, SimpleNamespace(**{h.name: hidden[h.value] for h in Hidden}))
            return lambda **inputs: _normalised(clone.execute(**inputs))
        wanted = {name: hidden[kind] for name, kind in self._hidden_types().items() if kind in hidden}
        if self.input_is_list:
            wanted = {name: [value] for name, value in wanted.items()}
        return lambda **inputs: getattr(self._instance, self.cls.FUNCTION)(**inputs, **wanted)

    def info(self, display_name: str | None, python_module: str) -> dict[str, Any]:
        """The node's entry in `/object_info`."""
        inputs = self.input_types
        source: Any = self._schema or self.cls
        v3 = self._schema is not None
        return {
            "input": inputs,
            "input_order": {group: list(ports) for group, ports in inputs.items()},
            "is_input_list": self.input_is_list,
            "output": self.return_types,
            "output_is_list": self.output_is_list,
            "output_name": self.return_names,
            "name": self.id,
            "display_name": source.display_name if v3 else (display_name or self.id),
            "description": source.description if v3 else getattr(source, "DESCRIPTION", ""),
            "python_module": python_module,
            "category": source.category if v3 else getattr(source, "CATEGORY", "sd"),
            "output_node": self.is_output,
            "search_aliases": source.search_aliases if v3 else getattr(source, "SEARCH_ALIASES", []),
        }


def _locked_clone(cls: type[Any], hidden: SimpleNamespace) -> type[Any]:
    """A throw-away class, as the host makes for each run: state written on it would be lost, so writing raises."""

    class Locked(type(cls)):
        def __setattr__(cls, name: str, value: Any) -> None:
            raise AttributeError(f"Cannot modify class attribute {name!r} of a V3 node")

    return Locked(cls.__name__, (cls,), {"hidden": hidden})


def _normalised(result: Any) -> Any:
    if result is None or isinstance(result, NodeOutput):
        return result or NodeOutput()
    if isinstance(result, tuple):
        return NodeOutput(*result)
    raise TypeError(f"Invalid return type from node: {type(result)}")

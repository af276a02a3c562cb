"""Finds the network in what a checkpoint holds: its tensors under the names of its state dict, and its attributes.

A checkpoint is a whole `nn.Module` (as ultralytics saves it), a dict of name -> tensor, or a dict that has one of these
under a known word. A module is walked as ``nn.Module.state_dict`` walks it: parameters, buffers that are persistent,
then the modules in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from ...errors import BadFile
from .records import MOST_DEPTH, Record, TensorRecord, clean_text, describe

# The averaged weights are what ultralytics itself runs; the rest is what trainers call their state dicts.
WORDS = (
    "ema", "model", "state_dict", "model_state_dict", "model_state", "params_ema", "params", "network", "net", "module",
)  # fmt: skip
MOST_TENSORS, MOST_NAME, MOST_MODULES = 20_000, 300, 50_000
_WRAPPERS = ("module.", "_orig_mod.")  # of DistributedDataParallel and of torch.compile


def find_network(content: object) -> object:
    """The module or the dict of tensors among what was saved. Raises `BadFile` where there is none."""
    found = _network(content, 0)
    if found is None:
        raise BadFile(f"it holds {describe(content)} without a network or tensors by name.")
    return found


def _network(content: object, depth: int) -> object:
    if _is_module(content):
        return content
    if not isinstance(content, dict) or depth > 2:
        return None
    words = cast("dict[object, object]", content)
    for word in WORDS:
        found = _network(words.get(word), depth + 1)
        if found is not None:
            return found
    return words if any(map(_is_tensor, words.values())) else None


def _is_tensor(value: object) -> bool:
    return isinstance(value, TensorRecord)


def _is_module(value: object) -> bool:
    return isinstance(value, Record) and isinstance(_state(value).get("_modules"), dict)


def _state(record: Record) -> dict[object, object]:
    return cast("dict[object, object]", record.state) if isinstance(record.state, dict) else {}


def named_tensors(network: object) -> dict[str, TensorRecord]:
    """The network's tensors by the names of its state dict, without the prefix that a wrapper adds.

    Raises `BadFile` for parameters that are no plain tensors, and for networks too large or too deep to be one.
    """
    if isinstance(network, dict):
        entries = cast("dict[object, object]", network)
        pairs = ((key, value) for key, value in entries.items() if isinstance(key, str) and _is_tensor(value))
    else:
        pairs = _walk(network)
    tensors: dict[str, TensorRecord] = {}
    for name, value in pairs:
        if not name or len(name) > MOST_NAME or not name.isprintable():
            raise BadFile(f"it names a tensor {clean_text(name)!r}.")
        if not isinstance(value, TensorRecord):
            raise BadFile(f"its {clean_text(name)!r} is {describe(value)}, not a plain tensor.")
        tensors[name] = value
        if len(tensors) > MOST_TENSORS:
            raise BadFile(f"it has more than {MOST_TENSORS} tensors.")
    for wrapper in _WRAPPERS:
        if tensors and all(name.startswith(wrapper) for name in tensors):
            tensors = {name[len(wrapper) :]: value for name, value in tensors.items()}
    return tensors


def _walk(root: object) -> Iterator[tuple[str, object]]:
    """Names and values in the order of a state dict, with a stack of our own."""
    waiting: list[tuple[str, object, int]] = [("", root, 0)]
    for _ in range(MOST_MODULES):
        if not waiting:
            return
        prefix, module, depth = waiting.pop()
        if not isinstance(module, Record) or depth > MOST_DEPTH or len(prefix) > MOST_NAME:
            raise BadFile(f"its module {clean_text(prefix)!r} is none, or lies too deep.")
        state = _state(module)
        passing = _passing(state.get("_non_persistent_buffers_set"))
        for group in ("_parameters", "_buffers"):
            for name, value in _children(state, group):
                if value is not None and not (group == "_buffers" and name in passing):
                    yield prefix + name, value
        inside = [(f"{prefix}{name}.", child, depth + 1) for name, child in _children(state, "_modules")]
        waiting += [item for item in reversed(inside) if item[1] is not None]
    raise BadFile(f"it has more than {MOST_MODULES} modules.")


def _children(state: dict[object, object], group: str) -> list[tuple[str, object]]:
    entries = state.get(group)
    if not isinstance(entries, dict):
        return []
    return [(name, value) for name, value in cast("dict[object, object]", entries).items() if isinstance(name, str)]


def _passing(names: object) -> set[str]:
    """The names of the buffers that are not saved: a set, which a pickle builds from a list."""
    if isinstance(names, Record) and names.name == "set" and names.arguments:
        names = names.arguments[0]
    items = cast("list[object]", names) if isinstance(names, list) else []
    return {item for item in items if isinstance(item, str)}


def attribute(network: object, content: object, name: str) -> object:
    """A value that the module carries, else the checkpoint beside it; None where neither has it."""
    if isinstance(network, Record) and name in _state(network):
        return _state(network)[name]
    return cast("dict[object, object]", content).get(name) if isinstance(content, dict) else None

"""Runs a node on the right device: the one helper that every host uses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor

from ..context import Context
from ..nodes.spec import Node, Result


def run_node(
    node: Node, values: dict[str, Any], context: Context, *, home: torch.device, dtype: torch.dtype | None = None
) -> Result:
    """The node's result with its tensors on the device `home`, floating ones in `dtype` (None: as they come).

    A heavy node gets its inputs on `context.device`, a light one where they are. To a node that takes lists every value
    comes as a list.
    """
    if node.takes_lists:
        whole = {port.name for port in node.inputs if port.is_list}
        values = {name: value if name in whole else value[0] for name, value in values.items()}
    if node.weight == "heavy":
        values = {name: move(value, context.device) for name, value in values.items()}
    result = node(**values, **({"context": context} if node.wants_context else {}))
    return replace(result, outputs=move(result.outputs, home, dtype), images=move(result.images, home))


def move(value: Any, device: torch.device, dtype: torch.dtype | None = None) -> Any:
    """`value` with its tensors on `device`, floating ones in `dtype` (None: their own).

    Takes tensors, tuples, lists and our records that have ``with_tensors(change)`` or ``to(device, dtype)``; anything
    else passes as it is. A tensor that several share is moved once.
    """
    return _Move(device, dtype)(value)


class _Move:
    """Moves values; remembers tensors by identity, as several crops of one picture all hold that picture."""

    def __init__(self, device: torch.device, dtype: torch.dtype | None) -> None:
        self._target = (device, dtype)
        self._moved: dict[int, tuple[Tensor, Tensor]] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, tuple):
            values = cast("tuple[Any, ...]", value)
            # Named tuples, such as the segments of other packs, keep their names.
            make: Any = getattr(values, "_make", tuple)
            return make(map(self, values))
        if isinstance(value, list):
            return [*map(self, cast("list[Any]", value))]
        if hasattr(value, "with_tensors"):
            return value.with_tensors(self._tensor)
        return value.to(*self._target) if hasattr(value, "to") else value

    def _tensor(self, tensor: Tensor) -> Tensor:
        if id(tensor) not in self._moved:
            device, dtype = self._target
            # The original is kept beside it, so that no other tensor gets its identity meanwhile.
            self._moved[id(tensor)] = tensor, tensor.to(device, dtype if tensor.is_floating_point() else None)
        return self._moved[id(tensor)][1]

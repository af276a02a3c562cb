"""What a blend mode is: one record, and the table in which names and aliases find it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from torch import Tensor

from ..tensors import HemlineError, unknown_name

BlendFunction = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class BlendMode:
    """A blend mode: its name, the function B(Cb, Cs), and what the function is good for.

    function: takes the backdrop's and the source's straight colours, float32 ``[...,3]`` in any memory layout, gives
        colours of that shape; it writes to neither.
    source: where the formula comes from, a section of a specification or a program.
    domain: "any": values above 1 (HDR) pass; "unit": both colours are clamped to 0..1 first.
    space: where the mode is at home: "sRGB" encoded values, or "linear" light. The space "auto" takes this one.
    aliases: the mode's names in other programs, beyond case, spaces, hyphens and underscores.
    separable: each channel is computed on its own. (False only chooses a faster memory layout.)
    coverage: "smooth" mixes by it, "dissolved" shows the source at that share of the pixels.
    operator: the compositing operator that this mode is, in place of source-over.
    """

    name: str
    function: BlendFunction
    source: str
    domain: Literal["any", "unit"] = "unit"
    space: Literal["sRGB", "linear"] = "sRGB"
    aliases: tuple[str, ...] = ()
    separable: bool = True
    coverage: Literal["smooth", "dissolved"] = "smooth"
    operator: str = "source-over"


class Named(Protocol):
    """A record that is looked up by its name or an alias."""

    @property
    def name(self) -> str:
        """The name that it is shown under."""
        ...

    @property
    def aliases(self) -> tuple[str, ...]:
        """Its other names."""
        ...


Record = TypeVar("Record", bound=Named)


def name_key(name: str) -> str:
    """The name without case, spaces, hyphens, underscores and brackets; "colour" counts as "color"."""
    return re.sub(r"[^a-z0-9]", "", name.lower()).replace("colour", "color")


def records_by_key(records: Iterable[Record]) -> dict[str, Record]:
    """The records by the keys of their names and aliases; raises `HemlineError` where two claim the same one."""
    table: dict[str, Record] = {}
    for record in records:
        for key in {name_key(name) for name in (record.name, *record.aliases)}:
            if key in table:
                raise HemlineError(
                    f"{record.name!r} and {table[key].name!r} both claim the name {key!r}; rename one of them."
                )
            table[key] = record
    return table


def find_record(kind: str, name: str, table: dict[str, Record]) -> Record:
    """The record of that name or alias; raises `UnknownName` with the nearest known name."""
    found = table.get(name_key(name))
    if found is None:
        raise unknown_name(kind, name, dict.fromkeys(record.name for record in table.values()))
    return found

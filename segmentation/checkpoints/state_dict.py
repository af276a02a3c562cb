"""The tensors of a file beside those that a network has: what is missing, what is too much, what differs in shape."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ...errors import name_some
from .records import clean_text

# Names in one message; a file of another network lacks hundreds.
MOST_NAMES = 4


@dataclass(frozen=True)
class Difference:
    """The names of what is missing and unexpected; and of what has another shape, with both shapes."""

    missing: list[str]
    unexpected: list[str]
    reshaped: list[str]


def compare_tensors(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> Difference:
    """How the given tensors differ in names and shapes from those that a network has."""
    return Difference(
        [name for name in wanted if name not in given],
        [clean_text(name) for name in given if name not in wanted],
        [
            f"{name} {list(given[name].shape)}, wanted {list(tensor.shape)}"
            for name, tensor in wanted.items()
            if name in given and given[name].shape != tensor.shape
        ],
    )


@dataclass(frozen=True)
class StateDict:
    """A file's tensors by name, which are to be a network's.

    error: what is raised where they are not; network: what the message calls it.
    """

    tensors: Mapping[str, Tensor]
    error: type[ValueError]
    network: str

    def shape(self, name: str, axes: int) -> tuple[int, ...]:
        """The shape of a tensor that must be there, with so many axes and none of them empty."""
        if name not in self.tensors:
            raise self.error(f"{name} is missing")
        shape = tuple(self.tensors[name].shape)
        if len(shape) != axes or 0 in shape:
            raise self.error(f"{name} has shape {list(shape)}, wanted {axes} axes")
        return shape

    def count(self, pattern: str) -> int:
        """How many numbers, from 0 on without a gap, the names have at the pattern's group."""
        found = {int(match[1]) for name in self.tensors if (match := re.fullmatch(pattern, name))}
        return next(number for number in range(len(found) + 1) if number not in found)

    def check(self, wanted: Mapping[str, Tensor]) -> None:
        """Raises the error where names or shapes differ from those wanted, or where a weight is no number."""
        difference = compare_tensors(wanted, self.tensors)
        self.check_names(difference.missing, difference.unexpected)
        self._refuse("tensors of other shapes", difference.reshaped)
        broken = [name for name, tensor in self.tensors.items()
                  if not tensor.is_floating_point() or not tensor.isfinite().all()]  # fmt: skip
        self._refuse("weights that are no numbers", broken)

    def check_names(self, missing: Sequence[str], unexpected: Sequence[str]) -> None:
        """Raises the error where there are any."""
        self._refuse("tensors are missing", missing)
        self._refuse(f"tensors that {self.network} does not have", [clean_text(name) for name in unexpected])

    def _refuse(self, what: str, names: Sequence[str]) -> None:
        if names:
            raise self.error(f"{what}: {show_names(names)}")


def show_names(names: Sequence[str]) -> str:
    """The first of the names, and how many more there are."""
    return name_some(names, most=MOST_NAMES, separator="; ")

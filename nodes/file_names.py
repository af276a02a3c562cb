"""Names of saved files: a template filled in, and never the same name twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from ..context import Store
from ..tensors import RangeError, unknown_name

TEMPLATE = "{name}_{label}_{n}"
"""How the files of single garments are called unless told otherwise."""

FIELDS = ("name", "label", "n", "score", "person", "image", "width", "height")
"""What a template may hold: the set's name, the garment's label, number, score in percent and person, the picture's
number in the batch, its size in pixels; numbers count from 1."""

_FIELD = re.compile(r"\{([^{}]*)\}")


def fill_template(template: str, values: Mapping[str, object]) -> str:
    """The template with each ``{field}`` replaced; one that is blank is `TEMPLATE`.

    Raises `UnknownName` for a field that is not among `FIELDS`, `RangeError` for a single brace.
    """
    template = template.strip() or TEMPLATE
    if {"{", "}"} & set(_FIELD.sub("", template)):
        raise RangeError(f"the template {template!r} has a brace without its partner; write fields as {{name}}.")
    unknown = next((name for name in _FIELD.findall(template) if name not in FIELDS), None)
    if unknown is not None:
        raise unknown_name("Template field", unknown, FIELDS)
    return _FIELD.sub(lambda found: str(values[found[1]]), template)


def check_template(template: str) -> None:
    """Raises what `fill_template` would, before any file is written."""
    fill_template(template, dict.fromkeys(FIELDS, ""))


@dataclass(frozen=True)
class FreeNames:
    """Names for sets of files that nothing has yet.

    overwrite: also those of files that are there already; within a run no name is given twice all the same.
    """

    store: Store
    overwrite: bool
    given: set[str] = field(default_factory=set[str])

    def take(self, stem: str, *first_files: str) -> str:
        """`stem`, or `stem` with the first number that is free: "coat_2".

        first_files: names by which a set shows itself, each as in `Store.unused_name`.
        """
        free = stem
        for file in () if self.overwrite else first_files:
            free = self.store.unused_name(free, file)
        numbers = count(2)
        while free.casefold() in self.given:
            free = f"{stem}_{next(numbers)}"
        self.given.add(free.casefold())
        return free

"""A file's own words for its classes: which of them are asked for, and what each means in the canonical vocabulary."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ...errors import UnknownName, check_name, name_some, unknown_name
from ..taxonomies import BACKGROUND, TAXONOMIES, canonical_label, find_label, plain_word
from ..vocabulary import LABELS

PERSON = "person"
UNKNOWN = (
    "Left out, as it is not known what they mean here: {words}; say it, for example '{first} = upper', or "
    "'{first} = background'."
)
UNUSED = "This model has no class called {words}, so what was said of it means nothing."


@dataclass(frozen=True)
class ClassWords:
    """What a file's classes mean, one entry per class.

    names: the file's words. labels: canonical, None for what is left out. chosen: whether the class is asked for.
    notes: sentences for the user.
    """

    names: tuple[str, ...]
    labels: tuple[str | None, ...]
    chosen: tuple[bool, ...]
    notes: tuple[str, ...] = ()

    @property
    def garments(self) -> tuple[int, ...]:
        """The numbers of the classes that are asked for and mean something."""
        return tuple(number for number, label in enumerate(self.labels) if label is not None and self.chosen[number])

    @property
    def persons(self) -> tuple[int, ...]:
        """The numbers of the classes that are asked for and are whole persons."""
        return tuple(
            number for number, name in enumerate(self.names)
            if plain_word(name) == PERSON and self.labels[number] is None and self.chosen[number]
        )  # fmt: skip


def read_classes(names: Sequence[str], classes: str = "*", meanings: Mapping[str, str] | None = None) -> ClassWords:
    """What the classes of these names mean, and which of them `classes` asks for.

    classes: see `choose_classes`. meanings: native word or wildcard -> canonical label or "background", before what the
    tables say. Of the tables that counts which knows most of the names, so that a word means what it means there.
    Raises `UnknownName` for a class that the file does not have and for a meaning that is none.
    """
    chosen = choose_classes(names, classes)
    told = {plain_word(word): meaning for word, meaning in (meanings or {}).items()}
    for meaning in told.values():
        check_name("Label", meaning, (BACKGROUND, *LABELS))
    taxonomy = best_taxonomy(names)
    labels: list[str | None] = []
    unknown: list[str] = []
    for number, name in enumerate(names):
        said = [meaning for word, meaning in told.items() if _names_class(word, name, number)]
        try:
            label = said[0] if said else table_label(name, taxonomy)
        except UnknownName:
            label = None
            unknown += [name] if chosen[number] else []
        labels.append(None if label == BACKGROUND else label)
    unused = [word for word in told if not any(_names_class(word, name, number) for number, name in enumerate(names))]
    notes = (
        *((UNKNOWN.format(words=_listed(unknown), first=unknown[0]),) if unknown else ()),
        *((UNUSED.format(words=_listed(unused)),) if unused else ()),
    )
    return ClassWords(tuple(names), tuple(labels), chosen, notes)


def best_taxonomy(names: Sequence[str]) -> str:
    """The taxonomy that knows most of the names; of equally good ones the first in `TAXONOMIES`."""
    words = {plain_word(name) for name in names}
    known = {table: len(words & {plain_word(word) for word in entries}) for table, entries in TAXONOMIES.items()}
    return max(known, key=lambda table: known[table])


def table_label(name: str, taxonomy: str) -> str | None:
    """What the taxonomy says of a name, else the first one that knows it. Raises `UnknownName` where none does."""
    try:
        return canonical_label(name, taxonomy)
    except UnknownName:
        return find_label(name)


def choose_classes(names: Sequence[str], classes: str) -> tuple[bool, ...]:
    """Whether each class is asked for.

    classes: names, numbers or wildcards ("*dress*") separated by commas; "!word" leaves out. "" and "*" are all. Case,
    and hyphens or underscores for blanks, do not matter. Raises `UnknownName` for what the file does not have.
    """
    wanted: set[int] = set()
    refused: set[int] = set()
    words = _split(classes, names)
    for word in words:
        found = {number for number, name in enumerate(names) if _names_class(word.lstrip("! "), name, number)}
        if not found:
            raise unknown_name("Class", word.lstrip("! "), names)
        (refused if word.startswith("!") else wanted).update(found)
    if all(word.startswith("!") for word in words):
        wanted = set(range(len(names)))
    return tuple(number in wanted - refused for number in range(len(names)))


def _split(classes: str, names: Sequence[str]) -> list[str]:
    """The words in the text; a name that has a comma in it is one."""
    parts = [part.strip() for part in re.split(r"[,;\n]", classes)]
    known = {plain_word(name) for name in names}
    words: list[str] = []
    place = 0
    while place < len(parts):
        ends = range(len(parts), place, -1)
        joined = (end for end in ends if plain_word(", ".join(parts[place:end])).lstrip("! ") in known)
        end = next(joined, place + 1)
        words += [", ".join(parts[place:end])] if parts[place] else []
        place = end
    return words


def _names_class(word: str, name: str, number: int) -> bool:
    """Whether a user's word, which may be a wildcard or a number, means the class."""
    word, name = plain_word(word), plain_word(name)
    return word == name or fnmatchcase(name, word) or (word.isdecimal() and len(word) < 8 and int(word) == number)


def _listed(words: Sequence[str]) -> str:
    return name_some([repr(word) for word in words])

"""The errors that Hemline raises on purpose, the two checks of plain values that raise them, and how names are shown.

They stand apart from the tensors because loading torch takes about two seconds of processor time, which commands that
need no tensor are spared.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Sequence

# Names in one message; lists of models or classes are longer than anyone reads.
MOST_NAMED = 12


class HemlineError(ValueError):
    """Base of every error that Hemline raises on purpose; the message says what was got, wanted, and what to do."""


class ShapeError(HemlineError):
    """A tensor has the wrong number of axes, channels, or another size than its partner."""


class RangeError(HemlineError):
    """A number lies outside the range that the function takes."""


class UnknownName(HemlineError):
    """A mode, label, method or node id that nobody knows."""


class MissingModel(HemlineError):
    """A model file or optional package is needed and not there."""


class BadFile(HemlineError):
    """A file cannot be read or written as what it should be."""


class BadWorkflow(HemlineError):
    """A workflow JSON cannot be run as it stands."""


def unknown_name(kind: str, got: str, known: Iterable[str]) -> UnknownName:
    """The error for a name that is not among `known`; it lists them and points at the nearest."""
    names = list(known)
    return UnknownName(f"{kind} {got!r} is not known.{did_you_mean(got, names)} Known: {', '.join(names)}.")


def did_you_mean(got: str, names: Sequence[str]) -> str:
    """A question about the nearest of the names, with a space in front; empty where none is near."""
    near = difflib.get_close_matches(got.lower(), [name.lower() for name in names], n=1, cutoff=0.6)
    return next((f" Did you mean {name!r}?" for name in names if near and name.lower() == near[0]), "")


def pip_line(*requirements: str) -> str:
    """The command that installs the packages into the Python that runs; hosts bring one of their own."""
    return " ".join(_quoted(word) for word in (sys.executable or "python", "-m", "pip", "install", *requirements))


def _quoted(word: str) -> str:
    """The word as shells of every system read it."""
    return f'"{word}"' if any(letter in word for letter in " <>=~;&") else word


def name_some(names: Sequence[str], *, most: int = MOST_NAMED, separator: str = ", ") -> str:
    """The first of the names as one text, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return separator.join(names[:most]) + more


def join_words(words: Sequence[str], last: str) -> str:
    """The words with commas between them, and with `last` ("and", "or") before the last one."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def check_name(kind: str, got: str, known: Iterable[str]) -> str:
    """`got`, if it is one of `known`; otherwise raises `UnknownName` with the nearest known one."""
    names = list(known)
    if got not in names:
        raise unknown_name(kind, got, names)
    return got


def check_range(name: str, value: float, low: float, high: float) -> float:
    """`value`, if it is a finite number in low..high; otherwise raises `RangeError`."""
    if not low <= value <= high:  # also false for NaN
        raise RangeError(f"{name} is {value}; give a number from {low:g} to {high:g}.")
    return value

"""The errors that Hemline raises on purpose, and the two checks of plain values that raise them.

They stand apart from the tensors because loading torch takes about two seconds of processor time, which commands that
need no tensor are spared.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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
    near = difflib.get_close_matches(got.lower(), [name.lower() for name in names], n=1, cutoff=0.6)
    hint = next((f" Did you mean {name!r}?" for name in names if near and name.lower() == near[0]), "")
    return UnknownName(f"{kind} {got!r} is not known.{hint} Known: {', '.join(names)}.")


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

"""Settings of mask generators and filters: read off a function's signature, checked, written as text by the user."""

from __future__ import annotations

import inspect
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .tensors import HemlineError, RangeError, unknown_name

Value = float | int | bool | str
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_WANTED = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


class BadSignature(HemlineError):
    """A function does not take what functions of its kind must take."""


@dataclass(frozen=True)
class Setting:
    """A keyword of a generator's or filter's function; its default's type (float, int, bool, str) is its own."""

    name: str
    default: Value

    def read(self, text: str) -> Value:
        """The value that `text` means. Raises `RangeError` where it means none of the setting's type."""
        kind = type(self.default)
        if kind is str:
            return str(text)
        try:
            return _TRUTH[text.lower()] if kind is bool else self.check(int(text) if kind is int else float(text))
        except (KeyError, ValueError):
            raise self._wrong(text) from None

    def check(self, value: object) -> Value:
        """`value` in the setting's type. Raises `RangeError` for another type, for NaN and for infinity."""
        kind = type(self.default)
        if kind in (bool, str):
            if isinstance(value, (bool, str)) and type(value) is kind:
                return value
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            if kind is float:
                return float(value)
            if value == int(value):
                return int(value)
        raise self._wrong(value)

    def _wrong(self, value: object) -> RangeError:
        return RangeError(f"setting {self.name} is {value!r}; give {_WANTED[type(self.default)]}.")


def settings_of(function: Callable[..., object], inputs: Sequence[str]) -> tuple[Setting, ...]:
    """The keywords of a function whose first arguments are `inputs`: all its other arguments, in their order.

    Raises `BadSignature` where the first arguments have other names, or another one has no default, a default that is
    no float, int, bool or str, or cannot be given by name.
    """
    parameters = list(inspect.signature(function).parameters.values())
    first, others = parameters[: len(inputs)], parameters[len(inputs) :]
    if [parameter.name for parameter in first] != list(inputs):
        raise BadSignature(f"it must begin with ({', '.join(inputs)}), not {inspect.signature(function)}")
    for parameter in others:
        if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            raise BadSignature(f"its argument {parameter} cannot be given by name")
        if type(parameter.default) not in _WANTED:
            raise BadSignature(f"its argument {parameter.name} needs a number, text, True or False as default")
    return tuple(Setting(parameter.name, parameter.default) for parameter in others)


def choose_settings(
    settings: Sequence[Setting], text: str = "", widgets: Mapping[str, Value] | None = None, *, owner: str
) -> dict[str, Value]:
    """Setting name -> value: the default, or the widget of that name, or what the text says, which counts most.

    text: ``name = value`` per line or separated by ``;``, or a JSON object; empty says nothing. widgets: values by
    name; those that are no setting, and empty texts, are left out. owner: who has the settings, for messages. Raises
    `UnknownName`, and `RangeError` for a text that is neither and for a value of another type.
    """
    known = {setting.name: setting for setting in settings}
    chosen: dict[str, Value] = {setting.name: setting.default for setting in settings}
    given = {name: value for name, value in (widgets or {}).items() if name in known and value != ""}
    chosen |= {name: known[name].check(value) for name, value in given.items()}
    for name, value in _entries(text):
        if name not in known:
            raise unknown_name(f"Setting of {owner}", name, known or ("none at all",))
        chosen[name] = known[name].read(value) if isinstance(value, _Raw) else known[name].check(value)
    return chosen


def describe_settings(values: Mapping[str, Value]) -> str:
    """The values as `choose_settings` reads them: ``name = value; name = value``."""
    return "; ".join(
        f"{name} = {f'{value:g}' if isinstance(value, float) else value}" for name, value in values.items()
    )


class _Raw(str):
    """A value as it was typed, of a type that is yet to be told."""


def _entries(text: str) -> list[tuple[str, object]]:
    if text.strip().startswith("{"):
        try:
            loaded: Any = json.loads(text)
        except json.JSONDecodeError as error:
            raise RangeError(f"settings begin with {{ but are no JSON object ({error}).") from error
        return list(cast("dict[str, object]", loaded).items())
    entries: list[tuple[str, object]] = []
    for part in filter(str.strip, re.split(r"[;\n]", text)):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise RangeError(f"setting {part.strip()!r} has no value; write name = value, one per line.")
        entries.append((name.strip(), _Raw(value.strip())))
    return entries

"""Registries of blend modes, mask generators and filters: what is built in, then what plugins add.

A plugin is a plain function under a name of its own (docs/plugins.md). Plugins are looked for once, when a registry is
first asked; one that fails is left out with its cause, and all else works.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from .plugin_sources import LeaveOut, Source, find_sources
from .tensors import HemlineError, unknown_name

Record = TypeVar("Record")

_LOG = logging.getLogger(__name__)
LONGEST_NAME = 60
# What faulty code raises. Not among them: a host's interruption and memory that ran out, which the host must see.
FAULTS = (
    ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError, OSError, RuntimeError,
    TypeError, ValueError,
)  # fmt: skip


class PluginError(HemlineError):
    """A plugin cannot be used, or gave what it must not give; the message names it."""


@dataclass(frozen=True)
class Failure:
    """A plugin that was left out. kind: of what it offers, such as "filter"; empty where all of it is left out."""

    origin: str
    cause: str
    kind: str = ""

    def line(self) -> str:
        """The failure for a person."""
        part = f" ({self.kind}s)" if self.kind else ""
        return f"plugin {self.origin}{part} is left out: {self.cause}"


@dataclass(frozen=True)
class Plugin:
    """A plugin's function of one kind, under its name. origin: the package with its version, or the file."""

    kind: str
    name: str
    origin: str
    function: Callable[..., object]

    def call(self, shape: tuple[int, ...], inputs: tuple[Any, ...], settings: Mapping[str, Any]) -> Tensor:
        """The function's result, if it is a finite float tensor of `shape`; float32, on the first tensor's device.

        The function gets copies of the tensors, so that one that writes into them harms nobody. Raises `PluginError`
        for what a faulty function raises and for any other result; infinite inputs may give infinite results.
        """
        copies = [value.clone() if isinstance(value, Tensor) else value for value in inputs]
        try:
            result = self.function(*copies, **settings)
        except torch.cuda.OutOfMemoryError:
            raise
        except FAULTS as error:
            raise PluginError(f"{self} failed: {type(error).__name__}: {error}. Ask who wrote it.") from error
        if not isinstance(result, Tensor) or not result.is_floating_point():
            got = str(result.dtype) if isinstance(result, Tensor) else type(result).__name__
            raise PluginError(f"{self} gave {got}; it must give a tensor of floats.")
        if tuple(result.shape) != shape:
            raise PluginError(f"{self} gave shape {list(result.shape)}; it must give {list(shape)}.")
        tensors = [value for value in inputs if isinstance(value, Tensor)]
        if not _finite(result) and all(map(_finite, tensors)):
            raise PluginError(f"{self} gave NaN or infinity from finite values.")
        return result.float().to(tensors[0].device) if tensors else result.float()

    def __str__(self) -> str:
        return f"The {self.kind} {self.name!r} of plugin {self.origin}"


class Plugins:
    """The plugins of this process and what became of them; registries share one, so that each file runs once."""

    def __init__(self, find: Callable[[LeaveOut], tuple[Source, ...]]) -> None:
        self.lock = threading.RLock()
        self.busy = False
        self._find = find
        self._sources: tuple[Source, ...] | None = None
        self._failures: list[Failure] = []

    def sources(self) -> tuple[Source, ...]:
        """Every plugin that could be read, packages before files."""
        if self._sources is None:
            self._sources = self._find(self.leave_out)
        return self._sources

    def leave_out(self, origin: str, error: BaseException, kind: str = "") -> None:
        """Remembers that a plugin is not used, and logs it once with its cause."""
        text = str(error).strip() or "no message"
        cause = text if isinstance(error, HemlineError) else f"{type(error).__name__}: {text}"
        failure = Failure(origin, cause, kind)
        _LOG.warning("%s", failure.line(), exc_info=error if _LOG.isEnabledFor(logging.DEBUG) else None)
        self._failures.append(failure)

    def failures(self, kind: str) -> tuple[Failure, ...]:
        """What was left out and may have offered something of this kind."""
        return tuple(failure for failure in self._failures if failure.kind in ("", kind))


PLUGINS = Plugins(lambda leave_out: find_sources(os.environ, leave_out))


class Registry(Generic[Record]):
    """Records of one kind by name: the built-in ones first, then those of plugins. Threads may share it.

    kind: what a record is, for messages, such as "filter". group: of entry points. make: turns a plugin's function into
    a record and raises where it has the wrong signature. reserved: further names that no plugin may take.

    A plugin adds all it offers of this kind or nothing. A name that is taken, whatever its case and its hyphens, is
    refused: no plugin replaces what is built in or what another one brought.
    """

    def __init__(
        self, kind: str, group: str, built_in: Mapping[str, Record], make: Callable[[Plugin], Record], *,
        reserved: Iterable[str] = (), plugins: Plugins = PLUGINS,
    ) -> None:  # fmt: skip
        self.kind = kind
        self.built_in = built_in
        self._group = group
        self._make = make
        self._reserved = tuple(reserved)
        self._plugins = plugins
        self._added: dict[str, tuple[Record, str]] | None = None

    def names(self) -> tuple[str, ...]:
        """Every name that can be asked for now."""
        return (*self.built_in, *self._all_added())

    def get(self, name: str) -> Record:
        """The record of that name; raises `UnknownName` with the nearest one, and with what was left out."""
        if name in self.built_in:
            return self.built_in[name]
        added = self._all_added()
        if name not in added:
            error = unknown_name(self.kind.capitalize(), name, self.names())
            raise type(error)(" ".join((str(error), *(failure.line() + "." for failure in self.failures()))))
        return added[name][0]

    def origins(self) -> dict[str, str]:
        """Name -> package or file of what plugins have added."""
        return {name: origin for name, (_, origin) in self._all_added().items()}

    def failures(self) -> tuple[Failure, ...]:
        """The plugins that were left out, each with its cause."""
        self._all_added()
        return self._plugins.failures(self.kind)

    def _all_added(self) -> dict[str, tuple[Record, str]]:
        with self._plugins.lock:
            if self._added is not None:
                return self._added
            if self._plugins.busy:
                return {}  # a plugin asks while it is being read: it sees what is built in
            self._plugins.busy = True
            try:
                self._added = self._read_all()
            finally:
                self._plugins.busy = False
            return self._added

    def _read_all(self) -> dict[str, tuple[Record, str]]:
        added: dict[str, tuple[Record, str]] = {}
        for source in self._plugins.sources():
            try:
                records = self._read(source, added)
            # A plugin's code may raise anything, and exit() too; neither may stop the host or another plugin.
            except (Exception, SystemExit) as error:  # noqa: BLE001
                self._plugins.leave_out(source.origin, error, self.kind)
            else:
                added.update(records)
        return added

    def _read(self, source: Source, added: Mapping[str, object]) -> dict[str, tuple[Record, str]]:
        taken = {_folded(name) for name in (*self.built_in, *self._reserved, *added)}
        records: dict[str, tuple[Record, str]] = {}
        for name, function in source.offers(self._group).items():
            if not _is_name(name):
                raise PluginError(f"{name!r} is no name; give 1 to {LONGEST_NAME} printable signs")
            if _folded(name) in taken:
                raise PluginError(f"the {self.kind} {name!r} exists already; choose another name")
            if not callable(function):
                raise PluginError(f"the {self.kind} {name!r} is {type(function).__name__}, no function")
            try:
                records[name] = (self._make(Plugin(self.kind, name, source.origin, function)), source.origin)
            except HemlineError as error:
                raise PluginError(f"the {self.kind} {name!r} cannot be used: {error}") from error
            taken.add(_folded(name))
        return records


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).casefold()


def _finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())

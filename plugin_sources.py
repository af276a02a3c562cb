"""Where plugins come from: installed packages with our entry points, and files in a folder that the user owns.

Nothing here can be chosen by a workflow. A package was installed by somebody who may install; a file must lie in the
one folder that the user's own configuration names and must belong to the user, as SSH asks of its keys.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from .tensors import HemlineError

FOLDERS = "HEMLINE_PLUGINS"
"""Environment variable: plugin folders in place of the usual one, separated like PATH; "off" loads no plugin at all."""

OFF = "off"
GROUPS = ("hemline.blend_modes", "hemline.mask_generators", "hemline.filters")


class UnsafePlugin(HemlineError):
    """A plugin lies where somebody else could have put it."""


@dataclass(frozen=True)
class Source:
    """One plugin: who it is, and what it offers of an entry point group, as name -> object; `offers` may raise."""

    origin: str
    offers: Callable[[str], Mapping[str, object]]


LeaveOut = Callable[[str, BaseException], None]


def find_sources(environ: Mapping[str, str], leave_out: LeaveOut) -> tuple[Source, ...]:
    """Installed packages by name, then plugin files by name. Files run here; one that fails goes to `leave_out`."""
    if environ.get(FOLDERS, "").strip().lower() == OFF:
        return ()
    sources: list[Source] = []
    try:
        sources += _packages()
    except Exception as error:  # noqa: BLE001 - one package with damaged metadata must not hide the plugin files
        leave_out("installed packages", error)
    for folder in plugin_folders(environ):
        try:
            files = _files(folder)
        except (OSError, UnsafePlugin) as error:
            leave_out(str(folder), error)
            continue
        for file in files:
            try:
                _check_owner(file)
                sources.append(_file_source(file))
            # A plugin's code may raise anything, and exit() too; neither may stop the host or another plugin.
            except (Exception, SystemExit) as error:  # noqa: BLE001
                leave_out(str(file), error)
    return tuple(sources)


def plugin_folders(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The folders whose ``*.py`` files are plugins, whether they are there or not."""
    given = environ.get(FOLDERS, "").strip()
    if given:
        return () if given.lower() == OFF else tuple(Path(part) for part in given.split(os.pathsep) if part)
    if os.name == "nt":
        roaming = environ.get("APPDATA")
        return (Path(roaming) / "hemline" / "plugins",) if roaming else ()
    configuration = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", ""), ".config")
    return (Path(configuration) / "hemline" / "plugins",) if os.path.isabs(configuration) else ()


def _packages() -> list[Source]:
    from importlib import metadata  # 40 ms that only the first use of a registry should pay

    by_package: dict[str, list[metadata.EntryPoint]] = {}
    for group in GROUPS:
        for point in metadata.entry_points(group=group):
            by_package.setdefault(_package_name(point), []).append(point)
    return [Source(name, _loader(points)) for name, points in sorted(by_package.items())]


def _package_name(point: Any) -> str:
    distribution = point.dist
    return f"{distribution.name} {distribution.version}" if distribution else str(point.value)


def _loader(points: list[Any]) -> Callable[[str], Mapping[str, object]]:
    def offers(group: str) -> Mapping[str, object]:
        return {point.name: point.load() for point in points if point.group == group}

    return offers


def _files(folder: Path) -> list[Path]:
    if not folder.is_absolute():
        raise UnsafePlugin(f"{FOLDERS} names a folder relative to wherever Hemline runs; give its whole path")
    if not folder.is_dir():
        return []
    _check_owner(folder)
    return sorted(file for file in folder.glob("*.py") if not file.name.startswith(("_", ".")))


def _check_owner(path: Path) -> None:
    """Raises `UnsafePlugin` where somebody other than the user and the administrator could have written it."""
    if os.name == "nt":
        return  # the folder lies in the user's profile, which Windows keeps others out of
    status = path.stat()  # of what a link points to
    if status.st_uid not in (os.geteuid(), 0):
        raise UnsafePlugin(f"it belongs to another user; if you trust it: chown $(id -u) {path}")
    if status.st_mode & stat.S_IWOTH:
        raise UnsafePlugin(f"everybody may write it; if you trust it: chmod o-w {path}")


def _file_source(file: Path) -> Source:
    module = _run(file)

    def offers(group: str) -> Mapping[str, object]:
        table = group.rpartition(".")[2].upper()
        offered: object = getattr(module, table, {})
        if not isinstance(offered, dict):
            raise TypeError(f"{table} is {type(offered).__name__}; write {table} = {{'name': function}}")
        return cast("dict[str, object]", offered)

    return Source(str(file), offers)


def _run(file: Path) -> ModuleType:
    name = f"hemline_plugin_{file.stem}"
    spec = util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = util.module_from_spec(spec)
    previous = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses and pickle look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if previous is None:
            del sys.modules[name]
        else:
            sys.modules[name] = previous
        raise
    return module

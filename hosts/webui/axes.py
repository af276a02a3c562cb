"""Axes of the host's X/Y/Z plot: what, target, detector, grow, feather."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from ...nodes.spec import Port
from .host import model_names
from .mask_settings import MaskSettings
from .panel_ports import PORTS
from .settings import with_setting

AXES = "hemline_axes"
"""The attribute of the host's processing object that holds what a cell of the grid varies."""

VARIED = ("what", "target_cut", "detector", "grow", "feather")
_KINDS: dict[str, type] = {"COMBO": str, "FLOAT": float, "INT": int, "STRING": str, "BOOLEAN": str}


def add_axes() -> None:
    """Adds our axes to the X/Y/Z plot, once; does nothing where the host has none."""
    scripts: Any = import_module("modules.scripts")
    for data in scripts.scripts_data:
        options = getattr(data.module, "axis_options", None)
        if not str(data.path).endswith("xyz_grid.py") or options is None:
            continue
        there = {option.label for option in options}
        new = [_axis(data.module.AxisOption, PORTS[name]) for name in VARIED]
        options.extend(option for option in new if option.label not in there)


def set_axis(name: str) -> Callable[[Any, Any, Any], None]:
    """What the plot calls for each cell. The host copies its object flatly, so nothing in it is changed in place."""

    def apply(p: Any, value: Any, values: Any) -> None:
        setattr(p, AXES, {**getattr(p, AXES, {}), name: value})

    return apply


def _axis(make: Any, port: Port) -> Any:
    choices = {"choices": lambda: list(menu(port))} if port.type == "COMBO" else {}
    return make(
        f"[Hemline] {port.name.replace('_', ' ')}", _KINDS[port.type], set_axis(port.name), confirm=_check(port.name),
        **choices,
    )  # fmt: skip


def menu(port: Port) -> tuple[str, ...]:
    """The choices of a setting as they are now, with the model files that there are."""
    files = model_names(port.folders) if port.folders else ()
    return tuple(dict.fromkeys((*port.choices(), *files)))


def _check(name: str) -> Callable[[Any, Sequence[Any]], None]:
    """Refuses a wrong value before the first picture is made."""

    def confirm(p: Any, values: Sequence[Any]) -> None:
        for value in values:
            with_setting(MaskSettings(), name, value)

    return confirm

"""The panel's settings from a list, a dict or an infotext, with clear errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from ...errors import RangeError, check_name, check_range
from ...segmentation.garment_model import parse_meanings
from ...segmentation.protection import parse_protection
from ...segmentation.vocabulary import parse_what
from ...settings import Setting, Value, choose_settings
from .mask_settings import NAMES, TARGETS, MaskSettings
from .panel_ports import PORTS

_SETTINGS = tuple(Setting(name, value) for name, value in asdict(MaskSettings()).items())


def parse_settings(values: Mapping[str, Any] | Sequence[Any] | MaskSettings) -> MaskSettings:
    """The settings that a list or a dict gives; what it leaves out, or gives as None, is as usual.

    A list gives values in the order of `MaskSettings`; a dict in its first place stands for the whole list, as hosts
    hand on the arguments of scripts as lists. Raises `UnknownName` for a name or a choice, `RangeError` for a number, a
    value of another type or too many values.
    """
    if isinstance(values, MaskSettings):
        return _checked(values)
    if not isinstance(values, Mapping):
        if values and isinstance(values[0], Mapping):
            return parse_settings(cast("Mapping[str, Any]", values[0]))
        if len(values) > len(NAMES):
            raise RangeError(f"there are {len(values)} values; Hemline has {len(NAMES)} settings, or takes one dict.")
        values = dict(zip(NAMES, values, strict=False))
    return _read("", {name: value for name, value in values.items() if value is not None})


def from_infotext(text: str) -> MaskSettings:
    """The settings that `MaskSettings.infotext` has told, switched on. Raises as `parse_settings` does."""
    return _read(text, {"enabled": True})


def with_setting(settings: MaskSettings, name: str, value: Value) -> MaskSettings:
    """The settings with one of them changed, as an axis of a grid does. Raises as `parse_settings` does."""
    return parse_settings({**asdict(settings), name: value})


def _read(text: str, given: Mapping[str, Any]) -> MaskSettings:
    for name in given:
        check_name("Setting of Hemline", name, NAMES)
    chosen: dict[str, Any] = choose_settings(_SETTINGS, text, owner="Hemline")
    chosen |= {setting.name: setting.check(given[setting.name]) for setting in _SETTINGS if setting.name in given}
    return _checked(MaskSettings(**chosen))


def _checked(settings: MaskSettings) -> MaskSettings:
    """The settings, if a picture could be masked with them."""
    for name, port in PORTS.items():
        value = getattr(settings, name)
        if port.type == "COMBO" and not port.folders:
            check_name(name, value, port.choices())
        if port.minimum is not None and port.maximum is not None:
            check_range(name, value, port.minimum, port.maximum)
    for label in parse_what(settings.asked):
        check_name("To be repainted: garment", label, TARGETS)
    if settings.protected:
        parse_protection(settings.protected)
    parse_meanings(settings.class_map)
    return settings

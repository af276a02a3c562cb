"""What a WebUI user can set: one record, read from a list, a dict or an infotext, with clear errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from ...errors import RangeError, check_name, check_range
from ...nodes.models import NONE, SHIPPED
from ...segmentation.agnostic.cuts import CUTS, LOOSENESS, SHADOW, SMOOTH
from ...segmentation.garment_model import parse_meanings
from ...segmentation.protection import PROTECTIONS, parse_protection
from ...segmentation.select import ALL
from ...segmentation.vocabulary import CARRIED_LABELS, GARMENT_LABELS, PRESETS, parse_what
from ...settings import Setting, Value, choose_settings, describe_settings

STOP, SKIP, WHOLE = "stop", "skip", "whole picture"
REPLACE, ADD, SUBTRACT, INTERSECT = "replace", "add", "subtract", "intersect"
AS_FOUND, AS_SET, ONLY_MASKED = "as found", "as set in the host", "only masked"
UNPROTECTED, HEURISTIC = "nothing", "heuristic"
# In the host's own order, which it counts from 0.
FILLS = ("fill", "original", "latent noise", "latent nothing")
# Something is put on in the place of what is worn or carried; a body is never what is repainted.
TARGETS = (*GARMENT_LABELS, *CARRIED_LABELS)
WHAT = (*(name for name in PRESETS if name != "person"), *(label for label in TARGETS if label not in PRESETS))


@dataclass(frozen=True)
class MaskSettings:
    """Every setting of the panel, in the order in which a list gives them; new ones are only appended.

    What each means, its range and its choices stand in `panel_ports.PORTS`.
    """

    enabled: bool = False
    what: str = "outfit"
    labels: str = ""
    target_cut: str = AS_FOUND
    detector: str = SHIPPED
    sam: str = NONE
    person: str = ALL
    number: int = 1
    edges: str = AS_FOUND
    silhouette: str = SMOOTH
    looseness: float = LOOSENESS
    shadow: float = 100 * SHADOW
    protect: str = next(iter(PROTECTIONS))
    parts: str = ""
    margin: float = 2.0
    drawn: str = REPLACE
    grow: float = 8.0
    feather: float = 16.0
    unit: str = "px"
    area: str = ONLY_MASKED
    padding: int = 32
    fill: str = "original"
    nothing_found: str = STOP
    composite: bool = True
    match_colours: str = "mean and std"
    seam: str = "linear"
    classes: str = "*"
    confidence: float = 0.25
    class_map: str = ""
    denoising: float = 0.75
    prompt: str = ""

    @property
    def asked(self) -> str:
        """What the mask shall cover, as the user has said it."""
        return self.labels.strip() or self.what

    @property
    def protected(self) -> str:
        """What is kept, as `parse_protection` reads it; empty for nothing."""
        return self.parts.strip() or ("" if self.protect == UNPROTECTED else self.protect)

    def infotext(self) -> str:
        """`what` and all that is not as usual, in one line that `from_infotext` reads."""
        usual = asdict(MaskSettings())
        told: dict[str, Value] = {"what": self.what}
        told |= {name: value for name, value in asdict(self).items() if value != usual[name] and name != "enabled"}
        plain = not any(isinstance(value, str) and {";", "=", "\n"} & set(value) for value in told.values())
        return describe_settings(told) if plain else json.dumps(told, ensure_ascii=False)


NAMES: tuple[str, ...] = tuple(asdict(MaskSettings()))
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
    from .panel_ports import PORTS  # which reads this file's words

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


def cuts() -> tuple[str, ...]:
    """What a mask can be made for: the garment as it was found, or a new one of a cut."""
    return (AS_FOUND, *CUTS)

"""The blend modes: the standard's first, then Photoshop's, those of GIMP, Krita and others, and of plugins."""

from __future__ import annotations

import inspect

from torch import Tensor

from ..plugins import Plugin, Registry
from ..tensors import HemlineError, check_name
from .mode import BlendMode, name_key, records_by_key
from .modes_color import COLOR_MODES
from .modes_editors import OPERATOR_MODES, OTHER_EDITORS_MODES, PHOTOSHOP_MODES
from .modes_w3c import W3C_MODES

__all__ = ["BLEND_MODES", "MODE_REGISTRY", "BlendMode", "blend_mode"]

BLEND_MODES: dict[str, BlendMode] = {
    mode.name: mode for mode in (*W3C_MODES, *PHOTOSHOP_MODES, *COLOR_MODES, *OTHER_EDITORS_MODES, *OPERATOR_MODES)
}
_BY_KEY = records_by_key(BLEND_MODES.values())


def blend_mode(name: str) -> BlendMode:
    """The mode of that name or alias, built in or of a plugin, whatever its case, spaces, hyphens and underscores.

    Raises `UnknownName` with the nearest known one.
    """
    key = name_key(name)
    if key in _BY_KEY:
        return _BY_KEY[key]
    return MODE_REGISTRY.get(next((known for known in MODE_REGISTRY.names() if name_key(known) == key), name))


def _from_plugin(plugin: Plugin) -> BlendMode:
    """A plugin's ``function(backdrop, source)``; its attribute ``domain`` is the mode's, "unit" without."""
    try:
        inspect.signature(plugin.function).bind(None, None)
    except TypeError as error:
        raise HemlineError(f"it must take (backdrop, source): {error}") from error

    def blend(Cb: Tensor, Cs: Tensor) -> Tensor:
        return plugin.call(tuple(Cb.shape), (Cb, Cs), {})

    domain = check_name("Domain", getattr(plugin.function, "domain", "unit"), ("any", "unit"))
    # It may look across channels; nobody has said that it does not.
    return BlendMode(plugin.name, blend, plugin.origin, "any" if domain == "any" else "unit", separable=False)


MODE_REGISTRY = Registry(
    "blend mode", "hemline.blend_modes", BLEND_MODES, _from_plugin,
    reserved=(alias for mode in BLEND_MODES.values() for alias in mode.aliases),
)  # fmt: skip

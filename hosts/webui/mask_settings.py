"""What a WebUI user can set: one record, and the words that its choices are made of."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from ...nodes.models import NONE, SHIPPED
from ...segmentation.agnostic.cuts import CUTS, LOOSENESS, SHADOW, SMOOTH
from ...segmentation.protection import PROTECTIONS
from ...segmentation.select import ALL
from ...segmentation.vocabulary import CARRIED_LABELS, GARMENT_LABELS, PRESETS
from ...settings import Value, describe_settings

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
"""The settings, in that order."""


def cuts() -> tuple[str, ...]:
    """What a mask can be made for: the garment as it was found, or a new one of a cut."""
    return (AS_FOUND, *CUTS)

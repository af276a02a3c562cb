"""What a user writes about parts to be protected: presets, and lines of parts with a margin and a soft edge each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..tensors import RangeError, check_range, unknown_name
from .shape import GROW_LIMIT_PX

BAG, FEET, HEAD, OTHERS = "bag", "feet", "head", "other garments"
PROTECTABLE = (HEAD, "hair", "face", "neck", "hands", "arms", "legs", FEET, BAG, OTHERS)
"""What `protect.protected_area` knows to keep. The head is hair, headwear, face and what is worn on it."""

PROTECTIONS: dict[str, tuple[str, ...]] = {
    "head, hair and hands": ("head", "hair", "hands"),
    "face and hands": ("face", "hands"),
    "head, hair, neck and hands": ("head", "hair", "neck", "hands"),
    "head, hair, hands and feet": ("head", "hair", "hands", "feet"),
    "everything but the garment": PROTECTABLE,
}
"""Sets of parts that belong together, by the name under which a menu offers them."""

# "hands", "hands 6", "hands -2 soft 4", "other garments soft 3"
_LINE = re.compile(r"(?P<part>.*?)(?:\s+(?P<margin>[-+]?[\d.]+))?(?:\s+soft\s+(?P<soft>[-+]?[\d.]+))?", re.IGNORECASE)


@dataclass(frozen=True)
class Protection:
    """Parts to protect, and for each its margin and the width of its soft edge, in a unit that the caller knows."""

    margins: Mapping[str, float]
    soft_edges: Mapping[str, float]

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts, in the order in which they were named first."""
        return tuple(self.margins)


def parse_protection(text: str, *, margin: float = 0.0, soft_edge: float = 0.0) -> Protection:
    """What a text names: parts or presets, one a line or separated by ";" or ",", such as "hands 6 soft 4; hair -1".

    The number behind a part is its margin, the one behind "soft" the width of its edge; `margin` and `soft_edge` where
    there is none. Of what is named twice the last counts. Raises `UnknownName` for what is no part, `RangeError` for a
    number that is none or out of range and for a text without any part.
    """
    margins: dict[str, float] = {}
    soft_edges: dict[str, float] = {}
    for line in filter(str.strip, re.split(r"[;\n]", text)):
        for entry in _entries(line):
            found = _LINE.fullmatch(entry)
            name, wide, soft = found.group("part", "margin", "soft") if found else (entry, None, None)
            own = _number(entry, wide, margin, -GROW_LIMIT_PX), _number(entry, soft, soft_edge, 0)
            for part in _parts(name):
                margins[part], soft_edges[part] = own
    if not margins:
        raise RangeError("no part is named; give some such as 'head; hair; hands 2 soft 4'.")
    return Protection(margins, soft_edges)


def _entries(line: str) -> list[str]:
    """The line, if it is a preset, whose names hold commas; otherwise what stands between its commas."""
    whole = re.sub(r"\s+", " ", line.strip())
    return [whole] if _preset(whole) else [entry.strip() for entry in whole.split(",") if entry.strip()]


def _preset(entry: str) -> str:
    found = _LINE.fullmatch(entry)
    name = found.group("part") if found else entry
    return name.lower() if name.lower() in PROTECTIONS else ""


def _parts(name: str) -> tuple[str, ...]:
    plain = name.strip().lower()
    if plain in PROTECTABLE:
        return (plain,)
    if plain not in PROTECTIONS:
        raise unknown_name("Part", name, (*PROTECTABLE, *PROTECTIONS))
    return PROTECTIONS[plain]


def _number(entry: str, text: str | None, default: float, low: float) -> float:
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        raise RangeError(f"{text!r} in {entry!r} is no number; write parts like 'hands 6 soft 4'.") from None
    return check_range(f"the number {text} in {entry!r}", value, low, GROW_LIMIT_PX)

"""Edits of a mask as strokes: a compact, versioned text that is stored in a workflow and replays at any size.

The text is JSON::

    {"version": 1, "image": "0f3a…", "mask": "77b1…", "strokes": [{"t": "brush", "r": 250, "h": 80, "p": "gBAA…"}]}

- version: the lowest that knows all its tools, so that an older Hemline refuses only what it cannot draw. 2: "smart".
- t: "brush", "smart" (a brush that keeps to the picture's colours under its middle), "lasso" and "polygon" (both areas
  with corners), "fill" (the region of the mask around a point), "clear" (all 0) and "invert". e: 1 where the stroke
  takes away.
- p: points. Shares of width and height in 16384ths, each as the difference from the one before, x and y in turn, in the
  base64 digits of source maps (variable length: the lowest bit is the sign, the highest of each digit says "more").
- r: radius in 10000ths of the picture's short side. h: hardness, o: opacity, percent, 100 if absent.
- w: pressure at each point in percent, as differences too; the radius is multiplied by it. Absent: 100.
- image, mask: what the strokes were drawn over, as `digest_of` gives it; "" where that is not known.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, cast

from torch import Tensor

from ...errors import RangeError

VERSION = 2
UNIT = 16384
RADIUS_UNIT = 10000
TOOLS = ("brush", "lasso", "polygon", "fill", "clear", "invert", "smart")
# The version that a tool came with, where it was not the first.
SINCE = {"smart": 2}
Tool = Literal["brush", "lasso", "polygon", "fill", "clear", "invert", "smart"]
BRUSHES = ("brush", "smart")
# What a text may hold. A hand draws a few hundred strokes; more than this is no edit but an attack on memory.
MOST_LETTERS = 2_000_000
MOST_STROKES = 5_000
MOST_POINTS = 200_000
# Points may lie beyond the frame, but no more than one frame away.
LOWEST, HIGHEST = -UNIT, 2 * UNIT
FEWEST_POINTS = {"brush": 1, "lasso": 3, "polygon": 3, "fill": 1, "clear": 0, "invert": 0, "smart": 1}

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_VALUE = {digit: value for value, digit in enumerate(_DIGITS)}
_MOST_SHIFT = 25  # five bits a digit: numbers of 30 bits, far above any difference
_DIGEST = re.compile(r"[0-9a-f]{0,64}")
_DIGEST_LETTERS = 16


@dataclass(frozen=True)
class Stroke:
    """One stroke, in the units of the text.

    tool: see `TOOLS`. erase: it takes away. points: (x, y), `UNIT` is the whole width or height. radius: of a brush,
    `RADIUS_UNIT` is the picture's short side. hardness, opacity: percent. pressure: percent, one per point or none.
    """

    tool: Tool
    points: tuple[tuple[int, int], ...] = ()
    erase: bool = False
    radius: int = 200
    hardness: int = 100
    opacity: int = 100
    pressure: tuple[int, ...] = ()


@dataclass(frozen=True)
class Edit:
    """Strokes in their order, and the digests of the picture and the mask that they were drawn over ("": unknown)."""

    strokes: tuple[Stroke, ...] = ()
    image: str = ""
    mask: str = ""


def parse_strokes(text: str) -> Edit:
    """The edit in a text; an empty text is an edit without strokes.

    Raises `RangeError` for what is no such text, a later version, values out of range, and more than `MOST_LETTERS`
    letters, `MOST_STROKES` strokes or `MOST_POINTS` points.
    """
    if not text.strip():
        return Edit()
    if len(text) > MOST_LETTERS:
        raise RangeError(f"strokes are {len(text)} letters long; at most {MOST_LETTERS} are read. Edit in two nodes.")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RangeError(f"strokes are no JSON ({error}); clear the widget and draw again.") from error
    if not isinstance(document, dict):
        raise RangeError("strokes are no JSON object with version and strokes; clear the widget and draw again.")
    fields = cast("dict[str, Any]", document)
    version: object = fields.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version <= VERSION:
        raise RangeError(
            f"strokes are of version {str(version)[:20]}, this Hemline reads up to {VERSION}; update Hemline."
        )
    entries = fields.get("strokes", [])
    if not isinstance(entries, list):
        raise RangeError("strokes.strokes is no list; clear the widget and draw again.")
    listed = cast("list[object]", entries)
    if len(listed) > MOST_STROKES:
        raise RangeError(f"there are {len(listed)} strokes; at most {MOST_STROKES} are read. Edit in two nodes.")
    strokes = tuple(_stroke(entry, number, version) for number, entry in enumerate(listed, 1))
    points = sum(len(stroke.points) for stroke in strokes)
    if points > MOST_POINTS:
        raise RangeError(f"the strokes have {points} points; at most {MOST_POINTS} are read. Edit in two nodes.")
    return Edit(strokes, _digest(fields, "image"), _digest(fields, "mask"))


def format_strokes(edit: Edit) -> str:
    """The text of an edit, "" for one without strokes; `parse_strokes` gives the same edit back."""
    if not edit.strokes:
        return ""
    document = {
        "version": max(SINCE.get(stroke.tool, 1) for stroke in edit.strokes),
        "image": edit.image,
        "mask": edit.mask,
        "strokes": [_entry(stroke) for stroke in edit.strokes],
    }
    return json.dumps(document, separators=(",", ":"))


def digest_of(values: Tensor) -> str:
    """16 hexadecimal digits that tell pictures or masks apart: of their size and their levels of 8 bits."""
    levels = values.detach().float().nan_to_num().clamp(0, 1).mul(255).round().byte().cpu().contiguous()
    digest = hashlib.sha256(str(tuple(levels.shape)).encode())
    digest.update(levels.numpy().data)  # hashing is done on the host
    return digest.hexdigest()[:_DIGEST_LETTERS]


def _stroke(entry: object, number: int, version: int) -> Stroke:
    if not isinstance(entry, dict):
        raise RangeError(f"stroke {number} is no JSON object; clear the widget and draw again.")
    fields = cast("dict[str, Any]", entry)
    tool = fields.get("t")
    known = [name for name in TOOLS if SINCE.get(name, 1) <= version]
    if tool not in known:
        raise RangeError(f"stroke {number} is of the tool {str(tool)[:20]!r}; known: {', '.join(known)}.")
    numbers = _unpack(fields.get("p", ""), number)
    if len(numbers) % 2:
        raise RangeError(f"stroke {number} has a point without y; clear the widget and draw again.")
    points = tuple(zip(_sums(numbers[::2]), _sums(numbers[1::2]), strict=True))
    pressure = tuple(_sums(_unpack(fields.get("w", ""), number)))
    if len(points) < FEWEST_POINTS[tool]:
        raise RangeError(f"stroke {number} has {len(points)} points; a {tool} has {FEWEST_POINTS[tool]} or more.")
    if not all(LOWEST <= value <= HIGHEST for point in points for value in point):
        raise RangeError(f"stroke {number} leads more than a frame beyond the frame; clear the widget and draw again.")
    if pressure and (len(pressure) != len(points) or not all(0 <= value <= 100 for value in pressure)):
        raise RangeError(f"stroke {number} has no pressure from 0 to 100 for each of its points.")
    return Stroke(
        tool, points, bool(_integer(fields, "e", number, 0, 0, 1)), _integer(fields, "r", number, 200, 1, RADIUS_UNIT),
        _integer(fields, "h", number, 100, 0, 100), _integer(fields, "o", number, 100, 0, 100), pressure,
    )  # fmt: skip


def _entry(stroke: Stroke) -> dict[str, object]:
    entry: dict[str, object] = {"t": stroke.tool}
    if stroke.erase:
        entry["e"] = 1
    if stroke.tool in BRUSHES:
        entry["r"] = stroke.radius
    entry |= {key: value for key, value in (("h", stroke.hardness), ("o", stroke.opacity)) if value != 100}
    if stroke.points:
        across, down = (_differences([point[axis] for point in stroke.points]) for axis in (0, 1))
        entry["p"] = _pack([value for pair in zip(across, down, strict=True) for value in pair])
    if stroke.pressure:
        entry["w"] = _pack(_differences(stroke.pressure))
    return entry


def _integer(fields: dict[str, Any], key: str, number: int, default: int, low: int, high: int) -> int:
    value = fields.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RangeError(f"stroke {number}: {key} is {str(value)[:20]}; it is a whole number from {low} to {high}.")
    return value


def _digest(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key, "")
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise RangeError(f"strokes.{key} is no digest; clear the widget and draw again.")
    return value


def _pack(numbers: Sequence[int]) -> str:
    digits: list[str] = []
    for number in numbers:
        rest = (abs(number) << 1) | (number < 0)
        while rest > 31:
            digits.append(_DIGITS[(rest & 31) | 32])
            rest >>= 5
        digits.append(_DIGITS[rest])
    return "".join(digits)


def _unpack(text: object, number: int) -> list[int]:
    if not isinstance(text, str):
        raise RangeError(f"stroke {number} has points that are no text; clear the widget and draw again.")
    numbers: list[int] = []
    value = shift = 0
    for letter in text:
        digit = _VALUE.get(letter)
        if digit is None or shift > _MOST_SHIFT:
            raise RangeError(f"stroke {number} has damaged points; clear the widget and draw again.")
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            numbers.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    if shift:
        raise RangeError(f"stroke {number} breaks off within a point; clear the widget and draw again.")
    return numbers


def _sums(differences: Sequence[int]) -> list[int]:
    total = 0
    return [total := total + difference for difference in differences]


def _differences(values: Sequence[int]) -> list[int]:
    return [*values[:1], *(after - before for before, after in pairwise(values))]

"""Garments out of an SVG whose paths are made of straight lines, as `annotations.svg_outlines` writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

import numpy as np

from ...tensors import BadFile
from ..polygons import FARTHEST_PX, FillRule, Outline, Points

SVG = "http://www.w3.org/2000/svg"
DEEPEST = 64
# What may stand in the file; of these only paths are drawn.
SILENT = ("svg", "g", "title", "desc", "metadata", "style", "defs")
# Attributes that would change where a path lies or what it covers.
REFUSED = ("transform", "clip-path", "mask")
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
TOKEN = re.compile(rf"\s*,?\s*(?:([A-Za-z])|({NUMBER}))")
NUMBERS_OF = {"M": 2, "L": 2, "H": 1, "V": 1, "Z": 0}


@dataclass(frozen=True)
class SvgPath:
    """One path: whose it is, its outlines in pixels, how they are filled, and the line of the file where it stands."""

    word: str
    score: float
    outlines: tuple[Points, ...]
    rule: FillRule
    line: int


@dataclass
class SvgPaths:
    """What an SVG holds. width, height: in pixels, None where it does not say."""

    width: int | None = None
    height: int | None = None
    paths: list[SvgPath] = field(default_factory=list[SvgPath])


def read_svg(text: str) -> SvgPaths:
    """The paths of an SVG, in its order. Takes absolute and relative lines (M L H V Z) and both rules of filling.

    A path's word is its ``data-label``, or its id without a number at the end; its score ``data-score`` or 1. Raises
    `BadFile` with the line for curves, other shapes, transforms, clips, entities, and what is no XML.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise BadFile(f"line {error.lineno}, column {error.offset + 1}: no SVG ({error}).") from error
    return reader.found


def parse_path(data: str) -> list[Points]:
    """The outlines of a path's ``d``, each ``[N,2]``, without those of fewer than three points.

    Raises `BadFile` for anything but lines (SVG 1.1, section 8.3).
    """
    outlines: list[Outline] = []
    x, y, command, at = 0.0, 0.0, "", 0
    place: tuple[float, float] = (x, y)
    data = data.rstrip()
    while at < len(data):
        token = TOKEN.match(data, at)
        if token is None:
            raise BadFile(f"a path holds {data[at : at + 12]!r}; it should hold commands and numbers.")
        if token[1]:
            command, at = token[1], token.end()
        elif command in ("", "Z", "z"):
            raise BadFile(f"a path holds {token[2]!r} where a command should stand, as in 'M 1 2 L 3 4 5 6 Z'.")
        if command.upper() not in NUMBERS_OF:
            raise BadFile(f"a path holds the command {command!r}; only lines are read (M L H V Z), no curves.")
        if not outlines and command not in "Mm":
            raise BadFile(f"a path begins with {command!r}; it should begin with M.")
        numbers, at = _numbers(data, at, NUMBERS_OF[command.upper()])
        base = (x, y) if command.islower() else (0.0, 0.0)
        if command in "Zz":
            x, y = place
            outlines.append([place])
            continue
        x = x if command in "Vv" else base[0] + numbers[0]
        y = y if command in "Hh" else base[1] + numbers[-1]
        if command in "Mm":
            place, command = (x, y), "L" if command == "M" else "l"
            outlines.append([])
        outlines[-1].append((x, y))
    return [np.asarray(outline) for outline in outlines if len(outline) > 2]


def _numbers(data: str, at: int, count: int) -> tuple[list[float], int]:
    numbers: list[float] = []
    for _ in range(count):
        token = TOKEN.match(data, at)
        if token is None or not token[2] or not abs(float(token[2])) <= FARTHEST_PX:
            raise BadFile(
                f"a path holds {data[at : at + 12]!r}; a number within {FARTHEST_PX:g} px should stand there."
            )
        numbers.append(float(token[2]))
        at = token.end()
    return numbers, at


class _Reader:
    """Takes what the XML parser meets; one `FillRule` for each element that is open."""

    def __init__(self) -> None:
        self.found = SvgPaths()
        self.rules: list[FillRule] = []
        self.parser = expat.ParserCreate(encoding="utf-8", namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.EntityDeclHandler = self._entity

    def _fail(self, text: str) -> NoReturn:
        raise BadFile(f"line {self.parser.CurrentLineNumber}: {text}")

    def _entity(self, *_: object) -> NoReturn:
        self._fail("the SVG declares an entity; entities are not read.")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        space, _, tag = name.rpartition(" ")
        if len(self.rules) >= DEEPEST:
            self._fail(f"elements lie more than {DEEPEST} deep.")
        if not self.rules and (tag != "svg" or space not in ("", SVG)):
            self._fail(f"the file begins with <{tag}>; an SVG begins with <svg>.")
        self.rules.append(self._rule(attributes))
        if space not in ("", SVG):  # an editor's own notes
            return
        refused = [word for word in REFUSED if word in attributes]
        if refused:
            self._fail(f"<{tag}> has {refused[0]!r}; give paths that lie where they are drawn.")
        if tag == "svg" and len(self.rules) == 1:
            self.found.width, self.found.height = self._size(attributes)
        elif tag == "path":
            self._path(attributes)
        elif tag not in SILENT:
            self._fail(f"<{tag}> is not read; give paths of straight lines.")

    def _end(self, _name: str) -> None:
        self.rules.pop()

    def _rule(self, attributes: Mapping[str, str]) -> FillRule:
        styled = re.search(r"fill-rule\s*:\s*([a-z]+)", attributes.get("style", ""))
        word = styled[1] if styled else attributes.get("fill-rule", "inherit")
        if word in ("evenodd", "nonzero"):
            return "evenodd" if word == "evenodd" else "nonzero"
        return self.rules[-1] if self.rules else "nonzero"

    def _size(self, attributes: Mapping[str, str]) -> tuple[int | None, int | None]:
        box = attributes.get("viewBox")
        if box is None:
            return self._side(attributes.get("width")), self._side(attributes.get("height"))
        words = re.split(r"[\s,]+", box.strip())
        if len(words) != 4 or [float(word) for word in words[:2] if re.fullmatch(NUMBER, word)] != [0, 0]:
            self._fail(f"viewBox is {box!r}; it should be '0 0 WIDTH HEIGHT'.")
        return self._side(words[2]), self._side(words[3])

    def _side(self, text: str | None) -> int | None:
        if text is None:
            return None
        number = re.fullmatch(rf"\s*({NUMBER})(?:px)?\s*", text)
        if number is None or not 1 <= float(number[1]) <= FARTHEST_PX or float(number[1]) % 1:
            self._fail(f"the picture's side is {text!r}; it should be a whole number of pixels.")
        return int(float(number[1]))

    def _path(self, attributes: Mapping[str, str]) -> None:
        word = attributes.get("data-label") or re.sub(r"[-_ ]?\d+$", "", attributes.get("id", ""))
        score = attributes.get("data-score", "1")
        if re.fullmatch(NUMBER, score) is None or not 0 <= float(score) <= 1:
            self._fail(f"data-score is {score!r}; it should be a number from 0 to 1.")
        try:
            outlines = tuple(parse_path(attributes.get("d", "")))
        except BadFile as error:
            self._fail(str(error))
        line = self.parser.CurrentLineNumber
        self.found.paths.append(SvgPath(word, float(score), outlines, self.rules[-1], line))

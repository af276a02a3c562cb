"""Values out of somebody else's JSON: each knows where it stands, so that an error can say it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, cast

import numpy as np

from ...tensors import BadFile
from ..polygons import FARTHEST_PX, Points

# A file of annotations of ten thousand pictures is far smaller.
MOST_CHARACTERS = 1 << 28
# What a message shows of a value that is wrong.
SHOWN = 40


@dataclass(frozen=True)
class Field:
    """A value of a JSON text and its place in it, such as ``annotations[3].bbox``."""

    value: object
    place: str = ""

    def __contains__(self, name: str) -> bool:
        return isinstance(self.value, dict) and cast("dict[str, object]", self.value).get(name) is not None

    def __getitem__(self, name: str) -> Field:
        """A field of an object; None in JSON is the same as no field."""
        return Field(self._object().get(name), f"{self.place}.{name}" if self.place else name)

    def fail(self, wanted: str) -> NoReturn:
        """Raises `BadFile`: what stands here, and what should."""
        got = "nothing" if self.value is None else json.dumps(self.value, default=str)
        got = got if len(got) <= SHOWN else got[:SHOWN] + "..."
        raise BadFile(f"{self.place or 'the file'} is {got}; it should be {wanted}.")

    def items(self) -> Iterator[Field]:
        """The values of a list."""
        for number, value in enumerate(self._list()):
            yield Field(value, f"{self.place}[{number}]")

    def text(self, default: str | None = None) -> str:
        """A text, or the default where there is nothing."""
        if self.value is None and default is not None:
            return default
        return self.value if isinstance(self.value, str) else self.fail("a text")

    def number(self, default: float | None = None, *, low: float = -FARTHEST_PX, high: float = FARTHEST_PX) -> float:
        """A number in low..high, or the default where there is nothing."""
        if self.value is None and default is not None:
            return default
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.fail(f"a number from {low:g} to {high:g}")
        return float(value)

    def whole(self, default: int | None = None, *, low: int = 0, high: int = 1 << 53) -> int:
        """A whole number in low..high, or the default where there is nothing."""
        number = self.number(default, low=low, high=high)
        return int(number) if number == int(number) else self.fail("a whole number")

    def points(self) -> Points:
        """Points ``[N,2]`` of a list of pairs, or of a flat list x0 y0 x1 y1; at least three."""
        values = self._list()
        if values and all(isinstance(one, list) and len(cast("list[object]", one)) == 2 for one in values):
            values = [number for pair in cast("list[list[object]]", values) for number in pair]
        if not all(type(value) in (int, float) for value in values):
            self.fail("a list of numbers, x and y in turn")
        if len(values) < 6 or len(values) % 2:
            self.fail(f"at least three points of two numbers each, not {len(values)} numbers")
        numbers = cast("list[float]", values)
        if not all(-FARTHEST_PX <= number <= FARTHEST_PX for number in numbers):
            self.fail(f"places in pixels, each within {FARTHEST_PX:g} of the picture")
        return np.asarray(numbers, dtype=np.float64).reshape(-1, 2)

    def counts(self) -> list[int]:
        """Whole numbers that are not negative."""
        values = self._list()
        if not all(type(value) is int and 0 <= value <= 1 << 53 for value in values):
            self.fail("a list of whole numbers from 0 on")
        return cast("list[int]", values)

    def _list(self) -> list[object]:
        return cast("list[object]", self.value) if isinstance(self.value, list) else self.fail("a list")

    def _object(self) -> dict[str, object]:
        return cast("dict[str, object]", self.value) if isinstance(self.value, dict) else self.fail("an object")


def parse_json(text: str) -> Field:
    """The JSON text as a `Field`. Raises `BadFile` with the line where it is none, or says NaN or Infinity."""
    try:
        return Field(json.loads(text, parse_constant=_refuse))
    except json.JSONDecodeError as error:
        raise BadFile(f"line {error.lineno}, column {error.colno}: no JSON ({error.msg}).") from error
    except RecursionError:
        raise BadFile("the JSON is nested too deep; annotations are a few levels deep.") from None
    except BadFile:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise BadFile(f"no JSON: {error}.") from error


def _refuse(word: str) -> NoReturn:
    raise BadFile(f"the file holds {word}, which is no number; give finite numbers.")

"""GarmentModel: which of the user's model files find garments, and what the files' words mean."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..tensors import RangeError, UnknownName, check_name, unknown_name
from .taxonomies import BACKGROUND, find_label, plain_word
from .vocabulary import LABELS

Table = Callable[[str], str | None]
PRECISIONS = ("float32", "float16", "bfloat16")
IGNORE = "ignore"
"""Another word for the background on the right side of a class map."""

NO_CLASS_MAP = "The class map is not used: it is for models with words of their own."


@dataclass(frozen=True)
class GarmentModel:
    """What flows on a GARMENT_MODEL wire: names of files, no weights.

    detector: a parser, SegFormer or YOLO; None is the shipped parser. sam: refines what was found; None is none.
    meanings: native word or pattern with ``*`` and ``?`` -> canonical label or "background", before what the tables
    say. precision: one of `PRECISIONS`, for the networks on a GPU.
    """

    detector: Path | None = None
    sam: Path | None = None
    meanings: Mapping[str, str] = field(default_factory=dict[str, str])
    precision: str = "float32"

    def __post_init__(self) -> None:
        check_name("Precision", self.precision, PRECISIONS)
        for meaning in self.meanings.values():
            check_name("Label", meaning, (BACKGROUND, *LABELS))

    def dtype_on(self, device: torch.device) -> torch.dtype:
        """The type in which the networks work there: a CPU gains nothing from 16 bits, so it keeps to 32."""
        return torch.float32 if device.type == "cpu" else getattr(torch, self.precision)

    def precision_note(self, device: torch.device) -> tuple[str, ...]:
        """What to tell the user where another precision than the one asked for is used."""
        if self.dtype_on(device) is getattr(torch, self.precision):
            return ()
        return (f"On a CPU the model works in float32; {self.precision} is for GPUs.",)


@dataclass(frozen=True)
class YoloOptions:
    """What can be set for YOLO models.

    classes: which of the model's own, by name, wildcard or number, separated by commas; ``!word`` leaves one out.
    confidence, iou: 0..1, of a detection at least, and of two for one object at most. max_detections: per picture.
    """

    classes: str = "*"
    confidence: float = 0.25
    iou: float = 0.7
    max_detections: int = 100


USUAL = YoloOptions()


def parse_meanings(text: str) -> dict[str, str]:
    """Native word or pattern -> canonical label, or "background", from lines such as ``short sleeve top = upper``.

    One entry per line, or several separated by ``;``. Words may have ``*`` and ``?`` as wildcards; "ignore" means the
    background. What follows a ``#`` at the start or behind a blank is a comment. Raises `RangeError` for a line that is
    no such entry or gives a word another meaning, and `UnknownName` for an unknown label; both name the line.
    """
    meanings: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        for entry in filter(None, map(str.strip, re.sub(r"(^|\s)#.*", "", line).split(";"))):
            word, equals, label = (part.strip() for part in entry.rpartition("="))
            if not (word and equals and label):
                raise RangeError(f"class_map line {number}: {entry!r} has no meaning; write word = label.")
            try:
                meaning = _meaning(label)
            except UnknownName as error:
                raise UnknownName(f"class_map line {number}: {error}") from None
            if meanings.setdefault(plain_word(word), meaning) != meaning:
                raise RangeError(f"class_map line {number}: {word!r} has another meaning on a line above; keep one.")
    return meanings


def _meaning(label: str) -> str:
    label = label.lower()
    if label in (BACKGROUND, IGNORE):
        return BACKGROUND
    return check_name("Label", label, (*LABELS, BACKGROUND, IGNORE))


def meanings_of(words: Iterable[str], meanings: Mapping[str, str]) -> dict[str, str]:
    """What the class map says of each of a file's words; a word itself counts before a pattern, patterns in order.

    Words of which it says nothing are left out. Raises `UnknownName` for an entry, pattern or not, that fits no word.
    """
    words = tuple(words)
    patterns = {pattern: re.compile(fnmatch.translate(_open_brackets(pattern))) for pattern in meanings}
    plain = {word: plain_word(word) for word in words}
    for pattern, compiled in patterns.items():
        if not any(compiled.match(name) for name in plain.values()):
            raise unknown_name("class_map word", pattern, words or ("none",))
    told: dict[str, str] = {}
    for word, name in plain.items():
        fits = [pattern for pattern, compiled in patterns.items() if compiled.match(name)]
        if fits:
            told[word] = meanings[name if name in fits else fits[0]]
    return told


def _open_brackets(pattern: str) -> str:
    """Brackets are letters of class names here, not sets of letters."""
    return pattern.replace("[", "[[]")


def describe_meanings(words: Iterable[str], told: Mapping[str, str], table: Table = find_label) -> tuple[str, ...]:
    """A line for each of a file's words, which a class map takes: what it means, or that nobody knows.

    told: see `meanings_of`. table: what words mean of which nothing is told; raises `UnknownName`.
    """
    return tuple(_describe(word, _label_of(word, told, table)) for word in words)


def unused_words(words: Iterable[str], told: Mapping[str, str], table: Table = find_label) -> tuple[str, ...]:
    """Those of a file's words that stand for nothing that could be asked for, nor for the background."""
    return tuple(word for word in words if not _label_of(word, told, table))


def _describe(word: str, label: str | None) -> str:
    if label is None:
        return f"# {word}: not used by itself"
    return f"{word} = {label}" if label else f"# {word}: not used; map it in class_map"


def _label_of(word: str, told: Mapping[str, str], table: Table) -> str | None:
    """The label of a word, None for what is left out, "" where nobody knows."""
    try:
        return told[word] if word in told else table(word)
    except UnknownName:
        return ""

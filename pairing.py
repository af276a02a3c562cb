"""Which picture, overlay and mask belong together: files found by patterns and paired by the stem of their names.

Names are texts with ``/`` between folders; nothing here looks at a disk. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from string import Formatter

from .errors import BadFile, unknown_name

PICTURE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".exr", ".jxl",
)  # fmt: skip
"""What counts as a picture where a pattern does not name a suffix."""

# What the field writes behind the stem of a file that belongs to another one.
_PARTNER_WORDS = {
    "overlay": ("overlay", "overlays", "layer"),
    "mask": ("mask", "masks", "matte"),
    "exclude": ("exclude", "excluded", "exclusion"),
}
_WILDCARDS = re.compile(r"[*?\[]")
_ANY_FOLDERS = "**"


class Pattern:
    """A glob such as "masks/*.png": ``*``, ``?``, ``[abc]`` within a name, ``**`` for any folders; case is ignored.

    Wildcards never match names that begin with a dot, nor the ``__MACOSX`` folder of archives. Raises `BadFile` for a
    pattern that is absolute or holds "..".
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._parts = _pattern_parts(text)
        fixed = next((at for at, part in enumerate(self._parts) if _WILDCARDS.search(part)), len(self._parts))
        self.fixed_folders = min(fixed, len(self._parts) - 1)
        self.is_exact = fixed == len(self._parts)
        suffix = suffix_of(self._parts[-1])
        self._any_suffix = not suffix or bool(_WILDCARDS.search(suffix))

    def start(self) -> frozenset[int]:
        """The state before the first folder, for `advance`."""
        return self._closed({0})

    def advance(self, states: frozenset[int], name: str) -> frozenset[int]:
        """The state behind one more folder or file; empty where nothing below it can match."""
        after: set[int] = set()
        for at in states - {len(self._parts)}:
            part = self._parts[at]
            if part == _ANY_FOLDERS:
                after |= set() if _is_hidden(name) else {at}
            elif _matches(part, name):
                after.add(at + 1)
        return self._closed(after)

    def ends(self, states: frozenset[int], name: str) -> bool:
        """Whether a file of this name, behind which the state is `states`, is one of the pattern's pictures."""
        return len(self._parts) in states and (not self._any_suffix or suffix_of(name) in PICTURE_SUFFIXES)

    def matches(self, path: str) -> bool:
        """Whether the pattern finds the file of this path."""
        states, name = self.start(), ""
        for name in path.split("/"):
            states = self.advance(states, name)
        return self.ends(states, name)

    def name_of(self, path: str) -> str:
        """The path below the pattern's fixed folders, without suffix: what pictures and masks are paired by."""
        return stem_of("/".join(path.split("/")[self.fixed_folders :]))

    def _closed(self, states: set[int]) -> frozenset[int]:
        """The states with those that are reached by letting ``**`` mean no folder at all."""
        closed = set(states)
        for at in sorted(states):
            while at < len(self._parts) and self._parts[at] == _ANY_FOLDERS:
                at += 1
                closed.add(at)
        return frozenset(closed)


@dataclass(frozen=True)
class Pair:
    """A picture with what belongs to it.

    name: unique, its path below the pattern's fixed folders, without suffix. partners: kind -> file.
    missing: the kinds that were looked for and not found.
    """

    name: str
    image: str
    partners: Mapping[str, str]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pairing:
    """Pictures in natural order, and (kind, file) of every partner that belongs to none of them."""

    pairs: tuple[Pair, ...]
    unused: tuple[tuple[str, str], ...] = ()


def pair_files(
    images: Iterable[str], pattern: Pattern, partners: Mapping[str, tuple[Iterable[str], Pattern]]
) -> Pairing:
    """The pictures in natural order, each with the files of the same stem.

    partners: kind ("overlay", "mask", "exclude") -> its files and the pattern that found them. A pattern without
    wildcards gives its one file to every picture. A stem is the path below the pattern's fixed folders; case does not
    count, and "coat_mask", "coat-mask", "coat.jpg" (of coat.jpg.png) stand for "coat" too. Where folders differ, a
    stem that only one picture has is enough.
    Raises `BadFile` where two files would be the partner of one picture, one file that of two pictures, or two
    pictures would have one name.
    """
    taken = {file for files, _ in partners.values() for file in files}
    ordered = sorted({path for path in images if path not in taken}, key=natural_key)
    names = _unique_names(ordered, pattern)
    found: dict[str, dict[str, str]] = {}
    unused: list[tuple[str, str]] = []
    for kind, (files, where) in partners.items():
        some = sorted(set(files), key=natural_key)
        found[kind] = dict.fromkeys(ordered, some[0]) if where.is_exact and some else _partners_of(
            kind, ordered, pattern, some, where
        )  # fmt: skip
        used = set(found[kind].values())
        unused += [(kind, file) for file in some if file not in used]
    pairs = [
        Pair(
            names[path], path, {kind: found[kind][path] for kind in found if path in found[kind]},
            tuple(kind for kind in found if path not in found[kind]),
        )
        for path in ordered
    ]  # fmt: skip
    return Pairing(tuple(pairs), tuple(unused))


def natural_key(path: str) -> tuple[object, ...]:
    """Sorts img2 before img10, case ignored, folder by folder; different paths never compare equal."""
    folders = tuple(tuple(map(_chunk, re.split(r"(\d+)", part.casefold()))) for part in path.split("/"))
    return (folders, path)


def stem_of(path: str) -> str:
    """The path without its suffix."""
    suffix = suffix_of(path)
    return path[: len(path) - len(suffix)]


def suffix_of(path: str) -> str:
    """The suffix of the last name in small letters, such as ".png"; "" where it has none."""
    name = path.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if dot and stem and suffix else ""


def check_template(template: str, known: Collection[str]) -> str:
    """`template`, if its ``{...}`` are all `known`; otherwise raises `BadFile`, or `UnknownName` with the nearest."""
    for field in _fields(template):
        if field not in known:
            raise unknown_name(f"In {template!r} the placeholder", f"{{{field}}}", [f"{{{one}}}" for one in known])
    return template


def fill_template(template: str, values: Mapping[str, str]) -> str:
    """The template with ``{name}`` and the like filled in; ``{{`` is a brace. Raises as `check_template` does."""
    check_template(template, values)
    parts = Formatter().parse(template)
    return "".join(text + (values[field] if field is not None else "") for text, field, _, _ in parts)


def check_inside(path: str, what: str) -> list[str]:
    """The parts of a path that stays below its root; raises `BadFile`, which calls it `what`."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    absolute = path.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", path)
    if absolute or ".." in parts or "\0" in path:
        raise BadFile(f"{what} {path!r} leads out of its folder; give a path below it, without '..' or a root.")
    return parts


def _pattern_parts(text: str) -> list[str]:
    parts: list[str] = []
    for part in check_inside(text, "the pattern"):
        parts += [part] if (part, parts[-1:]) != (_ANY_FOLDERS, [_ANY_FOLDERS]) else []
    if not parts:
        raise BadFile("the pattern is empty; give one such as * or masks/*.png.")
    return [*parts, "*"] if parts[-1] == _ANY_FOLDERS else parts


def _matches(part: str, name: str) -> bool:
    part, folded = part.casefold(), name.casefold()
    if part == folded:  # names may hold brackets themselves
        return True
    return (not _is_hidden(name) or part.startswith(".")) and fnmatchcase(folded, part)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _chunk(text: str) -> tuple[int, int, str]:
    """Numbers by their length and digits, which has no limit, before other text."""
    digits = text.lstrip("0")
    return (0, len(digits), digits) if text.isdecimal() else (1, 0, text)


def _unique_names(images: Sequence[str], pattern: Pattern) -> dict[str, str]:
    """Picture -> its name; pictures that differ only in their suffix keep it, as "coat_jpg"."""
    stems = {path: pattern.name_of(path) for path in images}
    counts: dict[str, int] = {}
    for stem in stems.values():
        counts[stem.casefold()] = counts.get(stem.casefold(), 0) + 1
    names = {
        path: stem if counts[stem.casefold()] == 1 else f"{stem}_{suffix_of(path)[1:]}" for path, stem in stems.items()
    }
    seen: dict[str, str] = {}
    for path, name in names.items():
        if name.casefold() in seen:
            raise BadFile(f"{seen[name.casefold()]} and {path} would both be called {name!r}; rename one of them.")
        seen[name.casefold()] = path
    return names


def _partners_of(
    kind: str, images: Sequence[str], pattern: Pattern, files: Sequence[str], where: Pattern
) -> dict[str, str]:
    """Picture -> its partner among `files`: by folder and stem, else by a stem that one picture alone has."""
    found: dict[str, str] = {}
    left = list(files)
    for whole in (True, False):
        index: dict[str, list[str]] = {}
        for path in images:
            for key in {pattern.name_of(path), _below(path, pattern.fixed_folders)}:
                index.setdefault(_key(key, whole), []).append(path)
        claimed: dict[str, list[str]] = {}
        for file in left:
            keys = [_key(key, whole) for key in partner_stems(where.name_of(file), kind)]
            belongs = next((index[key] for key in keys if key in index), list[str]())
            if whole and len(belongs) > 1:
                raise BadFile(f"the {kind} {file} fits {' and '.join(belongs[:2])}; rename one of them.")
            if len(belongs) == 1 and belongs[0] not in found:
                claimed.setdefault(belongs[0], []).append(file)
        for path, claims in claimed.items():
            if len(claims) > 1:
                raise BadFile(f"{path} has two {kind}s, {claims[0]} and {claims[1]}; rename or move one of them.")
            found[path] = claims[0]
        used = set(found.values())
        left = [file for file in left if file not in used]
    return found


def _below(path: str, folders: int) -> str:
    return "/".join(path.split("/")[folders:])


def _key(name: str, whole: bool) -> str:
    return (name if whole else name.rpartition("/")[2]).casefold()


def partner_stems(stem: str, kind: str) -> list[str]:
    """The stem itself, and without the word that says what the file is."""
    words = "|".join(_PARTNER_WORDS.get(kind, (kind,)))
    shorter = re.sub(rf"[_\-. ](?:{words})$", "", stem, flags=re.IGNORECASE)
    return [stem] if shorter in (stem, "") or shorter.endswith("/") else [stem, shorter]


def _fields(template: str) -> list[str]:
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as error:
        raise BadFile(f"the template {template!r} cannot be read ({error}); write a brace as {{{{ or }}}}.") from error
    if any(spec or conversion for _, _, spec, conversion in parsed):
        raise BadFile(f"the template {template!r} holds ':' or '!' in braces; give placeholders such as {{name}}.")
    return [field for _, field, _, _ in parsed if field is not None]

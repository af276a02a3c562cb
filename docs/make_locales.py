"""Writes locales/ from the nodes, the tables web/*/texts.mjs and the translations docs/translations/<language>.po.

python docs/make_locales.py       also adds new texts to the .po files, empty, and lists what is wanted; 1 if anything
python docs/make_locales.py it    the same, and starts a new language
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hemline.nodes import NODES
from hemline.nodes.spec import Node

ROOT = Path(__file__).resolve().parents[1]
TRANSLATIONS = ROOT / "docs" / "translations"
LOCALES = ROOT / "locales"
LINE_LENGTH = 120
HEAD = r"""# Texts of the same wording share one entry. Where one must read differently at a place, copy the entry and
# give the copy that place as its msgctxt. Written anew by docs/make_locales.py, which keeps these lines.
# Words: mask = , matte = , garment = , feather = , grow = , shrink = , crop = , stitch = , seam = , blend =
msgid ""
msgstr ""
"Language: {language}\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Content-Transfer-Encoding: 8bit\n"
"""

TABLE = re.compile(r"^export const TEXTS = \{\n(.*?)\n\}", re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"\s*(?://[^\n]*|/\*.*?\*/)", re.DOTALL)
STRING = r'"(?:[^"\\\n]|\\.)*"'
PAIR = re.compile(rf"\s*(\w+):\s*({STRING}(?:\s*\+\s*{STRING})*)(?:,|\s*$)")


@dataclass(frozen=True)
class Message:
    """One English text: where it is used, in which file of a locale and under which keys."""

    place: str
    file: str
    keys: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Entry:
    """One entry of a .po file.

    context: a place where the text has a translation of its own, "" for all others. places: where it is used.
    fuzzy: the English was changed after it had been translated; `previous` is what it was. notes: of the translator.
    """

    text: str
    translation: str = ""
    context: str = ""
    places: tuple[str, ...] = ()
    fuzzy: bool = False
    previous: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether it may be shown."""
        return bool(self.translation) and not self.fuzzy


def messages() -> list[Message]:
    """Every text that the pack shows in ComfyUI's page, in the order of the menu."""
    nodes = [message for node in NODES for message in _of_node(node)]
    words = dict.fromkeys(word for node in NODES for word in node.category.split("/"))
    categories = [
        Message(f"category.{word.replace(' ', '_')}", "main", ("nodeCategories", word), word) for word in words
    ]
    widgets = [
        Message(f"{path.parent.name}.{key}", "main", ("hemline", path.parent.name, key), text)
        for path in sorted((ROOT / "web").glob("*/texts.mjs"))
        if path.parent.name != "shared"  # what works on texts
        for key, text in read_table(path.read_text(encoding="utf-8"), path.as_posix()).items()
    ]
    return nodes + categories + widgets


def _of_node(node: Node) -> Iterator[Message]:
    def message(text: str, *keys: str) -> Message:
        return Message(".".join((node.id, *keys)), "nodeDefs", (node.id, *keys), text)

    yield message(node.name, "display_name")
    yield message(node.description, "description")
    ports = [("inputs", port.name, port) for port in node.inputs]
    ports += [("outputs", str(index), port) for index, port in enumerate(node.outputs)]
    for side, key, port in ports:
        yield message(port.name, side, key, "name")
        if port.tooltip:
            yield message(port.tooltip, side, key, "tooltip")


def read_table(source: str, name: str = "texts.mjs") -> dict[str, str]:
    """The pairs of `export const TEXTS = {key: "text", ...}`, which holds nothing else between the braces.

    Raises:
        ValueError: where a line is neither a comment nor such a pair.
    """
    found = TABLE.search(source)
    if found is None:
        raise ValueError(f"{name} holds no table; begin it with the line: export const TEXTS = {{")
    body, position, pairs = found[1], 0, dict[str, str]()
    while body[position:].strip():
        if comment := COMMENT.match(body, position):
            position = comment.end()
        elif pair := PAIR.match(body, position):
            pairs[pair[1]] = "".join(json.loads(piece) for piece in re.findall(STRING, pair[2]))
            position = pair.end()
        else:
            rest = body[position:].strip().splitlines()[0]
            raise ValueError(f'{name}: cannot read {rest!r}; write key: "text", in double quotes, joined by + at most')
    return pairs


def read_po(source: str) -> tuple[tuple[str, ...], list[Entry]]:
    """The first block of a .po file as its lines, and the entries. Obsolete entries (#~) are left out."""
    blocks = [block for block in re.split(r"\n\s*\n", source.strip()) if block]
    head = tuple(blocks[0].splitlines()) if blocks else ()
    entries = [_entry(block.splitlines()) for block in blocks[1:]]
    return head, [entry for entry in entries if entry.text]


def _entry(lines: Sequence[str]) -> Entry:
    fields: dict[str, str] = {}
    places, notes, fuzzy, current = list[str](), list[str](), False, ""
    for line in lines:
        string = re.match(r'(?:#\| )?(msgctxt|msgid|msgstr|)\s*(".*")$', line)
        if line.startswith("#:"):
            places += line[2:].split()
        elif line.startswith("#,"):
            fuzzy = "fuzzy" in line
        elif string is not None:
            named = "previous" if string[1] and line.startswith("#|") else string[1]
            current = named or current
            fields[current] = fields.get(current, "") + json.loads(string[2])
        elif line.startswith("# "):
            notes.append(line)
    return Entry(
        fields.get("msgid", ""), fields.get("msgstr", ""), fields.get("msgctxt", ""), tuple(places), fuzzy,
        fields.get("previous", ""), tuple(notes),
    )  # fmt: skip


def write_po(head: Sequence[str], entries: Sequence[Entry]) -> str:
    """A .po file of these entries."""
    return "\n\n".join(["\n".join(head), *("\n".join(_lines(entry)) for entry in entries)]) + "\n"


def _lines(entry: Entry) -> Iterator[str]:
    def quoted(text: str) -> str:
        return json.dumps(text, ensure_ascii=False)

    yield from entry.notes
    line = "#:"
    for place in entry.places:
        if len(line) + len(place) >= LINE_LENGTH:
            yield line
            line = "#:"
        line += f" {place}"
    yield line
    if entry.fuzzy:
        yield "#, fuzzy"
        yield f"#| msgid {quoted(entry.previous)}"
    if entry.context:
        yield f"msgctxt {quoted(entry.context)}"
    yield f"msgid {quoted(entry.text)}"
    yield f"msgstr {quoted(entry.translation)}"


def merged(old: Sequence[Entry], wanted: Sequence[Message]) -> list[Entry]:
    """The entries for the wanted messages, with the old translations.

    A text that took the place of another gets its translation, marked as fuzzy. What is used no more goes.
    """
    own = {entry.context: entry for entry in old if entry.context}
    shared = {entry.text: entry for entry in old if not entry.context}
    at = {place: entry for entry in old if not entry.context for place in entry.places}
    kept: dict[tuple[str, str], Entry] = {}
    for message in wanted:
        context = message.place if message.place in own else ""
        key = (message.text, context)
        if key in kept:
            kept[key] = replace(kept[key], places=(*kept[key].places, message.place))
            continue
        before = own[context] if context else shared.get(message.text, at.get(message.place))
        kept[key] = replace(_moved_on(before, message.text), context=context, places=(message.place,))
    return list(kept.values())


def _moved_on(before: Entry | None, text: str) -> Entry:
    if before is None or before.text == text:
        return before or Entry(text)
    fuzzy = bool(before.translation)
    return replace(before, text=text, fuzzy=fuzzy, previous=(before.previous or before.text) if fuzzy else "")


def locale_files(wanted: Sequence[Message], entries: Sequence[Entry] | None = None) -> dict[str, str]:
    """File name -> content of a language's folder, without what is not translated; without entries the English one."""
    done = None if entries is None else {(entry.text, entry.context): entry for entry in entries if entry.is_done}
    trees: dict[str, Any] = {"main": {}, "nodeDefs": {}}
    for message in wanted:
        text = message.text
        if done is not None:
            entry = done.get((text, message.place)) or done.get((text, ""))
            if entry is None:
                continue
            text = entry.translation
        branch = trees[message.file]
        for key in message.keys[:-1]:
            branch = branch.setdefault(key, {})
        branch[message.keys[-1]] = text
    return {f"{name}.json": json.dumps(tree, ensure_ascii=False, indent=1) + "\n" for name, tree in trees.items()}


def languages() -> dict[str, Path]:
    """Language -> its .po file."""
    return {path.stem: path for path in sorted(TRANSLATIONS.glob("*.po"))}


def main(new: Sequence[str] = ()) -> int:
    """0 where every language is complete; otherwise 1, with what is wanted on standard output."""
    TRANSLATIONS.mkdir(exist_ok=True)
    for language in new:
        if language not in languages():
            (TRANSLATIONS / f"{language}.po").write_text(HEAD.replace("{language}", language), encoding="utf-8")
    wanted, lacking = messages(), 0
    _write(LOCALES / "en", locale_files(wanted))
    for language, path in languages().items():
        head, old = read_po(path.read_text(encoding="utf-8"))
        entries = merged(old, wanted)
        path.write_text(write_po(head, entries), encoding="utf-8", newline="\n")
        _write(LOCALES / language, locale_files(wanted, entries))
        open_ones = [entry for entry in entries if not entry.is_done]
        lacking += len(open_ones)
        sys.stdout.write(f"{language}: {len(entries) - len(open_ones)} of {len(entries)} translated\n")
        for entry in open_ones:
            state = "changed since it was translated" if entry.fuzzy else "new"
            sys.stdout.write(f"  {state}, {entry.places[0]}: {entry.text}\n")
    return 1 if lacking else 0


def _write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

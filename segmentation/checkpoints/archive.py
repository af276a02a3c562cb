"""The directory of a zip file as torch writes it: entries that lie in the file as they are, never compressed.

torch stores every entry uncompressed and aligned, so that nothing here ever inflates: what is read is a run of bytes
whose place and length were checked against the file. Fields and names are those of PKWARE's APPNOTE.TXT 6.3.10.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader

from ...errors import BadFile
from .records import clean_text

# The largest SAM has 600 entries, a training checkpoint a few thousand.
MOST_ENTRIES, MOST_DIRECTORY_BYTES, MOST_COMMENT_BYTES = 65_535, 2**24, 65_535
REMEDY = "torch.save writes none like it; save it again with torch"

_END = struct.Struct("<4s4H2IH")
_LOCATOR = struct.Struct("<4sIQI")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED = 0x2041  # bits 0, 6 and 13
_LINK = 0o120000


@dataclass(frozen=True)
class Span:
    """A run of bytes in a file."""

    start: int
    size: int


@dataclass(frozen=True)
class _Entry:
    name: str
    header: int
    size: int


def read_directory(file: BufferedReader, file_size: int) -> dict[str, Span]:
    """Where the content of each entry lies, by its name.

    Raises `BadFile` for a file that is no zip, and for entries that are compressed, encrypted, links, named twice,
    named to leave a folder, or that overlap each other or reach beyond the file.
    """
    start, size, count = _find_directory(file, file_size)
    if count > MOST_ENTRIES or size > MOST_DIRECTORY_BYTES or start + size > file_size:
        raise BadFile(f"its zip directory claims {count} entries in {size} bytes.")
    entries = list(_entries(_read(file, start, size), count))
    spans: dict[str, Span] = {}
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header):
        if entry.name in spans:
            raise BadFile(f"its zip names {clean_text(entry.name)!r} twice.")
        span = _content(file, entry)
        if entry.header < end or span.start + span.size > start:
            raise BadFile(f"its zip entry {clean_text(entry.name)!r} overlaps others or reaches beyond the file.")
        end = span.start + span.size
        spans[entry.name] = span
    return spans


def _read(file: BufferedReader, start: int, size: int) -> bytes:
    file.seek(start)
    data = file.read(size)
    if len(data) != size:
        raise BadFile("it is cut off.")
    return data


def _find_directory(file: BufferedReader, file_size: int) -> tuple[int, int, int]:
    """Start, size and count of the central directory."""
    tail_start = max(0, file_size - MOST_COMMENT_BYTES - _END.size - _LOCATOR.size)
    tail = _read(file, tail_start, file_size - tail_start)
    at = tail.rfind(b"PK\x05\x06", 0, max(0, len(tail) - _END.size) + 4)
    if at < 0 or at + _END.size > len(tail):
        raise BadFile("it begins like a zip but has no directory at its end: it is cut off, or still being written.")
    _, _, _, _, count, size, start, _ = _END.unpack_from(tail, at)
    if at >= _LOCATOR.size and tail.startswith(b"PK\x06\x07", at - _LOCATOR.size):
        _, _, where, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
        if where + _END_64.size > file_size:
            raise BadFile("its zip directory lies beyond the file.")
        sign, _, _, _, _, _, _, count, size, start = _END_64.unpack(_read(file, where, _END_64.size))
        if sign != b"PK\x06\x06":
            raise BadFile("its zip directory is damaged.")
    elif _FULL_32 in (size, start) or count == _FULL_16:
        raise BadFile("its zip directory is damaged.")
    return start, size, count


def _entries(directory: bytes, count: int) -> Iterator[_Entry]:
    at = 0
    for _ in range(count):
        if at + _CENTRAL.size > len(directory):
            raise BadFile("its zip directory is cut off.")
        fields = _CENTRAL.unpack_from(directory, at)
        sign, _, _, flags, method, _, _, _, packed, size, name_size, extra_size, note_size, _, _, kind, header = fields
        body = at + _CENTRAL.size
        at = body + name_size + extra_size + note_size
        if sign != b"PK\x01\x02" or at > len(directory):
            raise BadFile("its zip directory is damaged.")
        name = _name(directory[body : body + name_size])
        extra = directory[body + name_size : body + name_size + extra_size]
        size, packed, header = _wide((size, packed, header), extra)
        if flags & _ENCRYPTED or method != 0 or size != packed:
            raise BadFile(f"its zip entry {clean_text(name)!r} is compressed or encrypted; {REMEDY}.")
        if (kind >> 16) & 0o170000 == _LINK:
            raise BadFile(f"its zip entry {clean_text(name)!r} is a link; {REMEDY}.")
        yield _Entry(name, header, size)


def _name(raw: bytes) -> str:
    try:
        name = raw.decode()
    except UnicodeDecodeError as error:
        raise BadFile("its zip has a name that is no text.") from error
    if not name or "\\" in name or "\0" in name or name.startswith("/") or ".." in name.split("/"):
        raise BadFile(f"its zip has the name {clean_text(name)!r}, which would leave a folder; {REMEDY}.")
    return name


def _wide(values: tuple[int, int, int], extra: bytes) -> tuple[int, int, int]:
    """Uncompressed size, compressed size and place, from the zip64 field where they are too large for 32 bits."""
    if _FULL_32 not in values:
        return values
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + size]
            wanted = sum(value == _FULL_32 for value in values)
            if len(field) < 8 * wanted:
                break
            found = iter(struct.unpack_from(f"<{wanted}Q", field))
            unpacked, packed, header = (next(found) if value == _FULL_32 else value for value in values)
            return unpacked, packed, header
        at += 4 + size
    raise BadFile("its zip directory is damaged.")


def _content(file: BufferedReader, entry: _Entry) -> Span:
    """Where an entry's bytes begin, by the header in front of them."""
    sign, _, flags, method, _, _, _, _, _, name_size, extra_size = _LOCAL.unpack(_read(file, entry.header, _LOCAL.size))
    if sign != b"PK\x03\x04" or method != 0 or flags & _ENCRYPTED or file.read(name_size) != entry.name.encode():
        raise BadFile(f"its zip entry {clean_text(entry.name)!r} is not where the directory says.")
    return Span(entry.header + _LOCAL.size + name_size + extra_size, entry.size)

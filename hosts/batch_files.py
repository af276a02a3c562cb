"""Pictures of a batch out of folders and ZIP files, one by one; nothing outside the host's folders is read."""

from __future__ import annotations

import logging
import os
import re
import stat
import zipfile
from bisect import bisect_left
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from torch import Tensor

from ..errors import BadFile
from ..pairing import Pattern, check_inside, natural_key, suffix_of
from .coverage import CoverageSettings, MaskFile
from .files import FolderStore
from .formats.info import PictureInfo
from .formats.memory_file import MemoryFile, PictureFile
from .picture_values import read_picture, straight_srgb

_LOG = logging.getLogger(__name__)
JOB_SUFFIXES = (".yaml", ".yml")
# A picture of 16-bit RGBA with 11585 x 11585 pixels; what unpacks to more is no photo.
MOST_ENTRY_BYTES = 1 << 30
MOST_ENTRIES = 100_000
_BLOCK_BYTES = 1 << 20
_ENCRYPTED = 0x1
# Signs of no script in the place of wildcards, while a name is cleaned as for saving, which would replace them.
_WILDCARDS = {0xF0000: "*", 0xF0001: "?"}
_HIDDEN_WILDCARDS = {ord(sign): chr(code) for code, sign in _WILDCARDS.items()}
_ANNOTATION = re.compile(r"(?P<name>.*?) ?\[(?P<folder>input|output|temp)\]", re.DOTALL)


class Files(Protocol):
    """The files of a folder or an archive."""

    @property
    def label(self) -> str:
        """How messages call it."""
        ...

    def find(self, pattern: str) -> list[str]:
        """As `PictureSource.find`."""
        ...

    def stamp(self, name: str) -> str:
        """As `PictureSource.stamp`."""
        ...

    def file(self, name: str) -> PictureFile:
        """The file to read; raises `BadFile`."""
        ...


@dataclass(frozen=True)
class FolderFiles:
    """The files below a folder; what links lead out of it is refused."""

    folder: Path

    @property
    def label(self) -> str:
        """The folder's path."""
        return str(self.folder)

    def find(self, pattern: str) -> list[str]:
        """The pictures that the pattern finds; raises `BadFile` where one of them lies elsewhere over a link."""
        wanted = Pattern(pattern)
        return list(_walk(self.folder, wanted, wanted.start(), "", ()))

    def stamp(self, name: str) -> str:
        """Size and time."""
        try:
            status = os.stat(os.path.join(self.folder, name))
        except OSError as error:
            raise BadFile(f"{self.folder / name} cannot be read ({error.strerror}); check the file.") from error
        return f"{status.st_size} {status.st_mtime_ns}"

    def file(self, name: str) -> Path:
        """The path of a file; raises `BadFile` where it lies outside the folder."""
        return inside(self.folder, name)


class ZipFiles:
    """The pictures of an open ZIP file, each unpacked into memory when it is read, never onto a disk.

    Raises `BadFile` for entries that are encrypted, damaged, larger than `MOST_ENTRY_BYTES`, or whose names lead out of
    the archive or come twice.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise BadFile(f"{path} has {len(entries)} entries; at most {MOST_ENTRIES} are read, split it.")
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            name = "/".join(check_inside(entry.filename, f"{path}: the entry"))
            if entry.filename.endswith("/") or not name:  # is_dir() of Python 3.11 falls over a name of nothing
                continue
            if name in self._entries:
                raise BadFile(f"{path} holds {name!r} twice; pack it again.")
            self._entries[name] = entry

    @property
    def label(self) -> str:
        """The archive's path."""
        return str(self._path)

    def find(self, pattern: str) -> list[str]:
        """The entries that the pattern finds."""
        wanted = Pattern(pattern)
        return [name for name in self._entries if wanted.matches(name)]

    def stamp(self, name: str) -> str:
        """Size and checksum, as the archive tells them."""
        entry = self._entries[name]
        return f"{entry.file_size} {entry.CRC}"

    def file(self, name: str) -> MemoryFile:
        """The entry, unpacked."""
        entry, label = self._entries[name], f"{self._path}: {name}"
        if entry.flag_bits & _ENCRYPTED:
            raise BadFile(f"{label} is encrypted; unpack the archive with its password first.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise BadFile(f"{label} is a link; pack the file itself.")
        if entry.file_size > MOST_ENTRY_BYTES:
            raise BadFile(f"{label} has {entry.file_size} bytes; at most {MOST_ENTRY_BYTES} are unpacked.")
        try:
            return MemoryFile(label, self._unpacked(entry, label))
        except BadFile:
            raise
        except Exception as error:  # the library raises nearly anything on damaged archives
            _LOG.debug("cannot unpack %s", label, exc_info=True)
            raise BadFile(f"{label} cannot be unpacked ({error}); pack it again.") from error

    def _unpacked(self, entry: zipfile.ZipInfo, label: str) -> bytes:
        """All bytes of the entry; what comes is counted too, because the header may lie."""
        parts: list[bytes] = []
        size = 0
        with self._archive.open(entry) as file:
            while block := file.read(_BLOCK_BYTES):
                size += len(block)
                if size > min(entry.file_size, MOST_ENTRY_BYTES):
                    raise BadFile(f"{label} unpacks to more than the {entry.file_size} bytes that it claims.")
                parts.append(block)
        return b"".join(parts)


@dataclass(frozen=True)
class FileSource:
    """A `context.PictureSource` of files."""

    files: Files
    job_text: str | None = None

    @property
    def label(self) -> str:
        """The folder's or the archive's path."""
        return self.files.label

    def find(self, pattern: str) -> list[str]:
        """See `context.PictureSource`."""
        return self.files.find(pattern)

    def stamp(self, name: str) -> str:
        """See `context.PictureSource`."""
        return self.files.stamp(name)

    def read_image(self, name: str) -> tuple[Tensor, Tensor | None]:
        """See `context.PictureSource`."""
        picture = read_picture(self.files.file(name))
        values = straight_srgb(picture.image, picture.info)
        return values[..., :3].contiguous(), values[..., 3].contiguous() if values.shape[-1] == 4 else None

    def read_mask(self, name: str, height: int, width: int, *, channel: str, fit: str) -> Tensor:
        """See `context.PictureSource`."""
        settings = CoverageSettings(channel=channel, fit=fit)
        mask = MaskFile(self.files.file(name), PictureInfo(width, height, 3), settings)
        with mask.reader:
            return mask.take(height).clone()


@dataclass(frozen=True)
class InputFolders:
    """A `context.PictureSources`: the input folder, the output folder, and what the user has named himself.

    given: names typed in by the user; only these may lie elsewhere.
    """

    input_folder: Path
    output_folder: Path
    given: frozenset[str] = frozenset()

    @contextmanager
    def open(self, source: str) -> Generator[FileSource]:
        """See `context.PictureSources`."""
        with open_files(self._path_of(source)) as opened:
            yield opened

    def existing_results(self, names: Sequence[str]) -> frozenset[str]:
        """See `context.PictureSources`; names are cleaned as `FolderStore` cleans them when it saves."""
        store, listed = FolderStore(self.output_folder), dict[Path, list[str]]()
        found: set[str] = set()
        for name in names:
            path = store.path_of(name.translate(_HIDDEN_WILDCARDS))
            if path.parent not in listed:
                listed[path.parent] = _file_names(path.parent)
            if _has_match(path.name.translate(_WILDCARDS), listed[path.parent]):
                found.add(name)
        return frozenset(found)

    def _path_of(self, source: str) -> Path:
        name, kind = split_annotation(source.strip())
        if kind == "temp":
            raise BadFile(f"{source!r} lies in ComfyUI's temp folder; give a folder of the input or the output folder.")
        folder = self.output_folder if kind == "output" else self.input_folder
        if source in self.given:
            typed = Path(source).expanduser()  # as any command reads it: from the current folder
            if typed.exists():
                return typed
        return inside(folder, name)


def split_annotation(name: str) -> tuple[str, str]:
    """ "coat.png [output]" as "coat.png" and "output"; the folder is "" where none is named."""
    found = _ANNOTATION.fullmatch(name)
    return (found["name"], found["folder"]) if found else (name, "")


def inside(folder: Path, name: str) -> Path:
    """The path of `name` below `folder`; raises `BadFile` where it leads out, over a link too."""
    path = folder.joinpath(*check_inside(name, f"below {folder},"))
    _check_no_way_out(path, folder)
    return path


def _check_no_way_out(path: Path, folder: Path) -> None:
    try:
        safe = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        raise BadFile(f"{path} cannot be read ({error}); check the folder.") from error
    if not safe:
        raise BadFile(f"{path} leads out of {folder} over a link; put the files themselves there.")


@contextmanager
def open_files(path: Path) -> Generator[FileSource]:
    """The folder, the ZIP file, or the folder of the job file of that path, for reading; raises `BadFile`."""
    if path.is_dir():
        yield FileSource(FolderFiles(path))
    elif not path.exists():
        raise BadFile(f"{path} does not exist; give a folder, a ZIP file or a job file (.yaml).{_siblings(path)}")
    elif suffix_of(path.name) in JOB_SUFFIXES:
        yield FileSource(FolderFiles(path.parent), read_job_text(path))
    else:
        with _open_zip(path) as archive:
            yield FileSource(ZipFiles(path, archive))


def read_job_text(path: Path) -> str:
    """The text of a job file; raises `BadFile`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror}); check the name and the folder.") from error
    except UnicodeDecodeError as error:
        raise BadFile(f"{path} is no text; save the job file as UTF-8.") from error


@contextmanager
def _open_zip(path: Path) -> Generator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror or error}); check the file and its rights.") from error
    except Exception as error:  # the library raises nearly anything on damaged archives
        _LOG.debug("cannot open %s", path, exc_info=True)
        kinds = "a folder, a ZIP file or a job file (.yaml)"
        raise BadFile(f"{path} is no ZIP file that can be read ({error}); give {kinds}.") from error
    with archive:
        yield archive


def _file_names(folder: Path) -> list[str]:
    """The names of the files in the folder, sorted; none where there is no folder."""
    return sorted(entry.name for entry in _entries(folder) if entry.is_file()) if folder.is_dir() else []


def _has_match(wanted: str, names: Sequence[str]) -> bool:
    """Whether one of the sorted names fits; only those that begin alike are looked at."""
    alike = re.split(r"[*?]", wanted, maxsplit=1)[0]
    fixed = wanted.replace("[", "[[]")
    at = bisect_left(names, alike)
    while at < len(names) and names[at].startswith(alike):
        if fnmatchcase(names[at], fixed):
            return True
        at += 1
    return False


def _siblings(path: Path) -> str:
    """What lies where the path should: the end of an error message."""
    if not path.parent.is_dir():
        return ""
    names = sorted((entry.name for entry in path.parent.iterdir() if not entry.name.startswith(".")), key=natural_key)
    return f" There are: {', '.join(names[:12])}." if names else ""


def _walk(
    folder: Path, wanted: Pattern, states: frozenset[int], below: str, above: tuple[Path, ...]
) -> Iterator[str]:  # fmt: skip
    """The pictures of the folder and of those below it that the pattern can still reach; links in a circle end.

    above: the folders that were walked down, the topmost first, which no link may lead out of.
    """
    here = folder.resolve()
    if here in above:
        return
    if above:
        _check_no_way_out(folder, above[0])
    for entry in _entries(folder):
        after = wanted.advance(states, entry.name)
        if not after:
            continue
        name = f"{below}{entry.name}"
        if entry.is_dir():
            yield from _walk(Path(entry.path), wanted, after, f"{name}/", (*above, here))
        elif wanted.ends(after, entry.name):
            if entry.is_symlink():
                _check_no_way_out(Path(entry.path), (*above, here)[0])
            yield name


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError as error:
        raise BadFile(f"{folder} cannot be listed ({error.strerror}); check the folder.") from error

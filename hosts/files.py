"""Files of the headless host: the output folder that takes results, and the folders that hold models."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Literal

from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from ..context import PictureLayer
from ..model_places import folders_below
from ..tensors import BadFile
from .layered import save_layers
from .picture_values import save_deep
from .pictures import from_bytes, to_bytes
from .whole_file import whole_file

# Windows takes none of these in a name; they are replaced everywhere, so that one workflow gives one name.
_REPLACED_SIGNS = re.compile(r'[<>:"|?*\x01-\x1f\x7f]')
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_PNG_COMPRESSION = 4


@dataclass(frozen=True)
class FolderStore:
    """A `context.Store` in one folder.

    A file appears whole or not at all: it is written under a temporary name beside its place and then moved there,
    over an older one of the same name. Subfolders in a name are made.

    Names: ``/`` and ``\\`` both separate folders. The signs ``< > : " | ? *`` and control characters become ``_``, dots
    and spaces at the end of a part are dropped, and a name that Windows keeps for a device gets a ``_`` in front.
    Refused with `BadFile`: an empty or absolute name, a drive letter, ``..``, a NUL, and any way out over a link.
    """

    folder: Path

    def save_image(
        self, name: str, image: Tensor, *, suffix: str = ".png", bits: Literal[8, 16] = 8,
        notes: Mapping[str, str] | None = None,
    ) -> Path:  # fmt: skip
        """Writes an image ``[H,W,C]`` or mask ``[H,W]``, levels rounded, and returns its path.

        `name` comes without suffix. The same image gives the same bytes. Raises `BadFile`, and `ShapeError`;
        `UnknownName` for a suffix and `RangeError` for bits that the format does not have.
        """
        if (suffix, bits) == (".png", 8):
            return self.save_pixels(f"{name}.png", to_bytes(image), notes)
        return save_deep(self.path_of(f"{name}{suffix}"), image, bits, notes or {})

    def save_psd(self, name: str, merged: Tensor, layers: Sequence[PictureLayer], *, bits: Literal[8, 16] = 8) -> Path:
        """Writes layers and the flat picture, on white where it is transparent, as PSD; `name` comes without suffix.

        Raises `BadFile`, also for what a PSD cannot hold.
        """
        path = self.path_of(f"{name}.psd")
        save_layers(path, merged, layers, bits)
        return path

    def save_pixels(self, name: str, pixels: Tensor, notes: Mapping[str, str] | None = None) -> Path:
        """Writes uint8 ``[H,W]``, ``[H,W,3]`` or ``[H,W,4]`` as PNG with `notes` as its text entries; returns the path.

        `name` carries its suffix. Raises `BadFile`.
        """
        entries = PngInfo()
        for key, text in (notes or {}).items():
            entries.add_text(key, text)
        buffer = io.BytesIO()
        from_bytes(pixels).save(buffer, "PNG", pnginfo=entries, compress_level=_PNG_COMPRESSION)
        return self.save_bytes(name, buffer.getvalue())

    def save_text(self, name: str, text: str) -> Path:
        """Writes `text` as UTF-8 with its line ends as they are and returns the path. Raises `BadFile`."""
        return self.save_bytes(name, text.encode("utf-8", "surrogatepass"))

    def save_bytes(self, name: str, data: bytes) -> Path:
        """Writes `data` and returns the path. Raises `BadFile`; then nothing new stays in the folder."""
        path = self.path_of(name)
        with whole_file(path) as temporary, open(temporary, "xb") as file:
            file.write(data)
        return path

    def unused_name(self, name: str, first_file: str = "{}") -> str:
        """`name`, or `name` with the first number that no set of files in the folder begins with yet: "coat_2".

        "coat" is in use where coat.json, coat.png or coat_mask.png lies, whatever the case of its letters; coats.png
        and coat_red.png have other names. first_file: where a set shows itself otherwise, beside `name`, {} standing
        for its last part: "images/{}_0" looks for images/coat_0.png.
        Raises `BadFile` for a refused name and a folder that cannot be listed.
        """
        outer, slash, last = name.replace("\\", "/").rpartition("/")
        folder = self.path_of(outer + slash + first_file.format(last)).parent
        try:
            files = {entry.name.casefold() for entry in folder.iterdir()} if folder.is_dir() else set[str]()
        except OSError as error:
            raise BadFile(f"{folder} cannot be listed ({error.strerror}); check the folder.") from error
        tails = ("" if number == 1 else f"_{number}" for number in count(1))
        return name + next(
            tail
            for tail in tails
            if not _is_taken(self.path_of(outer + slash + first_file.format(last + tail)).name.casefold(), files)
        )

    def path_of(self, name: str) -> Path:
        """Where a file of this name is to lie, cleaned as the class says. Raises `BadFile` for a refused name."""
        parts = _clean_parts(name)
        path = self.folder.joinpath(*parts)
        try:
            inside = path.parent.resolve().is_relative_to(self.folder.resolve())
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
            raise BadFile(f"{path} cannot be written ({error}); check the folder.") from error
        if not inside:
            raise BadFile(f"{name!r} leads out of {self.folder} over a link; choose a name inside it.")
        return path


def model_folders(environment: Mapping[str, str]) -> dict[str, tuple[Path, ...]]:
    """Kind of model -> folders to search, first those below ``HEMLINE_MODELS``, then those in the user's data folder.

    ``HEMLINE_MODELS`` lists model roots, separated as in ``PATH``; a root may be ComfyUI's ``models`` folder. The data
    folder is ``$XDG_DATA_HOME/hemline/models`` or ``~/.local/share/hemline/models``. Folders need not exist.
    """
    named = [root for root in environment.get("HEMLINE_MODELS", "").split(os.pathsep) if root.strip()]
    data = Path(environment.get("XDG_DATA_HOME") or "~/.local/share") / "hemline" / "models"
    roots = dict.fromkeys(Path(root).expanduser() for root in [*named, data])
    return folders_below(roots)


def _clean_parts(name: str) -> list[str]:
    """The folders and the file of a name, safe on every system. Raises `BadFile` for a name that is refused."""
    if "\0" in name or _is_unencodable(name):
        raise BadFile(f"{name!r} is no file name; use letters, digits, - and _.")
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or re.match(r"[A-Za-z]:", name) or ".." in pure.parts:
        raise BadFile(f"{name!r} leaves the output folder; give a name inside it, without '..' or a root in front.")
    parts = [_clean_part(part) for part in pure.parts]
    if not parts or "" in parts:
        raise BadFile(f"{name!r} is an empty file name; give one with at least one letter.")
    return parts


def _clean_part(part: str) -> str:
    cleaned = _REPLACED_SIGNS.sub("_", part).rstrip(". ")
    return f"_{cleaned}" if _WINDOWS_DEVICES.fullmatch(cleaned) else cleaned


def _is_taken(stem: str, files: Iterable[str]) -> bool:
    return any(file == stem or file.startswith((f"{stem}.", f"{stem}_mask.")) for file in files)


def _is_unencodable(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False

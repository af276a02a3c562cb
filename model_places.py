"""Where users keep their model files, how the files are called in menus, and how such a name is found again.

The folders are those that other node packs, WebUI extensions and Hemline itself use, so that nothing need be moved.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from .errors import BadFile, MissingModel

ENDINGS = (".pt", ".pth", ".safetensors", ".onnx")
Folders = Mapping[str, Sequence[Path]]


class Kind(NamedTuple):
    """A kind of model folder. prefix: stands before its files in menus; below: the folders of a model root."""

    prefix: str
    below: tuple[str, ...]


KINDS: dict[str, Kind] = {
    # The names that ComfyUI's detector packs agree on, and the prefixes by which they show two of them.
    "ultralytics": Kind("", ("ultralytics",)),
    "ultralytics_bbox": Kind("bbox/", ("ultralytics_bbox", "ultralytics/bbox")),
    "ultralytics_segm": Kind("segm/", ("ultralytics_segm", "ultralytics/segm")),
    "sams": Kind("", ("sams",)),
    # SegFormer clothes parsers, as ComfyUI-RMBG and LayerStyle lay them: each with its config.json in a folder.
    "segformer_clothes": Kind("segformer_clothes/", ("RMBG/segformer_clothes", "segformer_clothes")),
    "segformer_fashion": Kind("segformer_fashion/", ("RMBG/segformer_fashion", "segformer_fashion")),
    "segformer_b2_clothes": Kind("segformer_b2_clothes/", ("segformer_b2_clothes",)),
    "segformer_b3_clothes": Kind("segformer_b3_clothes/", ("segformer_b3_clothes",)),
    "segformer_b3_fashion": Kind("segformer_b3_fashion/", ("segformer_b3_fashion",)),
    # SD WebUI's, and the folder in which ComfyUI-RMBG keeps its SAM.
    "adetailer": Kind("adetailer/", ("adetailer",)),
    "sam": Kind("sam/", ("sam", "SAM")),
    # Ours, for anything.
    "hemline": Kind("hemline/", ("hemline",)),
}
"""Kind of model folder -> how it is shown and where it lies."""

DETECTOR_KINDS = (
    "ultralytics", "ultralytics_bbox", "ultralytics_segm", "segformer_clothes", "segformer_fashion",
    "segformer_b2_clothes", "segformer_b3_clothes", "segformer_b3_fashion", "adetailer", "hemline",
)  # fmt: skip
SAM_KINDS = ("sams", "sam", "hemline")


def folders_below(roots: Iterable[Path]) -> dict[str, tuple[Path, ...]]:
    """Kind -> its folders below each of the model roots, whether or not they are there."""
    roots = tuple(roots)
    return {name: tuple(root / below for root in roots for below in kind.below) for name, kind in KINDS.items()}


def list_names(kinds: Iterable[str], folders: Folders) -> tuple[str, ...]:
    """The names of all model files of these kinds, each once, in menu order; ``/`` between folders on every system."""
    found = (menu_name(kind, file) for kind in kinds for folder in folders.get(kind, ()) for file in _walk(folder))
    return in_menu_order(found)


def menu_name(kind: str, file: str) -> str:
    """How a file, given by its path below a folder of this kind, is called in menus."""
    return KINDS[kind].prefix + file.replace("\\", "/")


def in_menu_order(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that end as model files do, each once, sorted."""
    return tuple(sorted({name for name in names if name.lower().endswith(ENDINGS)}, key=lambda name: name.casefold()))


def find_file(name: str, kinds: Sequence[str], folders: Folders, given: Collection[str] = ()) -> Path:
    """The file of this menu name in the first folder that has it, or the file itself that the user has typed in.

    given: names that may be paths to anywhere. Raises `BadFile` for another name that leads out of the folders, and
    `MissingModel`, which names the folders searched, where no file is.
    """
    if name in given and Path(name).is_file():
        return Path(name)
    inside = _checked(name)
    searched: dict[Path, None] = {}
    for kind in kinds:
        if not inside.startswith(KINDS[kind].prefix):
            continue
        for folder in folders.get(kind, ()):
            searched[folder] = None
            path = folder / inside[len(KINDS[kind].prefix) :]
            if path.is_file():
                return path
    places = ", ".join(map(str, searched)) or "no folder, as this host names none"
    raise MissingModel(
        f"the model {name!r} is not there; it was looked for in {places}. Put the file there, or choose another."
    )


def _checked(name: str) -> str:
    """The name with ``/`` between folders. Raises `BadFile` where it is empty or could lead out of a folder."""
    pure = PurePosixPath(name.replace("\\", "/"))
    if not pure.parts or pure.is_absolute() or ".." in pure.parts or "\0" in name or re.match(r"[A-Za-z]:", name):
        raise BadFile(f"{name!r} is no model in a model folder; choose one from the list, without '..' or a root.")
    return str(pure)


def _walk(folder: Path) -> Iterator[str]:
    """The files below a folder, relative to it; links are followed, circles of them once."""
    seen: set[str] = set()
    for place, inner, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        yield from (os.path.relpath(os.path.join(place, file), folder) for file in files if not file.startswith("."))

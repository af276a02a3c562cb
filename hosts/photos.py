"""`hemline mask`: many photos, one after the other, each on its own feet."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from ..context import ModelCache
from ..model_cache import model_budget
from ..tensors import BadFile, HemlineError
from .events import Events
from .headless import run_headless
from .recipes import MaskSettings, mask_workflow

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".avif")


def mask_photos(
    photos: Iterable[Path], output: Path, settings: MaskSettings, *, device: str | None, events: Events
) -> tuple[int, int]:
    """Writes the masks of all photos and returns how many photos were done and how many failed.

    A photo that fails is told and does not stop the others. Raises `BadFile` where there is no photo at all, or two
    would be written to the same name.
    """
    named = name_photos(photos)
    done = failed = 0
    said: set[str] = set()
    models = ModelCache(model_budget(os.environ))
    for name, photo in named.items():
        events.step(photo.name, done + failed, len(named))
        try:
            _mask_photo(photo, name, output, settings, device, events, said, models)
            done += 1
        except HemlineError as error:
            events.fail("failed", f"{photo}: {error}", photo=str(photo))
            failed += 1
    line = f"{done} of {len(named)} photos done, results in {output}"
    events.tell("done", line, done=done, failed=failed, output=str(output))
    return done, failed


def name_photos(photos: Iterable[Path]) -> dict[str, Path]:
    """Result name -> photo. A photo is named by its stem, one from a folder by its path below that folder.

    Two photos that differ only in their suffix keep it in their names. Raises `BadFile` where names still collide, and
    where a folder holds no photo.
    """
    found = [pair for path in photos for pair in _photos_below(path)]
    if not found:
        raise BadFile("no photo was named; name photos or folders that hold some.")
    stems = [name.with_suffix("").as_posix() for name, _ in found]
    named: dict[str, Path] = {}
    for stem, (name, photo) in zip(stems, found, strict=True):
        unique = stem if stems.count(stem) == 1 else f"{stem}_{name.suffix[1:].lower()}"
        if unique in named and named[unique] != photo:
            raise BadFile(f"{named[unique]} and {photo} would both be written as {unique!r}; run them one by one.")
        named[unique] = photo
    return named


def _photos_below(path: Path) -> list[tuple[Path, Path]]:
    """(name below the folder that the user named, photo); a file is taken as it is, whatever its suffix."""
    if not path.is_dir():
        return [(Path(path.name), path)]
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in PHOTO_SUFFIXES and file.is_file())
    if not files:
        raise BadFile(f"{path} holds no photo ({', '.join(PHOTO_SUFFIXES)}).")
    return [(file.relative_to(path), file) for file in files]


def _mask_photo(
    photo: Path, name: str, output: Path, settings: MaskSettings, device: str | None, events: Events, said: set[str],
    models: ModelCache,
) -> None:  # fmt: skip
    """Masks one photo and tells what was found; the method's notes are for people told once, for programs each time."""
    workflow = mask_workflow(str(photo), name, settings)
    results = run_headless(
        workflow, output, given_files=[str(photo), *settings.model_files], device=device, models=models
    )
    garments, _, count, *_ = results["2"].outputs
    files = json.loads(results["5"].outputs[0])["files"]
    text, notes = garments.describe(), list(garments.notes)
    line = "\n".join([f"{photo}: {text}", *(f"  {note}" for note in notes if note not in said)])
    said.update(notes)
    events.tell("photo", line, photo=str(photo), name=name, count=count, files=files, text=text, notes=notes)

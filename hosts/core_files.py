"""ComfyUI's own nodes that read and write pictures, for runs without ComfyUI; see `core_nodes.py`."""

from __future__ import annotations

import re
import time
from pathlib import Path

from torch import Tensor

from ..context import Context
from ..nodes.spec import Port, Result, node
from ..tensors import BadFile, BadWorkflow, as_image, check_name
from .batch_files import split_annotation
from .files import FolderStore
from .headless_context import HeadlessContext
from .pictures import LoadedImage, load_image, to_bytes

CHANNELS = ("alpha", "red", "green", "blue")

# No options: which files there are is known only when the node runs.
_FILE = Port("image", "COMBO", tooltip='File in the input folder; "name [output]" takes it from the output folder.')


@node(
    id="LoadImage",
    name="Load Image",
    category="image",
    inputs=[_FILE],
    outputs=[Port("IMAGE", "IMAGE"), Port("MASK", "MASK")],
)
def load_image_node(image: str, *, context: Context) -> tuple[Tensor, Tensor]:
    """Reads a picture; its mask is 1 - alpha, or 64x64 zeros where it has no alpha."""
    loaded = _load(image, context)
    return loaded.image, loaded.mask


@node(
    id="LoadImageMask",
    name="Load Image (as Mask)",
    category="image",
    inputs=[_FILE, Port("channel", "COMBO", tooltip="What becomes the mask.", default="alpha", options=CHANNELS)],
    outputs=[Port("MASK", "MASK")],
)
def load_image_mask(image: str, channel: str = "alpha", *, context: Context) -> Tensor:
    """Reads one channel of a picture as a mask; alpha comes inverted."""
    check_name("channel", channel, CHANNELS)
    loaded = _load(image, context)
    return loaded.mask if channel == "alpha" else loaded.image[..., CHANNELS.index(channel) - 1]


@node(
    id="SaveImage",
    name="Save Image",
    category="image",
    inputs=[
        Port("images", "IMAGE", tooltip="Pictures to save."),
        Port("filename_prefix", "STRING", tooltip="Start of the file names; may name a folder.", default="ComfyUI"),
    ],
    outputs=[Port("images", "IMAGE")],
    is_output=True,
)
def save_image(images: Tensor, filename_prefix: str = "ComfyUI", *, context: Context) -> Result:
    """Saves pictures as prefix_00001_.png and so on, counting on from the files that are there.

    %width%, %height%, %year%, %month%, %day%, %hour%, %minute%, %second% and %batch_num% are filled in. Levels are
    truncated to 8 bit, not rounded, as in ComfyUI. The workflow is stored in each file.
    """
    headless = _headless(context)
    store = FolderStore(headless.output_folder)
    pictures = as_image(images, "images")
    path = store.path_of(_fill_in(filename_prefix, width=pictures.shape[2], height=pictures.shape[1]))
    name = path.relative_to(store.folder).as_posix()
    counter = _next_counter(path)
    paths: list[Path] = []
    for index, picture in enumerate(pictures):  # one file per picture
        context.check_cancelled()
        file_name = f"{name.replace('%batch_num%', str(index))}_{counter + index:05}_.png"
        paths.append(store.save_pixels(file_name, to_bytes(picture, truncate=True), context.notes))
    return Result((images,), images, tuple(str(path) for path in paths))


@node(
    id="PreviewImage",
    name="Preview Image",
    category="image",
    inputs=[Port("images", "IMAGE", tooltip="Pictures to show.")],
    outputs=[Port("images", "IMAGE")],
    is_output=True,
)
def preview_image(images: Tensor) -> Result:
    """Shows pictures and passes them on; without ComfyUI nothing is written."""
    return Result((images,), images)


def _headless(context: Context) -> HeadlessContext:
    if not isinstance(context, HeadlessContext):
        raise BadWorkflow("This node reads and writes folders; run it with the context of hosts.headless_context.")
    return context


def _load(name: str, context: Context) -> LoadedImage:
    """The picture of this name; outside the input folder only if the user has typed the name himself."""
    headless = _headless(context)
    bare, kind = split_annotation(name)
    if kind == "temp":
        raise BadFile(f"{name!r} lies in ComfyUI's temp folder; save the picture and choose that file.")
    folder = headless.output_folder if kind == "output" else headless.input_folder
    path = folder / bare
    if name in headless.given_files:
        typed = Path(name).expanduser()  # as any command reads it: from the current folder
        return load_image(path if path.exists() and not typed.exists() else typed)
    if "\0" not in name and not path.resolve().is_relative_to(folder.resolve()):
        raise BadFile(f"{name!r} lies outside {folder}; put the picture there, or name it on the command line with -i.")
    return load_image(path)


def _fill_in(prefix: str, *, width: int, height: int) -> str:
    now = time.localtime()
    values = {"width": str(width), "height": str(height), "year": str(now.tm_year)}
    for key, number in zip(("month", "day", "hour", "minute", "second"), now[1:6], strict=True):
        values[key] = f"{number:02}"
    return re.sub("%(" + "|".join(values) + ")%", lambda found: values[found[1]], prefix)


def _next_counter(path: Path) -> int:
    """One more than the highest number among the files ``<path>_<number>_.png``; 1 where there are none."""
    stem = re.escape(path.name).replace("%batch_num%", r"\d+")
    pattern = re.compile(rf"{stem}_(\d+)(?:[_.].*)?", re.IGNORECASE)
    names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    return max((int(found[1]) for found in map(pattern.fullmatch, names) if found), default=0) + 1

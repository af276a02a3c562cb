"""Context: all that a node ever knows of its host."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import torch
from torch import Tensor

from .model_cache import ModelCache as ModelCache

# What pictures' embeddings may take, in bytes: about sixty pictures of a SAM.
EMBEDDINGS_BUDGET = 2**28


class TensorCache:
    """Tensors that were computed once, as many as fit a budget; threads may share it.

    budget_bytes: what the tensors may take together. The one that was asked for longest ago goes first; one that is
    larger than the whole budget is not kept.
    """

    def __init__(self, budget_bytes: int = EMBEDDINGS_BUDGET) -> None:
        self.budget_bytes = budget_bytes
        self._held: OrderedDict[Hashable, Tensor] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """What the kept tensors take."""
        return self._bytes

    def get(self, key: Hashable) -> Tensor | None:
        """The tensor that was kept under the key, not a copy; None where it has gone or never was."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key]

    def put(self, key: Hashable, tensor: Tensor) -> None:
        """Keeps the tensor under the key in place of what was there; it must not be written to afterwards."""
        tensor = tensor.detach()
        if tensor.untyped_storage().nbytes() != _bytes(tensor):
            tensor = tensor.clone()  # a view would keep alive what it is a part of
        with self._lock:
            self._drop(key)
            if _bytes(tensor) > self.budget_bytes:
                return
            while self._bytes + _bytes(tensor) > self.budget_bytes:
                self._drop(next(iter(self._held)))
            self._held[key] = tensor
            self._bytes += _bytes(tensor)

    def clear(self) -> None:
        """Forgets every tensor."""
        with self._lock:
            self._held.clear()
            self._bytes = 0

    def _drop(self, key: Hashable) -> None:
        if key in self._held:
            self._bytes -= _bytes(self._held.pop(key))


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


@dataclass(frozen=True)
class PictureLayer:
    """One layer of a layered picture.

    image: straight ``[h,w,3|4]``, its top left corner at x, y of the picture. mask: ``[h,w]``, what is seen of it, kept
    as a mask that can be painted on. opacity: 0..1. mode: a blend mode of Photoshop's. group: of the folder that it
    lies in together with its neighbours of that group.
    """

    name: str
    image: Tensor
    x: int = 0
    y: int = 0
    mask: Tensor | None = None
    opacity: float = 1.0
    mode: str = "normal"
    visible: bool = True
    group: str = ""


class Store(Protocol):
    """Where results are kept. A host implements it; nothing that a node writes leaves the host's output folder."""

    def save_image(
        self, name: str, image: Tensor, *, suffix: str = ".png", bits: Literal[8, 16] = 8,
        notes: Mapping[str, str] | None = None,
    ) -> Path:  # fmt: skip
        """Writes one image ``[H,W,C]`` (C 3 or 4) or mask ``[H,W]`` and returns its path.

        `name` is a path relative to the output folder, without suffix. suffix: ".png" of 8 or 16 bits, ".webp" without
        loss, or ".jpg". notes: texts by name, which PNG and WebP keep. Raises `BadFile` where it cannot be written or
        would leave the folder; then no file stays.
        """
        ...

    def save_psd(self, name: str, merged: Tensor, layers: Sequence[PictureLayer], *, bits: Literal[8, 16] = 8) -> Path:
        """Writes layers, the lowest first, and how they look together ``[H,W,3|4]`` as PSD; raises as `save_image`."""
        ...

    def unused_name(self, name: str, first_file: str = "{}") -> str:
        """`name`, or `name` with the first number that no saved set of that name has yet, such as "coat_2".

        first_file: what the file that shows a set is called beside `name`, {} standing for its last part.
        """
        ...

    def save_text(self, name: str, text: str) -> Path:
        """Writes a text file; `name` carries its suffix. Raises as `save_image` does."""
        ...


class PictureSource(Protocol):
    """A folder or an archive of pictures, opened for reading. Names are relative to it, with ``/`` between folders."""

    @property
    def label(self) -> str:
        """How messages call it."""
        ...

    @property
    def job_text(self) -> str | None:
        """The text of the job file by which the source was named; None where it was named itself."""
        ...

    def find(self, pattern: str) -> Sequence[str]:
        """The pictures that a `pairing.Pattern` finds, in any order. Raises `BadFile`, for links that lead out too."""
        ...

    def stamp(self, name: str) -> str:
        """A text that changes when the file does."""
        ...

    def read_image(self, name: str) -> tuple[Tensor, Tensor | None]:
        """Colours ``[1,H,W,3]`` and alpha ``[1,H,W]``, None where there is none; float32 on the CPU at full depth.

        Turned upright by EXIF, sRGB-encoded, straight alpha. Raises `BadFile` with the file's name.
        """
        ...

    def read_mask(self, name: str, height: int, width: int, *, channel: str, fit: str) -> Tensor:
        """One channel ("luma" or "alpha") as a mask ``[1,height,width]``, float32 on the CPU at full depth.

        fit: of another size, "error" or "stretch". Raises `BadFile`, and `ShapeError` for another size.
        """
        ...


class PictureSources(Protocol):
    """Where pictures come from. A host implements it; nothing outside its input and output folders is read."""

    def open(self, source: str) -> AbstractContextManager[PictureSource]:
        """The folder, archive or job file of that name below the input folder; "" is that folder itself.

        "name [output]" lies below the output folder. Raises `BadFile` where it is not there or leads out.
        """
        ...

    def existing_results(self, names: Sequence[str]) -> frozenset[str]:
        """Those of the names of which a file lies in the output folder; ``*`` and ``?`` are wildcards in the last part.

        Raises `BadFile` for a name that leads out.
        """
        ...


class Lettering(Protocol):
    """Turns a short text into a coverage mask, because torch has no fonts."""

    def __call__(self, text: str, height_px: int) -> Tensor:
        """Coverage ``[h,w]``, 0..1, float32 on the CPU, of `text` in letters about `height_px` pixels high."""
        ...


@dataclass(frozen=True)
class Answer:
    """What a person has said to a node that waits. text: the widget's new value, None where nobody could be asked.

    reason: why nobody could.
    """

    text: str | None
    reason: str = ""


class Ask(Protocol):
    """Stops a run at a node until a person has answered there."""

    def __call__(
        self, widget: str, images: Tensor, *, data: Mapping[str, str], pictures: Mapping[str, Tensor],
        check: Callable[[str], object],
    ) -> Answer:  # fmt: skip
        """Shows images, data and pictures on the running node, as a `Result` of it would, and waits for OK there.

        The answer is the value of its text widget of that name then. check: raises `HemlineError` for a text that is no
        value; it is refused then, and waiting goes on. Raises the host's interruption on Stop and on Cancel.
        """
        ...


@dataclass(frozen=True)
class Context:
    """What a host lends to a node while it runs.

    device: where heavy work is to be done.
    store, lettering: see their protocols.
    progress: called with (done, total) by nodes that take long.
    check_cancelled: raises the host's own interruption if the user has asked to stop; nodes poll it per image and
        per tile and never catch what it raises.
    model_folders: kind of model -> folders that are searched for it, first hit wins.
    models: what was loaded before; the host's own, so that the next node or photo need not load again.
    notes: the workflow that is being run, as JSON texts by the names under which ComfyUI keeps them in pictures:
        "prompt" (API format) and, where there is one, "workflow" (UI format).
    sources: see its protocol; None on a host that lends no folders.
    embeddings: what a SAM saw in pictures, so that it need not look at them again.
    given_files: file names typed in by the user; only these may lie outside the host's folders, because a workflow from
        a stranger must not read other files.
    has_viewer: whether a browser shows the nodes, so that what their widgets there want is worth making.
    ask: see its protocol; None on a host without a page.
    """

    device: torch.device
    store: Store
    lettering: Lettering
    progress: Callable[[int, int], None] = lambda done, total: None
    check_cancelled: Callable[[], None] = lambda: None
    model_folders: Mapping[str, tuple[Path, ...]] = field(default_factory=dict[str, tuple[Path, ...]])
    models: ModelCache = field(default_factory=ModelCache)
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    sources: PictureSources | None = None
    embeddings: TensorCache = field(default_factory=TensorCache)
    given_files: frozenset[str] = frozenset()
    has_viewer: bool = False
    ask: Ask | None = None

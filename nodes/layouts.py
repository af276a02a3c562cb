"""How a saved set lies in folders: Hemline's own files side by side, or what a trainer, a WebUI or a service reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ..blending.compare import cut_out
from ..blending.foreground import estimate_foreground
from ..blending.tryon import prepare_tryon
from ..blending.tryon_contract import contract_lines
from ..blending.tryon_targets import tryon_target
from ..segmentation.garments import Garment

Bits = Literal[8, 16]
CUTOUT_FORMATS: dict[str, tuple[str, Bits]] = {"PNG": (".png", 8), "PNG 16 bit": (".png", 16), "WebP": (".webp", 8)}
FROM_LABEL = "from the label"
DRESSCODE_CATEGORIES = ("upper_body", "lower_body", "dresses")
CATEGORIES = (FROM_LABEL, *DRESSCODE_CATEGORIES)
_CATEGORY_OF_LABEL = {
    "upper": "upper_body", "outer": "upper_body", "dress": "dresses",
    "pants": "lower_body", "skirt": "lower_body", "lower": "lower_body",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One picture with one mask, to be laid out.

    image: ``[1,H,W,C]``. mask: ``[1,H,W]``. overlay: ``[H,W,3]`` to be saved with it, or None. cloth: the garment's own
    picture ``[1,h,w,C]`` or None. category: of DressCode. cutout_format: one of `CUTOUT_FORMATS`. clean_edges: take the
    background's colour out of the cut-out's soft edges.
    """

    image: Tensor
    mask: Tensor
    overlay: Tensor | None = None
    cloth: Tensor | None = None
    category: str = ""
    cutout_format: str = "PNG"
    clean_edges: bool = False


class File(NamedTuple):
    """A picture ``[H,W,C]`` or mask ``[H,W]`` to be saved; `name` stands beside the set's own, {} for its last part."""

    name: str
    image: Tensor
    suffix: str = ".png"
    bits: Bits = 8


class Layout(NamedTuple):
    """lay_out: an entry's files by what they are, and lines for the user. first_file: as in `Store.unused_name`, with
    {category} where `by_category`.
    """

    first_file: str
    lay_out: Callable[[Entry], tuple[dict[str, File], tuple[str, ...]]]

    @property
    def by_category(self) -> bool:
        """Whether files lie in folders of the garment's category."""
        return "{category}" in self.first_file


def cut_out_entry(entry: Entry) -> Tensor:
    """The picture ``[H,W,4]`` with the mask as its straight alpha."""
    image = entry.image
    if entry.clean_edges:
        image = torch.cat([estimate_foreground(image, entry.mask), image[..., 3:]], dim=-1)
    return cut_out(image, entry.mask)[0]


def dresscode_category(choice: str, items: Iterable[Garment]) -> str:
    """The category that was chosen, or that of the largest garment which has one; "" where none has."""
    if choice != FROM_LABEL:
        return choice
    known = [item for item in items if item.label in _CATEGORY_OF_LABEL]
    largest = max(known, key=lambda item: float(item.mask.sum()), default=None)
    return _CATEGORY_OF_LABEL[largest.label] if largest else ""


def _plain(entry: Entry) -> tuple[dict[str, File], tuple[str, ...]]:
    files = {"mask": File("{}_mask", entry.mask[0])}
    if entry.overlay is not None:
        files["overlay"] = File("{}_overlay", entry.overlay)
    files["cutout"] = File("{}_cutout", cut_out_entry(entry), *CUTOUT_FORMATS[entry.cutout_format])
    return files, ()


def _folders(target: str, paths: Mapping[str, str] | None = None) -> Layout:
    """The layout of a target's folders; paths: piece -> path where the target names none itself."""
    record = tryon_target(target)
    chosen = dict(record.files) if paths is None else dict(paths)

    def lay_out(entry: Entry) -> tuple[dict[str, File], tuple[str, ...]]:
        inputs = prepare_tryon(entry.image, entry.cloth, entry.mask, target=target)
        pieces = {piece: getattr(inputs, piece) for piece in chosen}
        files = {
            piece: _file(path, pieces[piece][0], entry.category)
            for piece, path in chosen.items()
            if pieces[piece] is not None
        }
        return files, contract_lines(inputs.contract)

    first_file = next(iter(chosen.values())).rpartition(".")[0]
    return Layout(first_file.replace("{id}", "{}"), lay_out)


def _file(path: str, image: Tensor, category: str) -> File:
    stem, _, suffix = path.rpartition(".")
    return File(stem.replace("{category}", category).replace("{id}", "{}"), image, f".{suffix}")


LAYOUTS: dict[str, Layout] = {
    "plain": Layout("{}", _plain),
    "A1111 batch": _folders("A1111 batch folder"),
    "VITON-HD": _folders("VITON-HD folder"),
    "DressCode": _folders("DressCode folder"),
    "alpha hole": _folders("FLUX.1 Fill API", {"agnostic": "alpha_hole/{id}.png"}),
}

"""The files of a saved set: masks and cut-outs in their layout, layers, annotations and the description."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from torch import Tensor

from ..blending.compare import PALETTE
from ..context import Context
from ..segmentation.annotations.write import UNNAMED, AnnotatedPicture, coco_instances, labelme_shapes, svg_outlines
from ..segmentation.garments import Garment, Garments, mask_box
from ..segmentation.polygons import garment_outlines
from ..segmentation.vocabulary import LEGEND
from ..tensors import HemlineError, check_name
from .file_names import FreeNames, check_template, fill_template
from .layers import picture_layers
from .layouts import (
    CATEGORIES,
    CUTOUT_FORMATS,
    FROM_LABEL,
    LAYOUTS,
    Bits,
    Entry,
    File,
    dresscode_category,
)
from .versions import versions

ALL = "all"
ANNOTATIONS = ("none", "COCO", "LabelMe", "SVG", ALL)
PSD_BITS: dict[str, Bits | None] = {"none": None, "8 bit": 8, "16 bit": 16}


@dataclass(frozen=True)
class SetOptions:
    """What is saved and how; each is the widget of that name on Save Garment Set."""

    name: str = "garment"
    each_garment: bool = False
    overwrite: bool = False
    labels: bool = False
    save_image: bool = False
    template: str = ""
    layout: str = "plain"
    category: str = FROM_LABEL
    cutout_format: str = "PNG"
    clean_edges: bool = False
    annotations: str = "none"
    psd: str = "none"
    metadata: bool = True

    def __post_init__(self) -> None:
        check_template(self.template)
        check_name("Layout", self.layout, LAYOUTS)
        check_name("Category", self.category, CATEGORIES)
        check_name("Format of cut-outs", self.cutout_format, CUTOUT_FORMATS)
        check_name("Annotations", self.annotations, ANNOTATIONS)
        check_name("PSD", self.psd, PSD_BITS)

    def wants(self, annotations: str) -> bool:
        """Whether annotations of this kind are to be saved."""
        return self.annotations in (annotations, ALL)


@dataclass(frozen=True)
class Subject:
    """One picture of the batch and what is known of it.

    index: its place in the batch. image: ``[1,H,W,C]``. mask: ``[1,H,W]``. overlay: ``[H,W,3]``. cloth: the garment's
    own picture ``[1,h,w,C]`` or None.
    """

    index: int
    image: Tensor
    mask: Tensor
    overlay: Tensor
    garments: Garments | None
    cloth: Tensor | None

    @property
    def items(self) -> tuple[Garment, ...]:
        """The garments that were found in this picture."""
        return self.garments.of_image(self.index).items if self.garments is not None else ()

    def annotated(self, file_name: str) -> AnnotatedPicture:
        """The picture for annotations: its garments, or the whole mask as one without a label."""
        items = self.items
        box = mask_box(self.mask[0])
        if self.garments is None and box is not None:
            items = (Garment(self.mask[0], UNNAMED, 1.0, box),)
        return AnnotatedPicture(file_name, self.mask.shape[2], self.mask.shape[1], items)


@dataclass(frozen=True)
class SetWriter:
    """Writes sets of files, one for each picture, and what describes all of them.

    lines: what the user is told. annotated: the pictures so far. taken: names that this run has given.
    """

    options: SetOptions
    context: Context
    lines: list[str] = field(default_factory=list[str])
    annotated: list[AnnotatedPicture] = field(default_factory=list[AnnotatedPicture])
    taken: set[str] = field(default_factory=set[str])

    def write(self, subject: Subject, stem: str) -> dict[str, object]:
        """Writes all files of one picture, their names beginning with `stem`, and returns their description."""
        category = self._category(subject.garments, subject.items)
        if category is None:
            stem, files = self._names.take(stem, "{}"), self._leave_out(stem)
        else:
            stem = self._names.take(stem, "{}", self._first_file(category))
            files = self._lay_out(subject, stem, stem, subject.mask, subject.overlay, category)
        if self.options.each_garment:
            for number, item in enumerate(subject.items, start=1):
                files |= self._lay_out_garment(subject, stem, item, number)
        files |= {key: self._save(stem, stem, file) for key, file in self._extras(subject).items()}
        files |= self._save_layers(subject, stem)
        files |= self._annotate(subject, stem, files.get("image", f"{stem.rpartition('/')[2]}.png"))
        report = describe_set(subject.mask[0], subject.garments, subject.index, files)
        report |= {"legend": dict(enumerate(LEGEND))} if self.options.labels else {}
        self._save_json(stem, report)
        return {**report, "name": stem}

    def finish(self) -> None:
        """Writes what describes all pictures together."""
        if self.options.wants("COCO"):
            name = self._names.take(f"{self.options.name}_coco", "{}")
            self.lines.append(f"COCO: {self._save_json(name, coco_instances(self.annotated))}")

    @property
    def _names(self) -> FreeNames:
        return FreeNames(self.context.store, self.options.overwrite, self.taken)

    def _category(self, garments: Garments | None, items: Iterable[Garment]) -> str | None:
        """The category of a mask in a layout that wants one, else ""; None where none can be told."""
        options = self.options
        if not LAYOUTS[options.layout].by_category:
            return ""
        category = dresscode_category(options.category, items)
        if not category and garments is None:
            choices = ", ".join(CATEGORIES[1:])
            raise HemlineError(f"{options.layout} wants a category: connect garments, or set category to {choices}.")
        return category or None

    def _leave_out(self, what: str) -> dict[str, str]:
        line = f"{what} is left out: {self.options.layout} has no category for it"
        self.lines.extend([line] if line not in self.lines else [])
        return {}

    def _first_file(self, category: str) -> str:
        return LAYOUTS[self.options.layout].first_file.replace("{category}", category)

    def _lay_out_garment(self, subject: Subject, stem: str, item: Garment, number: int) -> dict[str, str]:
        category = self._category(subject.garments, [item])
        if category is None:
            return self._leave_out(item.label)
        folder, slash, name = stem.rpartition("/")
        height, width = item.mask.shape
        filled = fill_template(self.options.template, {
            "name": name, "label": item.label, "n": number, "score": round(100 * item.score),
            "person": item.person + 1, "image": subject.index + 1, "width": width, "height": height,
        })  # fmt: skip
        own = self._names.take(folder + slash + filled, self._first_file(category))
        files = self._lay_out(subject, stem, own, item.mask.unsqueeze(0), None, category)
        return {f"{item.label}_{number}_{key}": file for key, file in files.items()}

    def _lay_out(
        self, subject: Subject, stem: str, own: str, mask: Tensor, overlay: Tensor | None, category: str
    ) -> dict[str, str]:
        """The files of one mask under the name `own`, by what they are."""
        options = self.options
        entry = Entry(subject.image, mask, overlay, subject.cloth, category, options.cutout_format, options.clean_edges)
        files, lines = LAYOUTS[options.layout].lay_out(entry)
        self.lines.extend(line for line in lines if line not in self.lines)
        return {key: self._save(stem, own, file) for key, file in files.items()}

    def _extras(self, subject: Subject) -> dict[str, File]:
        files: dict[str, File] = {}
        if self.options.save_image:
            files["image"] = File("{}", subject.image[0], bits=CUTOUT_FORMATS[self.options.cutout_format][1])
        if self.options.labels:
            files["labels"] = File("{}_labels", labels_of(subject.garments, subject.index).float() / 255)
        return files

    def _save_layers(self, subject: Subject, stem: str) -> dict[str, str]:
        bits = PSD_BITS[self.options.psd]
        if bits is None:
            return {}
        layers = picture_layers(subject.image[0], subject.mask[0], subject.items, bits)
        return {"psd": self.context.store.save_psd(stem, subject.image[0], layers, bits=bits).name}

    def _annotate(self, subject: Subject, stem: str, file_name: str) -> dict[str, str]:
        if self.options.annotations == "none":
            return {}
        picture = subject.annotated(file_name)
        self.annotated.append(picture)
        files: dict[str, str] = {}
        if self.options.wants("LabelMe"):
            files["labelme"] = self._save_json(f"{stem}_labelme", labelme_shapes(picture))
        if self.options.wants("SVG"):
            files["svg"] = self.context.store.save_text(f"{stem}.svg", svg_outlines(picture, PALETTE)).name
        return files

    def _save(self, stem: str, own: str, file: File) -> str:
        """Saves the file under the name `own`; its path as seen from the set's description, which is called `stem`."""
        folder, slash, name = own.rpartition("/")
        full = folder + slash + file.name.format(name)
        notes = self.context.notes if self.options.metadata else None
        path = self.context.store.save_image(full, file.image, suffix=file.suffix, bits=file.bits, notes=notes)
        deeper = len(PurePosixPath(full).parts) - len(PurePosixPath(stem).parts)
        return "/".join(path.parts[-1 - deeper :])

    def _save_json(self, name: str, values: Mapping[str, object]) -> str:
        return self.context.store.save_text(f"{name}.json", json.dumps(values, indent=2) + "\n").name


def describe_set(mask: Tensor, garments: Garments | None, index: int, files: dict[str, str]) -> dict[str, object]:
    """The plain JSON values that describe one saved picture: sizes, versions, files, and what was found in it."""
    height, width = mask.shape
    return {
        "versions": versions(),
        "width": width,
        "height": height,
        "files": files,
        "mask": {"share": round(float(mask.float().mean()), 6), "polygons": garment_outlines(mask)},
        "method": garments.method if garments is not None else "mask given",
        "notes": list(garments.notes) if garments is not None else [],
        "garments": garments.of_image(index).entries() if garments is not None else [],
    }


def labels_of(garments: Garments | None, index: int) -> Tensor:
    """What lies at each pixel of one picture ``[H,W]``; raises `HemlineError` where nobody knows."""
    if garments is None or garments.labels is None:
        got = "no garments are connected" if garments is None else f"the method {garments.method!r} does not tell them"
        raise HemlineError(f"labels cannot be saved: {got}; connect Detect Garments with method = 'parser'.")
    return garments.labels[min(index, len(garments.labels) - 1)]

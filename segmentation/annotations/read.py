"""Garments out of annotations that somebody else made, or that were saved before: COCO, LabelMe, SVG, and reports."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
import torch
from torch import Tensor

from ...tensors import BadFile, RangeError, ShapeError, UnknownName, check_name, unknown_name
from ..garments import Garment, Garments, mask_box
from ..polygons import FillRule, Points, fill_polygons
from ..taxonomies import BACKGROUND, find_label
from ..vocabulary import LABELS, PART_LABELS
from .json_fields import MOST_CHARACTERS, Field, parse_json
from .run_lengths import mask_from_runs, unpack_counts
from .svg_paths import read_svg
from .write import UNNAMED

# A side and a picture no larger than this, all masks together no larger than 2 GiB, and no more to draw than seconds.
LONGEST_SIDE, MOST_PIXELS, MOST_VALUES, MOST_DRAWN = 1 << 16, 1 << 28, 1 << 29, 1 << 32
MOST_GARMENTS = 10_000
LABELME_SHAPES = ("polygon", "rectangle", "circle")


@dataclass(frozen=True)
class _Entry:
    """What a file says of one garment. draw: makes its mask ``[height,width]``, given those."""

    place: str
    word: str
    draw: Callable[[_Canvas], Tensor]
    score: float = 1.0
    image: int = 0
    person: int = 0
    native: str = ""


@dataclass(frozen=True)
class _Source:
    """A file in one of the formats: its name, the picture's size where it says so, and its entries."""

    name: str
    width: int | None
    height: int | None
    batch: int
    entries: Iterable[_Entry]
    notes: tuple[str, ...] = ()


@dataclass
class _Canvas:
    """Draws masks of one size and keeps count of the work."""

    width: int
    height: int
    drawn: int = 0

    def fill(self, outlines: Sequence[Points], rule: FillRule = "evenodd") -> Tensor:
        """A mask of all the outlines together."""
        self._count(self.width * self.height)
        return fill_polygons(outlines, self.height, self.width, rule=rule)

    def unite(self, parts: Iterable[Points]) -> Tensor:
        """A mask of what lies in any of the outlines."""
        mask = torch.zeros(self.height, self.width)
        for part in parts:
            low = np.clip(np.floor(part.min(0)), 0, (self.width, self.height)).astype(int)
            high = np.clip(np.ceil(part.max(0)), 0, (self.width, self.height)).astype(int)
            (x0, y0), (x1, y1) = low.tolist(), high.tolist()
            if x1 > x0 and y1 > y0:
                self._count((x1 - x0) * (y1 - y0))
                here = mask[y0:y1, x0:x1]
                torch.maximum(here, fill_polygons([part - low], y1 - y0, x1 - x0), out=here)
        return mask

    def disk(self, x: float, y: float, radius: float) -> Tensor:
        """A mask of a disk."""
        self._count(self.width * self.height)
        across = torch.arange(self.width, dtype=torch.float64) + 0.5 - x
        down = torch.arange(self.height, dtype=torch.float64) + 0.5 - y
        return (torch.hypot(across, down.unsqueeze(1)) <= radius).float()

    def _count(self, pixels: int) -> None:
        self.drawn += pixels
        if self.drawn > MOST_DRAWN:
            raise RangeError(f"the annotations draw more than {MOST_DRAWN} pixels; give fewer or smaller ones.")


def garments_from_annotations(
    text: str, width: int | None = None, height: int | None = None, *, picture: str = "",
    labels: Sequence[str] | None = None, meanings: Mapping[str, str] | None = None,
) -> Garments:  # fmt: skip
    """The garments that a text describes: COCO instances, LabelMe, SVG, or the report of Detect Garments or Save
    Garment Set, told apart by what is in it; float32 masks of 0 and 1 on the CPU.

    COCO: polygons and run lengths, plain or packed. LabelMe: polygons, rectangles, circles; those of one label and
    group are one garment. SVG: paths of straight lines (`svg_paths.read_svg`). width, height: of the picture in px,
    where it is known; a file of another size is refused. picture: the file name of one picture of a COCO file, with or
    without folder and suffix; without it all of them, which then have to be of one size, are a batch. labels: the
    canonical labels wanted, all if None. meanings: native word -> canonical label or "background", before what
    `taxonomies.find_label` says. Parts of the body ("hair", "face") become parts. What nobody knows is left out, and
    the notes say so.

    Raises `BadFile` with the line or the field for anything that is not as it should be, `ShapeError` for another size,
    `UnknownName` for a picture or a meaning that is not there.
    """
    for meaning in (meanings or {}).values():
        check_name("Label", meaning, (BACKGROUND, *LABELS))
    source = _read(text, picture)
    canvas = _canvas(source, width, height)
    collected = _Collected(canvas, source.batch, meanings or {}, labels)
    for entry in source.entries:
        collected.add(entry)
    return Garments(
        canvas.width, canvas.height, source.batch, tuple(collected.items), f"annotations ({source.name})",
        parts=collected.parts, notes=(*source.notes, *collected.notes()),
    )  # fmt: skip


def _read(text: str, picture: str) -> _Source:
    if len(text) > MOST_CHARACTERS:
        raise BadFile(f"the annotations have {len(text)} characters; {MOST_CHARACTERS} at most are read.")
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        return _read_svg(text)
    root = parse_json(text)
    if "annotations" in root or "images" in root:
        return _read_coco(root, picture)
    if "shapes" in root:
        return _read_labelme(root)
    if "garments" in root:
        return _read_report(root)
    raise BadFile(
        "the JSON is none that is known: COCO instances have 'images' and 'annotations', LabelMe 'shapes', a report of "
        "Detect Garments or Save Garment Set 'garments'."
    )


def _canvas(source: _Source, width: int | None, height: int | None) -> _Canvas:
    sides: list[int] = []
    for side, said, known in (("width", source.width, width), ("height", source.height, height)):
        if said is None and known is None:
            raise BadFile(f"the {source.name} annotations do not say the picture's {side}; give it.")
        if said is not None and known is not None and said != known:
            raise ShapeError(
                f"the {source.name} annotations are of a picture with {side} {said}, this one has {known}; give the "
                "picture that was annotated."
            )
        sides.append(said if said is not None else known or 0)
    if min(sides) < 1 or max(sides) > LONGEST_SIDE or math.prod(sides) > MOST_PIXELS:
        raise BadFile(f"the picture is {sides[0]}x{sides[1]}; 1 to {MOST_PIXELS} pixels are read.")
    if source.batch * math.prod(sides) > MOST_VALUES:
        raise BadFile(f"{source.batch} pictures of {sides[0]}x{sides[1]} are too many at once; name one of them.")
    return _Canvas(*sides)


@dataclass
class _Collected:
    """Garments and parts so far, and the words that were left out."""

    canvas: _Canvas
    batch: int
    meanings: Mapping[str, str]
    labels: Sequence[str] | None
    items: list[Garment] = field(default_factory=list[Garment])
    parts: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    unknown: dict[str, int] = field(default_factory=dict[str, int])
    empty: int = 0

    def add(self, entry: _Entry) -> None:
        """Draws the entry, unless its label is not wanted."""
        label = self._label(entry.word)
        if label is None or (self.labels is not None and label not in self.labels):
            return
        planes = (len(self.items) + 1) + len(self.parts) * self.batch
        if planes * self.canvas.width * self.canvas.height > MOST_VALUES or len(self.items) >= MOST_GARMENTS:
            raise BadFile(f"{entry.place}: too many garments for the memory; read fewer labels or pictures at once.")
        try:
            mask = entry.draw(self.canvas)
        except RangeError as error:
            raise BadFile(f"{entry.place}: {error}") from error
        box = mask_box(mask)
        if box is None:
            self.empty += 1
        elif label in PART_LABELS:
            blank = torch.zeros(self.batch, self.canvas.height, self.canvas.width)
            plane = self.parts.setdefault(label, blank)[entry.image]
            torch.maximum(plane, mask, out=plane)
        else:
            native = entry.native or (entry.word if entry.word != label else "")
            self.items.append(Garment(mask, label, entry.score, box, entry.image, entry.person, native))

    def notes(self) -> Iterator[str]:
        """What the user should know of what was left out."""
        for word, count in self.unknown.items():
            yield f"{count} of {word!r} left out: nobody knows the word; say what it means, such as {word!r} = upper"
        if self.empty:
            yield f"{self.empty} left out: they cover no pixel of the picture"

    def _label(self, word: str) -> str | None:
        plain = word.strip().lower()
        meant = {name.strip().lower(): label for name, label in self.meanings.items()}.get(plain)
        try:
            label = UNNAMED if plain in ("", UNNAMED) and meant is None else meant or find_label(word)
        except UnknownName:
            self.unknown[word] = self.unknown.get(word, 0) + 1
            return None
        return None if label == BACKGROUND else label


# --- COCO ------------------------------------------------------------------------------------------------------------


def _read_coco(root: Field, picture: str) -> _Source:
    categories = {one["id"].whole(): one["name"].text() for one in root["categories"].items()}
    images = list(root["images"].items())
    numbers = {one["id"].whole(): number for number, one in enumerate(images)}
    if len(numbers) < len(images):
        root["images"].fail("a list of images with an id of their own each")
    if picture:
        images = [_named(images, picture)]
    sizes = {(one["width"].whole(low=1), one["height"].whole(low=1)) for one in images}
    if len(sizes) != 1:
        raise BadFile(f"the COCO file holds pictures of {len(sizes)} sizes; name the one that is wanted.")
    chosen = {one["id"].whole(): number for number, one in enumerate(images)}
    width, height = sizes.pop()
    wanted: list[Field] = []
    bare = 0
    for one in root["annotations"].items():
        image = one["image_id"].whole()
        if image not in numbers:
            one["image_id"].fail("the id of one of the images")
        if one["category_id"].whole() not in categories:
            one["category_id"].fail("the id of one of the categories")
        if image in chosen and one["segmentation"].value in (None, []):
            bare += 1
        elif image in chosen:
            wanted.append(one)
    notes = (f"{bare} left out: they have a box but no mask",) if bare else ()
    entries = (
        _Entry(
            one.place, categories[one["category_id"].whole()], _coco_mask(one["segmentation"]),
            one["score"].number(1.0, low=0, high=1), chosen[one["image_id"].whole()],
        )
        for one in wanted
    )  # fmt: skip
    return _Source("COCO", width, height, len(images), entries, notes)


def _named(images: Sequence[Field], picture: str) -> Field:
    """The image of that file name; without folder, or without suffix too, if only one is called so."""
    names = [image["file_name"].text() for image in images]
    paths = [PurePosixPath(name) for name in names]
    for forms in (names, [path.name for path in paths], [path.stem for path in paths]):
        if forms.count(picture) == 1:
            return images[forms.index(picture)]
    raise unknown_name("Picture", picture, names)


def _coco_mask(segmentation: Field) -> Callable[[_Canvas], Tensor]:
    if isinstance(segmentation.value, list):
        return lambda canvas: canvas.unite(part.points() for part in segmentation.items())
    counts = segmentation["counts"]

    def draw(canvas: _Canvas) -> Tensor:
        size = [side.whole() for side in segmentation["size"].items()]
        if size != [canvas.height, canvas.width]:
            segmentation["size"].fail(f"[{canvas.height}, {canvas.width}], the picture's height and width")
        runs = unpack_counts(counts.value) if isinstance(counts.value, str) else counts.counts()
        return mask_from_runs(runs, *size)

    return draw


# --- LabelMe ---------------------------------------------------------------------------------------------------------


def _read_labelme(root: Field) -> _Source:
    width, height = (root[name].whole(0) or None for name in ("imageWidth", "imageHeight"))
    groups: dict[object, list[Field]] = {}
    for number, shape in enumerate(root["shapes"].items()):
        kind = shape["shape_type"].text("polygon")
        if kind not in LABELME_SHAPES:
            shape["shape_type"].fail("polygon, rectangle or circle; save other shapes as polygons")
        group = (shape["label"].text(), shape["group_id"].whole()) if "group_id" in shape else number
        groups.setdefault(group, []).append(shape)
    entries = (
        _Entry(shapes[0].place, shapes[0]["label"].text(), _labelme_mask(shapes), _score_of(shapes[0]))
        for shapes in groups.values()
    )
    return _Source("LabelMe", width, height, 1, entries)


def _labelme_mask(shapes: Sequence[Field]) -> Callable[[_Canvas], Tensor]:
    def draw(canvas: _Canvas) -> Tensor:
        mask = canvas.unite(_corners(shape) for shape in shapes if shape["shape_type"].text("polygon") != "circle")
        for shape in shapes:
            if shape["shape_type"].text("polygon") == "circle":
                (x, y), rim = _pair(shape)
                mask = torch.maximum(mask, canvas.disk(x, y, math.dist((x, y), rim)))
        return mask

    return draw


def _corners(shape: Field) -> Points:
    if shape["shape_type"].text("polygon") == "polygon":
        return shape["points"].points()
    (x0, y0), (x1, y1) = _pair(shape)
    return np.asarray([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _pair(shape: Field) -> tuple[tuple[float, float], tuple[float, float]]:
    pairs = [[number.number() for number in point.items()] for point in shape["points"].items()]
    if [len(pair) for pair in pairs] != [2, 2]:
        shape["points"].fail("two points of two numbers each")
    (x0, y0), (x1, y1) = pairs
    return (x0, y0), (x1, y1)


def _score_of(shape: Field) -> float:
    """The score that we write into LabelMe's description."""
    found = re.search(r"\bscore ([01](?:\.\d+)?)\b", shape["description"].text(""))
    return min(float(found[1]), 1.0) if found else 1.0


# --- SVG and our own reports -----------------------------------------------------------------------------------------


def _read_svg(text: str) -> _Source:
    found = read_svg(text)

    def entry(number: int) -> _Entry:
        path = found.paths[number]
        return _Entry(f"line {path.line}", path.word, lambda canvas: canvas.fill(path.outlines, path.rule), path.score)

    return _Source("SVG", found.width, found.height, 1, map(entry, range(len(found.paths))))


def _read_report(root: Field) -> _Source:
    width, height = (root[name].whole(low=1) for name in ("width", "height"))
    batch = root["batch"].whole(low=1, high=MOST_GARMENTS) if "batch" in root else 1
    garments = list(root["garments"].items())
    if not garments and "mask" in root:  # a set saved without garments
        return _Source("report", width, height, 1, [_Entry("mask", UNNAMED, _report_mask(root["mask"]))])

    def entry(one: Field) -> _Entry:
        # The description of a saved set is of one picture, whichever of its batch that was.
        image = one["image"].whole(0, high=batch - 1) if "batch" in root else 0
        score, person = one["score"].number(1.0, low=0, high=1), one["person"].whole(0)
        native = one["native_label"].text("")
        return _Entry(one.place, one["label"].text(), _report_mask(one), score, image, person, native)

    return _Source("report", width, height, batch, map(entry, garments))


def _report_mask(garment: Field) -> Callable[[_Canvas], Tensor]:
    return lambda canvas: canvas.fill([outline.points() for outline in garment["polygons"].items()])

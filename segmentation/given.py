"""Garments made of masks that something else found: what each is, whose it is, and what lies around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..context import ModelCache
from ..tensors import NOTHING, ShapeError, UnknownName, as_finite_mask, as_image, check_name, is_host_empty_mask
from .annotations.write import UNNAMED
from .detect import detect
from .garments import Garment, Garments, mask_box
from .segs import Given, read_segs, segs_size
from .split import split_mask
from .taxonomies import find_label
from .vocabulary import CARRIED_LABELS, GARMENT_LABELS, LABELS, LEGEND

METHOD = "given masks"
PLANES = ("auto", "one garment each", "one picture each")
"""What the planes of a batch of masks are. auto: pictures where there are as many, more than one, else garments."""

WORN = GARMENT_LABELS + CARRIED_LABELS
# A mask of which the parser calls so much a garment is that garment; else skin, hair or nothing that is known.
LEAST_MAJORITY = 0.2


@dataclass
class _Pile:
    """Garments as they come in. words: names for them in turn; notes: what the user is told."""

    width: int
    height: int
    words: Sequence[str]
    items: list[Garment] = field(default_factory=list[Garment])
    notes: list[str] = field(default_factory=list[str])

    def add(self, mask: Tensor, index: int, number: int, *, word: str = "", score: float = 1.0) -> None:
        """Adds a mask ``[H,W]`` of the picture `index`, the `number`-th that came."""
        box = mask_box(mask) or mask_box(mask, level=NOTHING)
        if box is None:
            self.notes.append(f"mask {number + 1} is empty and left out")
            return
        names = list(self.words) * (number + 1) if len(self.words) == 1 else self.words
        label, native = label_of((names[number] if number < len(names) else "") or word)
        self.items.append(Garment(mask, label, score, box, index, native_label=native))


def garments_from_masks(
    masks: Tensor | None = None, *, image: Tensor | None = None, segs: object = None, annotations: str = "",
    picture: str = "", words: Sequence[str] = (), planes: str = "auto", split: bool = False,
    models: ModelCache | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    check_cancelled: Callable[[], None] = lambda: None,
) -> Garments:  # fmt: skip
    """The masks as garments; with an image also everybody's parts, what else lies in it, and whose each garment is.

    masks: ``[N,H,W]``. image: ``[B,H,W,C]``: the shipped parser looks at it, and names what has no name. segs: SEGS of
    one picture. annotations: COCO, LabelMe, SVG or a report, of as many pictures as there are, or of the one that
    `picture` names; their body parts count where no image tells others. words: names in the order of the masks, then
    the segments; an empty one is none, a single one is everybody's. planes: one of `PLANES`; a single mask holds for
    every picture. split: each mask is divided into its connected pieces. Empty masks are left out; the notes say so.
    Raises `ShapeError` where sizes or numbers do not fit together or nothing is given, `MissingModel` where the
    parser's weights are missing.
    """
    check_name("Planes", planes, PLANES)
    if masks is None and segs is None and not annotations.strip():
        raise ShapeError("nothing is given; connect masks or segs, or paste annotations.")
    image = None if image is None else as_image(image)
    masks = None if masks is None else as_finite_mask(masks)
    size = _size(masks, image, segs)
    more = _read_annotations(annotations, picture, size)
    height, width = size or (more.height, more.width)
    batch = _batch(masks, image, segs, more if annotations.strip() else None, planes)
    pile = _Pile(width, height, words)
    if masks is not None:
        masks = masks.new_zeros((len(masks), height, width)) if is_host_empty_mask(masks) else masks.float()
        for number, plane in enumerate(masks):
            for piece in _pieces(plane, split):
                for index in range(batch) if len(masks) == 1 else [number if batch > 1 else 0]:
                    pile.add(piece, index, number)
    for number, one in enumerate(_fitting(segs, image), start=0 if masks is None else len(masks)):
        for piece in _pieces(one.mask, split):
            pile.add(piece, 0, number, word=one.word, score=one.score)
    items, notes = (*pile.items, *more.items), (*pile.notes, *more.notes)
    garments = Garments(width, height, batch, items, METHOD, more.parts, notes)
    if image is None:
        return garments
    image = image.expand(batch, *image.shape[1:])
    known = detect(image, WORN, models=models, progress=progress, check_cancelled=check_cancelled).garments
    return _placed(garments.to(image.device), known)


def label_of(word: str) -> tuple[str, str]:
    """The canonical label of a word and the word itself where it says more; `UNNAMED` for what nobody knows.

    Words that vocabularies know but that are no garment, such as a sleeve, keep their word under `UNNAMED` too.
    """
    plain = word.strip()
    if not plain or plain.lower() == UNNAMED:
        return UNNAMED, ""
    if plain.lower() in LABELS:
        return plain.lower(), ""
    try:
        label = find_label(plain)
    except UnknownName:
        label = None
    return (label if label in LABELS else UNNAMED), plain


def _read_annotations(text: str, picture: str, size: tuple[int, int] | None) -> Garments:
    """The garments that a text describes, in a picture of this height and width; none for an empty text."""
    if text.strip():
        from .annotations.read import garments_from_annotations  # readers that the pack does not need at its start

        height, width = size or (None, None)
        return garments_from_annotations(text, width, height, picture=picture)
    height, width = size or (0, 0)
    return Garments(width, height, 1, (), METHOD)


def _size(masks: Tensor | None, image: Tensor | None, segs: object) -> tuple[int, int] | None:
    """The one height and width of all that is given; None where nothing is."""
    sizes: dict[str, tuple[int, int]] = {}
    if image is not None:
        sizes["image"] = (image.shape[1], image.shape[2])
    if masks is not None and not (is_host_empty_mask(masks) and (image is not None or segs is not None)):
        sizes["masks"] = (masks.shape[1], masks.shape[2])
    if segs is not None:
        sizes["segs"] = segs_size(segs)
    if len(set(sizes.values())) > 1:
        named = ", ".join(f"{name} {width}x{height}" for name, (height, width) in sizes.items())
        raise ShapeError(f"what is given differs in size: {named}; make all of it from one picture.")
    return next(iter(sizes.values()), None)


def _batch(masks: Tensor | None, image: Tensor | None, segs: object, more: Garments | None, planes: str) -> int:
    """How many pictures there are."""
    pictures = len(image) if image is not None else more.batch if more is not None else 1
    if more is not None and more.batch != pictures:
        raise ShapeError(
            f"the annotations are of {more.batch} pictures, but there are {pictures}; name one in `picture`, or give "
            "as many pictures."
        )
    count = len(masks) if masks is not None else 0
    if planes == "one picture each" and count:
        pictures = count if pictures == 1 else pictures
        if count not in (1, pictures):
            raise ShapeError(f"there are {count} masks for {pictures} pictures; give one mask for each picture.")
    by_garment = count > 1 and (planes == "one garment each" or (planes == "auto" and count != pictures))
    if pictures > 1 and (by_garment or segs is not None):
        what = "SEGS are" if segs is not None else f"{count} masks as one garment each are"
        raise ShapeError(f"{what} of one picture, but there are {pictures}; give the pictures one by one, as a list.")
    return pictures


def _fitting(segs: object, image: Tensor | None) -> tuple[Given, ...]:
    given = () if segs is None else read_segs(segs)
    return tuple(one._replace(mask=one.mask.to(image.device)) for one in given) if image is not None else given


def _pieces(plane: Tensor, split: bool) -> list[Tensor]:
    return [piece.mask for piece in split_mask(plane, by="per region")] if split else [plane]


def _placed(garments: Garments, known: Garments) -> Garments:
    """The garments with what the parser knows: parts, labels, notes; a name and a person for each."""
    labels = known.labels.clone() if known.labels is not None else None
    items: list[Garment] = []
    for item in garments.items:
        named = item
        if item.label == UNNAMED and not item.native_label and known.labels is not None:
            named = replace(item, label=_majority(item.mask, known.labels[item.image]))
        items.append(replace(named, person=_person(item, known)))
    if labels is not None:
        # Else the parser's opinion of a given garment would count as another garment.
        for item in items:
            if item.label in WORN:
                labels[item.image][item.mask >= 0.5] = LEGEND.index(item.label)
    method = f"{METHOD}, {known.method}"
    return replace(
        garments, items=tuple(items), parts=known.parts, labels=labels, method=method,
        notes=(*garments.notes, *known.notes),
    )  # fmt: skip


def _majority(mask: Tensor, labels: Tensor) -> str:
    """The label that most of a mask ``[H,W]`` has in a picture of labels, garments first; or `UNNAMED`."""
    shares = torch.zeros(len(LEGEND), device=mask.device)
    shares.index_add_(0, labels.flatten().long(), mask.flatten().float())
    shares = shares / shares.sum().clamp_min(NOTHING)
    for group in (WORN, LABELS):
        best = max(group, key=lambda label: float(shares[LEGEND.index(label)]))
        if float(shares[LEGEND.index(best)]) >= LEAST_MAJORITY:
            return best
    return UNNAMED


def _person(item: Garment, known: Garments) -> int:
    """Whose garments a mask covers most of; the first person where it covers none."""
    covered: dict[int, float] = {}
    for other in known.of_image(item.image).items:
        shared = float(torch.minimum(item.mask.float(), other.mask.to(item.mask).float()).sum())
        covered[other.person] = covered.get(other.person, 0.0) + shared
    return max(covered, key=lambda person: covered[person]) if any(covered.values()) else item.person

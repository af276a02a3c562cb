"""Garments found by the parser: persons, a second look at each, sharper edges, one label per garment, parts.

Nothing here is learnt but the network; every step is a file of its own and works on any network's probabilities.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..tensors import as_image
from .box_text import check_person_boxes
from .edges import enlarge, refine_chances, upsample_mask
from .garments import Box, Garment, Garments, mask_box, name_pictures
from .parser import Looker
from .part_masks import LEAST_WHOLE, PartMasks, PersonParts
from .parts import PARTS, find_parts
from .person_regions import BODY, Person, persons_in_boxes
from .persons import Sight, look_again, look_around
from .soft_edges import stretch_contrast_, take_winners_
from .vocabulary import CARRIED_LABELS, LEGEND
from .votes import Region, is_told, vote

METHOD = "parser"
# A person's crop is worked on at so many times the size of the probabilities, up to this longer side: the network tells
# no more, and colours get no clearer.
WORK_FACTOR, WORK_SIDE_PX = 7 / 3, 448
# A garment counts as found from this mean share of the person's frame on; less is a speck.
SMALLEST_SHARE = 0.0005
# The network is as sure as this of some skin, hair or shoe of whoever it knows: 0.96 at least on 56 cut photos of the
# validation part, against 0.71 at most of a cat, an eye and a tissue.
SURE_BODY = 0.85
NOTHING = "No person was found{where}; give a person box, or another picture."


@dataclass(frozen=True)
class Look:
    """What was looked at: the picture's index, the person's box and the frame around it in px, and what it took."""

    image: int
    person: int
    box: Box
    frame: tuple[int, int, int, int]
    seconds: float

    def entry(self) -> dict[str, object]:
        """The look as plain JSON values."""
        return {
            "image": self.image,
            "person": self.person,
            "box": [round(value, 1) for value in self.box],
            "frame": list(self.frame),
            "seconds": round(self.seconds, 4),
        }


@dataclass
class _Canvas:
    """What is being found in a batch."""

    items: list[Garment]
    persons: list[PersonParts]
    labels: Tensor
    looks: list[Look]


def parse_garments(
    parser: Looker, image: Tensor, labels: Sequence[str], *, person_boxes: Sequence[Sequence[Box]] | None = None,
    flip: bool = True, check_cancelled: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] = lambda done, total: None, finder: Looker | None = None, method: str = METHOD,
) -> tuple[Garments, tuple[Look, ...]]:  # fmt: skip
    """The garments with one of `labels` of each person, every part of each person, and what was looked at.

    image: ``[B,H,W,3|4]``, 0..1; alpha is ignored. person_boxes: for each picture the boxes of its persons in pixels;
    where there are none they are found. flip: also looks at the mirrored crop and takes the mean. Masks are float32 on
    the image's device. progress is called with (pictures done, pictures), check_cancelled per picture and per person.
    finder: who looks for persons, if not the parser itself. method: what the garments say that they were found by.
    Raises `ShapeError` for something that is no image, and for boxes for another number of pictures.
    """
    image = as_image(image)
    batch, height, width = image.shape[:3]
    check_person_boxes(person_boxes, batch)
    canvas = _Canvas([], [], torch.zeros((batch, height, width), device=image.device, dtype=torch.uint8), [])
    missed: list[int] = []
    for index in range(batch):  # one by one: the same result in a batch as alone, and the memory of one
        check_cancelled()
        picture = image[index, ..., :3].float().nan_to_num(0.0).clamp(0, 1).permute(2, 0, 1)
        boxes = person_boxes[index] if person_boxes else ()
        sight = _look_around(parser, finder, picture, boxes, flip, check_cancelled)
        before = len(canvas.looks)
        for person in sight.persons:
            check_cancelled()
            begun = time.perf_counter()
            words = look_again(parser, picture, sight, person, flip=flip)
            chances = parser.understand(words)
            if boxes or not tells_bodies(parser.classes) or shows_body(chances, parser.classes):
                number = len(canvas.looks) - before
                _add_person(canvas, picture, person, parser, words, chances, (index, number), set(labels))
                canvas.looks.append(Look(index, number, person.box, person.frame, time.perf_counter() - begun))
        missed += [] if len(canvas.looks) > before else [index]
        progress(index + 1, batch)
    notes: tuple[str, ...] = ()
    if missed:
        notes = (NOTHING.format(where=name_pictures(missed, batch)),)
    parts = PartMasks((batch, height, width), canvas.persons, device=image.device)
    garments = Garments(width, height, batch, tuple(canvas.items), method, parts, notes, canvas.labels)
    return garments, tuple(canvas.looks)


def _look_around(
    parser: Looker, finder: Looker | None, picture: Tensor, boxes: Sequence[Box], flip: bool,
    check_cancelled: Callable[[], None],
) -> Sight:  # fmt: skip
    """The persons in a picture; where nobody can be told from what is worn, the whole picture is one."""
    size = (picture.shape[-2], picture.shape[-1])
    finder = finder or parser
    if not boxes and not tells_bodies(finder.classes):
        boxes = [(0.0, 0.0, float(size[1]), float(size[0]))]
    if boxes and not parser.scales:  # the first look serves to find persons and their scale alone
        return Sight(tuple(persons_in_boxes(boxes, size, device=picture.device)), picture[:0], None, finder)
    return look_around(finder, picture, boxes=boxes, flip=flip, check_cancelled=check_cancelled)


def tells_bodies(classes: Sequence[str]) -> bool:
    """Whether persons can be found by these classes, not only what they wear."""
    return {"skin", "hair"} <= set(classes)


def _add_person(
    canvas: _Canvas, picture: Tensor, person: Person, parser: Looker, words: Tensor, chances: Tensor,
    place: tuple[int, int], wanted: set[str],
) -> None:  # fmt: skip
    """Adds one person's garments, parts and labels to what has been found in the batch; place: picture and person.

    words, chances: what `parser` saw in the person's frame, in its words and in its classes.
    """
    classes = parser.classes
    x0, y0, x1, y1 = person.frame
    crop = picture[:, y0:y1, x0:x1]
    work = shrink(crop, chances)
    chances = refine_chances(work, chances)
    regions = [region for region in vote(work, chances, classes) if is_told(region)]
    parts = parser.divide_body(find_parts(chances, classes), words)
    spot = (place[0], slice(y0, y1), slice(x0, x1))
    for region, mask in zip(regions, _full_size_regions(crop, regions, wanted), strict=True):
        if mask is not None:
            whole = torch.zeros(picture.shape[1:], device=picture.device)
            whole[spot[1:]] = mask
            box = mask_box(whole)
            if box is not None:
                word = parser.name_region(region.label, region.mask, words)
                canvas.items.append(Garment(whole, region.label, region.score, box, *place, native_label=word))
    # 16 bits tell colours well enough for edges, and let go of the batch's own copy.
    canvas.persons.append(PersonParts(place[0], person.frame, crop.half(), parts))
    planes = {region.label: region.mask for region in regions} | {name: parts[name] for name in ("hair", *PARTS)}
    painted = paint_labels(planes, crop.shape[1:])
    canvas.labels[spot] = torch.where(painted > 0, painted, canvas.labels[spot])


def shows_body(chances: Tensor, classes: Sequence[str]) -> bool:
    """Whether the chances ``[C,h,w]`` of a frame are sure of skin, hair, hat or shoe anywhere."""
    body = [number for number, name in enumerate(classes) if name in BODY]
    return bool(chances[body].max() >= SURE_BODY)


def shrink(crop: Tensor, chances: Tensor) -> Tensor:
    """The crop ``[3,H,W]`` at the size at which its probabilities ``[C,h,w]`` are worked on."""
    side = min(WORK_SIDE_PX, WORK_FACTOR * max(chances.shape[1:]))
    scale = side / max(crop.shape[1:])
    if scale >= 1:
        return crop
    size = [max(1, round(side * scale)) for side in crop.shape[1:]]
    return functional.interpolate(crop.unsqueeze(0), size, mode="bilinear", antialias=True)[0]


def _full_size_regions(crop: Tensor, regions: Sequence[Region], wanted: set[str]) -> list[Tensor | None]:
    """The wanted regions at the crop's size, None for the others and for specks.

    Garments are laid on the crop's edges as one and divided afterwards. On a soft border between two of them the
    stronger one is as strong as both, so that the greatest of all masks has no gap there.
    """
    worn = {region.label: region.mask for region in regions if region.label not in CARRIED_LABELS}
    divided: dict[str, Tensor] = {}
    if wanted & set(worn):
        whole = _on_edges(crop, torch.stack(list(worn.values())).sum(0).clamp(0, 1))
        strongest = torch.full_like(whole, LEAST_WHOLE)
        for mask in worn.values():  # enlarged twice: planes of the full size are dearer than the time
            torch.maximum(strongest, enlarge(mask, crop.shape[1:]), out=strongest)
        for label in wanted & set(worn):
            share = enlarge(worn[label], crop.shape[1:]).div_(strongest)
            divided[label] = take_winners_(share).mul_(whole)
    masks: list[Tensor | None] = []
    for region in regions:
        if region.label not in wanted or float(region.mask.mean()) < SMALLEST_SHARE:
            masks.append(None)
        else:
            masks.append(divided[region.label] if region.label in divided else _on_edges(crop, region.mask))
    return masks


def _on_edges(crop: Tensor, mask: Tensor) -> Tensor:
    """The mask at the crop's size and on its edges, full or nothing where it is nearly so; the 0.5 line stays."""
    return stretch_contrast_(upsample_mask(crop, mask))


def paint_labels(planes: Mapping[str, Tensor], size: Sequence[int]) -> Tensor:
    """What lies at each pixel: uint8 of `size`, index into `LEGEND`.

    planes: label -> soft mask ``[h,w]`` of any size; what they lack to 1 is background.
    """
    best = enlarge((1 - torch.stack(list(planes.values())).sum(0)).clamp_min(0), size)
    labels = torch.zeros_like(best, dtype=torch.uint8)
    for label, plane in planes.items():  # one by one: two planes of the full size instead of a dozen
        there = enlarge(plane, size)
        labels[there > best] = LEGEND.index(label)
        best = torch.maximum(best, there)
    return labels

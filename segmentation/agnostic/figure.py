"""One person as far as a new garment's area needs to know: who is where, at a working size, measured in heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from ...kernels import box_around
from ..body import HEADS_TALL, Body, measure_body
from ..garments import Box, Garment, Garments, mask_box
from ..part_masks import PartMasks, PersonParts
from ..person_regions import frame_of, persons_in_boxes
from ..vocabulary import CARRIED_LABELS, GARMENT_LABELS, LEGEND, PART_LABELS
from .cuts import ANKLE, HIP, KNEE, WAIST

# The longer side of what is looked at, px: a head of a whole figure is then about 30 px high.
WORK_SIDE = 320
# Ground around a person's frame, as a share of its longer side: a wide coat needs it.
GROUND = 0.2
SKIN_PARTS = ("face", "neck", "hands", "arms", "legs")
# The middle of a figure is looked for so far above and below a level, and so far beside the middle above it, in heads.
BAND, STRAY = 0.25, 1.4
# A figure whose soles are nearer to its crown than so many heads does not stand upright.
UPRIGHT = 5.8
# Less than this of a figure's pixels is a crumb, not a part.
CRUMB = 0.002
HALF = 0.5


@dataclass(frozen=True)
class Figure:
    """A person at the working size.

    canvas: x0 y0 x1 y1, px of the picture, that the planes show. planes: label or part -> soft mask ``[h,w]``; all of
    them are there. scale: work px per picture px. body: crown, chin and head, in work px. soles: the row of the lowest
    point of a figure whose end is in the picture. axis: column of the figure's middle at some rows, from above.
    """

    garments: tuple[Garment, ...]
    canvas: tuple[int, int, int, int]
    planes: Mapping[str, Tensor]
    scale: float
    body: Body
    soles: float | None
    axis: tuple[tuple[float, float], ...]

    @property
    def head(self) -> float:
        """The height of the head, work px: the unit of all lengths."""
        return max(self.body.head, 1.0)

    @property
    def nothing(self) -> Tensor:
        """An empty plane."""
        return torch.zeros_like(self.planes["skin"])

    def level(self, heads: float) -> float:
        """The row that lies `heads` below the crown of this figure.

        Below the waist lengths follow the way from waist to soles where those are seen: 4.4 heads of somebody standing.
        """
        return _level(heads, self.body.crown, self.head, self.soles)

    def middle(self, row: float) -> float:
        """The column of the figure's middle at a row."""
        if row <= self.axis[0][0]:
            return self.axis[0][1]
        for (above, x0), (below, x1) in pairwise(self.axis):
            if row <= below:
                return x0 + (x1 - x0) * (row - above) / max(below - above, 1e-6)
        return self.axis[-1][1]

    def any_of(self, *names: str) -> Tensor:
        """The greatest of some planes."""
        return torch.stack([self.planes[name] for name in names]).amax(0)

    def stands(self) -> bool | None:
        """Whether the figure is as long as one that stands; None where its end is not seen."""
        return None if self.soles is None else self.soles - self.body.crown >= UPRIGHT * self.head

    def to_work(self, mask: Tensor) -> Tensor:
        """A mask ``[H,W]`` of the picture's size as a plane."""
        x0, y0, x1, y1 = self.canvas
        return reduce_mask(mask[y0:y1, x0:x1], tuple(self.nothing.shape))

    def paste(self, plane: Tensor, onto: Tensor) -> None:
        """Writes a plane into a mask ``[H,W]`` of the picture's size where it is more than stands there."""
        x0, y0, x1, y1 = self.canvas
        spot = onto[y0:y1, x0:x1]
        large = functional.interpolate(plane[None, None], tuple(spot.shape), mode="bilinear")[0, 0]
        torch.maximum(spot, large.to(spot), out=spot)


def figures_in(garments: Garments, image: int) -> list[Figure]:
    """The persons of one picture who wear one of the garments, in the order of their numbers."""
    worn = [item for item in garments.of_image(image).items if item.label in GARMENT_LABELS + CARRIED_LABELS]
    numbers = sorted({item.person for item in worn})
    known = _persons(garments, image)
    boxes = {
        number: box_around(mask_box(item.mask) or item.box for item in worn if item.person == number)
        for number in numbers
    }
    everyone = _everyone(boxes, known)
    shares = persons_in_boxes(list(everyone.values()), (garments.height, garments.width)) if len(everyone) > 1 else ()
    own = dict(zip(everyone, (person.share for person in shares), strict=False))
    figures: list[Figure] = []
    for number in numbers:
        person = known[number] if number < len(known) else None
        items = tuple(item for item in worn if item.person == number)
        figures.append(_figure(garments, image, items, person, boxes[number], own.get(number)))
    return figures


def reduce_mask(mask: Tensor, size: Sequence[int]) -> Tensor:
    """A soft mask ``[H,W]`` at a smaller size, float32."""
    small = functional.interpolate(mask.float()[None, None], tuple(size), mode="bilinear", antialias=True)
    return small[0, 0].clamp(0, 1)


def _persons(garments: Garments, image: int) -> list[PersonParts]:
    parts = garments.parts
    return [person for person in parts.persons if person.image == image] if isinstance(parts, PartMasks) else []


def _everyone(boxes: Mapping[int, Box], known: Sequence[PersonParts]) -> dict[int, Box]:
    """A box for each person, whether or not one of their garments is asked for."""
    everyone = dict(boxes)
    for number, person in enumerate(known):
        x0, y0, x1, y1 = person.frame
        everyone[number] = float(x0), float(y0), float(x1), float(y1)
    return everyone


def _figure(
    garments: Garments, image: int, items: tuple[Garment, ...], person: PersonParts | None, box: Box,
    share: Tensor | None,
) -> Figure:  # fmt: skip
    size = (garments.height, garments.width)
    frame = person.frame if person is not None else frame_of(box, size)
    canvas = _widen(frame, size)
    x0, y0, x1, y1 = canvas
    scale = min(1.0, WORK_SIDE / max(x1 - x0, y1 - y0))
    work = (max(1, round((y1 - y0) * scale)), max(1, round((x1 - x0) * scale)))
    device = items[0].mask.device
    own = None if share is None else _lay(share.to(device), (0, 0, size[1], size[0]), canvas, work)
    planes = _planes(garments, image, items, person, canvas, work, own)
    body, anyone = _measure(planes)
    soles = _soles(planes, anyone, ground_below=y1 < size[0])
    return Figure(items, canvas, planes, scale, body, soles, _axis(planes, anyone, body, soles))


def _widen(frame: Sequence[int], size: Sequence[int]) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = frame
    ground = round(GROUND * max(x1 - x0, y1 - y0))
    return max(0, x0 - ground), max(0, y0 - ground), min(size[1], x1 + ground), min(size[0], y1 + ground)


def _planes(
    garments: Garments, image: int, items: Sequence[Garment], person: PersonParts | None,
    canvas: tuple[int, int, int, int], work: tuple[int, int], own: Tensor | None,
) -> dict[str, Tensor]:  # fmt: skip
    """Every label and part at the working size: its masks where there are some, else from the picture of labels."""
    x0, y0, x1, y1 = canvas
    device = items[0].mask.device
    labels = None if garments.labels is None else _sample(garments.labels[image, y0:y1, x0:x1].to(device), work)
    asked = {item.label for item in garments.of_image(image).items}
    planes: dict[str, Tensor] = {}
    for name in GARMENT_LABELS + CARRIED_LABELS + PART_LABELS:
        plane = torch.zeros(work, device=device)
        if name in PART_LABELS and person is not None:
            plane = _lay(person.planes[name].to(device), person.frame, canvas, work)
        elif name in PART_LABELS and name in garments.parts:
            plane = reduce_mask(garments.parts[name][image, y0:y1, x0:x1].to(device), work)
            plane = plane if own is None else plane * own
        elif name not in asked and labels is not None:
            plane = (labels == LEGEND.index(name)).float()
            plane = plane if own is None else plane * (own > HALF)
        for item in items:
            if item.label == name:
                plane = torch.maximum(plane, reduce_mask(item.mask[y0:y1, x0:x1], work))
        planes[name] = plane
    planes["skin"] = torch.stack([planes[name] for name in ("skin", *SKIN_PARTS)]).amax(0)
    return planes


def _sample(labels: Tensor, work: tuple[int, int]) -> Tensor:
    """A picture of labels at a smaller size: the one at each pixel's middle."""
    rows, columns = (
        ((torch.arange(count, device=labels.device) + HALF) * (length / count)).long()
        for count, length in zip(work, labels.shape, strict=True)
    )
    return labels[rows][:, columns]


def _lay(plane: Tensor, frame: Sequence[int], canvas: Sequence[int], work: tuple[int, int]) -> Tensor:
    """A plane ``[h,w]`` that shows `frame` as one that shows `canvas`; 0 beyond."""
    axes: list[Tensor] = []
    for count, start, stop, first, last in (
        (work[1], canvas[0], canvas[2], frame[0], frame[2]),
        (work[0], canvas[1], canvas[3], frame[1], frame[3]),
    ):
        middles = start + (torch.arange(count, device=plane.device) + HALF) * ((stop - start) / count)
        axes.append(2 * (middles - first) / (last - first) - 1)
    grid = torch.stack([axes[0].expand(work), axes[1].unsqueeze(1).expand(work)], dim=-1)
    laid = functional.grid_sample(
        plane.float()[None, None], grid.unsqueeze(0), mode="bilinear", padding_mode="border", align_corners=False
    )[0, 0]
    inside = (grid.abs() <= 1).all(-1)
    return (laid * inside).clamp(0, 1)


def _measure(planes: Mapping[str, Tensor]) -> tuple[Body, Tensor]:
    """Where the head is, and who is there, bool."""
    masks = {name: plane >= HALF for name, plane in planes.items()}
    anyone = torch.stack([mask for name, mask in masks.items() if name != "bag"]).any(0)
    body = measure_body(masks, anyone)
    if body is None:
        return Body(0.0, 1.0, planes["skin"].shape[1] / 2, 1.0, has_face=False), anyone
    if body.middle == 0:
        body = Body(body.crown, body.chin, _mean_column(anyone) or 0.0, body.head, has_face=False)
    return body, anyone


def _soles(planes: Mapping[str, Tensor], anyone: Tensor, *, ground_below: bool) -> float | None:
    """The lowest row of shoes and legs; None where a figure is cut by the frame or shows neither."""
    limbs = torch.stack([planes[name] for name in ("footwear", "legs", "legwear")]).amax(0) >= HALF
    enough = limbs.sum(1) >= max(1.0, CRUMB * float(anyone.sum()) ** 0.5)
    rows = enough.nonzero()
    if not len(rows):
        return None
    lowest = int(rows[-1])
    shod = bool((planes["footwear"] >= HALF).any())
    if lowest >= anyone.shape[0] - 2 and not (ground_below or shod):
        return None
    return float(lowest + 1)


def _axis(
    planes: Mapping[str, Tensor], anyone: Tensor, body: Body, soles: float | None
) -> tuple[tuple[float, float], ...]:
    """Middles of trunk and legs at some levels, each looked for near the one above."""
    places = [(body.chin, body.middle)]
    cloth = [name for name in GARMENT_LABELS if name not in ("headwear", "footwear")]
    trunk = torch.stack([planes[name] for name in (*cloth, "legs")]).amax(0) >= HALF
    columns = torch.arange(trunk.shape[1], device=trunk.device) + HALF
    for heads in (WAIST, HIP, KNEE, ANKLE):
        row = _level(heads, body.crown, body.head, soles)
        top, bottom = max(0, round(row - BAND * body.head)), round(row + BAND * body.head) + 1
        near = (columns - places[-1][1]).abs() <= STRAY * body.head
        found = _mean_column(trunk[top:bottom] & near) if bottom > 0 else None
        places.append((max(row, places[-1][0] + 1e-3), places[-1][1] if found is None else found))
    return tuple(places)


def _level(heads: float, crown: float, head: float, soles: float | None) -> float:
    """The row of `Figure.level`."""
    if soles is None or heads <= WAIST:
        return crown + heads * head
    waist = crown + WAIST * head
    return waist + (heads - WAIST) / (HEADS_TALL - WAIST) * max(soles - waist, head)


def _mean_column(mask: Tensor) -> float | None:
    places = mask.nonzero()
    return float(places[:, 1].float().mean()) + HALF if len(places) else None

"""The area for a new garment: what is taken away, what the new one covers besides, its outline, and what is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...tensors import as_finite_mask, check_name, check_range, match_batch, match_mask
from ..garments import Garment, Garments
from ..protect import OTHERS, PROTECTABLE, protect_mask, protected_area, untold_parts
from ..vocabulary import CARRIED_LABELS, GARMENT_LABELS
from .cuts import (
    AUTO,
    CUTS,
    DEFAULT_PROTECT,
    LOOSENESS,
    LOWER,
    MOST_MARGIN,
    OVERLAPPED,
    PROTECT_MARGIN,
    REGIONS,
    SHADOW,
    SILHOUETTES,
    SMOOTH,
    TIGHT,
    WAIST,
    Cut,
    is_replaced,
    taken_labels,
)
from .figure import HALF, Figure, figures_in
from .silhouette import drop_threads, grow, shape_area
from .words import describe, describe_nothing
from .zones import new_cloth

# Looseness 1 widens to each side by so many heads: a puffer coat.
LOOSEST = 0.5


@dataclass(frozen=True)
class AgnosticArea:
    """mask: where the new garment may lie, protected: what it must not cover; both ``[B,H,W]``, float32, 0..1.

    notes: sentences: for each picture what was done and what could not be told.
    """

    mask: Tensor
    protected: Tensor
    notes: tuple[str, ...]

    def describe(self) -> str:
        """All notes, one per line."""
        return "\n".join(self.notes)


@dataclass(frozen=True)
class _Task:
    """What is asked for."""

    cut_name: str
    cut: Cut
    region: str
    taken: tuple[str, ...]
    silhouette: str
    looseness: float
    shadow: float

    def takes_of(self, items: Sequence[Garment]) -> list[Garment]:
        return [item for item in items if item.label in self.taken and is_replaced(item.native_label)]


def agnostic_area(
    garments: Garments, cut: str = "as worn", *, region: str = AUTO, labels: str | Sequence[str] = (),
    looseness: float = LOOSENESS, silhouette: str = SMOOTH, shadow: float = SHADOW,
    protect: Sequence[str] = DEFAULT_PROTECT, protect_margin: float = PROTECT_MARGIN, keep_other_garments: bool = True,
    extra: Tensor | None = None, check_cancelled: Callable[[], None] = lambda: None,
) -> AgnosticArea:  # fmt: skip
    """Where a new garment of the cut may lie in each picture, and what it must not cover.

    The area starts from garments that are worn: those of `region` (auto: the cut's own), or of the garment `labels`
    instead. Where there is none, it is empty, and a note says so. To these the cut adds what the new garment covers
    besides: bare arms or legs down to hands and feet, a drape down to its hem. Then the outline is made and grown.

    cut: of `CUTS`. looseness: 0..1, how far the new garment stands off, half a head to each side at 1. silhouette: of
    `SILHOUETTES`. shadow: how far the old garment's rim and shadow reach, in heads (crown to chin). protect: of
    `PROTECTABLE`; protect_margin: around these, in heads, but never over what is taken away. keep_other_garments: the
    others stay, except where the cut hangs over them. extra: a hand-made mask ``[B,H,W]`` added where a garment was
    found. Everybody in the garments gets the garment. Lengths are measured per person; what could not be told is noted.
    Narrow strips that what is kept leaves of the area's room are left out, unless the cut hangs down in one piece.

    The mask is at most 1 - protected everywhere. Raises `UnknownName`, `RangeError` (also where `labels` names
    something else than garments), `ShapeError` for a mask of another size.
    """
    check_name("Cut", cut, tuple(CUTS))
    check_name("Region", region, REGIONS)
    check_name("Silhouette", silhouette, SILHOUETTES)
    check_range("looseness", looseness, 0, 1)
    check_range("shadow", shadow, 0, MOST_MARGIN)
    check_range("protect margin", protect_margin, 0, MOST_MARGIN)
    for part in protect:
        check_name("Part", part, PROTECTABLE)
    where = CUTS[cut].region if region == AUTO else region
    task = _Task(cut, CUTS[cut], where, taken_labels(where, labels), silhouette, looseness, shadow)
    hand = _match_extra(extra, garments)
    kept, under = _others(garments, task, protect, keep_other_garments=keep_other_garments)
    notes = list(untold_parts(garments, protect))
    mask = torch.zeros_like(kept)
    for index in range(garments.batch):  # everybody has a place and a size of their own
        check_cancelled()
        planes = _Planes(*(torch.zeros_like(mask[index]) for _ in range(4)))
        drawn = [_draw(figure, items, task, planes) for figure, items in _wearers(garments, index, task)]
        notes += [f"{_where(garments, index, one)}: {one.describe(task)}" for one in drawn]
        if not drawn:
            notes.append(f"{_where(garments, index)}: {describe_nothing(garments.of_image(index).items, task.taken)}")
            torch.maximum(kept[index], under[index], out=kept[index])
            continue
        margin = protect_margin * max(one.figure.head / one.figure.scale for one in drawn)
        kept[index] = _keep(kept[index], under[index], planes, margin, keep_other_garments=keep_other_garments)
        # What hangs down past the hands stays whole beside them.
        area = planes.area if task.cut.drapes else _without_threads(drawn, planes.area, kept[index])
        mask[index] = torch.stack([planes.old, area, hand[index % len(hand)]]).amax(0)
    return AgnosticArea(protect_mask(mask, kept), kept, tuple(notes))


@dataclass(frozen=True)
class _Planes:
    """Of one picture, ``[H,W]`` each.

    old: what is taken away. area: where the new garment may lie. reach: what it hangs over. rest: what is left of a
    dress of which only the lower part goes.
    """

    old: Tensor
    area: Tensor
    reach: Tensor
    rest: Tensor


@dataclass(frozen=True)
class _Drawn:
    """A figure whose area is drawn.

    added: whether the cut covers anything besides the garments `items`. grown_px: by how much it was grown, picture px.
    """

    figure: Figure
    items: Sequence[Garment]
    added: bool
    grown_px: float

    def describe(self, task: _Task) -> str:
        """The figure's note."""
        return describe(
            self.figure, self.items, task.cut_name, task.cut, task.region, added=self.added, grown_px=self.grown_px
        )


def _wearers(garments: Garments, index: int, task: _Task) -> list[tuple[Figure, list[Garment]]]:
    """Who wears something that goes, and what."""
    everybody = ((figure, task.takes_of(figure.garments)) for figure in figures_in(garments, index))
    return [(figure, items) for figure, items in everybody if items]


def _draw(figure: Figure, items: Sequence[Garment], task: _Task, planes: _Planes) -> _Drawn:
    """Draws the area of one figure into the picture's planes."""
    old = torch.zeros_like(planes.old)
    for item in items:
        mask = item.mask.to(old)
        if task.region == LOWER and item.label == "dress":
            below = _below(figure, figure.level(WAIST), old)
            torch.maximum(planes.rest, mask * (1 - below), out=planes.rest)
            mask = mask * below
        torch.maximum(old, mask, out=old)
    torch.maximum(planes.old, old, out=planes.old)
    small = figure.to_work(old)
    cloth = new_cloth(figure, task.cut, task.region, small) if task.cut.adds else figure.nothing
    loose = task.looseness * LOOSEST * figure.head
    wide = loose + task.shadow * figure.head
    as_it_is = task.silhouette == TIGHT and wide == 0
    start = cloth if as_it_is else torch.maximum(cloth, small)
    figure.paste(shape_area(start, task.silhouette, figure.head, wide), planes.area)
    if task.cut.adds:
        figure.paste(grow((cloth >= HALF).float(), loose), planes.reach)
    return _Drawn(figure, items, bool((cloth - small >= HALF).any()), wide / figure.scale)


def _without_threads(drawn: Sequence[_Drawn], area: Tensor, kept: Tensor) -> Tensor:
    """The area ``[H,W]`` without the threads that are left of its room beside what is kept, as around a hand."""
    free = area * (1 - kept)
    left = torch.zeros_like(area)
    for one in drawn:
        one.figure.paste(drop_threads(one.figure.to_work(free), one.figure.head), left)
    return torch.minimum(area, left)


def _below(figure: Figure, row: float, like: Tensor) -> Tensor:
    """1 below a row of the working size, 0 above it, as a column for a picture-size mask."""
    line = figure.canvas[1] + row / figure.scale
    return (torch.arange(like.shape[0], device=like.device) + 0.5 - line + 0.5).clamp(0, 1).unsqueeze(1)


def _others(
    garments: Garments, task: _Task, protect: Sequence[str], *, keep_other_garments: bool
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """What is kept in any case, and the garments that are kept as far as the new one does not hang over them.

    Belts and jewellery go with the garment that they are worn on; bags, shoes and hats are parts by themselves.
    """
    # A copy: a single part comes as the garments' own tensor.
    kept = protected_area(garments, [part for part in protect if part != OTHERS], target=task.taken).clone()
    nothing = torch.zeros_like(kept)
    if not keep_other_garments and OTHERS not in protect:
        return kept, nothing
    over = OVERLAPPED[task.region] if task.cut.adds else ()
    over = tuple(label for label in over if label not in task.taken)
    others = protected_area(garments, (OTHERS,), target=(*task.taken, *over, *CARRIED_LABELS, "footwear", "headwear"))
    kept = torch.maximum(kept, others)
    if not over:
        return kept, nothing
    rest = [label for label in GARMENT_LABELS + CARRIED_LABELS if label not in over]
    return kept, protected_area(garments, (OTHERS,), target=rest)


def _keep(kept: Tensor, under: Tensor, planes: _Planes, margin_px: float, *, keep_other_garments: bool) -> Tensor:
    """What is protected ``[H,W]``: with its margin, which does not eat into what is taken away."""
    kept = torch.maximum(kept, grow(kept, margin_px) * (1 - planes.old))
    kept = torch.maximum(kept, under * (1 - planes.reach))
    return torch.maximum(kept, planes.rest) if keep_other_garments else kept


def _match_extra(extra: Tensor | None, garments: Garments) -> Tensor:
    """The hand-made mask as float32 planes of the pictures' size; zero where there is none."""
    like = torch.zeros((1, garments.height, garments.width))
    device = garments.items[0].mask.device if garments.items else like.device
    if extra is None:
        return like.to(device)
    hand = as_finite_mask(match_mask(extra, like.unsqueeze(-1)))
    match_batch((hand, torch.zeros(garments.batch, 1, 1)), ("mask", "garments"))
    return hand.to(device, torch.float32).clamp(0, 1)


def _where(garments: Garments, index: int, drawn: _Drawn | None = None) -> str:
    """Which picture and person a note is about."""
    picture = f"picture {index + 1}" if garments.batch > 1 or drawn is None else ""
    person = f"person {drawn.items[0].person + 1}" if drawn is not None else ""
    return ", ".join(filter(None, (picture, person)))

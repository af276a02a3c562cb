"""Head, face, neck, hands, arms and legs of one person, told apart by where skin lies; the network only knows `skin`.

Everything is measured in heads (crown to chin, see `body.py`). The shares come from 66 photos with drawn parts
(training/part_annotations.json, training/parts_report.py): hanging fingertips end 4.1 heads below the crown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import gaussian_blur
from .body import LEAST_PIXELS, Body, measure_body, middle_column, union_of
from .edges import enlarge

PARTS = ("face", "neck", "hands", "arms", "legs")
# The rules run at this long side; a hand of a whole figure is then about 18 px long.
LONG_SIDE = 192
# How far a décolleté reaches, in heads: to either side of the chin's middle and below the chin.
NECK_REACH = (0.5, 0.9)
# Skin there that is not connected with the throat is a raised hand; so far the throat reaches, in heads below the chin
# and to either side.
THROAT = (0.75, 0.3)
# Skin whose lowest point lies farther below the crown belongs to a leg; a bare hanging arm ends before.
LEG_LINE = 4.8
# Skin that begins above the first belongs to no leg; below the second there is no hand of somebody who stands.
ARM_LINE, FINGERTIPS = 2.6, 4.3
# Legs begin at a hem, arms hang beside the cloth: these begin above so much of its height, and end no farther below it.
BESIDE = {("pants", "skirt"): 0.6, ("dress",): 0.8}
BELOW_HEM = 0.5
# A hand and its wrist are so long (0.75 of a face, and some for recall); shorter arm pieces are hands as a whole.
HAND_LENGTH = 0.75
WHOLE_HAND = 1.15
# A bracelet or a watch is no longer than so many heads; belts and bags must not join arms.
BRACELET = 0.5


def find_parts(chances: Tensor, classes: Sequence[str]) -> dict[str, Tensor]:
    """Soft masks ``[h,w]``, 0..1, float32, of hair, skin, head, face, neck, hands, arms and legs of ONE person.

    chances: ``[C,h,w]``, the probability of each of `classes`. Face, neck, hands, arms and legs add up to the skin;
    the head is hair, headwear, face and accessories on it. What is not there is zero everywhere.
    """
    chances = chances.float().nan_to_num(0.0).clamp(0, 1)
    planes = {name: chances[number] for number, name in enumerate(classes)}
    empty = torch.zeros_like(chances[0])
    skin, hair = planes.get("skin", empty), planes.get("hair", empty)
    labels = _working_labels(chances)
    masks = {name: labels == number for number, name in enumerate(classes)}
    split, body = _split_skin(masks, ~masks.get("background", torch.zeros_like(labels, dtype=torch.bool)))
    shares = _spread(split, chances.shape[-2:])
    parts = {name: skin * share for name, share in zip(PARTS, shares, strict=True)}
    worn = planes.get("accessory", empty) * enlarge(_near_head(labels, body), chances.shape[-2:])
    head = (hair + planes.get("headwear", empty) + parts["face"] + worn).clamp(0, 1)
    return {"hair": hair, "skin": skin, "head": head, **parts}


def _working_labels(chances: Tensor) -> Tensor:
    """The likeliest class per pixel ``[rows,columns]``, at most `LONG_SIDE` long."""
    scale = min(1.0, LONG_SIDE / max(chances.shape[-2:]))
    size = tuple(max(1, round(side * scale)) for side in chances.shape[-2:])
    small = functional.interpolate(chances.unsqueeze(0), size, mode="bilinear", antialias=True)[0]
    return small.argmax(0)


def _split_skin(masks: dict[str, Tensor], person: Tensor) -> tuple[Tensor, Body]:
    """Bool ``[parts,rows,columns]`` of disjoint masks that cover the skin, and the body they were measured with."""
    none = torch.zeros_like(person)
    skin = masks.get("skin", none)
    body = measure_body(masks, person)
    split = torch.stack([none] * len(PARTS))
    if body is None or not skin.any():
        return split, Body(0, 0, 0, 0, has_face=False)
    rest = skin
    if body.has_face:
        split[0] = _face(skin, body)
        split[1] = _neck(skin & ~split[0], body)
        rest = skin & ~split[0] & ~split[1]
    sleeves = union_of(masks, ("upper", "outer", "dress"), none)
    for piece in _arms_apart(_pieces(rest | _bracelets(masks.get("accessory", none), body)), masks, body):
        if not (piece & rest).any():
            continue
        if _is_leg(piece, masks, body):
            split[4] |= piece & rest
        else:
            hand = _hand(piece, piece & rest, sleeves, body)
            split[2] |= hand & rest
            split[3] |= piece & rest & ~hand
    return split, body


def _face(skin: Tensor, body: Body) -> Tensor:
    """Skin of the head above the chin."""
    rows, columns = _axes(skin)
    across = (columns - body.middle).abs() <= 0.55 * body.head
    return skin & (rows < body.chin) & (rows >= body.crown - 0.1 * body.head) & across


def _neck(skin: Tensor, body: Body) -> Tensor:
    """Skin below the chin about the middle; the part of it that is connected with the chin's surroundings."""
    rows, columns = _axes(skin)
    below = (rows >= body.chin - 0.5 * body.head) & (rows < body.chin + NECK_REACH[1] * body.head)
    box = skin & below & ((columns - body.middle).abs() <= NECK_REACH[0] * body.head)
    throat = (rows < body.chin + THROAT[0] * body.head) & ((columns - body.middle).abs() <= THROAT[1] * body.head)
    connected = [piece for piece in _pieces(box) if (piece & throat).any()]
    return torch.stack(connected).any(0) if connected else box


def _bracelets(accessories: Tensor, body: Body) -> Tensor:
    """Small accessories away from the head; they do not end an arm."""
    away = accessories & ~_near_head_mask(accessories, body)
    small = torch.zeros_like(away)
    for piece in _pieces(away):
        extent = max(int(piece.any(0).sum()), int(piece.any(1).sum()))
        if extent <= BRACELET * body.head:
            small |= piece
    return small


def _arms_apart(pieces: list[Tensor], masks: dict[str, Tensor], body: Body) -> list[Tensor]:
    """The pieces; one that runs from above the waist down to a leg is an arm whose hand lies on the leg, and is cut."""
    if _is_cut(masks, body):
        return pieces
    apart: list[Tensor] = []
    line = body.crown + FINGERTIPS * body.head
    for piece in pieces:
        rows = piece.any(1).nonzero()
        hem = union_of(masks, ("dress", "skirt", "pants"), torch.zeros_like(piece)).any(1).nonzero()
        above = _axes(piece)[0] < (min(line, float(hem[-1])) if len(hem) else line)
        joined = float(rows[0]) < body.crown + ARM_LINE * body.head
        if joined and float(rows[-1]) > body.crown + LEG_LINE * body.head:
            start = body.crown + ARM_LINE * body.head
            arms = [part for part in _pieces(piece & above) if float(part.any(1).nonzero()[0]) < start]
            apart += [*arms, *_pieces(piece & ~torch.stack([*arms, torch.zeros_like(piece)]).any(0))]
        else:
            apart.append(piece)
    return apart


def _is_leg(piece: Tensor, masks: dict[str, Tensor], body: Body) -> bool:
    rows = piece.any(1).nonzero()
    lowest = float(rows[-1])
    if _is_cut(masks, body) and _hangs_beside(piece, masks):
        return False
    if lowest > body.crown + LEG_LINE * body.head:
        return True
    feet = union_of(masks, ("footwear", "legwear"), torch.zeros_like(piece))
    return bool((_grow(piece) & feet).any()) and float(rows[0]) > body.crown + 4.0 * body.head


def _is_cut(masks: dict[str, Tensor], body: Body) -> bool:
    """Whether head or feet are not seen, so that the head's height is a guess."""
    feet = masks.get("footwear")
    return not body.has_face or feet is None or int(feet.sum()) < LEAST_PIXELS


def _hangs_beside(piece: Tensor, masks: dict[str, Tensor]) -> bool:
    """Whether a piece starts well above a hem and ends near it: an arm, however small the head is thought to be."""
    none = torch.zeros_like(piece)
    rows = piece.any(1).nonzero()
    for names, share in BESIDE.items():
        cloth = union_of(masks, names, none).any(1).nonzero()
        if len(cloth):
            top, hem = float(cloth[0]), float(cloth[-1])
            if float(rows[0]) < top + share * (hem - top) and float(rows[-1]) < hem + BELOW_HEM * (hem - top):
                return True
    return False


def _hand(piece: Tensor, bare: Tensor, sleeves: Tensor, body: Body) -> Tensor:
    """The hand of one piece of arm: all of it where it is short, else what lies farthest along it from the shoulder."""
    rows, columns = _axes(piece)
    places = piece & (_grow(sleeves) if (piece & _grow(sleeves)).any() else piece)
    side = 1.0 if middle_column(piece) >= body.middle else -1.0
    distance = (rows - body.chin - 0.35 * body.head) ** 2 + (columns - body.middle - side * 0.7 * body.head) ** 2
    nearest = distance[places].min().sqrt()
    seeds = places & (distance.sqrt() <= nearest + 0.1 * body.head)
    steps = _geodesic(piece, seeds)
    longest = float(steps[bare].max())
    if longest < WHOLE_HAND * body.head:
        return piece
    return piece & (steps > longest - HAND_LENGTH * body.head)


def _geodesic(mask: Tensor, seeds: Tensor) -> Tensor:
    """The length of the shortest way inside the mask from the seeds: steps to sides and corners in turns (octagons)."""
    steps = torch.zeros(mask.shape, device=mask.device)
    reached, count = seeds & mask, 0
    while True:
        grown = _grow(reached, corners=count % 2 == 1) & mask
        new = grown & ~reached
        if not new.any():
            other = _grow(reached) & mask & ~reached
            if not other.any():
                return steps
            new = other
        count += 1
        steps[new] = float(count)
        reached = reached | new


def _pieces(mask: Tensor) -> list[Tensor]:
    """The connected pieces (sides and corners) of a mask without crumbs, which `_spread` gives to the nearest part."""
    numbers = torch.arange(mask.numel(), device=mask.device).view(mask.shape)
    far = mask.numel()
    region = numbers.flatten()
    while True:
        seen = torch.where(mask, region.view(mask.shape), far).float()
        low = -functional.max_pool2d(-seen[None, None], 3, stride=1, padding=1)[0, 0]
        low = torch.where(mask, low.long(), numbers).flatten()
        joined = region.scatter_reduce(0, region, low, "amin")
        joined = joined[joined]
        if torch.equal(joined, region):
            break
        region = joined
    labels = torch.where(mask, region.view(mask.shape), -1)
    names, counts = cast("tuple[Tensor, Tensor]", labels[mask].unique(return_counts=True))
    return [labels == name for name in cast("list[int]", names[counts >= LEAST_PIXELS].tolist())]


def _spread(split: Tensor, size: Sequence[int]) -> Tensor:
    """Shares ``[parts,h,w]`` that add up to 1 everywhere: each pixel's own part, beyond the skin that of the nearest.

    Gaussians of growing width fill what narrower ones leave empty.
    """
    planes = split.float().unsqueeze(0)
    known = planes.sum(1, keepdim=True).clamp(0, 1)
    for sigma in (1.0, 4.0, 16.0):
        wide = gaussian_blur(split.float().unsqueeze(0), sigma)
        total = wide.sum(1, keepdim=True)
        planes = planes + (1 - known) * torch.where(total > 1e-4, wide / total.clamp_min(1e-4), 0)
        known = planes.sum(1, keepdim=True).clamp(0, 1)
    planes[:, PARTS.index("arms")] += 1 - known[:, 0]
    shares = functional.interpolate(planes, tuple(size), mode="bilinear").clamp_min(0)
    return (shares / shares.sum(1, keepdim=True))[0]


def _near_head(labels: Tensor, body: Body) -> Tensor:
    everything = torch.ones_like(labels, dtype=torch.bool)
    return (_near_head_mask(everything, body) if body.has_face else ~everything).float()


def _near_head_mask(mask: Tensor, body: Body) -> Tensor:
    """The part of the mask that lies where the head is."""
    rows, columns = _axes(mask)
    across = (columns - body.middle).abs() <= 0.6 * body.head
    return mask & across & (rows <= body.chin) & (rows >= body.crown - 0.3 * body.head)


def _axes(mask: Tensor) -> tuple[Tensor, Tensor]:
    rows, columns = (torch.arange(side, device=mask.device).float() for side in mask.shape)
    return rows.unsqueeze(1), columns.unsqueeze(0)


def _grow(mask: Tensor, *, corners: bool = True) -> Tensor:
    """The mask and its neighbours."""
    planes = mask.float()[None, None]
    if corners:
        return functional.max_pool2d(planes, 3, stride=1, padding=1)[0, 0] > 0
    rows = functional.max_pool2d(planes, (1, 3), stride=1, padding=(0, 1))
    return torch.maximum(rows, functional.max_pool2d(planes, (3, 1), stride=1, padding=(1, 0)))[0, 0] > 0

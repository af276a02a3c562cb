"""A mask divided among garments, persons or connected regions: soft pieces that sum to the mask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..kernels import gaussian_blur, label_regions, nearest_pixels, support_box
from ..tensors import NOTHING, HemlineError, ShapeError, as_finite_mask, check_name
from .garments import Garment, Garments

HALF = 0.5
# A piece of less than this share of its mask's area, or none of whose pixels is half covered, is no piece.
LEAST_SHARE = 0.005
# Where only the grown rim of a mask is, it is divided halfway between the garments, softly over a few pixels.
SEAM_SIGMA_PX = 2.0
WHOLE = "whole"

# Values and region of each owner within the mask's box, and its name.
_Owner = tuple[Tensor, str]


@dataclass(frozen=True)
class Piece:
    """A part of one picture's mask. mask: soft ``[H,W]``, float32; image: index in the batch; label: what it is."""

    mask: Tensor
    image: int
    label: str


def split_mask(mask: Tensor, garments: Garments | None = None, by: str = "per garment") -> tuple[Piece, ...]:
    """The pieces of the masks ``[B,H,W]``, picture by picture; those of one picture sum to its mask.

    by: one of `SPLITS`. "whole": one piece per picture. "per garment", "per person": a pixel within the soft masks of
    some is divided among them in their proportion, any other goes to the nearest, softly where two are as near. "per
    region": to connected regions of at least half coverage in the same way. Pieces that are nearly nothing fall to the
    others. Labels are a garment's ("upper", "upper 2"), "person 1", "region 1", or "whole" where a mask is not divided
    because none of these lies in it. A picture with an empty mask has no piece, unless all are empty.

    garments: of the masks' size, of as many pictures or of one. Raises `HemlineError` where they are needed and
    missing, `ShapeError` where they do not fit, `RangeError` for a mask with NaN.
    """
    mask = as_finite_mask(mask)
    check_name("Split", by, SPLITS)
    find = SPLITS[by]
    if find is None:
        return tuple(Piece(plane, index, WHOLE) for index, plane in enumerate(mask.float()))
    if by != "per region":
        garments = _checked(garments, mask, by)
    pieces: list[Piece] = []
    for index, plane in enumerate(mask.float()):  # each picture has owners and a box of its own
        box = support_box(plane > 0)
        if box is not None and bool(plane.amax() > NOTHING):
            items = garments.of_image(index % garments.batch).items if garments else ()
            pieces += _split_plane(plane, box, items, find, index)
    return tuple(pieces) or tuple(Piece(plane, index, WHOLE) for index, plane in enumerate(mask.float()))


def _checked(garments: Garments | None, mask: Tensor, by: str) -> Garments:
    if garments is None:
        raise HemlineError(f"split {by!r} needs the garments that were found; connect Detect Garments' garments.")
    if (garments.height, garments.width) != tuple(mask.shape[1:]):
        raise ShapeError(
            f"the garments are of a {garments.width}x{garments.height} picture, the mask is "
            f"{mask.shape[2]}x{mask.shape[1]}; detect them in the picture that is cropped."
        )
    if garments.batch not in (1, len(mask)):
        raise ShapeError(
            f"the garments are of {garments.batch} pictures beside {len(mask)} masks; give one or as many."
        )
    return garments


def _split_plane(
    plane: Tensor, box: tuple[int, int, int, int], items: Sequence[Garment], find: _Find, index: int
) -> list[Piece]:
    x0, y0, x1, y1 = box
    here = plane[y0:y1, x0:x1]
    owners = [owner for owner in find(here, box, items) if bool((here * owner[0] > NOTHING).any())]
    parts = _sound_parts(here, owners)
    if not parts:
        return [Piece(plane, index, WHOLE)]
    pieces: list[Piece] = []
    for part, label in zip(parts, _numbered([name for _, name in owners]), strict=True):
        whole = torch.zeros_like(plane)
        whole[y0:y1, x0:x1] = part
        pieces.append(Piece(whole, index, label))
    return pieces


def _sound_parts(mask: Tensor, owners: list[_Owner]) -> list[Tensor]:
    """The mask divided among the owners; those that would get nearly nothing are taken out of the list."""
    least, peak = LEAST_SHARE * float(mask.sum()), min(HALF, float(mask.amax()))
    while owners:
        parts = _divide(mask, [values for values, _ in owners])
        kept = [
            owner
            for owner, part in zip(owners, parts, strict=True)
            if float(part.sum()) >= least and float(part.amax()) >= peak
        ]
        if len(kept) in (0, len(owners)):
            return parts
        owners[:] = kept
    return []


def _divide(mask: Tensor, owners: Sequence[Tensor]) -> list[Tensor]:
    """The mask ``[h,w]`` in parts that sum to it, one for each owner's soft values ``[h,w]``."""
    if len(owners) == 1:
        return [mask]
    total, most = owners[0].clone(), owners[0].clone()
    owner = torch.zeros_like(mask, dtype=torch.int16)  # who has most of each pixel
    for number, values in enumerate(owners[1:], start=1):
        owner[values > most] = number
        total += values
        most = torch.maximum(most, values)
    inside, rim = total > NOTHING, (total <= NOTHING) & (mask > 0)
    nearest = owner.flatten()[nearest_pixels(inside.unsqueeze(0), rim.unsqueeze(0))[0]]
    parts: list[Tensor] = []
    for number, values in enumerate(owners):
        share = torch.where(inside, values / total.clamp(min=NOTHING), 0)
        share[rim] = (nearest == number).float()
        parts.append(torch.where(rim, gaussian_blur(share[None, None], SEAM_SIGMA_PX)[0, 0], share))
    # Pixels beside the mask have no owner, so near them the blurred shares do not sum to 1 by themselves.
    scale = mask / torch.stack(parts).sum(0).clamp(min=NOTHING)
    return [part.mul_(scale) for part in parts]


def _numbered(names: Sequence[str]) -> list[str]:
    """The names with " 2", " 3" ... after the second, third ... that is the same."""
    return [
        name if name not in names[:index] else f"{name} {names[: index + 1].count(name)}"
        for index, name in enumerate(names)
    ]


_Find = Callable[[Tensor, tuple[int, int, int, int], Sequence[Garment]], list[_Owner]]


def _by_garment(here: Tensor, box: tuple[int, int, int, int], items: Sequence[Garment]) -> list[_Owner]:
    x0, y0, x1, y1 = box
    return [(item.mask[y0:y1, x0:x1].to(here).clamp(0, 1), item.label) for item in items]


def _by_person(here: Tensor, box: tuple[int, int, int, int], items: Sequence[Garment]) -> list[_Owner]:
    worn: dict[int, Tensor] = {}
    for item, (values, _) in zip(items, _by_garment(here, box, items), strict=True):
        worn[item.person] = torch.maximum(worn[item.person], values) if item.person in worn else values
    return [(values, f"person {person + 1}") for person, values in sorted(worn.items())]


def _by_region(here: Tensor, box: tuple[int, int, int, int], items: Sequence[Garment]) -> list[_Owner]:
    numbers = label_regions(here >= HALF)
    areas = torch.bincount(numbers.flatten(), weights=here.flatten())
    large = (areas[1:] >= LEAST_SHARE * float(here.sum())).nonzero().flatten() + 1
    return [((numbers == number).float(), f"region {index}") for index, number in enumerate(large, start=1)]


SPLITS: dict[str, _Find | None] = {
    WHOLE: None,
    "per garment": _by_garment,
    "per person": _by_person,
    "per region": _by_region,
}
"""Way to split -> what finds those that a mask, cut to its box, is divided among."""

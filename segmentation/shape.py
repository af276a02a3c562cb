"""Masks grown, shrunk and feathered; soft values stay soft values throughout."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..tensors import as_finite_mask, as_mask, check_name, check_range
from .contour import Scattered, find_soft, paint_distances, spread_soft, within_distance
from .feather import PROFILES, Profile
from .spread import SHAPES, Reach, spread_values

GROW_LIMIT_PX = 512
SIDE_LIMIT_PERCENT = 1000.0
GROW_SHAPES = SHAPES
FEATHER_SIDES = ("centred", "inside", "outside")
BLUR = "blur"
FEATHER_PROFILES = (BLUR, *PROFILES)
# A mask is crisp if it has no soft pixels but those that its contour crosses; such a pixel has pixels of at most and of
# at least these values around it.
NEARLY_NOTHING = 1 / 64
HALF = 0.5
# What a Fourier transform in float32 leaves of a 0 or a 1; smaller differences from them are none.
ROUNDING = 1e-6


def grow_mask(
    mask: Tensor, radius_px: float, *, shape: str = "round",
    sides_percent: tuple[float, float, float, float] = (100.0, 100.0, 100.0, 100.0),
) -> Tensor:  # fmt: skip
    """The mask ``[B,H,W]``, in its dtype, grown by `radius_px` (shrunk where negative); 0 gives it back unchanged.

    Grey dilation: each value spreads `radius_px` far, so a soft edge moves outwards and keeps its profile. shape:
    "round" (Euclidean distance), "square" or "diamond" (as hosts' own nodes grow). sides_percent: how much of the
    radius counts to the left, right, top and bottom, 0 to 1000. Fractions of a pixel count: over one pixel beyond the
    radius a value loses 1. What lies beyond the frame neither grows in nor eats away. Raises `RangeError` beyond 512 px
    and for a mask with NaN or infinity, `UnknownName` for another shape.

    A round shape alike to all sides costs hardly more for a larger radius; the others do.
    """
    mask = as_finite_mask(mask)
    check_range("grow", radius_px, -GROW_LIMIT_PX, GROW_LIMIT_PX)
    check_name("Shape", shape, GROW_SHAPES)
    for name, percent in zip(("left", "right", "top", "bottom"), sides_percent, strict=True):
        check_range(f"{name} side, in percent of grow,", percent, 0, SIDE_LIMIT_PERCENT)
        check_range(f"grow on the {name} side", radius_px * percent / 100, -GROW_LIMIT_PX, GROW_LIMIT_PX)
    if radius_px == 0:
        return mask
    reach = Reach(*(abs(radius_px) * percent / 100 for percent in sides_percent))
    # Shrinking is growing the complement (erosion by duality), whose left edge moves to the right.
    values, reach = (mask.float(), reach) if radius_px > 0 else (1 - mask.float(), reach.turned())
    grown = _by_picture(values, reach.farthest, lambda plane: _grow(plane, reach, shape))
    return (grown if radius_px > 0 else 1 - grown).to(mask.dtype)


def grow_region(region: Tensor, radius_px: float) -> Tensor:
    """All pixels within `radius_px` of a bool region ``[H,W]``; a radius beyond `GROW_LIMIT_PX` counts as that."""
    if not bool(region.any()):
        return region
    return grow_mask(region.float(), min(radius_px, float(GROW_LIMIT_PX)))[0] >= 1


def feather_mask(mask: Tensor, width_px: float, *, side: str = "centred", profile: str = BLUR) -> Tensor:
    """The mask ``[B,H,W]``, in its dtype, with an edge that runs softly over `width_px`; 0 gives it back unchanged.

    side: "centred" (the 0.5 line of a straight edge stays put), "inside" (never exceeds the mask) or "outside" (never
    falls below it). profile: "blur" blurs by a Gaussian, its sigma a quarter of the width, and evens out a ragged edge.
    The others lay a curve on the exact distance from the mask's 0.5 line, so that thin parts keep that line too:
    "gaussian" (an error function of the same sigma), "smoothstep" (3t²-2t³) or "linear". On a mask with soft values, or
    of countless loose pixels, they blur by the round kernel that gives straight edges this curve, which keeps the
    values and the area. Raises `RangeError` beyond 0..512 px, `UnknownName` for another side or profile.
    """
    mask = as_finite_mask(mask)
    check_range("feather", width_px, 0, GROW_LIMIT_PX)
    check_name("Side", side, FEATHER_SIDES)
    check_name("Profile", profile, FEATHER_PROFILES)
    if width_px == 0:
        return mask
    chosen = PROFILES["gaussian" if profile == BLUR else profile]
    feather = _feather_soft if profile == BLUR else _feather
    shift = 0 if side == "centred" else width_px / 2
    reach = math.ceil(chosen.reach * max(width_px, 1) + shift) + 1
    soft = _by_picture(mask.float(), reach, lambda plane: feather(plane, width_px, side, chosen))
    return soft.to(mask.dtype)


def garment_size_px(mask: Tensor) -> Tensor:
    """How large each mask of ``[B,H,W]`` is, in px, float32 ``[B]``: the side of the square of the same area."""
    return as_mask(mask).float().clamp(0, 1).sum((1, 2)).sqrt()


def _by_picture(values: Tensor, reach: int, change: Callable[[Tensor], Tensor]) -> Tensor:
    """`change` of each picture of ``[B,H,W]``, asked only for the part that lies within `reach` of where values change.

    One by one, because each picture has a contour of its own, and a batch must give what its pictures give alone.
    """
    result = values.clone()
    for plane, changed in zip(values, result, strict=True):
        window = _busy_window(plane, reach)
        if window is not None:
            top, bottom, left, right = window
            changed[top:bottom, left:right] = change(plane[top:bottom, left:right].contiguous())
    return result


def _busy_window(plane: Tensor, reach: int) -> tuple[int, int, int, int] | None:
    """The rows and columns within `reach` of a value that differs from its neighbours; None if there are none.

    Such a value lies where both something and something less than all is near: in the boxes around either.
    """
    spans: list[tuple[int, int]] = []
    for axis in (1, 0):
        something, less = plane.amax(axis) > 0, plane.amin(axis) < 1
        length = len(something)
        low, high = 0, length
        for flags in (something, less):
            places = flags.nonzero()
            if not len(places):
                return None
            low, high = max(low, int(places[0]) - 1), min(high, int(places[-1]) + 2)
        spans.append((max(0, low - reach), min(length, high + reach)))
    (top, bottom), (left, right) = spans
    return top, bottom, left, right


def _grow(plane: Tensor, reach: Reach, shape: str) -> Tensor:
    if shape != "round" or not reach.even:
        return spread_values(plane, reach, shape)
    radius = reach.left
    soft = find_soft(plane)
    grown = _spread_disk(plane, soft, radius, rim=True)
    if radius == math.floor(radius) or not len(soft):
        return grown
    # Between whole radii a slope moves by the fraction, which its pixels, each for itself, cannot tell.
    less, more = (_spread_disk(plane, soft, whole, rim=False) for whole in (math.floor(radius), math.ceil(radius)))
    return torch.maximum(grown, torch.lerp(less, more, radius - math.floor(radius)))


def _spread_disk(plane: Tensor, soft: Tensor, radius: float, *, rim: bool) -> Tensor:
    """What is full spreads from its contour; what is soft spreads beyond that. rim: over one more pixel, too."""
    full = plane >= 1
    try:
        grown = torch.maximum(plane, within_distance(full, radius))
        if rim:
            paint_distances(grown, full, radius, radius + 1, lambda far: (radius + 1 - far).clamp(0, 1), reduce="amax")
        spread_soft(grown, plane, soft, radius, rim=rim)
    except Scattered:
        return spread_values(plane, Reach(radius, radius, radius, radius), "round", rim=rim)
    return grown


def _feather(plane: Tensor, width: float, side: str, profile: Profile) -> Tensor:
    if crisp := _Crisp.of(plane):
        try:
            return _feather_crisp(crisp, width, side, profile)
        except Scattered:
            pass  # the blur knows no contours
    return _feather_soft(plane, width, side, profile)


def _feather_crisp(mask: _Crisp, width: float, side: str, profile: Profile) -> Tensor:
    """The profile of the signed distance from the 0.5 line.

    It lies m - 0.5 beyond the centre of a pixel of the value m (antialiased; as in Gustavson & Strand, "Anti-aliased
    Euclidean distance transform", 2011), hence 0.5 beyond a full one.
    """
    width = max(width, 1.0)  # narrower than a pixel is what an antialiased edge is
    shift = {"centred": 0.0, "inside": width / 2, "outside": -width / 2}[side]
    reach = profile.reach * width

    def outside(far: Tensor) -> Tensor:
        return profile.value((far - HALF + shift) / width)

    def inside(far: Tensor) -> Tensor:
        return profile.value((HALF - far + shift) / width)

    result = mask.plane.clone()
    if side == "centred":
        flat = result.view(-1)
        flat[mask.soft] = profile.value((HALF - flat[mask.soft]) / width)
    if side != "inside":
        lead = 1 - mask.plane if len(mask.soft) else None
        paint_distances(result, mask.region, 0, reach - shift + HALF, outside, reduce="amax", lead=lead)
    if side != "outside":
        lead = mask.plane if len(mask.soft) else None
        paint_distances(result, ~mask.region, 0, reach + shift + HALF, inside, reduce="amin", lead=lead)
    return result


@dataclass(frozen=True)
class _Crisp:
    """A mask ``[H,W]`` that is hard or antialiased: its region of at least one half, and where its soft pixels are."""

    plane: Tensor
    region: Tensor
    soft: Tensor

    @staticmethod
    def of(plane: Tensor) -> _Crisp | None:
        """The mask as such; None if it has softer edges."""
        region = plane >= HALF
        soft = find_soft(plane)
        return _Crisp(plane, region, soft) if _are_crossed(plane, soft) else None


def _feather_soft(plane: Tensor, width: float, side: str, profile: Profile) -> Tensor:
    shifted = plane
    if side != "centred":
        shifted = grow_mask(plane, width / 2 if side == "outside" else -width / 2).squeeze(0)
    soft = profile.blur(shifted.view(1, 1, *shifted.shape), width).view(plane.shape)
    soft = torch.where(soft < ROUNDING, 0, torch.where(soft > 1 - ROUNDING, 1, soft))
    if side == "inside":
        return torch.minimum(soft, plane)
    return torch.maximum(soft, plane) if side == "outside" else soft


def _are_crossed(plane: Tensor, soft: Tensor) -> bool:
    """Whether each soft pixel has both nearly nothing and nearly everything among the pixels around it."""
    if not len(soft):
        return True
    wide = functional.pad(plane.view(1, 1, *plane.shape), (1, 1, 1, 1), mode="replicate").flatten()
    stride = plane.shape[1] + 2
    centre = (soft // plane.shape[1] + 1) * stride + soft % plane.shape[1] + 1
    steps = torch.tensor([down * stride + across for down in (-1, 0, 1) for across in (-1, 0, 1)]).to(soft)
    around = wide[centre.unsqueeze(1) + steps]
    crossed = (around.amin(1) <= NEARLY_NOTHING) & (around.amax(1) >= 1 - NEARLY_NOTHING)
    return bool(crossed.all())

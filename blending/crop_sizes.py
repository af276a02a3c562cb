"""Which size a crop is handed out at, and how large a part of the picture it shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..tensors import ShapeError, check_name, check_range

Size = tuple[int, int]
"""Width and height."""

LEAVE_FRAME = ("if needed", "never", "for context")
# "never" looks for sizes whose pixel count is within these shares of the target's.
LEAST_AREA, MOST_AREA = 0.8, 1.1
# Between sizes that serve, a doubled area counts as much as this share of a doubled aspect.
AREA_WEIGHT = 0.25
# Steps to a side of the sizes looked at, about; with more of them aspects come no nearer than a pixel.
FINEST_STEPS = 128


@dataclass(frozen=True)
class Target:
    """A model's sizes. sizes: those that it was made for, none where any will do; multiple: what sides must divide by.

    source: where that is said.
    """

    sizes: tuple[Size, ...] = ()
    multiple: int = 1
    source: str = ""


def _both_ways(*sizes: Size) -> tuple[Size, ...]:
    """The sizes and, after each, itself turned on its side."""
    return tuple(dict.fromkeys(turned for width, height in sizes for turned in ((width, height), (height, width))))


def _qwen_rule(aspect: float) -> Size:
    """The size that Qwen-Image-Edit scales a picture of this aspect to: about 1024 x 1024 in steps of 32."""
    width = math.sqrt(1024 * 1024 * aspect)
    return round(width / 32) * 32, round(width / aspect / 32) * 32


# Only what the rule leaves as it is comes back from the pipeline at the size it was handed in. Up to about 1:2.4.
_QWEN_SIDES = range(672, 1568 + 1, 32)
_QWEN_SIZES = tuple(
    (wide, high) for wide in _QWEN_SIDES for high in _QWEN_SIDES if _qwen_rule(wide / high) == (wide, high)
)

TARGETS: dict[str, Target] = {
    "as is": Target(source="nothing is scaled"),
    "SD 1.5": Target(_both_ways((512, 512), (512, 640), (512, 768)), 8, "trained at 512 x 512; latents of 1/8"),
    "SDXL": Target(
        _both_ways((1024, 1024), (960, 1088), (896, 1152), (832, 1216), (768, 1344), (704, 1408)), 64,
        "the training buckets between 1:2 and 2:1, arXiv 2307.01952, appendix I",
    ),
    "FLUX Fill": Target(
        _both_ways((1024, 1024), (928, 1120), (880, 1184), (832, 1248), (768, 1360), (720, 1456)), 16,
        "about one megapixel; latents of 1/8, packed two by two",
    ),
    "FLUX Kontext": Target(
        _both_ways(
            (1024, 1024), (944, 1104), (880, 1184), (832, 1248), (800, 1328), (752, 1392), (720, 1456), (688, 1504),
            (672, 1568),
        ), 16,
        "PREFERRED_KONTEXT_RESOLUTIONS of the model's reference code and of ComfyUI's FluxKontextImageScale",
    ),
    "Qwen-Image-Edit": Target(
        _QWEN_SIZES, 32, "calculate_dimensions(1024 * 1024, aspect) of diffusers' QwenImageEditPipeline"
    ),
    "custom": Target(source="width and height are given"),
}  # fmt: skip
"""What a crop can be made for. Among a target's sizes the one nearest to the crop's own aspect is taken."""


@dataclass(frozen=True)
class Fit:
    """size: what is handed out; box: how much of the picture it shows, of the same aspect; note: for the user."""

    size: Size
    box: Size
    note: str = ""


def wanted_size(needed: Size, context: float, padding: int, frame: Size | None) -> Size:
    """The size with its surroundings, no larger than the frame where one is given."""
    across, down = (max(math.ceil(side * context), side + 2 * padding) for side in needed)
    return (min(across, frame[0]), min(down, frame[1])) if frame else (across, down)


def fit_target(
    needed: Size, wanted: Size, frame: Size, target: str, *, custom: Size = (1024, 1024), multiple: int = 8,
    leave_frame: str = "if needed",
) -> Fit:  # fmt: skip
    """The target's size that suits a crop which must show `needed` and should show `wanted` of a frame.

    leave_frame: "if needed" takes the size whose aspect is nearest to `wanted` among those whose box stays inside the
    frame, and lets the box leave it where there are none; "never" then looks for another size of about as many pixels
    and the same multiple; "for context" does not look at the frame. custom, multiple: for the targets "custom" and "as
    is". Raises `UnknownName`, `RangeError`, `ShapeError`.
    """
    check_name("Target", target, TARGETS)
    check_name("Leave frame", leave_frame, LEAVE_FRAME)
    check_range("multiple", multiple, 1, 128)
    record = TARGETS[target]
    if target == "as is":
        fit = _as_is(wanted, multiple)
    else:
        options = (_checked(custom, multiple),) if target == "custom" else record.sizes
        fit = _nearest_option(needed, wanted, frame, options, heed_frame=leave_frame != "for context")
    if leave_frame != "never" or _holds(frame, fit.box):
        return fit
    return _another_size(needed, wanted, frame, fit.size, record.multiple if record.sizes else multiple)


def _as_is(wanted: Size, multiple: int) -> Fit:
    size = (_round_up(wanted[0], multiple), _round_up(wanted[1], multiple))
    return Fit(size, size)


def _nearest_option(needed: Size, wanted: Size, frame: Size, options: Sequence[Size], *, heed_frame: bool) -> Fit:
    """The option whose aspect is nearest to `wanted`, one whose box stays inside the frame before all others."""
    room = frame if heed_frame else None
    fits = [Fit(option, box_of_aspect(needed, wanted, room, option)) for option in options]
    return min(fits, key=lambda fit: (heed_frame and not _holds(frame, fit.box), _log_ratio(fit.size, wanted)))


def box_of_aspect(needed: Size, wanted: Size, frame: Size | None, size: Size) -> Size:
    """The smallest box of exactly `size`'s aspect that holds `wanted`, or less of it rather than leave a frame given;
    it holds `needed` in any case.
    """
    unit = math.gcd(*size)
    across, down = size[0] // unit, size[1] // unit
    units = max(math.ceil(wanted[0] / across), math.ceil(wanted[1] / down))
    if frame is not None:
        holds_needed = max(math.ceil(needed[0] / across), math.ceil(needed[1] / down))
        inside_frame = min(frame[0] // across, frame[1] // down)
        units = min(units, max(holds_needed, inside_frame))
    return across * units, down * units


def _another_size(needed: Size, wanted: Size, frame: Size, size: Size, multiple: int) -> Fit:
    """A size of about as many pixels as `size` whose box stays inside the frame; of exactly its aspect if there is one.

    Else the box is as much of the frame as has nearly the size's aspect, and the two scales differ a little.
    """
    area = size[0] * size[1]
    options = _sizes_about(area, multiple, frame)
    boxes = {option: box_of_aspect(needed, wanted, frame, option) for option in options}
    inside = [option for option in options if _holds(frame, boxes[option])]

    def rank(option: Size) -> float:
        return _log_ratio(option, wanted) + AREA_WEIGHT * abs(math.log2(option[0] * option[1] / area))

    if inside:
        best = min(inside, key=rank)
        box, apart = boxes[best], 0.0
    else:  # what must be shown is nearly the frame
        best = min(options, key=lambda option: (_log_ratio(option, frame), rank(option)))
        box, apart = frame, _log_ratio(best, frame)
    note = f"{size[0]}x{size[1]} could not hold the mask without leaving the picture: {best[0]}x{best[1]} is handed out"
    return Fit(best, box, f"{note}, its scales {math.exp(apart) - 1:.2%} apart" if apart else note)


def _sizes_about(area: int, multiple: int, frame: Size) -> list[Size]:
    """Sizes in whole multiples with about `area` pixels, and always those nearest to the frame's aspect."""
    multiple *= max(1, round(math.sqrt(area) / multiple / FINEST_STEPS))
    widest = max(1, math.floor(math.sqrt(area * frame[0] / frame[1]) / multiple))
    steps = range(max(1, widest // 3), widest * 3 + 1)
    found: list[Size] = []
    for wide in steps:
        low = math.ceil(LEAST_AREA * area / (wide * multiple * multiple))
        high = math.floor(MOST_AREA * area / (wide * multiple * multiple))
        found += [(wide * multiple, high_side * multiple) for high_side in range(max(1, low), high + 1)]
    nearest = max(1, round(widest * frame[1] / frame[0]))
    return [*found, (widest * multiple, nearest * multiple)]


def _holds(frame: Size, box: Size) -> bool:
    return box[0] <= frame[0] and box[1] <= frame[1]


def _log_ratio(first: Size, second: Size) -> float:
    """How far two aspects are apart; 0 where they are the same."""
    return abs(math.log(first[0] * second[1] / (first[1] * second[0])))


def _checked(size: Size, multiple: int) -> Size:
    for name, value in (("width", size[0]), ("height", size[1])):
        check_range(name, value, multiple, 16384)
        if value % multiple:
            raise ShapeError(f"{name} {value} is no multiple of {multiple}; the next is {_round_up(value, multiple)}.")
    return size


def _round_up(value: int, multiple: int) -> int:
    return math.ceil(value / multiple) * multiple

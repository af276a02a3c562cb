"""The crop that a diffusion model repaints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import resize_planes, support_box
from ..tensors import ShapeError, as_image, check_name, check_range, match_batch, match_mask, resize_mask
from .stitch import CropBox, Stitch, inside_frame, keep_range

TARGETS: dict[str, tuple[tuple[int, int], ...]] = {
    "as is": (),
    "SD 1.5": ((512, 512), (512, 640), (640, 512), (512, 768), (768, 512)),
    # The training buckets of SDXL, arXiv 2307.01952, appendix I, those between 1:2 and 2:1.
    "SDXL": (
        (1024, 1024), (960, 1088), (1088, 960), (896, 1152), (1152, 896), (832, 1216), (1216, 832),
        (768, 1344), (1344, 768), (704, 1408), (1408, 704),
    ),
    # About one megapixel in steps of 16, which FLUX packs its latents by.
    "FLUX Fill": (
        (1024, 1024), (928, 1120), (1120, 928), (880, 1184), (1184, 880), (832, 1248), (1248, 832),
        (768, 1360), (1360, 768), (720, 1456), (1456, 720),
    ),
    "custom": (),
}  # fmt: skip
"""Preset -> sizes (width, height) among which the one nearest to the crop's own aspect is taken."""

# Values at or below this are what rounding leaves of nothing; a crop is not stretched to hold them.
NOTHING = 1 / 512
HARD_LEVEL = 0.5


@dataclass(frozen=True)
class Crop:
    """image: ``[B,h,w,C]``; hard_mask: ``[B,h,w]`` of 0 and 1, for sampling; soft_mask: the same area, soft."""

    image: Tensor
    hard_mask: Tensor
    soft_mask: Tensor
    stitch: Stitch


def crop_for_inpainting(
    image: Tensor, mask: Tensor, *, context: float = 1.2, padding_px: int = 32, target: str = "SDXL",
    width: int = 1024, height: int = 1024, multiple: int = 8,
) -> Crop:  # fmt: skip
    """The part of each picture around its mask, at the exact size that the model wants, and the record to undo it.

    image: ``[B,H,W,C]``; mask: ``[B,H,W]``, batches 1 and N go together. context: how many times as wide and high as
    the mask's box the crop is; padding_px: at least this many pixels on each side. target: a name from `TARGETS`;
    "custom" takes `width` x `height`, "as is" keeps the scale and rounds the size up to `multiple`.

    Both axes get the same scale. The crop stays inside the frame where it fits; where it cannot, the frame's border
    pixels go on outwards under a zero mask. All pictures of a batch get crops of one size. A picture with an empty mask
    gives a crop of its middle with an empty mask. All results keep the inputs' dtypes.
    """
    image = as_image(image)
    image, mask = match_batch((image, match_mask(mask, image)), ("image", "mask"))
    check_name("Target", target, TARGETS)
    check_range("context", context, 1, 10)
    check_range("padding_px", padding_px, 0, 4096)
    check_range("multiple", multiple, 1, 128)
    frame = (image.shape[2], image.shape[1])
    boxes = [support_box(plane > NOTHING) for plane in mask]
    needed = _largest([box for box in boxes if box]) or frame
    wanted = _with_context(needed, context, padding_px, frame)
    options = [_checked((width, height), multiple)] if target == "custom" else TARGETS[target]
    size, box_size = _fit_target(needed, wanted, frame, options, multiple)
    placed = tuple(_place(box or (0, 0, *frame), box_size, frame) for box in boxes)
    stitch = Stitch(image, mask, placed, tuple(range(len(image))), *size)
    pixels = torch.cat([_cut(image[index : index + 1], box) for index, box in enumerate(placed)])
    soft = _cut_masks(mask, placed, frame)
    crop = keep_range(resize_planes(pixels.permute(0, 3, 1, 2), size[1], size[0]), pixels).permute(0, 2, 3, 1)
    soft = resize_mask(soft, size[1], size[0])
    hard = (soft >= HARD_LEVEL).to(mask.dtype)
    return Crop(crop.to(image.dtype), hard, soft.to(mask.dtype), stitch)


def _largest(boxes: Sequence[CropBox]) -> tuple[int, int] | None:
    """Width and height that hold every one of the boxes; None where there is none."""
    if not boxes:
        return None
    return max(x1 - x0 for x0, _, x1, _ in boxes), max(y1 - y0 for _, y0, _, y1 in boxes)


def _with_context(needed: tuple[int, int], context: float, padding: int, frame: tuple[int, int]) -> tuple[int, int]:
    """The size with its surroundings, no larger than the frame."""
    across, down = (max(math.ceil(side * context), side + 2 * padding) for side in needed)
    return min(across, frame[0]), min(down, frame[1])


def _fit_target(
    needed: tuple[int, int], wanted: tuple[int, int], frame: tuple[int, int],
    options: Sequence[tuple[int, int]], multiple: int,
) -> tuple[tuple[int, int], tuple[int, int]]:  # fmt: skip
    """(size handed out, size of the box in the picture), of exactly the same aspect; without options nothing is scaled.

    Takes the option whose aspect is nearest to `wanted` among those whose box stays inside the frame, if there are any.
    """
    if not options:
        size = (_round_up(wanted[0], multiple), _round_up(wanted[1], multiple))
        return size, size
    boxes = {option: _box_of_aspect(needed, wanted, frame, option) for option in options}
    aspect = math.log(wanted[0] / wanted[1])

    def rank(option: tuple[int, int]) -> tuple[bool, float]:
        leaves = boxes[option][0] > frame[0] or boxes[option][1] > frame[1]
        return leaves, abs(math.log(option[0] / option[1]) - aspect)

    best = min(options, key=rank)
    return best, boxes[best]


def _box_of_aspect(
    needed: tuple[int, int], wanted: tuple[int, int], frame: tuple[int, int], size: tuple[int, int]
) -> tuple[int, int]:
    """The smallest box of exactly `size`'s aspect that holds `wanted`, or less context rather than leave the frame."""
    unit = math.gcd(*size)
    across, down = size[0] // unit, size[1] // unit
    holds_wanted = max(math.ceil(wanted[0] / across), math.ceil(wanted[1] / down))
    holds_needed = max(math.ceil(needed[0] / across), math.ceil(needed[1] / down))
    inside_frame = min(frame[0] // across, frame[1] // down)
    units = min(holds_wanted, max(holds_needed, inside_frame))
    return across * units, down * units


def _checked(size: tuple[int, int], multiple: int) -> tuple[int, int]:
    for name, value in (("width", size[0]), ("height", size[1])):
        check_range(name, value, multiple, 16384)
        if value % multiple:
            raise ShapeError(f"{name} {value} is no multiple of {multiple}; the next is {_round_up(value, multiple)}.")
    return size


def _round_up(value: int, multiple: int) -> int:
    return math.ceil(value / multiple) * multiple


def _place(box: CropBox, size: tuple[int, int], frame: tuple[int, int]) -> CropBox:
    """A box of `size` centred on `box`, moved inside the frame where it fits, else centred on the frame."""
    starts: list[int] = []
    for axis in (0, 1):
        start = (box[axis] + box[axis + 2] - size[axis]) // 2
        room = frame[axis] - size[axis]
        starts.append(min(max(start, 0), room) if room >= 0 else room // 2)
    return starts[0], starts[1], starts[0] + size[0], starts[1] + size[1]


def _cut(image: Tensor, box: CropBox) -> Tensor:
    """The box of ``[1,H,W,C]``; beyond the frame the border pixels go on."""
    height, width = image.shape[1:3]
    rows = torch.arange(box[1], box[3], device=image.device).clamp(0, height - 1)
    columns = torch.arange(box[0], box[2], device=image.device).clamp(0, width - 1)
    return image[:, rows][:, :, columns]


def _cut_masks(mask: Tensor, boxes: Sequence[CropBox], frame: tuple[int, int]) -> Tensor:
    """The boxes of ``[B,H,W]``; beyond the frame 0."""
    planes: list[Tensor] = []
    for plane, box in zip(mask, boxes, strict=True):
        x0, y0, x1, y1 = inside_frame(box, *frame)
        planes.append(functional.pad(plane[y0:y1, x0:x1], (x0 - box[0], box[2] - x1, y0 - box[1], box[3] - y1)))
    return torch.stack(planes)

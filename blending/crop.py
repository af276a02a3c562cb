"""The crop that a diffusion model repaints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import support_box
from ..resampling import LANCZOS_LOBES, resize_part, resize_planes
from ..tensors import (
    NOTHING,
    RangeError,
    ShapeError,
    as_image,
    as_mask,
    check_name,
    check_range,
    match_batch,
    match_mask,
    resize_mask,
)
from .crop_boxes import FRAME_POLICIES, cut_image, cut_mask, join_boxes, largest_size, place_boxes
from .crop_sizes import TARGETS as TARGETS
from .crop_sizes import Fit, Size, fit_target, wanted_size
from .fill import fill_image
from .stitch import CropBox, Stitch, keep_range

HARD_LEVEL = 0.5
# The side of a picture's part that becomes one value of a latent image, for all models that there are presets for.
LATENT_CELL_PX = 8


@dataclass(frozen=True)
class Crop:
    """What is handed to a model: N crops of one size, and the way back.

    image: ``[N,h,w,C]``. hard_mask: ``[N,h,w]`` of 0 and 1, for sampling; soft_mask: the same area, soft. agnostic: the
    image with something else in the place of the mask. noise_mask: see `latent_mask`. extras: crops of the further
    images. note: what the user should know, or "".
    """

    image: Tensor
    hard_mask: Tensor
    soft_mask: Tensor
    stitch: Stitch
    agnostic: Tensor
    noise_mask: Tensor
    extras: tuple[Tensor, ...] = ()
    note: str = ""


def crop_for_inpainting(
    image: Tensor, mask: Tensor, *, context: float = 1.2, padding_px: int = 32, target: str = "SDXL",
    width: int = 1024, height: int = 1024, multiple: int = 8, frames: str = "each", leave_frame: str = "if needed",
    fill: str = "none", extras: Sequence[Tensor] = (), of_frames: Sequence[int] | None = None,
    whole: Tensor | None = None,
) -> Crop:  # fmt: skip
    """The part of each picture around its mask, at the exact size that the model wants, and the record to undo it.

    image: ``[B,H,W,C]``; mask: ``[B,H,W]``, batches 1 and N go together. of_frames: of each of N masks the index of the
    picture that it is cut from; then there are N crops, and the pictures are not copied. context: how many times as
    wide and high as the mask's box the crop is; padding_px: at least this many pixels on each side. target: a name from
    `TARGETS`; "custom" takes `width` x `height`, "as is" keeps the scale and rounds the size up to `multiple`.

    frames: "each" mask has a box of its own, "one box" holds all of them, "smooth" lets the box follow calmly (see
    `calm_path`); all boxes have one size in any case. leave_frame: "if needed", only where the mask cannot be held
    otherwise; "never": another size is handed out then; "for context": the mask stays surrounded on all sides. Beyond
    the frame its border pixels go on under a zero mask.

    fill: what `agnostic` shows where the mask is at least 0.5, see `fill_image`. extras: further images ``[1|B,h,w,C]``
    of the same aspect (pose, depth), cropped alike. whole: ``[N,H,W]``, of each mask the mask that it is a piece of.
    Where that is sampled, every piece that has a part in a pixel is sampled there, because several will be mixed.

    Both axes get the same scale (but see "never" in `fit_target`). A picture with an empty mask gives a crop of its
    middle with an empty mask. Pixels that are NaN or infinite count as 0. All results keep the inputs' dtypes. Raises
    `ShapeError`, `RangeError`, `UnknownName`.
    """
    image = as_image(image)
    image, mask, pictures = _match(image, match_mask(mask, image), of_frames)
    check_range("context", context, 1, 10)
    check_range("padding_px", padding_px, 0, 4096)
    check_name("Frames", frames, FRAME_POLICIES)
    frame = (image.shape[2], image.shape[1])
    boxes = _mask_boxes(mask, frames)
    some = [box for box in boxes if box]
    needed = largest_size(some) or frame
    aside = leave_frame == "for context" and bool(some)
    wanted = wanted_size(needed, context, padding_px, None if aside else frame)
    policy = "if needed" if leave_frame == "for context" and not some else leave_frame
    fit = fit_target(needed, wanted, frame, target, custom=(width, height), multiple=multiple, leave_frame=policy)
    placed = place_boxes(boxes, fit.box, wanted, frame, frames=frames, keep_inside=not aside)
    stitch = Stitch(image, mask, placed, pictures, *fit.size)
    soft = _cut_masks(mask, placed, fit.size)
    sampled = soft if whole is None else _sampled(soft, _cut_masks(match_mask(whole, image, "whole"), placed, fit.size))
    hard = (sampled >= HARD_LEVEL).to(mask.dtype)
    pixels = _resize(_cut(image, placed, pictures), fit.size)
    others = tuple(_cut_alike(extra, number, stitch, fit) for number, extra in enumerate(extras, start=1))
    soft, sampled = soft.to(mask.dtype), sampled.to(mask.dtype)
    agnostic = fill_image(pixels, sampled, fill)
    return Crop(pixels, hard, soft, stitch, agnostic, latent_mask(sampled), others, fit.note)


def _cut_masks(mask: Tensor, boxes: Sequence[CropBox], size: Size) -> Tensor:
    cut = torch.cat([cut_mask(mask[index : index + 1], box) for index, box in enumerate(boxes)])
    return resize_mask(cut, size[1], size[0])


def _sampled(piece: Tensor, whole: Tensor) -> Tensor:
    return torch.where((whole >= HARD_LEVEL) & (piece > NOTHING), whole, piece)


def latent_mask(mask: Tensor, cell_px: int = LATENT_CELL_PX) -> Tensor:
    """The mask ``[B,H,W]`` with its largest value in each cell of `cell_px` x `cell_px` all over that cell.

    A host that shrinks a mask to the size of latents reads one place of each cell, so thin parts of a mask would be
    lost and its rim repainted less than meant.
    """
    mask = as_mask(mask)
    most = functional.max_pool2d(mask.float().unsqueeze(1), cell_px, ceil_mode=True).squeeze(1)
    spread = most.repeat_interleave(cell_px, 1)[:, : mask.shape[1]].repeat_interleave(cell_px, 2)
    return spread[:, :, : mask.shape[2]].to(mask.dtype)


def empty_masks(mask: Tensor) -> tuple[int, ...]:
    """The indices of the masks of ``[B,H,W]`` that hold nothing to repaint."""
    return tuple(index for index, plane in enumerate(as_mask(mask)) if not bool((plane > NOTHING).any()))


def _match(image: Tensor, mask: Tensor, of_frames: Sequence[int] | None) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """Images, masks, and which image each mask belongs to."""
    if of_frames is None:
        image, mask = match_batch((image, mask), ("image", "mask"))
        return image, mask, tuple(range(len(mask)))
    if len(of_frames) != len(mask):
        raise ShapeError(f"of_frames names {len(of_frames)} pictures beside {len(mask)} masks; give one per mask.")
    if not all(0 <= index < len(image) for index in of_frames):
        raise RangeError(f"of_frames is {list(of_frames)}; give indices from 0 to {len(image) - 1}.")
    return image, mask, tuple(of_frames)


def _mask_boxes(mask: Tensor, frames: str) -> list[CropBox | None]:
    """Around what each mask holds, None where it is empty; for "one box" around all of them, for each."""
    boxes = [support_box(plane > NOTHING) for plane in mask]
    return [join_boxes([box for box in boxes if box])] * len(boxes) if frames == "one box" else boxes


def _cut(image: Tensor, boxes: Sequence[CropBox], pictures: tuple[int, ...]) -> Tensor:
    if len(set(boxes)) == 1 and pictures == tuple(range(len(image))):
        return cut_image(image, boxes[0])
    # Boxes differ in place, so each is a slice of its own; only what is cut is copied.
    return torch.cat([cut_image(image[at : at + 1], box) for at, box in zip(pictures, boxes, strict=True)])


def _resize(pixels: Tensor, size: Size) -> Tensor:
    """The pixels ``[N,h,w,C]`` at a size, in their dtype, within their range."""
    if not bool(pixels.sum(dtype=torch.float32).isfinite()):  # one sum is a fast look at all of them
        pixels = pixels.nan_to_num(0, 0, 0)
    resized = resize_planes(pixels.permute(0, 3, 1, 2), size[1], size[0])
    return keep_range(resized, pixels).permute(0, 2, 3, 1).to(pixels.dtype)


def _cut_alike(extra: Tensor, number: int, stitch: Stitch, fit: Fit) -> Tensor:
    """A further image's crops in the boxes of the stitch, scaled to the image's own size where that is another."""
    name = f"extra {number}"
    extra = as_image(extra, name).to(stitch.image.device)
    height, width = stitch.image.shape[1:3]
    wide, high = extra.shape[2], extra.shape[1]
    # Half a pixel either way is what rounding a scaled size can cost.
    if abs(wide * height - high * width) > max(width, height, wide, high) / 2 + 1:
        raise ShapeError(
            f"{name} is {wide}x{high} but the image is {width}x{height}; give it at the image's size or scaled by one "
            "factor on both axes."
        )
    if len(extra) not in (1, len(stitch.image)):
        raise ShapeError(
            f"{name} is a batch of {len(extra)} beside a batch of {len(stitch.image)}; give one or that many."
        )
    pictures = stitch.frames if len(extra) > 1 else (0,) * len(stitch.frames)
    if (wide, high) == (width, height):
        return _resize(_cut(extra, stitch.boxes, pictures), fit.size)
    scale = (wide / width, high / height)
    places = zip(pictures, stitch.boxes, strict=True)
    return torch.cat([_resize_part(extra[at : at + 1], box, scale, fit.size) for at, box in places])


def _resize_part(extra: Tensor, box: CropBox, scale: tuple[float, float], size: Size) -> Tensor:
    """The box, given in the pixels of the image, cut from an extra image of `scale` times its size."""
    left, top, right, bottom = (edge * factor for edge, factor in zip(box, scale * 2, strict=True))
    # A kernel's reach around it, so that only what is looked at is copied.
    steps = ((right - left) / size[0], (bottom - top) / size[1])
    across, down = (math.ceil(LANCZOS_LOBES * max(1, step)) for step in steps)
    x0, y0 = math.floor(left) - across, math.floor(top) - down
    pixels = cut_image(extra, (x0, y0, math.ceil(right) + across, math.ceil(bottom) + down)).nan_to_num(0, 0, 0)
    part = (left - x0, top - y0, right - x0, bottom - y0)
    resized = resize_part(pixels.permute(0, 3, 1, 2), part, size[1], size[0])
    return keep_range(resized, pixels).permute(0, 2, 3, 1).to(extra.dtype)

"""Where a target's frame lies in a picture, and what it cuts out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..resampling import resize_part, resize_planes
from ..tensors import RangeError, ShapeError, check_range, resize_mask
from .crop_boxes import cut_image
from .crop_sizes import Size
from .stitch import CropBox, inside_frame, keep_range
from .tryon_targets import TryOnTarget


def choose_size(record: TryOnTarget, wanted: Size, width: int, height: int) -> Size | None:
    """The size asked for, or for 0 x 0 the target's own one nearest in aspect to `wanted`; None: the picture's own.

    Raises `RangeError` or `ShapeError` for a size that the target does not take.
    """
    if not width and not height:
        aspect = wanted[0] / wanted[1]
        return min(record.sizes, key=lambda size: abs(math.log(size[0] / size[1] / aspect)), default=None)
    if (width, height) in record.sizes:
        return width, height
    known = ", ".join(f"{across}x{down}" for across, down in record.sizes) or "the picture's own size"
    if record.sizes and not record.multiple:
        raise RangeError(f"size is {width}x{height}; {record.name} takes {known}. Give 0 and 0 for the usual one.")
    multiple = record.multiple or 1
    for name, value in (("width", width), ("height", height)):
        check_range(name, value, multiple, 16384)
        if value % multiple:
            raise ShapeError(
                f"{name} {value} is no multiple of {multiple}, which {record.name} wants; the next is "
                f"{math.ceil(value / multiple) * multiple}."
            )
    return width, height


def place_box(mask_box: CropBox | None, extent: Size, frame: Size, *, on_mask: bool) -> CropBox:
    """A box of this size on the middle of the mask or the frame, moved as little as holding mask and frame needs.

    On the frame it lies as high as the mask lets it, because that is where heads are.
    """
    starts: list[int] = []
    for axis in (0, 1):
        room = frame[axis] - extent[axis]
        start = room // 2
        if room >= 0 and mask_box:
            low, high = mask_box[axis], mask_box[axis + 2]
            if on_mask:
                start = min(max((low + high - extent[axis]) // 2, 0), room)
            elif axis == 1:
                start = 0
            start = min(max(start, high - extent[axis]), low)
        starts.append(start)
    return starts[0], starts[1], starts[0] + extent[0], starts[1] + extent[1]


def cut_pictures(image: Tensor, boxes: Sequence[CropBox], size: Size, *, beyond: float | None = None) -> Tensor:
    """The boxes of ``[B,H,W,C]``, one per picture, at `size` (width, height), float32 ``[B,h,w,C]``.

    Lanczos, antialiased. Boxes may leave the frame: `beyond` is the grey level there, with a sharp border; None lets
    the frame's border pixels go on.
    """
    frame = (image.shape[2], image.shape[1])
    cut: list[Tensor] = []
    for picture, box in zip(image, boxes, strict=True):  # each has a box of its own size
        pixels, whole = picture.unsqueeze(0), (0, 0, *frame)
        if box != whole and inside_frame(box, *frame) == whole:  # no need to make what lies beyond the frame
            resized = resize_part(pixels.permute(0, 3, 1, 2), box, size[1], size[0])
        else:
            pixels = cut_image(pixels, box)
            resized = resize_planes(pixels.permute(0, 3, 1, 2), size[1], size[0])
        resized = keep_range(resized, pixels).permute(0, 2, 3, 1)
        if beyond is not None:
            resized = resized.masked_fill(_beyond(box, frame, size, image.device).unsqueeze(-1), beyond)
        cut.append(resized)
    return torch.cat(cut)


def cut_masks(mask: Tensor, boxes: Sequence[CropBox], size: Size) -> Tensor:
    """The boxes of ``[B,H,W]`` at `size`, float32; beyond the frame 0."""
    frame = (mask.shape[2], mask.shape[1])
    cut: list[Tensor] = []
    for plane, box in zip(mask, boxes, strict=True):
        resized = resize_mask(cut_image(plane[None, ..., None], box)[..., 0], size[1], size[0])
        cut.append(resized.masked_fill(_beyond(box, frame, size, mask.device), 0))
    return torch.cat(cut)


def _beyond(box: CropBox, frame: Size, size: Size, device: torch.device) -> Tensor:
    """Which pixels of the box at `size` have their centre outside the frame, ``[h,w]``."""
    outside: list[Tensor] = []
    for axis in (0, 1):
        centres = (torch.arange(size[axis], device=device) + 0.5) * ((box[axis + 2] - box[axis]) / size[axis])
        outside.append((centres + box[axis] < 0) | (centres + box[axis] >= frame[axis]))
    return outside[1].unsqueeze(1) | outside[0]

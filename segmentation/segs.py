"""SEGS, the exchange form of detections among ComfyUI packs, read and written without any of them.

SEGS are a pair: the picture's (height, width), and a list of segments of seven fields. All of it is of one picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..kernels import support_box
from ..tensors import NOTHING, ShapeError, as_image, check_range, resize_mask
from .garments import Garment, Garments, mask_box

FIELDS = 6
"""A segment has at least so many fields; the seventh, a wrapper of a control net, came later."""

Region = tuple[int, int, int, int]


class SEG(NamedTuple):
    """One segment; its name and fields are those that other packs look for.

    cropped_image: ``[1,h,w,3]`` or None. cropped_mask: float32 ``[h,w]``, 0..1. confidence: 0..1. crop_region, bbox:
    x1 y1 x2 y2, px, end exclusive; bbox is the thing itself, crop_region what was cut out around it.
    """

    cropped_image: Any
    cropped_mask: npt.NDArray[np.float32]
    confidence: float
    crop_region: list[int]
    bbox: list[int]
    label: str
    control_net_wrapper: Any = None


Segs = tuple[tuple[int, int], list[SEG]]


class Given(NamedTuple):
    """What a segment says: mask ``[H,W]``, float32, of the whole picture; word: its label as it was written."""

    mask: Tensor
    word: str
    score: float


def segs_size(segs: object) -> tuple[int, int]:
    """The height and width of the picture that the SEGS are of; raises `ShapeError` for what are no SEGS."""
    pair = _sequence(segs)
    size = _sequence(pair[0]) if len(pair) == 2 else ()
    try:
        height, width = (int(value) for value in size[:2])
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1:
        raise ShapeError(
            f"segs is {type(segs).__name__}; SEGS are a pair of (height, width) and a list of segments, as SEGS "
            "detectors give them."
        )
    return height, width


def read_segs(segs: object) -> tuple[Given, ...]:
    """What each segment says, in their order.

    Fields are read by name, or by position where a segment has no names. Masks may be arrays or tensors, float, bool or
    whole numbers up to 1 or 255, of any size: they are laid into the crop region, and what of it lies beyond the
    picture is cut off. Where there is no mask the box is taken. Raises `ShapeError` for what are no SEGS.
    """
    height, width = segs_size(segs)
    return tuple(_read(one, height, width) for one in _sequence(_sequence(segs)[1]))


def garments_to_segs(
    garments: Garments, image: Tensor | None = None, *, crop_factor: float = 3.0, own_words: bool = False
) -> tuple[Segs, ...]:
    """SEGS for each picture of the batch, possibly without any segment.

    image: ``[B,H,W,C]`` or ``[1,H,W,C]``: segments then hold their part of it in RGB. crop_factor: how many times as
    wide and high as the garment's box the crop region is, 1 to 100; it is moved into the picture, and never cuts off
    any of a soft mask. own_words: the label is the word of the model that found it, where it had one. Raises
    `ShapeError` for an image of another size or number.
    """
    check_range("crop factor", crop_factor, 1, 100)
    pictures = None if image is None else _pictures(as_image(image), garments)
    size = (garments.height, garments.width)
    found: list[Segs] = []
    for index in range(garments.batch):
        picture = None if pictures is None else pictures[index]
        items = garments.of_image(index).items
        found.append((size, [_segment(item, picture, crop_factor, own_words) for item in items]))
    return tuple(found)


def _segment(item: Garment, picture: Tensor | None, factor: float, own_words: bool) -> SEG:
    mask = item.mask.float()
    box = mask_box(mask) or item.box
    x0, y0, x1, y1 = region = _crop_region(box, support_box(mask > NOTHING), mask.shape, factor)
    crop = None if picture is None else picture[None, y0:y1, x0:x1, :3].float().clone()
    # Other packs take arrays, which live in the host's memory.
    cropped = mask[y0:y1, x0:x1].detach().cpu().numpy().astype(np.float32)
    bbox = [math.floor(box[0]), math.floor(box[1]), math.ceil(box[2]), math.ceil(box[3])]
    label = item.native_label if own_words and item.native_label else item.label
    return SEG(crop, cropped, float(item.score), list(region), bbox, label)


def _crop_region(box: Sequence[float], support: Region | None, size: Sequence[int], factor: float) -> Region:
    """The box enlarged about its middle, moved into the picture, and around all of the mask."""
    edges: list[tuple[int, int]] = []
    for low, high, length in ((box[0], box[2], size[1]), (box[1], box[3], size[0])):
        side = min(length, math.ceil((high - low) * factor))
        start = min(max(0, round((low + high - side) / 2)), length - side)
        edges.append((start, start + side))
    (x0, x1), (y0, y1) = edges
    if support is None:
        return x0, y0, x1, y1
    return min(x0, support[0]), min(y0, support[1]), max(x1, support[2]), max(y1, support[3])


def _pictures(image: Tensor, garments: Garments) -> Tensor:
    if tuple(image.shape[1:3]) != (garments.height, garments.width) or image.shape[0] not in (1, garments.batch):
        raise ShapeError(
            f"image is {image.shape[0]} of {image.shape[2]}x{image.shape[1]}, the garments are of {garments.batch} of "
            f"{garments.width}x{garments.height}; connect the picture that they were found in."
        )
    return image.expand(garments.batch, *image.shape[1:])


def _read(segment: object, height: int, width: int) -> Given:
    values = _fields(segment)
    region = _numbers(values["crop_region"]) or _numbers(values["bbox"])
    if region is None:
        raise ShapeError("a segment has neither crop_region nor bbox of four numbers; SEGS detectors give both.")
    x0, y0, x1, y1 = (round(value) for value in region)
    whole = torch.zeros((height, width))
    mask = values["cropped_mask"]
    if mask is None:
        x0, y0, x1, y1 = (round(value) for value in _numbers(values["bbox"]) or region)
    high, wide = max(0, y1 - y0), max(0, x1 - x0)
    top, bottom, left, right = max(0, y0), min(height, y1), max(0, x0), min(width, x1)
    if bottom > top and right > left:
        plane = torch.ones((high, wide)) if mask is None else resize_mask(_plane(mask).unsqueeze(0), high, wide)[0]
        whole[top:bottom, left:right] = plane[top - y0 : bottom - y0, left - x0 : right - x0]
    label = values["label"]
    return Given(whole, "" if label is None else str(label), _confidence(values["confidence"]))


def _fields(segment: object) -> dict[str, Any]:
    if hasattr(segment, "cropped_mask"):
        return {name: getattr(segment, name, None) for name in SEG._fields}
    values = _sequence(segment)
    if len(values) < FIELDS:
        raise ShapeError(
            f"a segment is {type(segment).__name__} of {len(values)} values; it has {', '.join(SEG._fields)}."
        )
    return dict(zip(SEG._fields, values, strict=False))


def _plane(mask: Any) -> Tensor:
    """A mask ``[h,w]``, float32, 0..1, of an array or tensor of any kind of number, with axes of length 1 dropped."""
    plane = torch.as_tensor(mask).detach().cpu()
    while plane.dim() > 2 and 1 in plane.shape:
        plane = plane.squeeze(list(plane.shape).index(1))
    if plane.dim() != 2 or 0 in plane.shape:
        raise ShapeError(f"a segment's cropped_mask has shape {list(plane.shape)}; it is [height, width].")
    plane = plane.float().nan_to_num(0.0)
    # Whole numbers are 0 and 1 or 0 to 255; which of them only their greatest value tells.
    return (plane / 255 if float(plane.max()) > 1.5 else plane).clamp(0, 1)


def _confidence(value: Any) -> float:
    """The confidence in 0..1; where there is none, or not one number, 1."""
    numbers = _numbers(value, 1)
    return min(1.0, max(0.0, numbers[0])) if numbers else 1.0


def _numbers(value: Any, count: int = 4) -> tuple[float, ...] | None:
    """So many finite numbers of a list, array, tensor or single number; None for anything else."""
    if value is None:
        return None
    try:
        numbers = tuple(float(one) for one in np.asarray(torch.as_tensor(value).cpu(), dtype=np.float64).flatten())
    except (TypeError, ValueError, RuntimeError):
        return None
    return numbers[:count] if len(numbers) >= count and all(map(math.isfinite, numbers[:count])) else None


def _sequence(value: object) -> Sequence[Any]:
    return tuple(cast("Iterable[Any]", value)) if isinstance(value, (tuple, list)) else ()

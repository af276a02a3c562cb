"""The way back into the picture: repainted crops in their places, the rest bit for bit as it was."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..kernels import support_box
from ..tensors import ShapeError, as_image, as_mask, match_batch, match_mask
from .color_match import describe_fits
from .regions import STITCH_MATCHES as STITCH_MATCHES
from .regions import CropBox as CropBox
from .regions import Found, Joined, Joining, Region, join_region, overlapping, put_joined
from .regions import inside_frame as inside_frame
from .regions import keep_range as keep_range
from .tiles import new_pictures


@dataclass(frozen=True)
class Stitch:
    """What Inpaint Stitch needs to put a crop back.

    image: the whole pictures ``[B,H,W,C]``, untouched. mask: for each of N crops its whole soft mask ``[N,H,W]``.
    boxes: of each crop x0 y0 x1 y1 in pixels, end exclusive; they may leave the frame. frames: of each crop the index
    in the batch of the picture that it was cut from. width, height: of the crops as handed out. margins: how many
    pixels of the handed-out picture lie left of, above, right of and below its crop, as in a diptych.
    """

    image: Tensor
    mask: Tensor
    boxes: tuple[CropBox, ...]
    frames: tuple[int, ...]
    width: int
    height: int
    margins: tuple[int, int, int, int] = (0, 0, 0, 0)

    def with_tensors(self, change: Callable[[Tensor], Tensor]) -> Stitch:
        """The same record with its tensors changed: moved to another device, say."""
        return replace(self, image=change(self.image), mask=change(self.mask))

    def has_source_of(self, other: Stitch) -> bool:
        """Whether both were cut from the same pictures, by value."""
        if self.image is other.image:
            return True
        alike = self.image.shape == other.image.shape and self.image.dtype == other.image.dtype
        return alike and torch.equal(self.image, other.image.to(self.image.device))


@dataclass(frozen=True)
class Stitched:
    """image: the whole pictures; changed: ``[B,H,W]``, how far each pixel was replaced; found: of each crop."""

    image: Tensor
    changed: Tensor
    found: tuple[Found, ...]


def stitch_inpainted(
    stitch: Stitch, inpainted: Tensor, *, seam: str = "linear", match_colours: str = "none",
    width_px: float | None = None, match_space: str = "sRGB", align: str = "off", onto: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The whole pictures with the repainted crops in place, in the pictures' own size, channels and dtype.

    inpainted: ``[N,h,w,3|4]``, N = the stitch's crops, or any N where the stitch holds one crop (N results of it); of
    the handed-out size, or of another size with the same aspect within a pixel. The soft mask says how much of the new
    pixel is taken; where it is 0 the picture stays bit for bit. Raises `ShapeError` otherwise.

    align: "off", "shift and zoom" or "shift": what of the frame's movement `find_alignment` looks for, and what is
    undone; it happens in the same resampling that brings the crop to the picture's scale. match_colours: "none", or a
    method of `fit_colours`, which then, in `match_space`, brings the tone of the crop back to the picture's, learnt
    from the pixels outside the mask up to `RING_PX` from it. seam, width_px: as in `join_images`. onto: the pictures
    to stitch onto in place of the stitch's own, of the same size; crops are still compared with the stitch's own.
    """
    joining = Joining(seam, match_colours, width_px, match_space, align)
    return stitch_regions((stitch,), (inpainted,), joining, onto=onto).image


def stitch_regions(
    stitches: Sequence[Stitch],
    inpainted: Sequence[Tensor],
    joining: Joining | None = None,
    *,
    onto: Tensor | None = None,
    before_crop: Callable[[], None] = lambda: None,
) -> Stitched:
    """One picture, or batch, with all the repainted crops of several stitches of it in place, whatever their order.

    stitches: all of the same pictures. inpainted: for each stitch as in `stitch_inpainted`; where several stitches have
    several results of one crop, the n-th go together. onto: as there. before_crop: called before each crop is worked
    on; what it raises ends the work.

    Where crops overlap, each is joined to the original alone; what they change is added up and divided by the sum of
    their masks where that is above 1. A single crop gives just what it gives alone. `changed` is the largest mask at
    each pixel, 0 where the pixel is still what it was (in `onto`, where that is given).
    """
    joining = joining or Joining()
    source = stitches[0].image
    base = source if onto is None else _fitting(onto, source)
    parts = [_regions(stitch, crops) for stitch, crops in zip(stitches, inpainted, strict=True)]
    count = max(len(base), len(source), *(1 + region.picture for part in parts for region in part))
    regions = [region for part in parts for region in (part if len(source) > 1 else _repeated(part, count))]
    base, _ = match_batch((base, base.new_empty(count)), ("the picture to stitch onto", "the result"))
    result = new_pictures(base.shape, base.dtype, base.device).copy_(base)
    changed = _zeros(base.shape[:3], stitches[0].mask.dtype, base.device)
    found = [Found()] * len(regions)
    for group in overlapping(regions):
        picture = regions[group[0]].picture
        joined: list[Joined] = []
        for index in group:
            before_crop()
            part, found[index] = join_region(regions[index], base[picture], joining)
            joined.append(part)
        put_joined(joined, result[picture], changed[picture])
    return Stitched(result, changed, tuple(found))


def describe_found(found: Sequence[Found], joining: Joining) -> tuple[str, ...]:
    """Lines for a person: of each crop what its alignment and its colours were found to be."""
    lines: list[str] = []
    for number, one in enumerate(found, 1):
        parts = [one.alignment.describe()] if one.alignment else []
        parts += describe_fits((one.colours,)) if joining.match_colours != "none" else []
        lines += [f"{number}: {part}" if len(found) > 1 else part for part in parts]
    return tuple(lines)


def stitch_lists(
    stitches: Sequence[Stitch], inpainted: Sequence[Tensor], joining: Joining | None = None, *,
    masks: Sequence[Tensor] = (), onto: Sequence[Tensor] = (), before_crop: Callable[[], None] = lambda: None,
) -> list[Stitched]:  # fmt: skip
    """One result for each source picture, in order of first appearance, with all of its crops in place.

    One stitch with several `inpainted` gives a result for each of them; otherwise there are as many of one as of the
    other, and stitches whose pictures are equal belong to one source. masks: soft masks of the whole pictures to
    stitch by in place of the stitches' own, one for all or one for each. onto: as in `stitch_regions`, one for all or
    one for each result. before_crop: as there. Raises `ShapeError` where the numbers do not fit.
    """
    count = len(inpainted)
    if len(stitches) not in (1, count):
        raise ShapeError(
            f"there are {len(stitches)} stitches and {count} repainted crops; give one crop for each stitch, or "
            "several for one."
        )
    whole = [*stitches] if len(stitches) == count else [*stitches] * count
    if masks:
        chosen = _one_or_each(masks, count, "masks", "repainted crops")
        whole = [check_stitch_mask(stitch, mask) for stitch, mask in zip(whole, chosen, strict=True)]
    groups = [[index] for index in range(count)] if len(stitches) == 1 else _by_source(whole)
    bases = _one_or_each(onto, len(groups), "pictures to stitch onto", "results") if onto else [None] * len(groups)
    return [
        stitch_regions(
            [whole[index] for index in group], [inpainted[index] for index in group], joining, onto=base,
            before_crop=before_crop,
        )
        for group, base in zip(groups, bases, strict=True)
    ]  # fmt: skip


def _one_or_each(items: Sequence[Tensor], count: int, name: str, of: str) -> Sequence[Tensor]:
    if len(items) not in (1, count):
        raise ShapeError(f"there are {len(items)} {name} for {count} {of}; give one for all, or {count}.")
    return items if len(items) == count else [*items] * count


def _by_source(stitches: Sequence[Stitch]) -> list[list[int]]:
    groups: list[list[int]] = []
    for index, stitch in enumerate(stitches):
        group = next((group for group in groups if stitch.has_source_of(stitches[group[0]])), None)
        if group is None:
            groups.append([index])
        else:
            group.append(index)
    return groups


def check_stitch_mask(stitch: Stitch, mask: Tensor) -> Stitch:
    """The stitch with another soft mask, ``[B,H,W]`` of the whole picture's size, one for all crops or one for each.

    A stitch of one crop takes any number, one for each result. Raises `ShapeError` otherwise.
    """
    mask = match_mask(as_mask(mask), stitch.image)
    if len(stitch.boxes) > 1:
        (mask, _) = match_batch((mask, mask.new_empty(len(stitch.boxes))), ("mask", "the crops"))
    return replace(stitch, mask=mask)


def _regions(stitch: Stitch, inpainted: Tensor) -> list[Region]:
    inpainted = _without_margins(stitch, as_image(inpainted, "inpainted")).to(stitch.image.device)
    _check_aspect(stitch, inpainted)
    if len(stitch.boxes) > 1 and len(inpainted) not in (1, len(stitch.boxes)):
        raise ShapeError(
            f"inpainted is a batch of {len(inpainted)}, Inpaint Crop handed out {len(stitch.boxes)} crops; give each "
            "of them back, or one for all."
        )
    crops, masks, _ = match_batch(
        (inpainted, stitch.mask, inpainted.new_empty(len(stitch.boxes))), ("inpainted", "stitch mask", "the crops")
    )
    variants = len(stitch.boxes) == 1 and len(crops) > 1
    if variants and len(stitch.image) > 1:
        raise ShapeError(
            f"inpainted is a batch of {len(crops)} for one crop of a batch of {len(stitch.image)} pictures; give one "
            "result, or crop a single picture."
        )
    height, width = stitch.image.shape[1:3]
    regions: list[Region] = []
    for index, (crop, mask) in enumerate(zip(crops, masks, strict=True)):
        number = 0 if variants else index
        box, frame = stitch.boxes[number], stitch.frames[number]
        x0, y0, x1, y1 = inside = inside_frame(box, width, height)
        found = support_box(mask[y0:y1, x0:x1] > 0) if x0 < x1 and y0 < y1 else None
        joined = (x0 + found[0], y0 + found[1], x0 + found[2], y0 + found[3]) if found else None
        picture = index if variants else frame
        regions.append(Region(picture, stitch.image[frame], mask, box, inside, joined, crop.unsqueeze(0)))
    return regions


def _repeated(part: list[Region], count: int) -> list[Region]:
    """The regions of one picture for each of so many results, unless there are so many results of them already."""
    own = 1 + max(region.picture for region in part)
    if own not in (1, count):
        raise ShapeError(f"there are {own} results of one crop beside {count} pictures; give 1 or {count} of each.")
    return [replace(region, picture=region.picture + turn) for turn in range(count // own) for region in part]


def _fitting(onto: Tensor, source: Tensor) -> Tensor:
    onto = as_image(onto, "onto").to(source.device)
    if onto.shape[1:3] != source.shape[1:3]:
        raise ShapeError(
            f"onto is {onto.shape[2]}x{onto.shape[1]} but the crops were cut from pictures of {source.shape[2]}x"
            f"{source.shape[1]}; give the same picture as it was before or after another stitch."
        )
    return onto


def _zeros(shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Zeros; on a CPU from memory that the system has not to fetch before somebody writes to it."""
    if device.type != "cpu":
        return torch.zeros(tuple(shape), dtype=dtype, device=device)
    count = math.prod(shape) * torch.empty((), dtype=dtype).element_size()
    return torch.from_numpy(np.zeros(count, dtype=np.uint8)).view(dtype).view(tuple(shape))


def _without_margins(stitch: Stitch, inpainted: Tensor) -> Tensor:
    """The crop in the handed-out picture at whatever scale it came back; a picture without the margins stays."""
    left, top, right, bottom = stitch.margins
    width, height = stitch.width + left + right, stitch.height + top + bottom
    rows, columns = inpainted.shape[1:3]
    if abs(columns * height - rows * width) > max(width, height) / 2 + 1:
        return inpainted
    x0, x1 = round(columns * left / width), round(columns * (width - right) / width)
    y0, y1 = round(rows * top / height), round(rows * (height - bottom) / height)
    return inpainted[:, y0:y1, x0:x1]


def _check_aspect(stitch: Stitch, inpainted: Tensor) -> None:
    height, width = inpainted.shape[1:3]
    # Half a pixel either way is what rounding a scaled size can cost.
    if abs(width * stitch.height - height * stitch.width) > max(stitch.width, stitch.height) / 2 + 1:
        raise ShapeError(
            f"the repainted crop is {width}x{height}, Inpaint Crop handed out {stitch.width}x{stitch.height}; "
            "give it back at that size or a whole scale of it."
        )

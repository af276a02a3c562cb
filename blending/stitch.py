"""The way back into the picture: repainted crops in their places, the rest bit for bit as it was."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import restore_planes
from ..tensors import ShapeError, as_image, as_mask, check_name, match_batch, match_mask
from .color_match import METHODS, ColourFit, apply_fits, fit_colours
from .seams import SEAMS, join_images

# How far outside the mask a crop is compared with its picture: as far as a model's tone is one, within the context that
# most crops have.
RING_PX = 64
STITCH_MATCHES = ("none", *METHODS)

CropBox = tuple[int, int, int, int]


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

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> Stitch:
        """The same record with its tensors on `device` in `dtype`."""
        return replace(self, image=self.image.to(device, dtype), mask=self.mask.to(device, dtype))


def stitch_inpainted(
    stitch: Stitch, inpainted: Tensor, *, seam: str = "linear", match_colours: str = "none",
    width_px: float | None = None,
) -> Tensor:  # fmt: skip
    """The whole pictures with the repainted crops in place, in the pictures' own size, channels and dtype.

    inpainted: ``[N,h,w,3|4]``, N = the stitch's batch, or any N where the stitch holds one picture (N results of it);
    of the handed-out size, or of another size with the same aspect within a pixel. The soft mask says how much of the
    new pixel is taken; where it is 0 the picture stays bit for bit. Raises `ShapeError` otherwise.

    seam, width_px: as in `join_images`. match_colours: "none", or a method of `fit_colours`, which brings the tone of
    the crop back to the picture's before it is joined.
    """
    return stitch_with_fits(stitch, inpainted, seam=seam, match_colours=match_colours, width_px=width_px)[0]


def stitch_with_fits(
    stitch: Stitch, inpainted: Tensor, *, seam: str = "linear", match_colours: str = "none",
    width_px: float | None = None,
) -> tuple[Tensor, tuple[ColourFit | None, ...]]:  # fmt: skip
    """What `stitch_inpainted` gives, and for each picture how its crop's colours were changed.

    The fit is learnt from the pixels outside the mask, up to `RING_PX` from it, where the crop should not have changed.
    It is None for "none", and where too few such pixels lie in the crop.
    """
    inpainted = _without_margins(stitch, as_image(inpainted, "inpainted"))
    check_name("Match colours", match_colours, STITCH_MATCHES)
    check_name("Seam", seam, SEAMS)
    _check_aspect(stitch, inpainted)
    channels = min(stitch.image.shape[-1], inpainted.shape[-1])
    base, mask, inpainted = match_batch(
        (stitch.image, stitch.mask, inpainted.to(stitch.image.device)), ("stitch image", "stitch mask", "inpainted")
    )
    boxes = stitch.boxes if len(stitch.boxes) == len(base) else stitch.boxes * len(base)
    result, fits = base.clone(), list[ColourFit | None]()
    for index, box in enumerate(boxes):  # each picture has a box of its own
        inside = inside_frame(box, base.shape[2], base.shape[1])
        x0, y0, x1, y1 = inside
        new = _restore(inpainted[index : index + 1, ..., :channels], box, inside)
        old = base[index : index + 1, y0:y1, x0:x1, :channels]
        share = mask[index : index + 1, y0:y1, x0:x1]
        fit = None
        if match_colours != "none":
            (fit,) = fit_colours(new, old, share, method=match_colours, ring_px=RING_PX)
            new = apply_fits(new, (fit,))
        if seam != "linear":
            share = _closed(share, inside, base.shape[2], base.shape[1])
        result[index : index + 1, y0:y1, x0:x1, :channels] = join_images(old, new, share, seam=seam, width_px=width_px)
        fits.append(fit)
    return result, tuple(fits)


def _closed(share: Tensor, inside: CropBox, width: int, height: int) -> Tensor:
    """The mask of a crop with 0 on its outermost pixels, but for those at the frame: the base holds on there."""
    left, top = int(inside[0] > 0), int(inside[1] > 0)
    right, bottom = int(inside[2] < width), int(inside[3] < height)
    inner = share[:, top : share.shape[1] - bottom, left : share.shape[2] - right]
    return functional.pad(inner, (left, right, top, bottom))


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


def check_stitch_mask(stitch: Stitch, mask: Tensor) -> Stitch:
    """The stitch with another soft mask, ``[B,H,W]`` of the whole picture's size. Raises `ShapeError` otherwise."""
    mask = match_mask(as_mask(mask), stitch.image)
    match_batch((stitch.image, mask), ("stitch image", "mask"))
    return replace(stitch, mask=mask)


def inside_frame(box: CropBox, width: int, height: int) -> CropBox:
    """The part of the box that lies inside a frame of this size."""
    return max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)


def keep_range(resampled: Tensor, source: Tensor) -> Tensor:
    """Clamps what resampling overshot to 0..1, or to the source's own range where that is wider (HDR)."""
    low = source.float().amin(dim=(1, 2, 3)).clamp(max=0).view(-1, 1, 1, 1)
    high = source.float().amax(dim=(1, 2, 3)).clamp(min=1).view(-1, 1, 1, 1)
    return resampled.clamp(low, high)


def _restore(inpainted: Tensor, box: CropBox, inside: CropBox) -> Tensor:
    """One repainted crop at the picture's scale, cut to what lies inside the frame, ``[1,h,w,C]`` float32."""
    planes = _repeat_border(as_image(inpainted).permute(0, 3, 1, 2), box, inside)
    width, height = box[2] - box[0], box[3] - box[1]
    restored = keep_range(restore_planes(planes, height, width), planes)
    x0, y0 = inside[0] - box[0], inside[1] - box[1]
    part = restored[..., y0 : y0 + inside[3] - inside[1], x0 : x0 + inside[2] - inside[0]]
    return part.permute(0, 2, 3, 1)


def _repeat_border(planes: Tensor, box: CropBox, inside: CropBox) -> Tensor:
    """A crop in whose part beyond the frame the border pixels go on, so that no padding bleeds into the picture."""
    for axis, side in ((0, planes.shape[-1]), (1, planes.shape[-2])):
        if (box[axis], box[axis + 2]) == (inside[axis], inside[axis + 2]):
            continue
        scale = side / (box[axis + 2] - box[axis])
        first = math.ceil((inside[axis] - box[axis]) * scale - 0.5)  # by the pixels' centres
        last = max(first, math.ceil((inside[axis + 2] - box[axis]) * scale - 0.5) - 1)
        planes = planes.index_select(3 - axis, torch.arange(side, device=planes.device).clamp(first, last))
    return planes

"""Stage 3: masks grown, feathered and combined."""

from __future__ import annotations

import torch
from torch import Tensor

from ..context import Context
from ..segmentation.combine import COMBINE_OPERATIONS, combine_masks
from ..segmentation.shape import (
    FEATHER_PROFILES,
    FEATHER_SIDES,
    GROW_LIMIT_PX,
    GROW_SHAPES,
    SIDE_LIMIT_PERCENT,
    feather_mask,
    garment_size_px,
    grow_mask,
)
from ..tensors import as_image, as_mask, check_name
from .proxies import proxy_size, shrink_image, shrink_mask
from .spec import Port, Result, node

SIZE_OPTIONS = ("error", "resize to first")
SIZE_UNITS = ("px", "% of the mask's size")


@node(
    id="HemlineGrowFeatherMask",
    name="Grow & Feather Mask",
    category="Hemline/3 Grow & Feather",
    version="1.1.0",
    weight="heavy",
    has_preview=True,
    aliases=("expand mask", "shrink mask", "contract mask", "dilate", "erode", "blur mask", "soften edge"),
    inputs=(
        Port("mask", "MASK", "The mask to grow and to soften."),
        Port(
            "grow", "FLOAT", "How far to grow, in `unit`, the same distance in every direction; negative shrinks.",
            default=8.0, minimum=-float(GROW_LIMIT_PX), maximum=float(GROW_LIMIT_PX), step=0.5,
        ),
        Port(
            "feather", "FLOAT", "Width of the soft edge, in `unit`, over which the mask runs from full to nothing.",
            default=16.0, minimum=0.0, maximum=float(GROW_LIMIT_PX), step=0.5,
        ),
        Port(
            "side", "COMBO", "Where the soft edge lies: on both sides of the grown mask's edge, inside it, or outside.",
            default="centred", options=FEATHER_SIDES,
        ),
        Port(
            "shape", "COMBO",
            "Round grows the same distance everywhere; square reaches further in the corners, diamond less far.",
            default="round", options=GROW_SHAPES,
        ),
        Port(
            "profile", "COMBO",
            "blur evens out a ragged edge; gaussian, smoothstep and linear follow it by exact distance.",
            default="blur", options=FEATHER_PROFILES,
        ),
        Port(
            "unit", "COMBO",
            "What grow and feather count: pixels, or percent of the mask's size, alike for small and large pictures.",
            default="px", options=SIZE_UNITS,
        ),
        *(
            Port(
                name, "FLOAT", f"How much of grow counts {where}, in percent; 0: not at all.",
                default=100.0, minimum=0.0, maximum=SIDE_LIMIT_PERCENT, step=5.0,
            )
            for name, where in (
                ("left", "to the left"), ("right", "to the right"), ("top", "upwards"), ("bottom", "downwards"),
            )
        ),
        Port("image", "IMAGE", "The photo, for the live preview only: the mask is shown over it.", optional=True),
    ),
    outputs=(
        Port("soft_mask", "MASK", "Grown and feathered: for compositing and stitching."),
        Port("hard_mask", "MASK", "Grown but not feathered, every value 0 or 1: for sampling."),
    ),
)  # fmt: skip
def grow_feather_mask(
    mask: Tensor, grow: float = 8.0, feather: float = 16.0, side: str = "centred", shape: str = "round",
    profile: str = "blur", unit: str = "px", left: float = 100.0, right: float = 100.0, top: float = 100.0,
    bottom: float = 100.0, image: Tensor | None = None, *, context: Context | None = None,
) -> Result:  # fmt: skip
    """Grows or shrinks a mask by an exact distance, then softens its edge; soft masks keep their values."""
    mask = as_mask(mask)
    check_name("Unit", unit, SIZE_UNITS)
    sides = (left, right, top, bottom)
    scales = [1.0 if unit == "px" else float(size) / 100 for size in garment_size_px(mask)]
    grown: list[Tensor] = []
    soft: list[Tensor] = []
    # One by one, because in percent each picture has pixels of its own.
    for plane, scale in zip(mask, scales, strict=True):
        grown.append(grow_mask(plane, grow * scale, shape=shape, sides_percent=sides))
        soft.append(feather_mask(grown[-1], feather * scale, side=side, profile=profile))
    text = () if unit == "px" else tuple(_in_pixels(grow * scale, feather * scale) for scale in scales)
    outputs = torch.cat(soft), (torch.cat(grown) >= 0.5).to(mask.dtype)
    if context is None or not context.has_viewer:
        return Result(outputs, text=text)
    data, pictures = _for_preview(mask, outputs[0], image)
    return Result(outputs, text=text, data=data, pictures=pictures)


def _for_preview(mask: Tensor, soft: Tensor, image: Tensor | None) -> tuple[dict[str, str], dict[str, Tensor]]:
    """What web/live asks for: proxies of the first mask before and after, of the photo, and the mask's true size."""
    height, width = mask.shape[1:]
    size = proxy_size(height, width)
    pictures = {"mask": shrink_mask(mask, *size), "result": shrink_mask(soft, *size)}
    if image is not None:
        pictures["image"] = shrink_image(as_image(image)[..., :3], *size)
    data = {
        "width": str(width), "height": str(height), "count": str(len(mask)),
        "size_px": str(float(garment_size_px(mask[:1]))),
    }  # fmt: skip
    return data, pictures


def _in_pixels(grow: float, feather: float) -> str:
    return f"grow {grow:.1f} px, feather {feather:.1f} px"


@node(
    id="HemlineCombineMasks",
    name="Combine Masks",
    category="Hemline/3 Grow & Feather",
    aliases=("mask math", "add masks", "merge masks", "invert mask", "union", "subtract", "intersect", "exclude"),
    inputs=(
        Port("mask_a", "MASK", "The first mask; its size is the result's."),
        Port("mask_b", "MASK", "The second mask."),
        Port("mask_c", "MASK", "A third mask.", optional=True),
        Port("mask_d", "MASK", "A fourth mask.", optional=True),
        Port(
            "operation", "COMBO",
            "union, max: in any; intersect, min: in all; subtract: in the first but no other; xor: in one but not "
            "both; product, probabilistic sum, exclude: intersect, union and subtract with soft values multiplied; "
            "weighted average: the mean by the weights.",
            default="union", options=tuple(COMBINE_OPERATIONS),
        ),
        Port("invert_a", "BOOLEAN", "Take what the first mask leaves out.", default=False),
        Port("invert_b", "BOOLEAN", "Take what the second mask leaves out.", default=False),
        Port("invert_c", "BOOLEAN", "Take what the third mask leaves out.", default=False),
        Port("invert_d", "BOOLEAN", "Take what the fourth mask leaves out.", default=False),
        Port(
            "size", "COMBO", "Masks of different sizes: stop with an error, or resize them to the first.",
            default="error", options=SIZE_OPTIONS,
        ),
        *(
            Port(
                f"weight_{name}", "FLOAT", f"What the {ordinal} mask weighs in a weighted average.",
                default=1.0, minimum=0.0, maximum=100.0, step=0.1,
            )
            for name, ordinal in zip("abcd", ("first", "second", "third", "fourth"), strict=True)
        ),
    ),
    outputs=(Port("mask", "MASK", "The combined soft mask."),),
)  # fmt: skip
def combine_masks_node(
    mask_a: Tensor, mask_b: Tensor, mask_c: Tensor | None = None, mask_d: Tensor | None = None,
    operation: str = "union", invert_a: bool = False, invert_b: bool = False, invert_c: bool = False,
    invert_d: bool = False, size: str = "error", weight_a: float = 1.0, weight_b: float = 1.0, weight_c: float = 1.0,
    weight_d: float = 1.0,
) -> Tensor:  # fmt: skip
    """Makes one mask of up to four: united, intersected, subtracted, multiplied, averaged; each may be inverted."""
    rows = (
        (mask_a, invert_a, weight_a), (mask_b, invert_b, weight_b), (mask_c, invert_c, weight_c),
        (mask_d, invert_d, weight_d),
    )  # fmt: skip
    given = [(mask, invert, weight) for mask, invert, weight in rows if mask is not None]
    return combine_masks(
        [mask for mask, _, _ in given], operation, invert=[invert for _, invert, _ in given],
        weights=[weight for _, _, weight in given], resize=size == "resize to first",
    )  # fmt: skip

"""Stages 2 and 3: masks refined, grown, feathered and combined."""

from __future__ import annotations

import torch
from torch import Tensor

from ..segmentation.combine import COMBINE_OPERATIONS, combine_masks
from ..segmentation.levels import MOST_NORMALISATION, SMOOTH_LIMIT_PX, normalise_mask, smooth_mask, stretch_levels
from ..segmentation.refine import clean_mask, refine_edges
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
from ..tensors import as_image, as_mask, check_name, match_mask
from .spec import Port, Result, node

SIZE_OPTIONS = ("error", "resize to first")
SIZE_UNITS = ("px", "% of the mask's size")


@node(
    id="HemlineRefineMask",
    name="Refine Mask",
    category="Hemline/2 Refine",
    weight="heavy",
    aliases=("clean mask", "fill holes", "remove islands", "guided filter", "edge"),
    inputs=(
        Port("mask", "MASK", "The mask to clean and to lay on the picture's edges."),
        Port("image", "IMAGE", "The photo; without it the edges stay as they are.", optional=True),
        Port(
            "islands_percent", "FLOAT", "Islands smaller than this share of the picture are removed.",
            default=0.05, minimum=0.0, maximum=100.0, step=0.01,
        ),
        Port(
            "holes_percent", "FLOAT", "Holes smaller than this share of the picture are filled.",
            default=0.05, minimum=0.0, maximum=100.0, step=0.01,
        ),
        Port(
            "edge_px", "INT", "How far from the mask's edge the picture's edge is looked for; 0 leaves the edge alone.",
            default=8, minimum=0, maximum=256, step=1,
        ),
        Port(
            "edge_contrast", "FLOAT", "Edges of the picture fainter than this (0 to 1) are ignored.",
            default=0.01, minimum=0.0001, maximum=1.0, step=0.0001,
        ),
        Port(
            "smooth_px", "FLOAT", "Rounds off corners, dents and threads narrower than this; the edge becomes crisp.",
            default=0.0, minimum=0.0, maximum=float(SMOOTH_LIMIT_PX), step=0.5,
        ),
        Port("low", "FLOAT", "Values up to this become 0.", default=0.0, minimum=0.0, maximum=1.0, step=0.01),
        Port("high", "FLOAT", "Values from this on become 1.", default=1.0, minimum=0.0, maximum=1.0, step=0.01),
        Port(
            "normalise", "FLOAT", "0: as it is; 1: the whole range from 0 to 1 is used; up to 5: ever harder.",
            default=0.0, minimum=0.0, maximum=MOST_NORMALISATION, step=0.1,
        ),
    ),
    outputs=(Port("mask", "MASK", "The refined soft mask."),),
)  # fmt: skip
def refine_mask(
    mask: Tensor, image: Tensor | None = None, islands_percent: float = 0.05, holes_percent: float = 0.05,
    edge_px: int = 8, edge_contrast: float = 0.01, smooth_px: float = 0.0, low: float = 0.0, high: float = 1.0,
    normalise: float = 0.0,
) -> Result:  # fmt: skip
    """Removes small islands, fills small holes, and lays the mask's edge on the picture's edge (guided filter); where
    asked for it then smooths the contour and stretches the values.
    """
    mask = as_mask(mask) if image is None else match_mask(mask, as_image(image))
    pixel_percent = mask.shape[1] * mask.shape[2] / 100
    mask = clean_mask(mask, islands_px=islands_percent * pixel_percent, holes_px=holes_percent * pixel_percent)
    text: tuple[str, ...] = ()
    if image is not None:
        # The filter's epsilon is a variance; a step of height c between two flat halves has the variance c²/4.
        mask = refine_edges(image, mask, radius_px=edge_px, epsilon=edge_contrast**2 / 4)
    elif edge_px:
        text = ("no image connected: the edges stay as they are",)
    mask = stretch_levels(smooth_mask(mask, smooth_px), low, high)
    return Result((normalise_mask(mask, normalise),), text=text)


@node(
    id="HemlineGrowFeatherMask",
    name="Grow & Feather Mask",
    category="Hemline/3 Grow & Feather",
    weight="heavy",
    aliases=("expand mask", "shrink mask", "dilate", "erode", "blur mask"),
    inputs=(
        Port("mask", "MASK", "The mask to grow and to soften."),
        Port(
            "grow", "FLOAT", "Pixels to grow by, measured as the crow flies; negative shrinks.",
            default=8.0, minimum=-float(GROW_LIMIT_PX), maximum=float(GROW_LIMIT_PX), step=0.5,
        ),
        Port(
            "feather", "FLOAT", "Width in pixels over which the edge runs from full to nothing.",
            default=16.0, minimum=0.0, maximum=float(GROW_LIMIT_PX), step=0.5,
        ),
        Port(
            "side", "COMBO", "Where the soft edge lies, seen from the grown mask's edge.",
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
            "unit", "COMBO", "What grow and feather count: pixels, or percent of the mask's size.",
            default="px", options=SIZE_UNITS,
        ),
        *(
            Port(
                name, "FLOAT", f"How much of grow counts {where}, in percent.",
                default=100.0, minimum=0.0, maximum=SIDE_LIMIT_PERCENT, step=5.0,
            )
            for name, where in (
                ("left", "to the left"), ("right", "to the right"), ("top", "upwards"), ("bottom", "downwards"),
            )
        ),
    ),
    outputs=(
        Port("soft_mask", "MASK", "Grown and feathered: for compositing and stitching."),
        Port("hard_mask", "MASK", "Grown only, cut at one half: for sampling."),
    ),
)  # fmt: skip
def grow_feather_mask(
    mask: Tensor, grow: float = 8.0, feather: float = 16.0, side: str = "centred", shape: str = "round",
    profile: str = "blur", unit: str = "px", left: float = 100.0, right: float = 100.0, top: float = 100.0,
    bottom: float = 100.0,
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
    return Result((torch.cat(soft), (torch.cat(grown) >= 0.5).to(mask.dtype)), text=text)


def _in_pixels(grow: float, feather: float) -> str:
    return f"grow {grow:.1f} px, feather {feather:.1f} px"


@node(
    id="HemlineCombineMasks",
    name="Combine Masks",
    category="Hemline/3 Grow & Feather",
    aliases=("mask math", "union", "subtract", "intersect", "exclude"),
    inputs=(
        Port("mask_a", "MASK", "The first mask; its size is the result's."),
        Port("mask_b", "MASK", "The second mask."),
        Port("mask_c", "MASK", "A third mask.", optional=True),
        Port("mask_d", "MASK", "A fourth mask.", optional=True),
        Port(
            "operation", "COMBO",
            "union, max: any; intersect, min: all; subtract, exclude: the first without the others; xor: one but not "
            "both; product, probabilistic sum: like intersect and union, but soft values add up; weighted average.",
            default="union", options=tuple(COMBINE_OPERATIONS),
        ),
        Port("invert_a", "BOOLEAN", "Take what the first mask leaves out.", default=False),
        Port("invert_b", "BOOLEAN", "Take what the second mask leaves out.", default=False),
        Port("invert_c", "BOOLEAN", "Take what the third mask leaves out.", default=False),
        Port("invert_d", "BOOLEAN", "Take what the fourth mask leaves out.", default=False),
        Port("size", "COMBO", "What to do with masks of different sizes.", default="error", options=SIZE_OPTIONS),
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

"""Stage 4: colours matched to another picture, and cleaned of what shone through."""

from __future__ import annotations

import torch
from torch import Tensor

from ..blending.color_match import APPLY_TO, METHODS, SPACES, apply_fits, describe_fits, fit_colours
from ..blending.compare import cut_out
from ..blending.foreground import LARGEST_RADIUS_PX, RADIUS_PX, estimate_layers
from ..tensors import as_image, check_name
from .spec import Port, Result, node


@node(
    id="HemlineMatchColours",
    name="Match Colours",
    category="Hemline/4 Blend",
    weight="heavy",
    aliases=("color match", "colour transfer", "tone", "white balance"),
    inputs=(
        Port("image", "IMAGE", "The picture to change."),
        Port("reference", "IMAGE", "The picture whose tone it is to get."),
        Port("mask", "MASK", "Where the pictures are not compared, for instance what was repainted.", optional=True),
        Port(
            "method", "COMBO", "mean and std: a gain and an offset per channel; affine: channels may mix too, and the "
            "pictures must show the same scene.",
            default="mean and std", options=METHODS,
        ),
        Port(
            "strength", "FLOAT", "How far the picture is changed: 0 not at all, 1 fully.",
            default=1.0, minimum=0.0, maximum=1.0, step=0.01,
        ),
        Port(
            "space", "COMBO", "sRGB undoes a shift or a gain exactly; OKLab maps lightness and colour apart.",
            default="sRGB", options=SPACES,
        ),
        Port(
            "apply_to", "COMBO", "Change the whole picture, or only what the mask covers.",
            default="whole", options=APPLY_TO,
        ),
    ),
    outputs=(Port("image", "IMAGE", "The picture in the reference's tone."),),
)  # fmt: skip
def match_colours_node(
    image: Tensor, reference: Tensor, mask: Tensor | None = None, method: str = "mean and std", strength: float = 1.0,
    space: str = "sRGB", apply_to: str = "whole",
) -> Result:  # fmt: skip
    """Gives a picture the tone of another, learnt from the pixels that both have in common, whatever lies in the mask.

    The node shows what it learnt, or that it changed nothing because too few pixels were left to compare.
    """
    check_name("Apply to", apply_to, APPLY_TO)
    fits = fit_colours(image, reference, mask, method=method, space=space)
    matched = apply_fits(image, fits, mask if apply_to == "mask" else None, strength=strength)
    return Result((matched,), text=describe_fits(fits))


@node(
    id="HemlineEstimateForeground",
    name="Estimate Foreground",
    category="Hemline/4 Blend",
    weight="heavy",
    aliases=("decontaminate colours", "spill", "defringe", "remove fringe", "halo", "clean edge colours", "cut-out"),
    inputs=(
        Port("image", "IMAGE", "The photo."),
        Port("mask", "MASK", "What is cut out; its soft values say how much of it each pixel holds."),
        Port(
            "radius", "INT",
            "How many pixels around each pixel clean colours are looked for; make it wider than the mask's soft rim.",
            default=RADIUS_PX, minimum=1, maximum=LARGEST_RADIUS_PX, step=1,
        ),
    ),
    outputs=(
        Port(
            "image", "IMAGE", "The garment's own colours, without what shines through; where the mask is 1 the photo.",
        ),
        Port("cutout", "IMAGE", "The same with the mask as alpha: a cut-out for a new background."),
        Port("background", "IMAGE", "The background's own colours; where the mask is 0 the photo."),
    ),
)  # fmt: skip
def estimate_foreground_node(image: Tensor, mask: Tensor, radius: int = RADIUS_PX) -> tuple[Tensor, Tensor, Tensor]:
    """Takes the old background's colour out of soft edges, so that a cut-out has no fringe on a new background."""
    layers = estimate_layers(image, mask, radius_px=radius)
    photo = as_image(image)
    colours = layers.foreground
    if photo.shape[-1] == 4:
        alpha = photo[..., 3:].expand(*colours.shape[:3], 1)
        return colours, cut_out(torch.cat([colours, alpha], dim=-1), mask), layers.background
    return colours, cut_out(colours, mask), layers.background

"""Stage 5: the crop for the diffusion model, and its way back into the picture."""

from __future__ import annotations

from torch import Tensor

from ..blending.color_match import describe_fits
from ..blending.crop import TARGETS, crop_for_inpainting
from ..blending.seams import SEAMS, WIDEST_PX
from ..blending.stitch import STITCH_MATCHES, Stitch, check_stitch_mask, stitch_with_fits
from .spec import Port, Result, node


@node(
    id="HemlineInpaintCrop",
    name="Inpaint Crop",
    category="Hemline/5 Inpaint",
    weight="heavy",
    aliases=("crop and stitch", "inpaint", "crop by mask"),
    inputs=(
        Port("image", "IMAGE", "The photo, or a batch of photos."),
        Port("mask", "MASK", "What is to be repainted; soft edges are used for stitching."),
        Port(
            "target", "COMBO", "The model that will repaint the crop; it decides the crop's size.",
            default="SDXL", options=tuple(TARGETS),
        ),
        Port(
            "context_factor", "FLOAT", "The crop is at least so many times as wide and high as the mask.",
            default=1.2, minimum=1.0, maximum=10.0, step=0.05,
        ),
        Port("padding", "INT", "At least so many pixels around the mask.", default=32, minimum=0, maximum=4096, step=1),
        Port("width", "INT", "Of the crop, for target 'custom'.", default=1024, minimum=8, maximum=16384, step=8),
        Port("height", "INT", "Of the crop, for target 'custom'.", default=1024, minimum=8, maximum=16384, step=8),
        Port(
            "multiple", "INT", "Width and height are multiples of this, for targets 'as is' and 'custom'.",
            default=8, minimum=1, maximum=128, step=1,
        ),
    ),
    outputs=(
        Port("image", "IMAGE", "The crop to repaint."),
        Port("sampling_mask", "MASK", "Hard mask of the crop, for the sampler."),
        Port("soft_mask", "MASK", "Soft mask of the crop."),
        Port("stitch", "STITCH", "For Inpaint Stitch: where the crop came from."),
    ),
)  # fmt: skip
def inpaint_crop(
    image: Tensor, mask: Tensor, target: str = "SDXL", context_factor: float = 1.2, padding: int = 32,
    width: int = 1024, height: int = 1024, multiple: int = 8,
) -> Result:  # fmt: skip
    """Cuts out the mask with its surroundings at exactly the size that the inpainting model wants."""
    crop = crop_for_inpainting(
        image,
        mask,
        target=target,
        context=context_factor,
        padding_px=padding,
        width=width,
        height=height,
        multiple=multiple,
    )
    x0, y0, x1, y1 = crop.stitch.boxes[0]
    lines = [f"{x1 - x0}x{y1 - y0} at {x0},{y0} as {crop.stitch.width}x{crop.stitch.height}"]
    if not bool(crop.soft_mask.any()):
        lines.append("the mask is empty: the crop is the middle of the picture, and nothing will be repainted")
    return Result((crop.image, crop.hard_mask, crop.soft_mask, crop.stitch), text=tuple(lines))


@node(
    id="HemlineInpaintStitch",
    name="Inpaint Stitch",
    category="Hemline/5 Inpaint",
    weight="heavy",
    aliases=("crop and stitch", "uncrop", "paste back"),
    inputs=(
        Port("stitch", "STITCH", "From Inpaint Crop."),
        Port("image", "IMAGE", "The repainted crop, or several of one picture."),
        Port("mask", "MASK", "Another soft mask of the whole picture to stitch by.", optional=True),
        Port(
            "seam", "COMBO", "linear mixes by the mask; multi-band fades tone slowly and detail at once; poisson fits "
            "the crop's tone to the picture's all along the mask's rim.",
            default="linear", options=tuple(SEAMS),
        ),
        Port(
            "match_colours", "COMBO", "Undo a shift of tone that the model gave the whole crop, measured just outside "
            "the mask.",
            default="none", options=STITCH_MATCHES,
        ),
        Port(
            "seam_width", "INT", "Over how many pixels tone fades, for multi-band; 0: over the mask's own feather.",
            default=0, minimum=0, maximum=WIDEST_PX, step=1,
        ),
    ),
    outputs=(Port("image", "IMAGE", "The whole picture; bit for bit the original where the mask is 0."),),
)  # fmt: skip
def inpaint_stitch(
    stitch: Stitch, image: Tensor, mask: Tensor | None = None, seam: str = "linear", match_colours: str = "none",
    seam_width: int = 0,
) -> Result:  # fmt: skip
    """Puts the repainted crop back into the whole picture along the soft mask."""
    stitch = stitch if mask is None else check_stitch_mask(stitch, mask)
    stitched, fits = stitch_with_fits(
        stitch, image, seam=seam, match_colours=match_colours, width_px=seam_width or None
    )
    return Result((stitched,), text=describe_fits(fits) if match_colours != "none" else ())

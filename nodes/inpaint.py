"""Stage 5: the crop for the diffusion model, and its way back into the picture."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..blending.align import ALIGNMENTS
from ..blending.color_match import SPACES
from ..blending.crop import TARGETS, crop_for_inpainting
from ..blending.regions import STITCH_MATCHES, Joining
from ..blending.seams import SEAMS, WIDEST_PX
from ..blending.stitch import Stitch, describe_found, stitch_lists
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
    version="1.1.0",
    aliases=("crop and stitch", "uncrop", "paste back", "align", "merge crops"),
    inputs=(
        Port("stitch", "STITCH", "From Inpaint Crop; several of one picture go into that picture.", is_list=True),
        Port(
            "image", "IMAGE", "The repainted crop of each stitch, or several results of one stitch.", is_list=True
        ),
        Port(
            "mask", "MASK", "Another soft mask of the whole picture to stitch by.", optional=True, is_list=True
        ),
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
        Port(
            "onto", "IMAGE", "Stitch onto this picture in place of the original: the result of another Inpaint Stitch.",
            optional=True, is_list=True,
        ),
        Port(
            "align", "COMBO", "Undo a shift and zoom that the model gave the whole crop, found outside the mask to a "
            "part of a pixel. Where that cannot be told, the crop stays where it is.",
            default="off", options=ALIGNMENTS,
        ),
        Port(
            "match_space", "COMBO", "Where match_colours works: sRGB undoes gains and offsets of the picture's values, "
            "OKLab treats lightness and colour apart.",
            default="sRGB", options=SPACES,
        ),
    ),
    outputs=(
        Port("image", "IMAGE", "The whole picture; bit for bit the original where the mask is 0.", is_list=True),
        Port("changed", "MASK", "How far each pixel was replaced; 0 where it is still what it was.", is_list=True),
    ),
)  # fmt: skip
def inpaint_stitch(
    stitch: Sequence[Stitch], image: Sequence[Tensor], mask: Sequence[Tensor] | None = None, seam: str = "linear",
    match_colours: str = "none", seam_width: int = 0, onto: Sequence[Tensor] | None = None, align: str = "off",
    match_space: str = "sRGB",
) -> Result:  # fmt: skip
    """Puts repainted crops back into their whole pictures along the soft masks, in any order."""
    joining = Joining(seam, match_colours, seam_width or None, match_space, align)
    results = stitch_lists(stitch, image, joining, masks=mask or (), onto=onto or ())
    text = describe_found([found for result in results for found in result.found], joining)
    return Result(([result.image for result in results], [result.changed for result in results]), text=text)

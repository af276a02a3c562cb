"""Stage 5: the crop for the diffusion model, and its way back into the picture."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from ..blending.align import ALIGNMENTS
from ..blending.color_match import SPACES
from ..blending.crop import TARGETS, Crop, crop_for_inpainting, empty_masks
from ..blending.crop_boxes import FRAME_POLICIES
from ..blending.crop_sizes import LEAVE_FRAME
from ..blending.fill import FILLS, teaches_nothing
from ..blending.regions import STITCH_MATCHES, Joining
from ..blending.seams import SEAMS, WIDEST_PX
from ..blending.stitch import Stitch, describe_found, stitch_lists
from ..context import Context
from ..segmentation.garments import Garments
from ..segmentation.split import SPLITS, Piece, split_mask
from ..tensors import HemlineError, as_image, check_name, match_batch, match_mask
from .spec import NotGiven, Port, Result, node

EMPTY_MASK = ("pass", "error")


@node(
    id="HemlineInpaintCrop",
    name="Inpaint Crop",
    category="Hemline/5 Inpaint",
    weight="heavy",
    version="1.1.0",
    aliases=("crop and stitch", "inpaint", "crop by mask", "split", "noise mask", "fill mask"),
    inputs=(
        Port("image", "IMAGE", "The photo, or a batch of photos."),
        Port("mask", "MASK", "What is to be repainted; soft edges are used for stitching."),
        Port(
            "target", "COMBO", "The model that will repaint the crop; it decides the crop's size.",
            default="SDXL", options=tuple(TARGETS),
        ),
        Port(
            "context_factor", "FLOAT",
            "How much of the surroundings the model sees: the crop is at least so many times as wide and high as the "
            "mask.",
            default=1.2, minimum=1.0, maximum=10.0, step=0.05,
        ),
        Port(
            "padding", "INT", "At least so many pixels of surroundings on each side of the mask.",
            default=32, minimum=0, maximum=4096, step=1,
        ),
        Port(
            "width", "INT", "Width of the crop in pixels, for target custom.",
            default=1024, minimum=8, maximum=16384, step=8,
        ),
        Port(
            "height", "INT", "Height of the crop in pixels, for target custom.",
            default=1024, minimum=8, maximum=16384, step=8,
        ),
        Port(
            "multiple", "INT",
            "Width and height are multiples of this, for targets as is and custom: 8, 16 for FLUX, 32 for Qwen.",
            default=8, minimum=1, maximum=128, step=1,
        ),
        Port(
            "fill", "COMBO",
            "What the output agnostic shows in the mask's place: the crop itself, grey, or something made of the "
            "pixels around (edge, push-pull, blur, noise).",
            default="grey", options=tuple(FILLS),
        ),
        Port(
            "split", "COMBO",
            "One crop for the whole mask, or a list of crops, one per garment, person or separate region; the first "
            "two need garments.",
            default="whole", options=tuple(SPLITS),
        ),
        Port(
            "frames", "COMBO",
            "For a batch: each picture has a box around its own mask, all share one box, or the box follows the mask "
            "calmly (smooth). All crops have one size.",
            default="each", options=FRAME_POLICIES,
        ),
        Port(
            "leave_frame", "COMBO",
            "Whether the crop may reach beyond the picture. if needed: where the mask does not fit otherwise; never: "
            "the crop gets another size instead; for context: to keep surroundings on all sides.",
            default="if needed", options=LEAVE_FRAME,
        ),
        Port(
            "empty_mask", "COMBO",
            "A picture with an empty mask. pass: hand on its middle, which changes nothing; error: stop.",
            default="pass", options=EMPTY_MASK,
        ),
        Port("garments", "GARMENTS", "From Detect Garments, for split per garment or per person.", optional=True),
        Port(
            "extra_1", "IMAGE",
            "Another picture of the same scene, such as a pose or a depth map; cropped and scaled like the image.",
            optional=True,
        ),
        Port("extra_2", "IMAGE", "One more such picture.", optional=True),
    ),
    outputs=(
        Port("image", "IMAGE", "The crop to repaint, in the model's size.", is_list=True),
        Port(
            "sampling_mask", "MASK",
            "The mask of the crop, 0 or 1: for Inpaint Model Conditioning or VAE Encode (for Inpainting).",
            is_list=True,
        ),
        Port("soft_mask", "MASK", "The mask of the crop with its soft edge.", is_list=True),
        Port("stitch", "STITCH", "Where the crop came from: for Inpaint Stitch.", is_list=True),
        Port("mask_image", "IMAGE", "The sampling mask as a black and white picture.", is_list=True),
        Port("agnostic", "IMAGE", "The crop with the masked area filled, see fill.", is_list=True),
        Port(
            "noise_mask", "MASK", "For Set Latent Noise Mask with Differential Diffusion: the soft mask in cells of "
            "8 x 8 pixels, each at its largest value.", is_list=True,
        ),
        Port("extra_1", "IMAGE", "The crop of extra_1.", is_list=True),
        Port("extra_2", "IMAGE", "The crop of extra_2.", is_list=True),
        Port("label", "STRING", "What the crop holds: whole, upper, person 1 ...", is_list=True),
    ),
)  # fmt: skip
def inpaint_crop(
    image: Tensor, mask: Tensor, target: str = "SDXL", context_factor: float = 1.2, padding: int = 32,
    width: int = 1024, height: int = 1024, multiple: int = 8, fill: str = "grey", split: str = "whole",
    frames: str = "each", leave_frame: str = "if needed", empty_mask: str = "pass", garments: Garments | None = None,
    extra_1: Tensor | None = None, extra_2: Tensor | None = None, *, context: Context,
) -> Result:  # fmt: skip
    """Cuts out the mask with its surroundings at exactly the size that the inpainting model wants."""
    image, mask = match_batch((as_image(image), match_mask(mask, as_image(image))), ("image", "mask"))
    empty = _check_empty(mask, empty_mask)
    extras = [extra for extra in (extra_1, extra_2) if extra is not None]
    groups = _groups(mask, garments, split, frames)
    crops: list[Crop] = []
    for masks, pictures, _ in groups:  # pieces have boxes of their own
        context.check_cancelled()
        crop = crop_for_inpainting(
            image, masks, target=target, context=context_factor, padding_px=padding, width=width, height=height,
            multiple=multiple, frames=frames, leave_frame=leave_frame, fill=fill, extras=extras, of_frames=pictures,
            whole=None if split == "whole" else mask[list(pictures)],
        )  # fmt: skip
        crops.append(crop)
        context.progress(len(crops), len(groups))
    labels = [label for _, _, label in groups]
    columns = (
        [crop.image for crop in crops],
        [crop.hard_mask for crop in crops],
        [crop.soft_mask for crop in crops],
        [crop.stitch for crop in crops],
        [crop.hard_mask.unsqueeze(-1).expand(-1, -1, -1, 3) for crop in crops],
        [crop.agnostic for crop in crops],
        [crop.noise_mask for crop in crops],
        [_absent("extra_1") if extra_1 is None else crop.extras[0] for crop in crops],
        [_absent("extra_2") if extra_2 is None else crop.extras[-1] for crop in crops],
        labels,
    )
    return Result(columns, text=_describe(crops, labels, mask, empty, split, fill))


def _absent(name: str) -> NotGiven:
    return NotGiven(f"nothing is connected to {name} of Inpaint Crop, so there is no crop of it.")


def _check_empty(mask: Tensor, policy: str) -> tuple[int, ...]:
    """Which pictures have an empty mask, where that is allowed."""
    check_name("Empty mask", policy, EMPTY_MASK)
    empty = empty_masks(mask)
    if empty and policy == "error":
        which = "" if len(mask) == 1 else f" of picture {', '.join(str(index + 1) for index in empty)}"
        raise HemlineError(f"the mask{which} is empty; look at how it is made, or choose empty_mask = 'pass'.")
    return empty


def _groups(
    mask: Tensor, garments: Garments | None, split: str, frames: str
) -> list[tuple[Tensor, tuple[int, ...], str]]:
    """Masks that are cropped together, the pictures that they belong to, and what they hold.

    Pieces are cropped one by one, but along a path of boxes those of one label go together.
    """
    if check_name("Split", split, SPLITS) == "whole":
        return [(mask, tuple(range(len(mask))), "whole")]
    pieces = split_mask(mask, garments, split)
    alike: dict[tuple[str, int], list[Piece]] = {}
    for piece in pieces:
        alike.setdefault((piece.label, piece.image if frames == "each" else 0), []).append(piece)
    return [
        (torch.stack([piece.mask for piece in some]).to(mask.dtype), tuple(piece.image for piece in some), label)
        for (label, _), some in alike.items()
    ]


def _describe(
    crops: Sequence[Crop], labels: Sequence[str], mask: Tensor, empty: tuple[int, ...], split: str, fill: str
) -> tuple[str, ...]:
    """A line per crop, and what the user should know besides."""
    lines: list[str] = []
    for crop, label in zip(crops, labels, strict=True):
        x0, y0, x1, y1 = crop.stitch.boxes[0]
        place = f"{x1 - x0}x{y1 - y0} at {x0},{y0} as {crop.stitch.width}x{crop.stitch.height}"
        lines.append(place if label == "whole" else f"{label}: {place}")
        lines += [crop.note] * bool(crop.note)
    if len(empty) == len(mask):
        lines.append("the mask is empty: the crop is the middle of the picture, and nothing will be repainted")
    elif empty:
        which = ", ".join(str(index + 1) for index in empty)
        what = "they have no crop" if split != "whole" else "nothing will be repainted there"
        lines.append(f"the mask of picture {which} is empty: {what}")
    elif split != "whole" and "whole" in labels:
        lines.append(f"split {split!r}: nothing to split by lies in the mask, so it stays whole")
    if fill not in ("none", "grey") and any(teaches_nothing(crop.soft_mask) for crop in crops):
        lines.append("the mask covers the whole crop: there is nothing to fill it from, so the fill is grey")
    return tuple(lines)


@node(
    id="HemlineInpaintStitch",
    name="Inpaint Stitch",
    category="Hemline/5 Inpaint",
    weight="heavy",
    version="1.1.0",
    aliases=("crop and stitch", "uncrop", "paste back", "align", "merge crops"),
    inputs=(
        Port("stitch", "STITCH", "From Inpaint Crop. Several of one picture all go into that picture.", is_list=True),
        Port(
            "image", "IMAGE", "The repainted crop of each stitch, or several results of one stitch.", is_list=True
        ),
        Port(
            "mask", "MASK", "A soft mask of the whole picture to stitch by instead of the crop's own.",
            optional=True, is_list=True,
        ),
        Port(
            "seam", "COMBO", "linear mixes by the mask; multi-band fades tone slowly and detail at once; poisson fits "
            "the crop's tone to the picture's all along the mask's rim.",
            default="linear", options=tuple(SEAMS),
        ),
        Port(
            "match_colours", "COMBO",
            "Undo a shift of tone that the model gave the whole crop, measured just outside the mask. mean and std: a "
            "gain and an offset per channel; affine: channels may mix too.",
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
            "align", "COMBO",
            "Undo a small shift and zoom that edit models give the whole crop, found by comparing it with the picture "
            "outside the mask. Where that cannot be told, the crop stays where it is.",
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
        Port("changed", "MASK", "How much each pixel was replaced, from 0 (still the original) to 1.", is_list=True),
    ),
)  # fmt: skip
def inpaint_stitch(
    stitch: Sequence[Stitch], image: Sequence[Tensor], mask: Sequence[Tensor] | None = None, seam: str = "linear",
    match_colours: str = "none", seam_width: int = 0, onto: Sequence[Tensor] | None = None, align: str = "off",
    match_space: str = "sRGB", *, context: Context,
) -> Result:  # fmt: skip
    """Puts repainted crops back into their whole pictures along the soft masks, in any order."""
    joining = Joining(seam, match_colours, seam_width or None, match_space, align)
    begun, total = itertools.count(), sum(map(len, image))

    def before_crop() -> None:
        context.check_cancelled()
        context.progress(next(begun), total)

    results = stitch_lists(stitch, image, joining, masks=mask or (), onto=onto or (), before_crop=before_crop)
    text = describe_found([found for result in results for found in result.found], joining)
    return Result(([result.image for result in results], [result.changed for result in results]), text=text)

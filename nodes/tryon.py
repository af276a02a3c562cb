"""Stage 5: person, garment and mask in the form that an inpainting or try-on target takes."""

from __future__ import annotations

import json
from collections.abc import Sequence

import torch
from torch import Tensor

from ..blending.tryon import MASK_SHAPES, TARGETS_OWN, TRYON_FITS, TryOnInputs, prepare_tryon
from ..blending.tryon_contract import contract_lines
from ..blending.tryon_targets import TRYON_TARGETS
from ..context import Context, Lettering
from ..resampling import resize_planes
from .spec import NotGiven, Port, Result, node

# A preview of more pictures than this helps nobody and is slow to send.
PREVIEWED = 8
PANEL_PX, LETTER_PX, MARGIN_PX, CHECKER_PX = 512, 18, 8, 16
PAPER, INK = 0.10, 0.95
CHECKER_DARK, CHECKER_LIGHT = 0.45, 0.65


@node(
    id="HemlineTryOnInputs",
    name="Try-On Inputs",
    category="Hemline/5 Inpaint",
    weight="heavy",
    aliases=("virtual try-on", "VTON", "agnostic", "CatVTON", "IDM-VTON", "outfit swap"),
    inputs=(
        Port("person", "IMAGE", "The photo of the person."),
        Port("mask", "MASK", "What is to be repainted: where the new garment may lie, as from Agnostic Mask."),
        Port("garment", "IMAGE", "The new garment; its alpha cuts it out onto white.", optional=True),
        Port(
            "target", "COMBO",
            "The node, model, folder or service that the pieces are for; it decides sizes, masks and fills.",
            default="InpaintModelConditioning", options=tuple(TRYON_TARGETS),
        ),
        Port(
            "fit", "COMBO",
            "How the person gets to the size. context: a crop around the mask; crop: the largest part of the picture "
            "that holds the mask; pad: the whole picture with a border.",
            default=TARGETS_OWN, options=TRYON_FITS,
        ),
        Port(
            "context_factor", "FLOAT", "With fit context: the crop is so many times as wide and high as the mask.",
            default=1.2, minimum=1.0, maximum=10.0, step=0.05,
        ),
        Port(
            "width", "INT", "Width in pixels, one that the target takes; 0: the target's usual size.",
            default=0, minimum=0, maximum=16384, step=8,
        ),
        Port(
            "height", "INT", "Height in pixels, one that the target takes; 0: the target's usual size.",
            default=0, minimum=0, maximum=16384, step=8,
        ),
        Port(
            "mask_shape", "COMBO", "The mask as given, or its bounding box, which tells nothing of the old garment.",
            default=TARGETS_OWN, options=MASK_SHAPES,
        ),
        Port("garment_mask", "MASK", "Cuts the new garment out onto white; 1 = garment.", optional=True),
        Port(
            "pose", "IMAGE", "A pose picture of the person (DensePose, DWPose) of the same size, cropped alike.",
            optional=True,
        ),
        Port(
            "protected", "MASK",
            "What is never repainted, such as head, hair and hands: from Protect Parts or Agnostic Mask.",
            optional=True,
        ),
    ),
    outputs=(
        Port("person", "IMAGE", "The person in the target's size; garment and person side by side for a diptych."),
        Port("garment", "IMAGE", "The garment on white in the target's size."),
        Port("mask", "MASK", "1 = repaint, with the values that the target takes."),
        Port("mask_image", "IMAGE", "The mask as a picture, white = repaint."),
        Port("agnostic", "IMAGE", "The person without what is repainted: grey, or a hole in the alpha."),
        Port("pose", "IMAGE", "The pose picture, cropped like the person."),
        Port("stitch", "STITCH", "Where the person came from: for Inpaint Stitch."),
        Port("contract", "STRING", "Size, polarity, mask values and what to set in the target, as JSON."),
    ),
)  # fmt: skip
def try_on_inputs(
    person: Tensor, mask: Tensor, garment: Tensor | None = None, target: str = "InpaintModelConditioning",
    fit: str = TARGETS_OWN, context_factor: float = 1.2, width: int = 0, height: int = 0,
    mask_shape: str = TARGETS_OWN, garment_mask: Tensor | None = None, pose: Tensor | None = None,
    protected: Tensor | None = None, *, context: Context,
) -> Result:  # fmt: skip
    """Brings person, garment and mask into the size, polarity and values that a try-on or inpaint target takes."""
    inputs = prepare_tryon(
        person, garment, mask, target=target, fit=fit, mask_shape=mask_shape, context=context_factor, width=width,
        height=height, garment_mask=garment_mask, pose=pose, protected=protected,
    )  # fmt: skip
    takes = TRYON_TARGETS[target].garment
    no_garment = "connect the garment's picture to Try-On Inputs" if takes else f"{target} takes no garment picture"
    outputs = (
        inputs.person,
        NotGiven(no_garment) if inputs.garment is None else inputs.garment,
        inputs.mask,
        inputs.mask_image,
        inputs.agnostic,
        NotGiven("connect a pose picture to Try-On Inputs") if inputs.pose is None else inputs.pose,
        inputs.stitch,
        json.dumps(inputs.contract),
    )
    return Result(outputs, images=draw_sheets(inputs, context.lettering), text=contract_lines(inputs.contract))


def draw_sheets(inputs: TryOnInputs, lettering: Lettering) -> Tensor:
    """The pieces side by side with the contract printed below, ``[B,H,W,3]``, at most `PREVIEWED` pictures."""
    panels = [_title_panel(name, picture, lettering) for name, picture in _pieces(inputs)]
    height = max(panel.shape[1] for panel in panels)
    strip = torch.cat([_extend(panel, height, panel.shape[2] + MARGIN_PX) for panel in panels], 2)
    width = strip.shape[2]
    lines = [part for line in contract_lines(inputs.contract) for part in _wrap(line, width - MARGIN_PX, lettering)]
    text = _print_lines(lines, width, lettering).to(strip)
    return torch.cat([strip, text.expand(len(strip), -1, -1, 3)], 1)


def _pieces(inputs: TryOnInputs) -> list[tuple[str, Tensor]]:
    """What is shown, with its title: pictures ``[B,h,w,3]``."""
    contract = inputs.contract
    pieces = [
        ("person", inputs.person),
        (f"mask: white = repaint, {contract['mask']['values']}", inputs.mask_image),
    ]
    if inputs.agnostic.shape[-1] == 4 or contract["person"]["grey"] is not None:
        pieces.append(("agnostic", _on_checker(inputs.agnostic)))
    if inputs.garment is not None and not contract["diptych"]:
        pieces.append(("garment", inputs.garment))
    if inputs.pose is not None:
        pieces.append(("pose", inputs.pose))
    return [(name, picture[:PREVIEWED].float()) for name, picture in pieces]


def _on_checker(picture: Tensor) -> Tensor:
    """The picture over a checker where it has an alpha."""
    if picture.shape[-1] == 3:
        return picture
    rows = torch.arange(picture.shape[1], device=picture.device).unsqueeze(1) * PANEL_PX // picture.shape[1]
    columns = torch.arange(picture.shape[2], device=picture.device) * PANEL_PX // picture.shape[1]
    light = (rows // CHECKER_PX + columns // CHECKER_PX) % 2
    ground = (CHECKER_DARK + light * (CHECKER_LIGHT - CHECKER_DARK)).unsqueeze(-1).to(picture)
    return ground + picture[..., 3:] * (picture[..., :3] - ground)


def _title_panel(title: str, picture: Tensor, lettering: Lettering) -> Tensor:
    width = max(1, round(picture.shape[2] * PANEL_PX / picture.shape[1]))
    panel = resize_planes(picture.permute(0, 3, 1, 2), PANEL_PX, width).clamp(0, 1).permute(0, 2, 3, 1)
    head = _print_lines([title], width, lettering).to(panel)
    return torch.cat([head.expand(len(panel), -1, -1, 3), panel], 1)


def _extend(picture: Tensor, height: int, width: int) -> Tensor:
    """The picture in the top left corner of a sheet of paper."""
    paper = picture.new_full((len(picture), height, width, 3), PAPER)
    paper[:, : picture.shape[1], : picture.shape[2]] = picture
    return paper


def _print_lines(lines: Sequence[str], width: int, lettering: Lettering) -> Tensor:
    """The lines below each other on paper, ``[1,h,width,1]``; what is too long is cut."""
    rows = [lettering(line, LETTER_PX) for line in lines]
    step = max(len(row) for row in rows) + 2
    cover = torch.zeros(len(rows) * step + MARGIN_PX, width)
    for number, row in enumerate(rows):
        part = row[:, : width - MARGIN_PX // 2]
        top = number * step + MARGIN_PX // 2
        cover[top : top + len(part), MARGIN_PX // 2 : MARGIN_PX // 2 + part.shape[1]] = part
    return (PAPER + cover * (INK - PAPER))[None, ..., None]


def _wrap(text: str, width: int, lettering: Lettering) -> list[str]:
    """The text in lines no wider than `width` pixels, broken between words."""
    lines, line = list[str](), ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and lettering(longer, LETTER_PX).shape[1] > width:
            lines.append(line)
            longer = f"  {word}"
        line = longer
    return [*lines, line]

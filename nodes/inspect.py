"""Masks shown to a person: overlay, outlines, labels, scores and how they were found."""

from __future__ import annotations

import torch
from torch import Tensor

from ..blending.compare import OVERLAY_COLOUR, PALETTE, Colour, outline_mask, overlay_mask, stamp
from ..context import Context, Lettering
from ..segmentation.garments import Garment, Garments
from ..tensors import ShapeError, as_image, match_batch, match_mask
from .spec import Port, Result, node

DARK: Colour = (0.08, 0.08, 0.10)
LIGHT: Colour = (1.0, 1.0, 1.0)
# Letters are this share of the picture's shorter side, and never too small to read.
LETTER_SHARE = 1 / 36
SMALLEST_LETTER_PX = 12
OUTLINE_SHARE = 1 / 500


@node(
    id="HemlinePreviewMask",
    name="Preview Mask",
    category="Hemline/6 Look & Save",
    is_output=True,
    aliases=("mask overlay", "show mask", "mask preview"),
    inputs=(
        Port("image", "IMAGE", "The photo."),
        Port("mask", "MASK", "The mask to lay over it."),
        Port("garments", "GARMENTS", "From Detect Garments: adds labels, scores and the method.", optional=True),
        Port(
            "opacity", "FLOAT", "How opaque the mask's tint is: 0 clear, 1 hides the photo.",
            default=0.5, minimum=0.0, maximum=1.0, step=0.05,
        ),
    ),
    outputs=(Port("image", "IMAGE", "The photo with mask, labels and badge drawn on."),),
)  # fmt: skip
def preview_mask(
    image: Tensor, mask: Tensor, garments: Garments | None = None, opacity: float = 0.5, *, context: Context
) -> Result:
    """Shows a mask on its photo: tint and outline, label and score of each garment, and how they were found."""
    drawn, lines = draw_findings(image, mask, garments, opacity=opacity, lettering=context.lettering)
    return Result((drawn,), images=drawn, text=lines)


def draw_findings(
    image: Tensor, mask: Tensor, garments: Garments | None, *, opacity: float = 0.5, lettering: Lettering,
    colour: Colour = OVERLAY_COLOUR,
) -> tuple[Tensor, tuple[str, ...]]:  # fmt: skip
    """The pictures ``[B,H,W,3]`` with mask, labels and badge drawn on, and one line of text per picture."""
    image = as_image(image)
    mask, image = match_batch((match_mask(mask, image), image), ("mask", "image"))
    if garments is not None and (garments.height, garments.width) != tuple(image.shape[1:3]):
        raise ShapeError(
            f"garments were found in a {garments.width}x{garments.height} picture, this one is "
            f"{image.shape[2]}x{image.shape[1]}; connect the picture that went into Detect Garments."
        )
    tinted = overlay_mask(image, mask, colour=colour, opacity=opacity).float()
    line_px = max(1, round(min(image.shape[1:3]) * OUTLINE_SHARE))
    rims = outline_mask(mask.float(), width_px=line_px).unsqueeze(-1)
    tinted = tinted + rims * (torch.tensor(colour).to(tinted) - tinted)
    pictures: list[Tensor] = []
    lines: list[str] = []
    for index, picture in enumerate(tinted):  # each picture has its own labels and badge
        items = [item for item in garments.items if item.image == index] if garments is not None else []
        line = _badge(mask[index], garments, items)
        pictures.append(_annotate(picture, items, line, lettering, line_px))
        lines.append(line)
    return torch.stack(pictures).to(image.dtype), tuple(lines)


def _badge(mask: Tensor, garments: Garments | None, items: list[Garment]) -> str:
    share = float((mask >= 0.5).float().mean())
    area = f"mask {share:.1%} of the picture" if bool((mask > 0).any()) else "mask is empty"
    if garments is None:
        return area
    found = f"{len(items)} found" if items else "nothing found"
    return f"{garments.method}: {found}, {area}"


def letter_height(picture: Tensor) -> int:
    """How high letters on a picture ``[H,W,C]`` are, in px."""
    return max(SMALLEST_LETTER_PX, round(min(picture.shape[:2]) * LETTER_SHARE))


def _annotate(picture: Tensor, items: list[Garment], line: str, lettering: Lettering, line_px: int) -> Tensor:
    letter_px = letter_height(picture)
    for number, item in enumerate(items):
        colour = PALETTE[number % len(PALETTE)]
        rim = outline_mask(item.mask.float().unsqueeze(0), width_px=line_px)[0].to(picture)
        picture = stamp(picture, rim, 0, 0, colour=colour)
        x, y = int(item.box[0]), int(item.box[1])
        picture = sign_picture(picture, f"{item.label} {item.score:.2f}", x, y, letter_px, lettering, colour)
    return sign_picture(picture, line, 0, picture.shape[0], letter_px, lettering, DARK)


def sign_picture(
    picture: Tensor, text: str, x: int, y: int, letter_px: int, lettering: Lettering, ground: Colour = DARK
) -> Tensor:
    """The picture ``[H,W,3]`` with a text on a ground of its own, moved inside where it would stick out."""
    letters = lettering(text, letter_px).to(picture.device)
    margin = max(1, letter_px // 4)
    plate = torch.ones((letters.shape[0] + 2 * margin, letters.shape[1] + 2 * margin), device=picture.device)
    left = max(0, min(x, picture.shape[1] - plate.shape[1]))
    top = max(0, min(y, picture.shape[0] - plate.shape[0]))
    picture = stamp(picture, plate, left, top, colour=ground)
    ink = LIGHT if ground == DARK else DARK
    return stamp(picture, letters, left + margin, top + margin, colour=ink)

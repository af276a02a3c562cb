"""Stage 2: what a mask must not cover."""

from __future__ import annotations

import torch
from torch import Tensor

from ..segmentation.garments import Garments
from ..segmentation.protection import PROTECTIONS, Protection, parse_protection
from ..segmentation.shape import GROW_LIMIT_PX
from ..segmentation.vocabulary import parse_what
from ..tensors import as_mask, check_name, is_host_empty_mask, match_batch
from .spec import Port, Result, node

PX, PERCENT = "px", "% of the head's height"
UNITS = (PERCENT, PX)


@node(
    id="HemlineProtectParts",
    name="Protect Parts",
    category="Hemline/2 Refine",
    weight="heavy",
    aliases=("exclude hands", "keep face", "subtract", "protect", "hair", "body parts"),
    inputs=(
        Port("mask", "MASK", "The mask to take the protected parts out of; grow it first."),
        Port("garments", "GARMENTS", "From Detect Garments: knows where the parts are."),
        Port(
            "protect", "COMBO", "What the mask must not cover.", default=next(iter(PROTECTIONS)),
            options=tuple(PROTECTIONS),
        ),
        Port(
            "parts", "STRING",
            "Parts of your own, one per line or separated by ';', each with its own margin and soft edge if you like: "
            "'hands 4 soft 6; hair; face -2'. Replaces `protect`. Parts: head, hair, face, neck, hands, arms, legs, "
            "feet, bag, other garments.",
            default="", multiline=True,
        ),
        Port(
            "margin", "FLOAT",
            "How far beyond a part the mask keeps away, in `unit`; negative lets it reach under the rim.",
            default=2.0, minimum=-float(GROW_LIMIT_PX), maximum=float(GROW_LIMIT_PX), step=0.5,
        ),
        Port(
            "soft_edge", "FLOAT", "The width, in `unit`, over which the protection fades; one half lies at the margin.",
            default=2.0, minimum=0.0, maximum=float(GROW_LIMIT_PX), step=0.5,
        ),
        Port(
            "unit", "COMBO",
            "What margins and soft edges count: percent of the head's height, alike in every picture, or pixels.",
            default=PERCENT, options=UNITS,
        ),
        Port(
            "target", "STRING",
            "What the mask is for, such as 'tops', so that it is not protected as another garment. Empty: the "
            "garments that the mask covers by half.",
            default="",
        ),
        Port("keep", "MASK", "Another mask of what must be kept, such as one drawn by hand; 1 = keep.", optional=True),
    ),
    outputs=(
        Port("mask", "MASK", "The mask without what is protected."),
        Port("protected", "MASK", "What is protected; 1 = keep."),
        Port("description", "STRING", "What was taken away, and what could not be told."),
    ),
)  # fmt: skip
def protect_parts(
    mask: Tensor, garments: Garments, protect: str = next(iter(PROTECTIONS)), parts: str = "", margin: float = 2.0,
    soft_edge: float = 2.0, unit: str = PERCENT, target: str = "", keep: Tensor | None = None,
) -> Result:  # fmt: skip
    """Takes head, hair, hands and other parts out of a mask, each with its margin and soft edge. What is protected
    always wins, however far the mask was grown.
    """
    # What only runs later is imported later: the pack has to start in 0.3 s.
    from ..segmentation.feet import head_heights_px
    from ..segmentation.protect import absent_parts, kept_garments, protect_mask, protected_area, untold_parts

    mask = _sized(mask, garments, "mask")
    check_name("Unit", unit, UNITS)
    wanted = parse_protection(parts.strip() or protect, margin=margin, soft_edge=soft_edge)
    heads = head_heights_px(garments)
    meant = parse_what(target) if target.strip() else mask
    protected = protected_area(
        garments, wanted.parts, margin_px=wanted.margins, soft_px=wanted.soft_edges,
        target=meant,
        scale=[head / 100 for head in heads] if unit == PERCENT else (),
    ).to(mask.device)  # fmt: skip
    if keep is not None:
        protected = torch.maximum(*match_batch((protected, _sized(keep, garments, "keep").float()), ("mask", "keep")))
    left = protect_mask(mask, protected)
    protected = protected.expand(len(left), *protected.shape[1:]).to(mask.dtype)
    kept = kept_garments(garments, wanted.parts, target=meant)
    lines = [
        _summary(mask, left),
        *([f"garments kept: {', '.join(kept)}"] if kept else []),
        *untold_parts(garments, wanted.parts),
        *absent_parts(garments, wanted.parts),
    ]
    if unit == PERCENT:
        lines.append(_in_pixels(wanted, heads))
    return Result((left, protected, "\n".join(lines)), text=tuple(lines))


def _sized(mask: Tensor, garments: Garments, name: str) -> Tensor:
    """The mask ``[B,H,W]``; the host's sign for "no mask" as an empty one of the picture's size."""
    mask = as_mask(mask, name)
    return mask.new_zeros((len(mask), garments.height, garments.width)) if is_host_empty_mask(mask) else mask


def _summary(mask: Tensor, left: Tensor) -> str:
    before, after = (one.float().sum((1, 2)) for one in (mask, left))
    if not bool((before > 0).any()):
        return "the mask is empty"
    taken = [f"{float(share):.1f}" for share in 100 * (1 - after / before.clamp_min(1e-6))[before.expand_as(after) > 0]]
    low, high = min(taken, key=float), max(taken, key=float)
    return f"{low if low == high else f'{low} to {high}'} % of the mask was protected"


def _in_pixels(wanted: Protection, heads: tuple[float, ...]) -> str:
    """The margins as pixels of the first picture."""
    edges = {(wanted.margins[part], wanted.soft_edges[part]) for part in wanted.parts}
    named = [
        f"margin {margin * heads[0] / 100:.1f} px, soft edge {soft * heads[0] / 100:.1f} px"
        for margin, soft in sorted(edges)
    ]
    return f"a head is {heads[0]:.0f} px high: {'; '.join(named)}"

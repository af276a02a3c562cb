"""Stage 2 for batches of frames: masks that hold still."""

from __future__ import annotations

import json

from torch import Tensor

from ..context import Context
from ..segmentation.tracking import MOST_FRAMES
from .spec import Port, Result, node
from .versions import versions


@node(
    id="HemlineStabiliseMask",
    name="Stabilise Mask",
    category="Hemline/2 Refine",
    weight="heavy",
    aliases=("video mask", "flicker", "temporal smoothing", "mask tracking", "deflicker", "frames"),
    inputs=(
        Port("mask", "MASK", "The masks of consecutive frames, as one batch."),
        Port(
            "image", "IMAGE", "The frames: they tell motion and cuts better than masks alone. Any size.", optional=True
        ),
        Port(
            "window", "INT", "How many frames before and after are blended in; also the longest gap that is filled.",
            default=2, minimum=0, maximum=MOST_FRAMES, step=1,
        ),
        Port(
            "strength", "FLOAT", "How much the other frames count; 0 leaves the masks as they are.",
            default=1.0, minimum=0.0, maximum=1.0, step=0.05,
        ),
        Port(
            "fill_dropouts", "BOOLEAN", "Make a mask that vanished, or lost most of its area, from the frames around.",
            default=True,
        ),
        Port(
            "reject_jumps", "BOOLEAN", "Make a mask anew that jumped against the frames before and after it.",
            default=True,
        ),
    ),
    outputs=(
        Port("mask", "MASK", "As many soft masks, without flicker."),
        Port("report", "STRING", "Frames filled, replaced, or cut, and the flicker before and after, as JSON."),
    ),
)  # fmt: skip
def stabilise_mask_node(
    mask: Tensor, image: Tensor | None = None, window: int = 2, strength: float = 1.0, fill_dropouts: bool = True,
    reject_jumps: bool = True, *, context: Context,
) -> Result:  # fmt: skip
    """Takes the flicker out of the masks of a video: blends each with its neighbours along the garment's motion where
    they agree, fills frames whose mask dropped out, and replaces those whose mask jumped. Cuts are kept.
    """
    # What only runs later is imported later: the pack has to start in 0.3 s.
    from ..segmentation.tracking.stabilise import stabilise_masks

    found = stabilise_masks(
        mask, image, window=window, strength=strength, fill=fill_dropouts, reject=reject_jumps,
        progress=context.progress, check_cancelled=context.check_cancelled,
    )  # fmt: skip
    lines = [event.describe() for event in found.events]
    if len(found.mask) == 1:
        lines.append("one frame: there is nothing to stabilise it with")
    elif window and strength:
        lines.append(f"flicker {found.flicker_before:.2%} of the area before, {found.flicker_after:.2%} after")
    report = json.dumps({**found.report(), "versions": versions()})
    return Result((found.mask, report), text=tuple(lines))

"""Stage 2: where a new garment may lie."""

from __future__ import annotations

from torch import Tensor

from ..context import Context
from ..segmentation.agnostic.cuts import (
    CUTS,
    DEFAULT_PROTECT,
    LOOSENESS,
    MOST_MARGIN,
    PROTECT_MARGIN,
    REGIONS,
    SHADOW,
    SILHOUETTES,
    SMOOTH,
)
from ..segmentation.garments import Garments
from ..segmentation.protection import PROTECTABLE
from .spec import Port, Result, node


@node(
    id="HemlineAgnosticMask",
    name="Agnostic Mask",
    category="Hemline/2 Refine",
    weight="heavy",
    version="1.0.1",
    aliases=("try-on mask", "virtual try-on", "new garment", "long sleeve", "clothing agnostic", "outfit swap"),
    inputs=(
        Port(
            "garments", "GARMENTS",
            "From Detect Garments with what = outfit or garments; everybody in it gets the new garment.",
        ),
        Port(
            "mask", "MASK", "An area of your own, drawn by hand, added in pictures where a garment was found.",
            optional=True,
        ),
        Port(
            "target_cut", "COMBO",
            "What the new garment is. The mask covers what it needs: sleeves over bare arms, a hem further down.",
            default=next(iter(CUTS)), options=tuple(CUTS),
        ),
        Port(
            "region", "COMBO", "Which garments the new one replaces; auto: those that its cut demands.",
            default=REGIONS[0], options=REGIONS,
        ),
        Port(
            "labels", "STRING",
            "Names of the garments to replace instead, separated by commas: 'outer' keeps the shirt under a coat. "
            "Empty: as in region.",
            default="",
        ),
        Port(
            "looseness", "FLOAT", "How much wider than body and old garment it may be; 1 is half a head to each side.",
            default=LOOSENESS, minimum=0.0, maximum=1.0, step=0.05,
        ),
        Port(
            "silhouette", "COMBO",
            "The outline: tight as it was found; smooth hides the old garment's outline; hull fills between arm and "
            "body; box shows nothing of it. Each contains the one before.",
            default=SMOOTH, options=SILHOUETTES,
        ),
        Port(
            "shadow", "FLOAT", "Room for the old garment's rim and shadow, in percent of the head's height.",
            default=100 * SHADOW, minimum=0.0, maximum=100 * MOST_MARGIN, step=1.0,
        ),
        Port(
            "protect", "STRING", f"What the mask never covers, separated by commas. Known: {', '.join(PROTECTABLE)}.",
            default=", ".join(DEFAULT_PROTECT),
        ),
        Port(
            "protect_margin", "FLOAT",
            "How far around these the mask keeps away, in percent of the head's height; the old garment is covered in "
            "any case.",
            default=100 * PROTECT_MARGIN, minimum=0.0, maximum=100 * MOST_MARGIN, step=1.0,
        ),
        Port(
            "keep_other_garments", "BOOLEAN",
            "Keep what the new garment does not replace: trousers stay when a new top comes in, except where its cut "
            "hangs over them.",
            default=True,
        ),
    ),
    outputs=(
        Port("mask", "MASK", "Where the new garment may lie; 1 = repaint."),
        Port("protected", "MASK", "What the mask must not cover; 1 = keep."),
        Port("report", "STRING", "What was done for each person, and what could not be told."),
    ),
)  # fmt: skip
def agnostic_mask(
    garments: Garments, mask: Tensor | None = None, target_cut: str = next(iter(CUTS)), region: str = REGIONS[0],
    labels: str = "", looseness: float = LOOSENESS, silhouette: str = SMOOTH, shadow: float = 100 * SHADOW,
    protect: str = ", ".join(DEFAULT_PROTECT), protect_margin: float = 100 * PROTECT_MARGIN,
    keep_other_garments: bool = True, *, context: Context,
) -> Result:  # fmt: skip
    """Makes the area where a new garment may lie: the old one with its shadow, and what the new one covers besides,
    down to hands, hem or feet. Head, hair and hands stay free.
    """
    # What only runs later is imported later: the pack has to start in 0.3 s.
    from ..segmentation.agnostic.area import agnostic_area

    area = agnostic_area(
        garments, target_cut, region=region, labels=labels, looseness=looseness, silhouette=silhouette,
        shadow=shadow / 100, protect=tuple(filter(None, (part.strip().lower() for part in protect.split(",")))),
        protect_margin=protect_margin / 100, keep_other_garments=keep_other_garments, extra=mask,
        check_cancelled=context.check_cancelled,
    )  # fmt: skip
    return Result((area.mask, area.protected, area.describe()), text=area.notes)

"""At the end of a chain: everything about a picture, its mask and what was found, and a second picture beside it."""

from __future__ import annotations

import json

import torch
from torch import Tensor

from ..blending.compare import PALETTE, Colour
from ..context import Context
from ..segmentation.garments import Garments
from ..tensors import check_name
from .compare_scene import Scene, arrange_scene
from .compare_views import NEED_B, NEED_MASK, OVERLAY, VIEWS, Look, render_view
from .spec import Port, Result, node
from .versions import versions

# Okabe & Ito's colours, which colour-blind people tell apart.
COLOUR_NAMES = ("blue", "orange", "green", "purple", "yellow", "red")
COLOURS: dict[str, Colour] = dict(zip(COLOUR_NAMES, PALETTE, strict=True))
FITS = ("contain", "cover", "stretch")


@node(
    id="HemlinePreviewCompare",
    name="Preview & Compare",
    category="Hemline/6 Look & Save",
    is_output=True,
    aliases=(
        "image comparer", "compare images", "before after", "a/b", "difference", "mask overlay", "mask preview",
        "checkerboard", "histogram", "psnr",
    ),
    inputs=(
        Port("image", "IMAGE", "The picture, A."),
        Port("image_b", "IMAGE", "A second picture, B, such as the result; scaled to A's size.", optional=True),
        Port("mask", "MASK", "The mask to look at; one of another size is scaled, and that is said.", optional=True),
        Port(
            "garments", "GARMENTS",
            "From Detect Garments: names, scores and outlines, and the mask where none is connected.", optional=True,
        ),
        Port(
            "view", "COMBO",
            "overlay: the mask as a tint. matte: the mask alone, white = repaint. checkerboard: what it cuts out. The "
            "others show A against B.",
            default=OVERLAY, options=VIEWS,
        ),
        Port(
            "position", "FLOAT", "A/B: where the slider is. A lies left of it, B right of it.",
            default=0.5, minimum=0.0, maximum=1.0, step=0.01,
        ),
        Port("opacity", "FLOAT", "overlay: of the tint.", default=0.5, minimum=0.0, maximum=1.0, step=0.05),
        Port(
            "colour", "COMBO", "overlay: of the tint. Colour-blind people can tell these colours apart.",
            default="blue", options=COLOUR_NAMES,
        ),
        Port(
            "gain", "FLOAT", "difference: how many times it is amplified.",
            default=4.0, minimum=1.0, maximum=64.0, step=0.5,
        ),
        Port("labels", "BOOLEAN", "Draw names, scores, outlines and captions into the picture, too.", default=True),
        Port(
            "fit", "COMBO",
            "A picture B of another shape: all of it within A's frame, or filling the frame (cut off), or stretched.",
            default="contain", options=FITS,
        ),
    ),
    outputs=(
        Port("image", "IMAGE", "What the view shows, at A's own size."),
        Port("report", "STRING", "The numbers as JSON: mask, colours, histograms, and what differs between A and B."),
    ),
)  # fmt: skip
def preview_compare(
    image: Tensor, image_b: Tensor | None = None, mask: Tensor | None = None, garments: Garments | None = None,
    view: str = OVERLAY, position: float = 0.5, opacity: float = 0.5, colour: str = "blue", gain: float = 4.0,
    labels: bool = True, fit: str = "contain", *, context: Context,
) -> Result:  # fmt: skip
    """Shows a picture with its mask and what was found, or two pictures against each other: overlay, matte,
    checkerboard, slider, side by side, difference; with histograms, numbers, and the mask's polarity in words.
    """
    # What only runs later is imported later: the pack has to start in 0.3 s.
    from .compare_proxies import make_outlines, make_proxies, reduce_image
    from .compare_report import describe_scene, measure_scene

    check_name("View", view, VIEWS)
    look = Look(view, position, opacity, COLOURS[check_name("Colour", colour, COLOURS)], gain, labels)
    scene = arrange_scene(image, image_b, mask, garments, fit=check_name("Fit", fit, FITS))
    shown = torch.cat([_render(scene, look, index, context) for index in range(scene.batch)])
    numbers = measure_scene(scene, context)
    report = json.dumps({"view": view, **numbers, "notes": scene.notes, "versions": versions()})
    lines = (*scene.notes, *_missing(scene, view), *describe_scene(scene, numbers))
    if not context.has_viewer:
        return Result((shown, report), images=shown, text=lines)
    data = {"report": report, "outlines": json.dumps(make_outlines(scene))}
    return Result((shown, report), reduce_image(shown), lines, data, make_proxies(scene))


def _render(scene: Scene, look: Look, index: int, context: Context) -> Tensor:
    context.check_cancelled()
    return render_view(scene.picture(index), look, context.lettering)


def _missing(scene: Scene, view: str) -> tuple[str, ...]:
    if view in NEED_B and scene.second is None:
        return (f"no second picture is connected: {view} shows A",)
    if view in NEED_MASK and scene.mask is None:
        return ("no mask is connected: the picture itself is shown",)
    return ()

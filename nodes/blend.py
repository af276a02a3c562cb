"""Stage 4: layers blended onto a picture."""

from __future__ import annotations

from torch import Tensor

from ..blending.composite import FITS, SPACES, blend_images
from ..blending.modes import BLEND_MODES
from .spec import Port, node


@node(
    id="HemlineBlendLayers",
    name="Blend Layers",
    category="Hemline/4 Blend",
    weight="heavy",
    aliases=("blend modes", "composite", "multiply", "overlay", "soft light"),
    inputs=(
        Port("base", "IMAGE", "The picture below."),
        Port("layer", "IMAGE", "The picture above."),
        Port("mask", "MASK", "Where the layer is seen; everywhere if nothing is connected.", optional=True),
        Port(
            "mode", "COMBO", "Blend mode, as W3C Compositing Level 1 defines it.",
            default="normal", options=tuple(BLEND_MODES),
        ),
        Port("opacity", "FLOAT", "How strongly the layer is seen.", default=1.0, minimum=0.0, maximum=1.0, step=0.01),
        Port("space", "COMBO", "sRGB blends as image editors do; linear blends light.", default="sRGB", options=SPACES),
        Port(
            "fit", "COMBO", "What to do with a layer of another size: stop, or stretch it to the base.",
            default="error", options=FITS,
        ),
    ),
    outputs=(Port("image", "IMAGE", "The blended picture; bit for bit the base where the mask is 0."),),
)  # fmt: skip
def blend_layers(
    base: Tensor, layer: Tensor, mask: Tensor | None = None, mode: str = "normal", opacity: float = 1.0,
    space: str = "sRGB", fit: str = "error",
) -> Tensor:  # fmt: skip
    """Blends one picture onto another through a mask, with the 16 blend modes of the W3C standard."""
    return blend_images(base, layer, mask, mode=mode, opacity=opacity, space=space, fit=fit)

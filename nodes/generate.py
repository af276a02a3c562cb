"""Stage 1 without a model: masks drawn, or taken from a picture's colours."""

from __future__ import annotations

from torch import Tensor

from ..segmentation.coverage import FEATHER_LIMIT_PX
from ..segmentation.generators import GENERATORS, SIZE_LIMIT_PX, generate_mask
from ..settings import choose_settings, describe_settings
from .spec import Port, Result, node


@node(
    id="HemlineGenerateMask",
    name="Generate Mask",
    category="Hemline/1 Detect",
    weight="heavy",
    aliases=("colour range", "mask from color", "magic wand", "luminosity", "threshold mask", "gradient", "polygon"),
    inputs=(
        Port("image", "IMAGE", "The picture that the mask is made of, or whose size it gets.", optional=True),
        Port(
            "width", "INT", "Width of the mask in pixels where no image is connected.",
            default=1024, minimum=1, maximum=SIZE_LIMIT_PX, step=1,
        ),
        Port(
            "height", "INT", "Height of the mask in pixels where no image is connected.",
            default=1024, minimum=1, maximum=SIZE_LIMIT_PX, step=1,
        ),
        Port(
            "generator", "COMBO",
            "How the mask is made; colour range, luminance and edges need an image. Plugins may add more.",
            default="ellipse", options=GENERATORS.names,
        ),
        Port(
            "area", "STRING",
            "Shapes, radial and angular gradient: the box they fill, 'x0 y0 x1 y1' in pixels, or as shares of width "
            "and height from 0 to 1. Empty: the whole frame.",
            default="",
        ),
        Port(
            "points", "STRING",
            "'x y x y ...', pixels or shares. Polygon: its corners. Linear gradient: start and end. Colour range: only "
            "what hangs together with one of the points.",
            default="",
        ),
        Port(
            "colour", "STRING",
            "Colour range: like '#ff8800', several with spaces between. Empty: the colours at the points.",
            default="#ffffff",
        ),
        Port(
            "tolerance", "FLOAT",
            "Colour range: how far a colour may be off and still be fully selected; from black to white it is 1.",
            default=0.1, minimum=0.0, maximum=1.0, step=0.005,
        ),
        Port(
            "low", "FLOAT", "Luminance: the darkest lightness that is fully selected, from 0 to 1.",
            default=0.5, minimum=0.0, maximum=1.0, step=0.01,
        ),
        Port(
            "high", "FLOAT", "Luminance: the lightest that is fully selected; 1 has no end.",
            default=1.0, minimum=0.0, maximum=1.0, step=0.01,
        ),
        Port(
            "softness", "FLOAT", "Colour range, luminance: how far beyond that the mask falls to 0; 0 is a hard edge.",
            default=0.05, minimum=0.0, maximum=1.0, step=0.005,
        ),
        Port(
            "feather", "FLOAT", "Shapes, stripes, checker: width in pixels of the soft edge, as in Grow & Feather.",
            default=0.0, minimum=0.0, maximum=float(FEATHER_LIMIT_PX), step=0.5,
        ),
        Port(
            "angle", "FLOAT", "Shapes, gradients, stripes, checker: turn in degrees, clockwise.",
            default=0.0, minimum=-360.0, maximum=360.0, step=1.0,
        ),
        Port(
            "settings", "STRING",
            "More settings of the generator, 'name = value' per line; the node shows those it has after a run.",
            default="", multiline=True,
        ),
    ),
    outputs=(Port("mask", "MASK", "The generated soft mask."),),
)  # fmt: skip
def generate_mask_node(
    image: Tensor | None = None, width: int = 1024, height: int = 1024, generator: str = "ellipse", area: str = "",
    points: str = "", colour: str = "#ffffff", tolerance: float = 0.1, low: float = 0.5, high: float = 1.0,
    softness: float = 0.05, feather: float = 0.0, angle: float = 0.0, settings: str = "",
) -> Result:  # fmt: skip
    """Makes a mask without a model: out of a picture's colours, lightness or edges, or drawn as a shape, a gradient or
    a pattern; plugins add generators.
    """
    widgets = {
        "area": area, "points": points, "colour": colour, "tolerance": tolerance, "low": low, "high": high,
        "softness": softness, "feather": feather, "angle": angle,
    }  # fmt: skip
    values = choose_settings(GENERATORS.get(generator).settings, settings, widgets, owner=f"{generator!r}")
    mask = generate_mask(generator, image, height=height, width=width, settings=values)
    left_out = (failure.line() for failure in GENERATORS.failures())
    return Result((mask,), text=(f"{generator}: {describe_settings(values)}", *left_out))

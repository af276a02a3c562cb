"""Stage 4: layers blended onto a picture, pictures filtered."""

from __future__ import annotations

from torch import Tensor

from ..blending.composite import ALPHAS, SPACES, blend_images
from ..blending.filters import AMOUNT_LIMIT, FILTERS, RADIUS_LIMIT_PX, apply_filter
from ..blending.modes import MODE_REGISTRY
from ..blending.operators import OPERATORS
from ..blending.placement import FITS, place_layer
from ..context import Context
from ..settings import choose_settings, describe_settings
from ..tensors import as_image, match_mask
from .proxies import goes_beyond, proxy_size, shrink_image, shrink_mask
from .spec import Port, Result, node

OFFSET_LIMIT_PX = 16384
# A layer that is larger than this beside its base's proxy is not handed to the live preview.
LAYER_PROXY_PX = 2048


@node(
    id="HemlineBlendLayers",
    name="Blend Layers",
    category="Hemline/4 Blend",
    version="1.2.0",
    weight="heavy",
    has_preview=True,
    aliases=("blend modes", "composite", "multiply", "overlay", "soft light", "porter duff", "dissolve"),
    inputs=(
        Port("base", "IMAGE", "The picture below; its size is the result's."),
        Port("layer", "IMAGE", "The picture above, which is blended onto the base."),
        Port("mask", "MASK", "Where the layer is seen; everywhere if nothing is connected.", optional=True),
        Port(
            "mode", "COMBO",
            "How colours mix: normal, multiply, screen ... The 16 modes of the W3C standard first, then those of "
            "Photoshop, GIMP and Krita.",
            default="normal", options=MODE_REGISTRY.names,
        ),
        Port(
            "opacity", "FLOAT", "How strongly the layer is seen: 0 not at all, 1 fully.",
            default=1.0, minimum=0.0, maximum=1.0, step=0.01,
        ),
        Port(
            "space", "COMBO",
            "sRGB blends as image editors do; linear blends light; OKLab mixes as the eye does; auto: the mode's own.",
            default="sRGB", options=SPACES,
        ),
        Port(
            "fit", "COMBO",
            "A layer of another size. error: stop; stretch: to the base's size; cover: scale it over the whole base; "
            "contain: to lie inside it; none: leave it at the corner.",
            default="error", options=FITS,
        ),
        Port(
            "operator", "COMBO",
            "How transparency combines (Porter-Duff). source-over lays the layer on top; others make holes, then the "
            "result has an alpha.",
            default="source-over", options=tuple(OPERATORS),
        ),
        Port(
            "alpha", "COMBO",
            "How pictures with transparency keep their colours, in and out; straight is what ComfyUI uses.",
            default="straight", options=ALPHAS,
        ),
        Port(
            "offset_x", "INT", "Moves the layer to the right, in pixels.",
            default=0, minimum=-OFFSET_LIMIT_PX, maximum=OFFSET_LIMIT_PX, step=1,
        ),
        Port(
            "offset_y", "INT", "Moves the layer down, in pixels.",
            default=0, minimum=-OFFSET_LIMIT_PX, maximum=OFFSET_LIMIT_PX, step=1,
        ),
        Port(
            "dissolve_seed", "INT", "For the mode dissolve: another number shows other pixels.",
            default=0, minimum=0, maximum=0xFFFFFFFF, step=1,
        ),
    ),
    outputs=(Port("image", "IMAGE", "The blended picture; bit for bit the base where the mask is 0."),),
)  # fmt: skip
def blend_layers(
    base: Tensor, layer: Tensor, mask: Tensor | None = None, mode: str = "normal", opacity: float = 1.0,
    space: str = "sRGB", fit: str = "error", operator: str = "source-over", alpha: str = "straight",
    offset_x: int = 0, offset_y: int = 0, dissolve_seed: int = 0, *, context: Context | None = None,
) -> Result:  # fmt: skip
    """Blends one picture onto another through a mask, with the 16 modes of the W3C standard, Photoshop's, more of
    GIMP and Krita, and the Porter-Duff operators.
    """
    blended = blend_images(
        base, layer, mask, mode=mode, opacity=opacity, space=space, fit=fit, operator=operator, alpha=alpha,
        offset=(offset_x, offset_y), seed=dissolve_seed,
    )  # fmt: skip
    if context is None or not context.has_viewer:
        return Result((blended,))
    data, pictures = _for_preview(as_image(base), as_image(layer), mask, blended, fit, alpha)
    return Result((blended,), data=data, pictures=pictures)


def _for_preview(
    base: Tensor, layer: Tensor, mask: Tensor | None, blended: Tensor, fit: str, alpha: str
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """What web/live asks for: proxies of the first picture before and after, the layer as `fit` lays it on the base."""
    height, width = base.shape[1:3]
    rows, columns = proxy_size(height, width)
    premultiplied = alpha == "premultiplied"
    placed = place_layer(layer[:1], height, width, fit=fit, offset=(0, 0), premultiplied=premultiplied)
    lies = [max(1, round(side * rows / height)) for side in placed.layer.shape[1:3]]
    pictures = {
        "base": shrink_image(base, rows, columns, premultiplied=premultiplied),
        "result": shrink_image(blended, rows, columns, premultiplied=premultiplied),
    }
    if max(lies) <= LAYER_PROXY_PX:
        pictures["layer"] = shrink_image(placed.layer, *lies, premultiplied=premultiplied)
    if mask is not None:
        pictures["mask"] = shrink_mask(match_mask(mask, base), rows, columns)
    data = {
        "width": str(width), "height": str(height), "count": str(len(blended)), "x": str(placed.x), "y": str(placed.y),
        "alpha": alpha, "fit": "" if layer.shape[1:3] == base.shape[1:3] else fit,
        "beyond": "yes" if goes_beyond(base, layer) else "",
    }  # fmt: skip
    return data, pictures


@node(
    id="HemlineApplyFilter",
    name="Apply Filter",
    category="Hemline/4 Blend",
    weight="heavy",
    aliases=("gaussian blur", "sharpen", "unsharp mask", "high pass", "frequency separation", "film grain", "noise"),
    inputs=(
        Port("image", "IMAGE", "The picture to change."),
        Port("mask", "MASK", "Where it changes; everywhere if nothing is connected.", optional=True),
        Port(
            "filter", "COMBO",
            "Blur, sharpen (unsharp mask), keep the fine detail only (high pass), add grain, or match the grain "
            "inside the mask to the rest. Plugins may add more.",
            default="gaussian blur", options=FILTERS.names,
        ),
        Port(
            "radius", "FLOAT", "Gaussian blur, unsharp mask, high pass: sigma of the blur in pixels.",
            default=8.0, minimum=0.0, maximum=float(RADIUS_LIMIT_PX), step=0.1,
        ),
        Port(
            "amount", "FLOAT", "Unsharp mask, high pass, grain: how strong; 1 is the usual strength.",
            default=1.0, minimum=0.0, maximum=AMOUNT_LIMIT, step=0.05,
        ),
        Port(
            "settings", "STRING",
            "More settings of the filter, 'name = value' per line; the node shows those it has after a run.",
            default="", multiline=True,
        ),
    ),
    outputs=(Port("image", "IMAGE", "The filtered picture; bit for bit the picture where the mask is 0."),),
)  # fmt: skip
def apply_filter_node(
    image: Tensor, mask: Tensor | None = None, filter: str = "gaussian blur", radius: float = 8.0, amount: float = 1.0,
    settings: str = "",
) -> Result:  # fmt: skip
    """Blurs, sharpens, splits off the fine detail, or adds or matches grain, within a mask or everywhere; plugins add
    filters.
    """
    widgets = {"radius": radius, "amount": amount}
    values = choose_settings(FILTERS.get(filter).settings, settings, widgets, owner=f"{filter!r}")
    filtered = apply_filter(image, filter, mask, settings=values)
    left_out = (failure.line() for failure in FILTERS.failures())
    return Result((filtered,), text=(f"{filter}: {describe_settings(values)}", *left_out))

"""Stage 2: masks cleaned, and their edges laid on the picture's."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from ..context import Context, ModelCache
from ..segmentation.garment_model import GarmentModel
from ..segmentation.garments import Garments
from ..segmentation.levels import MOST_NORMALISATION, SMOOTH_LIMIT_PX, normalise_mask, smooth_mask, stretch_levels
from ..segmentation.refine import clean_mask, refine_edges
from ..segmentation.shape import GROW_LIMIT_PX
from ..tensors import MissingModel, as_image, as_mask, check_name, match_mask
from .spec import NotGiven, Port, Result, node

NO_TRIMAP = NotGiven("Refine Mask makes a trimap with method = matte only.")
NO_IMAGE = "no image connected: the edges stay as they are"
GUIDED, CLEAN, SAM, MATTE = METHODS = ("guided", "clean", "sam", "matte")


@node(
    id="HemlineRefineMask",
    name="Refine Mask",
    category="Hemline/2 Refine",
    weight="heavy",
    version="1.1.0",
    aliases=("clean mask", "smooth mask", "fill holes", "remove islands", "guided filter", "matting", "trimap", "hair"),
    inputs=(
        Port("mask", "MASK", "The mask to clean and to lay on the picture's edges."),
        Port("image", "IMAGE", "The photo; without it the edges stay as they are.", optional=True),
        Port(
            "islands_percent", "FLOAT", "Islands smaller than so many percent of the picture are removed; 0 keeps all.",
            default=0.05, minimum=0.0, maximum=100.0, step=0.01,
        ),
        Port(
            "holes_percent", "FLOAT", "Holes smaller than so many percent of the picture are filled; 0 fills none.",
            default=0.05, minimum=0.0, maximum=100.0, step=0.01,
        ),
        Port(
            "edge_px", "INT",
            "guided: how many pixels from the mask's edge the picture's edge is looked for; 0 leaves the edge alone.",
            default=8, minimum=0, maximum=256, step=1,
        ),
        Port(
            "edge_contrast", "FLOAT",
            "guided: edges of the picture fainter than this (0 to 1) are ignored; lower it for black on black.",
            default=0.01, minimum=0.0001, maximum=1.0, step=0.0001,
        ),
        Port(
            "smooth_px", "FLOAT",
            "Rounds off corners, dents and threads narrower than so many pixels; the edge becomes crisp. 0: off.",
            default=0.0, minimum=0.0, maximum=float(SMOOTH_LIMIT_PX), step=0.5,
        ),
        Port(
            "low", "FLOAT", "Values up to this become 0; 0.1 takes haze away.",
            default=0.0, minimum=0.0, maximum=1.0, step=0.01,
        ),
        Port(
            "high", "FLOAT", "Values from this on become 1; 0.9 fills what is nearly full.",
            default=1.0, minimum=0.0, maximum=1.0, step=0.01,
        ),
        Port(
            "normalise", "FLOAT",
            "0: off. 1: stretches the values over the whole range from 0 to 1. 2 to 5: also hardens and widens the "
            "mask.",
            default=0.0, minimum=0.0, maximum=MOST_NORMALISATION, step=0.1,
        ),
        Port(
            "method", "COMBO",
            "guided: the edge moves to the picture's edge within edge_px. clean: the edge stays. sam: a SAM draws the "
            "garment anew. matte: the share of each pixel that is garment, for hair, fur, fringe and lace.",
            default=GUIDED, options=METHODS,
        ),
        Port(
            "inside_px", "FLOAT",
            "matte: how far into the mask the edge is found anew; 0 tells it from how soft the mask is.",
            default=0.0, minimum=0.0, maximum=float(GROW_LIMIT_PX), step=0.5,
        ),
        Port(
            "outside_px", "FLOAT",
            "matte: how far out of the mask hair and fringe may reach; 0 tells it from how soft the mask is.",
            default=0.0, minimum=0.0, maximum=float(GROW_LIMIT_PX), step=0.5,
        ),
        Port(
            "trimap", "MASK",
            "matte: white is surely garment, black surely not, grey is found out; replaces inside_px and outside_px.",
            optional=True,
        ),
        Port("model", "GARMENT_MODEL", "sam: from Load Garment Model with a SAM file chosen.", optional=True),
        Port("garments", "GARMENTS", "sam: from Detect Garments; its body parts are kept out.", optional=True),
    ),
    outputs=(
        Port("mask", "MASK", "The refined soft mask."),
        Port("trimap", "MASK", "matte: 1 surely garment, 0 surely not, 0.5 what was found out."),
    ),
)  # fmt: skip
def refine_mask(
    mask: Tensor, image: Tensor | None = None, islands_percent: float = 0.05, holes_percent: float = 0.05,
    edge_px: int = 8, edge_contrast: float = 0.01, smooth_px: float = 0.0, low: float = 0.0, high: float = 1.0,
    normalise: float = 0.0, method: str = GUIDED, inside_px: float = 0.0, outside_px: float = 0.0,
    trimap: Tensor | None = None, model: GarmentModel | None = None, garments: Garments | None = None, *,
    context: Context | None = None,
) -> Result:  # fmt: skip
    """Removes small islands, fills small holes, and lays the mask's edge on the picture's edge: by the guided filter,
    by a SAM, or as a matte that follows hair and fringe. Where asked for it then smooths the contour and stretches the
    values.
    """
    # What only runs later is imported later: the pack has to start in 0.3 s.
    from ..segmentation.matting.matte import matte_mask
    from ..segmentation.matting.trimap import make_trimap

    check_name("Method", method, METHODS)
    mask = as_mask(mask) if image is None else match_mask(mask, as_image(image))
    pixel_percent = mask.shape[1] * mask.shape[2] / 100
    mask = clean_mask(mask, islands_px=islands_percent * pixel_percent, holes_px=holes_percent * pixel_percent)
    text: tuple[str, ...] = ()
    known = None
    if method == MATTE:
        known = make_trimap(mask, inside_px=inside_px, outside_px=outside_px) if trimap is None else as_mask(trimap)
    if method == SAM:
        mask, text = _refine_with_sam(mask, image, model, garments, context)
    elif image is None:
        text = (NO_IMAGE,) if method == MATTE or (method == GUIDED and edge_px) else ()
    elif known is not None:
        matte = matte_mask if context is None else partial(
            matte_mask, check_cancelled=context.check_cancelled, progress=context.progress
        )  # fmt: skip
        mask = matte(image, mask, known, drawn=trimap is not None)
    elif method == GUIDED:
        # The filter's epsilon is a variance; a step of height c between two flat halves has the variance c²/4.
        mask = refine_edges(image, mask, radius_px=edge_px, epsilon=edge_contrast**2 / 4)
    mask = stretch_levels(smooth_mask(mask, smooth_px), low, high)
    return Result((normalise_mask(mask, normalise), NO_TRIMAP if known is None else known), text=text)


def _refine_with_sam(
    mask: Tensor, image: Tensor | None, model: GarmentModel | None, garments: Garments | None, context: Context | None
) -> tuple[Tensor, tuple[str, ...]]:
    """The mask with the edges that the model's SAM draws, and what the user should know of it."""
    if model is None or model.sam is None:
        got = "no model is connected" if model is None else "the connected model has no SAM"
        raise MissingModel(f"Refine Mask: method is sam, but {got}. Connect Load Garment Model with a SAM file chosen.")
    if image is None:
        return mask, (NO_IMAGE,)
    from ..segmentation.model_files import open_sam, sam_identity
    from ..segmentation.sam import refine_masks

    models = ModelCache() if context is None else context.models
    dtype = model.dtype_on(image.device)
    sam = open_sam(model.sam, models, image.device, dtype)
    if context is None:
        return refine_masks(image, mask, sam, garments=garments)
    return refine_masks(
        image, mask, sam, garments=garments, embeddings=context.embeddings,
        identity=sam_identity(model.sam, image.device, dtype), check_cancelled=context.check_cancelled,
        progress=context.progress,
    )  # fmt: skip

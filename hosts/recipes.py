"""The workflows behind `hemline mask` and `hemline demo`: plain API-format JSON, which ComfyUI runs as well."""

from __future__ import annotations

from dataclasses import dataclass

from ..nodes.models import NONE, SHIPPED
from ..segmentation.detect import FALLBACKS, METHODS
from ..segmentation.garment_model import parse_meanings
from ..segmentation.shape import GROW_LIMIT_PX
from ..segmentation.vocabulary import parse_what
from ..tensors import check_name, check_range
from .workflow_values import Workflow


@dataclass(frozen=True)
class MaskSettings:
    """What the user can turn; each is the widget of that name on its node."""

    what: str = "outfit"
    method: str = "auto"
    person_boxes: str = ""
    grow: float = 0.0
    feather: float = 0.0
    flip: bool = True
    fallback: str = "error"
    labels: bool = False
    model: str = ""
    sam: str = ""
    class_map: str = ""
    classes: str = "*"
    confidence: float = 0.25

    @property
    def model_files(self) -> tuple[str, ...]:
        """The files that the user has named."""
        return tuple(filter(None, (self.model, self.sam)))


def check_settings(settings: MaskSettings) -> None:
    """Raises `UnknownName` or `RangeError` for a setting that no photo could be masked with."""
    parse_what(settings.what)
    check_name("Method", settings.method, METHODS)
    check_name("Fallback", settings.fallback, FALLBACKS)
    parse_meanings(settings.class_map)
    check_range("confidence", settings.confidence, 0, 1)
    check_range("grow", settings.grow, -GROW_LIMIT_PX, GROW_LIMIT_PX)
    check_range("feather", settings.feather, 0, GROW_LIMIT_PX)


def mask_workflow(photo: str, name: str, settings: MaskSettings) -> Workflow:
    """Photo -> detect -> refine -> grow & feather -> files named `name`, which do not tell where the photo lay."""
    return {
        "1": _node("LoadImage", image=photo),
        "2": _node(
            "HemlineDetectGarments", image=["1", 0], labels=settings.what, method=settings.method,
            person_boxes=settings.person_boxes, flip=settings.flip, fallback=settings.fallback,
            classes=settings.classes, confidence=settings.confidence, **_link(settings),
        ),
        "3": _node("HemlineRefineMask", mask=["2", 1], image=["1", 0], **_edges(settings)),
        "4": _node("HemlineGrowFeatherMask", mask=["3", 0], grow=settings.grow, feather=settings.feather),
        "5": _node(
            "HemlineSaveGarmentSet", image=["1", 0], mask=["4", 0], garments=["2", 0], name=name, overwrite=True,
            labels=settings.labels, metadata=False,
        ),
        **_model(settings),
    }  # fmt: skip


def demo_workflow(photo: str, colour: str, settings: MaskSettings) -> Workflow:
    """The whole chain: the mask, its crop, a new colour on the crop in place of a diffusion model, and the way back.

    colour: a picture of one colour, which is laid over the crop by the blend mode "color".
    """
    workflow = mask_workflow(photo, "demo", settings)
    return {
        **workflow,
        "6": _node("HemlineInpaintCrop", image=["1", 0], mask=["4", 0], target="SDXL"),
        "7": _node("LoadImage", image=colour),
        "8": _node("HemlineBlendLayers", base=["6", 0], layer=["7", 0], mode="color", fit="stretch"),
        "9": _node("HemlineInpaintStitch", stitch=["6", 3], image=["8", 0]),
        "10": _node("HemlinePreviewMask", image=["1", 0], mask=["4", 0], garments=["2", 0]),
        "11": _node("SaveImage", images=["9", 0], filename_prefix="demo_stitched"),
    }


def _model(settings: MaskSettings) -> Workflow:
    """The node that loads the user's own models, where there are any."""
    if not settings.model_files:
        return {}
    files = {"detector": settings.model or SHIPPED, "sam": settings.sam or NONE}
    return {"model": _node("HemlineLoadGarmentModel", **files, class_map=settings.class_map)}


def _link(settings: MaskSettings) -> dict[str, object]:
    return {"model": ["model", 0]} if settings.model_files else {}


def _edges(settings: MaskSettings) -> dict[str, object]:
    """The parser's masks lie on the picture's edges already; a second filter would only make them hazy."""
    return {} if settings.method == "heuristic" else {"edge_px": 0}


def _node(class_type: str, **inputs: object) -> dict[str, object]:
    return {"class_type": class_type, "inputs": inputs}

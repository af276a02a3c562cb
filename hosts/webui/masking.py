"""The mask that the panel asks for: the same nodes, in the same order, as a workflow would connect them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ...blending.stitch import CropBox, Stitch
from ...context import Context
from ...nodes import (
    agnostic_mask,
    combine_masks_node,
    detect_garments,
    grow_feather_mask,
    inpaint_stitch,
    load_garment_model,
    preview_mask,
    protect_parts,
    refine_mask,
    select_garments_node,
)
from ...nodes.models import NONE, SHIPPED
from ...nodes.spec import Node, Result
from ...segmentation.agnostic.cuts import is_replaced
from ...segmentation.garments import Garments
from ...segmentation.select import ALL
from ...tensors import NOTHING, as_image, match_batch, match_mask
from ..transfer import run_node
from .mask_settings import ADD, AS_FOUND, HEURISTIC, INTERSECT, SUBTRACT, MaskSettings

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class GarmentMask:
    """What is to be repainted.

    mask: soft ``[B,H,W]``, float32 on the CPU. garments: what it was made of. badges: for each picture a line for the
    user: what was found, how, how large the mask is. notes: what else the user should know.
    """

    mask: Tensor
    garments: Garments
    badges: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def empty(self) -> tuple[bool, ...]:
        """Of each picture whether there is nothing to repaint."""
        return tuple(not bool((plane > NOTHING).any()) for plane in self.mask)


def garment_mask(
    image: Tensor, settings: MaskSettings, drawn: Tensor | None = None, *, context: Context
) -> GarmentMask:
    """The mask of the settings for each picture ``[B,H,W,3|4]``; zero where nothing is found, which the badge says.

    drawn: a mask ``[1|B,H,W]`` made by hand, used as `settings.drawn` says. Order: detect, choose, area of a new
    garment or refined edges, drawn mask added or intersected, grow and feather, protected parts taken out, drawn mask
    subtracted; so what is protected or subtracted stays out however far the mask was grown. Raises as the nodes do.
    """
    image = as_image(image)
    garments, mask, notes = _detect(image, settings, context)
    mask, more = _shaped(image, garments, mask, settings, context)
    if drawn is not None:
        drawn, mask = match_batch((match_mask(drawn, image, "the drawn mask").float(), mask), ("drawn mask", "image"))
        mask = _combined(mask, drawn, settings.drawn, (ADD, INTERSECT), context)
    grown = {"grow": settings.grow, "feather": settings.feather, "unit": settings.unit}
    mask = _run(grow_feather_mask, {"mask": mask, **grown}, context).outputs[0]
    if settings.protected:
        kept = {"parts": settings.protected, "margin": settings.margin}
        left = _run(protect_parts, {"mask": mask, "garments": garments, "target": settings.asked, **kept}, context)
        mask, more = left.outputs[0], (*more, *left.text)
    if drawn is not None:
        mask = _combined(mask, drawn, settings.drawn, (SUBTRACT,), context)
    badges = tuple(_badge(plane, garments.of_image(index)) for index, plane in enumerate(mask))
    return GarmentMask(mask, garments, badges, tuple(dict.fromkeys((*notes, *more))))


def sampling_mask(mask: Tensor, settings: MaskSettings) -> Tensor:
    """The mask that the host samples by.

    Where the composite is ours, it is hard and as wide as the soft one: hosts keep what is below one half, and of a
    soft edge only the inner half would then have something new to mix in.
    """
    return (mask > NOTHING).float() if settings.composite else mask


def draw_preview(image: Tensor, found: GarmentMask, *, context: Context) -> Tensor:
    """The pictures ``[B,H,W,3]`` with mask, names, scores and badge drawn on."""
    values = {"image": as_image(image), "mask": found.mask, "garments": found.garments}
    return _run(preview_mask, values, context).outputs[0]


def composite(
    image: Tensor, mask: Tensor, generated: Tensor, box: CropBox, settings: MaskSettings, *, context: Context
) -> tuple[Tensor, tuple[str, ...]]:
    """The picture ``[1,H,W,3]`` with what was generated in its place, and what was found of its tone.

    mask: soft ``[1,H,W]``; where it is 0 the picture stays bit for bit. generated: ``[1,h,w,3]``, the repainted part in
    `box` (x0 y0 x1 y1 in px, end exclusive), of any size with the box's aspect.
    """
    stitch = Stitch(image, mask, (box,), (0,), generated.shape[2], generated.shape[1])
    values = {
        "stitch": [stitch], "image": [generated], "seam": [settings.seam], "match_colours": [settings.match_colours],
    }  # fmt: skip
    result = _run(inpaint_stitch, values, context)
    return result.outputs[0][0], result.text


def _detect(image: Tensor, settings: MaskSettings, context: Context) -> tuple[Garments, Tensor, tuple[str, ...]]:
    """Garments, their mask, and the method's reservations."""
    values: dict[str, Any] = {
        "image": image, "labels": settings.asked, "classes": settings.classes, "confidence": settings.confidence,
        "method": HEURISTIC if settings.detector == HEURISTIC else "auto",
    }  # fmt: skip
    if settings.detector != HEURISTIC and (settings.detector, settings.sam) != (SHIPPED, NONE):
        chosen = {"detector": settings.detector, "sam": settings.sam, "class_map": settings.class_map}
        values["model"] = _run(load_garment_model, chosen, context).outputs[0]
    found = _run(detect_garments, values, context)
    garments, mask = found.outputs[:2]
    worn = tuple(item for item in garments.items if is_replaced(item.native_label))
    if len(worn) < len(garments.items):  # see `is_replaced`: underwear is no target
        garments = replace(garments, items=worn)
        mask = garments.union()
    if settings.person != ALL and len(garments):
        some = {"garments": garments, "person": settings.person, "number": settings.number}
        garments, mask = _run(select_garments_node, some, context).outputs[:2]
    return garments, mask, garments.notes


def _shaped(
    image: Tensor, garments: Garments, mask: Tensor, settings: MaskSettings, context: Context
) -> tuple[Tensor, tuple[str, ...]]:
    """The area of a new garment, or the garment with clean edges."""
    if settings.target_cut != AS_FOUND:
        new = {"target_cut": settings.target_cut, "silhouette": settings.silhouette, "shadow": settings.shadow}
        kept = {} if settings.protected else {"protect": ""}
        area = _run(agnostic_mask, {"garments": garments, "looseness": settings.looseness, **new, **kept}, context)
        return area.outputs[0], area.text
    method = "clean" if settings.edges == AS_FOUND else settings.edges
    refined = _run(refine_mask, {"mask": mask, "image": image, "method": method}, context)
    return refined.outputs[0], refined.text


def _combined(mask: Tensor, drawn: Tensor, way: str, ways: Sequence[str], context: Context) -> Tensor:
    if way not in ways:
        return mask
    operation = {ADD: "union", INTERSECT: "intersect", SUBTRACT: "subtract"}[way]
    return _run(combine_masks_node, {"mask_a": mask, "mask_b": drawn, "operation": operation}, context).outputs[0]


def _badge(mask: Tensor, garments: Garments) -> str:
    share = float((mask >= 0.5).float().mean())
    area = f"mask {share:.1%} of the picture" if bool((mask > NOTHING).any()) else "the mask is empty"
    return f"{garments.describe()}; {area}"


def _run(node: Node, values: Mapping[str, Any], context: Context) -> Result:
    context.check_cancelled()
    return run_node(node, dict(values), context, home=_CPU)

"""Person, garment and mask in the exact form that an inpainting or try-on target takes, and the way back."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ..kernels import support_box
from ..tensors import NOTHING, ShapeError, as_image, as_mask, check_name, check_range, match_batch, match_mask
from .crop import HARD_LEVEL
from .crop_sizes import Size, box_of_aspect, wanted_size
from .stitch import CropBox, Stitch
from .tryon_contract import describe_contract
from .tryon_frame import choose_size, cut_masks, cut_pictures, place_box
from .tryon_targets import TryOnTarget, tryon_target

TARGETS_OWN = "target's own"
TRYON_FITS = (TARGETS_OWN, "context", "crop", "pad")
MASK_SHAPES = (TARGETS_OWN, "as given", "box")
WHITE, BLACK = 1.0, 0.0
# A garment that is cut out by its mask keeps this share of its longer side free around it, as product photos do.
GARMENT_MARGIN = 1 / 24


@dataclass(frozen=True)
class TryOnInputs:
    """What a target is handed, all of one batch and, but for the garment of some targets, of one size.

    person: ``[B,h,w,3]``, the diptych where the target takes one. garment: ``[B,h,w,3]`` or None; garment_mask:
    ``[B,h,w]`` in the garment's frame or None. mask: ``[B,h,w]``, 1 = repaint; mask_image: ``[B,h,w,3]``, white =
    repaint. agnostic: ``[B,h,w,3|4]``, the person without what is repainted: grey or a hole in the alpha, or as it is.
    pose: ``[B,h,w,3]`` or None. stitch: for Inpaint Stitch. contract: what all of this is, as plain JSON values.
    """

    person: Tensor
    garment: Tensor | None
    garment_mask: Tensor | None
    mask: Tensor
    mask_image: Tensor
    agnostic: Tensor
    pose: Tensor | None
    stitch: Stitch
    contract: dict[str, Any]


def prepare_tryon(
    person: Tensor, garment: Tensor | None, mask: Tensor, *, target: str, fit: str = TARGETS_OWN,
    mask_shape: str = TARGETS_OWN, context: float = 1.2, width: int = 0, height: int = 0,
    garment_mask: Tensor | None = None, pose: Tensor | None = None, protected: Tensor | None = None,
) -> TryOnInputs:  # fmt: skip
    """The pieces that `target` wants, each in its size, padding, polarity and values, and the record of the way back.

    person: ``[B,H,W,C]``, its alpha is left out; mask: ``[B,H,W]``, 1 = repaint; garment: ``[B,H',W',C]``, its alpha or
    `garment_mask` ``[B,H',W']`` cuts it out onto white; pose: of the person's size or of the target's; protected:
    ``[B,H,W]``, what is never repainted, such as head and hands. Batches 1 and N go together.

    fit: "context" (a crop around the mask, `context` times its size), "crop" (the largest part of the frame with the
    mask in it), "pad" (the whole frame with a border), or the target's own. Both axes get the same scale.
    mask_shape: "as given", "box" (its bounding box), or the target's own. width, height: one of the target's sizes, or,
    where it takes any, a multiple of what it asks for; 0: the usual one whose aspect is nearest.

    An empty mask gives the middle of the picture, under which nothing is repainted; the contract says so. Results have
    the person's dtype, masks the mask's. Raises `UnknownName`, `RangeError`, `ShapeError` with what the target wants.
    """
    record = tryon_target(target)
    check_name("Fit", fit, TRYON_FITS)
    check_name("Mask shape", mask_shape, MASK_SHAPES)
    check_range("context", context, 1, 10)
    person = as_image(person, "person")
    mask = _shape_mask(match_mask(mask, person), record.box if mask_shape == TARGETS_OWN else mask_shape == "box")
    if protected is not None:
        mask, protected = match_batch((mask, match_mask(protected, person, "protected")), ("mask", "protected"))
        mask = mask * (1 - protected.clamp(0, 1)).to(mask.dtype)
    person, mask, garment, garment_mask, pose = _one_batch(record, person, mask, garment, garment_mask, pose)
    way = record.fit if fit == TARGETS_OWN else fit
    stitch = _frame_person(record, person, mask, way, context, width, height)
    size = (stitch.width, stitch.height)
    picture = cut_pictures(person[..., :3], stitch.boxes, size, beyond=record.padding)
    soft = cut_masks(mask, stitch.boxes, size)
    if record.binary:
        soft = (soft >= HARD_LEVEL).float()
    cloth, cloth_mask = _lay_garment(garment, garment_mask, size) if garment is not None else (None, None)
    if record.diptych and cloth is not None:
        picture, soft = torch.cat([cloth, picture], 2), torch.cat([torch.zeros_like(soft), soft], 2)
        stitch = replace(stitch, margins=(size[0], 0, 0, 0))
    posed = _cut_pose(pose, person, stitch) if pose is not None else None
    empty = [index for index, plane in enumerate(soft) if not bool(plane.any())]
    return TryOnInputs(
        person=picture.to(person.dtype),
        garment=_in_dtype(cloth, person.dtype),
        garment_mask=_in_dtype(cloth_mask, mask.dtype),
        mask=soft.to(mask.dtype),
        mask_image=soft.unsqueeze(-1).repeat(1, 1, 1, 3).to(person.dtype),
        agnostic=_blank(record, picture, soft).to(person.dtype),
        pose=_in_dtype(posed, person.dtype),
        stitch=stitch,
        contract=describe_contract(record, stitch, way, empty=empty, garment=cloth is not None, pose=pose is not None),
    )


def _in_dtype(tensor: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    return None if tensor is None else tensor.to(dtype)


def _shape_mask(mask: Tensor, box: bool) -> Tensor:
    """The mask, or the bounding boxes of its pictures."""
    if not box:
        return mask
    boxed = torch.zeros_like(mask)
    for plane, source in zip(boxed, mask, strict=True):
        found = support_box(source >= HARD_LEVEL)
        if found:
            plane[found[1] : found[3], found[0] : found[2]] = 1
    return boxed


def _one_batch(
    record: TryOnTarget, person: Tensor, mask: Tensor, garment: Tensor | None, garment_mask: Tensor | None,
    pose: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]:  # fmt: skip
    """All of one batch; the garment is None where the target takes none."""
    if not record.garment:
        garment = None
    elif garment is None and record.diptych:
        raise ShapeError(f"{record.name} is one picture of garment and person; connect the garment's picture too.")
    pieces = {"person": person, "mask": mask}
    if garment is not None:
        pieces["garment"] = garment = as_image(garment, "garment")
        if garment_mask is not None:
            pieces["garment_mask"] = match_mask(garment_mask, garment, "garment_mask")
        elif garment.shape[-1] == 4:
            pieces["garment_mask"] = as_mask(garment[..., 3])
    if pose is not None:
        pieces["pose"] = as_image(pose, "pose")[..., :3]
    matched = dict(zip(pieces, match_batch(tuple(pieces.values()), tuple(pieces)), strict=True))
    return (
        matched["person"], matched["mask"], matched.get("garment"), matched.get("garment_mask"), matched.get("pose"),
    )  # fmt: skip


def _frame_person(
    record: TryOnTarget, person: Tensor, mask: Tensor, way: str, context: float, width: int, height: int
) -> Stitch:
    """Where each picture is cut and at which size it is handed out."""
    frame = (person.shape[2], person.shape[1])
    found = [support_box(plane > NOTHING) for plane in mask]
    needed = [(box[2] - box[0], box[3] - box[1]) if box else frame for box in found]
    wanted = [wanted_size(inner, context, 0, frame) if way == "context" else frame for inner in needed]
    largest = max(across for across, _ in wanted), max(down for _, down in wanted)
    size = choose_size(record, largest, width, height)
    boxes: list[CropBox] = []
    for box, inner, around in zip(found, needed, wanted, strict=True):
        room = None if way == "pad" else frame
        extent = box_of_aspect(inner if box else (1, 1), around, room, size) if size else largest
        boxes.append(place_box(box, extent, frame, on_mask=way == "context"))
    return Stitch(person, mask, tuple(boxes), tuple(range(len(person))), *(size or largest))


def _lay_garment(garment: Tensor, garment_mask: Tensor | None, size: Size) -> tuple[Tensor, Tensor | None]:
    """The garments on white at `size`, cut out where there is a mask, and the mask in the same frame."""
    frame = (garment.shape[2], garment.shape[1])
    picture = garment[..., :3].float()
    boxes: list[CropBox] = [(0, 0, *frame)] * len(picture)
    if garment_mask is not None:
        share = garment_mask.float().clamp(0, 1)
        picture = WHITE + share.unsqueeze(-1) * (picture - WHITE)
        found = [support_box(plane > NOTHING) for plane in share]
        boxes = [_with_margin(box) if box else (0, 0, *frame) for box in found]
    held = [_holding(box, size) for box in boxes]
    masks = cut_masks(garment_mask, held, size) if garment_mask is not None else None
    return cut_pictures(picture, held, size, beyond=WHITE), masks


def _with_margin(box: CropBox) -> CropBox:
    margin = math.ceil(max(box[2] - box[0], box[3] - box[1]) * GARMENT_MARGIN)
    return box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin


def _holding(box: CropBox, size: Size) -> CropBox:
    """The smallest box of `size`'s aspect around the box, with it in the middle."""
    inner = (box[2] - box[0], box[3] - box[1])
    x0, y0, x1, y1 = place_box(None, box_of_aspect(inner, inner, None, size), inner, on_mask=False)
    return x0 + box[0], y0 + box[1], x1 + box[0], y1 + box[1]


def _cut_pose(pose: Tensor, person: Tensor, stitch: Stitch) -> Tensor:
    """The pose picture in the person's new frame; one that is in it already stays as it is."""
    if pose.shape[1:3] == person.shape[1:3]:
        return cut_pictures(pose, stitch.boxes, (stitch.width, stitch.height), beyond=BLACK)
    if tuple(pose.shape[1:3]) == (stitch.height, stitch.width):
        return pose
    raise ShapeError(
        f"pose is {pose.shape[2]}x{pose.shape[1]}; give it the person's size {person.shape[2]}x{person.shape[1]} or "
        f"the target's {stitch.width}x{stitch.height}."
    )


def _blank(record: TryOnTarget, picture: Tensor, mask: Tensor) -> Tensor:
    """The person without what is repainted, as the target has it."""
    if record.transparent:
        return torch.cat([picture, 1 - mask.unsqueeze(-1)], -1)
    if record.grey is None:
        return picture
    return picture.masked_fill((mask >= HARD_LEVEL).unsqueeze(-1), record.grey)

"""Plain masks made anew by a SAM, region by region, where it agrees with what the mask says."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor

from ...context import TensorCache
from ...kernels import label_regions, nearest_pixels
from ...tensors import ShapeError, as_image, check_range, match_batch, match_mask
from ..garments import Box, Garments, mask_box
from .answer import answer
from .embedding import Encoder, picture_hash
from .frame import plan_frames
from .garments import LEAST_IOU, REENCODE_PX, Steps, follows, paste, to_picture
from .model import Sam
from .prompts import Surroundings, Target

# From here on a pixel belongs to a region.
LEVEL = 0.5
# Regions of less than this share of the picture are left as they are, and so are those beyond the largest few.
SMALLEST_SHARE, MOST_REGIONS = 1e-4, 16


@torch.no_grad()
def refine_masks(
    image: Tensor, mask: Tensor, sam: Sam, *, garments: Garments | None = None, embeddings: TensorCache | None = None,
    identity: Hashable = None, least_iou: float = LEAST_IOU, reencode_px: int = REENCODE_PX, each_region: bool = True,
    check_cancelled: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Tensor, tuple[str, ...]]:  # fmt: skip
    """The mask ``[B,H,W]``, in its dtype, with SAM's soft edges, and sentences that say where SAM was not followed.

    image: ``[B,H,W,3|4]``, 0..1; mask: of its size; batches 1 and N go together. Each connected region is asked for by
    its box, points inside it and its rough mask, all of a picture at once; each_region False: the mask as one. A region
    whose IoU with SAM's answer is below `least_iou` stays as it is, and so do specks. garments: of the same pictures;
    their body parts, and those garments that the mask leaves out, are no part of what is asked for. The rest is as in
    `refine_garments`, but progress counts pictures. Raises `ShapeError` for shapes that do not fit, `RangeError` for an
    IoU outside 0..1.
    """
    image = as_image(image)
    mask, image = match_batch((match_mask(mask, image), image), ("mask", "image"))
    check_range("least_iou", least_iou, 0, 1)
    _check_garments(garments, mask)
    encoder, size = Encoder(sam, embeddings, identity), (mask.shape[1], mask.shape[2])
    boxes = [mask_box(plane, level=LEVEL) for plane in mask]
    steps = Steps(sum(box is not None for box in boxes), progress)
    refined, notes = mask.clone(), list[str]()
    for number, box in enumerate(boxes):
        where = "" if len(mask) == 1 else f" of picture {number + 1}"
        if box is None:
            notes.append(f"The mask{where} is empty; there is nothing to refine.")
            continue
        check_cancelled()
        picture = to_picture(image[number], sam)
        regions, left = _regions(mask[number].to(sam.device, torch.float32), box, each_region)
        targets = _targets(regions, garments, number, size, sam)
        frames, chosen = plan_frames(
            [box for _, box in regions], size, sam.side, cell_px=sam.plan.cell_px, reencode_px=reencode_px
        )
        answers = answer(
            encoder, picture, picture_hash(image[number]), frames, chosen, targets, check_cancelled=check_cancelled,
            looked=lambda: None,
        )  # fmt: skip
        whole = left
        for count, ((own, _), reply) in enumerate(zip(regions, answers, strict=True), start=1):
            kept = follows(reply, least_iou)
            whole = torch.maximum(whole, paste(reply, size) if kept else own)
            if not kept:
                which = f"Region {count} of the mask{where}" if len(regions) > 1 else f"The mask{where}"
                notes.append(f"{which} stays as it is: SAM's has an IoU of {reply.agreement:.2f} with it.")
        refined[number] = whole.to(refined)
        steps.step()
    return refined, tuple(notes)


def _check_garments(garments: Garments | None, mask: Tensor) -> None:
    if garments is not None and (garments.height, garments.width) != tuple(mask.shape[1:]):
        raise ShapeError(
            f"the garments were found in a picture of {garments.width}x{garments.height}, the mask is "
            f"{mask.shape[2]}x{mask.shape[1]}; give the garments of this picture, or none."
        )


def _regions(mask: Tensor, box: Box, each: bool) -> tuple[list[tuple[Tensor, Box]], Tensor]:
    """The regions of a mask ``[H,W]`` with their boxes, the largest first, and what of it belongs to none of them."""
    if not each:
        return [(mask, box)], torch.zeros_like(mask)
    numbers = label_regions(mask >= LEVEL).long()
    areas = numbers.flatten().bincount()[1:]
    order = [int(number) + 1 for number in areas.argsort(descending=True, stable=True)[:MOST_REGIONS]]
    order = [number for number in order if areas[number - 1] >= SMALLEST_SHARE * mask.numel()]
    soft = (mask > 0) & (mask < LEVEL)
    if bool(soft.any()):  # soft pixels go to the nearest region
        nearest = nearest_pixels((numbers > 0).unsqueeze(0), soft.unsqueeze(0))[0]
        numbers = numbers.masked_scatter(soft, numbers.flatten()[nearest])
    regions: list[tuple[Tensor, Box]] = []
    left = mask
    for number in order:
        own = mask * (numbers == number)
        regions.append((own, mask_box(own, level=LEVEL) or box))
        left = left * (numbers != number)
    return regions, left


def _targets(
    regions: Sequence[tuple[Tensor, Box]], garments: Garments | None, image: int, size: tuple[int, int], sam: Sam
) -> list[Target]:
    """What to ask about each region; the other regions belong to the same mask and are nothing to keep away from."""
    index = min(image, garments.batch - 1) if garments else 0
    around = Surroundings(size, garments.parts if garments else {}, index, sam.device)
    items = garments.of_image(index).items if garments else ()
    others = [around.reduce(item.mask.to(sam.device, torch.float32)) for item in items]
    return [around.target(mask, box, around.reduce(mask), others) for mask, box in regions]

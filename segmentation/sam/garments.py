"""Garments that some method has found, with the masks that a SAM gives them where it agrees."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ...context import TensorCache
from ...tensors import NOTHING, ShapeError, as_image, check_range
from ..garments import Box, Garment, Garments, mask_box, name_pictures
from ..soft_edges import take_winners_
from .answer import Answer, answer
from .embedding import Encoder, picture_hash
from .frame import Frame, plan_frames
from .model import Sam
from .prompts import Surroundings, Target

# Boxes with a longer side are looked at again, in px.
REENCODE_PX = 1024
LEAST_IOU = 0.5
# How much a garment may claim where its detector saw nothing of it, beside one that was seen there.
UNSEEN = 0.05


@torch.no_grad()
def refine_garments(
    image: Tensor, garments: Garments, sam: Sam, *, embeddings: TensorCache | None = None, identity: Hashable = None,
    least_iou: float = LEAST_IOU, reencode_px: int = REENCODE_PX,
    check_cancelled: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Garments, tuple[dict[str, object], ...]]:  # fmt: skip
    """The garments with SAM's soft masks, and a report entry (plain JSON values) for each of them, in their order.

    image: ``[B,H,W,3|4]``, 0..1, what the garments were found in; alpha is ignored. Each picture is encoded once and
    all its garments are decoded together. A garment whose IoU with SAM's mask is below `least_iou` keeps its mask; its
    entry and a note say so. Where masks of two garments overlap, the one that its detector saw there wins, softly.
    embeddings: keeps what the encoder saw for the next time; identity: of the weights, part of its key. reencode_px:
    garments with a longer side are encoded again in a crop, where that shows more of them. Masks keep dtype and device.
    progress is called with (encoded parts done, all), check_cancelled around each encoder run.

    Raises `ShapeError` where the picture is not the garments', `RangeError` for an IoU outside 0..1.
    """
    image = _check(image, garments)
    check_range("least_iou", least_iou, 0, 1)
    encoder = Encoder(sam, embeddings, identity)
    size = (garments.height, garments.width)
    found = [[index for index, item in enumerate(garments.items) if item.image == number]
             for number in range(garments.batch)]  # fmt: skip
    plans = [_plan([garments.items[index] for index in here], size, sam, reencode_px) for here in found]
    steps = Steps(sum(len(frames) for frames, _ in plans), progress)
    items, entries, notes = list(garments.items), dict[int, dict[str, object]](), list[str]()
    for number, (here, (frames, chosen)) in enumerate(zip(found, plans, strict=True)):
        if not here:
            continue
        check_cancelled()
        picture = to_picture(image[number], sam)
        old = [items[index] for index in here]
        targets = _targets(garments, old, number, sam)
        answers = answer(
            encoder, picture, picture_hash(image[number]), frames, chosen, targets,
            check_cancelled=check_cancelled, looked=steps.step,
        )  # fmt: skip
        kept = [follows(reply, least_iou) for reply in answers]
        masks = [paste(reply, size) if keep else target.mask
                 for reply, keep, target in zip(answers, kept, targets, strict=True)]  # fmt: skip
        masks = divide(masks, [target.mask for target in targets], kept)
        kept = [keep and mask_box(mask) is not None for keep, mask in zip(kept, masks, strict=True)]
        for index, mask, keep, reply in zip(here, masks, kept, answers, strict=True):
            items[index] = _renew(items[index], mask) if keep else items[index]
            entries[index] = _entry(items[index], reply, keep, least_iou)
            notes += [] if keep else [_note(items[index], reply, least_iou, garments.batch)]
    refined = replace(garments, items=tuple(items), method=f"{garments.method} + SAM", notes=(*garments.notes, *notes))
    return refined, tuple(entries[index] for index in sorted(entries))


class Steps:
    """Counts encoded parts for the progress."""

    def __init__(self, total: int, progress: Callable[[int, int], None]) -> None:
        self.done, self.total, self.progress = 0, total, progress

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        self.progress(self.done, self.total)


def _check(image: Tensor, garments: Garments) -> Tensor:
    image = as_image(image)
    if tuple(image.shape[1:3]) != (garments.height, garments.width):
        raise ShapeError(
            f"image is {image.shape[2]}x{image.shape[1]}, the garments were found in a picture of {garments.width}x"
            f"{garments.height}; give the picture they were found in."
        )
    if image.shape[0] not in (1, garments.batch):
        raise ShapeError(f"image is a batch of {image.shape[0]}, the garments are of {garments.batch} pictures.")
    return image.expand(garments.batch, *image.shape[1:])


def to_picture(image: Tensor, sam: Sam) -> Tensor:
    """One picture ``[H,W,C]`` as ``[3,H,W]``, 0..1, float32, where the SAM computes."""
    return image[..., :3].to(sam.device, torch.float32).nan_to_num(0.0).clamp(0, 1).permute(2, 0, 1)


def _plan(items: Sequence[Garment], size: tuple[int, int], sam: Sam, reencode_px: int) -> tuple[list[Frame], list[int]]:
    boxes: list[Box] = [item.box for item in items]
    if not boxes:
        return [], []
    return plan_frames(boxes, size, sam.side, cell_px=sam.plan.cell_px, reencode_px=reencode_px)


def _targets(garments: Garments, items: Sequence[Garment], image: int, sam: Sam) -> list[Target]:
    around = Surroundings((garments.height, garments.width), garments.parts, image, sam.device)
    masks = [item.mask.to(sam.device, torch.float32) for item in items]
    reduced = [around.reduce(mask) for mask in masks]
    return [
        around.target(mask, item.box, own, [other for other in reduced if other is not own])
        for mask, item, own in zip(masks, items, reduced, strict=True)
    ]


def follows(reply: Answer, least_iou: float) -> bool:
    """Whether SAM is to be followed: it agrees with the mask, and shows any pixel, without which there is no box."""
    return reply.agreement >= least_iou and mask_box(reply.mask) is not None


def paste(reply: Answer, size: tuple[int, int]) -> Tensor:
    """The answer's mask in a picture of `size` (H, W)."""
    x0, y0, x1, y1 = reply.window
    whole = reply.mask.new_zeros(size)
    whole[y0:y1, x0:x1] = reply.mask
    return whole


def divide(masks: Sequence[Tensor], seen: Sequence[Tensor], free: Sequence[bool]) -> list[Tensor]:
    """The masks ``[H,W]`` with each pixel softly given to the strongest of those that overlap there.

    seen: what the detector saw of each, which decides between garments, as SAM does between garment and background;
    free: which of them may change. Where two meet in soft edges the stronger is as strong as both, so that the greatest
    of them all has no gap there; where a mask is alone it stays as it is.
    """
    if len(masks) < 2 or not any(free):
        return list(masks)
    total, count = torch.zeros_like(masks[0]), torch.zeros_like(masks[0], dtype=torch.int32)
    strongest = torch.full_like(masks[0], NOTHING * UNSEEN)
    for mask, sight in zip(masks, seen, strict=True):
        total += mask
        count += mask > NOTHING
        torch.maximum(strongest, mask * (sight + UNSEEN), out=strongest)
    total.clamp_(max=1)
    shared = count > 1
    divided: list[Tensor] = []
    for mask, sight, change in zip(masks, seen, free, strict=True):
        share = take_winners_(mask * (sight + UNSEEN) / strongest)
        divided.append(torch.where(shared, share.mul_(total), mask) if change else mask)
    return divided


def _renew(item: Garment, mask: Tensor) -> Garment:
    return replace(item, mask=mask.to(item.mask), box=mask_box(mask) or item.box)


def _entry(item: Garment, reply: Answer, kept: bool, least_iou: float) -> dict[str, object]:
    agreed = f"IoU {reply.agreement:.2f} is not below {least_iou:g}"
    return {
        "image": item.image,
        "person": item.person,
        "label": item.label,
        "box": [round(value, 1) for value in item.box],
        "score": round(reply.score, 4),
        "iou": round(reply.agreement, 4),
        "kept": kept,
        "reason": agreed if kept else _why(reply, least_iou),
        "encoder_runs": reply.runs,
        "seconds": round(reply.seconds, 4),
    }


def _why(reply: Answer, least_iou: float) -> str:
    if reply.agreement < least_iou:
        return f"IoU {reply.agreement:.2f} is below {least_iou:g}; the detector's mask stays"
    return "SAM leaves nothing of it; the detector's mask stays"


def _note(item: Garment, reply: Answer, least_iou: float, batch: int) -> str:
    where = name_pictures((item.image,), batch)
    return f"SAM was not followed for the {item.label}{where}: {_why(reply, least_iou)}."

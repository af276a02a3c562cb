"""What Preview & Compare looks at: pictures, mask and garments, brought to one size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..blending.placement import place_layer
from ..segmentation.garments import Garment, Garments
from ..tensors import ShapeError, as_image, as_mask, is_host_empty_mask, match_batch, match_mask, resize_mask


@dataclass(frozen=True)
class Scene:
    """Pictures of one size; each batch is 1 or `batch`.

    first, second: A and B ``[B,H,W,3|4]``, B with alpha 0 where it does not reach A's frame. mask: ``[B,H,W]``.
    size_b: B's own width and height. reach: x0 y0 x1 y1 of where B lies on A's frame, if that is not all of it.
    notes: what was done to make them fit, in sentences.
    """

    first: Tensor
    second: Tensor | None = None
    mask: Tensor | None = None
    garments: Garments | None = None
    size_b: tuple[int, int] = (0, 0)
    reach: tuple[int, int, int, int] | None = None
    notes: tuple[str, ...] = ()

    @property
    def batch(self) -> int:
        """How many pictures there are to see."""
        batches = [len(tensor) for tensor in (self.first, self.second, self.mask) if tensor is not None]
        return max(*batches, 1 if self.garments is None else self.garments.batch)

    @property
    def reached(self) -> Tensor | None:
        """Where B lies on A's frame, bool ``[H,W]``; None where it does everywhere."""
        if self.reach is None:
            return None
        left, top, right, bottom = self.reach
        plane = torch.zeros(self.first.shape[1:3], dtype=torch.bool, device=self.first.device)
        plane[top:bottom, left:right] = True
        return plane

    def items(self, index: int) -> tuple[Garment, ...]:
        """The garments of one picture; those of a single picture count for all."""
        if self.garments is None:
            return ()
        wanted = index if self.garments.batch > 1 else 0
        return tuple(item for item in self.garments.items if item.image == wanted)

    def picture(self, index: int) -> Scene:
        """One picture with all that belongs to it, as a batch of 1."""
        items = tuple(replace(item, image=0) for item in self.items(index))
        return replace(
            self,
            first=_one(self.first, index),
            second=None if self.second is None else _one(self.second, index),
            mask=None if self.mask is None else _one(self.mask, index),
            garments=None if self.garments is None else replace(self.garments, items=items, batch=1, labels=None),
        )


def arrange_scene(
    image: Tensor, image_b: Tensor | None, mask: Tensor | None, garments: Garments | None, *, fit: str
) -> Scene:
    """The inputs as a `Scene`. Without a mask that of the garments counts, or else A's alpha.

    fit: "contain", "cover" or "stretch", for a B of another size. Raises `ShapeError` for batches that do not go
    together and for garments of another picture.
    """
    first, notes = as_image(image), list[str]()
    second = None if image_b is None else as_image(image_b, "image_b")
    size_b = (0, 0) if second is None else (second.shape[2], second.shape[1])
    reach = None
    if second is not None and second.shape[1:3] != first.shape[1:3]:
        second, reach = _fit_second(second.to(first.device), first, fit, notes)
    mask = _choose_mask(mask, garments, first, notes)
    scene = Scene(first, second, mask, garments, size_b, reach, tuple(notes))
    _check(scene)
    return scene


def _one(tensor: Tensor, index: int) -> Tensor:
    at = index if len(tensor) > 1 else 0
    return tensor[at : at + 1]


def _fit_second(
    second: Tensor, first: Tensor, fit: str, notes: list[str]
) -> tuple[Tensor, tuple[int, int, int, int] | None]:
    """B at A's size, and where it lies there if that is not everywhere."""
    (height, width), (rows, columns) = first.shape[1:3], second.shape[1:3]
    scale = min(height / rows, width / columns)
    if height - rows * scale < 1 and width - columns * scale < 1:  # the same shape but for rounding
        fit, how = "stretch", ""
    else:
        how = {"contain": ", with bars", "cover": ", cut off", "stretch": ", stretched"}[fit]
    notes.append(f"B is {columns}x{rows}, scaled to A's {width}x{height}{how}")
    placed = place_layer(second, height, width, fit=fit, offset=(0, 0), premultiplied=False)
    part = placed.window(height, width)
    reach = part.columns.start, part.rows.start, part.columns.stop, part.rows.stop
    return placed.filling(height, width).layer, None if reach == (0, 0, width, height) else reach


def _choose_mask(mask: Tensor | None, garments: Garments | None, first: Tensor, notes: list[str]) -> Tensor | None:
    height, width = first.shape[1:3]
    if mask is None and garments is not None:
        notes.append("no mask is connected: that of all garments is shown")
        return garments.union(device=first.device)
    if mask is None and first.shape[-1] == 4:
        notes.append("no mask is connected: A's alpha is shown")
        return first[..., 3]
    if mask is None:
        return None
    mask = as_mask(mask).to(first.device)
    if tuple(mask.shape[1:]) == (height, width) or is_host_empty_mask(mask):
        return match_mask(mask, first)
    notes.append(f"the mask is {mask.shape[2]}x{mask.shape[1]}, scaled to the picture's {width}x{height}")
    return resize_mask(mask, height, width)


def _check(scene: Scene) -> None:
    height, width = scene.first.shape[1:3]
    garments = scene.garments
    if garments is not None and (garments.height, garments.width) != (height, width):
        raise ShapeError(
            f"garments were found in a {garments.width}x{garments.height} picture, this one is {width}x{height}; "
            "connect the picture that went into Detect Garments."
        )
    named = {"image": scene.first, "image_b": scene.second, "mask": scene.mask}
    named["garments"] = None if garments is None else torch.empty(garments.batch)
    there = {name: tensor for name, tensor in named.items() if tensor is not None}
    match_batch(tuple(there.values()), tuple(there))

"""Garments: what was found in a batch of pictures, one soft mask per instance, and how it was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..kernels import support_box
from ..tensors import ShapeError
from .part_masks import PartMasks
from .polygons import garment_outlines

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Garment:
    """One garment of one person in one picture.

    mask: soft, ``[H,W]``, the whole picture's size. label: canonical. score: 0..1, the method's confidence.
    box: x0 y0 x1 y1 in pixels, end exclusive. image: index in the batch. person: index within the picture.
    native_label: the word of the model that found it, if it has words of its own.
    """

    mask: Tensor
    label: str
    score: float
    box: Box
    image: int = 0
    person: int = 0
    native_label: str = ""


@dataclass(frozen=True)
class Garments:
    """Everything found in a batch of `batch` pictures of `width` x `height` pixels; possibly nothing.

    parts: name ("hair", "skin", "face", ...) -> soft mask ``[B,H,W]``, made when asked for where that is cheaper.
    method: what found it. notes: sentences for the user, such as what the method could not tell apart. labels: what
    lies at each pixel, uint8 ``[B,H,W]``, index into `vocabulary.LEGEND`, whether or not it is among the items; None
    where the method does not say.
    """

    width: int
    height: int
    batch: int
    items: tuple[Garment, ...]
    method: str
    parts: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])
    notes: tuple[str, ...] = ()
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.items)

    def __post_init__(self) -> None:
        for item in self.items:
            if tuple(item.mask.shape) != (self.height, self.width):
                raise ShapeError(
                    f"the mask of {item.label!r} is {list(item.mask.shape)}, the picture {[self.height, self.width]}."
                )

    def select(self, labels: Iterable[str]) -> Garments:
        """Only the garments whose canonical label is among `labels`; parts, method and notes stay."""
        wanted = set(labels)
        return replace(self, items=tuple(item for item in self.items if item.label in wanted))

    def of_image(self, index: int) -> Garments:
        """Only the garments found in one picture of the batch."""
        return replace(self, items=tuple(item for item in self.items if item.image == index))

    def union(self, *, device: torch.device | None = None) -> Tensor:
        """One soft mask ``[B,H,W]``, float32: the maximum over the garments of each picture, 0 where there are none."""
        target = device or (self.items[0].mask.device if self.items else torch.device("cpu"))
        union = torch.zeros((self.batch, self.height, self.width), device=target)
        for item in self.items:
            union[item.image] = torch.maximum(union[item.image], item.mask.to(target, torch.float32))
        return union

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> Garments:
        """The same garments with every mask on `device` in `dtype`."""
        items = tuple(replace(item, mask=item.mask.to(device, dtype)) for item in self.items)
        parts = self.parts
        if isinstance(parts, PartMasks):
            parts = parts.to(device, dtype)
        else:
            parts = {name: mask.to(device, dtype) for name, mask in parts.items()}
        labels = self.labels.to(device) if self.labels is not None else None
        return replace(self, items=items, parts=parts, labels=labels)

    def describe(self) -> str:
        """A sentence a person can read: what was found, or that nothing was, and by which method."""
        if not self.items:
            return f"nothing found (method: {self.method})"
        words = [f"{item.label} {item.score:.2f}" for item in self.items]
        return f"{', '.join(words)} (method: {self.method})"

    def report(self) -> dict[str, object]:
        """The findings as plain JSON values: sizes, method, notes, and the garments' `entries`."""
        return {
            "width": self.width,
            "height": self.height,
            "batch": self.batch,
            "method": self.method,
            "notes": list(self.notes),
            "count": len(self.items),
            "garments": self.entries(),
        }

    def entries(self) -> list[dict[str, object]]:
        """Label, score, box and `garment_outlines` of each garment as plain JSON values.

        Outlines with a negative `polygon_area` are holes; filled by the even-odd rule all of them are the mask.
        """
        return [
            {
                "image": item.image,
                "person": item.person,
                "label": item.label,
                "native_label": item.native_label,
                "score": round(item.score, 4),
                "box": [round(value, 2) for value in item.box],
                "polygons": garment_outlines(item.mask),
            }
            for item in self.items
        ]


def mask_box(mask: Tensor, *, level: float = 0.5) -> Box | None:
    """The tight box x0 y0 x1 y1, in px, end exclusive, of a mask ``[H,W]`` from `level` on; None where it is empty."""
    box = support_box(mask >= level)
    return None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))


def name_pictures(pictures: Sequence[int], batch: int) -> str:
    """Which pictures of a batch a sentence is about, such as " in picture 1, 3"; empty for a batch of one."""
    return "" if batch == 1 else f" in picture {', '.join(str(index + 1) for index in pictures)}"

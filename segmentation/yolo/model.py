"""A YOLO that is ready to look at pictures, wherever its network comes from."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from .letterbox import Letterbox, fit_letterbox, letterbox_pictures
from .predictions import Found, choose, read_predictions
from .suppression import box_areas

# So many frames go through the network at once; more would cost memory and save nothing.
MOST_AT_ONCE = 8


def split_batch(pictures: Tensor, most: int) -> Iterator[Tensor]:
    """The pictures ``[B,...]`` in parts of at most so many."""
    for start in range(0, len(pictures), most):
        yield pictures[start : start + most]


class Network(Protocol):
    """Raw predictions and prototypes for frames; see `YoloNetwork`, and `OnnxNetwork`."""

    def __call__(self, pictures: Tensor) -> tuple[Tensor, Tensor | None]:
        """``[B,3,h,w]``, 0..1 -> predictions ``[B,..]`` and prototypes ``[B,masks,h/4,w/4]`` or None."""
        ...

    def to(self, device: torch.device, dtype: torch.dtype) -> object:
        """Moves the network."""
        ...


@dataclass(frozen=True)
class Sighting:
    """What was seen in one picture. found: in px of the frame; prototypes: ``[M,h,w]`` over the frame, or None."""

    found: Found
    box: Letterbox
    prototypes: Tensor | None

    @property
    def boxes(self) -> Tensor:
        """The boxes ``[N,4]`` in px of the picture."""
        return self.box.to_picture(self.found.boxes)


@dataclass(frozen=True)
class Yolo:
    """A YOLO.

    names: of its classes, in the file's own words. task: "detect" (boxes) or "segment" (boxes and masks). family,
    scale: such as "yolo11" and "n". long_side: the size of its training, px. stride: sides of what it is shown are
    multiples of this. frame: height and width, where it takes no others. most_at_once: pictures that go through it
    together. end_to_end: its head gives final boxes. device, dtype: where and in what it computes. notes: sentences for
    the user. metadata: what the file says of itself.
    """

    network: Network
    names: tuple[str, ...]
    task: str
    family: str = ""
    scale: str = ""
    long_side: int = 640
    stride: int = 32
    frame: tuple[int, int] | None = None
    most_at_once: int = MOST_AT_ONCE
    end_to_end: bool = False
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: torch.dtype = torch.float32
    notes: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    # The head keeps its grid of the last picture's size, so that two threads must not look at once.
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> Yolo:
        """The same with its network moved to a device, and computing in `dtype`."""
        self.network.to(device, dtype or self.dtype)
        return replace(self, device=device, dtype=dtype or self.dtype)

    @torch.no_grad()
    def look(
        self, pictures: Tensor, groups: Sequence[int] | None = None, *, confidence: float = 0.25, iou: float = 0.7,
        most: int = 300,
    ) -> list[Sighting]:  # fmt: skip
        """What is in each of the pictures ``[B,3,H,W]``, 0..1; on the network's device.

        groups: see `choose`; None: each class competes with itself alone.
        """
        height, width = pictures.shape[-2:]
        box = fit_letterbox(height, width, self.long_side, self.stride, frame=self.frame)
        groups = range(len(self.names)) if groups is None else groups
        sightings: list[Sighting] = []
        for part in split_batch(pictures, self.most_at_once):
            frames = letterbox_pictures(part.float(), box).to(self.device, self.dtype)
            with self.lock:
                raw, prototypes = self.network(frames)
            masks = prototypes.shape[1] if prototypes is not None else 0
            for number, found in enumerate(self._read(raw, masks)):
                best = choose(found, groups, confidence=confidence, iou=iou, most=most)
                own = prototypes[number].float() if prototypes is not None else None
                seen = box_areas(box.to_picture(best.boxes)) > 0  # some lie in the padding alone
                sightings.append(Sighting(best.pick(seen), box, own))
        return sightings

    def _read(self, raw: Tensor, masks: int) -> list[Found]:
        return read_predictions(raw, len(self.names), masks, end_to_end=self.end_to_end)

"""Pictures scaled and padded to what a YOLO takes, and the exact way back for boxes and masks.

A picture becomes as large as the training's on its long side, and the short side is padded on both ends to whole
strides. Sides are rounded to whole pixels, each by itself, so that the two axes have scales of their own; the way back
uses those, where the usual formulas use one, or forget the padding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

# What ultralytics pads with, in training and after it.
GREY = 114 / 255
# The larger part of an odd padding lies right and below: half a pixel less this is rounded down.
LEAN = 0.1


@dataclass(frozen=True)
class Letterbox:
    """How a picture of height x width lies in a frame of frame_height x frame_width.

    It was resized to inner_height x inner_width and put at left, top; all in px. Places are those of pixel edges: the
    first pixel of a picture reaches from 0 to 1.
    """

    height: int
    width: int
    inner_height: int
    inner_width: int
    left: int
    top: int
    frame_height: int
    frame_width: int

    @property
    def scale_x(self) -> float:
        """Pixels of the frame per pixel of the picture, across."""
        return self.inner_width / self.width

    @property
    def scale_y(self) -> float:
        """Pixels of the frame per pixel of the picture, down."""
        return self.inner_height / self.height

    def to_picture(self, boxes: Tensor) -> Tensor:
        """The boxes ``[N,4]`` x0 y0 x1 y1 of the frame, in px of the picture and within it."""
        shift = boxes.new_tensor((self.left, self.top) * 2)
        scale = boxes.new_tensor((self.scale_x, self.scale_y) * 2)
        most = boxes.new_tensor((self.width, self.height) * 2)
        return torch.minimum(((boxes - shift) / scale).clamp_min(0), most)

    def to_frame(self, boxes: Tensor) -> Tensor:
        """The boxes ``[N,4]`` of the picture in px of the frame."""
        shift = boxes.new_tensor((self.left, self.top) * 2)
        return boxes * boxes.new_tensor((self.scale_x, self.scale_y) * 2) + shift


def fit_letterbox(height: int, width: int, long_side: int, stride: int, *, frame: tuple[int, int] | None = None) -> (
    Letterbox
):  # fmt: skip
    """How a picture of height x width is laid out: its long side as `long_side`, padded to whole strides.

    frame: height and width that the network takes and no others; it is then filled as far as the aspect lets it.
    """
    rows, columns = frame or (long_side, long_side)
    scale = min(rows / height, columns / width)
    inner_height, inner_width = max(1, round(height * scale)), max(1, round(width * scale))
    if frame is None:
        rows, columns = (-(-side // stride) * stride for side in (inner_height, inner_width))
    top, left = (round((side - inner) / 2 - LEAN) for side, inner in ((rows, inner_height), (columns, inner_width)))
    return Letterbox(height, width, inner_height, inner_width, left, top, rows, columns)


def letterbox_pictures(pictures: Tensor, box: Letterbox) -> Tensor:
    """The pictures ``[B,3,H,W]``, 0..1, as the frames ``[B,3,frame_height,frame_width]`` that a YOLO takes.

    Bilinear without antialiasing and on the grid of 8 bits, as networks were shown pictures in training.
    """
    inner = (box.inner_height, box.inner_width)
    if tuple(pictures.shape[-2:]) != inner:
        pictures = functional.interpolate(pictures, inner, mode="bilinear", align_corners=False)
    frames = pictures.new_full((*pictures.shape[:2], box.frame_height, box.frame_width), GREY)
    rows, columns = slice(box.top, box.top + inner[0]), slice(box.left, box.left + inner[1])
    frames[..., rows, columns] = (pictures * 255).round_().div_(255)
    return frames


def read_planes(planes: Tensor, box: Letterbox, area: tuple[int, int, int, int]) -> Tensor:
    """Planes ``[N,h,w]`` that cover the frame, read at each pixel of an area x0 y0 x1 y1 of the picture, bilinear.

    The centre of a pixel is read where it lies; nothing is cropped or rounded before. Costs what the area costs.
    """
    x0, y0, x1, y1 = area
    rows, columns = planes.shape[-2:]
    down = _places(y0, y1, box.scale_y, box.top, rows / box.frame_height, planes.device)
    across = _places(x0, x1, box.scale_x, box.left, columns / box.frame_width, planes.device)
    return _read_axis(_read_axis(planes.transpose(-1, -2), down).transpose(-1, -2), across)


def _places(start: int, stop: int, scale: float, shift: int, coarse: float, device: torch.device) -> Tensor:
    """Where the pixels start..stop of one axis of the picture lie among those of the planes, by their centres."""
    centres = torch.arange(start, stop, device=device, dtype=torch.float32) + 0.5
    return (centres * scale + shift) * coarse - 0.5


def _read_axis(planes: Tensor, places: Tensor) -> Tensor:
    """The last axis of the planes at fractional places; beyond the ends the last value goes on."""
    places = places.clamp(0, planes.shape[-1] - 1)
    below = places.floor().long()
    above = (below + 1).clamp_max(planes.shape[-1] - 1)
    return torch.lerp(planes[..., below], planes[..., above], places - below)

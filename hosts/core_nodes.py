"""ComfyUI's own nodes that shared workflows use, so that such workflows run without ComfyUI.

Ids, inputs, defaults, ranges and outputs are ComfyUI's; the behaviour is rebuilt here and held by a test that compares
both. Where ComfyUI fails with a bare Python error these nodes raise a `HemlineError`. The nodes that read and write
files are in `core_files.py`.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from ..nodes.spec import Node, Port, node
from ..tensors import ShapeError, as_image, as_mask, check_name, check_range
from .core_files import load_image_mask, load_image_node, preview_image, save_image
from .pictures import from_bytes, to_bytes

LARGEST_SIDE = 16384
SCALE_METHODS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
CROPS = ("disabled", "center")
IMAGE_CHANNELS = ("red", "green", "blue", "alpha")

_IMAGE = Port("image", "IMAGE", tooltip="Picture to work on.")
_MASK = Port("mask", "MASK", tooltip="Mask to work on.")


def _side(name: str) -> Port:
    tooltip = f"New {name} in pixels; 0 keeps the proportions."
    return Port(name, "INT", tooltip=tooltip, default=512, minimum=0, maximum=LARGEST_SIDE, step=1)


def _offset(name: str) -> Port:
    tooltip = f"Where the source's corner lies on the destination's {name} axis, in pixels."
    return Port(name, "INT", tooltip=tooltip, default=0, minimum=0, maximum=LARGEST_SIDE, step=1)


@node(
    id="ImageScale",
    name="Upscale Image",
    category="image/upscaling",
    inputs=[
        _IMAGE,
        Port("upscale_method", "COMBO", tooltip="Filter.", default="nearest-exact", options=SCALE_METHODS),
        _side("width"),
        _side("height"),
        Port("crop", "COMBO", tooltip="Cut to the new proportions first.", default="disabled", options=CROPS),
    ],
    outputs=[Port("IMAGE", "IMAGE")],
)
def scale_image(
    image: Tensor, upscale_method: str = "nearest-exact", width: int = 512, height: int = 512, crop: str = "disabled"
) -> Tensor:
    """Resizes pictures; a side of 0 follows from the other one, and two zeros change nothing."""
    check_name("upscale_method", upscale_method, SCALE_METHODS)
    check_name("crop", crop, CROPS)
    check_range("width", width, 0, LARGEST_SIDE)
    check_range("height", height, 0, LARGEST_SIDE)
    image = as_image(image)
    if width == height == 0:
        return image
    width = width or max(1, round(image.shape[2] * height / image.shape[1]))
    height = height or max(1, round(image.shape[1] * width / image.shape[2]))
    if crop == "center":
        image = _crop_to_proportions(image, width / height)
    if upscale_method == "lanczos":
        return _scale_lanczos(image, width, height)
    planes = functional.interpolate(image.movedim(-1, 1), (height, width), mode=upscale_method)
    return planes.movedim(1, -1)


@node(
    id="MaskToImage",
    name="Convert Mask to Image",
    category="image/mask",
    inputs=[_MASK],
    outputs=[Port("IMAGE", "IMAGE")],
)
def mask_to_image(mask: Tensor) -> Tensor:
    """Shows a mask as a grey picture."""
    return as_mask(mask).unsqueeze(-1).expand(-1, -1, -1, 3)


@node(
    id="ImageToMask",
    name="Convert Image to Mask",
    category="image/mask",
    inputs=[_IMAGE, Port("channel", "COMBO", tooltip="What becomes the mask.", default="red", options=IMAGE_CHANNELS)],
    outputs=[Port("MASK", "MASK")],
)
def image_to_mask(image: Tensor, channel: str = "red") -> Tensor:
    """Takes one channel of a picture as a mask."""
    check_name("channel", channel, IMAGE_CHANNELS)
    image = as_image(image)
    index = IMAGE_CHANNELS.index(channel)
    if index >= image.shape[-1]:
        raise ShapeError("The image has no alpha channel; choose red, green or blue.")
    return image[..., index]


@node(
    id="InvertMask",
    name="Invert Mask",
    category="image/mask",
    inputs=[_MASK],
    outputs=[Port("MASK", "MASK")],
)
def invert_mask(mask: Tensor) -> Tensor:
    """Turns garment into background and background into garment."""
    return 1.0 - as_mask(mask)


@node(
    id="ImageCompositeMasked",
    name="Image Composite Masked",
    category="image/compositing",
    inputs=[
        Port("destination", "IMAGE", tooltip="Picture below; the result has its size and batch."),
        Port("source", "IMAGE", tooltip="Picture on top; repeated or cut to the destination's batch."),
        _offset("x"),
        _offset("y"),
        Port("resize_source", "BOOLEAN", tooltip="Stretch the source over the whole destination.", default=False),
        Port("mask", "MASK", tooltip="Where the source shows; stretched to its size.", optional=True),
    ],
    outputs=[Port("IMAGE", "IMAGE")],
)
def composite_masked(
    destination: Tensor,
    source: Tensor,
    x: int = 0,
    y: int = 0,
    resize_source: bool = False,
    mask: Tensor | None = None,
) -> Tensor:
    """Lays one picture over another at an offset, through a mask; what hangs over the edge is cut off."""
    check_range("x", x, 0, LARGEST_SIDE)
    check_range("y", y, 0, LARGEST_SIDE)
    below = as_image(destination, "destination")
    above = _match_channels(as_image(source, "source").to(below), below.shape[-1])
    if resize_source:
        above = _stretch(above, below.shape[1], below.shape[2])
    above = _repeat_to(above, len(below))
    cover = torch.ones_like(above[..., :1]) if mask is None else as_mask(mask).to(below).unsqueeze(-1)
    cover = _repeat_to(_stretch(cover, above.shape[1], above.shape[2]), len(below))
    result = below.clone()
    window = result[:, y : y + above.shape[1], x : x + above.shape[2]]
    shown = (slice(None), slice(window.shape[1]), slice(window.shape[2]))
    window.copy_(cover[shown] * above[shown] + (1 - cover[shown]) * window)
    return result


CORE_NODES: tuple[Node, ...] = (
    load_image_node,
    load_image_mask,
    save_image,
    preview_image,
    scale_image,
    mask_to_image,
    image_to_mask,
    invert_mask,
    composite_masked,
)


def _crop_to_proportions(image: Tensor, proportions: float) -> Tensor:
    """The middle of ``[B,H,W,C]`` with about this width / height, at least one pixel of each side."""
    height, width = image.shape[1:3]
    too_wide = width / height > proportions
    # The rounding is ComfyUI's: half of what is too much, then the same on both sides.
    ratio = proportions / (width / height)
    cut_x = min(round(width * (1 - ratio) / 2), (width - 1) // 2) if too_wide else 0
    cut_y = 0 if too_wide else min(round(height * (1 - 1 / ratio) / 2), (height - 1) // 2)
    return image[:, cut_y : height - cut_y, cut_x : width - cut_x]


def _scale_lanczos(image: Tensor, width: int, height: int) -> Tensor:
    """Pillow's Lanczos filter on 8-bit levels, because that is what ComfyUI's "lanczos" gives."""
    scaled = [
        np.array(from_bytes(to_bytes(picture, truncate=True)).resize((width, height), Image.Resampling.LANCZOS))
        for picture in image  # Pillow knows one picture at a time
    ]
    return (torch.as_tensor(np.stack(scaled)).float() / 255.0).to(image)


def _match_channels(image: Tensor, channels: int) -> Tensor:
    """The image with 3 or 4 channels: alpha is dropped, or added as opaque."""
    if image.shape[-1] < channels:
        return torch.cat([image, torch.ones_like(image[..., :1])], dim=-1)
    return image[..., :channels]


def _stretch(image: Tensor, height: int, width: int) -> Tensor:
    """``[B,H,W,C]`` at another size: bilinear, not antialiased, as in ComfyUI."""
    planes = functional.interpolate(image.movedim(-1, 1), (height, width), mode="bilinear")
    return planes.movedim(1, -1)


def _repeat_to(batch: Tensor, size: int) -> Tensor:
    """The first `size` of the batch, which is repeated from its start as often as that takes."""
    return batch[torch.arange(size, device=batch.device) % len(batch)]

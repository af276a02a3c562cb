"""The data contract: what an image, a mask and a box are, and the errors that say when something is not one.

- image: float ``[B,H,W,C]``, C 3 or 4, 0..1, sRGB-encoded, straight alpha; values above 1 (HDR) pass through.
- mask: float ``[B,H,W]``, 0..1, 1 = garment = repaint.
- boxes: float ``[N,4]``, x0 y0 x1 y1 in pixels, end exclusive.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .errors import BadFile as BadFile
from .errors import BadWorkflow as BadWorkflow
from .errors import HemlineError as HemlineError
from .errors import MissingModel as MissingModel
from .errors import RangeError as RangeError
from .errors import ShapeError as ShapeError
from .errors import UnknownName as UnknownName
from .errors import check_name as check_name
from .errors import check_range as check_range
from .errors import unknown_name as unknown_name

# ComfyUI's loaders hand out a 64x64 zero mask where a picture has no alpha: it means "no mask", not a size.
HOST_EMPTY_MASK_SIZE = (64, 64)
# Values of a mask at or below this are what rounding leaves of nothing.
NOTHING = 1 / 512


def as_image(image: Tensor, name: str = "image") -> Tensor:
    """The image as ``[B,H,W,C]``, C 3 or 4, in its own dtype; takes ``[H,W,C]`` too and grey as one channel.

    Raises `ShapeError` for anything else, an empty tensor included.
    """
    if image.dim() == 3:
        image = image.unsqueeze(0)
    if image.dim() != 4 or image.shape[-1] not in (1, 3, 4) or 0 in image.shape:
        raise ShapeError(
            f"{name} has shape {list(image.shape)}; an image is [batch, height, width, channels] with 3 or 4 channels."
        )
    if not image.is_floating_point():
        raise ShapeError(f"{name} is {image.dtype}; an image holds floats from 0 to 1 (divide 8-bit values by 255).")
    return image.expand(-1, -1, -1, 3) if image.shape[-1] == 1 else image


def as_mask(mask: Tensor, name: str = "mask") -> Tensor:
    """The mask as ``[B,H,W]`` in its own dtype; takes ``[H,W]``, ``[B,1,H,W]`` and ``[B,H,W,1]`` too.

    Raises `ShapeError` for anything else, an image in the mask's place included.
    """
    if mask.dim() == 2:
        mask = mask.unsqueeze(0)
    elif mask.dim() == 4 and mask.shape[1] == 1:
        mask = mask[:, 0]
    elif mask.dim() == 4 and mask.shape[-1] == 1:
        mask = mask[..., 0]
    if mask.dim() != 3 or 0 in mask.shape:
        raise ShapeError(
            f"{name} has shape {list(mask.shape)}; a mask is [batch, height, width] with one value per pixel."
        )
    if mask.dtype == torch.bool:
        return mask.float()
    if not mask.is_floating_point():
        raise ShapeError(f"{name} is {mask.dtype}; a mask holds floats from 0 to 1 (divide 8-bit values by 255).")
    return mask


def as_finite_mask(mask: Tensor, name: str = "mask") -> Tensor:
    """The mask as `as_mask` gives it; raises `RangeError` where a value is NaN or infinite, besides."""
    mask = as_mask(mask, name)
    # One sum is the fastest look at all values; only a suspicious one is followed by a look at each.
    if not mask.sum(dtype=torch.float32).isfinite() and not mask.isfinite().all():
        raise RangeError(
            f"{name} holds values that are NaN or infinite; a mask holds numbers from 0 to 1. Look at the node before: "
            "a model run in half precision often makes them."
        )
    return mask


def is_host_empty_mask(mask: Tensor) -> bool:
    """Whether this is the 64x64 zero mask by which a host says "this picture has no mask"."""
    return tuple(mask.shape[-2:]) == HOST_EMPTY_MASK_SIZE and not bool(mask.any())


def match_mask(mask: Tensor, image: Tensor, name: str = "mask") -> Tensor:
    """The mask as ``[B,H,W]`` of the image's height and width, on the image's device.

    The host's 64x64 zero mask becomes a zero mask of the image's size. Any other size raises `ShapeError`.
    """
    mask = as_mask(mask, name)
    height, width = image.shape[1:3]
    if tuple(mask.shape[1:]) != (height, width):
        if is_host_empty_mask(mask):
            return torch.zeros((mask.shape[0], height, width), dtype=mask.dtype, device=image.device)
        raise ShapeError(
            f"{name} is {mask.shape[2]}x{mask.shape[1]} but the image is {width}x{height}; give a mask of the image's "
            "size (Combine Masks with size = 'resize to first' resizes one)."
        )
    return mask.to(image.device)


def resize_mask(mask: Tensor, height: int, width: int) -> Tensor:
    """The mask ``[B,H,W]`` at another size, float32: bilinear, antialiased, so that soft values stay soft values."""
    if tuple(mask.shape[1:]) == (height, width):
        return mask.float()
    planes = mask.float().unsqueeze(1)
    return functional.interpolate(planes, (height, width), mode="bilinear", antialias=True).squeeze(1).clamp(0, 1)


def match_batch(tensors: Sequence[Tensor], names: Sequence[str]) -> tuple[Tensor, ...]:
    """The tensors with one common batch size: a batch of 1 is repeated (as a view), equal batches stay.

    Raises `ShapeError` where two tensors have different batches and neither is 1.
    """
    size = max(tensor.shape[0] for tensor in tensors)
    for tensor, name in zip(tensors, names, strict=True):
        if tensor.shape[0] not in (1, size):
            raise ShapeError(
                f"{name} is a batch of {tensor.shape[0]} beside a batch of {size}; give one picture or {size}."
            )
    return tuple(tensor.expand(size, *tensor.shape[1:]) for tensor in tensors)

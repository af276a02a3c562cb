"""Pictures made comparable for the eye: on a checkerboard, as a matte, cut by a slider, side by side, as a difference.

`web/compare/views.mjs` paints the same in the browser; a test holds the two together.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..tensors import ShapeError, as_image, as_mask, check_range, match_batch, match_mask

# The greys of image editors' checkerboards, and how many squares the picture's shorter side has.
LIGHT_SQUARE, DARK_SQUARE = 204 / 255, 153 / 255
SQUARES = 32
GAP_SHARE = 1 / 100
GAP_GREY = 0.1
MOST_GAIN = 64.0


def checkerboard(height: int, width: int, *, device: torch.device | None = None) -> Tensor:
    """A grey checkerboard ``[H,W,3]``, float32; `SQUARES` squares on the shorter side, a light one in the corner."""
    square_px = max(1, (min(height, width) + SQUARES // 2) // SQUARES)
    rows = torch.arange(height, device=device).div(square_px, rounding_mode="floor")
    columns = torch.arange(width, device=device).div(square_px, rounding_mode="floor")
    dark = (rows.unsqueeze(1) + columns) % 2
    return (LIGHT_SQUARE + (DARK_SQUARE - LIGHT_SQUARE) * dark.float()).unsqueeze(-1).expand(-1, -1, 3)


def on_checkerboard(image: Tensor, mask: Tensor | None = None) -> Tensor:
    """The picture ``[B,H,W,3]`` in its dtype over a checkerboard: seen through its alpha, and through a mask.

    mask: ``[B,H,W]`` of the picture's size; batches 1 and N go together. An opaque picture without a mask comes back as
    it is.
    """
    image = as_image(image)
    alpha = image[..., 3:4].float() if image.shape[-1] == 4 else None
    if mask is not None:
        mask, image = match_batch((match_mask(mask, image), image), ("mask", "image"))
        seen = mask.float().unsqueeze(-1)
        alpha = seen if alpha is None else seen * alpha
    if alpha is None:
        return image
    ground = checkerboard(*image.shape[1:3], device=image.device)
    alpha = alpha.clamp(0, 1)
    return (ground + alpha * (image[..., :3].float() - ground)).to(image.dtype)


def show_matte(mask: Tensor) -> Tensor:
    """The mask alone as a grey picture ``[B,H,W,3]``: white where the model repaints."""
    return as_mask(mask).unsqueeze(-1).expand(-1, -1, -1, 3)


def split_images(first: Tensor, second: Tensor, position: float) -> Tensor:
    """The first picture left of the slider, the second right of it, pixels untouched.

    position: of the slider, a share of the width from 0 (all of the second) to 1 (all of the first). Both are
    ``[B,H,W,C]`` of one size; batches 1 and N go together. Raises `ShapeError`, `RangeError`.
    """
    check_range("position", position, 0, 1)
    first, second = _alike(first, second)
    column = int(position * first.shape[2] + 0.5)
    return torch.cat([first[:, :, :column], second[:, :, column:]], dim=2)


def place_beside(first: Tensor, second: Tensor) -> Tensor:
    """Both pictures ``[B,H,W,C]`` side by side, a dark gap of a hundredth of the width between them."""
    first, second = _alike(first, second)
    gap = first.new_full((*first.shape[:2], max(1, round(first.shape[2] * GAP_SHARE)), first.shape[-1]), GAP_GREY)
    if first.shape[-1] == 4:
        gap[..., 3] = 1
    return torch.cat([first, gap, second], dim=2)


def difference(first: Tensor, second: Tensor) -> Tensor:
    """How far two pictures are apart, ``[B,H,W,3]``, float32: the larger of what is seen on black and on white.

    For opaque pictures that is ``|first - second|``. It is 0 exactly where both look the same on every ground.
    """
    first, second = _alike(first, second)
    (one, one_alpha), (other, other_alpha) = _premultiplied(first), _premultiplied(second)
    on_black = one - other
    if one_alpha is None and other_alpha is None:
        return on_black.abs()
    solid = torch.ones_like(one[..., :1])
    alphas = (solid if one_alpha is None else one_alpha) - (solid if other_alpha is None else other_alpha)
    return torch.maximum(on_black.abs(), (on_black - alphas).abs())


def amplify_difference(first: Tensor, second: Tensor, gain: float) -> Tensor:
    """The `difference` times `gain` (1..64), clamped to 0..1, in the first picture's dtype; black = no difference."""
    check_range("gain", gain, 1, MOST_GAIN)
    return (difference(first, second) * gain).clamp(0, 1).to(first.dtype)


def _alike(first: Tensor, second: Tensor) -> tuple[Tensor, ...]:
    """Both with one batch size and as many channels: alpha 1 is added to an opaque one beside one with alpha."""
    first, second = as_image(first, "picture A"), as_image(second, "picture B")
    if first.shape[1:3] != second.shape[1:3]:
        raise ShapeError(
            f"picture A is {first.shape[2]}x{first.shape[1]}, picture B {second.shape[2]}x{second.shape[1]}; bring "
            "them to one size first."
        )
    channels = max(first.shape[-1], second.shape[-1])
    first, second = (
        image if image.shape[-1] == channels else functional.pad(image, (0, 1), value=1.0) for image in (first, second)
    )
    return match_batch((first, second.to(first)), ("picture A", "picture B"))


def _premultiplied(image: Tensor) -> tuple[Tensor, Tensor | None]:
    if image.shape[-1] == 3:
        return image.float(), None
    alpha = image[..., 3:].float()
    return image[..., :3].float() * alpha, alpha

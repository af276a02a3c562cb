"""Layers on a base picture: a blend mode, coverage by mask, alpha and opacity, in encoded values or linear light."""

from __future__ import annotations

import torch
from torch import Tensor

from ..color import linear_to_srgb, srgb_to_linear
from ..kernels import resize_planes
from ..tensors import ShapeError, as_image, check_name, check_range, match_batch, match_mask
from .modes import BlendMode, blend_mode

SPACES = ("sRGB", "linear")
FITS = ("error", "stretch")


def blend_images(
    base: Tensor, layer: Tensor, mask: Tensor | None = None, *,
    mode: str = "normal", opacity: float = 1.0, space: str = "sRGB", fit: str = "error",
) -> Tensor:  # fmt: skip
    """`layer` blended onto `base`, with the base's channels, dtype and device; where nothing covers, base bit for bit.

    base, layer: ``[B,H,W,3|4]``; batches 1 and N go together; alpha is straight. mask: ``[B,H,W]``, multiplies the
    layer's alpha, None = everywhere. opacity: 0..1. space: "sRGB" blends encoded values as image editors do,
    "linear" blends light. fit: of a layer of another size, "error" or "stretch".
    W3C Compositing Level 1, section 5.1 (general formula) and 9.1.4 (source-over).

    Raises `ShapeError` for different sizes, `UnknownName` for a mode or space, `RangeError` for the opacity.
    """
    base, layer = as_image(base, "base"), as_image(layer, "layer")
    chosen = blend_mode(mode)
    check_range("opacity", opacity, 0, 1)
    check_name("Space", space, SPACES)
    layer = _fit(layer.to(base.device), base, check_name("Fit", fit, FITS))
    coverage = torch.ones_like(base[:1, ..., 0]) if mask is None else match_mask(mask, base)
    base, layer, coverage = match_batch((base, layer, coverage), ("base", "layer", "mask"))
    source_alpha = coverage.float().unsqueeze(-1).clamp(0, 1) * opacity * _alpha(layer)
    mixed = _mix(base.float(), layer.float(), source_alpha, chosen, space == "linear")
    return torch.where(source_alpha > 0, mixed.to(base.dtype), base)


def _fit(layer: Tensor, base: Tensor, fit: str) -> Tensor:
    height, width = base.shape[1:3]
    if tuple(layer.shape[1:3]) == (height, width):
        return layer
    if fit == "error":
        raise ShapeError(
            f"layer is {layer.shape[2]}x{layer.shape[1]} but base is {width}x{height}; scale the layer to the base's "
            "size, or choose fit = 'stretch'."
        )
    alpha = _alpha(layer)
    premultiplied = torch.cat([layer[..., :3].float() * alpha, alpha], dim=-1).permute(0, 3, 1, 2)
    resized = resize_planes(premultiplied, height, width).permute(0, 2, 3, 1)
    colour, alpha = resized[..., :3], resized[..., 3:].clamp(0, 1)
    # Filtering overshoots at edges; what stays in range is the layer's own range or 0..1, whichever is wider.
    straight = torch.where(alpha > 0, colour / alpha, 0)
    straight = straight.clamp(min(0.0, float(layer.amin())), max(1.0, float(layer.amax())))
    return torch.cat([straight, alpha], dim=-1) if layer.shape[-1] == 4 else straight


def _mix(base: Tensor, layer: Tensor, source_alpha: Tensor, mode: BlendMode, linear: bool) -> Tensor:
    decode, encode = (srgb_to_linear, linear_to_srgb) if linear else (_same, _same)
    backdrop, source, backdrop_alpha = decode(base[..., :3]), decode(layer[..., :3]), _alpha(base)
    fits = mode.domain == "any"
    blended = mode.function(backdrop if fits else backdrop.clamp(0, 1), source if fits else source.clamp(0, 1))
    if base.shape[-1] == 3:
        return encode(backdrop + source_alpha * (blended - backdrop))
    alpha = source_alpha + backdrop_alpha - source_alpha * backdrop_alpha
    premultiplied = (
        source_alpha * (1 - backdrop_alpha) * source
        + source_alpha * backdrop_alpha * blended
        + (1 - source_alpha) * backdrop_alpha * backdrop
    )
    colour = torch.where(alpha > 0, premultiplied / alpha, 0)
    return torch.cat([encode(colour), alpha], dim=-1)


def _alpha(image: Tensor) -> Tensor:
    return image[..., 3:4].float() if image.shape[-1] == 4 else torch.ones_like(image[..., :1], dtype=torch.float32)


def _same(colour: Tensor) -> Tensor:
    return colour

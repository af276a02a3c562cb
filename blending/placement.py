"""Layers of any size on a frame: scaled to fit it, moved, and cut to what lies inside."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..resampling import LANCZOS_LOBES, resize_planes
from ..tensors import ShapeError, check_name
from .tiles import Tile

FITS = ("error", "stretch", "cover", "contain", "none")
Offset = tuple[int, int]


@dataclass(frozen=True)
class PlacedLayer:
    """A layer ``[B,h,w,C]`` whose top left pixel lies at x, y of the frame; outside of it there is nothing."""

    layer: Tensor
    x: int
    y: int

    def window(self, height: int, width: int) -> Tile:
        """The part of the frame ``height x width`` that the layer lies on; possibly empty."""
        top, left = min(max(self.y, 0), height), min(max(self.x, 0), width)
        bottom, right = min(self.y + self.layer.shape[1], height), min(self.x + self.layer.shape[2], width)
        rows, columns = slice(top, max(top, bottom)), slice(left, max(left, right))
        return Tile(slice(0, self.layer.shape[0]), rows, columns)

    def of(self, tile: Tile) -> Tensor:
        """The layer's pixels in a tile of the frame, which must lie in the window."""
        return tile.moved(self.x, self.y).of(self.layer)

    def filling(self, height: int, width: int) -> PlacedLayer:
        """The layer as large as the frame, transparent where it was not."""
        window = self.window(height, width)
        part = self.of(window)
        if part.shape[1:3] == (height, width):
            return PlacedLayer(part, 0, 0)
        if part.shape[-1] == 3:
            part = torch.cat([part, torch.ones_like(part[..., :1])], dim=-1)
        beside = (window.columns.start, width - window.columns.stop, window.rows.start, height - window.rows.stop)
        return PlacedLayer(functional.pad(part, (0, 0, *beside)), 0, 0)


def place_layer(
    layer: Tensor, height: int, width: int, *, fit: str, offset: Offset, premultiplied: bool
) -> PlacedLayer:
    """The layer ``[B,h,w,C]`` on a frame of ``height x width``.

    fit: of a layer of another size. "error" refuses it, "stretch" gives it the frame's size, "cover" and "contain"
    scale it evenly and centre it (what "cover" leaves outside is cut off), "none" leaves it as it is, its top left
    corner on the frame's. offset: x, y in pixels, added. premultiplied: how the layer's alpha is kept.

    Raises `ShapeError` for another size with fit "error".
    """
    rows, columns = layer.shape[1:3]
    if check_name("Fit", fit, FITS) == "error" and (rows, columns) != (height, width):
        raise ShapeError(
            f"layer is {columns}x{rows} but base is {width}x{height}; scale the layer to the base's size, or choose "
            "fit = 'stretch', 'cover', 'contain' or 'none'."
        )
    if fit in ("error", "none"):
        return PlacedLayer(layer, *offset)
    if fit == "stretch":
        return PlacedLayer(_resize(layer, height, width, premultiplied), *offset)
    if fit == "cover":
        return PlacedLayer(_cover(layer, height, width, premultiplied), *offset)
    scale = min(height / rows, width / columns)
    scaled = _resize(layer, max(1, round(rows * scale)), max(1, round(columns * scale)), premultiplied)
    left, top = (width - scaled.shape[2]) // 2, (height - scaled.shape[1]) // 2
    return PlacedLayer(scaled, left + offset[0], top + offset[1])


def _cover(layer: Tensor, height: int, width: int, premultiplied: bool) -> Tensor:
    """The layer scaled evenly until it covers the frame, its middle cut to the frame's size."""
    scale = max(height / layer.shape[1], width / layer.shape[2])
    # Only what will be seen and what the filter reaches beside it: a thin strip would become a huge picture.
    seen = _middle(layer, math.ceil(height / scale) + 2 * LANCZOS_LOBES, math.ceil(width / scale) + 2 * LANCZOS_LOBES)
    rows, columns = max(height, round(seen.shape[1] * scale)), max(width, round(seen.shape[2] * scale))
    return _middle(_resize(seen, rows, columns, premultiplied), height, width)


def _middle(layer: Tensor, height: int, width: int) -> Tensor:
    top, left = max(0, (layer.shape[1] - height) // 2), max(0, (layer.shape[2] - width) // 2)
    return layer[:, top : top + height, left : left + width]


def _resize(layer: Tensor, height: int, width: int, premultiplied: bool) -> Tensor:
    """The layer at another size, filtered in premultiplied colours so that nothing bleeds out of transparent pixels."""
    if tuple(layer.shape[1:3]) == (height, width):
        return layer
    # Filtering overshoots at edges; what stays in range is the layer's own range or 0..1, whichever is wider.
    low, high = min(0.0, float(layer.amin())), max(1.0, float(layer.amax()))
    if layer.shape[-1] == 3:
        return _resize_channels(layer.float(), height, width).clamp(low, high)
    alpha = layer[..., 3:].float()
    colour = layer[..., :3].float() if premultiplied else layer[..., :3].float() * alpha
    resized = _resize_channels(torch.cat([colour, alpha], dim=-1), height, width)
    colour, alpha = resized[..., :3], resized[..., 3:].clamp(0, 1)
    if not premultiplied:
        colour = torch.where(alpha > 0, colour / alpha, 0)
    return torch.cat([colour.clamp(low, high), alpha], dim=-1)


def _resize_channels(layer: Tensor, height: int, width: int) -> Tensor:
    return resize_planes(layer.permute(0, 3, 1, 2), height, width).permute(0, 2, 3, 1)

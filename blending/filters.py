"""Filters by name: image -> image. What is built in, one record each, and what plugins add.

Alpha is straight at the ports; where a filter mixes neighbouring pixels it works on premultiplied colours, so that no
colour comes out of what cannot be seen.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..color import linear_to_srgb, srgb_to_linear
from ..kernels import gaussian_blur
from ..plugins import Plugin, Registry
from ..settings import Setting, Value, choose_settings, settings_of
from ..tensors import as_image, check_range, match_batch, match_mask
from .grain import add_grain, match_grain

RADIUS_LIMIT_PX = 1024
AMOUNT_LIMIT = 100.0
# What high pass adds its difference to, so that no change lies in the middle of the range.
MID_GREY = 0.5
# Less alpha than this is what a Fourier transform leaves where nothing is; dividing by it would make colours up.
ALPHA_FLOOR = 1e-5


@dataclass(frozen=True)
class Filter:
    """A way to change an image.

    function: of ``(image, **settings)``, an image ``[B,H,W,3|4]``, float32, giving one of the same shape; where
    `takes_mask` also of ``mask``, ``[B,H,W]`` or None. source: of the formula.
    """

    name: str
    function: Callable[..., Tensor]
    settings: tuple[Setting, ...]
    takes_mask: bool = False
    source: str = ""


def apply_filter(
    image: Tensor, name: str, mask: Tensor | None = None, *, settings: Mapping[str, Value] | None = None
) -> Tensor:
    """The image, filtered where the mask is 1, in its dtype; bit for bit the same where the mask is 0.

    image: ``[B,H,W,3|4]``. mask: ``[B,H,W]``, batches 1 and N go together; None = everywhere. settings: by name; what
    is missing is at its default. Raises `UnknownName`, what the filter raises for its settings, and `PluginError` for a
    plugin's faults.
    """
    image = as_image(image)
    record = FILTERS.get(name)
    values = choose_settings(record.settings, widgets=settings, owner=f"{name!r}")
    if mask is None:
        extra = {"mask": None} if record.takes_mask else {}
        return record.function(image.float(), **extra, **values).to(image.dtype)
    share, image = match_batch((match_mask(mask, image).float().clamp(0, 1), image), ("mask", "image"))
    extra = {"mask": share} if record.takes_mask else {}
    filtered = record.function(image.float(), **extra, **values)
    share = share.unsqueeze(-1)
    return torch.where(share > 0, _mix(image.float(), filtered, share).to(image.dtype), image)


def blur_image(image: Tensor, *, radius: float = 8.0, linear: bool = False) -> Tensor:
    """The image blurred by a Gaussian with sigma `radius` px; linear: in linear light, as a lens does.

    Raises `RangeError`.
    """
    check_range("radius", radius, 0, RADIUS_LIMIT_PX)
    if radius == 0:
        return image
    light = torch.cat((srgb_to_linear(image[..., :3]), image[..., 3:]), -1) if linear else image
    blurred = _blur(light, radius)
    return torch.cat((linear_to_srgb(blurred[..., :3]), blurred[..., 3:]), -1) if linear else blurred


def sharpen_image(image: Tensor, *, radius: float = 2.0, amount: float = 1.0, threshold: float = 0.0) -> Tensor:
    """The image with its differences from a blurred one made `amount` times larger (unsharp mask).

    radius: sigma in px. threshold: differences are taken smaller by so much, so that grain below it stays as it is
    and no step arises above it. Colours stay within the image's own range or 0..1, whichever is wider. Raises
    `RangeError`.
    """
    check_range("amount", amount, 0, AMOUNT_LIMIT)
    check_range("threshold", threshold, 0, 1)
    colours, detail = image[..., :3], _detail(image, radius)
    kept = (detail.abs() - threshold).clamp(min=0).copysign(detail) if threshold > 0 else detail
    low, high = min(0.0, float(colours.amin())), max(1.0, float(colours.amax()))
    return torch.cat(((colours + amount * kept).clamp(low, high), image[..., 3:]), -1)


def high_pass(image: Tensor, *, radius: float = 8.0, amount: float = 0.5) -> Tensor:
    """Mid-grey plus `amount` times what a blur with sigma `radius` px takes away; alpha stays.

    With amount 0.5, blended onto the blurred image in the mode linear light, it gives the image back: frequency
    separation. With 1, blended onto the image in overlay or soft light, it sharpens. Not clamped. Raises `RangeError`.
    """
    check_range("amount", amount, 0, AMOUNT_LIMIT)
    return torch.cat((MID_GREY + amount * _detail(image, radius), image[..., 3:]), -1)


def _detail(image: Tensor, radius: float) -> Tensor:
    """Colours minus blurred colours; nothing where alpha is 0."""
    check_range("radius", radius, 0, RADIUS_LIMIT_PX)
    detail = image[..., :3] - _blur(image, radius)[..., :3]
    return detail if image.shape[-1] == 3 else torch.where(image[..., 3:] > 0, detail, 0)


def _blur(image: Tensor, radius: float) -> Tensor:
    if image.shape[-1] == 3:
        return gaussian_blur(image.permute(0, 3, 1, 2), radius).permute(0, 2, 3, 1)
    alpha = image[..., 3:]
    planes = torch.cat((image[..., :3] * alpha, alpha), -1).permute(0, 3, 1, 2)
    blurred = gaussian_blur(planes, radius).permute(0, 2, 3, 1)
    alpha = blurred[..., 3:].clamp(min=0)
    seen = alpha > ALPHA_FLOOR
    return torch.cat((torch.where(seen, blurred[..., :3] / alpha, 0), torch.where(seen, alpha, 0)), -1)


def _mix(image: Tensor, filtered: Tensor, share: Tensor) -> Tensor:
    """From the image to the filtered one by `share`, premultiplied where there is alpha."""
    if image.shape[-1] == 3:
        return image + share * (filtered - image)
    before, after = (1 - share) * image[..., 3:], share * filtered[..., 3:]
    alpha = before + after
    colours = (before * image[..., :3] + after * filtered[..., :3]) / alpha
    return torch.cat((torch.where(alpha > 0, colours, filtered[..., :3]), alpha), -1)


def _built_in(name: str, function: Callable[..., Tensor], source: str) -> Filter:
    takes_mask, settings = _read_signature(function)
    return Filter(name, function, settings, takes_mask, source)


def _read_signature(function: Callable[..., object]) -> tuple[bool, tuple[Setting, ...]]:
    takes_mask = "mask" in list(inspect.signature(function).parameters)[1:2]
    return takes_mask, settings_of(function, ("image", "mask") if takes_mask else ("image",))


def _from_plugin(plugin: Plugin) -> Filter:
    takes_mask, settings = _read_signature(plugin.function)

    def of_image(image: Tensor, **values: Value) -> Tensor:
        return plugin.call(tuple(image.shape), (image,), values)

    def of_masked_image(image: Tensor, mask: Tensor | None, **values: Value) -> Tensor:
        return plugin.call(tuple(image.shape), (image, mask), values)

    return Filter(plugin.name, of_masked_image if takes_mask else of_image, settings, takes_mask, plugin.origin)


FILTERS = Registry(
    "filter",
    "hemline.filters",
    {
        record.name: record
        for record in (
            _built_in("gaussian blur", blur_image, "Gaussian on premultiplied colours"),
            _built_in("unsharp mask", sharpen_image, "image + amount * soft threshold(image - blur)"),
            _built_in("high pass", high_pass, "0.5 + amount * (image - blur)"),
            _built_in("grain", add_grain, "Gaussian noise, strongest in the middle tones"),
            _built_in("match grain", match_grain, "noise estimate of J. Immerkaer 1996"),
        )
    },
    _from_plugin,
)

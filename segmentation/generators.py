"""Mask generators by name: what is built in, one record each, and what plugins add."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from ..plugins import Plugin, PluginError, Registry
from ..settings import Setting, Value, choose_settings, settings_of
from ..tensors import ShapeError, as_image
from .gradient_masks import (
    draw_angular_gradient,
    draw_checker,
    draw_linear_gradient,
    draw_radial_gradient,
    draw_stripes,
)
from .picture_masks import find_edges, select_colour_range, select_luminance_range
from .shape_masks import draw_ellipse, draw_polygon, draw_rectangle, draw_regular_polygon

SIZE_LIMIT_PX = 16384
# A plugin's mask may miss 0..1 by rounding; what misses it by more was meant otherwise.
ROUNDING = 1e-3


@dataclass(frozen=True)
class MaskGenerator:
    """A way to make a mask.

    function: of ``(image, **settings)``, an image ``[B,H,W,3|4]`` giving ``[B,H,W]``, where `takes_image`; otherwise of
    ``(height, width, **settings)`` giving ``[H,W]``. Both 0..1, float32. source: of the formula.
    """

    name: str
    function: Callable[..., Tensor]
    settings: tuple[Setting, ...]
    takes_image: bool
    source: str = ""


def generate_mask(
    generator: str, image: Tensor | None = None, *, height: int = 0, width: int = 0,
    settings: Mapping[str, Value] | None = None,
) -> Tensor:  # fmt: skip
    """The mask ``[B,H,W]``, 0..1, that a generator makes of an image, or of the size alone (B = 1).

    image: ``[B,H,W,3|4]``; its size, batch, dtype and device are the mask's, and `height` and `width` count only
    without it. settings: by name; what is missing is at its default. Raises `UnknownName`, `ShapeError` for no image
    where the generator needs one and for a size that is none, what the generator raises for its settings, and
    `PluginError` for a plugin's faults.
    """
    record = GENERATORS.get(generator)
    values = choose_settings(record.settings, widgets=settings, owner=f"{generator!r}")
    if image is None:
        if record.takes_image:
            raise ShapeError(f"{generator!r} makes its mask of an image, and none is connected; connect one.")
        if not (1 <= height <= SIZE_LIMIT_PX and 1 <= width <= SIZE_LIMIT_PX):
            raise ShapeError(f"a mask of {width}x{height} pixels is none; give 1 to {SIZE_LIMIT_PX} each way.")
        return record.function(height, width, **values).unsqueeze(0).contiguous()
    image = as_image(image)
    if record.takes_image:
        return record.function(image, **values).to(image.dtype)
    batch, height, width = image.shape[:3]
    return record.function(height, width, **values).to(image).expand(batch, height, width).contiguous()


def _built_in(name: str, function: Callable[..., Tensor], source: str) -> MaskGenerator:
    takes_image, settings = _read_signature(function)
    return MaskGenerator(name, function, settings, takes_image, source)


def _read_signature(function: Callable[..., object]) -> tuple[bool, tuple[Setting, ...]]:
    takes_image = next(iter(inspect.signature(function).parameters), "") == "image"
    return takes_image, settings_of(function, ("image",) if takes_image else ("height", "width"))


def _from_plugin(plugin: Plugin) -> MaskGenerator:
    takes_image, settings = _read_signature(plugin.function)

    def of_image(image: Tensor, **values: Value) -> Tensor:
        return _in_range(plugin, plugin.call(tuple(image.shape[:3]), (image,), values))

    def of_size(height: int, width: int, **values: Value) -> Tensor:
        return _in_range(plugin, plugin.call((height, width), (height, width), values))

    return MaskGenerator(plugin.name, of_image if takes_image else of_size, settings, takes_image, plugin.origin)


def _in_range(plugin: Plugin, mask: Tensor) -> Tensor:
    low, high = float(mask.amin()), float(mask.amax())
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise PluginError(f"{plugin} gave values from {low:g} to {high:g}; a mask holds 0 to 1.")
    return mask.clamp(0, 1)


_QUILEZ = "signed distance (I. Quilez, 2D distance functions)"
GENERATORS = Registry(
    "mask generator",
    "hemline.mask_generators",
    {
        record.name: record
        for record in (
            _built_in("rectangle", draw_rectangle, _QUILEZ),
            _built_in("ellipse", draw_ellipse, "signed distance (C. Chatfield, Simple method for distance to ellipse)"),
            _built_in("polygon", draw_polygon, _QUILEZ),
            _built_in("regular polygon", draw_regular_polygon, _QUILEZ),
            _built_in("linear gradient", draw_linear_gradient, "CSS Images 4, linear-gradient()"),
            _built_in("radial gradient", draw_radial_gradient, "CSS Images 4, radial-gradient()"),
            _built_in("angular gradient", draw_angular_gradient, "CSS Images 4, conic-gradient()"),
            _built_in("stripes", draw_stripes, "signed distance of a periodic band"),
            _built_in("checker", draw_checker, "coverage of two periodic bands"),
            _built_in("colour range", select_colour_range, "CSS Color 4, deltaEOK"),
            _built_in("luminance", select_luminance_range, "OKLab L, or Y of ITU-R BT.709"),
            _built_in("edges", find_edges, "scale-normalised gradient (T. Lindeberg 1998)"),
        )
    },
    _from_plugin,
)

"""The shaders of the live previews, run in a browser on given pictures, and what torch makes of the same ones."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from hemline.blending.composite import blend_images
from hemline.segmentation.shape import feather_mask, grow_mask
from support.frontend import SITE

GROW_FEATHER = """async ([site, width, height, bytes, list]) => {
    const { sharedGpu } = await import(`${site}/live/gpu.mjs`)
    const { MaskSource, growFeather } = await import(`${site}/live/grow_feather.mjs`)
    const values = Float32Array.from(Uint8Array.fromBase64(bytes), value => value / 255)
    const source = new MaskSource(width, height, values, null)
    const gpu = sharedGpu()
    const results = list.map(settings => {
        const read = gpu.read(growFeather(gpu, source, settings))
        return new Uint8Array(read.buffer).toBase64()
    })
    source.free(gpu)
    return results
}"""

BLEND = """async ([site, base, layer, mask, list]) => {
    const { sharedGpu } = await import(`${site}/live/gpu.mjs`)
    const { LayersSource, blendLayers } = await import(`${site}/live/blend.mjs`)
    const values = bytes => Float32Array.from(Uint8Array.fromBase64(bytes), value => value / 255)
    const picture = given => ({ ...given, values: values(given.bytes) })
    const source = new LayersSource(picture(base), picture(layer), mask === null ? null : values(mask))
    const gpu = sharedGpu()
    const results = list.map(settings => {
        const read = gpu.read(blendLayers(gpu, source, settings), 4)
        return new Uint8Array(read.buffer).toBase64()
    })
    source.free(gpu)
    return results
}"""


@dataclass(frozen=True)
class GrowFeather:
    """Settings of Grow & Feather Mask in px of the proxy."""

    grow: float = 0.0
    feather: float = 0.0
    side: str = "centred"
    shape: str = "round"
    profile: str = "blur"
    sides: tuple[float, float, float, float] = field(default=(100.0, 100.0, 100.0, 100.0))

    def in_python(self, levels: Tensor) -> Tensor:
        """The soft mask ``[H,W]`` that torch makes of 8-bit levels ``[H,W]``."""
        grown = grow_mask(levels.float() / 255, self.grow, shape=self.shape, sides_percent=self.sides)
        return feather_mask(grown, self.feather, side=self.side, profile=self.profile)[0]


@dataclass(frozen=True)
class Blend:
    """Settings of Blend Layers, the offset in px of the proxy."""

    mode: str = "normal"
    opacity: float = 1.0
    space: str = "sRGB"
    operator: str = "source-over"
    alpha: str = "straight"
    offset: tuple[int, int] = (0, 0)
    seed: int = 0

    def in_python(self, base: Tensor, layer: Tensor, mask: Tensor | None) -> Tensor:
        """What torch makes of 8-bit levels ``[H,W,3|4]`` and a mask ``[H,W]``, as ``[H,W,4]``."""
        blended = blend_images(
            base[None] / 255, layer[None] / 255, None if mask is None else mask / 255, mode=self.mode,
            opacity=self.opacity, space=self.space, fit="none", operator=self.operator, alpha=self.alpha,
            offset=self.offset, seed=self.seed,
        )[0]  # fmt: skip
        return with_alpha(blended, 1.0)


def with_alpha(picture: Tensor, full: float) -> Tensor:
    """The picture ``[H,W,3|4]`` with an alpha."""
    if picture.shape[-1] == 4:
        return picture
    return torch.cat([picture, torch.full_like(picture[..., :1], full)], dim=-1)


def encode(levels: Tensor) -> str:
    """8-bit levels as base64."""
    return base64.b64encode(levels.to(torch.uint8).contiguous().numpy().tobytes()).decode()


def decode(text: str, *shape: int) -> Tensor:
    """Numbers of a base64 text of float32."""
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32).reshape(shape)


def grow_feather_in_browser(site: Any, levels: Tensor, settings: list[GrowFeather]) -> list[Tensor]:
    """The soft masks ``[H,W]`` that the shaders make of 8-bit levels ``[H,W]``."""
    height, width = levels.shape
    results = site.evaluate(GROW_FEATHER, [SITE, width, height, encode(levels), [vars(one) for one in settings]])
    return [decode(result, height, width) for result in results]


def blend_in_browser(
    site: Any, base: Tensor, layer: Tensor, mask: Tensor | None, settings: list[Blend]
) -> list[Tensor]:
    """What the shaders make of 8-bit levels ``[H,W,3|4]`` and a mask ``[H,W]``, as ``[H,W,4]``."""

    def picture(levels: Tensor) -> dict[str, Any]:
        height, width, channels = levels.shape
        return {
            "width": width, "height": height, "opaque": channels == 3, "bytes": encode(with_alpha(levels, 255.0)),
        }  # fmt: skip

    given = [SITE, picture(base), picture(layer), None if mask is None else encode(mask)]
    results = site.evaluate(BLEND, [*given, [vars(one) for one in settings]])
    return [decode(result, *base.shape[:2], 4) for result in results]


def mask_levels(kind: str, height: int, width: int) -> Tensor:
    """A mask ``[H,W]`` in 8-bit levels: "hard", "antialiased", "soft", "noise", "grey", "empty" or "full"."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    inside = min(height, width) * 0.3 - torch.hypot(x - width * 0.45, y - height * 0.5)
    strap = (x > width * 0.7) & (y > height * 0.2) & (y < height * 0.3)
    values = {
        "hard": ((inside > 0) | strap).float(),
        "antialiased": torch.maximum((inside + 0.5).clamp(0, 1), strap.float()),
        "soft": (inside / 12 + 0.5).clamp(0, 1),
        "noise": torch.rand(height, width, generator=torch.Generator().manual_seed(1)),
        "grey": (inside / 12 + 0.5).clamp(0, 1) * 0.8 + 0.1,
        "empty": torch.zeros(height, width),
        "full": torch.ones(height, width),
    }
    return (values[kind] * 255).round()


def picture_levels(height: int, width: int, channels: int, *, seed: int) -> Tensor:
    """Random colours ``[H,W,C]`` in 8-bit levels with much black, white, grey and, with alpha, holes."""
    generator = torch.Generator().manual_seed(seed)
    picture = torch.randint(0, 256, (height, width, channels), generator=generator).float()
    for value in (0, 255):
        picture[torch.rand(height, width, generator=generator) < 0.1] = value
    grey = torch.rand(height, width, generator=generator) < 0.1
    picture[grey] = picture[grey][:, :1].expand(-1, channels)
    return picture


def premultiply(levels: Tensor) -> Tensor:
    """The levels ``[H,W,3|4]`` with colours that carry their alpha."""
    if levels.shape[-1] == 3:
        return levels
    return torch.cat([(levels[..., :3] * levels[..., 3:] / 255).round(), levels[..., 3:]], dim=-1)

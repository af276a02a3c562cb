"""The shaders of the live previews: what torch makes of the same 8-bit proxies, within 2/255."""

from __future__ import annotations

import base64
import io
import random
from typing import Any

import pytest
import torch
from PIL import Image
from scipy import ndimage
from support.frontend import SITE
from support.live_previews import (
    Blend,
    GrowFeather,
    blend_in_browser,
    decode,
    encode,
    grow_feather_in_browser,
    mask_levels,
    picture_levels,
    premultiply,
)
from torch import Tensor

from hemline.blending.composite import SPACES
from hemline.blending.modes import BLEND_MODES
from hemline.blending.operators import OPERATORS
from hemline.segmentation.shape import FEATHER_SIDES, GROW_SHAPES

TOLERANCE = 2 / 255
SIZES = ((1, 1), (3, 7), (20, 3), (141, 193))
MASKS = ("hard", "antialiased", "soft", "noise", "grey", "empty", "full")
EVEN, UNEVEN = (100.0, 100.0, 100.0, 100.0), (0.0, 120.0, 50.0, 100.0)
SHAPED = [
    GrowFeather(grow, shape=shape, sides=sides)
    for grow in (0.3, 3.0, -3.0, 7.4, -7.4)
    for shape in GROW_SHAPES
    for sides in (EVEN, UNEVEN)
]
FEATHERED = [
    GrowFeather(grow, feather, side)
    for feather in (0.1, 1.0, 5.0, 16.3)
    for side in FEATHER_SIDES
    for grow in (0.0, 4.5, -4.5)
]
ALPHAS = ("straight", "premultiplied")


def assert_masks_alike(site: Any, levels: Tensor, settings: list[GrowFeather]) -> None:
    for one, soft in zip(settings, grow_feather_in_browser(site, levels, settings), strict=True):
        assert float((soft - one.in_python(levels)).abs().max()) <= TOLERANCE, one


def assert_pictures_alike(site: Any, base: Tensor, layer: Tensor, mask: Tensor | None, settings: list[Blend]) -> None:
    for one, blended in zip(settings, blend_in_browser(site, base, layer, mask, settings), strict=True):
        expected = one.in_python(base, layer, mask).clamp(0, 1)  # which is what a screen shows
        assert float((blended.clamp(0, 1) - expected).abs().max()) <= TOLERANCE, one


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", MASKS)
def test_masks_grow_in_every_shape_as_in_python(site: Any, kind: str, size: tuple[int, int]) -> None:
    assert_masks_alike(site, mask_levels(kind, *size), SHAPED)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", MASKS)
def test_masks_are_feathered_to_every_side_as_in_python(site: Any, kind: str, size: tuple[int, int]) -> None:
    assert_masks_alike(site, mask_levels(kind, *size), FEATHERED[:: 4 if max(size) > 100 else 1])


@pytest.mark.parametrize("seed", range(6))
def test_masks_come_out_alike_with_random_settings(site: Any, seed: int) -> None:
    draw = random.Random(seed)
    settings = [
        GrowFeather(
            grow=draw.uniform(-30, 30), feather=draw.choice((0.0, draw.uniform(0, 60))),
            side=draw.choice(FEATHER_SIDES), shape=draw.choice(GROW_SHAPES),
            sides=draw.choice((EVEN, tuple(draw.uniform(0, 200) for _ in range(4)))),
        )
        for _ in range(12)
    ]  # fmt: skip
    assert_masks_alike(site, mask_levels(draw.choice(MASKS[:5]), draw.randint(30, 90), draw.randint(30, 90)), settings)


def test_the_preview_changes_what_it_is_given(site: Any) -> None:
    levels = mask_levels("antialiased", 60, 80)
    for soft in grow_feather_in_browser(site, levels, [GrowFeather(grow=3.0), GrowFeather(feather=9.0)]):
        assert float((soft - levels / 255).abs().max()) > 0.2


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 1.0])
def test_distances_are_exact(site: Any, share: float) -> None:
    region = torch.rand(61, 47, generator=torch.Generator().manual_seed(5)) < share
    text = site.evaluate(
        """async ([site, bytes]) => {
            const { distancesTo } = await import(`${site}/live/distance.mjs`)
            return new Uint8Array(distancesTo(Uint8Array.fromBase64(bytes), 47, 61).buffer).toBase64()
        }""",
        [SITE, encode(region)],
    )
    found = decode(text, 61, 47)
    if not region.any():
        assert float(found.min()) > 1e6
        return
    expected = torch.from_numpy(ndimage.distance_transform_edt(~region.numpy())).float()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_every_mode_and_operator_has_its_shader(site: Any) -> None:
    modes, operators = site.evaluate(
        """async site => {
            const { MODES, OPERATORS, keepsOpaque, clearsOutside } = await import(`${site}/live/modes.mjs`)
            const described = ([name, one]) => [name, { ...one, opaque: keepsOpaque(one), clears: clearsOutside(one) }]
            return [MODES, Object.fromEntries(Object.entries(OPERATORS).map(described))]
        }""",
        SITE,
    )
    assert {
        name: (
            bool(mode.get("any")), bool(mode.get("linear")), bool(mode.get("dissolved")),
            mode.get("operator", "source-over"),
        )
        for name, mode in modes.items()
    } == {
        name: (mode.domain == "any", mode.space == "linear", mode.coverage == "dissolved", mode.operator)
        for name, mode in BLEND_MODES.items()
    }  # fmt: skip
    totals = ("plain", "clamped", "darker")
    assert {
        name: (tuple(one["source"]), tuple(one["backdrop"]), totals[one.get("total", 0)], one["opaque"], one["clears"])
        for name, one in operators.items()
    } == {
        name: (one.source, one.backdrop, one.total, one.keeps_opaque, one.clears_outside)
        for name, one in OPERATORS.items()
    }


def spaces_of(mode: str) -> list[str]:
    """The spaces that go with a mode: those that add light cannot do so in OKLab."""
    return [space for space in SPACES if space != "OKLab" or BLEND_MODES[mode].operator == "source-over"]


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "everywhere"])
@pytest.mark.parametrize("first", range(0, len(BLEND_MODES), 8))
def test_modes_blend_in_every_space_as_in_python(site: Any, first: int, masked: bool) -> None:
    base, layer = picture_levels(40, 56, 3, seed=1), picture_levels(40, 56, 3, seed=2)
    mask = picture_levels(40, 56, 3, seed=3)[..., 0] if masked else None
    names = list(BLEND_MODES)[first : first + 8]
    settings = [
        Blend(name, opacity, space) for name in names for space in spaces_of(name) for opacity in (1.0, 0.63)
    ]  # fmt: skip
    assert_pictures_alike(site, base, layer, mask, settings)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("channels", [(3, 3), (4, 3), (3, 4), (4, 4)], ids=str)
def test_operators_and_alphas_blend_as_in_python(site: Any, channels: tuple[int, int], alpha: str) -> None:
    base, layer = picture_levels(40, 56, channels[0], seed=4), picture_levels(30, 70, channels[1], seed=5)
    if alpha == "premultiplied":
        base, layer = premultiply(base), premultiply(layer)
    settings = [
        Blend(mode, 0.8, space, name, alpha, (5, -3), seed=9)
        for name, operator in OPERATORS.items()
        for space in ("sRGB", "linear", "OKLab")
        for mode in ("normal", "multiply", "dissolve", "soft-light")
        if space != "OKLab" or operator.total == "plain"
    ]
    assert_pictures_alike(site, base, layer, picture_levels(40, 56, 3, seed=6)[..., 0], settings)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_pictures_of_odd_sizes_blend_as_in_python(site: Any, size: tuple[int, int]) -> None:
    base, layer = picture_levels(*size, 4, seed=7), picture_levels(size[0] + 2, max(1, size[1] // 2), 4, seed=8)
    settings = [Blend(offset=offset, operator=name) for offset in ((0, 0), (-1, 1), (500, 0)) for name in OPERATORS]
    assert_pictures_alike(site, base, layer, None, settings)


def test_a_files_bytes_arrive_as_they_are(site: Any) -> None:
    levels = picture_levels(9, 13, 4, seed=9).to(torch.uint8)
    file = io.BytesIO()
    # A gamma that a browser would apply to what it shows.
    Image.fromarray(levels.numpy()).save(file, "PNG", pnginfo=_gamma(1.0))
    text = site.evaluate(
        """async ([site, bytes]) => {
            const { sharedGpu } = await import(`${site}/live/gpu.mjs`)
            const { bitmapOf } = await import(`${site}/live/widget.mjs`)
            return sharedGpu().bytes(await bitmapOf(new Blob([Uint8Array.fromBase64(bytes)]))).toBase64()
        }""",
        [SITE, base64.b64encode(file.getvalue()).decode()],
    )
    assert base64.b64decode(text) == levels.numpy().tobytes()


def _gamma(value: float) -> Any:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add(b"gAMA", round(value * 100000).to_bytes(4, "big"))
    return info

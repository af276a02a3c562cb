"""The views of Preview & Compare in the browser: the same pictures as in torch, within 2/255."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import torch
from support.frontend import SITE
from torch import Tensor

from hemline.blending.compare import overlay_mask
from hemline.blending.views import amplify_difference, on_checkerboard
from hemline.nodes.compare import COLOURS
from hemline.nodes.compare_views import NEED_B, NEED_MASK, VIEWS

PAINT = """async ([site, view, size, a, b, mask, colour, opacity, gain, reach]) => {
    const { amplifyDifference, onCheckerboard, overlayMask, COLOURS } = await import(`${site}/compare/views.mjs`)
    const bytes = text => Uint8ClampedArray.from(atob(text), letter => letter.charCodeAt(0))
    const pixels = text => text && { ...size, data: bytes(text) }
    const [first, second, over] = [a, b, mask].map(pixels)
    const paint = {
        checkerboard: () => onCheckerboard(first, over),
        overlay: () => overlayMask(first, over, COLOURS[colour], opacity),
        difference: () => amplifyDifference(first, second, gain, reach),
    }
    return btoa(Array.from(paint[view]().data, level => String.fromCharCode(level)).join(""))
}"""
SIZES = [(1, 1), (3, 7), (90, 130), (131, 67)]


def eight_bits(batch: tuple[int, ...], seed: int) -> Tensor:
    return (torch.rand(batch, generator=torch.Generator().manual_seed(seed)) * 255).round() / 255


def rgba(values: Tensor) -> str:
    """The picture ``[1,H,W,1|3|4]`` as a canvas has it, in base64: number by number a page is slow to take it."""
    colours = values.expand(-1, -1, -1, 3) if values.shape[-1] == 1 else values
    if colours.shape[-1] == 3:
        colours = torch.cat([colours, torch.ones_like(colours[..., :1])], -1)
    return base64.b64encode((colours * 255).round().byte().numpy().tobytes()).decode()


def in_browser(
    site: Any, view: str, a: Tensor, b: Tensor | None = None, mask: Tensor | None = None, colour: str = "blue",
    opacity: float = 0.5, gain: float = 4.0, reach: list[int] | None = None,
) -> Tensor:  # fmt: skip
    height, width = a.shape[1:3]
    others = [None if one is None else rgba(one) for one in (b, None if mask is None else mask.unsqueeze(-1))]
    size = {"width": width, "height": height}
    painted = site.evaluate(PAINT, [SITE, view, size, rgba(a), *others, colour, opacity, gain, reach])
    levels = torch.frombuffer(bytearray(base64.b64decode(painted)), dtype=torch.uint8)
    return levels.reshape(1, height, width, 4)[..., :3] / 255


def check(painted: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(painted, wanted, atol=2 / 255, rtol=0)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [3, 4])
def test_the_checkerboard_is_the_same(site: Any, size: tuple[int, int], channels: int) -> None:
    picture, mask = eight_bits((1, *size, channels), 0), eight_bits((1, *size), 1)
    check(in_browser(site, "checkerboard", picture, mask=mask), on_checkerboard(picture, mask))
    check(in_browser(site, "checkerboard", picture), on_checkerboard(picture))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("colour", COLOURS)
def test_the_overlay_is_the_same_in_every_colour(site: Any, size: tuple[int, int], colour: str) -> None:
    picture, mask = eight_bits((1, *size, 3), 2), eight_bits((1, *size), 3)
    for opacity in (0.0, 0.35, 1.0):
        wanted = overlay_mask(picture, mask, colour=COLOURS[colour], opacity=opacity)
        check(in_browser(site, "overlay", picture, mask=mask, colour=colour, opacity=opacity), wanted)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [(3, 3), (4, 4), (3, 4)])
def test_the_difference_is_the_same(site: Any, size: tuple[int, int], channels: tuple[int, int]) -> None:
    a, b = (eight_bits((1, *size, count), seed) for seed, count in enumerate(channels))
    for gain in (1.0, 4.5, 64.0):
        check(in_browser(site, "difference", a, b, gain=gain), amplify_difference(a, b, gain))


def test_beside_b_nothing_is_compared(site: Any) -> None:
    a, b = eight_bits((1, 20, 30, 3), 0), eight_bits((1, 20, 30, 3), 1)
    painted, wanted = in_browser(site, "difference", a, b, reach=[5, 2, 22, 19]), torch.zeros(1, 20, 30, 3)
    wanted[:, 2:19, 5:22] = amplify_difference(a, b, 4.0)[:, 2:19, 5:22]
    check(painted, wanted)


def test_the_browser_knows_the_nodes_views_and_what_they_need(site: Any) -> None:
    known = site.evaluate(
        "async site => { const all = await import(`${site}/compare/views.mjs`);"
        " return [all.VIEWS, all.NEED_MASK, all.NEED_B, all.COLOURS] }",
        SITE,
    )
    assert [tuple(names) for names in known[:3]] == [VIEWS, NEED_MASK, NEED_B]
    assert {name: tuple(values) for name, values in known[3].items()} == COLOURS


def test_every_view_has_a_text(site: Any) -> None:
    missing = site.evaluate(
        """async site => {
            const [{ NAMES }, { TEXTS }] = await Promise.all(["bar", "texts"].map(name =>
                import(`${site}/compare/${name}.mjs`)))
            return Object.values(NAMES).flatMap(name => [name, `${name}_hint`]).filter(name => !TEXTS[name])
        }""",
        SITE,
    )
    assert missing == []

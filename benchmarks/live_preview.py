"""How far the live previews' shaders are from torch, how far a proxy is from a whole picture, what a redraw takes.

    python benchmarks/live_preview.py [--times] [PHOTO MASK]

Needs Chromium, playwright and Pillow (pip install hemline[test]). Differences are of 255, the largest over all pixels
and settings of a row, with 8-bit proxies on both sides. PHOTO and MASK, or a drawn picture, stand for a whole picture:
there the preview of the proxy is held against the proxy of the node's own result. Times are of one redraw at 768 x 768
with what it takes to read the picture back, the median of nine; without a GPU the browser computes on the CPU.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.frontend import SITE, WEB, chromium
from support.live_previews import (
    Blend,
    GrowFeather,
    blend_in_browser,
    encode,
    grow_feather_in_browser,
    mask_levels,
    picture_levels,
)

from hemline.blending.composite import SPACES, blend_images
from hemline.blending.modes import BLEND_MODES
from hemline.blending.operators import OPERATORS
from hemline.hosts.pictures import load_image
from hemline.nodes.proxies import proxy_size, shrink_image, shrink_mask
from hemline.segmentation.shape import FEATHER_SIDES, GROW_SHAPES, feather_mask, grow_mask

SIDE = 768
EVEN, UNEVEN = (100.0, 100.0, 100.0, 100.0), (0.0, 120.0, 50.0, 100.0)
TIMED = """async ([site, side, bytes, list]) => {
    const { sharedGpu } = await import(`${site}/live/gpu.mjs`)
    const { MaskSource, growFeather, showMask } = await import(`${site}/live/grow_feather.mjs`)
    const { LayersSource, blendLayers, showLayers } = await import(`${site}/live/blend.mjs`)
    const values = Float32Array.from(Uint8Array.fromBase64(bytes), value => value / 255)
    const gpu = sharedGpu()
    const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side })
    const four = new Float32Array(4 * values.length).map((_, at) => (at * 2654435761 % 256) / 255)
    const picture = { width: side, height: side, values: four, opaque: false }
    const begin = performance.now()
    const mask = new MaskSource(side, side, values, null)
    const made = performance.now() - begin
    const layers = new LayersSource(picture, picture, values)
    const median = draw => {
        const times = Array.from({ length: 10 }, () => {
            const start = performance.now()
            draw()
            canvas.getContext("2d").getImageData(0, 0, 1, 1)
            return performance.now() - start
        })
        return times.slice(1).sort((one, other) => one - other)[4]
    }
    return [made, ...list.map(settings => median(() => settings.mode
        ? showLayers(gpu, blendLayers(gpu, layers, settings), canvas, false)
        : showMask(gpu, mask, growFeather(gpu, mask, settings), canvas, 1)))]
}"""


def worst(pairs: Iterable[tuple[Tensor, Tensor]]) -> float:
    """The largest difference of all pairs, of 255."""
    return max(float((one.clamp(0, 1) - other.clamp(0, 1)).abs().max()) for one, other in pairs) * 255


def mask_table(page: Any) -> None:
    """Prints the largest differences of Grow & Feather Mask, by kind of mask."""
    grown = {
        f"{shape}, {name} sides": [GrowFeather(grow, shape=shape, sides=sides) for grow in (0.3, 7.4, -7.4, 20.0)]
        for shape in GROW_SHAPES
        for name, sides in (("even", EVEN), ("unequal", UNEVEN))
    }
    soft = {
        f"feather {side}": [GrowFeather(grow, width, side) for width in (0.1, 5.0, 16.3) for grow in (0.0, 4.5, -4.5)]
        for side in FEATHER_SIDES
    }
    kinds = ("hard", "antialiased", "soft", "noise")
    print(f"| grow & feather | {' | '.join(kinds)} |\n|---|{'---|' * len(kinds)}")
    for row, settings in (grown | soft).items():
        cells: list[str] = []
        for kind in kinds:
            levels = mask_levels(kind, 141, 193)
            expected = [one.in_python(levels) for one in settings]
            found = grow_feather_in_browser(page, levels, settings)
            cells.append(f"{worst(zip(found, expected, strict=True)):.4f}")
        print(f"| {row} | {' | '.join(cells)} |")


def blend_table(page: Any) -> None:
    """Prints the largest differences of Blend Layers, by mode and space, then by operator and alphas."""
    base, layer = picture_levels(64, 96, 3, seed=1), picture_levels(64, 96, 3, seed=2)
    mask = picture_levels(64, 96, 3, seed=3)[..., 0]
    print(f"\n| mode | {' | '.join(SPACES)} |\n|---|{'---|' * len(SPACES)}")
    for name, mode in BLEND_MODES.items():
        cells: list[str] = []
        for space in SPACES:
            if space == "OKLab" and mode.operator != "source-over":
                cells.append("-")
                continue
            settings = [Blend(name, opacity, space) for opacity in (1.0, 0.63)]
            found = blend_in_browser(page, base, layer, mask, settings)
            expected = [one.in_python(base, layer, mask) for one in settings]
            cells.append(f"{worst(zip(found, expected, strict=True)):.3f}")
        print(f"| {name} | {' | '.join(cells)} |")
    base, layer = picture_levels(64, 96, 4, seed=4), picture_levels(50, 110, 4, seed=5)
    print("\n| operator, both with alpha | sRGB | linear |\n|---|---|---|")
    for name in OPERATORS:
        settings = [Blend("multiply", 0.8, space, name, offset=(5, -3)) for space in ("sRGB", "linear")]
        found = blend_in_browser(page, base, layer, mask, settings)
        pairs = ((one, other.in_python(base, layer, mask)) for one, other in zip(found, settings, strict=True))
        print(f"| {name} | {' | '.join(f'{worst([pair]):.3f}' for pair in pairs)} |")


def proxy_table(page: Any, photo: Tensor, mask: Tensor) -> None:
    """Prints how far the preview of a proxy is from the proxy of the node's result: largest, 99.9 %, mean."""
    height, width = mask.shape[1:]
    rows, columns = proxy_size(height, width)
    scale = max(rows, columns) / max(height, width)
    levels = (shrink_mask(mask, rows, columns)[0, ..., 0] * 255).round()
    print(f"\n{width}x{height}, its proxy {columns}x{rows}\n\n| setting | largest | 99.9 % | mean |\n|---|---|---|---|")

    def line(name: str, found: Tensor, expected: Tensor) -> None:
        difference = (found.clamp(0, 1) - expected.clamp(0, 1)).abs().flatten() * 255
        figures = (difference.amax(), difference.sort().values[int(0.999 * len(difference))], difference.mean())
        print(f"| {name} | {' | '.join(f'{float(figure):.2f}' for figure in figures)} |")

    for grow, feather in ((8.0, 16.0), (-20.0, 0.0), (0.0, 64.0), (60.0, 100.0)):
        whole = feather_mask(grow_mask(mask, grow), feather)
        (found,) = grow_feather_in_browser(page, levels, [GrowFeather(grow * scale, feather * scale)])
        line(f"grow {grow:g}, feather {feather:g}", found, shrink_mask(whole, rows, columns)[0, ..., 0])
    base, layer = ((shrink_image(one, rows, columns)[0] * 255).round() for one in (photo, photo.flip(2)))
    for mode, space in (("normal", "sRGB"), ("multiply", "linear"), ("soft-light", "OKLab"), ("difference", "sRGB")):
        whole = blend_images(photo, photo.flip(2), mask, mode=mode, space=space, opacity=0.8)
        (found,) = blend_in_browser(page, base, layer, levels, [Blend(mode, 0.8, space)])
        line(f"{mode}, {space}", found[..., :3], shrink_image(whole, rows, columns)[0])


def times(page: Any) -> None:
    """Prints what one redraw takes at 768 x 768."""
    settings = {
        "grow 8, feather 16": GrowFeather(8.0, 16.0),
        "grow 8, feather 16, outside": GrowFeather(8.0, 16.0, "outside"),
        "grow 64, feather 64": GrowFeather(64.0, 64.0),
        "grow 64, diamond": GrowFeather(64.0, shape="diamond"),
        "blend normal, sRGB": Blend(),
        "blend soft-light, linear": Blend("soft-light", space="linear"),
        "blend luminosity, OKLab": Blend("luminosity", space="OKLab"),
    }
    given = [{"mode": None, **vars(one)} for one in settings.values()]
    made, *taken = page.evaluate(TIMED, [SITE, SIDE, encode(mask_levels("antialiased", SIDE, SIDE)), given])
    print(f"\n| at {SIDE}x{SIDE} | ms |\n|---|---|\n| a mask's distances, once per run | {made:.0f} |")
    for name, each in zip(settings, taken, strict=True):
        print(f"| {name} | {each:.1f} |")


def main(arguments: list[str]) -> None:
    options, paths = _split(arguments)
    torch.set_num_threads(1)
    photo, mask = picture_levels(1200, 1600, 3, seed=1)[None] / 255, mask_levels("antialiased", 1200, 1600)[None] / 255
    if paths:
        photo, mask = load_image(Path(paths[0])).image[..., :3], load_image(Path(paths[1])).image[..., 0]
        mask = (mask > 0).float()
    with chromium(importlib.import_module("playwright.sync_api")) as browser:
        page = browser.new_page()
        page.route("**/*", answer)
        page.goto(f"{SITE}/empty")
        print(page.evaluate(RENDERER))
        if "--times" not in options:
            mask_table(page)
            blend_table(page)
            proxy_table(page, photo, mask)
        times(page)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Options, and the paths."""
    return [one for one in arguments if one.startswith("--")], [one for one in arguments if not one.startswith("--")]


RENDERER = """() => {
    const gl = document.createElement("canvas").getContext("webgl2")
    return gl.getParameter(gl.getExtension("WEBGL_debug_renderer_info").UNMASKED_RENDERER_WEBGL)
}"""


def answer(route: Any) -> None:
    """Serves the folder `web`, and an empty page for everything else."""
    path = WEB / route.request.url.removeprefix(f"{SITE}/")
    text = path.is_file()
    route.fulfill(
        body=path.read_bytes() if text else "<!doctype html>", content_type="text/javascript" if text else "text/html"
    )


if __name__ == "__main__":
    main(sys.argv[1:])

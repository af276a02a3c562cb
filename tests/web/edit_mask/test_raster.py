"""The strokes of Edit Mask in the browser: the same masks as in Python, pixel by pixel within 1/255."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.frontend import SITE, WEB
from support.stroke_golden import CASES, base_mask, base_picture, decode, in_python, random_edit
from torch import Tensor

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "strokes.json").read_text(encoding="utf-8"))
DRAW = """async ([site, text, mask, levels]) => {
    const { drawStroke } = await import(`${site}/edit_mask/raster.mjs`)
    const { parseStrokes, formatStrokes } = await import(`${site}/edit_mask/strokes.mjs`)
    const edit = parseStrokes(text)
    const drawn = { ...mask, values: Float32Array.from(mask.values) }
    const picture = { ...mask, data: Uint8ClampedArray.from(levels), known: new WeakMap() }
    for (const stroke of edit.strokes) drawStroke(drawn, stroke, picture)
    return { text: formatStrokes(edit), values: Array.from(drawn.values) }
}"""
LIVE = """async ([site, text, mask]) => {
    const { drawStroke, LiveBrush } = await import(`${site}/edit_mask/raster.mjs`)
    const { parseStrokes, UNIT } = await import(`${site}/edit_mask/strokes.mjs`)
    const below = { ...mask, values: Float32Array.from(mask.values) }
    const shown = { ...mask, values: Float32Array.from(mask.values) }
    let worst = 0
    for (const stroke of parseStrokes(text).strokes.filter(({ tool }) => tool === "brush")) {
        shown.values.set(below.values)
        const live = new LiveBrush(below, shown, stroke)
        for (let at = 0; at < stroke.points.length; at += 2) {
            const [x, y] = [stroke.points[at] * mask.width / UNIT, stroke.points[at + 1] * mask.height / UNIT]
            live.extend(x, y, (stroke.pressure[at / 2] ?? 100) / 100)
        }
        drawStroke(below, stroke)
        below.values.forEach((value, at) => { worst = Math.max(worst, Math.abs(value - shown.values[at])) })
    }
    return worst
}"""


def given(text: str, mask: Tensor) -> list[Any]:
    height, width = mask.shape[1:]
    return [SITE, text, {"width": width, "height": height, "values": mask.flatten().tolist()}]


def in_browser(site: Any, text: str, mask: Tensor) -> Tensor:
    picture = base_picture(*mask.shape[1:])[0]
    levels = torch.cat([picture, torch.ones_like(picture[..., :1])], -1).mul(255).round().int().flatten().tolist()
    answer = site.evaluate(DRAW, [*given(text, mask), levels])
    assert answer["text"] == text
    return torch.tensor(answer["values"]).reshape(mask.shape)


def test_the_golden_masks_are_those_of_every_case() -> None:
    assert list(GOLDEN["cases"]) == list(CASES)


@pytest.mark.parametrize("name", CASES)
def test_python_gives_the_golden_mask(name: str) -> None:
    case, size = GOLDEN["cases"][name], (GOLDEN["height"], GOLDEN["width"])
    drawn = in_python(case["strokes"], *size)
    torch.testing.assert_close(drawn, decode(case["mask"], *size), atol=0.51 / 255, rtol=0)
    assert not torch.equal(decode(case["mask"], *size), decode(GOLDEN["mask"], *size))


def test_the_golden_picture_is_the_one_that_is_drawn_over() -> None:
    assert torch.equal(decode(GOLDEN["picture"], GOLDEN["height"], GOLDEN["width"], 3), base_picture())


@pytest.mark.parametrize("name", CASES)
def test_the_browser_gives_the_golden_mask(site: Any, name: str) -> None:
    case, size = GOLDEN["cases"][name], (GOLDEN["height"], GOLDEN["width"])
    drawn = in_browser(site, case["strokes"], decode(GOLDEN["mask"], *size))
    torch.testing.assert_close(drawn, decode(case["mask"], *size), atol=1 / 255, rtol=0)


@pytest.mark.parametrize("seed", range(12))
def test_browser_and_python_draw_random_strokes_alike(site: Any, seed: int) -> None:
    text, mask = random_edit(seed), base_mask(90, 130)
    torch.testing.assert_close(in_browser(site, text, mask), in_python(text, 90, 130), atol=1 / 255, rtol=0)


@pytest.mark.parametrize("seed", range(4))
def test_a_brush_that_grows_under_the_hand_looks_as_it_is_stored(site: Any, seed: int) -> None:
    assert site.evaluate(LIVE, given(random_edit(seed), base_mask(90, 130))) < 1 / 255


def test_a_line_is_stored_with_the_points_that_its_shape_needs(site: Any) -> None:
    kept = site.evaluate(
        """async site => {
            const { simplify } = await import(`${site}/edit_mask/strokes.mjs`)
            const point = at => ({ x: at, y: at < 50 ? 0 : at - 50, r: at === 20 ? 9 : 5 })
            const line = Array.from({ length: 101 }, (_, at) => point(at))
            return simplify(line, 0.5).map(({ x }) => x)
        }""",
        SITE,
    )
    assert kept == [0, 19, 20, 21, 50, 100]


def test_only_the_small_entry_is_loaded_by_the_host_itself() -> None:
    assert [path.name for path in WEB.rglob("*.js")] == ["hemline.js"]
    assert (WEB / "hemline.js").stat().st_size < 4000

"""The page with an Edit Mask node: what a user does to it, and what is seen and stored then."""

from __future__ import annotations

from typing import Any

import torch

from hemline.segmentation.strokes.raster import apply_strokes
from hemline.segmentation.strokes.text import Edit, parse_strokes
from support.frontend import PICTURE, to_prompt
from support.widget_page import Place, file_of, look_from, pixel_at, place_on, png, settle, tell_executed

ID = "HemlineEditMask"
WIDTH, HEIGHT = 300, 400
DIGESTS = {"image": "0123456789abcdef", "mask": "00ff00ff00ff00ff"}
CANVAS, STATUS = ".hemline-edit canvas", ".hemline-status"
PROMPT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": PICTURE}},
    "2": {
        "class_type": ID,
        "inputs": {"picture": ["1", 0], "strokes": "", "image": "", "on_stale": "replay", "wait_for_ok": False},
    },
    "3": {"class_type": "HemlinePreviewMask", "inputs": {"image": ["1", 0], "mask": ["2", 0], "opacity": 0.5}},
}
PLACES = {"LoadImage": (0, 60), ID: (320, 60), "HemlinePreviewMask": (900, 60)}
GREY = [120, 120, 120, 255]


def give_pictures(server: Any, name: str, shade: int) -> None:
    """A grey picture whose middle is transparent, in the channels that the host serves."""
    photo, alpha = torch.full((HEIGHT, WIDTH, 3), shade / 255), torch.ones(HEIGHT, WIDTH, 1)
    alpha[150:250, 100:200] = 0
    server.pictures[name, "rgb"] = png(photo)
    server.pictures[name, "a"] = png(torch.cat([torch.zeros_like(photo), alpha], -1))
    server.pictures[name, ""] = png(torch.cat([photo, alpha], -1))


def show(page: Any) -> None:
    look_from(page, (100, 60), CANVAS)
    page.wait_for_function("query => document.querySelector(query).textContent.includes('stroke')", arg=STATUS)
    settle(page)


def run(page: Any, server: Any, name: str = "first.png", **digests: Any) -> None:
    """Tells the page that the node was run and shows a picture."""
    tell_executed(server, "2", {"images": [file_of(name)], "hemline": [DIGESTS | digests], "text": ["ran"]})
    page.wait_for_function("() => !document.querySelector('[data-hemline=host]').disabled")
    page.wait_for_function(f"() => window.app.graph.getNodeById(2).imgs?.[0]?.src.includes('{name}')")
    settle(page)


def place(page: Any, x: float, y: float) -> Place:
    """Where a point of the picture, in shares, lies on the page."""
    return place_on(page, CANVAS, WIDTH / HEIGHT, x, y)


def drag(page: Any, *points: tuple[float, float]) -> None:
    page.mouse.move(*place(page, *points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*place(page, *point), steps=4)
    page.mouse.up()
    settle(page)


def choose(page: Any, key: str) -> None:
    page.click(f"[data-hemline={key}]")


def stored(page: Any) -> Edit:
    return parse_strokes(to_prompt(page)["2"]["inputs"]["strokes"])


def colour(page: Any, x: float, y: float) -> list[int]:
    """What the canvas shows at a point of the picture."""
    return pixel_at(page, CANVAS, place(page, x, y))


def drawn(page: Any) -> torch.Tensor:
    """What Python makes of nothing with the stored strokes."""
    return apply_strokes(torch.zeros(1, HEIGHT, WIDTH), stored(page).strokes)[0]

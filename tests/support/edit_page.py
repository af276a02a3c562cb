"""The page with an Edit Mask node: what a user does to it, and what is seen and stored then."""

from __future__ import annotations

import io
from typing import Any

import torch
from PIL import Image

from hemline.segmentation.strokes.raster import apply_strokes
from hemline.segmentation.strokes.text import Edit, parse_strokes
from support.frontend import PICTURE, to_prompt

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
PLACES = {"LoadImage": [0, 60], ID: [320, 60], "HemlinePreviewMask": [900, 60]}
GREY = [120, 120, 120, 255]


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def give_pictures(server: Any, name: str, shade: int) -> None:
    """A grey picture whose middle is transparent, in the channels that the host serves."""
    photo = Image.new("RGB", (WIDTH, HEIGHT), (shade, shade, shade))
    alpha = Image.new("L", (WIDTH, HEIGHT), 255)
    alpha.paste(0, (100, 150, 200, 250))
    holes = Image.new("RGBA", (WIDTH, HEIGHT))
    holes.putalpha(alpha)
    server.pictures[name, "rgb"], server.pictures[name, "a"] = png(photo), png(holes)
    photo.putalpha(alpha)
    server.pictures[name, ""] = png(photo)


def show(page: Any) -> None:
    page.evaluate(
        """() => {
            window.app.canvas.ds.scale = 1
            window.app.canvas.ds.offset = [100, 60]
            window.app.graph.setDirtyCanvas(true, true)
        }"""
    )
    page.wait_for_function("query => document.querySelector(query)?.clientHeight > 100", arg=CANVAS)
    page.wait_for_function("query => document.querySelector(query).textContent.includes('stroke')", arg=STATUS)
    settle(page)


def settle(page: Any) -> None:
    """Waits until what was asked for with the next frame is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def run(page: Any, server: Any, name: str = "first.png", **digests: Any) -> None:
    """Tells the page that the node was run and shows a picture."""
    image = {"filename": name, "subfolder": "", "type": "temp"}
    server.send(
        "executed", node="2", display_node="2", prompt_id="1",
        output={"images": [image], "hemline": [DIGESTS | digests], "text": ["ran"]},
    )  # fmt: skip
    page.wait_for_function("() => !document.querySelector('[data-hemline=host]').disabled")
    page.wait_for_function(f"() => window.app.graph.getNodeById(2).imgs?.[0]?.src.includes('{name}')")
    settle(page)


def place(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where a point of the picture, in shares, lies on the page."""
    box = page.locator(CANVAS).bounding_box()
    height = min(box["height"], box["width"] * HEIGHT / WIDTH)
    width = height * WIDTH / HEIGHT
    return (
        box["x"] + box["width"] / 2 + (x - 0.5) * width,
        box["y"] + box["height"] / 2 + (y - 0.5) * height,
    )


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
    return page.evaluate(
        """([query, left, top]) => {
            const canvas = document.querySelector(query)
            const box = canvas.getBoundingClientRect()
            const [x, y] = [(left - box.left) / box.width * canvas.width, (top - box.top) / box.height * canvas.height]
            return Array.from(canvas.getContext("2d").getImageData(Math.round(x), Math.round(y), 1, 1).data)
        }""",
        [CANVAS, *place(page, x, y)],
    )


def drawn(page: Any) -> torch.Tensor:
    """What Python makes of nothing with the stored strokes."""
    return apply_strokes(torch.zeros(1, HEIGHT, WIDTH), stored(page).strokes)[0]

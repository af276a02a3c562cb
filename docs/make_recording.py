"""Records Edit Mask in the real ComfyUI frontend while a mask is corrected: docs/edit_mask.gif for the README.

python docs/make_recording.py   (needs Chromium and the packages of hemline[test])
"""

from __future__ import annotations

import importlib
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from pictures.panels import call
from pictures.scenes import found, sweater
from PIL import Image
from torch import Tensor

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests"))
ID, PREVIEW = "HemlineEditMask", "automatic.png"
CANVAS, EDITOR = ".hemline-edit canvas", ".hemline-edit"
WIDTH_PX, COLOURS, LARGEST_BYTES = 420, 255, 2_000_000
FRAME_MS, PAUSE_MS = 90, 1500
# The upper body, as shares of rows and columns: large enough to see the edge.
TOP, BOTTOM, LEFT, RIGHT = 0.03, 0.57, 0.1, 0.9
# What is done, as (tool, points in shares of the picture): the wall between the arms and the body goes.
SIZE_PERCENT = 1
STROKES = (
    ("eraser", ((0.637, 0.53), (0.641, 0.57), (0.646, 0.61), (0.651, 0.65), (0.655, 0.69), (0.658, 0.73), (0.654, 0.70),
                (0.649, 0.66))),
    ("eraser", ((0.361, 0.53), (0.357, 0.57), (0.352, 0.61), (0.347, 0.65), (0.343, 0.69), (0.340, 0.73), (0.344, 0.70),
                (0.349, 0.66))),
)  # fmt: skip


def main() -> None:
    """Records, and writes the GIF."""
    frames = list(recorded())
    ends = [frames[0][0], frames[-1][0]]
    both = Image.new("RGB", (2 * ends[0].width, ends[0].height))
    both.paste(ends[0], (0, 0))
    both.paste(ends[1], (ends[0].width, 0))
    palette = both.quantize(COLOURS)  # one for all, else still parts flicker
    pictures = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture, _ in frames]
    times = [time for _, time in frames]
    target = DOCS / "edit_mask.gif"
    pictures[0].save(target, save_all=True, append_images=pictures[1:], duration=times, loop=0, optimize=True)
    size = target.stat().st_size
    assert 0 < size < LARGEST_BYTES, f"the recording has {size} bytes"


def recorded() -> Iterator[tuple[Image.Image, int]]:
    """The frames and for how many milliseconds each is shown."""
    from support.fake_comfyui import comfyui, install_pack
    from support.frontend import chromium, frontend, object_info_of
    from support.stub_server import StubServer, serving

    with (
        tempfile.TemporaryDirectory() as base, comfyui(Path(base), "V1") as host,
        chromium(importlib.import_module("playwright.sync_api")) as browser,
    ):  # fmt: skip
        host.load_pack(install_pack(Path(base) / "custom_nodes", name="hemline"))
        with (
            serving(StubServer(object_info_of(host), host.web_directories)) as server,
            frontend(browser, server, "classic", ID) as page,
        ):
            show_node(page, server)
            page.fill("[data-hemline=size]", str(SIZE_PERCENT))
            yield frame(page), PAUSE_MS
            for tool, points in STROKES:
                page.click(f"[data-hemline={tool}]")
                yield from drawn(page, points)
            page.mouse.move(5, 5)
            yield frame(page), 2 * PAUSE_MS


def show_node(page: Any, server: Any) -> None:
    """Edit Mask alone on the canvas, after a run that gave it the automatic mask."""
    from support.frontend import PICTURE, load
    from support.ui_workflow import ui_workflow
    from support.widget_page import png

    photo, mask = (part[0] for part in automatic())
    shown = torch.cat([photo, 1 - mask.unsqueeze(-1)], -1)
    for name in (PICTURE, PREVIEW):
        server.pictures[name, "rgb"] = png(photo)
        server.pictures[name, "a"] = server.pictures[name, ""] = png(shown)
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": PICTURE}},
        "2": {
            "class_type": ID,
            "inputs": {"picture": ["1", 0], "strokes": "", "image": "", "on_stale": "replay", "wait_for_ok": False},
        },
    }
    workflow = ui_workflow(prompt, server.object_info)
    for node, left in zip(workflow["nodes"], (-900, 20), strict=True):
        node["pos"], node["size"] = [left, 40], [430, 640]
    load(page, workflow)
    page.evaluate(
        "() => { app.canvas.ds.scale = 1.6; app.canvas.ds.offset = [60, 40]; app.graph.setDirtyCanvas(true) }"
    )
    page.wait_for_function("query => document.querySelector(query)?.clientHeight > 100", arg=CANVAS)
    image = {"filename": PREVIEW, "subfolder": "", "type": "temp"}
    digests = {"image": "0123456789abcdef", "mask": "00ff00ff00ff00ff"}
    output = {"images": [image], "hemline": [digests], "text": []}
    server.send("executed", node="2", display_node="2", prompt_id="1", output=output)
    page.wait_for_function("() => !document.querySelector('[data-hemline=host]').disabled")
    page.wait_for_timeout(1000)


def automatic() -> tuple[Tensor, Tensor]:
    """The drawn photo ``[1,h,w,3]`` and the mask ``[1,h,w]`` that Detect Garments gives, cut to the upper body."""
    photo = sweater()[0]
    mask = call("HemlineSelectGarments", garments=found(sweater)["garments"], labels="tops")["mask"]
    height, width = photo.shape[1:3]
    rows = slice(round(TOP * height), round(BOTTOM * height))
    columns = slice(round(LEFT * width), round(RIGHT * width))
    return photo[:, rows, columns], mask[:, rows, columns]


def drawn(page: Any, points: Sequence[tuple[float, float]]) -> Iterator[tuple[Image.Image, int]]:
    """The frames of one stroke."""
    from support.widget_page import place_on

    height, width = automatic()[0].shape[1:3]
    places = [place_on(page, CANVAS, width / height, x, y) for x, y in points]
    page.mouse.move(*places[0])
    yield frame(page), 4 * FRAME_MS
    page.mouse.down()
    for place in places[1:]:
        for _ in range(2):
            page.mouse.move(*place, steps=3)
        yield frame(page), FRAME_MS
    page.mouse.up()
    yield frame(page), PAUSE_MS // 2


def frame(page: Any) -> Image.Image:
    """What the editor looks like now."""
    from support.widget_page import settle

    settle(page)
    box = page.locator(EDITOR).bounding_box()
    clip = {"x": box["x"] - 8, "y": box["y"] - 8, "width": box["width"] + 16, "height": box["height"] + 16}
    picture = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
    return picture.resize((WIDTH_PX, round(picture.height * WIDTH_PX / picture.width)), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()

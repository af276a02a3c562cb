"""A page whose nodes have widgets of ours: nodes laid out, widgets changed, and what a canvas in a widget shows."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from hemline.hosts.pictures import from_bytes, to_bytes
from support.prompt_validation import Prompt
from support.ui_workflow import ui_workflow

Place = tuple[float, float]


def laid_out(prompt: Prompt, object_info: dict[str, Any], places: Mapping[str, Place]) -> dict[str, Any]:
    """The prompt as a workflow whose nodes open in the size that they take. places: class of node -> its corner."""
    workflow = ui_workflow(prompt, object_info)
    for node in workflow["nodes"]:
        node["pos"] = list(places[node["type"]])
        node.pop("size", None)
    return workflow


def look_from(page: Any, offset: Place, canvas: str) -> None:
    """Shows the graph unscaled, moved by `offset`, and waits until a widget's canvas has its room."""
    page.evaluate(
        """offset => {
            window.app.canvas.ds.scale = 1
            window.app.canvas.ds.offset = offset
            window.app.graph.setDirtyCanvas(true, true)
        }""",
        list(offset),
    )
    page.wait_for_function("query => document.querySelector(query)?.clientHeight > 100", arg=canvas)


def file_of(name: str) -> dict[str, str]:
    """How a host names a picture of a run."""
    return {"filename": name, "subfolder": "", "type": "temp"}


def tell_executed(server: Any, id: str, output: dict[str, Any]) -> None:
    """Tells every page that a node was run and what it gave."""
    server.send("executed", node=id, display_node=id, prompt_id="1", output=output)


def settle(page: Any) -> None:
    """Waits until what was asked for with the next frame is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def set_widget(page: Any, id: str, name: str, value: Any) -> None:
    """Changes a widget of a node as a slider does that somebody moves."""
    page.evaluate(
        """([id, name, value]) => {
            const widget = window.app.graph.getNodeById(id).widgets.find(widget => widget.name === name)
            widget.value = value
            widget.callback?.(value)
        }""",
        [id, name, value],
    )
    settle(page)


def place_on(page: Any, canvas: str, ratio: float, x: float, y: float) -> Place:
    """Where a point of the picture, in shares, lies on the page while all of it is shown. ratio: width / height."""
    box = page.locator(canvas).bounding_box()
    height = min(box["height"], box["width"] / ratio)
    return box["x"] + box["width"] / 2 + (x - 0.5) * height * ratio, box["y"] + box["height"] / 2 + (y - 0.5) * height


def pixel_at(page: Any, canvas: str, place: Place) -> list[int]:
    """Red, green, blue and alpha that a canvas shows at a point of the page."""
    return page.evaluate(
        """([query, [left, top]]) => {
            const canvas = document.querySelector(query)
            const box = canvas.getBoundingClientRect()
            const [x, y] = [(left - box.left) / box.width * canvas.width, (top - box.top) / box.height * canvas.height]
            return Array.from(canvas.getContext("2d").getImageData(Math.round(x), Math.round(y), 1, 1).data)
        }""",
        [canvas, list(place)],
    )


def png(image: Tensor) -> bytes:
    """A picture ``[H,W,C]`` or mask ``[H,W]`` as the bytes of a PNG file."""
    file = io.BytesIO()
    from_bytes(to_bytes(image)).save(file, "PNG")
    return file.getvalue()

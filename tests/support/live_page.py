"""The page with Grow & Feather Mask and Blend Layers, and what their live previews show and say."""

from __future__ import annotations

import base64
from typing import Any

import torch
from torch import Tensor

from support.frontend import PICTURE
from support.widget_page import file_of, look_from, settle, tell_executed

MASK_ID, BLEND_ID = "HemlineGrowFeatherMask", "HemlineBlendLayers"
WIDTH, HEIGHT = 120, 80
# The proxies stand for pictures of twice their size.
SCALE = 0.5
NODES = {"mask": "2", "blend": "3"}
START = {
    "grow": 0.0, "feather": 0.0, "side": "centred", "shape": "round", "profile": "blur", "unit": "px",
    "left": 100.0, "right": 100.0, "top": 100.0, "bottom": 100.0,
}  # fmt: skip
BLEND_START = {
    "mode": "normal", "opacity": 1.0, "space": "sRGB", "fit": "error", "operator": "source-over", "alpha": "straight",
    "offset_x": 0, "offset_y": 0, "dissolve_seed": 0,
}  # fmt: skip
PROMPT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": PICTURE}},
    "2": {"class_type": MASK_ID, "inputs": {"mask": ["1", 1], "image": ["1", 0], **START}},
    "3": {"class_type": BLEND_ID, "inputs": {"base": ["1", 0], "layer": ["1", 0], "mask": ["2", 0], **BLEND_START}},
    "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
}
PLACES = {"LoadImage": (0, 60), MASK_ID: (320, 0), BLEND_ID: (720, 0), "PreviewImage": (1120, 60)}


def disk() -> Tensor:
    """An antialiased disk as 8-bit levels ``[H,W]``."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    return ((25.0 - torch.hypot(x - 50.0, y - 40.0)).clamp(0, 1) * 255).round()


def noise(seed: int, channels: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (HEIGHT, WIDTH, channels), generator=generator).float()


MASK, PHOTO, BASE, LAYER = disk(), noise(1, 3), noise(2, 3), noise(3, 4)
RESULT = torch.full((HEIGHT, WIDTH, 3), 200.0)


def show(page: Any) -> None:
    look_from(page, (60, 60), ".hemline-live canvas")
    page.wait_for_function("() => document.querySelectorAll('.hemline-live').length === 2")
    for which in NODES:
        page.wait_for_function(f"() => {element(which, '.hemline-status')}?.textContent")
    settle(page)


def element(which: str, query: str) -> str:
    """JavaScript for an element of a node's preview."""
    widget = f"window.app.graph.getNodeById({NODES[which]}).widgets.find(widget => widget.name === 'preview')"
    return f"{widget}.element.querySelector('{query}')"


def said(page: Any, which: str) -> str:
    return page.evaluate(f"() => {element(which, '.hemline-status')}.textContent")


def run(page: Any, server: Any, which: str, result: str = "result", **data: str) -> None:
    """Tells the page that the node was run, and waits until its preview is there."""
    names = {"mask": {"mask": "mask", "image": "photo"}, "blend": {"base": "base", "layer": "layer"}}[which]
    sent = {name: [file_of(f"{file}.png")] for name, file in names.items()}
    sent["result"] = [file_of(f"{result}.png")]
    size = {"width": str(int(WIDTH / SCALE)), "height": str(int(HEIGHT / SCALE)), "count": "1"}
    own = {"mask": {"size_px": "100"}, "blend": {"x": "0", "y": "0", "alpha": "straight", "fit": "", "beyond": ""}}
    tell_executed(server, NODES[which], {"hemline": [{**size, **own[which], **data, "pictures": sent}]})
    page.wait_for_function(f"() => !/Run once|Loading/.test({element(which, '.hemline-status')}.textContent)")
    settle(page)


def shown(page: Any, which: str) -> Tensor:
    """What the canvas of a preview shows, ``[H,W,3]``, 0..255."""
    text = page.evaluate(
        f"""() => {{
            const canvas = {element(which, "canvas")}
            const {{ data }} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
            return new Uint8Array(data.buffer).toBase64()
        }}"""
    )
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8).reshape(HEIGHT, WIDTH, 4)[..., :3]


def redraws(page: Any, which: str) -> int:
    root = element(which, "canvas").replace(".querySelector('canvas')", "")
    return int(page.evaluate(f"() => {root}.dataset.redraws ?? 0"))


def assert_shows(page: Any, which: str, expected: Tensor, levels: float = 2.0) -> None:
    """expected: ``[H,W]`` or ``[H,W,3]``, 0..1. levels: by how many of 255 it may differ, beside rounding to 8 bits."""
    expected = expected if expected.dim() == 3 else expected.unsqueeze(-1).expand(-1, -1, 3)
    difference = (shown(page, which).float() - expected.clamp(0, 1) * 255).abs().max()
    assert float(difference) <= levels + 0.5


def over_checks(picture: Tensor) -> Tensor:
    """A picture ``[H,W,4]`` over the checkerboard that stands for holes."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    check = (0.35 + 0.15 * ((x // 8 + y // 8) % 2)).unsqueeze(-1)
    alpha = picture[..., 3:].clamp(0, 1)
    return picture[..., :3].clamp(0, 1) * alpha + check * (1 - alpha)


def as_matte(page: Any) -> None:
    page.evaluate(
        f"""() => {{
            const view = {element("mask", "select")}
            view.value = "1"
            view.dispatchEvent(new Event("change"))
        }}"""
    )
    settle(page)

"""Preview & Compare on the page: what it is sent is what the node itself makes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from hemline.nodes.compare import preview_compare
from hemline.segmentation.garments import Garment, Garments
from hemline.segmentation.vocabulary import LEGEND
from support.contexts import CONTEXT
from support.frontend import PICTURE, to_prompt
from support.pictures import drawn_person, shirt_mask
from support.widget_page import Place, file_of, look_from, pixel_at, place_on, png, settle, tell_executed

ID = "HemlinePreviewCompare"
VIEWER = replace(CONTEXT, has_viewer=True)
HEIGHT, WIDTH = 400, 300
ROOT, STATUS, READOUT = ".hemline-compare", ".hemline-compare .hemline-status", ".hemline-readout"
CANVAS = f"{ROOT} > canvas"
VALUES = {
    "view": "overlay", "position": 0.5, "opacity": 0.5, "colour": "blue", "gain": 4.0, "labels": False,
    "fit": "contain",
}  # fmt: skip
PROMPT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": PICTURE}},
    "2": {"class_type": ID, "inputs": {"image": ["1", 0], **VALUES}},
}
PLACES = {"LoadImage": (0, 60), ID: (320, 60)}
A, MASK = drawn_person(HEIGHT, WIDTH), shirt_mask(HEIGHT, WIDTH)
B = torch.where(MASK.unsqueeze(-1) > 0, torch.tensor([0.1, 0.6, 0.2]), A)
# Of the picture: the middle of the shirt, of the trousers, of the hair, and of the wall.
SHIRT, TROUSERS, HAIR, WALL = (0.5, 0.35), (0.5, 0.7), (0.5, 0.06), (0.1, 0.9)
RED, GREEN, GREY = [191, 26, 31], [26, 153, 51], [219, 219, 219]


def garments() -> Garments:
    """The shirt, found; the hair lies there but was not asked for."""
    labels = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.uint8)
    labels[0, MASK[0] > 0] = LEGEND.index("upper")
    labels[0, int(0.04 * HEIGHT) : int(0.08 * HEIGHT), int(0.42 * WIDTH) : int(0.58 * WIDTH)] = LEGEND.index("hair")
    shirt = Garment(MASK[0], "upper", 0.87, (90, 68, 210, 200))
    return Garments(WIDTH, HEIGHT, 1, (shirt,), "parser", labels=labels)


def show(page: Any) -> None:
    look_from(page, (60, 40), CANVAS)
    page.wait_for_function("query => document.querySelector(query).textContent.length > 0", arg=STATUS)
    settle(page)


def run(page: Any, server: Any, image: Tensor = A, **inputs: Any) -> None:
    """Runs the node and tells the page what it sends, as the host does."""
    result = preview_compare(context=VIEWER, image=image, **inputs)
    sent: dict[str, list[dict[str, str]]] = {}
    run.count += 1  # files of other runs have other names
    for name, batch in result.pictures.items():
        sent[name] = []
        for index, picture in enumerate(batch):
            file = f"{name}_{run.count}_{index}.png"
            server.pictures[file, ""] = png(picture)
            sent[name].append(file_of(file))
    page.evaluate("query => { document.querySelector(query).ariaBusy = 'soon' }", ROOT)
    data = {**result.data, "pictures": sent}
    tell_executed(server, "2", {"images": sent["a"], "hemline": [data], "text": list(result.text)})
    loaded(page)


def loaded(page: Any) -> None:
    """Waits until pictures that are on their way are there and drawn."""
    page.wait_for_function("query => document.querySelector(query).ariaBusy === 'false'", arg=ROOT)
    settle(page)


run.count = 0


def place(page: Any, x: float, y: float) -> Place:
    """Where a point of the picture, in shares, lies on the page while all of it is shown."""
    return place_on(page, CANVAS, WIDTH / HEIGHT, x, y)


def colour(page: Any, x: float, y: float) -> list[int]:
    """What the canvas shows at a point of the picture."""
    return colour_at(page, *place(page, x, y))


def colour_at(page: Any, left: float, top: float) -> list[int]:
    """What the canvas shows at a point of the page."""
    return pixel_at(page, CANVAS, (left, top))[:3]


def choose(page: Any, view: str) -> None:
    page.click(f"{ROOT} [data-hemline='{view}']")
    settle(page)


def stored(page: Any) -> dict[str, Any]:
    return to_prompt(page)["2"]["inputs"]


def near(one: list[int], other: list[int], within: int = 2) -> bool:
    return all(abs(a - b) <= within for a, b in zip(one, other, strict=True))

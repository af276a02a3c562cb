"""`hemline demo`: the whole chain on a real photo, and a contact sheet of its stages."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..blending.compare import stamp
from ..errors import MissingModel, pip_line
from ..resampling import resize_planes
from .events import Events
from .files import FolderStore
from .headless import run_headless
from .lettering import letter
from .recipes import MaskSettings, check_settings, demo_workflow

NEW_COLOUR = (0.08, 0.44, 0.40)
# A new colour needs no room around the garment, only an edge as soft as the photo's own.
FEATHER_PX = 4.0
PANEL_HEIGHT_PX = 640
CAPTION_PX = 22
MARGIN_PX = 16
PAPER = (0.97, 0.97, 0.96)
INK = (0.10, 0.10, 0.12)


@dataclass(frozen=True)
class DemoPhoto:
    """A photo of people that an installed package ships. person_boxes: which one of several people is meant."""

    package: str
    path: str
    what: str
    person_boxes: str = ""


DEMO_PHOTOS = (
    DemoPhoto("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "tops"),
    DemoPhoto("ultralytics", "assets/bus.jpg", "outfit", "222 405 345 858"),
)


def run_demo(
    output: Path, *, photo: Path | None, what: str | None, person_boxes: str, device: str | None, events: Events
) -> None:
    """Masks a garment, crops it, gives the crop another colour where a diffusion model would repaint it, stitches it
    back, and writes every stage and ``demo_sheet.png`` into `output`.

    Raises `MissingModel` where no photo is given and no package that ships one is installed.
    """
    chosen = DemoPhoto("", str(photo), what or "tops", person_boxes) if photo else find_demo_photo()
    settings = MaskSettings(what or chosen.what, "auto", person_boxes or chosen.person_boxes, feather=FEATHER_PX)
    check_settings(settings)
    store = FolderStore(output)
    swatch = store.save_image("demo_colour", torch.tensor(NEW_COLOUR).expand(8, 8, 3))
    workflow = demo_workflow(chosen.path, str(swatch), settings)
    store.save_text("demo_workflow.json", json.dumps(workflow, indent=2) + "\n")
    results = run_headless(
        workflow, output, given_files=(chosen.path, str(swatch)), device=device,
        on_node=lambda node_id, title, done, total: events.step(title, done, total),
    )  # fmt: skip
    panels = _panels({node_id: result.outputs for node_id, result in results.items()})
    sheet = store.save_image("demo_sheet", contact_sheet(panels))
    count, text = results["2"].outputs[2:4]
    events.tell("photo", f"{chosen.path}: {text}", photo=chosen.path, count=count, text=text)
    events.tell("done", f"contact sheet: {sheet}", sheet=str(sheet), output=str(output))


def find_demo_photo() -> DemoPhoto:
    """The first of `DEMO_PHOTOS` whose package is installed, with its full path; nothing is imported."""
    for candidate in DEMO_PHOTOS:
        spec = importlib.util.find_spec(candidate.package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            path = Path(folder) / candidate.path
            if path.is_file():
                return DemoPhoto(candidate.package, str(path), candidate.what, candidate.person_boxes)
    from ..segmentation.yolo.quiet_import import REQUIREMENT

    raise MissingModel(
        "the demo needs a photo: give one with --photo, or install a package that ships one: "
        + pip_line(REQUIREMENT, "segment-anything")
    )


def contact_sheet(panels: list[tuple[str, Tensor]]) -> Tensor:
    """The pictures ``[H,W,3]`` at one height beside each other, each under its caption, as one picture ``[H,W,3]``."""
    tiles = [_tile(picture.float(), caption) for caption, picture in panels]
    gap = torch.tensor(PAPER).expand(tiles[0].shape[0], MARGIN_PX, 3)
    strip = torch.cat([part for tile in tiles for part in (gap, tile)] + [gap], dim=1)
    edge = torch.tensor(PAPER).expand(MARGIN_PX, strip.shape[1], 3)
    return torch.cat([edge, strip, edge])


def _tile(picture: Tensor, caption: str) -> Tensor:
    width = max(1, round(picture.shape[1] * PANEL_HEIGHT_PX / picture.shape[0]))
    planes = picture.movedim(-1, 0).unsqueeze(0)
    panel = resize_planes(planes, PANEL_HEIGHT_PX, width)[0].movedim(0, -1).clamp(0, 1)
    letters = letter(caption, CAPTION_PX)
    width = max(panel.shape[1], letters.shape[1])
    tile = torch.tensor(PAPER).expand(PANEL_HEIGHT_PX + 2 * CAPTION_PX, width, 3).clone()
    tile[2 * CAPTION_PX :, : panel.shape[1]] = panel
    return stamp(tile, letters, 0, 0, colour=INK)


def _panels(outputs: dict[str, tuple[Any, ...]]) -> list[tuple[str, Tensor]]:
    mask = outputs["4"][0][0].unsqueeze(-1).expand(-1, -1, 3)
    return [
        ("photo", outputs["1"][0][0]),
        ("detected", outputs["10"][0][0]),
        ("soft mask", mask),
        ("crop for inpainting", outputs["6"][0][0][0]),
        ("recoloured, stitched back", outputs["9"][0][0][0]),
    ]

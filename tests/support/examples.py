"""The example workflows, what they read, and the nodes by which they run without ComfyUI and without a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from figures import draw_person

from hemline.hosts.files import FolderStore
from hemline.hosts.headless import HEADLESS_NODES
from hemline.nodes.spec import Port, node
from support.stand_in import repaint

FOLDER = Path(__file__).parents[2] / "example_workflows"
WORKFLOWS = sorted(path.stem for path in FOLDER.glob("*.json"))
SIZE = (640, 448)
CLOTH = (0.10, 0.30, 0.62)
# What a user would choose in each loader, by its title.
FILES = {
    "Photo": "photo.png", "Person": "photo.png", "Garment": "garment.png", "A photo whose tone you like": "look.png",
    "A swatch of the new colour": "cloth.png", "Original": "original.png", "Enhanced": "enhanced.png",
    "Where the enhanced one shows": "mask.png", "Where it never shows": "exclude.png",
}  # fmt: skip
JOBS = """jobs:
  - name: "retouched"
    background_pattern: "originals/*.png"
    overlay_pattern: "enhanced/*.png"
    mask_pattern: "masks/*.png"
    output_template: "{name}_composite.png"
    normalize: 3
    blend_mode: "multiply"
    opacity: 0.5
"""


@node(
    id="TestSampler", name="Stand-in", category="test", outputs=[Port("IMAGE", "IMAGE")],
    inputs=[Port("image", "IMAGE"), Port("mask", "MASK"), Port("faulty", "BOOLEAN", default=True)],
)  # fmt: skip
def stand_in(image, mask, faulty=True):
    """Repaints a crop."""
    return repaint(image, mask, faulty)


NODES = {**HEADLESS_NODES, stand_in.id: stand_in}


def with_pictures(prompt: dict[str, Any]) -> dict[str, Any]:
    """The prompt with the pictures of `write_pictures` in its loaders, chosen by their titles."""
    for entry in prompt.values():
        if entry["class_type"] in ("LoadImage", "LoadImageMask"):
            entry["inputs"]["image"] = FILES[entry["_meta"]["title"]]
    return prompt


def write_pictures(folder: Path) -> None:
    store = FolderStore(folder)
    for name in ("photo", "example"):  # the second is ComfyUI's own, which templates open with
        store.save_image(name, draw_person(*SIZE, seed=2)[0][0])
    store.save_text("composites/jobs.yaml", JOBS)
    for number in (1, 2):
        original, worn = draw_person(160, 112, seed=number)
        store.save_image(f"composites/originals/look{number}", original[0])
        store.save_image(f"composites/enhanced/look{number}", 1 - original[0])
        store.save_image(f"composites/masks/look{number}", worn["upper"])
    original, worn = draw_person(320, 224, seed=1)
    sleeve = worn["upper"] * (torch.arange(224) < 100)
    for name, picture in (
        ("original", original[0]),
        ("enhanced", 1 - original[0]),
        ("mask", worn["upper"]),
        ("exclude", sleeve),
        ("look", 0.9 * draw_person(300, 224, seed=3)[0][0]),
        ("cloth", torch.tensor(CLOTH).expand(96, 64, 3)),
    ):
        store.save_image(name, picture)
    store.save_image("garment", draw_person(300, 300, seed=1, boxes=[(60, -40, 240, 500)])[0][0])

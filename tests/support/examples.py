"""The example workflows, what they read, and the nodes by which they run without ComfyUI and without a checkpoint."""

from __future__ import annotations

from pathlib import Path

from figures import draw_person

from hemline.hosts.files import FolderStore
from hemline.hosts.headless import HEADLESS_NODES
from hemline.nodes.spec import Port, node
from support.stand_in import repaint

FOLDER = Path(__file__).parents[2] / "example_workflows"
WORKFLOWS = sorted(path.stem for path in FOLDER.glob("*.json"))
SIZE = (640, 448)


@node(
    id="TestSampler", name="Stand-in", category="test", outputs=[Port("IMAGE", "IMAGE")],
    inputs=[Port("image", "IMAGE"), Port("mask", "MASK"), Port("faulty", "BOOLEAN", default=True)],
)  # fmt: skip
def stand_in(image, mask, faulty=True):
    """Repaints a crop."""
    return repaint(image, mask, faulty)


NODES = {**HEADLESS_NODES, stand_in.id: stand_in}


def write_pictures(folder: Path) -> None:
    store = FolderStore(folder)
    store.save_image("photo", draw_person(*SIZE, seed=2)[0][0])
    store.save_image("garment", draw_person(300, 300, seed=1, boxes=[(60, -40, 240, 500)])[0][0])

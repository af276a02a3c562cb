"""Makes the pictures of the template dialog: every example workflow on drawn people, before beside after.

python docs/make_thumbnails.py
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from pictures.figure import NAVY, PLUM, SAND, TEAL, WHITE, draw, person
from pictures.scenes import CROWN, HEIGHT, TALL, WIDTH, drawn, pattern, shirt_on_white, skirt, sweater
from PIL import Image
from torch import Tensor

from hemline.hosts.files import FolderStore
from hemline.hosts.headless import HEADLESS_NODES
from hemline.hosts.headless_context import headless_context
from hemline.hosts.workflow import load_workflow, run_workflow
from hemline.resampling import resize_planes

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "example_workflows"
sys.path.insert(0, str(ROOT / "tests"))
# The dialog shows squares, about 300 px wide; the limit keeps the repository small.
SIDE_PX, QUALITY, LARGEST_BYTES = 400, 88, 60_000
DIVIDER_PX, PAPER = 4, 0.97
TEAL_CLOTH = (0.10, 0.45, 0.50)
JOBS = """jobs:
  - background_pattern: "originals/*.png"
    overlay_pattern: "enhanced/*.png"
    mask_pattern: "masks/*.png"
    output_template: "{name}.png"
"""
# The output of Inpaint Crop that another picture is cut into.
EXTRA_SLOT = 7
# Workflow -> (node class, output) of the picture before and of the one after.
PAIRS = {
    "colour_and_background_studio": (("LoadImage", 0), ("HemlineApplyFilter", 0)),
    "composites_of_a_folder": (("HemlineBatchLoad", 0), ("HemlineBlendLayers", 0)),
    "first_mask": (("LoadImage", 0), ("HemlinePreviewCompare", 0)),
    "maskilayer_composite": (("LoadImage", 0), ("HemlineBlendLayers", 0)),
    "outfit_swap_with_an_inpaint_model": (("LoadImage", 0), ("HemlineInpaintStitch", 0)),
    "several_garments_in_one_picture": (("LoadImage", 0), ("HemlineInpaintStitch", 0)),
    "try_on_hand_off": (("HemlineTryOnInputs", 0), ("HemlineTryOnInputs", 4)),
}


def striped() -> tuple[Tensor, dict[str, Tensor]]:
    """The person of `sweater` in stripes."""
    return draw(HEIGHT, WIDTH, [(person(WHITE, NAVY, stripe=TEAL), CROWN, TALL)])


def other() -> tuple[Tensor, dict[str, Tensor]]:
    """The person of `sweater` in other colours."""
    return draw(HEIGHT, WIDTH, [(person(PLUM, SAND), CROWN, TALL)])


def main() -> None:
    """Runs every example and writes its picture beside it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, pair in PAIRS.items():
            write_inputs(Path(folder), other if name == "several_garments_in_one_picture" else striped)
            before, after = run(EXAMPLES / f"{name}.json", Path(folder), pair)
            data = jpeg(split(before, after))
            assert len(data) < LARGEST_BYTES, f"{name} has {len(data)} bytes"
            (EXAMPLES / f"{name}.jpg").write_bytes(data)


def write_inputs(folder: Path, new: Callable[[], tuple[Tensor, dict[str, Tensor]]]) -> None:
    """The pictures that the examples ask for by name. new: draws what a model would paint."""
    store = FolderStore(folder)
    photo = sweater()[0][0]
    patterned = pattern(*photo.shape[:2])[0]
    upper = drawn(sweater, "upper")[0]
    left = upper * (torch.arange(upper.shape[1]) < upper.shape[1] / 2)
    for name, picture in (
        ("photo", photo), ("original", photo), ("enhanced", patterned), ("mask", upper), ("exclude", left),
        ("look", photo * torch.tensor((1.0, 0.97, 0.90))), ("cloth", torch.tensor(TEAL_CLOTH).expand(64, 64, 3)),
        ("garment", shirt_on_white()[0][0]), ("composites/originals/a", skirt()[0][0]),
        ("new", new()[0][0]), ("composites/enhanced/a", patterned), ("composites/masks/a", drawn(skirt, "skirt")[0]),
    ):  # fmt: skip
        store.save_image(name, picture)
    store.save_text("composites/jobs.yaml", JOBS)


def run(path: Path, folder: Path, pair: Any) -> list[Tensor]:
    """What two of the workflow's nodes give, ``[H,W,3]`` each; what a diffusion model would paint is drawn."""
    from support.examples import with_pictures
    from support.stand_in import MODEL_NODES

    prompt = with_pictures(load_workflow(path, HEADLESS_NODES))
    crop = next((id for id, entry in prompt.items() if entry["class_type"] == "HemlineInpaintCrop"), "")
    decoded = next((id for id, entry in prompt.items() if entry["class_type"] == "VAEDecode"), "")
    prompt = {id: entry for id, entry in prompt.items() if entry["class_type"] not in MODEL_NODES}
    if decoded:
        prompt["new"] = {"class_type": "LoadImage", "inputs": {"image": "new.png"}}
        prompt[crop]["inputs"]["extra_1"] = ["new", 0]
        stitch = next(entry for entry in prompt.values() if entry["inputs"].get("image") == [decoded, 0])
        stitch["inputs"]["image"] = [crop, EXTRA_SLOT]
    results = run_workflow(prompt, HEADLESS_NODES, headless_context(folder / "out", device="cpu", input_folder=folder))
    pictures: list[Tensor] = []
    for kind, slot in pair:
        node_id = next(id for id, entry in prompt.items() if entry["class_type"] == kind)
        output = results[node_id].outputs[slot]
        pictures.append((output[0] if isinstance(output, list) else output)[0, ..., :3])
    return pictures


def split(before: Tensor, after: Tensor) -> Tensor:
    """The left part of one picture beside the right part of the other, ``[SIDE_PX,SIDE_PX,3]``."""
    first, second = square(before), square(after)
    middle = SIDE_PX // 2
    line = torch.full((SIDE_PX, DIVIDER_PX, 3), PAPER)
    half = DIVIDER_PX // 2
    return torch.cat([first[:, : middle - half], line, second[:, middle + half :]], 1)


def square(picture: Tensor) -> Tensor:
    """The upper square of a picture as wide as it is, at the thumbnail's size."""
    side = min(picture.shape[:2])
    top = round(0.02 * picture.shape[0]) if picture.shape[0] > side else 0
    planes = picture[top : top + side, :side].movedim(-1, 0).unsqueeze(0)
    return resize_planes(planes, SIDE_PX, SIDE_PX)[0].movedim(0, -1).clamp(0, 1)


def jpeg(picture: Tensor) -> bytes:
    """The picture as the bytes of a JPEG file."""
    buffer = io.BytesIO()
    levels = (picture * 255).round().to(torch.uint8).numpy()
    Image.fromarray(levels).save(buffer, "JPEG", quality=QUALITY, optimize=True, subsampling=0)
    return buffer.getvalue()


if __name__ == "__main__":
    main()

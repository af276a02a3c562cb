"""Times what the WebUI extension adds to a generation: the mask before it and the composite after it.

    python benchmarks/webui_step.py [PHOTO]

Without a photo it takes the one that the demo takes, resized. One thread, processor time, the median of three runs; the
floor is one copy of the picture.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from timing import median_ms
from torch import Tensor
from torch.nn import functional

from hemline.hosts.demo import find_demo_photo
from hemline.hosts.headless_context import headless_context
from hemline.hosts.pictures import load_image
from hemline.hosts.webui.masking import composite, garment_mask
from hemline.hosts.webui.settings import parse_settings

SIDES = (768, 1536, 3072)
RUNS = 3
CASES: dict[str, dict[str, Any]] = {
    "as found": {},
    "edges guided": {"edges": "guided"},
    "edges matte": {"edges": "matte"},
    "long sleeve": {"what": "tops", "target_cut": "long sleeve"},
}


def main(photo: Path) -> None:
    torch.set_num_threads(1)
    context = headless_context(Path(tempfile.mkdtemp()))
    whole = load_image(photo).image
    for side in SIDES:
        scale = side / max(whole.shape[1:3])
        image = resized(whole, round(whole.shape[1] * scale), round(whole.shape[2] * scale))
        floor = spent_ms(image.clone)
        print(f"{image.shape[2]} x {image.shape[1]}, one thread; copy of the picture {floor:.1f} ms")
        for name, values in CASES.items():
            settings = parse_settings(values)
            mask = garment_mask(image, settings, context=context).mask
            box = box_of(mask)
            crop = resized(image[:, box[1] : box[3], box[0] : box[2]], 768, 512)
            before = spent_ms(partial(garment_mask, image, settings, context=context))
            after = spent_ms(partial(composite, image, mask, crop, box, settings, context=context))
            print(f"{name:16} mask {before:7.0f} ms, composite {after:7.0f} ms")


def spent_ms(call: Callable[[], object]) -> float:
    return median_ms(call, clock=time.process_time, runs=RUNS)


def resized(image: Tensor, height: int, width: int) -> Tensor:
    planes = functional.interpolate(image.movedim(-1, 1), (height, width), mode="bilinear", antialias=True)
    return planes.movedim(1, -1).contiguous()


def box_of(mask: Tensor) -> tuple[int, int, int, int]:
    """The box around the mask: x0 y0 x1 y1."""
    rows, columns = (mask[0].amax(axis).nonzero() for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else find_demo_photo())

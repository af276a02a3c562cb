"""Times refining, cropping and stitching against the floor, one copy of the input, in one run.

    python benchmarks/stages.py [SIDE]

One thread, the median of five runs. Growing and feathering: shape.py; blending: blend.py; seams: seams.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from timing import median_ms

from hemline.blending.crop import crop_for_inpainting
from hemline.blending.stitch import stitch_inpainted
from hemline.segmentation.refine import clean_mask, refine_edges


def main(side: int) -> None:
    torch.set_num_threads(1)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    ellipse = ((rows / side - 0.5) / 0.35) ** 2 + ((columns / side - 0.5) / 0.2) ** 2 < 1
    mask = ellipse.float().unsqueeze(0)
    image = torch.rand(1, side, side, 3)
    crop = crop_for_inpainting(image, mask, target="SDXL")
    mask_floor, image_floor = median_ms(mask.clone), median_ms(image.clone)
    table: list[tuple[str, Callable[[], object], float]] = [
        ("clean islands and holes", lambda: clean_mask(mask, islands_px=500, holes_px=500), mask_floor),
        ("refine edges, 8 px", lambda: refine_edges(image, mask, radius_px=8), image_floor),
        ("inpaint crop to SDXL", lambda: crop_for_inpainting(image, mask, target="SDXL"), image_floor),
        ("inpaint stitch", lambda: stitch_inpainted(crop.stitch, crop.image), image_floor),
    ]
    print(
        f"{side} x {side}, float32, one thread; copy of a mask {mask_floor:.2f} ms, of a picture {image_floor:.2f} ms"
    )
    for name, call, floor in table:
        spent = median_ms(call)
        print(f"{name:36} {spent:9.1f} ms {spent / floor:8.0f} x the copy")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)

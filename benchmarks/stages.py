"""Times each stage against the floor (one copy of its input) and against how other packs do it, in one run.

    python benchmarks/stages.py [SIDE]

One thread, the median of five runs. "Core style" is what ComfyUI's GrowMask does: one 3x3 grey dilation per pixel of
radius, by scipy; "8-bit blur" is the Gaussian that KJNodes and others run through Pillow.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageFilter
from scipy import ndimage

from hemline.blending.composite import blend_images
from hemline.blending.crop import crop_for_inpainting, stitch_inpainted
from hemline.segmentation.refine import clean_mask, refine_edges
from hemline.segmentation.shape import feather_mask, grow_mask

RUNS = 5
RADIUS_PX = 32
SIGMA_PX = 16


def median_ms(call: Callable[[], object]) -> float:
    call()
    times: list[float] = []
    for _ in range(RUNS):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def core_style_grow(mask: np.ndarray) -> np.ndarray:
    cross = ndimage.generate_binary_structure(2, 1)
    for _ in range(RADIUS_PX):
        mask = ndimage.grey_dilation(mask, footprint=cross)
    return mask


def eight_bit_blur(mask: np.ndarray) -> np.ndarray:
    picture = Image.fromarray((mask * 255).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(SIGMA_PX)), dtype=np.float32) / 255


def main(side: int) -> None:
    torch.set_num_threads(1)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    ellipse = ((rows / side - 0.5) / 0.35) ** 2 + ((columns / side - 0.5) / 0.2) ** 2 < 1
    mask = ellipse.float().unsqueeze(0)
    image = torch.rand(1, side, side, 3)
    layer = torch.rand(1, side, side, 3)
    crop = crop_for_inpainting(image, mask, target="SDXL")
    array = mask[0].numpy()
    mask_floor, image_floor = median_ms(mask.clone), median_ms(image.clone)
    table: list[tuple[str, Callable[[], object], float]] = [
        (f"grow {RADIUS_PX} px", lambda: grow_mask(mask, RADIUS_PX), mask_floor),
        (f"  core style, {RADIUS_PX} px (diamond)", lambda: core_style_grow(array), mask_floor),
        (f"feather {4 * SIGMA_PX} px", lambda: feather_mask(mask, 4 * SIGMA_PX), mask_floor),
        (f"  8-bit blur, sigma {SIGMA_PX}", lambda: eight_bit_blur(array), mask_floor),
        ("clean islands and holes", lambda: clean_mask(mask, islands_px=500, holes_px=500), mask_floor),
        ("refine edges, 8 px", lambda: refine_edges(image, mask, radius_px=8), image_floor),
        ("blend multiply through the mask", lambda: blend_images(image, layer, mask, mode="multiply"), image_floor),
        ("blend soft light through the mask", lambda: blend_images(image, layer, mask, mode="soft-light"), image_floor),
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

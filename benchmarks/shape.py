"""Times growing and feathering against a copy of the mask and against the ways of other packs, in one run.

    python benchmarks/shape.py [SIDE ...]

One torch thread, the median of up to five runs; figures are multiples of a copy of the mask (one read, one write). The
mask is an ellipse that covers 22 % of the square. The ways of others are written from their descriptions: "core" is one
3x3 grey dilation by scipy per pixel of radius (a diamond); "iterated 3x3" is one 3x3 maximum per pixel in torch and a
Gaussian in 8 bits by Pillow, as KJNodes does it; "full transform" is scipy's exact distance transform with a ramp.
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
from torch import Tensor
from torch.nn import functional

from hemline.segmentation.shape import feather_mask, grow_mask

GROW_PX, FEATHER_PX = 32, 16
PATIENCE_S = 4.0


def median_ms(call: Callable[[], object]) -> float:
    """The median of five runs, of fewer where they take long."""
    times: list[float] = []
    while len(times) < 5 and sum(times) < PATIENCE_S * 1000:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times[1:] or times)


def core(mask: Tensor) -> np.ndarray:
    cross, plane = ndimage.generate_binary_structure(2, 1), mask[0].numpy()
    for _ in range(GROW_PX):
        plane = ndimage.grey_dilation(plane, footprint=cross)
    return plane


def iterated(mask: Tensor) -> list[np.ndarray]:
    blurred: list[np.ndarray] = []
    for plane in mask:
        grown = plane.view(1, 1, *plane.shape)
        for _ in range(GROW_PX):
            grown = functional.max_pool2d(grown, 3, 1, 1)
        picture = Image.fromarray((grown[0, 0] * 255).byte().numpy())
        blurred.append(np.asarray(picture.filter(ImageFilter.GaussianBlur(FEATHER_PX / 4)), dtype=np.float32) / 255)
    return blurred


def full_transform(mask: Tensor) -> np.ndarray:
    distance = ndimage.distance_transform_edt(mask[0].numpy() < 0.5)
    return np.clip(0.5 + (GROW_PX + 0.5 - distance) / FEATHER_PX, 0, 1)


def ellipse(side: int, edge_px: float) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    distance = torch.hypot((rows / side - 0.5) / 0.35, (columns / side - 0.5) / 0.2)
    if edge_px == 0:
        return (distance < 1).float()[None]
    return (0.5 - (distance - 1) * side * 0.25 / edge_px).clamp(0, 1)[None]


def both(mask: Tensor, radius: float, profile: str) -> Callable[[], Tensor]:
    return lambda: feather_mask(grow_mask(mask, radius), FEATHER_PX, profile=profile)


def main(sides: list[int]) -> None:
    torch.set_num_threads(1)
    for side in sides:
        hard, soft = ellipse(side, 0), ellipse(side, 6)
        copies = {count: median_ms(hard.repeat(count, 1, 1).clone) for count in (1, 8)}
        print(f"\n{side} x {side}: a copy of the mask {copies[1]:.2f} ms, of eight {copies[8]:.2f} ms")
        rows: list[tuple[str, Callable[[], object], int]] = [
            (f"grow {GROW_PX}, exact", lambda m=hard: grow_mask(m, GROW_PX), 1),
            (f"grow {GROW_PX} + feather {FEATHER_PX}, blur", both(hard, GROW_PX, "blur"), 1),
            (f"grow {GROW_PX} + feather {FEATHER_PX}, exact distance", both(hard, GROW_PX, "smoothstep"), 1),
            ("  the same, batch of 8", both(hard.repeat(8, 1, 1), GROW_PX, "smoothstep"), 8),
            ("  radius 8", both(hard, 8, "smoothstep"), 1),
            ("  radius 128", both(hard, 128, "smoothstep"), 1),
            ("  soft edge of 6 px, radius 8", both(soft, 8, "blur"), 1),
            ("  soft edge of 6 px, radius 32", both(soft, 32, "blur"), 1),
            ("  soft edge of 6 px, radius 128", both(soft, 128, "blur"), 1),
            ("core, grow only", lambda m=hard: core(m), 1),
            ("iterated 3x3 + 8-bit blur", lambda m=hard: iterated(m), 1),
            ("full transform + ramp", lambda m=hard: full_transform(m), 1),
        ]
        for name, call, count in rows:
            spent = median_ms(call)
            print(f"{name:44} {spent:9.1f} ms {spent / copies[count]:8.1f} x the copy", flush=True)


if __name__ == "__main__":
    main([int(side) for side in sys.argv[1:]] or [1024, 2048, 4096])

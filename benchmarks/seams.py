"""Times the seams, the colour match and the foreground estimate, as multiples of a clone of the mask's box.

    python benchmarks/seams.py [SIDE]

A picture of SIDE x SIDE (default 2048), an elliptic mask of about half its width and height, feather 24 px. One thread,
the median of five runs. Indented: how others do it, written from their descriptions: a multi-band blend of two whole
pictures' pyramids, and, where OpenCV is installed, its seamlessClone (Perez 2003, 8 bits) and its pyramids.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from timing import median_ms
from torch import Tensor

from hemline.blending.color_match import apply_fits, fit_colours
from hemline.blending.foreground import estimate_foreground
from hemline.blending.seams import join_images
from hemline.kernels import expand_planes, gaussian_blur, reduce_planes
from hemline.segmentation.shape import feather_mask

FEATHER_PX = 24
LEVELS = 6
RING_PX = 64
Table = list[tuple[str, Callable[[], object]]]


def whole_frame_bands(base: Tensor, layer: Tensor, mask: Tensor) -> Tensor:
    """Burt & Adelson as it is usually written: both pictures' pyramids, over the whole frame, mask 0 not kept."""
    below, above, share = (image.permute(0, 3, 1, 2) for image in (base, layer, mask.unsqueeze(-1)))
    bands: list[Tensor] = []
    for _ in range(LEVELS):
        smaller = [reduce_planes(planes) for planes in (below, above)]
        size = below.shape[2], below.shape[3]
        low, high = (p - expand_planes(s, *size) for p, s in zip((below, above), smaller, strict=True))
        bands.append(low + share * (high - low))
        (below, above), share = smaller, reduce_planes(share)
    total = below + share * (above - below)
    for band in reversed(bands):
        total = expand_planes(total, band.shape[2], band.shape[3]) + band
    return total


def opencv_peers(base: Tensor, layer: Tensor, mask: Tensor, box: tuple[int, int, int, int]) -> Table:
    if importlib.util.find_spec("cv2") is None:
        return []
    import cv2

    cv2.setNumThreads(1)
    below, above = (np.ascontiguousarray(image[0].numpy()) for image in (base, layer))
    share = np.ascontiguousarray(mask[0].numpy())[..., None].repeat(3, -1)
    eights = [(image * 255).round().astype(np.uint8) for image in (below, above)]
    hard = (mask[0].numpy() >= 0.5).astype(np.uint8) * 255
    middle = ((box[0] + box[2]) // 2, (box[1] + box[3]) // 2)

    def bands() -> Any:
        levels: list[Any] = []
        a, b, m = below, above, share
        for _ in range(LEVELS):
            a_next, b_next = cv2.pyrDown(a), cv2.pyrDown(b)
            size = (a.shape[1], a.shape[0])
            low, high = a - cv2.pyrUp(a_next, dstsize=size), b - cv2.pyrUp(b_next, dstsize=size)
            levels.append(low + m * (high - low))
            a, b, m = a_next, b_next, cv2.pyrDown(m)
        total = a + m * (b - a)
        for level in reversed(levels):
            total = cv2.pyrUp(total, dstsize=(level.shape[1], level.shape[0])) + level
        return total

    return [
        ("  multi-band, whole frame, OpenCV", bands),
        ("  seamlessClone, OpenCV, 8 bits", lambda: cv2.seamlessClone(eights[1], eights[0], hard, middle, 1)),
    ]


def main(side: int) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    ellipse = ((rows / side - 0.5) / 0.268) ** 2 + ((columns / side - 0.5) / 0.244) ** 2 < 1
    mask = feather_mask(ellipse.float().unsqueeze(0), FEATHER_PX)
    noise = torch.rand(1, 3, side, side)
    base = (0.4 + 0.2 * noise + 8 * (gaussian_blur(noise, 16.0) - 0.5)).clamp(0, 1).permute(0, 2, 3, 1).contiguous()
    layer = base * 0.97 + 0.03 + 0.02 * (columns / side).view(1, side, side)[..., None]
    grained = layer + 0.01 * torch.randn(layer.shape)
    found = (mask[0] > 0).nonzero()
    (y0, x0), (y1, x1) = found.amin(0).tolist(), (found.amax(0) + 1).tolist()
    part = base[:, y0:y1, x0:x1].clone()
    floor, frame = median_ms(part.clone), median_ms(base.clone)
    fits = fit_colours(grained, base, mask, method="affine", ring_px=RING_PX)
    table: Table = [
        ("linear", lambda: join_images(base, layer, mask)),
        ("multi-band", lambda: join_images(base, layer, mask, seam="multi-band")),
        ("multi-band, 192 px wide", lambda: join_images(base, layer, mask, seam="multi-band", width_px=192)),
        ("  multi-band, whole frame", lambda: whole_frame_bands(base, layer, mask)),
        ("poisson", lambda: join_images(base, layer, mask, seam="poisson")),
        ("poisson, grained layer", lambda: join_images(base, grained, mask, seam="poisson")),
        *opencv_peers(base, layer, mask, (x0, y0, x1, y1)),
        ("fit colours, mean and std, ring 64", lambda: fit_colours(grained, base, mask, ring_px=RING_PX)),
        ("fit colours, affine, ring 64", lambda: fit_colours(grained, base, mask, method="affine", ring_px=RING_PX)),
        ("apply the fit inside the mask", lambda: apply_fits(grained, fits, mask)),
        ("estimate foreground", lambda: estimate_foreground(base, mask)),
    ]
    print(f"{side} x {side}, float32, one thread; box {x1 - x0} x {y1 - y0}")
    print(f"clone of the box {floor:.1f} ms (warm), of the frame, which every join makes, {frame:.1f} ms")
    for name, call in table:
        spent = median_ms(call)
        print(f"{name:36} {spent:9.1f} ms {spent / floor:8.0f} x the box {spent / frame:8.1f} x the frame")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2048)

"""Times Inpaint Stitch and takes its peak memory, next to the usual way of stitching, in one run.

    python benchmarks/stitch.py [SIDE ...]

A picture of SIDE x SIDE (default 2048 and 4096) with a crop of 1024 x 1024 px, handed out as it is, as 768 x 768 and
as 1344 x 1344; the mask is an ellipse of 720 x 640 px. One thread, the median of five runs. Indented: the usual way,
written from descriptions of the leading crop-and-stitch nodes: the crop resized whole, pasted into a clone of the
picture, and mixed with another clone over the whole frame.

Memory is how far the process's peak rises above what it held before; "beside the result" takes off the picture that
comes out. The mask of changes that comes out too is counted as far as it is touched. Linux only.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable

import torch
from memory import peak_mib
from timing import median_ms
from torch import Tensor
from torch.nn import functional

from hemline.blending.regions import Joining
from hemline.blending.stitch import Stitch, stitch_regions
from hemline.kernels import gaussian_blur
from hemline.resampling import resize_planes
from hemline.segmentation.shape import feather_mask

BOX = 1024
FEATHER_PX = 24
WAYS: tuple[tuple[str, Joining], ...] = (
    ("linear", Joining()),
    ("linear, align", Joining(align="shift and zoom")),
    ("linear, colours affine", Joining(match_colours="affine")),
    ("linear, align, colours affine in OKLab", Joining("linear", "affine", None, "OKLab", "shift and zoom")),
    ("multi-band", Joining("multi-band")),
    ("poisson", Joining("poisson")),
    ("poisson, align, colours affine", Joining("poisson", "affine", None, "sRGB", "shift and zoom")),
)


def usual_way(stitch: Stitch, crop: Tensor) -> Tensor:
    x0, y0, x1, y1 = stitch.boxes[0]
    resized = functional.interpolate(crop.permute(0, 3, 1, 2), (y1 - y0, x1 - x0), mode="bicubic", antialias=True)
    canvas, layer = stitch.image.clone(), stitch.image.clone()
    layer[:, y0:y1, x0:x1] = resized.permute(0, 2, 3, 1).clamp(0, 1)
    mask = stitch.mask.unsqueeze(-1)
    return canvas * (1 - mask) + layer * mask


def texture(height: int, width: int) -> Tensor:
    planes = torch.rand(1, 3, height, width)
    planes = 0.3 * (planes - 0.5) + 4 * (gaussian_blur(planes, 2.0) - 0.5) + 16 * (gaussian_blur(planes, 16.0) - 0.5)
    return (planes * 0.15 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).contiguous()


def scene(side: int, size: int) -> tuple[Stitch, Tensor]:
    """A picture with a box in its middle, and the box as a model hands it back: moved, in another tone, grained."""
    first = (side - BOX) // 2
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    ellipse = ((rows - side / 2) / 360) ** 2 + ((columns - side / 2) / 320) ** 2 < 1
    mask = feather_mask(ellipse.float().unsqueeze(0), FEATHER_PX)
    image = texture(256, 256).repeat(1, side // 256, side // 256, 1)
    image[:, first : first + BOX, first : first + BOX] = texture(BOX, BOX)
    stitch = Stitch(image, mask, ((first, first, first + BOX, first + BOX),), (0,), size, size)
    moved = image[:, first - 3 : first + BOX - 3, first - 2 : first + BOX - 2].permute(0, 3, 1, 2)
    crop = resize_planes(moved, size, size).permute(0, 2, 3, 1).contiguous()
    return stitch, (crop * 0.97 + 0.01 + torch.randn(crop.shape) / 255).clamp(0, 1)


def show(name: str, call: Callable[[], object], floor: float, frame: float) -> None:
    spent = median_ms(call)  # first, so that what the libraries keep for good is there
    peak = peak_mib(call)
    print(f"{name:48} {spent:8.0f} ms {spent / floor:6.1f} x the clone {peak - frame:8.1f} MiB beside the result")


def main(side: int) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    image = torch.rand(1, side, side, 3)
    floor, frame = median_ms(image.clone), image.numel() * 4 / 2**20
    del image
    print(f"{side} x {side}, float32, one thread; a clone of the picture {floor:.0f} ms, {frame:.0f} MiB")
    for size in (BOX, 768, 1344):
        stitch, crop = scene(side, size)
        for name, joining in WAYS if size == BOX else WAYS[:2]:
            call = functools.partial(stitch_regions, [stitch], [crop], joining)
            show(f"{size}: {name}", call, floor, frame)
        show(f"  {size}: the usual way", functools.partial(usual_way, stitch, crop), floor, frame)


if __name__ == "__main__":
    for side in [int(argument) for argument in sys.argv[1:]] or [2048, 4096]:
        main(side)

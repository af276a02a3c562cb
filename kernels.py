"""What masks and pictures both stand on: box and Gaussian means, pyramids, connected and nearest pixels.

All functions take planes ``[B,C,H,W]`` unless they say otherwise, compute in float32 and treat what lies beyond the
frame as the nearest pixel of the frame, so that nothing fades towards the border.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TypeVar, cast

import torch
from torch import Tensor
from torch.nn import functional

# exp(-3²/2) = 0.011: what a Gaussian cut at three sigma loses at its ends; the kernel is renormalised.
GAUSSIAN_REACH = 3.0
# A narrower Gaussian is a single tap in float32; the squares of its offsets would overflow.
LEAST_SIGMA_PX = 0.05
# From this radius on a Fourier transform is cheaper than a convolution (measured on a CPU: benchmarks/README.md).
FOURIER_RADIUS_PX = 12

# A column's number fits so many bits. How often the search for nearest pixels looks who still searches.
COLUMN_BITS = 20
LOOK_AGAIN = 8

_Side = TypeVar("_Side", int, float)

# torch leaves these untyped.
_rfft = cast("Callable[..., Tensor]", torch.fft.rfft)
_irfft = cast("Callable[..., Tensor]", torch.fft.irfft)
_rfft2 = cast("Callable[..., Tensor]", torch.fft.rfft2)
_irfft2 = cast("Callable[..., Tensor]", torch.fft.irfft2)


def box_mean(planes: Tensor, radius_px: int) -> Tensor:
    """The mean over the square of side ``2 * radius_px + 1`` around each pixel, over the part inside the frame."""
    height, width = planes.shape[-2:]
    across, down = min(radius_px, width - 1), min(radius_px, height - 1)
    rows = functional.avg_pool2d(
        planes.float(), (1, 2 * across + 1), stride=1, padding=(0, across), count_include_pad=False
    )
    return functional.avg_pool2d(rows, (2 * down + 1, 1), stride=1, padding=(down, 0), count_include_pad=False)


def gaussian_blur(planes: Tensor, sigma_px: float) -> Tensor:
    """The planes convolved with a Gaussian of `sigma_px`; the frame's pixels are repeated outwards."""
    planes = planes.float()
    radius = math.ceil(GAUSSIAN_REACH * sigma_px)
    if sigma_px < LEAST_SIGMA_PX:
        return planes
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32, device=planes.device)
    kernel = torch.exp(-0.5 * (offsets / sigma_px) ** 2)
    kernel = kernel / kernel.sum()
    convolve = _convolve_rows if radius < FOURIER_RADIUS_PX else _convolve_rows_fourier
    return convolve(convolve(planes, kernel).mT, kernel).mT


def radial_blur(planes: Tensor, transfer: Callable[[Tensor], Tensor], reach_px: float) -> Tensor:
    """The planes filtered alike in all directions: every frequency (cycles per pixel) is multiplied by its transfer.

    reach_px: how far the filter's kernel reaches; the frame's pixels are repeated outwards that far.
    """
    height, width = planes.shape[-2:]
    border = math.ceil(reach_px)
    rows, columns = _smooth_length(height + 2 * border), _smooth_length(width + 2 * border)
    # A sharp transfer rings a little far beyond its reach; so the rest up to the length is repeated pixels too.
    after = (columns - width - border, rows - height - border)
    wide = functional.pad(planes.float(), (border, after[0], border, after[1]), mode="replicate")
    down = torch.arange(rows, device=planes.device)
    down = torch.minimum(down, rows - down) / rows  # the second half of the frequencies are the negative ones
    across = torch.arange(columns // 2 + 1, device=planes.device) / columns
    weights = transfer(torch.hypot(down.unsqueeze(1), across))
    blurred = _irfft2(_rfft2(wide) * weights, s=(rows, columns))
    return blurred[..., border : border + height, border : border + width]


def _convolve_rows(planes: Tensor, kernel: Tensor) -> Tensor:
    stack = _repeat_border(planes, len(kernel) // 2).flatten(0, 1).unsqueeze(1)
    return functional.conv2d(stack, kernel.view(1, 1, 1, -1)).reshape(planes.shape)


def _convolve_rows_fourier(planes: Tensor, kernel: Tensor) -> Tensor:
    wide = _repeat_border(planes, len(kernel) // 2)
    length = _smooth_length(wide.shape[-1])
    spectrum = _rfft(wide, n=length) * _rfft(kernel, n=length)
    return _irfft(spectrum, n=length)[..., len(kernel) - 1 : wide.shape[-1]]


def _smooth_length(length: int) -> int:
    """The next length with no prime factor above 5, which Fourier transforms are fast at."""
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 1


def reduce_planes(planes: Tensor) -> Tensor:
    """The planes at half the size (rounded up), smoothed: the next level of a Gaussian pyramid.

    The pixel i of the result lies on pixel 2i. Binomial kernel 1 4 6 4 1; Burt & Adelson, "The Laplacian Pyramid as a
    Compact Image Code" (1983), with a = 3/8.
    """
    return _smooth_axis(_smooth_axis(planes.float(), -2, step=2), -1, step=2)


def smooth_planes(planes: Tensor) -> Tensor:
    """The planes ``[..,H,W]`` under the binomial kernel 1 4 6 4 1 on both axes, a Gaussian of one pixel."""
    return _smooth_axis(_smooth_axis(planes.float(), -2, step=1), -1, step=1)


def _smooth_axis(planes: Tensor, axis: int, *, step: int) -> Tensor:
    """Every `step`-th pixel under the kernel 1 4 6 4 1; the border is repeated."""
    size = planes.shape[axis]
    first, last = planes.narrow(axis, 0, 1), planes.narrow(axis, size - 1, 1)
    wide = torch.cat([first, first, planes, last, last], axis)
    every = slice(None, None, step)
    taps = [wide.narrow(axis, start, size)[(..., every) if axis == -1 else (..., every, slice(None))]
            for start in range(5)]  # fmt: skip
    return (taps[0] + taps[4]).add_(taps[1] + taps[3], alpha=4).add_(taps[2], alpha=6).div_(16)


def expand_planes(planes: Tensor, height: int, width: int) -> Tensor:
    """The planes, a level of a pyramid, interpolated to the size ``height x width`` of the level below it.

    The adjoint of `reduce_planes` times 4 (Burt & Adelson 1983): a flat plane stays flat. A pixel reaches two pixels of
    the result to each side of its own.
    """
    return _expand_axis(_expand_axis(planes.float(), width, -1), height, -2)


def _expand_axis(planes: Tensor, size: int, axis: int) -> Tensor:
    count = planes.shape[axis]
    wide = torch.cat([planes.narrow(axis, 0, 1), planes, planes.narrow(axis, count - 1, 1)], axis)
    following = wide.narrow(axis, 2, count)
    even = (wide.narrow(axis, 0, count) + following).div_(8).add_(planes, alpha=0.75)
    odd = (planes + following).div_(2)
    return torch.stack([even, odd], planes.dim() + axis + 1).flatten(axis - 1, axis).narrow(axis, 0, size)


def support_box(support: Tensor) -> tuple[int, int, int, int] | None:
    """x0 y0 x1 y1, end exclusive, of what is True in a plane ``[H,W]``; None where nothing is."""
    rows, columns = support.any(1).nonzero().flatten(), support.any(0).nonzero().flatten()
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def box_around(boxes: Iterable[tuple[_Side, _Side, _Side, _Side]]) -> tuple[_Side, _Side, _Side, _Side]:
    """The least box that holds all of the boxes, of which there must be one at least."""
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _repeat_border(planes: Tensor, across: int) -> Tensor:
    return functional.pad(planes, (across, across, 0, 0), mode="replicate")


def remove_small_regions(support: Tensor, weights: Tensor, minimum: float, *, keep_at_frame: bool = False) -> Tensor:
    """The part of `support` ``[B,H,W]`` (bool) whose connected regions weigh at least `minimum`.

    weights: ``[B,H,W]``; a region weighs the sum of its pixels' weights (all 1: its area in px). keep_at_frame: regions
    that touch the frame stay whatever they weigh. Pixels that share a side are connected.

    Works on runs of pixels along the rows: neighbouring runs are joined by repeated minimum labels and pointer jumping
    (Shiloach & Vishkin 1982), a number of steps that grows with the logarithm of the runs.
    """
    batch, height, width = support.shape
    row, first, last, region = _connected_runs(support)
    if not len(row):
        return torch.zeros_like(support)
    sums = functional.pad(weights.double() if weights.device.type != "mps" else weights, (1, 0, 0, 1)).cumsum(-1)
    sums = sums.reshape(batch * (height + 1), width + 1)
    total = sums.new_zeros(len(row)).index_add_(0, region, sums[row, last + 1] - sums[row, first])
    kept = total >= minimum
    if keep_at_frame:
        line = row % (height + 1)
        touching = (line == 0) | (line == height - 1) | (first == 0) | (last == width - 1)
        kept = kept.index_fill(0, region[touching], True)
    painted = _paint_runs(row, first, last, kept[region].to(torch.int8), batch * (height + 1), width)
    return painted.bool().reshape(batch, height + 1, width)[:, :-1]


def label_regions(support: Tensor) -> Tensor:
    """The number of its connected region for each pixel of `support` ``[H,W]`` (bool), 0 beside it; int32 ``[H,W]``.

    Regions are numbered from 1 on by their topmost row, then from left to right. Pixels that share a side are
    connected.
    """
    height, width = support.shape
    row, first, last, region = _connected_runs(support.unsqueeze(0))
    if not len(row):
        return torch.zeros((height, width), dtype=torch.int32, device=support.device)
    first_of_region = region == torch.arange(len(region), device=region.device)
    numbers = first_of_region.cumsum(0, dtype=torch.int32)[region]
    return _paint_runs(row, first, last, numbers, height + 1, width)[:-1]


def _connected_runs(support: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Row, first and last column of each run of ``[B,H,W]``, and the smallest index among its region's runs.

    One empty row and column lie between pictures, so that the whole batch is one tall plane of ``H + 1`` rows each.
    """
    batch, height, width = support.shape
    plane = functional.pad(support, (1, 1, 0, 1)).reshape(batch * (height + 1), width + 2)
    starts = (plane[:, 1:] & ~plane[:, :-1]).nonzero()
    ends = (plane[:, :-1] & ~plane[:, 1:]).nonzero()  # last pixel of each run, same order as starts
    row, first, last = starts[:, 0], starts[:, 1], ends[:, 1] - 1  # in columns of the unpadded picture
    return row, first, last, _join_runs(row, first, last, width + 2) if len(row) else row


def _join_runs(row: Tensor, first: Tensor, last: Tensor, stride: int) -> Tensor:
    """For each run the smallest index among the runs connected with it."""
    low = torch.searchsorted(row * stride + last, (row + 1) * stride + first)
    high = torch.searchsorted(row * stride + first, (row + 1) * stride + last, right=True)
    counts = (high - low).clamp(min=0)
    upper = torch.repeat_interleave(torch.arange(len(row), device=row.device), counts)
    before = torch.repeat_interleave(counts.cumsum(0) - counts, counts)
    lower = low[upper] + torch.arange(len(upper), device=row.device) - before
    region = torch.arange(len(row), device=row.device)
    while True:
        smaller = torch.minimum(region[upper], region[lower])
        joined = region.scatter_reduce(0, region[upper], smaller, "amin").scatter_reduce(
            0, region[lower], smaller, "amin"
        )
        joined = joined[joined]
        if torch.equal(joined, region):
            return region
        region = joined


def _paint_runs(row: Tensor, first: Tensor, last: Tensor, values: Tensor, rows: int, width: int) -> Tensor:
    """The runs with a value each as a plane ``[rows, width]`` of the values' integer type."""
    steps = torch.zeros((rows, width + 1), dtype=values.dtype, device=row.device)
    steps[row, first] = values
    steps[row, last + 1] -= values
    return steps.cumsum(-1, dtype=values.dtype)[:, :-1]


def nearest_pixels(region: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """For each pixel of `wanted` the nearest of `region`, and the square of the way to it, in px.

    region, wanted: bool ``[B,H,W]``. Returns flat indices into ``[B,H,W]`` and squared distances, int64, one per True
    pixel of `wanted` in their order; of equally near ones the left, then the upper one. Where a picture has no region
    the index is the pixel's own and the square at least ``H² + W²``.

    Exact: the nearest pixel in each column, then from all columns the nearest of these (Saito & Toriwaki, "New
    algorithms for Euclidean distance transformation", 1994), looked for in ever farther columns in the box of those
    pixels that might find a nearer one yet. Work grows with that box times the largest distance.
    """
    height, width = region.shape[1:]
    far = height + width  # farther than anything in the frame
    rows = torch.arange(height, device=region.device).view(1, -1, 1)
    above = torch.where(region, rows, -far).cummax(1).values
    below = torch.where(region, rows, height + far).flip(1).cummin(1).values.flip(1)
    nearest = torch.where(rows - above <= below - rows, above, below)  # the row of the nearest in the column
    # The square and the column in one number, so that the least of them says both.
    columns = torch.arange(width, device=region.device)
    packed = ((nearest - rows).square() << COLUMN_BITS) + columns
    best = packed.clone()
    box: tuple[int, int, int, int] | None = None
    for step in range(1, width):
        if step % LOOK_AGAIN == 1:
            box = support_box((wanted & ((best >> COLUMN_BITS) >= step * step)).any(0))
        if box is None:
            break
        x0, y0, x1, y1 = box
        farther = step * step << COLUMN_BITS
        low, high = max(x0, step), min(x1, width - step)
        if low < x1:
            here = best[:, y0:y1, low:x1]
            torch.minimum(here, packed[:, y0:y1, low - step : x1 - step] + farther, out=here)
        if x0 < high:
            here = best[:, y0:y1, x0:high]
            torch.minimum(here, packed[:, y0:y1, x0 + step : high + step] + farther, out=here)
    own, best = wanted.flatten().nonzero().flatten(), best[wanted]
    column, square = best & ((1 << COLUMN_BITS) - 1), best >> COLUMN_BITS
    row_start = own - own % width
    row = nearest.flatten()[row_start + column]
    found = own - own % (height * width) + row * width + column
    return torch.where(square < far * far, found, own), square

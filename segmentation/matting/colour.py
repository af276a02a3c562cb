"""What a picture's colours can tell about a mask's edge, and how far they can be believed."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ...kernels import box_mean
from .laplacian import TINY

# Rows: luma, blue and red chroma (ITU-R BT.601). Chroma softer than luma by these shares was not and was compressed;
# then luma and chroma are scaled down by these factors before a small variance counts as none.
LUMA_CHROMA = ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081))
SHARP, SOFT = 0.97, 0.85
COMPRESSED_LUMA, COMPRESSED_CHROMA = 0.316, 0.1
# Both sides' colours differ by so many of their standard deviations: nothing can be told below, everything above.
BLIND, SEEING = 0.75, 1.75
# Noise (standard deviation, weighed so) that any photo is taken to have; least weight from which colours are known.
NOISE, LEAST_WEIGHT = 0.005, 0.02
# Colours are compared on a picture reduced by this much, in windows of this radius there, and so far around.
COMPARE_REDUCED, COMPARE_RADIUS = 4, 3
COMPARED_PX = 4 * COMPARE_REDUCED * COMPARE_RADIUS
# The six products of three colours.
PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


def weigh_colours(colours: Tensor, unknown: Tensor) -> Tensor:
    """Luma and chroma ``[3,h,w]`` of the picture, each scaled by how far its small differences can be believed.

    JPEG stores chroma at half the size and rounds both; then an edge is sharp in luma and soft in chroma, which no line
    of colours explains. It shows in differences over one pixel beside those over two.
    """
    planes = (colours.new_tensor(LUMA_CHROMA) @ colours.flatten(1)).view_as(colours)
    luma, chroma = _sharpness(planes[:1], unknown), _sharpness(planes[1:], unknown)
    compressed = min(1.0, max(0.0, (SHARP - chroma / max(luma, TINY)) / (SHARP - SOFT)))
    scales = [COMPRESSED_LUMA**compressed, COMPRESSED_CHROMA**compressed, COMPRESSED_CHROMA**compressed]
    return planes * planes.new_tensor(scales).view(3, 1, 1)


def _sharpness(planes: Tensor, unknown: Tensor) -> float:
    """The mean squared difference over one pixel in parts of that over two, 1/4 to 1; 0 where the planes are flat."""
    one, two = (
        float((planes[:, :, step:] - planes[:, :, :-step]).square().sum(0)[unknown[:, step:]].sum())
        + float((planes[:, step:] - planes[:, :-step]).square().sum(0)[unknown[step:]].sum())
        for step in (1, 2)
    )
    return one / max(two, TINY)


def tell_apart(colours: Tensor, front: Tensor, back: Tensor) -> Tensor:
    """How well colours ``[3,h,w]`` tell garment from surroundings around each pixel, ``[h,w]``: 0 not at all, 1 well.

    front, back: bool, the pixels of either side. Compared are the mean colours of both near a pixel, in standard
    deviations along the line between them (Fisher's criterion). Nearest pixels count; where there are none of one side
    ever farther ones.
    """
    sums = torch.stack([_colour_sums(colours, side) for side in (front, back)])
    near = _near_sums(sums)
    weight, mean, square = near[:, :1], near[:, 1:4], near[:, 4:]
    known = (weight > 0).all(0)[0]
    mean, square = mean / weight.clamp_min(TINY), square / weight.clamp_min(TINY)
    apart = mean[0] - mean[1]
    # Summed over both sides: d' C d, with C = E[x x'] - m m'.
    along = torch.zeros_like(apart[0])
    for number, (first, second) in enumerate(PAIRS):
        covariance = (square[:, number] - mean[:, first] * mean[:, second]).sum(0)
        along += (1 if first == second else 2) * apart[first] * apart[second] * covariance
    distance = apart.square().sum(0)
    deviations = distance / (along.clamp_min(0) + NOISE**2 * distance).clamp_min(TINY).sqrt()
    told = torch.where(known, ((deviations - BLIND) / (SEEING - BLIND)).clamp(0, 1), 0)
    wide = functional.interpolate(told[None, None], scale_factor=float(COMPARE_REDUCED), mode="bilinear")
    return wide[0, 0, : colours.shape[1], : colours.shape[2]]


def _colour_sums(colours: Tensor, side: Tensor) -> Tensor:
    """Weight, weighted colours and their six products ``[10,h',w']`` of one side, on the reduced grid."""
    weight = side.float()
    planes = [
        reduce_cells(weight, COMPARE_REDUCED),
        *(reduce_cells(weight * colour, COMPARE_REDUCED) for colour in colours),
    ]
    planes += [reduce_cells(weight * colours[first] * colours[second], COMPARE_REDUCED) for first, second in PAIRS]
    return torch.stack(planes)


def _near_sums(sums: Tensor) -> Tensor:
    """Means of ``[2,10,h,w]`` over a window around each pixel, the least one that holds enough of both sides."""
    near = box_mean(sums, COMPARE_RADIUS)
    enough = (near[:, 0] > LEAST_WEIGHT).all(0)
    if bool(enough.all()) or max(enough.shape) == 1:
        return near
    farther = functional.interpolate(_near_sums(reduce_cells(sums, 2)), scale_factor=2.0, mode="bilinear")
    return torch.where(enough, near, farther[..., : near.shape[2], : near.shape[3]])


def reduce_cells(planes: Tensor, factor: int) -> Tensor:
    """Planes ``[...,h,w]`` averaged over cells of `factor` px, those that the frame cuts over what is left."""
    shape = planes.shape
    small = functional.avg_pool2d(planes.reshape(1, -1, *shape[-2:]), factor, ceil_mode=True, count_include_pad=False)
    return small.reshape(*shape[:-2], *small.shape[-2:])

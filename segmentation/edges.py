"""Class probabilities and masks laid on the picture's edges: a mean-field CRF over sparse rings of neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ..color import srgb_to_oklab
from ..kernels import support_box
from ..tensors import ShapeError
from .color_model import CHROMA_WEIGHT
from .refine import guided_filter

# A pixel asks eight neighbours at each of these distances, in work pixels: the near ones smooth, the far ones know how
# the garment's inside looks.
RING_RADII_PX = (1, 3, 8, 18)
# Colour difference (OKLab, chroma counted twice) at which a neighbour's voice falls by exp(-1/2).
COLOUR_SIGMA = 0.1
# Pixels of which the network is surer than this stay, except so near to an unsure one.
SURE, BAND_PX = 0.97, 2
# The network's own voice, the voice of the colours, and of like neighbours; the network is sharper than it is right.
NETWORK_WEIGHT, COLOUR_WEIGHT, NEIGHBOUR_WEIGHT = 0.5, 1.0, 14.0
ROUNDS = 4
# A class that is nowhere near is allowed this share, so that ratios of shares stay finite.
SHARE_FLOOR = 0.02
LEAST_CHANCE = 1e-4
# Where fewer than this share of the neighbours look different, the picture has less and less to say.
FULL_CONTRAST = 0.1
# Work pixels around a mask's edge in which the full-size edge is looked for, and the colour variance ignored there.
EDGE_REACH_PX, EDGE_EPSILON = 2, 1e-3
# Upsampling moves a soft value by no more than this, so that thin things stay where the mask had them.
LARGEST_CHANGE = 0.35


def refine_chances(picture: Tensor, chances: Tensor) -> Tensor:
    """The class probabilities ``[C,h,w]``, float32, at the picture's size, with their edges on the picture's edges.

    picture: ``[3,h,w]``, 0..1, about 450 px on its long side (distances above are in its pixels). chances:
    ``[C,h0,w0]``, sum to 1. What the network is sure of stays; a picture without contrast gives plain bilinear
    upsampling. Raises `ShapeError` for other shapes.

    Mean field (Kraehenbuehl & Koltun, "Efficient Inference in Fully Connected CRFs", 2011) with few neighbours. Two
    terms: how much commoner a class is among like-coloured neighbours than among all (a colour model of the
    surroundings, learnt from them), and the share of like-coloured neighbours that have it (Potts).
    """
    _check_planes(picture, chances)
    picture = picture.float().nan_to_num(0.0).clamp(0, 1)
    height, width = picture.shape[1:]
    start = functional.interpolate(chances.float().unsqueeze(0), (height, width), mode="bilinear")[0]
    start = start / start.sum(0, keepdim=True).clamp_min(LEAST_CHANCE)
    unsure = functional.max_pool2d((start.amax(0) < SURE).float().unsqueeze(0), 2 * BAND_PX + 1, 1, BAND_PX)[0] > 0
    if not bool(unsure.any()):
        return start
    pixels, neighbours, near, alike = _find_neighbours(picture, unsure)
    reach = RING_RADII_PX[-1]
    padded = functional.pad(start, (reach,) * 4).flatten(1).T.contiguous()
    padded[pixels] = _mean_field(padded, pixels, neighbours, near, alike)
    return padded.T.reshape(-1, height + 2 * reach, width + 2 * reach)[:, reach : reach + height, reach : reach + width]


def _find_neighbours(picture: Tensor, unsure: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Indices ``[N]`` of the unsure pixels in the padded frame and ``[N,K]`` of their neighbours, with two weights.

    The first weight ``[N,K]`` is 1 inside the frame, the second falls with the difference of colour.
    """
    reach = RING_RADII_PX[-1]
    axes = torch.tensor((1.0, CHROMA_WEIGHT, CHROMA_WEIGHT), device=picture.device) / COLOUR_SIGMA
    oklab = srgb_to_oklab(picture.permute(1, 2, 0).clamp(0, 1))
    colours = functional.pad(oklab * axes, (0, 0, reach, reach, reach, reach))
    stride = colours.shape[1]
    inside = functional.pad(torch.ones_like(picture[0]), (reach,) * 4).flatten()
    rows, columns = unsure.nonzero().unbind(1)
    pixels = (rows + reach) * stride + columns + reach
    steps = [down * stride + across for down, across in _ring_offsets()]
    neighbours = pixels.unsqueeze(1) + torch.tensor(steps, device=picture.device)
    near, colours = inside[neighbours], colours.flatten(0, 1)
    distances = (colours[neighbours] - colours[pixels].unsqueeze(1)).square().sum(2)
    return pixels, neighbours, near, near * torch.exp(-0.5 * distances)


def _ring_offsets() -> list[tuple[int, int]]:
    """(down, across) of the eight directions on every ring; the same set in the mirror."""
    turns = [math.tau * number / 8 for number in range(8)]
    return [(round(radius * math.sin(t)), round(radius * math.cos(t))) for radius in RING_RADII_PX for t in turns]


def _mean_field(padded: Tensor, pixels: Tensor, neighbours: Tensor, near: Tensor, alike: Tensor) -> Tensor:
    """The probabilities ``[N,C]`` of the unsure pixels after `ROUNDS`; `padded` ``[P,C]`` is read only."""
    first, state = padded[pixels], padded.clone()
    count, weight = near.sum(1, keepdim=True).clamp_min(1), alike.sum(1, keepdim=True)
    contrast = ((1 - weight / count) / FULL_CONTRAST).clamp(0, 1)
    unary = first.clamp_min(LEAST_CHANCE).log()
    around = first
    for turn in range(ROUNDS):
        votes = _gather(state, neighbours, alike)
        if turn % 2 == 0:  # what is commoner around changes slowly
            around = _gather(state, neighbours, near) / count
        likely = ((votes / weight.clamp_min(LEAST_CHANCE) + SHARE_FLOOR) / (around + SHARE_FLOOR)).log()
        # Without a like-coloured neighbour nothing is known of this colour, and the ratio means nothing.
        likely = likely * (weight / (weight + SHARE_FLOOR))
        pull = COLOUR_WEIGHT * likely + NEIGHBOUR_WEIGHT * votes / count + (NETWORK_WEIGHT - 1) * unary
        state[pixels] = torch.softmax(unary + contrast * pull, dim=1)
    return torch.where(contrast > 0, state[pixels], first)


def _gather(state: Tensor, neighbours: Tensor, weights: Tensor) -> Tensor:
    """The weighted sum ``[N,C]`` over each pixel's neighbours."""
    return functional.embedding_bag(neighbours, state, mode="sum", per_sample_weights=weights)


def upsample_mask(picture: Tensor, mask: Tensor) -> Tensor:
    """A soft mask ``[h,w]`` at the size of the picture ``[3,H,W]``, float32, its edge laid on the picture's edge.

    Only what lies within `EDGE_REACH_PX` work pixels of a change of the mask is looked at; all else is 0 and 1 as it
    was. Raises `ShapeError` for other shapes. Guided upsampling: He & Sun, "Fast Guided Filter" (2015).
    """
    if mask.dim() != 2:
        raise ShapeError(f"mask has shape {list(mask.shape)}; give [height, width].")
    _check_planes(picture, mask.unsqueeze(0))
    height, width = picture.shape[1:]
    small = mask.float()[None, None]
    window = 2 * EDGE_REACH_PX + 1
    highest = functional.max_pool2d(small, window, 1, EDGE_REACH_PX)
    band = (highest + functional.max_pool2d(-small, window, 1, EDGE_REACH_PX) > 0).float()
    soft = functional.interpolate(small, (height, width), mode="bilinear")[0, 0].clamp(0, 1)
    undecided = functional.interpolate(band, (height, width), mode="nearest")[0, 0] > 0
    support = support_box(undecided)
    if support is None:
        return soft
    x0, y0, x1, y1 = support
    box = slice(y0, y1), slice(x0, x1)
    factor = max(1, round(max(height / mask.shape[0], width / mask.shape[1])))
    guide = picture[:, box[0], box[1]].float().nan_to_num(0.0).clamp(0, 1).permute(1, 2, 0).unsqueeze(0)
    start = soft[box]
    found = guided_filter(
        guide, start.unsqueeze(0), radius_px=EDGE_REACH_PX * factor, epsilon=EDGE_EPSILON, subsample=factor
    )[0]
    found = torch.maximum(torch.minimum(found, start + LARGEST_CHANGE), start - LARGEST_CHANGE).clamp(0, 1)
    soft[box] = torch.where(undecided[box], found, start)
    return soft


def enlarge(plane: Tensor, size: Sequence[int]) -> Tensor:
    """The soft mask ``[h,w]`` at another size, bilinear."""
    if tuple(plane.shape) == tuple(size):
        return plane
    return functional.interpolate(plane[None, None], tuple(size), mode="bilinear")[0, 0]


def _check_planes(picture: Tensor, planes: Tensor) -> None:
    if picture.dim() != 3 or picture.shape[0] != 3 or planes.dim() != 3 or 0 in (*picture.shape, *planes.shape):
        raise ShapeError(
            f"picture has shape {list(picture.shape)} and its planes {list(planes.shape)}; give [3, height, width] and "
            "[classes, height, width]."
        )

"""What stands in for a masked part of a picture: grey, or something made of the pixels around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from ..kernels import expand_planes, nearest_pixels, reduce_planes
from ..tensors import NOTHING, as_image, as_mask, check_name, match_batch, match_mask
from .dissolve import pixel_noise

# What ComfyUI's VAEEncodeForInpaint and InpaintModelConditioning write under the mask.
GREY = 0.5
# From this value of the mask on a pixel is filled, as samplers round masks.
LEVEL = 0.5
# Noise is matched to the pixels up to so far from the mask.
RING_PX, CELL_PX = 48, 16
# Octaves of noise: the coarsest has waves of about as many pixels as the ring is wide.
OCTAVES = 5
# The fewer pixels than this there are, the less noise is made.
LEAST_PIXELS = 16
# The median of |x| of a standard normal variable, and what is too strong for one, in standard deviations.
MEDIAN_DEVIATION = 0.6745
EDGE = 3.0
# Blur grows with the depth in the mask: its sigma is so much of the distance to the nearest pixel known.
BLUR_SHARE = 0.5
# The sigma of a plane reduced n times and expanded again, over 2**n: each step there and each back adds a variance of
# 4**n pixels, of which all together make (2/3) 4**n.
PYRAMID_SIGMA = (2 / 3) ** 0.5
NOISE_SEED = 0x4E15E

_eigh = cast("Callable[[Tensor], tuple[Tensor, Tensor]]", torch.linalg.eigh)  # torch leaves it untyped


def fill_image(image: Tensor, mask: Tensor, method: str = "grey") -> Tensor:
    """The image with something else where the mask is 0.5 or more; all other pixels stay bit for bit.

    image: ``[B,H,W,3|4]``; mask: ``[B,H,W]``, batches 1 and N go together. method: one of `FILLS`:

    - none: the image itself. grey: 0.5, opaque.
    - edge: the nearest pixel known. push-pull: a smooth surface through the pixels around (Gortler, Grzeszczuk,
      Szeliski, Cohen, "The Lumigraph", 1996, section 3.4.2).
    - blur: push-pull, blurred the more, the deeper inside.
    - noise: push-pull with noise of the same covariance of colours, octave by octave, as the surroundings up to 48 px
      from the mask have (Heeger & Bergen, "Pyramid-based texture analysis/synthesis", 1995, variances alone). It is
      a function of the place in the image alone.

    Known are the pixels whose mask is 0 (up to 1/512), so that soft rims do not bleed into the fill, or where a picture
    has none, all that are not filled; those that are NaN, infinite or transparent teach nothing. A picture in which
    nothing is known is filled with grey. Values stay within 0..1, or the image's own range where that is wider. Raises
    `UnknownName`.
    """
    image = as_image(image)
    image, mask = match_batch((image, match_mask(mask, image)), ("image", "mask"))
    check_name("Fill", method, FILLS)
    filled = mask >= LEVEL
    if method == "none" or not bool(filled.any()):
        return image
    fill = torch.full_like(image, GREY, dtype=torch.float32)
    fill[..., 3:] = 1
    make = FILLS[method]
    if make is not None:
        source = image.float()
        known = _known(source, mask)
        made = make(source.nan_to_num(0, 0, 0) * known.unsqueeze(-1), known, filled)
        learnt = known.flatten(1).any(1).view(-1, 1, 1, 1)
        fill = torch.where(learnt, _within_range(made, source, known), fill)
    return torch.where(filled.unsqueeze(-1), fill.to(image.dtype), image)


def teaches_nothing(mask: Tensor) -> bool:
    """Whether a picture of ``[B,H,W]`` has no pixel beside its mask that a fill could be made of."""
    return bool((as_mask(mask) >= LEVEL).flatten(1).all(1).any())


def _known(source: Tensor, mask: Tensor) -> Tensor:
    """Bool ``[B,H,W]``: the pixels to learn from."""
    usable = source.isfinite().all(-1)
    if source.shape[-1] == 4:
        usable &= source[..., 3] > 0
    sure, kept = usable & (mask <= NOTHING), usable & (mask < LEVEL)
    return torch.where(sure.flatten(1).any(1).view(-1, 1, 1), sure, kept)


def _within_range(made: Tensor, source: Tensor, known: Tensor) -> Tensor:
    """Clamped to 0..1, or to what is known where that is wider."""
    values = torch.where(known.unsqueeze(-1), source, 0)
    low, high = values.amin((1, 2, 3), keepdim=True).clamp(max=0), values.amax((1, 2, 3), keepdim=True).clamp(min=1)
    return torch.minimum(torch.maximum(made, low), high)


def _edge(source: Tensor, known: Tensor, filled: Tensor) -> Tensor:
    nearest, _ = nearest_pixels(known, filled)
    result = source.clone()
    result[filled] = source.flatten(0, 2)[nearest]
    return result


def _push_pull(source: Tensor, known: Tensor, filled: Tensor) -> Tensor:
    """Colours weigh by their alpha, so that transparent ones do not bleed; alpha itself is one more channel."""
    weights = known.float().unsqueeze(1)
    planes = source.permute(0, 3, 1, 2)
    if planes.shape[1] == 3:
        return _pull_push(planes, weights).permute(0, 2, 3, 1)
    colours, alpha = planes[:, :3], planes[:, 3:]
    surface = _pull_push(colours, weights * alpha.clamp(0, 1))
    return torch.cat((surface, _pull_push(alpha, weights)), 1).permute(0, 2, 3, 1)


def _pull_push(planes: Tensor, weights: Tensor) -> Tensor:
    """The planes ``[B,C,H,W]`` where their weight is 1, interpolated from coarser ones where it is less."""
    height, width = planes.shape[-2:]
    if height == width == 1:
        return planes
    share = reduce_planes(weights)
    means = reduce_planes(planes * weights) / share.clamp(min=torch.finfo(torch.float32).tiny)
    # One pixel known among the four that a coarser one stands for makes that one known: weights saturate.
    coarse = _pull_push(means, (4 * share).clamp(max=1))
    return torch.lerp(expand_planes(coarse, height, width), planes, weights)


def _blur(source: Tensor, known: Tensor, filled: Tensor) -> Tensor:
    level = _push_pull(source, known, filled).permute(0, 3, 1, 2)
    _, square = nearest_pixels(known, filled)
    depth = torch.zeros(filled.shape, device=source.device)
    depth[filled] = square.float().sqrt()
    # Level n of the pyramid has the sigma PYRAMID_SIGMA * 2**n; between two levels the sharper one fades over.
    wanted = (depth * (BLUR_SHARE / PYRAMID_SIGMA)).clamp(min=0.5).log2().add(1).unsqueeze(1)
    result, sizes, reduced = level, [(level.shape[2], level.shape[3])], level
    for step in range(1, int(wanted.amax().ceil()) + 1):
        reduced = reduce_planes(reduced)
        blurred = reduced
        for size in reversed(sizes):
            blurred = expand_planes(blurred, *size)
        sizes.append((reduced.shape[2], reduced.shape[3]))
        result = torch.lerp(result, blurred, (wanted - (step - 1)).clamp(0, 1))
    return result.permute(0, 2, 3, 1)


def _noise(source: Tensor, known: Tensor, filled: Tensor) -> Tensor:
    """Push-pull and, in each octave, noise of the covariance of the ring's own."""
    base = _push_pull(source, known, filled)
    rough = _colours(torch.where(known.unsqueeze(-1), source, base))
    ring = _ring(known, filled)
    noise = _colours(_white(source))
    octaves: list[Tensor] = []
    for _ in range(OCTAVES):
        (details, rough), (band, noise) = _split_octave(rough), _split_octave(noise)
        octaves.append(_like(band, details, ring))
        if min(rough.shape[-2:]) < 2:
            break
        ring = ring[:, ::2, ::2]
    total = torch.zeros_like(noise)
    for octave in reversed(octaves):
        total = expand_planes(total, octave.shape[2], octave.shape[3]) + octave
    return torch.cat((base[..., :3] + total.permute(0, 2, 3, 1), base[..., 3:]), -1)


def _colours(image: Tensor) -> Tensor:
    return image[..., :3].permute(0, 3, 1, 2)


def _ring(known: Tensor, filled: Tensor) -> Tensor:
    """The pixels known within about `RING_PX` of what is filled, counted in cells; bool ``[B,H,W]``."""
    reach = RING_PX // CELL_PX
    cells = functional.max_pool2d(filled.float().unsqueeze(1), CELL_PX, ceil_mode=True)
    near = functional.max_pool2d(cells, 2 * reach + 1, stride=1, padding=reach).squeeze(1) > 0
    spread = near.repeat_interleave(CELL_PX, 1).repeat_interleave(CELL_PX, 2)
    return spread[:, : known.shape[1], : known.shape[2]] & known


def _split_octave(planes: Tensor) -> tuple[Tensor, Tensor]:
    """What of the planes the next coarser level of a pyramid does not hold, and that level."""
    coarse = reduce_planes(planes)
    return planes - expand_planes(coarse, planes.shape[2], planes.shape[3]), coarse


def _like(band: Tensor, details: Tensor, ring: Tensor) -> Tensor:
    """The noise ``[B,3,h,w]`` with the covariance that `details` have in the ring ``[B,h,w]``.

    Details stronger than `EDGE` of their usual strength are edges, which noise should not be made of.
    """
    strength = details.square().sum(1)
    usual = torch.where(ring, strength, torch.nan).flatten(1).nanmedian(1).values.nan_to_num(0).view(-1, 1, 1)
    sample = (ring & (strength <= usual * (EDGE / MEDIAN_DEVIATION) ** 2)).unsqueeze(1)
    count = sample.sum((2, 3), keepdim=True)
    wanted = torch.einsum("bchw,bdhw->bcd", details * sample, details) / count.clamp(min=LEAST_PIXELS).squeeze(3)
    own = band.flatten(2).square().mean(2).clamp(min=1e-12)
    values, vectors = _eigh(wanted)
    root = vectors * values.clamp(min=0).sqrt().unsqueeze(1) @ vectors.mT  # the symmetric square root
    return torch.einsum("bcd,bdhw->bchw", root / own.sqrt().unsqueeze(1), band)


def _white(like: Tensor) -> Tensor:
    """Gaussian noise ``[B,H,W,3]`` of standard deviation 1 by each place alone, the same for every picture."""
    height, width = like.shape[1:3]
    even = [
        pixel_noise(range(width), range(height), range(3), seed, like.device) for seed in (NOISE_SEED, NOISE_SEED + 1)
    ]
    # Box & Muller, "A note on the generation of random normal deviates" (1958).
    normal = (-2 * (1 - even[0]).log()).sqrt() * (2 * torch.pi * even[1]).cos()
    return normal.permute(1, 2, 0).expand(len(like), -1, -1, -1)


_Fill = Callable[[Tensor, Tensor, Tensor], Tensor]
FILLS: dict[str, _Fill | None] = {
    "none": None,
    "grey": None,
    "edge": _edge,
    "push-pull": _push_pull,
    "blur": _blur,
    "noise": _noise,
}
"""Fill -> what makes it of the image ``[B,H,W,C]`` (0 where nothing is known), where it is known, and what to fill."""

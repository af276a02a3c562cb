"""Which colours belong to which part: a palette of the picture, and each part's share of it learnt from a prior."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..color import srgb_to_oklab

# Shadow changes lightness far more than hue, so a step of hue counts twice.
CHROMA_WEIGHT = 2.0
# The palette is found on at most so many pixels, in so many rounds; more changes nothing that can be seen.
PALETTE_SAMPLE = 4096
PALETTE_ROUNDS = 6
# Squared colour distance over which a pixel's membership in a palette entry falls by e.
SOFTNESS = 0.003
# What every part is allowed of every colour: so many picture-wide mean pixels, as a share of the picture.
SMOOTHING = 0.003
# A colour is at most so much rarer in a part than in the picture.
RAREST = 1e-4


def colour_memberships(image: Tensor, count: int) -> Tensor:
    """How much each pixel of ``[H,W,3]`` is of each of `count` colours found in it: ``[H*W,count]``, rows sum to 1."""
    weights = torch.tensor((1.0, CHROMA_WEIGHT, CHROMA_WEIGHT), device=image.device)
    colours = (srgb_to_oklab(image.clamp(0, 1)) * weights).flatten(0, 1)
    distances = torch.cdist(colours, _palette(colours, count)) ** 2
    return torch.softmax(-distances / SOFTNESS, dim=1)


def _palette(colours: Tensor, count: int) -> Tensor:
    """k-means centres ``[count,3]``, begun with the farthest points (Gonzalez 1985): no chance in it."""
    sample = colours[:: max(1, len(colours) // PALETTE_SAMPLE)]
    nearest = (sample - sample.mean(0)).square().sum(1)
    centres: list[Tensor] = []
    for _ in range(count):
        centres.append(sample[nearest.argmax()])
        nearest = torch.minimum(nearest, (sample - centres[-1]).square().sum(1))
    palette = torch.stack(centres)
    for _ in range(PALETTE_ROUNDS):
        chosen = torch.cdist(sample, palette).argmin(1)
        members = functional.one_hot(chosen, count).to(sample)
        sizes = members.sum(0).unsqueeze(1)
        palette = torch.where(sizes > 0, members.T @ sample / sizes.clamp_min(1), palette)
    return palette


def learn_parts(memberships: Tensor, prior: Tensor, rounds: int) -> tuple[Tensor, Tensor]:
    """The parts' probabilities ``[N,G,P]`` after the colours have spoken, and the evidence ``[N]`` for each prior.

    memberships: ``[P,K]`` of P pixels. prior: ``[N,G,P]``, sums to 1 over the parts G and has no zeros. Each round
    learns every part's colours from its present pixels, then the pixels anew from prior and colours (EM of a mixture
    with a prior per pixel; Hofmann, "Probabilistic latent semantic analysis", 1999). The evidence is the mean
    logarithm of how much likelier the picture's colours are than without parts, in nats per pixel.
    """
    palette = memberships.mean(0)
    count = memberships.shape[0]
    posterior, evidence = prior, prior.new_zeros(len(prior))
    for _ in range(rounds):
        colours = posterior @ memberships + SMOOTHING * count * palette
        colours = colours / (posterior.sum(2, keepdim=True) + SMOOTHING * count)
        joint = prior * ((colours / palette) @ memberships.T).clamp_min(RAREST)
        total = joint.sum(1, keepdim=True)
        posterior, evidence = joint / total, total.log().mean((1, 2))
    return posterior, evidence

"""Light, colour, sharpness and what is hidden: the changes of a training picture that move no pixel."""

from __future__ import annotations

import torch
from ccp import IGNORED
from torch import Tensor
from torch.nn import functional

# Spreads and shares of the feasibility run.
GAMMA_SPREAD, GAIN_SPREAD, CONTRAST_SPREAD, CAST_SPREAD, SATURATION_SPREAD = 0.25, 0.12, 0.15, 0.06, 0.25
GREY_SHARE, DARK_SHARE, DARKNESS = 0.05, 0.12, (0.15, 0.5)
BLUR_SHARE, NOISE_SHARE, MOST_NOISE, DARK_NOISE = 0.2, 0.3, 0.05, 0.03
CUT_SHARE, CUT_SIDES = 0.2, (0.1, 0.35)
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
BLUR_KERNEL = (0.25, 0.5, 0.25)


def change_light(image: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures ``[B,3,h,w]`` in another light, 0..1: exposure, colour, night, blur, noise, each by chance."""
    count = len(image)

    def spread(deviation: float, *shape: int) -> Tensor:
        return (deviation * torch.randn((count, *shape, 1, 1), generator=generator)).exp()

    def chosen(share: float) -> Tensor:
        return (torch.rand((count, 1, 1, 1), generator=generator) < share).float()

    gamma, gain = spread(GAMMA_SPREAD, 1), spread(GAIN_SPREAD, 1) * spread(CAST_SPREAD, 3)
    contrast, saturation = spread(CONTRAST_SPREAD, 1), spread(SATURATION_SPREAD, 1) * (1 - chosen(GREY_SHARE))
    dark = chosen(DARK_SHARE)
    light = DARKNESS[0] + (DARKNESS[1] - DARKNESS[0]) * torch.rand((count, 1, 1, 1), generator=generator)
    gain = gain * (1 - dark + dark * light)
    noise = chosen(NOISE_SHARE) * MOST_NOISE * torch.rand((count, 1, 1, 1), generator=generator) + dark * DARK_NOISE
    blurred = chosen(BLUR_SHARE).flatten().nonzero().flatten()
    image = _blur(image, blurred.to(image.device))
    image = image.clamp(1e-4, 1).pow(gamma.to(image.device))
    grey = (image * torch.tensor(LUMA, device=image.device).view(1, 3, 1, 1)).sum(1, keepdim=True)
    image = grey + (image - grey) * saturation.to(image.device)
    middle = grey.mean((2, 3), keepdim=True)
    image = (middle + (image - middle) * contrast.to(image.device)) * gain.to(image.device)
    return _add_noise(image, noise, generator).clamp(0, 1)


def _blur(image: Tensor, chosen: Tensor) -> Tensor:
    if not len(chosen):
        return image
    kernel = torch.tensor(BLUR_KERNEL, device=image.device)
    square = (kernel.view(-1, 1) * kernel).expand(3, 1, -1, -1)
    soft = functional.conv2d(functional.pad(image[chosen], (1, 1, 1, 1), mode="replicate"), square, groups=3)
    return image.index_copy(0, chosen, soft)


def _add_noise(image: Tensor, strength: Tensor, generator: torch.Generator) -> Tensor:
    """Grain on the pictures whose strength ``[B,1,1,1]`` is above 0; drawn on the device, seeded by `generator`."""
    noisy = (strength.flatten() > 0).nonzero().flatten()
    if not len(noisy):
        return image
    seed = int(torch.randint(2**31, (1,), generator=generator))
    source = torch.Generator(image.device).manual_seed(seed)
    grain = torch.randn((len(noisy), *image.shape[1:]), generator=source, device=image.device)
    return image.index_add(0, noisy.to(image.device), grain * strength[noisy].to(image.device))


def cut_out(image: Tensor, labels: Tensor, generator: torch.Generator) -> None:
    """Hides a rectangle of some pictures behind a colour, in place; what is behind it is ignored."""
    height, width = labels.shape[1:]
    draws = torch.rand((len(image), 5), generator=generator)
    colours = torch.rand((len(image), 3, 1, 1), generator=generator).to(image.device)
    for sample in (draws[:, 0] < CUT_SHARE).nonzero().flatten().tolist():
        _, x, y, across, down = draws[sample].tolist()
        wide = max(1, round(width * (CUT_SIDES[0] + (CUT_SIDES[1] - CUT_SIDES[0]) * across)))
        tall = max(1, round(height * (CUT_SIDES[0] + (CUT_SIDES[1] - CUT_SIDES[0]) * down)))
        left, top = round(x * (width - wide)), round(y * (height - tall))
        image[sample, :, top : top + tall, left : left + wide] = colours[sample]
        labels[sample, top : top + tall, left : left + wide] = IGNORED

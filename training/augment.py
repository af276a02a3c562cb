"""Batches as they might have been photographed: framing, surroundings, a second person; colours are in light.py.

All chances are drawn on the CPU from one generator, all pixels are made on the device of the photos, by one affine
sampling per batch. Labels go through the same sampling, to the nearest pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from cache import Photos
from ccp import IGNORED
from light import change_light, cut_out
from torch import Tensor
from torch.nn import functional

Size = tuple[int, int]
# Shares of the framings: near the whole frame, a part of the figure, more around it (as in the feasibility run).
FULL_SHARE, ZOOM_SHARE = 0.50, 0.37
FULL_SCALES, ZOOMS, OUT_SCALES = (0.92, 1.12), (1.2, 2.6), (1.1, 1.8)
# Where in a photo its person is: everybody stands in the middle, head at 15 % and feet at 90 % of the height.
BODY_X, BODY_Y = (0.38, 0.62), (0.14, 0.88)
SHIFT_SHARE, ANGLE_DEGREES, ASPECT_SPREAD = 0.04, 8.0, 0.08
SWAP_SHARE, SWAP_SHARE_WIDE, STRIP_SHARE = 0.25, 0.6, 0.5
STRIP_WIDTH = 0.17  # of a photo's side that hardly ever shows the person
PAIR_SHARE, PAIR_SHARE_WIDE, IN_FRONT_SHARE = 0.15, 0.4, 0.3
PAIR_DISTANCES, PAIR_SCALES = (0.28, 0.55), (0.85, 1.25)


@dataclass(frozen=True)
class Framing:
    """Where each sample's frame lies in its photo: centre in px, photo px per frame px, radians, aspect, mirror ±1."""

    x: Tensor
    y: Tensor
    scale: Tensor
    angle: Tensor
    aspect: Tensor
    mirror: Tensor

    def affine(self) -> Tensor:
        """``[B,2,3]``: from frame px about the middle to photo px."""
        cos, sin = self.angle.cos() * self.scale, self.angle.sin() * self.scale
        across, down = self.aspect * self.mirror, 1 / self.aspect
        first = torch.stack([cos * across, -sin * down, self.x], dim=1)
        second = torch.stack([sin * across, cos * down, self.y], dim=1)
        return torch.stack([first, second], dim=1)


def make_batch(
    training: Photos, unlabelled: Photos, picks: tuple[Tensor, Tensor], size: Size, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Pictures ``[B,3,h,w]``, 0..1, and labels ``[B,h,w]`` (int64) of the picked photos, altered at random.

    picks: indices into `training` and `unlabelled`; the second may be empty.
    """
    parts: list[tuple[Tensor, Tensor]] = []
    for photos, index in zip((training, unlabelled), picks, strict=True):
        if len(index):
            parts.append(sample(photos, index, draw_framing(photos, index, size, generator), size))
    image, labels = (torch.cat(planes) for planes in zip(*parts, strict=True))
    swap_background(image, labels, training, generator)
    add_person(image, labels, training, generator)
    image = change_light(image, generator)
    cut_out(image, labels, generator)
    return image, labels


def draw_framing(photos: Photos, index: Tensor, size: Size, generator: torch.Generator) -> Framing:
    """Random framings: near the whole frame, a part of the figure, or more around it; turned, stretched, mirrored."""
    count = len(index)
    kind = torch.rand(count, generator=generator)
    heights, width = photos.heights[index].float(), photos.photos.shape[3]
    zoomed = (kind >= FULL_SHARE) & (kind < FULL_SHARE + ZOOM_SHARE)
    factor = torch.where(zoomed, 1 / _between(ZOOMS, count, generator), _between(FULL_SCALES, count, generator))
    factor = torch.where(kind >= FULL_SHARE + ZOOM_SHARE, _between(OUT_SCALES, count, generator), factor)
    shift_x, shift_y = SHIFT_SHARE * torch.randn((2, count), generator=generator)
    x = torch.where(zoomed, _between(BODY_X, count, generator), 0.5 + shift_x)
    y = torch.where(zoomed, _between(BODY_Y, count, generator), 0.5 + shift_y)
    angle = math.radians(ANGLE_DEGREES) * torch.randn(count, generator=generator)
    aspect = (ASPECT_SPREAD * torch.randn(count, generator=generator)).exp()
    mirror = 1 - 2 * (torch.rand(count, generator=generator) < 0.5).float()
    return Framing(x * width, y * heights, factor * heights / size[0], angle, aspect, mirror)


def sample(photos: Photos, index: Tensor, framing: Framing, size: Size) -> tuple[Tensor, Tensor]:
    """The frames of the picked photos: pictures ``[B,3,h,w]``, 0..1, and labels ``[B,h,w]``, int64.

    Beyond a photo its border is repeated and the label is background.
    """
    device = photos.photos.device
    there = index.to(device)
    grid = _grid(framing.affine().to(device), size, photos.photos.shape[2:])
    image = functional.grid_sample(photos.photos[there].float() / 255, grid, padding_mode="border", align_corners=False)
    labels = functional.grid_sample(
        photos.labels[there].unsqueeze(1).float(), grid, mode="nearest", align_corners=False
    )
    return image, labels[:, 0].round().long()


def _grid(affine: Tensor, size: Size, canvas: torch.Size) -> Tensor:
    """grid_sample's -1..1 for every pixel of the frames."""
    height, width = size
    x = torch.arange(width, device=affine.device) + 0.5 - width / 2
    y = torch.arange(height, device=affine.device) + 0.5 - height / 2
    columns = affine[:, None, None, :, 0] * x.view(1, 1, -1, 1)
    rows = affine[:, None, None, :, 1] * y.view(1, -1, 1, 1)
    spots = columns + rows + affine[:, None, None, :, 2]
    return spots * 2 / torch.tensor([canvas[1], canvas[0]], device=affine.device) - 1


def swap_background(image: Tensor, labels: Tensor, photos: Photos, generator: torch.Generator) -> None:
    """Lays another background behind some of the people, in place: a plain one or the empty side of another photo."""
    height, width = labels.shape[1:]
    chosen = _chosen(labels, SWAP_SHARE, SWAP_SHARE_WIDE, generator)
    if not len(chosen):
        return
    there = chosen.to(image.device)
    sides = _empty_sides(photos, len(chosen), (height, width), generator)
    plain = _plain_walls(len(chosen), (height, width), generator).to(image.device)
    takes_side = (torch.rand(len(chosen), generator=generator) < STRIP_SHARE).to(image.device)
    wall = torch.where(takes_side.view(-1, 1, 1, 1), sides, plain)
    cover = soft_cover(labels[there] != 0)
    image[there] = image[there] * cover + wall * (1 - cover)


def _chosen(labels: Tensor, share: float, share_wide: float, generator: torch.Generator) -> Tensor:
    """The numbers of some pictures of a batch, drawn by chance: a share of upright ones, another of wide ones."""
    count, height, width = labels.shape
    chance = share if height > width else share_wide
    return (torch.rand(count, generator=generator) < chance).nonzero().flatten()


def _empty_sides(photos: Photos, count: int, size: Size, generator: torch.Generator) -> Tensor:
    """The outer strips of random photos, mirrored to and fro until they fill the frame."""
    index = torch.randint(len(photos), (count,), generator=generator)
    canvas = photos.photos.shape[2:]
    scale = photos.heights[index].float() / size[0]
    strip = STRIP_WIDTH * canvas[1]
    at_right = (torch.rand(count, generator=generator) < 0.5).float().view(-1, 1)
    steps = (torch.arange(size[1]) + 0.5) * scale.view(-1, 1)
    folded = strip - (steps % (2 * strip) - strip).abs()
    x = at_right * (canvas[1] - 2 * folded) + folded
    y = (torch.arange(size[0]) + 0.5) * scale.view(-1, 1)
    across, down = x.unsqueeze(1).expand(-1, size[0], -1), y.unsqueeze(2).expand(-1, -1, size[1])
    grid = torch.stack([across * 2 / canvas[1] - 1, down * 2 / canvas[0] - 1], dim=-1).to(photos.photos.device)
    source = photos.photos[index.to(photos.photos.device)].float() / 255
    return functional.grid_sample(source, grid, padding_mode="border", align_corners=False)


def _plain_walls(count: int, size: Size, generator: torch.Generator) -> Tensor:
    """Studio walls: a few random colours, softly run into one another."""
    base = torch.rand((count, 3, 1, 1), generator=generator)
    spread = 0.25 * torch.rand((count, 1, 1, 1), generator=generator)
    corners = base + spread * torch.randn((count, 3, 3, 3), generator=generator)
    return functional.interpolate(corners, size, mode="bilinear").clamp(0, 1)


def add_person(image: Tensor, labels: Tensor, photos: Photos, generator: torch.Generator) -> None:
    """Puts a second labelled person beside, behind or in front of some, in place."""
    height, width = labels.shape[1:]
    chosen = _chosen(labels, PAIR_SHARE, PAIR_SHARE_WIDE, generator)
    if not len(chosen):
        return
    count, there = len(chosen), chosen.to(image.device)
    index = torch.randint(len(photos), (count,), generator=generator)
    framing = draw_framing(photos, index, (height, width), generator)
    scale = photos.heights[index] / height * _between(PAIR_SCALES, count, generator)
    side = 1 - 2 * (torch.rand(count, generator=generator) < 0.5).float()
    x = 0.5 * photos.photos.shape[3] + side * _between(PAIR_DISTANCES, count, generator) * width * scale
    beside = Framing(x, photos.heights[index] / 2, scale, framing.angle, framing.aspect, framing.mirror)
    other, other_labels = sample(photos, index, beside, (height, width))
    in_front = (torch.rand(count, generator=generator) < IN_FRONT_SHARE).to(image.device).view(-1, 1, 1)
    person = (other_labels != 0) & (other_labels != IGNORED) & (in_front | (labels[there] == 0))
    cover = soft_cover(person)
    image[there] = image[there] * (1 - cover) + other * cover
    labels[there] = torch.where(person, other_labels, labels[there])


def soft_cover(mask: Tensor) -> Tensor:
    """A bool mask ``[B,h,w]`` as a cover ``[B,1,h,w]`` with an edge a pixel or two soft, so that no paste looks cut."""
    return functional.avg_pool2d(mask.unsqueeze(1).float(), 3, stride=1, padding=1, count_include_pad=False)


def _between(limits: tuple[float, float], count: int, generator: torch.Generator) -> Tensor:
    return limits[0] + (limits[1] - limits[0]) * torch.rand(count, generator=generator)

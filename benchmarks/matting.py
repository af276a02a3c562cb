"""Compares mattes of drawn hair, lace and fringe with the truth, and with other ways to get them.

python benchmarks/matting.py [SIDE]
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from hemline.kernels import gaussian_blur

# Drawn so many times finer, then averaged, so that the coverage is exact.
FINER = 3


def texture(side: int, colours: tuple[tuple[float, ...], tuple[float, ...]], strength: float, seed: int) -> Tensor:
    """A picture ``[3,side,side]`` that runs between two colours, with detail of several scales."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.zeros(1, 4, side, side)
    for sigma, share in ((0.8, 0.25), (3.0, 0.6), (14.0, 1.5), (60.0, 4.0)):
        layer = gaussian_blur(torch.rand((1, 4, side, side), generator=generator), sigma) - 0.5
        noise += share * layer / layer.std()
    noise = (noise / noise.std())[0]
    first, second = (torch.tensor(colour).view(3, 1, 1) for colour in colours)
    share = torch.sigmoid(1.5 * noise[:1])
    return (first + share * (second - first) + strength * noise[1:]).clamp(0, 1)


def strands(
    side: int, starts: Tensor, directions: Tensor, length: float, width: float, curl: float, seed: int
) -> Tensor:
    """The coverage ``[side,side]`` of curved threads from points ``[N,2]`` (x, y) on along angles ``[N]``.

    length, width: in px of the result. curl: how much a thread turns from step to step.
    """
    generator = torch.Generator().manual_seed(seed)
    size, count = side * FINER, len(starts)
    plane = torch.zeros(size, size)
    points, turn = starts * FINER, torch.zeros(count)
    reach = length * FINER * (0.4 + 0.6 * torch.rand(count, generator=generator))
    brush = max(1, round(width * FINER))
    for step in range(int(length * FINER)):
        turn = 0.98 * turn + curl * torch.randn(count, generator=generator) / FINER
        directions = directions + turn / FINER
        points = points + torch.stack([directions.cos(), directions.sin()], 1)
        alive = (reach > step) & (points >= 0).all(1) & (points < size - brush).all(1)
        column, row = points[alive].long().unbind(1)
        plane[row, column] = 1
    spread = functional.max_pool2d(plane[None, None], brush, 1, brush // 2)[..., :size, :size]
    return functional.avg_pool2d(spread, FINER)[0, 0]


def blob(side: int, radius: float, seed: int) -> Tensor:
    """The antialiased coverage ``[side,side]`` of a wavy disk; radius as a share of the side."""
    generator = torch.Generator().manual_seed(seed)
    steps = (torch.arange(side * FINER) + 0.5) / (side * FINER) - 0.5
    angle, distance = torch.atan2(steps.view(-1, 1), steps), torch.hypot(steps.view(-1, 1), steps)
    rim = torch.full_like(angle, radius)
    for waves in (2, 3, 5):
        phase, height = torch.rand(2, generator=generator).tolist()
        rim += 0.06 * radius * height * torch.sin(waves * angle + 6.28 * phase)
    return functional.avg_pool2d((distance < rim).float()[None, None], FINER)[0, 0]


def hair(side: int) -> Tensor:
    """A head of hair: strands of about one pixel, loose at their ends."""
    count = side * 2
    generator = torch.Generator().manual_seed(7)
    angle = math.tau * torch.rand(count, generator=generator)
    starts = side * (0.5 + 0.25 * torch.stack([angle.cos(), angle.sin()], 1))
    lean = angle + 0.9 * torch.randn(count, generator=generator)
    loose = strands(side, starts, lean, 0.07 * side, max(0.7, side / 900), 0.03, 8)
    return torch.maximum(loose, blob(side, 0.26, 3))


def fur(side: int) -> Tensor:
    """A fur collar: short dense strands all round."""
    count = side * 10
    generator = torch.Generator().manual_seed(9)
    angle = math.tau * torch.rand(count, generator=generator)
    starts = side * (0.5 + 0.26 * torch.stack([angle.cos(), angle.sin()], 1))
    lean = angle + 0.4 * torch.randn(count, generator=generator)
    return torch.maximum(strands(side, starts, lean, 0.035 * side, 0.7, 0.02, 10), blob(side, 0.265, 4))


def fringe(side: int) -> Tensor:
    """A shawl with a fringe: threads of two pixels side by side below a straight hem."""
    cloth = torch.zeros(side, side)
    cloth[: side // 2, side // 6 : -side // 6] = 1
    across = torch.arange(side // 6, side - side // 6, 5.0)
    starts = torch.stack([across, torch.full_like(across, side / 2 - 2)], 1)
    down = torch.full_like(across, math.pi / 2)
    return torch.maximum(cloth, strands(side, starts, down, 0.08 * side, max(1.2, side / 512), 0.01, 11))


def lace(side: int) -> Tensor:
    """A lace border: round holes of several sizes and a scalloped rim."""
    steps = (torch.arange(side * FINER) + 0.5) / FINER
    rows, columns = steps.view(-1, 1), steps.view(1, -1)
    pitch = side / 40
    scallop = 0.62 * side + 0.6 * pitch * torch.cos(columns / pitch * math.tau / 2).abs()
    cloth = (rows < scallop) & (columns > side / 6) & (columns < side * 5 / 6)
    holes = torch.zeros(len(steps), len(steps), dtype=torch.bool)
    for shift, radius in ((0.0, 0.34), (0.5, 0.2)):
        x = (columns / pitch + shift) % 1 - 0.5
        y = (rows / pitch + shift) % 1 - 0.5
        holes |= torch.hypot(x, y) < radius
    holes &= rows > 0.55 * side
    return functional.avg_pool2d((cloth & ~holes).float()[None, None], FINER)[0, 0]


KINDS = {"hair": hair, "fur": fur, "fringe": fringe, "lace": lace}


def as_detected(alpha: Tensor, sigma: float) -> Tensor:
    """The mask ``[H,W]`` that a parser would make of it: smoothed far beyond the strands, softly cut."""
    soft = gaussian_blur(alpha[None, None], sigma)[0, 0]
    return torch.sigmoid(12 * (soft - 0.5)).mul(1.02).sub(0.01).clamp(0, 1)


def true_trimap(alpha: Tensor, margin: int) -> Tensor:
    soft = ((alpha > 0.01) & (alpha < 0.99)).float()[None, None]
    unknown = functional.max_pool2d(soft, 2 * margin + 1, 1, margin)[0, 0] > 0
    return torch.where(unknown, 0.5, (alpha > 0.5).float())


def scene(kind: str, side: int, noise: float = 1 / 255) -> tuple[Tensor, Tensor]:
    """A picture ``[3,side,side]`` and its true alpha ``[side,side]``."""
    alpha = KINDS[kind](side)
    front = texture(side, ((0.35, 0.2, 0.1), (0.6, 0.4, 0.25)), 0.03, 1)
    back = texture(side, ((0.75, 0.8, 0.75), (0.4, 0.55, 0.7)), 0.04, 2)
    picture = alpha * front + (1 - alpha) * back
    picture += noise * torch.randn(picture.shape, generator=torch.Generator().manual_seed(5))
    return (picture.clamp(0, 1) * 255).round() / 255, alpha

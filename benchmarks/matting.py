"""Compares mattes of drawn hair, lace and fringe with the truth, and with other ways to get them.

python benchmarks/matting.py [SIDE]
"""

from __future__ import annotations

import importlib.util
import io
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from hemline.kernels import gaussian_blur
from hemline.segmentation.matting.matte import matte_mask
from hemline.segmentation.matting.trimap import make_trimap
from hemline.segmentation.refine import refine_edges

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


def jpeg(picture: Tensor, quality: int) -> Tensor:
    """The picture ``[3,H,W]`` stored as JPEG and read again, chroma at half the size."""
    codes = (picture.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    stored = io.BytesIO()
    Image.fromarray(codes).save(stored, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(stored))).float().permute(2, 0, 1) / 255


def closed_form(picture: Tensor, trimap: Tensor) -> Tensor | None:
    """pymatting's closed form; None where it is not installed."""
    if importlib.util.find_spec("pymatting") is None:
        return None
    from pymatting import estimate_alpha_cf

    found = estimate_alpha_cf(picture.permute(1, 2, 0).double().numpy(), trimap.double().numpy())
    return torch.from_numpy(found).float()


def errors(found: Tensor, alpha: Tensor, unknown: Tensor) -> str:
    """SAD / 1000, MSE x 1000 and gradient error x 1000 on the unknown pixels."""
    difference = (found - alpha)[unknown]
    slopes = [torch.stack(torch.gradient(gaussian_blur(p[None, None], 1.4)[0, 0])).norm(dim=0) for p in (found, alpha)]
    gradient = (slopes[0] - slopes[1])[unknown].square().mean()
    figures = difference.abs().sum() / 1000, difference.square().mean() * 1000, gradient * 1000
    return "".join(f"{float(figure):9.3f}" for figure in figures)


def timed(call: Callable[[], Tensor | None]) -> tuple[Tensor | None, float]:
    start = time.thread_time()
    result = call()
    return result, time.thread_time() - start


def compare(side: int) -> None:
    closed_form(torch.rand(3, 16, 16), torch.tensor([0.0, 0.5, 1.0, 1.0]).repeat(16, 4))  # numba compiles
    for kind in KINDS:
        drawn, alpha = scene(kind, side)
        trimap, mask = true_trimap(alpha, 4), as_detected(alpha, side / 100)
        unknown = trimap == 0.5
        start = torch.where(unknown, mask, trimap)
        for name, picture in (("drawn", drawn), ("JPEG 90", jpeg(drawn, 90))):
            image = picture.permute(1, 2, 0).unsqueeze(0)

            def matte(image: Tensor = image, mask: Tensor = mask, trimap: Tensor = trimap) -> Tensor:
                return matte_mask(image, mask[None], trimap[None], drawn=True)[0]

            def guided(image: Tensor = image, start: Tensor = start, unknown: Tensor = unknown) -> Tensor:
                return torch.where(unknown, refine_edges(image, start[None])[0], start)

            def peer(picture: Tensor = picture, trimap: Tensor = trimap) -> Tensor | None:
                return closed_form(picture, trimap)

            print(f"{kind}, {name}: {int(unknown.sum())} unknown px{'SAD':>15}{'MSE':>9}{'grad':>9}{'s':>9}")
            print(f"  {'nothing done':32}{errors(start, alpha, unknown)}")
            for way, call in (("guided filter, 8 px", guided), ("matte", matte), ("pymatting, closed form", peer)):
                found, seconds = timed(call)
                if found is not None:
                    print(f"  {way:32}{errors(found, alpha, unknown)}{seconds:9.2f}")


def figure(height: int, width: int) -> tuple[Tensor, Tensor]:
    """A picture ``[1,H,W,3]`` of a wavy column about as high as the frame, and its mask ``[1,H,W]``."""
    rows, columns = torch.arange(height).view(-1, 1) / height, torch.arange(width).view(1, -1) / width
    half = 0.12 + 0.06 * torch.sin(9 * rows) + 0.01 * torch.sin(120 * rows)
    mask = ((columns - 0.5).abs() < half) & (rows > 0.05) & (rows < 0.95)
    noise = torch.rand(1, height, width, 3, generator=torch.Generator().manual_seed(0)) * 0.1
    share = mask.float()[None, ..., None]
    return share * torch.tensor((0.6, 0.3, 0.2)) + (1 - share) * torch.tensor((0.3, 0.5, 0.7)) + noise, mask[
        None
    ].float()


def grow_with_size() -> None:
    for height, width in ((1224, 816), (2448, 1632), (4288, 2860)):
        image, mask = figure(height, width)
        _, floor = timed(image.clone)
        trimap, spent = timed(lambda mask=mask: make_trimap(mask, inside_px=16, outside_px=16))
        assert trimap is not None
        held = reset_peak()
        _, seconds = timed(lambda image=image, mask=mask, trimap=trimap: matte_mask(image, mask, trimap))
        print(
            f"{height * width / 1e6:4.1f} Mpx, {int((trimap == 0.5).sum()):7d} unknown: trimap {spent:.2f} s, matte "
            f"{seconds:.2f} s, {peak_bytes() - held >> 20} MiB; a clone of the picture {floor:.3f} s"
        )


def reset_peak() -> int:
    """Starts the process's peak memory anew (Linux) and gives what it holds now, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


def peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    compare(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
    grow_with_size()

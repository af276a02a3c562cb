"""Times blending against the memory's floor and against how other packs do it, in one run.

    python benchmarks/blend.py [SIDE] [--compile] [--threads N]

The floor is ``torch.mul(a, b, out=c)`` on the pictures themselves: two streams read, one written. Times are processor
seconds of this process, the least of five runs, so that other work on the machine shows as little as it can. The peers
are written from their descriptions: numpy and whole-picture torch as most packs blend, 8-bit Pillow as LayerStyle does.
Each line is checked: the float peers give what Hemline gives, the 8-bit one to within its own rounding.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from memory import peak_mib
from PIL import Image, ImageChops
from torch import Tensor

from hemline.blending.composite import blend_images
from hemline.color import linear_to_srgb, srgb_to_linear

RUNS = 5


def best_ms(call: Callable[[], object]) -> float:
    call()
    times: list[float] = []
    for _ in range(RUNS):
        start = time.process_time()
        call()
        times.append((time.process_time() - start) * 1000)
    return min(times)


def through_mask(base: Tensor, blended: Tensor, mask: Tensor) -> Tensor:
    return base + mask.unsqueeze(-1) * (blended - base)


def eager_soft_light(Cb: Tensor, Cs: Tensor) -> Tensor:
    D = torch.where(Cb <= 0.25, ((16 * Cb - 12) * Cb + 4) * Cb, Cb.sqrt())
    return torch.where(Cs <= 0.5, Cb - (1 - 2 * Cs) * Cb * (1 - Cb), Cb + (2 * Cs - 1) * (D - Cb))


def eager_linear(base: Tensor, layer: Tensor, mask: Tensor) -> Tensor:
    return linear_to_srgb(through_mask(srgb_to_linear(base), srgb_to_linear(layer), mask))


def numpy_multiply(base: np.ndarray, layer: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return base * (1 - mask[..., None]) + base * layer * mask[..., None]


def eight_bit(base: np.ndarray, layer: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Float to 8 bits, Pillow's multiply and composite, and back."""

    def picture(values: np.ndarray) -> Image.Image:
        return Image.fromarray((values * 255).clip(0, 255).astype(np.uint8))

    below, above = picture(base), picture(layer)
    mixed = Image.composite(ImageChops.multiply(below, above), below, picture(mask))
    return np.asarray(mixed).astype(np.float32) / 255


def show(name: str, call: Callable[[], object], floor: float) -> None:
    spent = best_ms(call)
    print(f"{name:58} {spent:9.1f} ms {spent / floor:6.1f} x the floor")


def check(base: Tensor, layer: Tensor, mask: Tensor) -> None:
    """The peers compute the same thing, or these times would compare nothing."""
    multiplied = blend_images(base, layer, mask, mode="multiply")
    arrays = [tensor[0].numpy() for tensor in (base, layer, mask)]
    assert np.abs(numpy_multiply(*arrays) - multiplied[0].numpy()).max() < 1e-6
    assert np.abs(eight_bit(*arrays) - multiplied[0].numpy()).max() < 4 / 255
    soft = through_mask(base, eager_soft_light(base, layer), mask)
    assert (soft - blend_images(base, layer, mask, mode="soft-light")).abs().max() < 1e-5
    assert (eager_linear(base, layer, mask) - blend_images(base, layer, mask, space="linear")).abs().max() < 2e-5


def main(side: int, threads: int, compile: bool) -> None:
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(0)
    base, layer = torch.rand((2, 1, side, side, 3), generator=generator)
    mask = torch.rand((1, side, side), generator=generator).clamp(min=1e-3)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    ellipse = ((rows / side - 0.5) ** 2 / 0.35**2 + (columns / side - 0.5) ** 2 / 0.2**2 < 1).float().unsqueeze(0)
    check(*(tensor[:, :256, :256].contiguous() for tensor in (base, layer, mask)))
    result = torch.empty_like(base)
    floor = best_ms(lambda: torch.mul(base, layer, out=result))
    print(f"{side} x {side} x 3, float32, threads {threads}; the floor {floor:.1f} ms")
    alpha = torch.cat([layer, mask.unsqueeze(-1)], dim=-1)
    jobs: list[tuple[str, Tensor, Tensor | None, dict[str, str]]] = [
        ("multiply", layer, mask, {"mode": "multiply"}),
        ("soft light", layer, mask, {"mode": "soft-light"}),
        ("normal in linear light", layer, mask, {"space": "linear"}),
        ("normal in OKLab", layer, mask, {"space": "OKLab"}),
        ("color", layer, mask, {"mode": "color"}),
        ("multiply, layer with alpha, no mask", alpha, None, {"mode": "multiply"}),
        ("multiply, mask an ellipse of 22 %", layer, ellipse, {"mode": "multiply"}),
        ("multiply, mask 0", layer, torch.zeros_like(mask), {"mode": "multiply"}),
    ]
    for name, above, through, options in jobs:
        show(f"Hemline {name}", lambda a=above, m=through, o=options: blend_images(base, a, m, **o), floor)
    for name, above, through, options in jobs[:3]:
        call = lambda a=above, m=through, o=options: blend_images(base, a, m, **o, out=result)  # noqa: E731
        show(f"Hemline {name}, into given memory", call, floor)
    for name, above, through, options in jobs[:3] if compile else ():
        call = lambda a=above, m=through, o=options: blend_images(base, a, m, **o, compile=True, out=result)  # noqa: E731
        show(f"Hemline {name}, compiled, into given memory", call, floor)
    arrays = [tensor[0].numpy() for tensor in (base, layer, mask)]
    show("fresh memory alone: torch.mul(a, b)", lambda: torch.mul(base, layer), floor)
    show("numpy multiply", lambda: numpy_multiply(*arrays), floor)
    show("8-bit Pillow multiply, there and back", lambda: eight_bit(*arrays), floor)
    show("whole-picture torch multiply", lambda: through_mask(base, base * layer, mask), floor)
    show("whole-picture torch soft light", lambda: through_mask(base, eager_soft_light(base, layer), mask), floor)
    show("whole-picture torch linear light", lambda: eager_linear(base, layer, mask), floor)
    result_mib = base.numel() * base.element_size() / 2**20
    for name, call in (
        ("Hemline multiply", lambda: blend_images(base, layer, mask, mode="multiply")),
        ("Hemline color in linear light", lambda: blend_images(base, layer, mask, mode="color", space="linear")),
        ("whole-picture torch soft light", lambda: through_mask(base, eager_soft_light(base, layer), mask)),
    ):
        print(f"{name:58} {peak_mib(call) - result_mib:9.1f} MiB beside the result")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("side", type=int, nargs="?", default=4096)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    given = parser.parse_args()
    main(given.side, given.threads, given.compile)

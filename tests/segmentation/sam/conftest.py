"""Drawn garments with masks as a detector gives them, and a SAM that was trained on drawn shapes."""

from __future__ import annotations

import pytest
import torch
from support.tiny_sam import trained_sam
from torch import Tensor
from torch.nn import functional

from hemline.segmentation.garments import Garment, Garments, mask_box

HEIGHT, WIDTH = 230, 310


def shape(kind: str, middle: tuple[float, float], half: tuple[float, float]) -> Tensor:
    ys, xs = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    across, down = (xs - middle[0]).abs() / half[0], (ys - middle[1]).abs() / half[1]
    return ((torch.hypot(across, down) if kind == "round" else torch.maximum(across, down)) < 1).float()


def roughen(mask: Tensor, seed: int = 0) -> Tensor:
    """The mask as a detector gives it: blurred, here too large and there too small."""
    generator = torch.Generator().manual_seed(seed)
    blurred = functional.avg_pool2d(mask[None, None], 21, 1, 10, count_include_pad=False)[0, 0]
    noise = functional.interpolate(torch.randn(1, 1, 5, 5, generator=generator), mask.shape, mode="bicubic")[0, 0]
    return ((blurred - 0.5 + 0.3 * noise * (blurred > 0)) * 4 + 0.5).clamp(0, 1)


@pytest.fixture(scope="session")
def truth() -> dict[str, Tensor]:
    return {"upper": shape("round", (90, 80), (60, 50)), "skirt": shape("square", (220, 150), (50, 60))}


@pytest.fixture(scope="session")
def picture(truth: dict[str, Tensor]) -> Tensor:
    colours = {"upper": (0.8, 0.2, 0.2), "skirt": (0.1, 0.3, 0.7)}
    image = torch.full((HEIGHT, WIDTH, 3), 0.75)
    for name, mask in truth.items():
        image = torch.where(mask[..., None] > 0, torch.tensor(colours[name]), image)
    return (image + 0.01 * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)[None]


def as_garments(masks: dict[str, Tensor], batch: int = 1, **more) -> Garments:
    items = [
        Garment(mask, label, 0.9, mask_box(mask), image) for image in range(batch) for label, mask in masks.items()
    ]
    return Garments(WIDTH, HEIGHT, batch, tuple(items), "drawn", **more)


@pytest.fixture(scope="session")
def detected(truth: dict[str, Tensor]) -> Garments:
    return as_garments({label: roughen(mask) for label, mask in truth.items()})


@pytest.fixture
def sam():
    pytest.importorskip("segment_anything", reason="segment-anything defines the network (extra: sam)")
    return trained_sam()


@pytest.fixture
def runs(sam) -> list[int]:
    """Grows by one with each run of the encoder."""
    counted: list[int] = []
    sam.encoder.register_forward_hook(lambda *_: counted.append(1))
    return counted

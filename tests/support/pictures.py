"""Small drawn pictures for tests."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

SKIN, HAIR, SHIRT, TROUSERS, SHOES = (0.9, 0.72, 0.6), (0.2, 0.14, 0.1), (0.75, 0.1, 0.12), (0.1, 0.18, 0.5), (0.1,) * 3


def drawn_person(height: int = 96, width: int = 64) -> Tensor:
    """A person of five flat colours before a light wall, ``[1,H,W,3]``: head, shirt, trousers, shoes."""
    image = torch.full((1, height, width, 3), 0.86)
    parts = (
        (0.04, 0.09, 0.42, 0.58, HAIR), (0.08, 0.17, 0.43, 0.57, SKIN), (0.17, 0.50, 0.30, 0.70, SHIRT),
        (0.50, 0.92, 0.33, 0.67, TROUSERS), (0.92, 0.97, 0.32, 0.68, SHOES),
    )  # fmt: skip
    for top, bottom, left, right, colour in parts:
        rows = slice(int(top * height), max(int(bottom * height), int(top * height) + 1))
        columns = slice(int(left * width), max(int(right * width), int(left * width) + 1))
        image[:, rows, columns] = torch.tensor(colour)
    return image


def shirt_mask(height: int = 96, width: int = 64) -> Tensor:
    """Where `drawn_person` wears the shirt, ``[1,H,W]``."""
    mask = torch.zeros(1, height, width)
    mask[:, int(0.17 * height) : int(0.50 * height), int(0.30 * width) : int(0.70 * width)] = 1
    return mask


def add_batch(folder: Path) -> None:
    """Three small pictures with an overlay and a mask each, for Batch Load."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(("coat", "dress", "hat"), start=1):
        for part, mode in (("", "RGB"), ("_overlay", "RGB"), ("_mask", "L")):
            Image.new(mode, (20 + number, 30), 60 * number).save(folder / f"{name}{part}.png")


def given_values(height: int = 96, width: int = 64, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Pictures and masks of every form that a host sends, by name."""
    image, mask = drawn_person(height, width).to(dtype), shirt_mask(height, width).to(dtype)
    noise = torch.rand((3, height, width, 3), generator=torch.Generator().manual_seed(1)).to(dtype) * 0.05
    image3, odd = (image + noise).clamp(0, 1), (1003, 777)
    return {
        "image": image,
        "mask": mask,
        "image of 3": image3,
        "mask of 3": torch.cat([mask, mask * 0.5, torch.zeros_like(mask)]),
        "rgba": torch.cat([image, mask.unsqueeze(-1)], dim=-1),
        "strided image": image3[::2].permute(0, 2, 1, 3).contiguous().permute(0, 2, 1, 3),
        "strided mask": torch.cat([mask, mask], dim=-1)[..., ::2],
        "plain mask": mask[0],
        "no mask": torch.zeros(1, 64, 64, dtype=dtype),
        "empty mask": torch.zeros_like(mask),
        "pixel": image[:, :1, :1],
        "pixel mask": mask[:, :1, :1],
        "odd image": drawn_person(*odd).to(dtype),
        "odd mask": shirt_mask(*odd).to(dtype),
        "wall": torch.full((1, height, width, 3), 0.86, dtype=dtype),
        "image of 2": image3[:2],
    }

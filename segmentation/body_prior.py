"""Where a body's parts lie in a person's box: mean maps over labelled photos, a few body shapes beside one another."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] - its PathLike has no argument
from torch import Tensor
from torch.nn import functional

from ..tensors import BadFile

PRIOR_PATH = Path(__file__).parent / "weights" / "body_prior.safetensors"

GROUPS = ("upper", "lower", "footwear", "hair", "skin", "other")
"""What the maps tell apart. `other` is worn or carried but swapped by nobody: bags, legwear, hats, scarves, belts."""


@dataclass(frozen=True)
class BodyPrior:
    """modes: probability of each group, ``[M,G,h,w]``, for each of M body shapes (trousers, dress, coat ...).

    shares: how common each shape is, ``[M]``. margins: by how much of its width and height the person's box was
    enlarged on either side before the maps were laid on it.
    """

    modes: Tensor
    shares: Tensor
    margins: tuple[float, float]

    def mean(self) -> Tensor:
        """The maps over all shapes, ``[1,G,h,w]``."""
        return (self.modes * self.shares.view(-1, 1, 1, 1)).sum(0, keepdim=True)

    def enlarge(self, box: Tensor) -> Tensor:
        """The boxes ``[...,4]`` with the margins of the maps around them."""
        sides = torch.stack([box[..., 2] - box[..., 0], box[..., 3] - box[..., 1]], dim=-1)
        grown = sides * torch.tensor(self.margins, dtype=box.dtype, device=box.device)
        return torch.cat([box[..., :2] - grown, box[..., 2:] + grown], dim=-1)


@functools.lru_cache(maxsize=4)
def load_body_prior(path: Path = PRIOR_PATH) -> BodyPrior:
    """The prior in a safetensors file: `modes` (uint8, 255 = 1), `shares` and `margins`.

    Raises `BadFile` where the file is missing or is something else.
    """
    try:
        tensors = load_file(str(path))
        modes, shares = tensors["modes"].float() / 255, tensors["shares"].float()
        margin_x, margin_y = (float(margin) for margin in tensors["margins"])
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise BadFile(f"{path} is no body prior ({error}); training/fit_body_prior.py makes one.") from error
    if modes.dim() != 4 or modes.shape[1] != len(GROUPS) or len(shares) != len(modes):
        raise BadFile(f"{path} holds maps {list(modes.shape)}; wanted [shapes, {len(GROUPS)}, height, width].")
    return BodyPrior(modes, shares, (margin_x, margin_y))


def place_maps(maps: Tensor, frames: Tensor, height: int, width: int) -> Tensor:
    """The maps ``[N,C,h,w]`` laid onto `frames` ``[N,4]`` (pixels) in a picture: ``[N,C,height,width]``, 0 outside.

    A batch of 1 on either side goes with every one of the other.
    """
    count = max(len(maps), len(frames))
    xs = torch.arange(width, device=maps.device) + 0.5
    ys = torch.arange(height, device=maps.device) + 0.5
    x0, y0, x1, y1 = (edge.unsqueeze(1) for edge in frames.to(maps).unbind(1))
    across = (xs - x0) / (x1 - x0) * 2 - 1  # grid_sample's -1..1 over the map
    down = (ys - y0) / (y1 - y0) * 2 - 1
    grid = torch.stack(
        [across.unsqueeze(1).expand(-1, height, -1), down.unsqueeze(2).expand(-1, -1, width)], dim=-1
    ).expand(count, -1, -1, -1)
    return functional.grid_sample(maps.expand(count, -1, -1, -1), grid, align_corners=False)

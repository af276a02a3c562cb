"""What changes in the course of a training: learning rate, picture size, share of pseudo-labels, running average.

Everything goes by the share of the budget that is spent, and the budget is wall time: a run always ends with a finished
schedule, however fast the machine is. A budget of steps instead of minutes makes a run repeatable to the bit.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

WARM_UP, LAST_RATE = 0.03, 0.01
EMA_DECAY = 0.9985
# From this share of the budget on -> (height, width, share of the batches): portrait, square, landscape.
Sizes = tuple[tuple[int, int, float], ...]
SMALL: Sizes = ((256, 160, 0.8), (192, 192, 0.14), (160, 256, 0.06))
FULL: Sizes = ((384, 256, 0.7), (320, 320, 0.22), (256, 384, 0.08))


@dataclass
class Clock:
    """How much of a budget of minutes, or of steps, is spent; `elapsed` seconds were spent before a resume."""

    minutes: float = 0.0
    steps: int = 0
    elapsed: float = 0.0
    begun: float = field(default_factory=time.monotonic)

    def seconds(self) -> float:
        """Seconds spent in all, those before a resume included."""
        return self.elapsed + time.monotonic() - self.begun

    def progress(self, step: int) -> float:
        """The share of the budget that is spent, 0..1."""
        spent = step / self.steps if self.steps else self.seconds() / max(self.minutes * 60, 1e-9)
        return min(1.0, spent)


def learning_rate(peak: float, progress: float) -> float:
    """Linear warm-up, then half a cosine down to `LAST_RATE` of the peak."""
    if progress < WARM_UP:
        return peak * max(progress / WARM_UP, 0.01)
    share = (progress - WARM_UP) / (1 - WARM_UP)
    return peak * (LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * share)) / 2)


def pick_size(progress: float, small_share: float, generator: torch.Generator) -> tuple[int, int]:
    """Height and width of the next batch: small ones first, they teach more per second."""
    sizes = SMALL if progress < small_share else FULL
    chances = torch.tensor([share for _, _, share in sizes])
    height, width, _ = sizes[int(torch.multinomial(chances, 1, generator=generator))]
    return height, width


@torch.no_grad()
def update_average(average: nn.Module, net: nn.Module, step: int) -> None:
    """Moves the running average of the weights on by one step; a young average forgets faster."""
    decay = min(EMA_DECAY, (1 + step) / (10 + step))
    ours, theirs = average.state_dict(), net.state_dict()
    kept: list[Tensor] = [value for value in ours.values() if value.is_floating_point()]
    new: list[Tensor] = [value for value in theirs.values() if value.is_floating_point()]
    torch._foreach_lerp_(kept, new, 1 - decay)

"""Several processes that learn as one: each makes its own batches, gradients are averaged once per step.

On a CPU two processes of one thread each are twice as fast as one, where two threads in one process are hardly faster
than one thread. The first process leads: it decides, validates and saves. The others end when it ends, however it ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

WATCH_SECONDS = 1.0
FAREWELL_SECONDS = 20.0


@dataclass(frozen=True)
class Team:
    """One member's view of the processes: its rank, how many there are. Alone, everything here does nothing."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process decides, validates and saves."""
        return self.rank == 0

    def agree(self, value: float) -> float:
        """The leader's value, in every process; waits for the leader."""
        if self.size == 1:
            return value
        message = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(message, 0)
        return float(message)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replaces every gradient by its mean over the processes."""
        if self.size == 1:
            return
        gradients: list[Tensor] = [weight.grad for weight in parameters if weight.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))


ALONE = Team()


def lead(size: int, folder: Path, command: Sequence[str]) -> tuple[Team, list[subprocess.Popen[bytes]]]:
    """Starts the other members by the same command line and meets them in a file in `folder`."""
    if size == 1:
        return ALONE, []
    meeting = folder / f"meeting-{os.getpid()}"
    meeting.unlink(missing_ok=True)
    others = [
        subprocess.Popen([sys.executable, *command, "--member", str(rank), str(size), str(os.getpid())])
        for rank in range(1, size)
    ]
    return _meet(Team(0, size), meeting), others


def join(rank: int, size: int, leader: int, folder: Path) -> Team:
    """Joins the team of the process `leader` and makes sure that this process does not outlive it."""
    threading.Thread(target=_end_with, args=(leader,), daemon=True).start()
    return _meet(Team(rank, size), folder / f"meeting-{leader}")


def part(team: Team, folder: Path, others: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ends the team; members that do not end by themselves are ended."""
    if team.size == 1:
        return
    dist.destroy_process_group()
    for member in others:
        try:
            member.wait(FAREWELL_SECONDS)
        except subprocess.TimeoutExpired:
            member.kill()
    if team.leads:
        (folder / f"meeting-{os.getpid()}").unlink(missing_ok=True)


def _meet(team: Team, meeting: Path) -> Team:
    if sys.platform.startswith("linux"):  # all members are on this machine, whatever its name resolves to
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group("gloo", init_method=f"file://{meeting.resolve()}", rank=team.rank, world_size=team.size)
    return team


def _end_with(leader: int) -> None:
    while os.getppid() == leader:
        time.sleep(WATCH_SECONDS)
    os._exit(1)

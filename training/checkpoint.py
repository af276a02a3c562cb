"""The state of a training on disk: tensors as safetensors, the rest as JSON, both replaced in one step."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

STATE_FILE, PROGRESS_FILE, PSEUDO_FILE = "state.safetensors", "state.json", "pseudo.safetensors"


@dataclass
class Progress:
    """Where a training is: batches and photos seen, seconds spent, how often pseudo-labels were made, its options."""

    step: int = 0
    samples: int = 0
    seconds: float = 0.0
    pseudo_rounds: int = 0
    options: dict[str, object] | None = None
    scores: dict[str, float] | None = None


def save_state(
    folder: Path, progress: Progress, net: nn.Module, average: nn.Module,
    optimizer: torch.optim.Optimizer, generator: torch.Generator,
) -> None:  # fmt: skip
    """Writes everything that `load_state` needs to go on."""
    tensors: dict[str, Tensor] = {"generator": generator.get_state()}
    tensors |= {f"net.{name}": value for name, value in net.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in state.items()}
    fresh = folder / f"{STATE_FILE}.new"
    save_file({name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}, str(fresh))
    (folder / f"{PROGRESS_FILE}.new").write_text(json.dumps(asdict(progress)))
    fresh.replace(folder / STATE_FILE)
    (folder / f"{PROGRESS_FILE}.new").replace(folder / PROGRESS_FILE)


def read_progress(folder: Path) -> Progress:
    """Where the training in a folder is."""
    return Progress(**json.loads((folder / PROGRESS_FILE).read_text()))


def load_average(folder: Path) -> dict[str, Tensor]:
    """The running average of the weights, as a state dict."""
    return _part(load_file(str(folder / STATE_FILE)), "average.")


def load_state(
    folder: Path, net: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator
) -> Progress:
    """Puts a saved training back into its parts and says where it is."""
    tensors = load_file(str(folder / STATE_FILE))
    net.load_state_dict(_part(tensors, "net."))
    average.load_state_dict(_part(tensors, "average."))
    generator.set_state(tensors["generator"])
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(tensors, "optimizer.").items():
        number, key = name.split(".")
        state.setdefault(int(number), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return read_progress(folder)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

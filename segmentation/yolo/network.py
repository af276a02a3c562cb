"""The network of a YOLO file: ultralytics' layers, built from the checked architecture, with the file's tensors.

ultralytics sees neither the file nor its path. The layers are laid out on the meta device, and their names and shapes
are compared with the file's before anything is allocated.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ...errors import BadFile, pip_line
from ..checkpoints.architecture import Architecture
from ..checkpoints.checkpoint import Checkpoint
from ..checkpoints.records import clean_text
from ..checkpoints.state_dict import MOST_NAMES, compare_tensors
from .published import published_architectures
from .quiet_import import import_ultralytics

# What ultralytics gives every normalisation after it has built a network; the weights were trained with it.
NORM_EPSILON = 1e-3
# A picture of this side, the coarsest stride that is published, tells the strides and that the graph holds together.
PROBE_SIDE = 64
# Halves of a head with two that only serve training, or the way that is not taken.
TRAINING_PARTS = ("cv2", "cv3", "cv4")

# Building sets values at ultralytics' classes (Conv.default_act, Detect.legacy) for as long as it takes.
_building = threading.Lock()


class YoloNetwork(nn.Module):
    """A graph of ultralytics' layers.

    The last layer is the head. It gives boxes, scores and mask coefficients ``[B,4+classes+masks,cells]``, or, end to
    end, ``[B,found,6+masks]``; and the prototypes ``[B,masks,h,w]`` where it makes masks.
    """

    def __init__(self, layers: nn.Sequential, kept: Sequence[int], *, masks: bool) -> None:
        super().__init__()
        self.masks = masks
        self.model = layers
        self.kept = frozenset(kept)

    @property
    def head(self) -> Any:
        """The last layer."""
        return self.model[-1]

    @property
    def end_to_end(self) -> bool:
        """Whether the head gives final boxes."""
        return getattr(self.head, "one2one_cv2", None) is not None

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor | None]:
        """Raw predictions and prototypes for RGB pictures ``[B,3,H,W]``, 0..1, sides multiples of the stride."""
        found = self.head(self.features(pictures))
        return (found[0], found[1]) if self.masks else (found, None)

    def features(self, pictures: Tensor) -> list[Tensor]:
        """What the head is given: ``[B,channels,h,w]``, the finest first."""
        outputs: list[Tensor | None] = []
        found: Any = pictures
        for layer in cast("Any", self.model):
            if layer.f != -1:
                found = _sources(layer.f, found, outputs)
            if layer is self.head:
                break
            found = layer(found)
            outputs.append(found if layer.i in self.kept else None)
        return cast("list[Tensor]", found)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> YoloNetwork:
        """Moves what the head keeps beside its parameters along with them."""
        super()._apply(fn, recurse)
        self.head.stride = fn(self.head.stride)
        self.head.shape = None  # it makes its grid anew
        return self


def _sources(numbers: int | list[int], last: Any, outputs: Sequence[Tensor | None]) -> Any:
    """What a layer reads: of one other layer, or a list of what several gave; -1 is the one before."""
    if isinstance(numbers, int):
        return outputs[numbers]
    return [last if number == -1 else outputs[number] for number in numbers]


def build_network(checkpoint: Checkpoint, *, folder: Path | None = None) -> YoloNetwork:
    """The network with the checkpoint's tensors, on the CPU, in float32, ready to look.

    folder: for ultralytics' settings, see `import_ultralytics`. Raises `MissingModel` where ultralytics is not there,
    `BadFile` where it does not know the architecture, the file has none and none that is published fits, or the tensors
    are not those of the architecture.
    """
    tasks = import_ultralytics("ultralytics.nn.tasks", folder=folder)
    if checkpoint.architecture is not None:
        network = _lay_out(tasks, checkpoint.architecture, checkpoint)
        difference = _difference(network, checkpoint.tensors)
    else:
        network, difference = _lay_out_published(tasks, checkpoint)
    if difference:
        raise BadFile(f"{checkpoint.source} does not hold the network that it describes: {difference}")
    tensors = {name: _as_float32(value) for name, value in checkpoint.tensors.items()}
    network.load_state_dict(tensors, assign=True)
    _finish(network, checkpoint)
    return network


def _as_float32(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value


def _lay_out(tasks: Any, architecture: Architecture, checkpoint: Checkpoint) -> YoloNetwork:
    """The network on the meta device."""
    plan = copy.deepcopy(architecture)  # building writes into it
    if plan.get("scales") and not plan.get("scale") and checkpoint.scale:
        plan["scale"] = checkpoint.scale
    channels = cast(int, plan.get("channels") or plan.get("ch") or 3)
    if channels != 3:
        raise BadFile(f"{checkpoint.source} looks at {channels} channels; Hemline shows it three: red, green, blue.")
    _check_effort(plan, checkpoint)
    with _building, torch.device("meta"):
        activation = tasks.Conv.default_act
        try:
            layers, kept = tasks.parse_model(plan, ch=channels, verbose=False)
        except Exception as error:
            raise BadFile(
                f"{checkpoint.source} describes a network that the installed ultralytics cannot build "
                f"({type(error).__name__}: {clean_text(str(error), 200)}); a newer one may: "
                + pip_line("--upgrade", "ultralytics")
            ) from error
        finally:
            tasks.Conv.default_act = activation
    return YoloNetwork(layers, kept, masks=checkpoint.task == "segment")


def _check_effort(plan: Architecture, checkpoint: Checkpoint) -> None:
    """Raises `BadFile` for more repeated blocks than the file has tensors: laying those out could take hours."""
    scales = cast("Mapping[str, list[float]]", plan.get("scales") or {})
    told = scales.get(str(plan.get("scale"))) or next(iter(scales.values()), [plan.get("depth_multiple", 1.0)])
    rows = cast("list[list[int]]", [*cast("list[object]", plan["backbone"]), *cast("list[object]", plan["head"])])
    blocks = sum(max(1.0, row[1] * cast(float, told[0])) for row in rows if row[1] > 1)
    if blocks > len(checkpoint.tensors):
        raise BadFile(
            f"{checkpoint.source} describes {blocks:.0f} blocks of layers, but holds {len(checkpoint.tensors)} tensors."
        )


def _lay_out_published(tasks: Any, checkpoint: Checkpoint) -> tuple[YoloNetwork, str]:
    """The network of a file of nothing but tensors: the published one of its family and size whose shapes they are."""
    shown = " ".join(word for word in (checkpoint.family, checkpoint.scale, checkpoint.task) if word)
    nearest: tuple[YoloNetwork, str] | None = None
    for architecture in published_architectures(Path(tasks.__file__).parents[1], checkpoint):
        network = _lay_out(tasks, architecture, checkpoint)
        difference = _difference(network, checkpoint.tensors)
        if not difference:
            return network, ""
        nearest = nearest or (network, difference)
    if nearest is None:
        raise BadFile(
            f"{checkpoint.source} holds tensors without the text that says how they are put together, and there is no "
            f"published {shown}; give the .pt file as ultralytics saved it."
        )
    network, difference = nearest
    return network, (
        f"it has no architecture, and the tensors are not those of the published {shown} ({difference}). Give the .pt "
        "file as ultralytics saved it, or one that 'hemline models convert' made of it."
    )


def _difference(network: YoloNetwork, tensors: Mapping[str, Tensor]) -> str:
    """In words, how the tensors differ from those that the network has; empty where they do not."""
    found = compare_tensors(network.state_dict(), tensors)
    parts = (("missing", found.missing), ("not wanted", found.unexpected), ("of another shape", found.reshaped))
    told = (f"{len(names)} {what} ({', '.join(names[:MOST_NAMES])})" for what, names in parts if names)
    return "; ".join(told)


def _finish(network: YoloNetwork, checkpoint: Checkpoint) -> None:
    """Sets what is no tensor of the file: strides, epsilon, what the head gives."""
    network.requires_grad_(False).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = NORM_EPSILON
    head = network.head
    if getattr(head, "nl", None) is None:
        raise BadFile(f"{checkpoint.source} describes a network that does not end with a YOLO's head.")
    head.stride = torch.tensor(_strides(network, checkpoint), dtype=torch.float32)
    head.export = True  # predictions and prototypes, no raw maps beside them
    if network.end_to_end:
        head.end2end = True
        if hasattr(cast(object, type(head)), "one2many"):  # releases that can do without
            for name in TRAINING_PARTS:
                setattr(head, name, None)


def _strides(network: YoloNetwork, checkpoint: Checkpoint) -> list[float]:
    """Pixels per cell of each level, by a look at a small black picture: what a file says of it may be wrong."""
    try:
        with torch.no_grad():
            levels = network.features(torch.zeros(1, 3, PROBE_SIDE, PROBE_SIDE))
        return [PROBE_SIDE / level.shape[-2] for level in levels]
    except (RuntimeError, IndexError, TypeError, AttributeError) as error:
        raise BadFile(
            f"{checkpoint.source} describes a network whose layers do not fit each other "
            f"({clean_text(str(error), 200)})."
        ) from error

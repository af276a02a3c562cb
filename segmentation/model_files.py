"""What the user's model files are, told from their content, and how they are opened, each once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..model_cache import ModelCache, file_identity
from ..tensors import BadFile, MissingModel
from .checkpoints.checkpoint import Checkpoint, read_checkpoint
from .checkpoints.families import SAM_FAMILIES, YOLO_FAMILIES, title_of
from .garment_model import GarmentModel, Table, meanings_of
from .parser import Parser, load_parser
from .sam import Sam, load_sam
from .segformer.files import CONFIG, PREPROCESSOR, load_segformer, read_words
from .segformer.parser import SegformerParser
from .taxonomies import find_label
from .yolo import Yolo, load_yolo
from .yolo.class_words import best_taxonomy, table_label
from .yolo.onnx_network import is_onnx, load_onnx

SEGFORMER, HEMLINE = "segformer", "hemline"
YOLO_TASKS = ("detect", "segment")
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class ModelFile:
    """What a model file is.

    family, task, scale: see `checkpoints.families.Family`. words: its classes in its own language; none for SAM.
    told: what its maker says of it, such as "license" and "version". notes: sentences for the user.
    """

    path: Path
    family: str
    task: str
    scale: str = ""
    words: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The network for a person, as `title_of` gives it."""
        return title_of(self.family, self.scale, self.task)

    @property
    def table(self) -> Table:
        """What its words mean where nobody has said it; a YOLO's as in the data set that knows most of them."""
        if self.task not in YOLO_TASKS:
            return find_label
        taxonomy = best_taxonomy(self.words)
        return lambda word: table_label(word, taxonomy)

    def entry(self) -> dict[str, object]:
        """The file as plain JSON values, without the folder that it lies in."""
        return {
            "file": self.path.name, "family": self.family, "task": self.task, "scale": self.scale, **self.told,
        }  # fmt: skip


def inspect_file(path: Path) -> ModelFile:
    """What is in a model file; its weights are not read. Raises `MissingModel`, and `BadFile` for no known model."""
    if not path.is_file():
        raise MissingModel(f"{path} is not there; give a model file.")
    if is_onnx(path):
        yolo = load_onnx(path)
        return ModelFile(path, yolo.family, yolo.task, "", yolo.names, dict(yolo.metadata), yolo.notes)
    found = read_checkpoint(path, values=False)
    words, notes = _words(found)
    return ModelFile(path, found.family, found.task, found.scale, words, dict(found.metadata), notes)


def _words(found: Checkpoint) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if found.family == SEGFORMER:
        return read_words(found.source, found.tensors["decode_head.classifier.weight"].shape[0])
    if found.family == HEMLINE:
        return load_parser(found.source).classes, ()
    return tuple(found.names.values()), ()


def check_detector(file: ModelFile) -> ModelFile:
    """The file, if it can find garments. Raises `BadFile`, which names the input where it belongs."""
    if file.family in SAM_FAMILIES:
        raise BadFile(
            f"{file.path.name} is a SAM ({file.title}), which draws the outline of what another model has found; "
            "choose it as 'sam', and another file as 'detector'."
        )
    if file.family in YOLO_FAMILIES and file.task not in YOLO_TASKS:
        raise BadFile(
            f"{file.path.name} is a YOLO for the task {file.task!r} ({file.family}); garments are found by models for "
            "'detect' or 'segment'."
        )
    return file


def check_sam(file: ModelFile) -> ModelFile:
    """The file, if it is a SAM. Raises `BadFile`, which names the input where it belongs."""
    if file.family not in SAM_FAMILIES:
        raise BadFile(f"{file.path.name} is no SAM but {file.title}, which finds garments; choose it as 'detector'.")
    return file


@dataclass(frozen=True)
class Opened:
    """A detector that is ready to use. meanings: what the class map says of each of its words."""

    file: ModelFile
    network: Parser | SegformerParser | Yolo
    meanings: Mapping[str, str] = field(default_factory=dict[str, str])


def look_up(path: Path, models: ModelCache) -> ModelFile:
    """What a file is, read once."""
    return models.get(path, _CPU, inspect_file, variant=f"what it is {file_stamp(path)}")


def file_stamp(path: Path) -> str:
    """A text that changes when a model file, or the configuration beside it, is replaced."""
    return " ".join(str(file_identity(path.with_name(name))) for name in (path.name, CONFIG, PREPROCESSOR))


def open_detector(model: GarmentModel, models: ModelCache, device: torch.device) -> Opened:
    """The detector that the handle names, which is not the shipped parser.

    Raises `MissingModel` for a file or package that is missing, `BadFile` for a file that cannot find garments, and
    `UnknownName` for an entry of the class map that fits none of its words.
    """
    if model.detector is None:
        raise MissingModel("this model has no detector of its own.")
    file = check_detector(look_up(model.detector, models))
    dtype = model.dtype_on(device)
    if file.family == HEMLINE:
        return Opened(file, models.get(file.path, device, load_parser))
    meanings = meanings_of(file.words, model.meanings)
    if file.family == SEGFORMER:

        def load(path: Path) -> SegformerParser:
            return load_segformer(path, labels=meanings).to(_CPU, dtype)

        variant = f"{sorted(meanings.items())} {file_stamp(file.path)}"
        return Opened(file, models.get(file.path, device, load, dtype=dtype, variant=variant), meanings)

    def load_detector(path: Path) -> Yolo:
        return load_yolo(path).to(_CPU, dtype)

    return Opened(file, models.get(file.path, device, load_detector, dtype=dtype), meanings)


def open_sam(path: Path, models: ModelCache, device: torch.device, dtype: torch.dtype = torch.float32) -> Sam:
    """The SAM in a file. Raises `MissingModel` for a file or package that is missing, `BadFile` for anything else."""
    check_sam(look_up(path, models))
    return models.get(path, device, lambda file: load_sam(file).to(_CPU, dtype), dtype=dtype)


def sam_identity(path: Path, device: torch.device, dtype: torch.dtype) -> tuple[object, ...]:
    """What tells the weights of a SAM apart: what they made of a picture may be kept under it."""
    return path, file_identity(path), device, dtype

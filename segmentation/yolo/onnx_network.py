"""A YOLO exported to ONNX, run by onnxruntime on the processor; ultralytics is not needed for it."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from ...errors import BadFile, MissingModel, pip_line
from ..checkpoints.records import clean_text
from .model import MOST_AT_ONCE, Yolo, split_batch
from .onnx_graph import check_graph

# The first field of a model is the version of its format, a small number; no other file of models begins so.
FIRST_BYTE = b"\x08"
MOST_BYTES = 2**31 - 1
MOST_TEXT, MOST_NAME, MOST_CLASSES, MOST_SIDE, MOST_STRIDE = 2**20, 200, 65_536, 8192, 1024
TYPES = {"tensor(float)": torch.float32, "tensor(float16)": torch.float16}


class OnnxNetwork:
    """A session of onnxruntime as a network: what goes in and comes out are torch tensors, on any device.

    batch: how many pictures it takes at once, where it takes no other number.
    """

    def __init__(self, session: Any, batch: int | None, dtype: torch.dtype) -> None:
        self.session, self.batch, self.dtype = session, batch, dtype
        self.input = cast(str, session.get_inputs()[0].name)

    def __call__(self, pictures: Tensor) -> tuple[Tensor, Tensor | None]:
        """Raw predictions and prototypes; see `YoloNetwork`."""
        parts = [self._run(part) for part in split_batch(pictures, self.batch or len(pictures))]
        outputs = [torch.cat(several) for several in zip(*parts, strict=True)]
        flat = [output for output in outputs if output.dim() == 3]
        planes = [output for output in outputs if output.dim() == 4]
        if len(flat) != 1 or len(planes) > 1:
            raise BadFile(f"the ONNX model gives {[list(output.shape) for output in outputs]}, not what a YOLO gives.")
        return flat[0], planes[0] if planes else None

    def _run(self, pictures: Tensor) -> list[Tensor]:
        count = len(pictures)
        if self.batch and count < self.batch:  # the last pictures of a model that takes a fixed number
            pictures = torch.cat([pictures, pictures[-1:].expand(self.batch - count, -1, -1, -1)])
        given = pictures.to("cpu", self.dtype).contiguous().numpy()  # the runtime takes arrays on the processor
        found = cast("list[Any]", self.session.run(None, {self.input: given}))
        return [torch.from_numpy(array)[:count].to(pictures.device) for array in found]

    def to(self, device: torch.device, dtype: torch.dtype) -> OnnxNetwork:
        """Stays where it is: only what goes in and comes out moves."""
        return self


def is_onnx(path: Path) -> bool:
    """Whether the file begins as an ONNX model does."""
    with path.open("rb") as file:
        return file.read(1) == FIRST_BYTE


def load_onnx(path: Path) -> Yolo:
    """The YOLO in an ONNX file as ultralytics exports it, with its names, stride, task and size from its metadata.

    Raises `MissingModel` where onnxruntime is not installed, `BadFile` where it is no such model, reads from other
    files or has operators that are not ONNX's own.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        raise MissingModel(
            f"{path} is an ONNX model, for which onnxruntime is needed; install it with: {pip_line('onnxruntime')}"
        )
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadFile("it is larger than an ONNX model can be.")
        content = path.read_bytes()
        check_graph(content)
        return _make(_open(content))
    except BadFile as error:
        raise BadFile(f"{path} cannot be used as a YOLO: {error}") from error
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror or error}).") from error


def _open(content: bytes) -> Any:
    """A session of what was checked, not of the file, which may have changed since."""
    runtime = cast(Any, importlib.import_module("onnxruntime"))
    runtime.disable_telemetry_events()
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BadFile(f"onnxruntime does not take it ({clean_text(str(error), 300)}).") from error


def _make(session: Any) -> Yolo:
    texts = cast("Mapping[str, str]", session.get_modelmeta().custom_metadata_map)
    task = texts.get("task", "")
    if task not in ("detect", "segment"):
        raise BadFile(
            f"its task is {clean_text(task)!r}; 'detect' and 'segment' are taken, as ultralytics exports them."
        )
    names = _names(_literal(texts, "names"))
    batch, frame, dtype = _input(session)
    stride = _whole(_literal(texts, "stride"), MOST_STRIDE, "stride")
    long_side = _long_side(_literal(texts, "imgsz"))
    return Yolo(
        OnnxNetwork(session, batch, dtype), names, task, "onnx", "", long_side, stride, frame, batch or MOST_AT_ONCE,
        end_to_end=_end_to_end(session, texts, len(names)),
        metadata={name: clean_text(texts[name], MOST_NAME) for name in ("version", "license", "date") if name in texts},
    )  # fmt: skip


def _literal(texts: Mapping[str, str], name: str) -> object:
    text = texts.get(name, "")
    try:
        if len(text) > MOST_TEXT:
            raise ValueError("it is too long")
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise BadFile(f"its metadata has no {name} that can be read; export it with ultralytics.") from error


def _names(value: object) -> tuple[str, ...]:
    table = cast("dict[object, object]", value) if isinstance(value, dict) else {}
    names = [table.get(number) for number in range(len(table))]
    if not 0 < len(names) <= MOST_CLASSES or not all(isinstance(name, str) for name in names):
        raise BadFile("its metadata has no names for its classes; export it with ultralytics.")
    return tuple(clean_text(cast(str, name), MOST_NAME) for name in names)


def _long_side(value: object) -> int:
    """The longer of the two sides that were told, or the one that was."""
    sides = list(cast("Sequence[object]", value)) if isinstance(value, list | tuple) else [value]
    if not sides:
        raise BadFile("its metadata has no size; export it with ultralytics.")
    return max(_whole(side, MOST_SIDE, "imgsz") for side in sides)


def _whole(value: object, most: int, name: str) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise BadFile(f"its metadata has no {name} that is a number of pixels.")
    return value


def _input(session: Any) -> tuple[int | None, tuple[int, int] | None, torch.dtype]:
    """How many pictures at once and of which size it takes (None: any), and as what numbers."""
    given = cast("list[Any]", session.get_inputs())
    shape = cast("Sequence[object]", given[0].shape) if len(given) == 1 else ()
    if len(shape) != 4 or shape[1] != 3 or given[0].type not in TYPES:
        raise BadFile(f"it takes {[(item.type, item.shape) for item in given]}; one batch of RGB pictures is wanted.")
    fixed = [side if isinstance(side, int) and 0 < side <= MOST_SIDE else None for side in shape]
    height, width = fixed[2], fixed[3]
    return fixed[0], (height, width) if height and width else None, TYPES[given[0].type]


def _end_to_end(session: Any, texts: Mapping[str, str], classes: int) -> bool:
    """Whether it gives final boxes: by the shape of what it gives where that is fixed, else by what it says."""
    shapes = [cast("Sequence[object]", output.shape) for output in session.get_outputs()]
    masks = next((shape[1] for shape in shapes if len(shape) == 4), 0)
    rows = next((shape[1] for shape in shapes if len(shape) == 3), None)
    if isinstance(masks, int) and isinstance(rows, int):
        return rows != 4 + classes + masks
    told = texts.get("end2end", ""), "'nms': True" in texts.get("args", "")
    return told[0].strip().lower() == "true" or told[1]

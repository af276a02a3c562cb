"""Port, Node and @node: how a node is declared. Standard library only; no host is known here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

PortType = Literal[
    "IMAGE", "MASK", "GARMENTS", "GARMENT_MODEL", "SEGS", "STITCH", "STRING", "INT", "FLOAT", "BOOLEAN", "COMBO"
]  # fmt: skip
Weight = Literal["light", "heavy"]
WIDGET_TYPES = ("STRING", "INT", "FLOAT", "BOOLEAN", "COMBO")


@dataclass(frozen=True)
class Port:
    """One input or output of a node.

    name: the function's argument name; never changes once landed.
    type: the wire type, or a widget type (STRING, INT, FLOAT, BOOLEAN, COMBO).
    default, minimum, maximum, step: of a widget. options: of a COMBO, or a function giving them at run time.
    folders: kinds of model folders (`model_places.KINDS`) whose files a COMBO offers behind its options; the host lists
        them.
    optional: a wire that may stay unconnected; the function then gets None.
    multiline: a STRING edited in a text area.
    is_list: an output hands out a list, and what follows runs once for each of its items; an input takes such a list
        whole. A node with such an input runs once, and its other inputs get the first item of what comes.
    """

    name: str
    type: PortType
    tooltip: str = ""
    default: str | int | float | bool | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    options: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()
    optional: bool = False
    multiline: bool = False
    is_list: bool = False
    folders: tuple[str, ...] = ()

    @property
    def is_widget(self) -> bool:
        """Whether the value is typed in by hand instead of coming over a wire."""
        return self.type in WIDGET_TYPES

    def describe(self) -> dict[str, Any]:
        """The port as plain JSON values; what does not apply is left out."""
        entry: dict[str, Any] = {"name": self.name, "type": self.type, "tooltip": self.tooltip}
        numbers = {"default": self.default, "minimum": self.minimum, "maximum": self.maximum, "step": self.step}
        entry.update({key: value for key, value in numbers.items() if value is not None})
        if self.type == "COMBO":
            entry["options"] = list(self.choices())
        if self.folders:
            entry["folders"] = list(self.folders)
        if self.optional:
            entry["optional"] = True
        if self.is_list:
            entry["is_list"] = True
        return entry

    def choices(self) -> tuple[str, ...]:
        """The options of a COMBO as they are now, without the files of its `folders`."""
        return self.options() if callable(self.options) else self.options


@dataclass(frozen=True)
class Result:
    """What a node hands back when it has more to show than its outputs.

    outputs: one value per output port. images: an image batch ``[B,H,W,C]`` to show on the node.
    text: lines to show on the node. data: texts by name for the node's own widget in a browser, pictures: image batches
    ``[B,H,W,3|4]`` by name for it, which the host itself does not show.
    """

    outputs: tuple[Any, ...]
    images: Any = None
    text: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict[str, str])
    pictures: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class NotGiven:
    """An output that is not there this time; a node that it is connected to fails with the reason."""

    reason: str


@dataclass(frozen=True)
class Node:
    """A node's whole declaration and its function.

    weight "heavy" asks the host to run it on the compute device; "light" runs where the tensors are.
    is_output: the host runs it though nothing is connected behind it. version: of the node's behaviour, semver.
    has_preview: a widget in a browser shows what a run sent; a host sends it again where nothing had to be run.
    fingerprint: for a node that reads files: takes the widgets by name (None for what comes over a wire) and the host's
        `Context`, gives a text; the host runs the node again when it has changed.
    """

    id: str
    name: str
    category: str
    description: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    function: Callable[..., Any]
    version: str = "1.0.0"
    weight: Weight = "light"
    is_output: bool = False
    aliases: tuple[str, ...] = ()
    fingerprint: Callable[..., str] | None = None
    has_preview: bool = False

    @property
    def wants_context(self) -> bool:
        """Whether the function asks for the host's `Context`."""
        return "context" in inspect.signature(self.function).parameters

    @property
    def takes_lists(self) -> bool:
        """Whether the node runs once for whole lists instead of once for each of their items."""
        return any(port.is_list for port in self.inputs)

    def describe(self) -> dict[str, Any]:
        """The declaration as plain JSON values: what `hemline nodes --json` prints."""
        return {
            "id": self.id,
            "name": self.name,
            "category": self.category,
            "description": self.description,
            "version": self.version,
            "is_output": self.is_output,
            "inputs": [port.describe() for port in self.inputs],
            "outputs": [port.describe() for port in self.outputs],
        }

    def __call__(self, **values: Any) -> Result:
        """Runs the function on values by port name and always returns a `Result`."""
        result = self.function(**values)
        if isinstance(result, Result):
            return result
        return Result(cast("tuple[Any, ...]", result) if isinstance(result, tuple) else (result,))


def node(
    *,
    id: str,
    name: str,
    category: str,
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    version: str = "1.0.0",
    weight: Weight = "light",
    is_output: bool = False,
    aliases: Sequence[str] = (),
    fingerprint: Callable[..., str] | None = None,
    has_preview: bool = False,
) -> Callable[[Callable[..., Any]], Node]:
    """Turns the function below it into a `Node`; its docstring's first paragraph becomes the description."""

    def declare(function: Callable[..., Any]) -> Node:
        paragraph = (inspect.getdoc(function) or "").split("\n\n")[0]
        description = " ".join(paragraph.split())
        return Node(
            id, name, category, description, tuple(inputs), tuple(outputs),
            function, version, weight, is_output, tuple(aliases), fingerprint, has_preview,
        )  # fmt: skip

    return declare

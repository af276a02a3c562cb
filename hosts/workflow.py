"""Runs workflow JSON in ComfyUI's API format without ComfyUI."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..context import Context
from ..nodes.spec import Node, Result
from ..tensors import BadFile, BadWorkflow, HemlineError
from .files import HeadlessContext
from .transfer import run_node
from .workflow_check import EXPORT_ADVICE, check_format, is_link, label, plan_workflow
from .workflow_values import Workflow, apply_inputs, title_of, widget_value

__all__ = ["Workflow", "apply_inputs", "load_workflow", "run_workflow"]

OnNode = Callable[[str, str, int, int], None]

_CPU = torch.device("cpu")


def load_workflow(path: Path) -> Workflow:
    """The workflow in a JSON file of ComfyUI's API format; its nodes are checked only when it is run.

    Raises `BadFile` where the file cannot be read, `BadWorkflow` where it is no such workflow.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror}); check the name and the folder.") from error
    except UnicodeDecodeError as error:
        raise BadWorkflow(
            f"{path} is no JSON text; in ComfyUI use Workflow > Export (API) and run that file."
        ) from error
    if not text.strip():
        raise BadWorkflow(f"{path} is empty; {EXPORT_ADVICE}.")
    try:
        workflow = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadWorkflow(f"{path} is no JSON (line {error.lineno}, column {error.colno}: {error.msg}).") from error
    except (RecursionError, ValueError) as error:  # nested too deeply, or a number of thousands of digits
        raise BadWorkflow(f"{path} cannot be read as JSON ({error}); {EXPORT_ADVICE}.") from error
    return check_format(workflow, str(path))


def run_workflow(
    workflow: Workflow,
    nodes: Mapping[str, Node],
    context: Context,
    *,
    on_node: OnNode = lambda node_id, title, done, total: None,
) -> dict[str, Result]:
    """The result of every node that an output node needs, by id, in the order in which they ran.

    nodes: the known nodes by id. on_node: called with (id, title, nodes done, nodes in all) before each node.
    Nothing runs before the whole workflow is checked; `BadWorkflow` then lists every problem. A node's own
    `HemlineError` comes with the node's id and title in front, any other error as `BadWorkflow`. What
    `context.check_cancelled` raises comes as it is.
    """
    order = plan_workflow(workflow, nodes)
    cancel = _Cancel(context.check_cancelled)
    context = replace(context, check_cancelled=cancel)
    if isinstance(context, HeadlessContext):
        context = replace(context, prompt=workflow)
    results: dict[str, Result] = {}
    with torch.no_grad():
        for done, node_id in enumerate(order):
            cancel()
            entry = workflow[node_id]
            node = nodes[entry["class_type"]]
            on_node(node_id, title_of(entry), done, len(order))
            with _naming(label(node_id, entry), cancel):
                results[node_id] = _run(node, _values(node, entry, results), context)
    return results


class _Cancel:
    """A `check_cancelled` that remembers what it raised, because a host's interruption may be a plain Exception."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self.raised: BaseException | None = None

    def __call__(self) -> None:
        try:
            self._check()
        except BaseException as error:
            self.raised = error
            raise


def _values(node: Node, entry: Mapping[str, Any], results: Mapping[str, Result]) -> dict[str, Any]:
    """The node's arguments; what is not connected is left to the function's defaults."""
    inputs = entry.get("inputs", {})
    values: dict[str, Any] = {}
    for port in node.inputs:
        value = inputs.get(port.name)
        if is_link(value):
            values[port.name] = results[str(value[0])].outputs[value[1]]
        elif value is not None:
            values[port.name] = widget_value(port, value)
        elif port.default is not None:
            values[port.name] = port.default
    return values


def _run(node: Node, values: dict[str, Any], context: Context) -> Result:
    result = run_node(node, values, context, home=_CPU)
    if len(result.outputs) != len(node.outputs):
        raise BadWorkflow(f"{node.id} gave {len(result.outputs)} outputs instead of {len(node.outputs)}.")
    return result


@contextlib.contextmanager
def _naming(name: str, cancel: _Cancel) -> Generator[None, None, None]:
    """Puts the node's name in front of what the node raises, unless it is the host's cancel."""
    where = f"{name[0].upper()}{name[1:]}"
    try:
        yield
    except Exception as error:
        if error is cancel.raised:
            raise
        if isinstance(error, HemlineError):
            error.args = (f"{where}: {error}",)
            raise
        raise BadWorkflow(f"{where} failed: {type(error).__name__}: {error}") from error

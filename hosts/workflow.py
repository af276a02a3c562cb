"""Runs workflow JSON without ComfyUI."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..context import Context
from ..nodes.spec import Node, NotGiven, Result
from ..tensors import BadFile, BadWorkflow, HemlineError
from .transfer import run_node
from .workflow_check import EXPORT_ADVICE, check_format, is_link, label, plan_workflow
from .workflow_ui import is_ui_format, to_api_format
from .workflow_values import Workflow, apply_inputs, is_object, title_of, widget_value

__all__ = ["Workflow", "apply_inputs", "load_workflow", "run_workflow"]

OnNode = Callable[[str, str, int, int], None]

_CPU = torch.device("cpu")


def load_workflow(path: Path, nodes: Mapping[str, Node]) -> Workflow:
    """The workflow in a JSON file of ComfyUI's API or UI format, in API format; it is checked only when it is run.

    nodes: the known nodes by id, which name the widget values of the UI format. Raises `BadFile` where the file cannot
    be read, `BadWorkflow` where it is no such workflow.
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
    if is_object(workflow) and is_ui_format(workflow):
        workflow = to_api_format(workflow, nodes, str(path))
    return check_format(workflow, str(path))


def run_workflow(
    workflow: Workflow,
    nodes: Mapping[str, Node],
    context: Context,
    *,
    on_node: OnNode = lambda node_id, title, done, total: None,
) -> dict[str, Result]:
    """The result of every node that an output node needs, by id, in the order in which they ran.

    An output that is a list, and every output of a node that ran for several items, comes as a list of all items. A
    node runs once for each item of the longest list that it is given, shorter lists repeat their last (ComfyUI's rule).

    nodes: the known nodes by id. on_node: called with (id, title, nodes done, nodes in all) before each node.
    Nothing runs before the whole workflow is checked; `BadWorkflow` then lists every problem. A node's own
    `HemlineError` comes with the node's id and title in front, any other error as `BadWorkflow`. What
    `context.check_cancelled` raises comes as it is.
    """
    order = plan_workflow(workflow, nodes)
    cancel = _Cancel(context.check_cancelled)
    context = replace(context, check_cancelled=cancel)
    context = replace(context, notes={"prompt": json.dumps(workflow)})
    results: dict[str, Result] = {}
    items: dict[str, list[list[Any]]] = {}
    with torch.no_grad():
        for done, node_id in enumerate(order):
            cancel()
            entry = workflow[node_id]
            node = nodes[entry["class_type"]]
            on_node(node_id, title_of(entry), done, len(order))
            with _naming(label(node_id, entry), cancel):
                runs = _run(node, _values(node, entry, items), context)
            items[node_id] = _items(node, runs)
            results[node_id] = _whole(node, runs, items[node_id])
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


def _values(node: Node, entry: Mapping[str, Any], items: Mapping[str, list[list[Any]]]) -> dict[str, list[Any]]:
    """The items of each of the node's arguments; what is not connected is left to the function's defaults."""
    inputs = entry.get("inputs", {})
    values: dict[str, list[Any]] = {}
    for port in node.inputs:
        value = inputs.get(port.name)
        if is_link(value):
            values[port.name] = items[str(value[0])][value[1]]
            absent = next((item for item in values[port.name] if isinstance(item, NotGiven)), None)
            if absent is not None:
                raise BadWorkflow(f"there is nothing for the input {port.name!r}: {absent.reason}")
        elif value is not None:
            values[port.name] = [widget_value(port, value)]
        elif port.default is not None:
            values[port.name] = [port.default]
    return values


def _run(node: Node, values: dict[str, list[Any]], context: Context) -> list[Result]:
    """The result of each of the node's runs."""
    runs: list[Result] = []
    for number in range(1 if node.takes_lists else max(map(len, values.values()), default=1)):
        if number:
            context.check_cancelled()
        given = {name: items[min(number, len(items) - 1)] for name, items in values.items()}
        runs.append(run_node(node, values if node.takes_lists else given, context, home=_CPU))
        if len(runs[-1].outputs) != len(node.outputs):
            raise BadWorkflow(f"{node.id} gave {len(runs[-1].outputs)} outputs instead of {len(node.outputs)}.")
    return runs


def _items(node: Node, runs: list[Result]) -> list[list[Any]]:
    """For each output the items that all runs gave."""
    columns = zip(node.outputs, zip(*(result.outputs for result in runs), strict=True), strict=False)
    return [[item for one in given for item in one] if port.is_list else [*given] for port, given in columns]


def _whole(node: Node, runs: list[Result], items: list[list[Any]]) -> Result:
    """The runs as one result; the pictures to show are those of a single run only."""
    if len(runs) == 1:
        return runs[0]
    return Result(tuple(items), text=tuple(line for result in runs for line in result.text))


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

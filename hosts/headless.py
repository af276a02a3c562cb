"""Runs a workflow with every node that works without ComfyUI: ours and the core ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ..context import ModelCache
from ..model_places import ENDINGS, in_menu_order, list_names
from ..nodes import NODES
from ..nodes.spec import Node, Result
from .core_nodes import CORE_NODES
from .events import Events
from .files import model_folders
from .headless_context import headless_context
from .model_menus import with_model_files
from .workflow import OnNode, Workflow, apply_inputs, load_workflow, run_workflow

HEADLESS_NODES: dict[str, Node] = {record.id: record for record in (*CORE_NODES, *NODES)}


def headless_nodes(given_files: Iterable[str] = ()) -> dict[str, Node]:
    """Every node by id, with this machine's model files, and those typed in by the user, in its menus."""
    folders = model_folders(os.environ)
    given = tuple(name for name in given_files if name.lower().endswith(ENDINGS) and Path(name).is_file())
    return with_model_files(HEADLESS_NODES, lambda kinds: in_menu_order((*list_names(kinds, folders), *given)))


def run_headless(
    workflow: Workflow, output: Path, *, given_files: Iterable[str] = (), device: str | None = None,
    input_folder: Path | None = None, models: ModelCache | None = None,
    on_node: OnNode = lambda node_id, title, done, total: None,
) -> dict[str, Result]:  # fmt: skip
    """The results of the workflow's nodes by id; files are written into `output`.

    given_files: file names typed in by the user, which may lie anywhere. models: those of earlier runs. Raises as
    `run_workflow` does.
    """
    given = tuple(given_files)
    context = headless_context(output, device=device, given_files=given, input_folder=input_folder, models=models)
    return run_workflow(workflow, headless_nodes(given), context, on_node=on_node)


def run_file(workflow_file: Path, output: Path, inputs: list[str], *, device: str | None, events: Events) -> None:
    """Runs a workflow file with some inputs set and tells what the nodes said.

    Pictures named in the file are looked for beside it, those named in `inputs` wherever the user says.
    """
    given = [text.partition("=")[2] for text in inputs]
    workflow = apply_inputs(load_workflow(workflow_file, HEADLESS_NODES), inputs, headless_nodes(given))
    results = run_headless(
        workflow, output, given_files=given, device=device, input_folder=workflow_file.resolve().parent,
        on_node=_reporter(events),
    )  # fmt: skip
    for node_id, result in results.items():
        for line in result.text:
            events.tell("node", f"{node_id} {workflow[node_id]['class_type']}: {line}", node=node_id, text=line)
    events.tell("done", f"{len(results)} nodes done, results in {output}", nodes=len(results), output=str(output))


def _reporter(events: Events) -> Callable[[str, str, int, int], None]:
    def on_node(node_id: str, title: str, done: int, total: int) -> None:
        events.step(title, done, total)

    return on_node

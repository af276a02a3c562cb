"""Menus of model files: what a host adds to the options of a node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..nodes.spec import Node

ListFiles = Callable[[tuple[str, ...]], tuple[str, ...]]


def with_model_files(nodes: Mapping[str, Node], list_files: ListFiles) -> dict[str, Node]:
    """The nodes with the files of their ports' `folders` among the options.

    list_files: menu names for kinds of model folders.
    """
    return {id: _with_files(node, list_files) for id, node in nodes.items()}


def _with_files(node: Node, list_files: ListFiles) -> Node:
    if not any(port.folders for port in node.inputs):
        return node
    inputs = tuple(
        replace(port, options=tuple(dict.fromkeys((*port.choices(), *list_files(port.folders)))))
        if port.folders
        else port
        for port in node.inputs
    )
    return replace(node, inputs=inputs)

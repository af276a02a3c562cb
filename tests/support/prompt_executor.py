"""Runs API-format prompts by ComfyUI's rules: order, lazy inputs, list mapping, hidden inputs, cache, interrupt.

Not covered, because no node here uses it: node expansion, async nodes, cache eviction by memory.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from support.node_class import NodeClass
from support.prompt_validation import Prompt, Verdict, is_link, validate_prompt


@dataclass(frozen=True)
class NodeError:
    """What the host reports when a node fails."""

    node_id: str
    message: str
    type: str


@dataclass
class Run:
    """Result of one prompt. `values[id][port]` is the list of results that the host keeps per output port."""

    verdict: Verdict
    values: dict[str, list[list[Any]]] = field(default_factory=dict)
    ui: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    executed: list[str] = field(default_factory=list)
    error: NodeError | None = None
    interrupted_at: str | None = None
    blocked: dict[str, str] = field(default_factory=dict)  # id of the node that got a blocker -> its message

    @property
    def ok(self) -> bool:
        return self.verdict.ok and self.error is None and self.interrupted_at is None

    def output(self, id: str, port: int = 0) -> Any:
        """The single value of an output port."""
        (value,) = self.values[id][port]
        return value


class _Stop(Exception):
    """Ends a prompt after a node has failed or was interrupted."""


class PromptExecutor:
    """Keeps the cache between prompts, like a host that stays up."""

    def __init__(
        self, classes: Mapping[str, NodeClass], interrupt: type[BaseException], poll: Callable[[], None] = lambda: None
    ) -> None:
        self.classes, self.interrupt, self.poll = classes, interrupt, poll
        self.cache: dict[Any, tuple[list[list[Any]], dict[str, list[Any]]]] = {}
        self.running: str | None = None  # the node whose function is at work just now

    def signature(self, id: str, prompt: Prompt) -> Any:
        """The cache's key for what a node of the prompt gives."""
        return self._signature(id, prompt, {})

    def run(self, prompt: Prompt) -> Run:
        """Validates and executes a prompt in an event loop and in inference mode, as the host does."""
        prompt = json.loads(json.dumps(prompt))  # what came over HTTP: shared objects and tuples do not survive
        run = Run(validate_prompt(prompt, self.classes))
        if run.verdict.ok:
            asyncio.run(self._run_outputs(prompt, run))
        return run

    async def _run_outputs(self, prompt: Prompt, run: Run) -> None:
        signatures: dict[str, Any] = {}
        used = {self._signature(id, prompt, signatures) for id in prompt}
        self.cache = {key: entry for key, entry in self.cache.items() if key in used}
        with torch.inference_mode():
            try:
                for id in run.verdict.outputs:
                    self._evaluate(id, prompt, run, signatures)
            except _Stop:
                pass

    def _evaluate(self, id: str, prompt: Prompt, run: Run, signatures: dict[str, Any]) -> None:
        if id in run.values:
            return
        cached = self.cache.get(signatures[id])
        if cached is not None:
            run.values[id], ui = cached
            if ui:
                run.ui[id] = ui
            return
        node, inputs = self.classes[prompt[id]["class_type"]], prompt[id]["inputs"]
        for name, value in inputs.items():
            info = node.input_info(name)
            if is_link(value) and not (info and info[2].get("lazy")):
                self._evaluate(value[0], prompt, run, signatures)
        try:
            self._demand_lazy_inputs(id, node, prompt, run, signatures)
            run.values[id], ui = self._call(id, node, prompt, run)
        except self.interrupt:
            run.interrupted_at = id
            raise _Stop from None
        except _Stop:
            raise
        except Exception as error:
            run.error = NodeError(id, str(error), type(error).__name__)
            raise _Stop from error
        run.executed.append(id)
        if ui:
            run.ui[id] = ui
        self.cache[signatures[id]] = (run.values[id], ui)

    def _demand_lazy_inputs(
        self, id: str, node: NodeClass, prompt: Prompt, run: Run, signatures: dict[str, Any]
    ) -> None:
        ask = node.hook("check_lazy_status", "check_lazy_status")
        while ask is not None:
            given, missing = self._inputs(node, prompt[id]["inputs"], run)
            answers = [ask(**call) for call in _calls(given, node.input_is_list)]
            wanted = {name for answer in answers if isinstance(answer, list) for name in answer} & missing
            if not wanted:
                return
            for name in wanted:
                self._evaluate(prompt[id]["inputs"][name][0], prompt, run, signatures)

    def _inputs(self, node: NodeClass, inputs: dict[str, Any], run: Run) -> tuple[dict[str, list[Any]], set[str]]:
        """Each known input as the list of its values; the second value names wires that have not run yet."""
        given: dict[str, list[Any]] = {}
        missing: set[str] = set()
        for name, value in inputs.items():
            if is_link(value):
                source = run.values.get(value[0])
                given[name] = [None] if source is None else source[value[1]]
                missing |= {name} if source is None else set()
            elif node.input_info(name):
                given[name] = [value]
        return given, missing

    def _call(self, id: str, node: NodeClass, prompt: Prompt, run: Run) -> tuple[list[list[Any]], dict[str, list[Any]]]:
        given, _ = self._inputs(node, prompt[id]["inputs"], run)
        function = node.runner(prompt, id)
        results: list[tuple[Any, ...]] = []
        shown: list[dict[str, Any]] = []
        for call in _calls(given, node.input_is_list):
            blocker = _blocker(call, node.input_is_list)
            if blocker is not None:  # the node is passed over, and all behind it without another message
                run.blocked |= {id: blocker.message} if blocker.message is not None else {}
                results.append((type(blocker)(None),) * len(node.return_types))
                continue
            self.poll()
            self.running = id
            try:
                result, ui = _parts(function(**call))
            finally:
                self.running = None
            results += [result] if result is not None else []
            shown += [ui] if ui else []
        # The host would take a string apart into letters without a word.
        assert all(isinstance(items, (list, tuple)) for part in shown for items in part.values()), "ui holds lists"
        ui = {key: [item for part in shown for item in part[key]] for key in shown[0]} if shown else {}
        return _merge(results, node.output_is_list), ui

    def _signature(self, id: str, prompt: Prompt, known: dict[str, Any]) -> Any:
        """What a cached result depends on: the class, its fingerprint, its widgets, and all of that upstream."""
        if id not in known:
            known[id] = object()  # a cycle never hits the cache
            node, inputs = self.classes[prompt[id]["class_type"]], prompt[id]["inputs"]
            parts: list[Any] = [prompt[id]["class_type"], self._fingerprint(node, inputs)]
            parts += [id] if node.not_idempotent or node.wants_own_id else []
            for name in sorted(inputs):
                value = inputs[name]
                if is_link(value) and value[0] in prompt:
                    parts.append((name, self._signature(value[0], prompt, known), value[1]))
                else:
                    parts.append((name, json.dumps(value, sort_keys=True)))
            known[id] = tuple(parts)
        return known[id]

    def _fingerprint(self, node: NodeClass, inputs: dict[str, Any]) -> Any:
        ask = node.hook("IS_CHANGED", "fingerprint_inputs")
        if ask is None:
            return False
        known = {name: None if is_link(value) else value for name, value in inputs.items() if node.input_info(name)}
        try:
            answer = ask(**known)
        except Exception:  # noqa: BLE001 - the host logs a warning and runs the node again
            return object()
        return object() if answer != answer else answer


def _blocker(call: dict[str, Any], input_is_list: bool) -> Any:
    """The first execution blocker among a call's values."""
    values = [item for value in call.values() for item in (value if input_is_list else [value])]
    return next((value for value in values if type(value).__name__ == "ExecutionBlocker"), None)


def _calls(given: dict[str, list[Any]], input_is_list: bool) -> list[dict[str, Any]]:
    """The argument sets of one node: one per list entry, shorter lists repeating their last."""
    if input_is_list:
        return [dict(given)]
    length = max((len(values) for values in given.values()), default=1)
    return [{name: values[min(i, len(values) - 1)] for name, values in given.items()} for i in range(length)]


def _parts(returned: Any) -> tuple[tuple[Any, ...] | None, dict[str, Any] | None]:
    """Result and ui out of a tuple, a V1 dict or a V3 NodeOutput."""
    if isinstance(returned, dict):
        return returned.get("result"), returned.get("ui")
    if hasattr(returned, "block_execution"):
        ui = returned.ui
        return returned.result, ui if ui is None or isinstance(ui, dict) else ui.as_dict()
    return returned, None


def _merge(results: list[tuple[Any, ...]], is_list: list[bool]) -> list[list[Any]]:
    if not results:
        return []
    ports = range(len(results[0]))
    return [[item for result in results for item in _items_of(result[port], is_list[port])] for port in ports]


def _items_of(value: Any, is_list: bool) -> list[Any]:
    return value if is_list and type(value).__name__ != "ExecutionBlocker" else [value]

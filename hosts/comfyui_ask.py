"""Asks the person at ComfyUI's page while a node runs: an event to the page, the answer over a route of our own.

The event (`EVENT`) goes to the page that has queued the prompt, and again every few seconds, so that a page that was
reloaded or shows the workflow only now hears it, too. The answer (`ROUTE`, JSON) names the question by its token, which
nobody else knows. The wait ends with the answer, with the host's Stop, or when the page has been closed.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast

from ..context import Answer
from ..errors import HemlineError
from ..nodes.spec import Node

EVENT = "hemline.ask"
ROUTE = "/hemline/edit_mask/answer"
POLL_S = 0.1
REPEAT_S = 2.0
# How long a page may be away, as it is while it is reloaded.
AWAY_S = 20.0
# Larger answers are refused unread: more than a text of `MOST_LETTERS` in JSON.
MOST_BYTES = 5_000_000


@dataclass
class _Question:
    """check: raises `HemlineError` for a text that is no answer. text: the answer, None for Cancel."""

    check: Callable[[str], object]
    answered: threading.Event = field(default_factory=threading.Event)
    text: str | None = None


class Questions:
    """The questions that runs wait for an answer to; the host's worker asks, its web server answers."""

    def __init__(self) -> None:
        self._open: dict[str, _Question] = {}
        self._lock = threading.Lock()

    def register(self) -> None:
        """Adds the route to the host's web server; where there is none nobody is ever asked."""
        routes = getattr(_server(), "routes", None)
        if routes is None:
            return

        async def answer(request: Any) -> Any:
            web = import_module("aiohttp.web")
            status, message = await self._read(request)
            return web.json_response({"message": message}, status=status)

        routes.post(ROUTE)(answer)

    def wait(
        self, node: Node, widget: str, output: Mapping[str, Any], check: Callable[[str], object], *,
        cancelled: Callable[[], None], prompt: Any, extra_pnginfo: Any,
    ) -> Answer:  # fmt: skip
        """Shows `output` on the running node and waits until OK is pressed there; see `context.Ask`.

        cancelled: raises where the host wants to stop. prompt, extra_pnginfo: the host's own, into which the answer is
        written as the widget's value, so that what is saved with the pictures of this run gives the same again.
        """
        server = _server()
        client, node_id = getattr(server, "client_id", None), _running_node(server)
        if client is None or node_id is None or not hasattr(server, "send_sync"):
            return Answer(None, "no page has queued this run")
        token, question = secrets.token_hex(16), _Question(check)
        workflow = _fields(_fields(extra_pnginfo).get("workflow"))
        about = {"node": node_id, "token": token, "workflow": str(workflow.get("id") or "")}
        with self._lock:
            self._open[token] = question
        try:
            if not self._wait(question, {**about, "waiting": True, "output": dict(output)}, server, client, cancelled):
                return Answer(None, "the page has been closed")
        finally:
            with self._lock:
                self._open.pop(token, None)
            server.send_sync(EVENT, {**about, "waiting": False}, client)
        if question.text is None:
            raise import_module("comfy.model_management").InterruptProcessingException()
        _record(node, widget, question.text, node_id, prompt, workflow)
        return Answer(question.text)

    def _wait(
        self, question: _Question, event: Mapping[str, Any], server: Any, client: str, cancelled: Callable[[], None]
    ) -> bool:
        """Whether there was an answer; False where the page has gone."""
        told = seen = None
        while not question.answered.wait(POLL_S if told is not None else 0):
            cancelled()
            now = time.monotonic()
            if client in server.sockets:
                seen = now
            elif seen is None or now - seen > AWAY_S:
                return False
            if told is None or now - told >= REPEAT_S:
                server.send_sync(EVENT, dict(event), client)
                told = now
        return True

    async def _read(self, request: Any) -> tuple[int, str]:
        if request.content_type != "application/json":
            return 415, "send JSON."
        if request.content_length is None or request.content_length > MOST_BYTES:
            return 413, f"an answer has at most {MOST_BYTES} bytes."
        try:
            given = await request.json()
        except (ValueError, RecursionError):
            return 400, "this is no JSON."
        # Beside the web server's own thread: the check of a long text takes a while.
        return await asyncio.get_running_loop().run_in_executor(None, self.answer, given)

    def answer(self, given: object) -> tuple[int, str]:
        """Takes an answer, {"token": ..., "ok": true, "value": text} or {"token": ..., "ok": false}, if it can be one.

        Gives an HTTP status and a sentence: 200, 400 for what is no answer, 404 where nobody waits for it any more.
        """
        fields = cast("dict[str, object]", given) if isinstance(given, dict) else {}
        token, ok, value = fields.get("token"), fields.get("ok"), fields.get("value")
        if not isinstance(token, str) or not isinstance(ok, bool) or (ok and not isinstance(value, str)):
            return 400, "an answer is an object with token (text), ok (true or false) and, with ok, value (text)."
        with self._lock:
            question = self._open.get(token)
        if question is None:
            return 404, "this run no longer waits for an answer."
        if isinstance(value, str) and ok:
            try:
                question.check(value)
            except HemlineError as error:
                return 400, str(error)
        with self._lock:
            if self._open.pop(token, None) is None:
                return 404, "this run no longer waits for an answer."
        question.text = value if ok and isinstance(value, str) else None
        question.answered.set()
        return 200, "taken."


def _server() -> Any:
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)


def _running_node(server: Any) -> str | None:
    """The id of the node at work. As a hidden input it would keep equal nodes from sharing a result."""
    execution: Any = sys.modules.get("comfy_execution.utils")
    running = execution.get_executing_context() if hasattr(execution, "get_executing_context") else None
    found = running.node_id if running is not None else getattr(server, "last_node_id", None)
    return None if found is None else str(found)


def _record(node: Node, widget: str, text: str, node_id: str, prompt: Any, workflow: Any) -> None:
    """Writes a widget's new value into the prompt and the workflow that the host saves with this run's pictures."""
    inputs = _fields(_fields(_fields(prompt).get(node_id)).get("inputs"))
    if isinstance(inputs.get(widget), str):  # not over a wire
        inputs[widget] = text
    values: Any = _entry(workflow, node_id.split(":")).get("widgets_values") or []
    place = [port.name for port in node.inputs if port.is_widget].index(widget)
    if isinstance(values, dict):
        values[widget] = text
    else:
        values[place : place + 1] = [text]


def _entry(workflow: Any, path: list[str]) -> Any:
    """The node of a UI workflow by its way through subgraphs; empty where it is not there."""
    subgraphs = _fields(_fields(workflow).get("definitions")).get("subgraphs")
    graph = _fields(workflow)
    entry = dict[str, Any]()
    for id in path:
        entry = _first(graph.get("nodes"), id)
        graph = _first(subgraphs, str(entry.get("type")))
    return entry


def _fields(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value or {})


def _first(entries: Any, id: str) -> dict[str, Any]:
    listed = cast("list[dict[str, Any]]", entries or [])
    return next((entry for entry in listed if str(entry.get("id")) == id), dict[str, Any]())

"""Wait for OK in ComfyUI: who is asked, what becomes of the answer, and what ends the wait."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.fake_comfyui import Host
from support.given import prompt_for
from support.prompt_validation import Prompt
from support.stroke_golden import at

from hemline.errors import RangeError
from hemline.hosts import comfyui_ask
from hemline.hosts.comfyui_ask import EVENT, MOST_BYTES, ROUTE, Questions
from hemline.nodes import NODES
from hemline.nodes.edit import edit_mask
from hemline.segmentation.strokes.raster import apply_strokes
from hemline.segmentation.strokes.text import Edit, Stroke, format_strokes

NODE = next(node for node in NODES if node.id == "HemlineEditMask")
STROKES = (Stroke("brush", at(0.2, 0.2, 0.8, 0.8), radius=900),)
TEXT = format_strokes(Edit(STROKES))


class Page:
    """A page that answers each question at once, from a thread of its own, with `value`, or Cancel for None."""

    def __init__(self, host: Host, value: str | None = TEXT) -> None:
        self.host, self.value = host, value
        self.heard: list[dict[str, Any]] = []
        self._statuses: list[int] = []
        self._threads: list[threading.Thread] = []
        self.known: set[str] = set()
        host.server.open_page(self.hear)

    def hear(self, event: str, data: Any) -> None:
        if event != EVENT:
            return
        self.heard.append(data)
        if data["waiting"] and data["token"] not in self.known:
            self.known.add(data["token"])
            self._threads.append(threading.Thread(target=self.say, args=(data["token"],)))
            self._threads[-1].start()

    @property
    def statuses(self) -> list[int]:
        """How the answers were taken."""
        for thread in self._threads:
            thread.join(20)
        return self._statuses

    def say(self, token: str) -> None:
        ok = self.value is not None
        self.post({"token": token, "ok": ok} | ({"value": self.value} if ok else {}))

    def post(self, body: Any) -> None:
        status, _ = asyncio.run(sent(self.host.server.routes.handlers[ROUTE], body))
        self._statuses.append(status)


async def sent(handler: Callable[[Any], Any], body: Any) -> tuple[int, Any]:
    text = json.dumps(body)

    async def parsed() -> Any:
        return json.loads(text)

    request = SimpleNamespace(content_type="application/json", content_length=len(text), json=parsed)
    answer = await handler(request)
    return answer.status, json.loads(answer.text)


@pytest.fixture
def edited(host: Host) -> Iterator[Host]:
    pytest.importorskip("aiohttp", reason="needs aiohttp (pip install hemline[test])")
    host.executor.cache.clear()
    yield host
    host.server.sockets.clear()
    host.server.client_id = None
    host.model_management._stop_pressed = lambda: False


def prompt(host: Host, **widgets: Any) -> Prompt:
    """One Edit Mask, called "node", over a drawn picture and its mask."""
    return prompt_for(host, NODE.id, {"mask": "mask"}, **{"wait_for_ok": True, **widgets})


def test_a_run_goes_on_with_what_is_drawn_while_it_waits(edited: Host, values: Any) -> None:
    page = Page(edited)
    run = edited.run(prompt(edited))
    assert run.ok, run.error
    mask, is_edited, report = (run.values["node"][port][0] for port in range(3))
    base = run.values["given MASK mask"][0][0]
    torch.testing.assert_close(mask, apply_strokes(base, STROKES))
    assert is_edited and "OK was pressed" in report and page.statuses == [200]
    first, *_, last = page.heard
    assert first["node"] == "node" and first["waiting"] and not last["waiting"]
    assert first["output"]["images"][0]["type"] == "temp" and set(first["output"]["hemline"][0]) == {"image", "mask"}


def test_a_waiting_run_is_never_taken_from_the_cache(edited: Host) -> None:
    """Its result hangs on what was answered, not on what the prompt says."""
    Page(edited)
    first = edited.run(prompt(edited))
    page = Page(edited, "")
    again = edited.run(prompt(edited))
    assert first.ok and again.ok and len(page.known) == 1
    assert not torch.equal(first.values["node"][0][0], again.values["node"][0][0])
    edited.run(prompt(edited, wait_for_ok=False))
    assert "node" not in edited.run(prompt(edited, wait_for_ok=False)).executed and len(page.known) == 1


def test_without_the_switch_nobody_is_asked(edited: Host) -> None:
    page = Page(edited)
    assert edited.run(prompt(edited, wait_for_ok=False)).ok and page.heard == []


def test_cancel_stops_the_run(edited: Host) -> None:
    page = Page(edited, None)
    run = edited.run(prompt(edited))
    assert run.interrupted_at == "node" and not page.heard[-1]["waiting"]


def test_the_hosts_stop_ends_the_wait(edited: Host) -> None:
    heard: list[Any] = []
    edited.server.open_page(lambda event, data: heard.append(data))
    edited.press_stop_inside("node", poll=3)
    run = edited.run(prompt(edited))
    assert run.interrupted_at == "node" and [data["waiting"] for data in heard] == [True, False]


def test_a_program_that_has_queued_the_run_is_not_waited_for(edited: Host) -> None:
    run = edited.run(prompt(edited, strokes=TEXT))
    assert run.ok and "not waited for OK: no page has queued this run" in run.values["node"][2][0]
    assert run.values["node"][1][0]  # with the strokes that it has sent


def test_a_page_that_has_been_closed_is_not_waited_for(edited: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    away = sys.modules[f"{edited.pack.__name__}.hosts.comfyui_ask"]
    monkeypatch.setattr(away, "AWAY_S", 0.2)
    edited.server.open_page(lambda event, data: edited.server.sockets.clear())
    run = edited.run(prompt(edited))
    assert run.ok and "the page has been closed" in run.values["node"][2][0]


def test_a_page_that_was_reloaded_hears_of_the_question_again(edited: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[f"{edited.pack.__name__}.hosts.comfyui_ask"], "REPEAT_S", 0.0)
    page = Page(edited)
    page.known, lost = set(), []

    def reloaded(event: str, data: Any) -> None:
        lost.append(data)
        if len(lost) > 2:
            page.hear(event, data)

    edited.server.sockets["page"] = reloaded
    assert edited.run(prompt(edited)).ok and len({data["token"] for data in lost}) == 1


class Waiting:
    """A question that waits in a thread of its own, in a host whose page only listens."""

    def __init__(self, host: Host, **hidden: Any) -> None:
        self.questions, self.answers, self.token = Questions(), [], ""
        told = threading.Event()

        def hear(event: str, data: Any) -> None:
            self.token = data["token"]
            told.set()

        host.server.open_page(hear)
        host.executor.running = "7"
        hidden = {"prompt": None, "extra_pnginfo": None} | hidden
        given = (NODE, "strokes", {"images": []}, self.check)
        self.thread = threading.Thread(
            target=lambda: self.answers.append(self.questions.wait(*given, cancelled=lambda: None, **hidden))
        )
        self.thread.start()
        assert told.wait(20)

    @staticmethod
    def check(text: str) -> None:
        if text == "bad":
            raise RangeError("these are no strokes.")

    def end(self) -> str | None:
        self.questions.answer({"token": self.token, "ok": True, "value": "the end"})
        self.thread.join(20)
        return self.answers[0].text


@pytest.fixture
def waiting(edited: Host) -> Iterator[Waiting]:
    question = Waiting(edited)
    yield question
    question.end()
    edited.executor.running = None


@pytest.mark.parametrize(
    "answer",
    [
        None, [], "text", {}, {"ok": True, "value": ""}, {"token": 3, "ok": True, "value": ""},
        {"token": "TOKEN", "ok": 1, "value": ""}, {"token": "TOKEN", "ok": True},
        {"token": "TOKEN", "ok": True, "value": 5},
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused_and_waiting_goes_on(waiting: Waiting, answer: Any) -> None:
    given = json.loads(json.dumps(answer).replace("TOKEN", waiting.token))
    assert waiting.questions.answer(given)[0] == 400 and waiting.thread.is_alive()


def test_a_text_that_is_no_value_is_refused_with_the_reason(waiting: Waiting) -> None:
    given = {"token": waiting.token, "ok": True, "value": "bad"}
    assert waiting.questions.answer(given) == (400, "these are no strokes.") and waiting.thread.is_alive()


def test_unknown_and_late_answers_are_refused(waiting: Waiting) -> None:
    assert waiting.questions.answer({"token": "0" * 32, "ok": True, "value": ""})[0] == 404
    assert waiting.end() == "the end"
    status, message = waiting.questions.answer({"token": waiting.token, "ok": True, "value": ""})
    assert status == 404 and "no longer waits" in message


def test_the_answer_is_in_what_the_host_saves_with_the_pictures(edited: Host) -> None:
    """The prompt and the workflow of the run, through subgraphs; a value that comes over a wire stays."""
    values = ["", "", "replay", True]
    node = {"id": 7, "type": NODE.id, "widgets_values": list(values)}
    hidden = {
        "prompt": {"7": {"class_type": NODE.id, "inputs": {"strokes": "", "image": ""}}},
        "extra_pnginfo": {"workflow": {"id": "w", "nodes": [{"id": 1, "type": "other"}, node]}},
    }
    assert Waiting(edited, **hidden).end() == "the end"
    assert hidden["prompt"]["7"]["inputs"]["strokes"] == "the end"
    assert node["widgets_values"] == ["the end", *values[1:]]
    inner = {"id": 7, "type": NODE.id, "widgets_values": list(values)}
    graph = {"id": "g", "nodes": [inner]}
    workflow = {"nodes": [{"id": 12, "type": "g"}], "definitions": {"subgraphs": [graph]}}
    prompt = {"12:7": {"inputs": {"strokes": ["3", 0]}}}
    comfyui_ask._record(NODE, "strokes", "new", "12:7", prompt, workflow)
    assert inner["widgets_values"][0] == "new" and prompt["12:7"]["inputs"]["strokes"] == ["3", 0]


def test_the_route_takes_json_of_a_certain_size_only(edited: Host) -> None:
    """Over HTTP, as the host serves it."""
    web = pytest.importorskip("aiohttp.web")
    app = web.Application()
    app.router.add_post(ROUTE, edited.server.routes.handlers[ROUTE])
    with served(web, app) as url:
        good = {"token": "0", "ok": False}
        assert post(url, json.dumps(good))[0] == 404
        assert post(url, json.dumps(good), "text/plain")[0] == 415
        assert post(url, "{")[0] == 400 and post(url, "[" * 100_000)[0] == 400
        status, body = post(url, json.dumps({"token": "0", "ok": True}))
        assert status == 400 and "token" in body["message"]
        assert post(url, " " * (MOST_BYTES + 1))[0] == 413


def post(url: str, text: str, kind: str = "application/json") -> tuple[int, Any]:
    request = urllib.request.Request(url + ROUTE, text.encode(), {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


class served:
    """An aiohttp application on a free port of this machine, in a thread of its own."""

    def __init__(self, web: Any, app: Any) -> None:
        self.web, self.runner, self.loop = web, web.AppRunner(app), asyncio.new_event_loop()

    def __enter__(self) -> str:
        ready = threading.Event()

        async def start() -> None:
            await self.runner.setup()
            await self.web.TCPSite(self.runner, "127.0.0.1", 0).start()
            ready.set()

        def work() -> None:
            self.loop.run_until_complete(start())
            self.loop.run_forever()
            self.loop.run_until_complete(self.runner.cleanup())
            self.loop.close()

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()
        assert ready.wait(20)
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    def __exit__(self, *details: Any) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)


def test_without_a_host_the_run_goes_on_and_says_so(tmp_path: Any) -> None:
    from hemline.hosts.headless_context import headless_context

    context = headless_context(tmp_path, device="cpu", input_folder=tmp_path)
    result = edit_mask(context=context, picture=torch.rand(1, 8, 8, 3), strokes=TEXT, wait_for_ok=True)
    assert result.outputs[1] and result.text[-1] == "not waited for OK: there is no page to ask on"

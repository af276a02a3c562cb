"""Edit Mask in both renderers: a run that waits for OK is shown, drawn on and answered on the node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.edit_page import DIGESTS, GREY, STATUS, choose, colour, drag, run, settle, stored
from support.frontend import SCREENSHOTS, of_ours, to_prompt
from support.widget_page import file_of

from hemline.hosts.comfyui_ask import EVENT
from hemline.segmentation.strokes.text import parse_strokes

BAR = ".hemline-ask"


@pytest.fixture(autouse=True)
def no_answers(server: Any) -> Iterator[None]:
    server.answers.clear()
    server.refusal = ""
    yield


def ask(page: Any, server: Any, node: str = "2", workflow: str = "") -> None:
    output = {"images": [file_of("first.png")], "hemline": [DIGESTS], "text": []}
    server.send(EVENT, node=node, token="t1", workflow=workflow, waiting=True, output=output)
    settle(page)


def end(server: Any, token: str = "t1") -> None:
    server.send(EVENT, node="2", token=token, workflow="", waiting=False)


def is_asked(page: Any) -> bool:
    return page.is_visible(BAR)


def until_asked(page: Any, asked: bool = True) -> None:
    page.wait_for_selector(BAR, state="visible" if asked else "hidden")


def test_a_waiting_run_shows_its_mask_and_takes_what_is_drawn(editor: Any, server: Any, renderer: str) -> None:
    assert not is_asked(editor)
    ask(editor, server)
    until_asked(editor)
    editor.wait_for_function(  # before, it says that it loads
        """query => {
            const text = document.querySelector(query).textContent
            return text.includes("stroke") && !text.includes("run once")
        }""",
        arg=STATUS,
    )
    settle(editor)
    assert colour(editor, 0.2, 0.2) == GREY != colour(editor, 0.5, 0.5)  # the automatic mask of this run
    assert "waits for you" in editor.inner_text(STATUS)
    drag(editor, (0.2, 0.8), (0.8, 0.8))
    if SCREENSHOTS:
        editor.screenshot(path=SCREENSHOTS / f"wait for OK in {renderer}.png")
    choose(editor, "ok")
    until_asked(editor, False)
    (answer,) = server.answers
    assert answer == {"token": "t1", "ok": True, "value": to_prompt(editor)["2"]["inputs"]["strokes"]}
    edit = parse_strokes(answer["value"])
    assert len(edit.strokes) == 1 and edit.image == DIGESTS["image"] and edit == stored(editor)
    assert editor.inner_text(STATUS) == "1 stroke" and of_ours(editor) == []


def test_ok_takes_over_strokes_of_another_picture_as_they_are_shown(editor: Any, server: Any) -> None:
    run(editor, server, "second.png", image="fedcba9876543210")
    drag(editor, (0.2, 0.8), (0.8, 0.8))
    ask(editor, server)
    until_asked(editor)
    editor.wait_for_function(f"() => document.querySelector('{STATUS}').textContent.includes('another picture')")
    choose(editor, "ok")
    until_asked(editor, False)
    assert parse_strokes(server.answers[0]["value"]).image == DIGESTS["image"]


def test_cancel_says_so_and_keeps_the_strokes(editor: Any, server: Any) -> None:
    ask(editor, server)
    until_asked(editor)
    drag(editor, (0.2, 0.8), (0.8, 0.8))
    choose(editor, "cancel")
    until_asked(editor, False)
    assert server.answers == [{"token": "t1", "ok": False}] and len(stored(editor).strokes) == 1


def test_the_question_is_heard_once_and_ends_with_the_run(editor: Any, server: Any) -> None:
    ask(editor, server)
    until_asked(editor)
    drag(editor, (0.2, 0.8), (0.8, 0.8))
    ask(editor, server)  # again, as for a page that was away
    assert is_asked(editor) and len(stored(editor).strokes) == 1
    end(server, "another")
    settle(editor)
    assert is_asked(editor)
    end(server)
    until_asked(editor, False)
    assert server.answers == []


@pytest.mark.parametrize("other", [{"node": "3"}, {"node": "1:2"}, {"workflow": "5ae7c5c5-of-another-tab"}])
def test_what_is_asked_of_another_node_is_not_shown(editor: Any, server: Any, other: dict[str, str]) -> None:
    editor.evaluate("() => { (window.app.rootGraph ?? window.app.graph).id ||= crypto.randomUUID() }")
    ask(editor, server, **other)
    editor.wait_for_timeout(200)
    assert not is_asked(editor)


def test_a_workflow_without_an_id_is_known_by_its_node(editor: Any, server: Any) -> None:
    """As one of a cleared graph, which gets its id when the page is loaded again."""
    ask(editor, server, workflow="00000000-0000-0000-0000-000000000000")
    until_asked(editor)


def test_a_refused_answer_is_said_and_can_be_given_again(editor: Any, server: Any) -> None:
    ask(editor, server)
    until_asked(editor)
    server.refusal = "these are no strokes."
    choose(editor, "ok")
    editor.wait_for_function(f"() => document.querySelector('{STATUS}').textContent.includes('these are no strokes')")
    assert is_asked(editor)
    server.refusal = ""
    choose(editor, "ok")
    until_asked(editor, False)
    assert len(server.answers) == 2
    editor.complaints.clear()  # the browser itself logs the refused request


def test_the_keyboard_answers_too(editor: Any, server: Any) -> None:
    ask(editor, server)
    until_asked(editor)
    editor.focus("[data-hemline=brush]")
    for key in ("cancel", "ok"):  # the first of the node's controls
        editor.keyboard.press("Shift+Tab")
        assert editor.evaluate("() => document.activeElement.dataset.hemline") == key
        assert editor.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    editor.keyboard.press("Enter")
    until_asked(editor, False)
    assert [answer["ok"] for answer in server.answers] == [True]


def test_the_switch_is_stored_and_sent_and_off_at_first(editor: Any) -> None:
    assert to_prompt(editor)["2"]["inputs"]["wait_for_ok"] is False
    editor.evaluate(
        "() => { window.app.graph.getNodeById(2).widgets.find(({ name }) => name === 'wait_for_ok').value = true }"
    )
    assert to_prompt(editor)["2"]["inputs"]["wait_for_ok"] is True

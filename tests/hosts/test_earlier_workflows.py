"""Workflows as earlier versions saved them: they load, run, and mean what they meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.examples import NODES, write_pictures
from support.stand_in import with_stand_in

from hemline.hosts.headless_context import headless_context
from hemline.hosts.workflow import load_workflow, run_workflow

SAVED = sorted((Path(__file__).parents[1] / "workflows").glob("*/*.json"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("input")
    write_pictures(folder)
    return folder


@pytest.mark.parametrize("path", SAVED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_workflow_of_an_earlier_version_runs_to_its_end(path: Path, pictures: Path, tmp_path: Path) -> None:
    prompt = with_stand_in(load_workflow(path, NODES), False)
    results = run_workflow(prompt, NODES, headless_context(tmp_path, device="cpu", input_folder=pictures))
    assert results.keys() == prompt.keys()
    assert list(tmp_path.rglob("*.png")), "the pictures that it saves"


@pytest.mark.parametrize("path", SAVED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_widget_keeps_its_place(path: Path) -> None:
    prompt = load_workflow(path, NODES)
    ours = [
        node for node in json.loads(path.read_text(encoding="utf-8"))["nodes"] if node["type"].startswith("Hemline")
    ]
    assert ours
    for node in ours:
        names = [port["widget"]["name"] for port in node["inputs"] if "widget" in port]
        wired = {port["name"] for port in node["inputs"] if port["link"] is not None}
        saved = {name: value for name, value in zip(names, node["widgets_values"], strict=True) if name not in wired}
        assert saved.items() <= prompt[str(node["id"])]["inputs"].items(), node["type"]

"""The help pages: a picture on each, made by our own program, and the names that the node has."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from PIL import Image, ImageFont

from hemline.nodes import NODES
from hemline.nodes.spec import Node

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "web" / "docs"
LARGEST_BYTES, ALL_BYTES = 60_000, 1_000_000
WIDTH_PX = 800
# A picture without the parser, one with several rows, one of photos.
QUICK = ("HemlineGrowFeatherMask", "HemlineCombineMasks", "HemlineMatchColours")


@pytest.fixture(scope="module")
def script(monkeypatch_module: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_pictures", ROOT / "docs" / "make_pictures.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch_module.setattr(sys, "path", list(sys.path))
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def page_of(node: Node) -> str:
    return (PAGES / f"{node.id}.md").read_text(encoding="utf-8")


def marked(page: str) -> set[str]:
    """What stands in bold or as code."""
    return {bold or code for bold, code in re.findall(r"\*\*([^*\n]+)\*\*|`([^`\n]+)`", page)}


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.id)
def test_a_page_names_every_input_and_output(node: Node):
    """In bold, as code, or in the first column of a table. A node's only output is what the page is about."""
    page = page_of(node)
    known = marked(page) | set(re.findall(r"^\| (\w+(?:, \w+)*) \|", page, re.MULTILINE))
    known |= {name for names in known for name in names.split(", ")}
    outputs = node.outputs if len(node.outputs) > 1 else ()
    assert [port.name for port in (*node.inputs, *outputs) if port.name not in known] == []


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.id)
def test_what_a_page_shows_in_bold_as_a_name_is_an_input_or_output(node: Node):
    bold = re.findall(r"\*\*([a-z][a-z0-9_]*)\*\*", page_of(node))
    assert set(bold) <= {port.name for port in (*node.inputs, *node.outputs)}


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.id)
def test_a_page_says_what_the_node_does_and_then_shows_it(node: Node):
    title, sentence, picture, *_ = page_of(node).split("\n\n")
    assert title == f"# {node.name}" and sentence.endswith(".")
    found = re.fullmatch(r"!\[([^\]]+)\]\(pictures/(\w+)\.webp\)", picture)
    assert found is not None and found[2] == node.id and len(found[1]) > 20, picture


# --- pictures --------------------------------------------------------------------------------------------------------


def test_every_node_has_a_program_that_makes_its_picture(script: ModuleType):
    from pictures import PICTURES

    assert set(PICTURES) == {node.id for node in NODES}, "give docs/pictures/__init__.py a line for a new node"


def test_every_picture_is_there_and_no_other():
    missing = {node.id for node in NODES} ^ {path.stem for path in (PAGES / "pictures").iterdir()}
    assert not missing, "run docs/make_pictures.py with these node ids"


def test_pictures_are_small_and_of_one_width():
    sizes = {path.name: path.stat().st_size for path in (PAGES / "pictures").glob("*.webp")}
    assert [name for name, size in sizes.items() if size > LARGEST_BYTES] == []
    assert sum(sizes.values()) < ALL_BYTES
    for name in sizes:
        with Image.open(PAGES / "pictures" / name) as picture:
            assert picture.width == WIDTH_PX and 200 < picture.height < WIDTH_PX, name


@pytest.mark.parametrize("id", QUICK)
def test_a_picture_is_made_alike_each_time_and_as_it_is_shipped(script: ModuleType, tmp_path: Path, id: str):
    path = script.make_help_picture(id, tmp_path)
    assert path.read_bytes() == script.make_help_picture(id, tmp_path / "again").read_bytes()
    if not isinstance(ImageFont.load_default(), ImageFont.FreeTypeFont):
        pytest.skip("this Pillow letters with a bitmap font; the picture was compared with itself only")
    with Image.open(path) as made, Image.open(PAGES / "pictures" / path.name) as shipped:
        assert made.size == shipped.size
        # Other versions of torch and Pillow round and compress a little differently.
        assert mean_difference(made, shipped) < 2


def mean_difference(first: Image.Image, second: Image.Image) -> float:
    def values(picture: Image.Image) -> torch.Tensor:
        return torch.frombuffer(bytearray(picture.convert("RGB").tobytes()), dtype=torch.uint8).float()

    return float((values(first) - values(second)).abs().mean())


def test_drawn_people_wear_what_the_parser_finds(script: ModuleType):
    """The pictures of detected garments show what was really found."""
    from pictures.scenes import coat, drawn, only

    for label in ("outer", "pants"):
        found, painted = only(coat, label) > 0.5, drawn(coat, label) > 0.5
        assert (found & painted).sum() / (found | painted).sum() > 0.7, label


def test_a_picture_is_encoded_at_its_size(script: ModuleType):
    with Image.open(io.BytesIO(script.encode(torch.rand(9, 16, 3)))) as picture:
        assert (picture.format, picture.size) == ("WEBP", (16, 9))

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from support.contexts import CONTEXT

from hemline.hosts.headless_context import headless_context
from hemline.nodes import NODES
from hemline.nodes.detect import detect_garments
from hemline.nodes.export import save_garment_set
from hemline.nodes.inpaint import inpaint_crop
from hemline.nodes.inspect import preview_mask
from hemline.nodes.mask import combine_masks_node, grow_feather_mask
from hemline.nodes.refine import refine_mask
from hemline.nodes.spec import Port, Result, node
from hemline.segmentation.garments import Garment, Garments
from hemline.tensors import HemlineError, RangeError, ShapeError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def context(tmp_path: Path):
    return headless_context(tmp_path, device="cpu")


def square_mask(height: int = 120, width: int = 90) -> torch.Tensor:
    mask = torch.zeros(1, height, width)
    mask[0, 30:80, 20:70] = 1
    return mask


def found_in(mask: torch.Tensor) -> Garments:
    return Garments(mask.shape[2], mask.shape[1], 1, (Garment(mask[0], "upper", 0.8, (20, 30, 70, 80)),), "heuristic")


@pytest.mark.parametrize("record", NODES, ids=lambda record: record.id)
def test_every_node_says_what_it_does_and_every_port_has_a_tooltip(record):
    assert record.description.endswith(".") and record.id.startswith("Hemline")
    assert all(port.tooltip for port in (*record.inputs, *record.outputs))
    assert all((port.default is None) != port.is_widget for port in record.inputs)


@pytest.mark.parametrize("record", NODES, ids=lambda record: record.id)
def test_every_node_has_a_help_page_that_names_it(record):
    page = (ROOT / "web" / "docs" / f"{record.id}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {record.name}\n")


@pytest.mark.parametrize("record", NODES, ids=lambda record: record.id)
def test_every_node_is_found_by_other_words_than_its_own(record):
    assert len({alias.lower() for alias in record.aliases} - {record.name.lower()}) >= 3


@pytest.mark.parametrize("record", NODES, ids=lambda record: record.id)
def test_a_description_is_plain_json(record):
    assert json.loads(json.dumps(record.describe()))["id"] == record.id


def test_ids_are_unique():
    assert len({record.id for record in NODES}) == len(NODES)


def test_a_declared_function_keeps_its_signature_and_always_gives_a_result():
    @node(id="T", name="T", category="t", inputs=[Port("a", "INT", default=1)], outputs=[Port("b", "INT")])
    def add_one(a: int = 1) -> int:
        """Adds one."""
        return a + 1

    assert list(inspect.signature(add_one.function).parameters) == ["a"]
    assert add_one(a=2) == Result((3,)) and add_one.description == "Adds one."


def test_nothing_found_is_a_zero_mask_a_count_of_0_and_a_text(context):
    result = detect_garments(image=torch.full((1, 50, 40, 3), 0.5), context=context)
    found, mask, count, description, report, prompt = result.outputs
    assert len(found) == 0 and count == 0 and mask.shape == (1, 50, 40) and not mask.any() and prompt == ""
    assert "nothing found" in description and result.text == (description,)
    assert json.loads(report)["count"] == 0


def test_nothing_found_may_be_an_error(context):
    with pytest.raises(HemlineError, match="outfit: nothing found"):
        detect_garments(image=torch.full((1, 50, 40, 3), 0.5), nothing_found="error", context=context)


def test_what_the_method_cannot_find_is_said(context):
    result = detect_garments(image=torch.rand(1, 60, 40, 3), labels="bag", method="heuristic", context=context)
    assert "cannot find bag" in result.text[0]


@pytest.mark.parametrize("boxes", ["1 2 3", "a b c d", "10 10 5 5", "500 500 600 600"])
def test_a_person_box_that_is_none_is_an_error(context, boxes):
    with pytest.raises(RangeError, match="person box"):
        detect_garments(image=torch.rand(1, 60, 40, 3), person_boxes=boxes, context=context)


def test_refining_without_a_picture_says_that_edges_stay(context):
    result = refine_mask(mask=square_mask())
    assert torch.equal(result.outputs[0], square_mask()) and "no image connected" in result.text[0]


def test_grow_and_feather_gives_a_soft_and_a_hard_mask():
    soft, hard = grow_feather_mask(mask=square_mask(), grow=4.0, feather=10.0).outputs
    assert set(hard.unique().tolist()) == {0.0, 1.0} and ((soft > 0) & (soft < 1)).any()
    assert hard.sum() > square_mask().sum()


def test_growing_in_percent_goes_by_the_size_of_each_mask():
    small, large = torch.zeros(1, 200, 200), torch.zeros(1, 200, 200)
    small[0, 95:105, 95:105] = 1
    large[0, 50:150, 50:150] = 1
    result = grow_feather_mask(mask=torch.cat([small, large]), grow=20.0, feather=0.0, unit="% of the mask's size")
    wide = [int((plane.amax(0) == 1).sum()) for plane in result.outputs[0]]
    assert wide == [10 + 4, 100 + 40]
    assert result.text == ("grow 2.0 px, feather 0.0 px", "grow 20.0 px, feather 0.0 px")


def test_combining_leaves_out_what_is_not_connected():
    mask = square_mask()
    (united,) = combine_masks_node(mask_a=mask, mask_b=torch.zeros_like(mask), mask_d=mask, invert_d=True).outputs
    assert torch.equal(united, torch.ones_like(mask))


def test_cropping_an_empty_mask_says_so():
    result = inpaint_crop(context=CONTEXT, image=torch.rand(1, 60, 40, 3), mask=torch.zeros(1, 64, 64), target="SD 1.5")
    assert any("mask is empty" in line for line in result.text)


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (203, 177)])
def test_a_preview_is_the_pictures_size_whatever_must_be_written_on_it(context, size):
    image, mask = torch.rand(2, *size, 4), torch.ones(1, *size)
    result = preview_mask(image=image, mask=mask, context=context)
    assert result.outputs[0].shape == (2, *size, 3) and len(result.text) == 2


def test_a_preview_names_method_count_and_area(context):
    mask = square_mask()
    result = preview_mask(image=torch.rand(1, 120, 90, 3), mask=mask, garments=found_in(mask), context=context)
    assert result.text == ("heuristic: 1 found, mask 23.1% of the picture",)
    empty = preview_mask(image=torch.rand(1, 120, 90, 3), mask=torch.zeros(1, 64, 64), context=context)
    assert empty.text == ("mask is empty",)


def test_a_preview_of_garments_from_another_picture_is_an_error(context):
    with pytest.raises(ShapeError, match="garments were found in a 90x120 picture"):
        preview_mask(
            image=torch.rand(1, 50, 50, 3),
            mask=torch.ones(1, 50, 50),
            garments=found_in(square_mask()),
            context=context,
        )


def test_a_saved_set_is_three_pictures_and_a_description(context, tmp_path):
    image, mask = torch.rand(1, 120, 90, 3), square_mask()
    result = save_garment_set(image=image, mask=mask, garments=found_in(mask), name="spring/coat", context=context)
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["spring/coat.json", "spring/coat_cutout.png", "spring/coat_mask.png", "spring/coat_overlay.png"]
    report = json.loads((tmp_path / "spring/coat.json").read_text())
    assert (report["width"], report["height"], report["method"]) == (90, 120, "heuristic")
    assert set(report["versions"]) == {"hemline", "torch"} and report["garments"][0]["score"] == 0.8
    assert report["garments"][0]["polygons"] == [[[20, 30], [70, 30], [70, 80], [20, 80]]]
    assert json.loads(result.outputs[0])["files"]["mask"] == "coat_mask.png"
    assert Image.open(tmp_path / "spring/coat_cutout.png").getchannel("A").getbbox() == (20, 30, 70, 80)


def test_saving_again_takes_a_new_name_unless_told_to_overwrite(context, tmp_path):
    image, mask = torch.rand(1, 20, 20, 3), torch.ones(1, 20, 20)
    for _ in range(2):
        save_garment_set(image=image, mask=mask, name="coat", context=context)
    save_garment_set(image=image, mask=mask, name="coat", overwrite=True, context=context)
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["coat.json", "coat_2.json"]


def test_a_batch_is_saved_one_by_one_and_each_garment_on_request(context, tmp_path):
    mask = square_mask()
    save_garment_set(
        image=torch.rand(2, 120, 90, 3),
        mask=mask,
        garments=found_in(mask),
        name="a",
        each_garment=True,
        context=context,
    )
    names = {path.name for path in tmp_path.iterdir()}
    assert {"a_0001.json", "a_0002.json", "a_0001_upper_1_mask.png", "a_0001_upper_1_cutout.png"} <= names
    assert "a_0002_upper_1_mask.png" not in names

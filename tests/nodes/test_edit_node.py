"""Edit Mask: what of an edit goes in, and what is said about the rest."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from PIL import Image
from support.pictures import drawn_person, shirt_mask
from support.stroke_golden import at

from hemline.errors import BadWorkflow, RangeError, UnknownName
from hemline.hosts.comfyui import _ui
from hemline.hosts.headless import HEADLESS_NODES
from hemline.hosts.headless_context import headless_context
from hemline.hosts.pictures import from_bytes, to_bytes
from hemline.hosts.workflow import run_workflow
from hemline.nodes.edit import edit_mask
from hemline.segmentation.strokes.raster import apply_strokes
from hemline.segmentation.strokes.smart import working_picture
from hemline.segmentation.strokes.text import Edit, Stroke, format_strokes

PICTURE, MASK = drawn_person(), shirt_mask()
STROKES = (Stroke("brush", at(0.2, 0.2, 0.8, 0.8), radius=600), Stroke("brush", at(0.5, 0.3), True, 900, 50))
TEXT = format_strokes(Edit(STROKES))


@pytest.fixture
def context(tmp_path):
    return headless_context(tmp_path / "out", device="cpu", input_folder=tmp_path)


def edit(context, picture=PICTURE, mask=MASK, **widgets):
    """Mask, whether it is edited, and the text."""
    result = edit_mask(context=context, picture=picture, mask=mask, **widgets)
    assert result.outputs[2] == "\n".join(result.text)
    return result.outputs


def digests(context, picture=PICTURE, mask=MASK):
    return edit_mask(context=context, picture=picture, mask=mask).data


def drawn_over(over):
    return format_strokes(Edit(STROKES, over["image"], over["mask"]))


def save_painted(path, picture, mask):
    """What ComfyUI's mask editor saves: the painted part transparent, without colours."""
    alpha = (1 - mask).unsqueeze(-1)
    path.parent.mkdir(parents=True, exist_ok=True)
    from_bytes(to_bytes(torch.cat([picture * (alpha > 0), alpha], dim=-1)[0])).save(path)


def test_without_an_edit_the_automatic_mask_comes_out(context):
    mask, edited, report = edit(context)
    assert torch.equal(mask, MASK) and not edited and report == "no edit: the mask as it came"


def test_strokes_go_into_the_automatic_mask(context):
    mask, edited, report = edit(context, strokes=TEXT)
    assert torch.equal(mask, apply_strokes(MASK, STROKES)) and edited and report == "2 strokes applied"


def test_without_a_mask_strokes_are_drawn_on_nothing(context):
    mask, _, _ = edit(context, mask=None, strokes=TEXT)
    assert torch.equal(mask, apply_strokes(torch.zeros_like(MASK), STROKES))


def test_the_hosts_sign_for_no_mask_counts_as_none(context):
    mask, _, _ = edit(context, mask=torch.zeros(1, 64, 64), strokes=TEXT)
    assert mask.shape == MASK.shape


def test_a_smart_stroke_takes_the_colours_of_the_picture_that_comes(context):
    smart = (Stroke("smart", at(0.5, 0.4, 0.5, 0.6), radius=1500),)
    mask, _, report = edit(context, mask=None, strokes=format_strokes(Edit(smart)))
    nothing = torch.zeros_like(MASK)
    assert torch.equal(mask, apply_strokes(nothing, smart, PICTURE)) and report == "1 stroke applied"
    assert not torch.equal(mask, apply_strokes(nothing, smart))
    over = digests(context)
    text = format_strokes(Edit(smart, over["image"], over["mask"]))
    again, _, report = edit(context, PICTURE.flip(2), None, strokes=text)
    assert torch.equal(again, apply_strokes(nothing, smart, PICTURE.flip(2))) and "replayed on this one" in report
    pictures = torch.cat([PICTURE, PICTURE.flip(2)])
    masks, _, _ = edit(context, pictures, None, strokes=format_strokes(Edit(smart)))
    assert torch.equal(masks, apply_strokes(nothing.expand(2, -1, -1), smart, pictures))


def test_a_browser_gets_the_picture_that_smart_strokes_look_at_where_the_preview_is_another(context):
    wide = torch.rand(1, 30, 1500, 3)
    assert edit_mask(context=context, picture=wide).pictures == {}  # nobody looks
    context = replace(context, has_viewer=True)
    assert edit_mask(context=context, picture=PICTURE).pictures == {}  # the preview is the same
    (work,) = edit_mask(context=context, picture=wide).pictures.values()
    assert torch.equal(work * 255, working_picture(wide)) and work.shape == (1, 20, 1024, 3)


def test_every_picture_of_a_batch_is_edited_alike(context):
    pictures = torch.cat([PICTURE, PICTURE.flip(2)])
    mask, _, report = edit(context, picture=pictures, strokes=TEXT)
    assert torch.equal(mask[0], mask[1]) and len(mask) == 2 and "first of 2 pictures" in report


def test_the_canvas_gets_the_picture_with_the_mask_as_its_hole(context):
    result = edit_mask(context=context, picture=PICTURE, mask=MASK)
    assert torch.equal(result.images[..., :3], PICTURE) and torch.equal(result.images[..., 3], 1 - MASK)
    ui_data = [{"image": result.data["image"], "mask": result.data["mask"]}]
    assert _ui(type(result)((), data=result.data)) == {"hemline": ui_data}


def test_a_large_picture_is_shown_smaller(context):
    wide = torch.rand(1, 30, 4100, 3)
    result = edit_mask(context=context, picture=wide)
    assert tuple(result.images.shape) == (1, 15, 2048, 4) and result.outputs[0].shape == wide.shape[:3]


@pytest.mark.parametrize(("policy", "applied"), [("replay", True), ("ignore", False)])
def test_strokes_of_another_picture_are_replayed_or_ignored_and_it_is_said(context, policy, applied):
    text = drawn_over(digests(context, picture=PICTURE.flip(2)))
    mask, edited, report = edit(context, strokes=text, on_stale=policy)
    assert edited is applied and f"2 strokes drawn over another picture: {policy}" in report
    assert torch.equal(mask, apply_strokes(MASK, STROKES) if applied else MASK)


def test_strokes_of_another_picture_stop_the_run_where_that_is_asked_for(context):
    text = drawn_over(digests(context, picture=PICTURE.flip(2)))
    with pytest.raises(BadWorkflow, match="another picture; draw it anew, or choose on_stale"):
        edit(context, strokes=text, on_stale="error")


@pytest.mark.parametrize("policy", ["replay", "ignore", "error"])
def test_over_the_same_picture_nothing_is_stale(context, policy):
    _, edited, report = edit(context, strokes=drawn_over(digests(context)), on_stale=policy)
    assert edited and report == "2 strokes applied"


def test_another_automatic_mask_is_told_and_edited(context):
    text = drawn_over(digests(context, mask=MASK * 0.5))
    _, edited, report = edit(context, strokes=text, on_stale="error")
    assert edited and report == "2 strokes applied, over an automatic mask that has changed since"


def test_the_hosts_mask_editor_replaces_the_automatic_mask_and_strokes_lie_above(context, tmp_path):
    painted = MASK.flip(1)
    save_painted(tmp_path / "clipspace" / "painted.png", PICTURE, painted)
    name = "clipspace/painted.png [input]"
    mask, edited, report = edit(context, image=name)
    assert torch.equal(mask, painted) and edited and "in place of the automatic mask" in report
    mask, _, report = edit(context, image=name, strokes=TEXT)
    assert torch.equal(mask, apply_strokes(painted, STROKES)) and "2 strokes applied" in report


def test_a_file_of_the_mask_editor_that_is_not_there_is_named_and_the_automatic_mask_used(context):
    mask, edited, report = edit(context, image="clipspace-painted-masked-1.png [input]")
    assert torch.equal(mask, MASK) and not edited
    assert "not used, the automatic mask is" in report and "clipspace-painted-masked-1.png" in report


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "painted.png [temp]", "a\0.png", "..\\x.png [input]"])
def test_no_file_outside_the_hosts_folders_is_read(context, name):
    mask, edited, report = edit(context, image=name)
    assert torch.equal(mask, MASK) and not edited and "not used" in report


def test_a_file_without_alpha_is_not_used(context, tmp_path):
    Image.new("RGB", (64, 96)).save(tmp_path / "plain.png")
    assert "has no alpha" in edit(context, image="plain.png")[2]


def test_a_file_painted_over_another_picture_is_stale(context, tmp_path):
    save_painted(tmp_path / "painted.png", 1 - PICTURE, MASK)
    mask, edited, report = edit(context, image="painted.png")
    assert edited and "painted over another picture: replayed" in report and torch.equal(mask, MASK)
    assert not edit(context, image="painted.png", on_stale="ignore")[1]
    with pytest.raises(BadWorkflow, match="painted over another picture"):
        edit(context, image="painted.png", on_stale="error")


def test_a_file_of_another_size_is_stretched(context, tmp_path):
    save_painted(tmp_path / "painted.png", drawn_person(192, 128), shirt_mask(192, 128))
    mask, _, report = edit(context, image="painted.png", on_stale="error")
    assert mask.shape == MASK.shape and float((mask - MASK).abs().mean()) < 0.02 and "another picture" not in report


def test_the_fingerprint_changes_with_the_file_of_the_mask_editor_only(context, tmp_path):
    def mark(image, **widgets):
        return edit_mask.fingerprint(context=context, image=image, **widgets)

    assert mark("") == mark("", strokes=TEXT, picture=None)
    missing = mark("painted.png [input]")
    save_painted(tmp_path / "painted.png", PICTURE, MASK)
    assert mark("painted.png [input]") == mark("painted.png") != missing
    assert mark(None) != mark(None)


def test_damaged_strokes_and_an_unknown_policy_are_errors(context):
    with pytest.raises(RangeError, match="no JSON"):
        edit(context, strokes="brush")
    with pytest.raises(UnknownName, match="on_stale"):
        edit(context, on_stale="ask")


def test_a_workflow_with_strokes_runs_without_a_host(context, tmp_path):
    from_bytes(to_bytes(PICTURE[0])).save(tmp_path / "photo.png")
    workflow = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
        "2": {"class_type": "HemlineEditMask", "inputs": {"picture": ["1", 0], "mask": ["1", 1], "strokes": TEXT}},
    }
    results = run_workflow(json.loads(json.dumps(workflow)), HEADLESS_NODES, context)
    assert torch.equal(results["2"].outputs[0], apply_strokes(torch.zeros_like(MASK), STROKES))
    assert results["2"].text == ("2 strokes applied",)

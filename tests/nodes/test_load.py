"""Batch Load: lists of pictures with what belongs to them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from support.batches import JOBS, ORDERED, SIZES, save_colours, save_mask, write_catalogue, zip_folder

from hemline.hosts.headless_context import headless_context
from hemline.nodes.load import batch_load
from hemline.nodes.spec import NotGiven
from hemline.tensors import BadFile, HemlineError, ShapeError, UnknownName

NAMED = {"images": "originals/*", "overlays": "enhanced/*", "masks": "masks/*"}


@pytest.fixture
def context(tmp_path):
    return headless_context(tmp_path / "out", device="cpu", input_folder=tmp_path)


def load(context, **widgets):
    """The outputs by name, and the text."""
    result = batch_load(context=context, **widgets)
    return dict(zip((port.name for port in batch_load.outputs), result.outputs, strict=True)), "\n".join(result.text)


def shapes(images):
    return [(image.shape[2], image.shape[1]) for image in images]


# --- what comes out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["", "in", "in.zip"])
def test_pictures_overlays_and_masks_come_paired_in_natural_order(context, tmp_path, source):
    write_catalogue(tmp_path / ("in" if source else ""))
    if source == "in.zip":
        zip_folder(tmp_path / "in", tmp_path / "in.zip")
    got, text = load(context, source=source, **NAMED)
    wanted = [SIZES[name] for name in ORDERED]
    assert got["name"] == got["output"] == ORDERED and "3 pictures" in text
    assert shapes(got["image"]) == shapes(got["overlay"]) == wanted
    assert [(mask.shape[2], mask.shape[1]) for mask in got["mask"]] == wanted
    for image, overlay, mask in zip(got["image"], got["overlay"], got["mask"], strict=True):
        assert image.shape[-1] == overlay.shape[-1] == 3 and mask.dtype == image.dtype == torch.float32
        assert 0.01 < mask.min() < 0.02 and 0.7 < mask.max() < 0.79
    assert not torch.equal(got["image"][1], got["overlay"][1])


def test_a_job_file_says_what_is_loaded_and_how_it_is_blended(context, tmp_path):
    text = JOBS + (
        "  - name: two\n    background_pattern: originals/img2.jpg\n    overlay_pattern: enhanced/*\n"
        "    mask_pattern: masks/*\n    exclude_pattern: masks/img10_mask.png\n    output_template: '{job}/{name}'\n"
        "    blend_mode: Soft Light\n    opacity: 0.5\n    invert: true\n    grow: 2\n    feather: 3\n"
    )
    write_catalogue(tmp_path / "in", text)
    save_mask(tmp_path / "in" / "masks" / "img10_mask.png", SIZES["img2"], 7)
    got, said = load(context, source="in/jobs.yaml", start=1, limit=3, mask_fit="stretch")
    assert got["name"] == ["img2", "img10", "img2"]
    assert got["output"] == ["output/img2_composite", "output/img10_composite", "two/img2"]
    assert (got["normalize"], got["blend_mode"]) == ([3.0, 3.0, 0.0], ["normal", "normal", "soft-light"])
    assert got["job"] == ["portrait_enhancement", "portrait_enhancement", "two"]
    assert (got["opacity"], got["invert"]) == ([1.0, 1.0, 0.5], [False, False, True])
    assert (got["grow"], got["feather"]) == ([0.0, 0.0, 2.0], [0.0, 0.0, 3.0])
    assert [bool(exclude.any()) for exclude in got["exclude"]] == [False, False, True]
    assert "job 'two': mask without a picture" in said


def test_a_job_file_and_patterns_at_once_are_refused(context, tmp_path):
    write_catalogue(tmp_path)
    with pytest.raises(BadFile, match=r"jobs.yaml names its files; set images to \*"):
        load(context, source="jobs.yaml", masks="masks/*")


def test_folders_are_kept_in_names(context, tmp_path):
    for name in ("a/1.png", "b/1.png", "2.png"):
        save_colours(tmp_path / "photos" / name, (5, 4))
    assert load(context, images="photos/**/*")[0]["name"] == ["2", "a/1", "b/1"]


def test_without_mask_files_the_mask_is_what_is_transparent(context, tmp_path):
    save_colours(tmp_path / "b.png", (5, 4))
    rgba = np.full((3, 6, 4), 64, np.uint8)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    got, _ = load(context)
    assert [image.shape for image in got["image"]] == [(1, 3, 6, 3), (1, 4, 5, 3)]
    assert got["mask"][0].unique().tolist() == pytest.approx([1 - 64 / 255])
    assert got["mask"][1].shape == (1, 4, 5) and not got["mask"][1].any()
    assert all(isinstance(overlay, NotGiven) for overlay in got["overlay"])


def test_overlays_without_masks_are_seen_everywhere_and_that_is_said(context, tmp_path):
    write_catalogue(tmp_path)
    got, text = load(context, images="originals/*", overlays="enhanced/*")
    assert all(bool((mask == 1).all()) for mask in got["mask"]) and "the overlays are seen everywhere" in text


def test_an_overlay_keeps_its_alpha(context, tmp_path):
    save_colours(tmp_path / "a.png", (5, 4))
    rgba = np.random.default_rng(1).integers(0, 256, (4, 5, 4), dtype=np.uint8)
    Image.fromarray(rgba).save(tmp_path / "a_overlay.png")
    (overlay,) = load(context, overlays="*_overlay.png")[0]["overlay"]
    assert np.array_equal(np.rint(overlay[0].numpy() * 255), rgba)


def test_a_16_bit_mask_keeps_its_values(context, tmp_path):
    save_colours(tmp_path / "a.png", (5, 4))
    Image.fromarray(np.full((4, 5), 40000, np.uint16)).save(tmp_path / "a_mask.png")
    (mask,) = load(context, masks="*_mask.png")[0]["mask"]
    assert mask.unique().tolist() == pytest.approx([40000 / 65535])


def test_a_mask_of_another_size_is_told_with_both_sizes_or_stretched(context, tmp_path):
    save_colours(tmp_path / "a.png", (5, 4))
    save_mask(tmp_path / "a_mask.png", (10, 8))
    with pytest.raises(ShapeError, match=r"a_mask.png is 10 x 8 but the base is 5 x 4"):
        load(context, masks="*_mask.png")
    assert load(context, masks="*_mask.png", mask_fit="stretch")[0]["mask"][0].shape == (1, 4, 5)


# --- what is missing -------------------------------------------------------------------------------------------------


@pytest.fixture
def incomplete(context, tmp_path):
    write_catalogue(tmp_path)
    (tmp_path / "masks" / "img2_mask.png").unlink()
    (tmp_path / "enhanced" / "Img1.jpg").unlink()
    return context


def test_every_picture_without_a_partner_is_named(incomplete):
    with pytest.raises(BadFile) as caught:
        load(incomplete, **NAMED)
    assert "no overlay by 'enhanced/*' for originals/Img1.jpg" in str(caught.value)
    assert "no mask by 'masks/*' for originals/img2.jpg" in str(caught.value)


def test_pictures_without_a_partner_can_be_left_out(incomplete):
    got, text = load(incomplete, missing="skip", **NAMED)
    assert got["name"] == ["img10"] and "left out, no mask by 'masks/*' for originals/img2.jpg" in text
    assert "mask without a picture" not in text


def test_nothing_is_blended_onto_pictures_without_a_partner_if_so_wanted(incomplete):
    got, text = load(incomplete, missing="empty", **NAMED)
    assert got["name"] == ORDERED and [bool(mask.any()) for mask in got["mask"]] == [False, False, True]
    assert torch.equal(got["overlay"][0], got["image"][0]) and torch.equal(got["overlay"][1], got["image"][1])
    assert not torch.equal(got["overlay"][2], got["image"][2])
    assert "nothing is blended, no mask by 'masks/*' for originals/img2.jpg" in text


def test_only_the_pictures_that_are_asked_for_must_be_complete(incomplete):
    assert load(incomplete, start=2, **NAMED)[0]["name"] == ["img10"]


def test_masks_that_are_loaded_as_pictures_are_named(context, tmp_path):
    for name in ("coat.png", "coat_mask.png", "gas_mask.png"):
        save_colours(tmp_path / name, (5, 4))
    assert "loaded as pictures though called as mask: coat_mask.png; give a pattern" in load(context)[1]
    assert "though called" not in load(context, masks="*_mask.png", missing="empty")[1]


def test_no_whole_picture_at_all_is_an_error(incomplete, tmp_path):
    (tmp_path / "masks" / "img10_mask.png").unlink()
    with pytest.raises(BadFile, match=r"nothing to load: no overlay .*; no mask"):
        load(incomplete, missing="skip", **NAMED)


# --- a part of the pictures ------------------------------------------------------------------------------------------


def test_start_and_limit_take_a_part_and_the_parts_make_the_whole(context, tmp_path):
    write_catalogue(tmp_path)
    parts = [load(context, images="originals/*", start=start, limit=1)[0]["name"] for start in range(3)]
    assert [name for part in parts for name in part] == ORDERED
    with pytest.raises(BadFile, match=r"start is 3 but .* has 3 such pictures"):
        load(context, images="originals/*", start=3)


def test_what_was_done_is_left_out_until_nothing_is_left(context, tmp_path):
    write_catalogue(tmp_path)
    widgets = {"source": "jobs.yaml", "skip_existing": "{output}_*.png", "limit": 2}
    done = []
    for _ in range(2):
        got, _ = load(context, **widgets)
        for name in got["output"]:
            context.store.save_image(f"{name}_00001_", torch.zeros(2, 2))
        done.append(got["name"])
    assert done == [ORDERED[:2], ORDERED[2:]]
    with pytest.raises(BadFile, match="nothing to do: all 3 results exist"):
        load(context, **widgets)


def test_results_may_be_named_in_full(context, tmp_path):
    write_catalogue(tmp_path)
    context.store.save_image("img2_composite", torch.zeros(2, 2))
    got, text = load(context, images="originals/*", skip_existing="{name}_composite.png")
    assert got["name"] == ["Img1", "img10"] and "1 left out, their results exist" in text


@pytest.mark.parametrize("template", ["../{name}", "/{name}", "{nme}", "{name.x}"])
def test_results_elsewhere_are_never_looked_for(context, tmp_path, template):
    write_catalogue(tmp_path)
    with pytest.raises(HemlineError):
        load(context, images="originals/*", skip_existing=template)


# --- errors, progress, cancel ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("widgets", "message"),
    [
        ({"source": "phtos"}, "phtos does not exist"),
        ({"images": "*.tif"}, r"no picture fits '\*.tif' in .*There are: .*originals/Img1.jpg"),
        ({"images": "originals/*", "masks": "mask.png"}, "the mask 'mask.png' is not in"),
        ({"images": "../*"}, "leads out"),
        ({"source": ".."}, "leads out"),
        ({"source": "originals/img2.jpg"}, "img2.jpg is no ZIP file"),
    ],
)
def test_what_is_not_there_is_told(context, tmp_path, widgets, message):
    write_catalogue(tmp_path)
    with pytest.raises(BadFile, match=message):
        load(context, **widgets)


@pytest.mark.parametrize("widget", ["missing", "mask_channel", "mask_fit"])
def test_an_unknown_option_is_told(context, widget):
    with pytest.raises(UnknownName, match="'x' is not known"):
        load(context, **{widget: "x"})


def test_progress_moves_and_a_stop_is_asked_for_before_each_picture(tmp_path):
    write_catalogue(tmp_path)
    steps, asked = [], []

    def check():
        asked.append(len(steps))
        if len(asked) == 3:
            raise KeyboardInterrupt

    context = headless_context(
        tmp_path / "out", device="cpu", input_folder=tmp_path, check_cancelled=check,
        progress=lambda done, total: steps.append((done, total)),
    )  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        load(context, images="originals/*")
    assert (steps, asked) == ([(1, 3), (2, 3)], [0, 1, 2])


def test_a_host_without_folders_is_told(context):
    from dataclasses import replace

    with pytest.raises(BadFile, match="lends no input folder"):
        load(replace(context, sources=None))


def test_the_fingerprint_changes_with_every_file_and_with_nothing_else(context, tmp_path):
    write_catalogue(tmp_path)

    def mark(**widgets):
        return batch_load.fingerprint(context=context, source="jobs.yaml", **widgets)

    first = mark()
    save_colours(tmp_path / "unrelated.png", (5, 5))
    assert mark() == first == mark(mask_channel="luma")
    seen = {first}
    for change in (
        lambda: save_mask(tmp_path / "masks" / "img2_mask.png", (3, 3)),
        lambda: save_colours(tmp_path / "enhanced" / "img2.jpg", (3, 3)),
        lambda: (tmp_path / "jobs.yaml").write_text(JOBS.replace("normalize: 3", "normalize: 4")),
        lambda: (tmp_path / "masks" / "img2_mask.png").unlink(),
        lambda: (tmp_path / "jobs.yaml").write_text("no job file"),
    ):
        change()
        assert mark() not in seen
        seen.add(mark())

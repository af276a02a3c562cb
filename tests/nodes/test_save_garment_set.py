"""Save Garment Set: which files it writes, what is in them, and that other programs read them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from figures import draw_person
from PIL import Image
from psd_tools import PSDImage

from hemline.hosts.headless_context import headless_context
from hemline.hosts.picture_values import read_picture
from hemline.nodes.export import save_garment_set
from hemline.nodes.garment_set import ANNOTATIONS
from hemline.nodes.layouts import CUTOUT_FORMATS
from hemline.segmentation.garments import Garment, Garments, mask_box
from hemline.tensors import BadFile, HemlineError, UnknownName

HEIGHT, WIDTH = 160, 120
# One that lies side by side, one in folders, and one in folders by category.
KINDS = ("plain", "A1111 batch", "DressCode")
NOTES = {"prompt": json.dumps({"1": {"class_type": "LoadImage"}}), "workflow": json.dumps({"nodes": []})}


@pytest.fixture
def context(tmp_path: Path):
    return replace(headless_context(tmp_path, device="cpu"), notes=NOTES)


@cache
def figure(count: int = 1) -> tuple[torch.Tensor, torch.Tensor, Garments]:
    """Pictures of 8-bit levels, the masks of all clothes, and the clothes."""
    image, masks = draw_person(HEIGHT, WIDTH, seed=1)
    image = (image * 255).round() / 255
    worn = {label: masks[name] for label, name in (("upper", "upper"), ("pants", "lower"), ("footwear", "footwear"))}
    items = tuple(
        Garment(mask, label, 0.9 - 0.1 * number, mask_box(mask), index)
        for index in range(count)
        for number, (label, mask) in enumerate(worn.items())
    )
    found = Garments(WIDTH, HEIGHT, count, items, "parser")
    return image.repeat(count, 1, 1, 1), found.union(), found


def save(context, count: int = 1, *, bare: bool = False, **options) -> tuple[dict, tuple[str, ...]]:
    """Report and text of saving a figure as "coat"; bare: without its garments."""
    image, mask, garments = figure(count)
    options = {"name": "coat", **options}
    result = save_garment_set(image=image, mask=mask, garments=None if bare else garments, context=context, **options)
    return json.loads(result.outputs[0]), result.text


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


# --- names -----------------------------------------------------------------------------------------------------------


def test_untouched_widgets_write_the_files_that_there_always_were(context, tmp_path):
    save(context, each_garment=True)
    singles = [f"coat_{key}_{kind}.png" for key in ("footwear_3", "pants_2", "upper_1") for kind in ("cutout", "mask")]
    assert files_in(tmp_path) == ["coat.json", "coat_cutout.png", *singles[:2], "coat_mask.png", "coat_overlay.png",
                                  *singles[2:]]  # fmt: skip


def test_a_template_names_the_files_of_single_garments(context, tmp_path):
    report, _ = save(context, name="spring/coat", each_garment=True, template="{label}/{name}-{score}")
    assert report["files"]["upper_1_mask"] == "upper/coat-90_mask.png"
    assert {"spring/upper/coat-90_mask.png", "spring/pants/coat-80_cutout.png"} <= set(files_in(tmp_path))


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("layout", KINDS)
def test_equal_names_get_numbers_within_a_run(context, tmp_path, layout, overwrite):
    report, _ = save(context, 2, each_garment=True, template="single", layout=layout, overwrite=overwrite,
                     category="dresses")  # fmt: skip
    written = [path for one in report for path in one["files"].values()]
    assert len(set(written)) == len(written) == len(files_in(tmp_path)) - 2  # and a JSON for each picture


@pytest.mark.parametrize("layout", KINDS)
def test_saving_again_replaces_nothing_unless_told_to(context, tmp_path, layout):
    options = {"each_garment": True, "template": "{label}", "layout": layout, "category": "dresses", "psd": "8 bit",
               "annotations": "all", "save_image": True}  # fmt: skip
    save(context, **options)
    before = {name: (tmp_path / name).stat().st_ino for name in files_in(tmp_path)}
    save(context, **options)
    after = {name: (tmp_path / name).stat().st_ino for name in files_in(tmp_path)}
    assert len(after) == 2 * len(before) and before.items() <= after.items()
    save(context, overwrite=True, **options)
    assert files_in(tmp_path) == list(after)


def test_a_wrong_template_is_told_before_anything_is_written(context, tmp_path):
    with pytest.raises(UnknownName, match="Known: name, label"):
        save(context, template="{lable}")
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("template", ["../{name}", "/{name}", "{label}/../../{name}"])
def test_a_template_leads_nowhere_out_of_the_output_folder(context, tmp_path, template):
    with pytest.raises(BadFile, match="leaves the output folder"):
        save(context, name="inner", each_garment=True, template=template)
    assert all("inner" in name for name in files_in(tmp_path))


@pytest.mark.parametrize("layout", KINDS)
def test_the_report_names_files_as_seen_from_the_description(context, tmp_path, layout):
    report, _ = save(context, name="spring/coat", each_garment=True, layout=layout, annotations="all", psd="8 bit",
                     save_image=True)  # fmt: skip
    assert all((tmp_path / "spring" / path).is_file() for path in report["files"].values())
    assert json.loads((tmp_path / "spring/coat.json").read_text())["files"] == report["files"]


@pytest.mark.parametrize(
    "options",
    [{"layout": "VITON"}, {"psd": "yes"}, {"annotations": "coco"}, {"cutout_format": "GIF"}, {"category": "x"}],
)
def test_unknown_choices_are_told_before_anything_is_written(context, tmp_path, options):
    with pytest.raises(UnknownName):
        save(context, **options)
    assert files_in(tmp_path) == []


# --- forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CUTOUT_FORMATS)
def test_a_cut_out_keeps_colours_and_soft_alpha_in_every_format(context, tmp_path, name):
    suffix, bits = CUTOUT_FORMATS[name]
    report, _ = save(context, cutout_format=name)
    picture = read_picture(tmp_path / report["files"]["cutout"])
    image, mask, _ = figure()
    assert report["files"]["cutout"] == f"coat_cutout{suffix}" and picture.info.depth == bits
    assert torch.allclose(picture.image[..., :3], image, atol=1e-6)
    assert torch.allclose(picture.image[..., 3], mask, atol=0.51 / (2**bits - 1))


def test_clean_edges_change_only_the_soft_rim_and_what_lies_beyond(context, tmp_path):
    report, _ = save(context, clean_edges=True)
    image, mask, _ = figure()
    cut = read_picture(tmp_path / report["files"]["cutout"]).image
    differs = ((cut[..., :3] - image).abs() > 1e-4).any(-1)
    assert not differs[mask == 1].any() and differs[(mask > 0) & (mask < 1)].any()


@pytest.mark.parametrize("clean_edges", [False, True])
def test_an_alpha_that_the_picture_has_stays_in_its_cut_out(context, tmp_path, clean_edges):
    image = torch.full((1, 20, 30, 4), 0.5)
    save_garment_set(image=image, mask=torch.ones(1, 20, 30), name="coat", clean_edges=clean_edges, context=context)
    assert set(np.unique(pixels(tmp_path / "coat_cutout.png")[..., 3])) == {128}


def test_the_picture_itself_is_saved_on_request_as_deep_as_its_cut_out(context, tmp_path):
    save(context, save_image=True)
    assert np.array_equal(pixels(tmp_path / "coat.png"), (figure()[0][0] * 255).round().byte().numpy())
    save(context, save_image=True, overwrite=True, cutout_format="PNG 16 bit")
    assert read_picture(tmp_path / "coat.png").info.depth == 16


@pytest.mark.parametrize("cutout_format", CUTOUT_FORMATS)
def test_the_workflow_stands_in_every_picture_and_in_none_if_not_wanted(context, tmp_path, cutout_format):
    options = {"cutout_format": cutout_format, "save_image": True, "each_garment": True}
    save(context, **options)
    for path in tmp_path.glob("*.png"):
        with Image.open(path) as picture:
            assert {key: picture.text[key] for key in NOTES} == NOTES
    for path in tmp_path.glob("*.webp"):
        with Image.open(path) as picture:
            assert picture.getexif()[0x0110] == f"prompt:{NOTES['prompt']}"
    save(context, overwrite=True, metadata=False, **options)
    for path in (*tmp_path.glob("*.png"), *tmp_path.glob("*.webp")):
        with Image.open(path) as picture:
            assert not getattr(picture, "text", {}) and not picture.getexif()


# --- layers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 16])
def test_a_psd_has_every_garment_behind_a_mask_of_its_own(context, tmp_path, bits):
    report, _ = save(context, psd=f"{bits} bit")
    read = PSDImage.open(tmp_path / report["files"]["psd"])
    image, _, garments = figure()
    photo, group, whole = read
    assert [layer.name for layer in read.descendants()] == [
        "photo", "garments", "upper 0.90", "pants 0.80", "footwear 0.70", "mask",
    ]  # fmt: skip
    assert (photo.visible, group.visible, whole.visible) == (True, True, False)
    for layer, item in zip(group, garments.items, strict=True):
        mask = np.zeros((HEIGHT, WIDTH), np.float32)
        left, top, right, bottom = layer.mask.bbox
        mask[top:bottom, left:right] = layer.numpy("mask")[..., 0]
        assert np.abs(mask - item.mask.numpy()).max() <= 0.51 / (2**bits - 1)
        assert layer.bbox == layer.mask.bbox and layer.mask.background_color == 0 and not layer.has_effects()
        assert np.allclose(layer.numpy("color"), image[0, top:bottom, left:right].numpy(), atol=1e-6)
    assert np.allclose(read.numpy("color"), image[0].numpy(), atol=1e-6)


def test_the_layers_look_together_as_the_photo(context, tmp_path):
    save(context, psd="8 bit")
    seen = np.asarray(PSDImage.open(tmp_path / "coat.psd").composite(force=True))[..., :3].astype(int)
    assert np.abs(seen - (figure()[0][0] * 255).round().numpy()).max() <= 1


def test_without_garments_the_psds_mask_is_seen(context, tmp_path):
    save(context, bare=True, psd="8 bit")
    photo, mask = PSDImage.open(tmp_path / "coat.psd")
    assert (photo.name, mask.name, mask.visible) == ("photo", "mask", True) and mask.mask is not None


def test_an_empty_mask_gives_a_psd_of_the_photo_alone(context, tmp_path):
    image = torch.rand(1, 20, 30, 3)
    save_garment_set(image=image, mask=torch.zeros(1, 20, 30), name="coat", psd="8 bit", context=context)
    (photo,) = PSDImage.open(tmp_path / "coat.psd")
    assert photo.bbox == (0, 0, 30, 20)


# --- annotations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ANNOTATIONS)
def test_annotations_are_one_coco_file_for_the_batch_and_one_file_each_for_the_others(context, tmp_path, kind):
    save(context, 2, annotations=kind)
    wanted = {
        "COCO": ["coat_coco.json"],
        "LabelMe": ["coat_0001_labelme.json", "coat_0002_labelme.json"],
        "SVG": ["coat_0001.svg", "coat_0002.svg"],
    }
    wanted["all"] = sorted(name for names in wanted.values() for name in names)
    found = [name for name in files_in(tmp_path) if name.endswith((".svg", "_coco.json", "_labelme.json"))]
    assert found == wanted.get(kind, [])


def test_coco_tells_of_every_picture_and_garment(context, tmp_path):
    save(context, 2, annotations="COCO")
    coco = json.loads((tmp_path / "coat_coco.json").read_text())
    names = {one["id"]: one["name"] for one in coco["categories"]}
    assert [one["file_name"] for one in coco["images"]] == ["coat_0001.png", "coat_0002.png"]
    found = [(one["image_id"], names[one["category_id"]], one["score"]) for one in coco["annotations"]]
    assert found == [(index, *rest) for index in (1, 2) for rest in (("upper", 0.9), ("pants", 0.8), ("footwear", 0.7))]


def test_annotations_name_the_picture_as_it_was_saved(context, tmp_path):
    save(context, name="spring/a:b", save_image=True, annotations="all")
    folder = tmp_path / "spring"
    assert json.loads((folder / "a_b_labelme.json").read_text())["imagePath"] == "a_b.png"
    assert json.loads((folder / "a_b_coco.json").read_text())["images"][0]["file_name"] == "a_b.png"
    assert (folder / "a_b.png").is_file()


def test_a_mask_without_garments_is_annotated_as_one(context, tmp_path):
    save(context, bare=True, annotations="all")
    assert json.loads((tmp_path / "coat_coco.json").read_text())["annotations"][0]["category_id"] == 255
    shapes = json.loads((tmp_path / "coat_labelme.json").read_text())["shapes"]
    assert {shape["label"] for shape in shapes} == {"garment"}
    assert 'id="garment-1"' in (tmp_path / "coat.svg").read_text()


# --- layouts ---------------------------------------------------------------------------------------------------------


def test_a1111_finds_picture_and_mask_under_the_same_name(context, tmp_path):
    report, text = save(context, name="spring/coat", layout="A1111 batch")
    folder = tmp_path / "spring"
    assert files_in(folder) == ["coat.json", "input/coat.png", "masks/coat.png"]
    image, mask, _ = figure()
    assert np.array_equal(pixels(folder / "input/coat.png"), (image[0] * 255).round().byte().numpy())
    saved = pixels(folder / "masks/coat.png")
    assert saved.dtype == np.uint8 and saved.ndim == 2
    assert np.array_equal(saved, np.where(mask[0].numpy() >= 0.5, 255, 0))
    assert report["files"] == {"person": "input/coat.png", "mask": "masks/coat.png"}
    assert any("white = repaint" in line for line in text)


def test_viton_hd_has_its_folders_sizes_and_grey(context, tmp_path):
    cloth = torch.rand(1, 50, 40, 4)
    save(context, layout="VITON-HD", garment=cloth)
    assert files_in(tmp_path) == [
        "agnostic-mask/coat_mask.png", "agnostic-v3.2/coat.jpg", "cloth-mask/coat.jpg", "cloth/coat.jpg", "coat.json",
        "image/coat.jpg",
    ]  # fmt: skip
    pictures = {name: pixels(tmp_path / name) for name in files_in(tmp_path) if not name.endswith(".json")}
    assert {picture.shape[:2] for picture in pictures.values()} == {(1024, 768)}
    mask = pictures["agnostic-mask/coat_mask.png"]
    assert set(np.unique(mask)) == {0, 255}
    inner = np.asarray(Image.fromarray(mask).resize((96, 128), Image.Resampling.BOX).resize((768, 1024), 0)) == 255
    assert np.abs(pictures["agnostic-v3.2/coat.jpg"][inner].astype(int) - 128).max() <= 3


def test_without_the_cloth_its_files_are_left_out_and_the_text_says_so(context, tmp_path):
    report, text = save(context, layout="VITON-HD")
    assert not any("cloth" in name for name in files_in(tmp_path)) and "garment" not in report["files"]
    assert any("wants a picture of the garment" in line for line in text)


def test_dresscode_goes_by_the_largest_garment_unless_told(context, tmp_path):
    cloth = torch.rand(1, 50, 40, 3)
    save(context, layout="DressCode", garment=cloth)
    save(context, layout="DressCode", garment=cloth, category="lower_body", name="other")
    assert {
        "upper_body/agnostic_masks/coat_0.png", "upper_body/images/coat_0.jpg", "upper_body/images/coat_1.jpg",
        "lower_body/images/other_0.jpg",
    } <= set(files_in(tmp_path))  # fmt: skip


def test_each_garment_goes_to_its_category_and_what_has_none_is_told(context, tmp_path):
    _, text = save(context, layout="DressCode", each_garment=True)
    assert {"upper_body/images/coat_upper_1_0.jpg", "lower_body/images/coat_pants_2_0.jpg"} <= set(files_in(tmp_path))
    assert not any("footwear" in name for name in files_in(tmp_path))
    assert "footwear is left out: DressCode has no category for it" in text


def test_dresscode_without_a_category_is_an_error_that_says_what_to_do(context, tmp_path):
    with pytest.raises(HemlineError, match="set category to upper_body, lower_body, dresses"):
        save(context, bare=True, layout="DressCode")
    assert files_in(tmp_path) == []


def test_a_picture_without_garments_is_left_out_of_dresscode_and_told(context, tmp_path):
    nothing = Garments(30, 20, 1, (), "parser")
    image, mask = torch.rand(1, 20, 30, 3), torch.zeros(1, 20, 30)
    text = save_garment_set(
        image=image, mask=mask, garments=nothing, name="wall", layout="DressCode", context=context
    ).text
    assert files_in(tmp_path) == ["wall.json"] and "wall is left out: DressCode has no category for it" in text


def test_an_alpha_hole_is_transparent_where_the_picture_is_repainted(context, tmp_path):
    _, text = save(context, layout="alpha hole")
    saved = pixels(tmp_path / "alpha_hole/coat.png")
    image, mask, _ = figure()
    assert saved.shape == (HEIGHT, WIDTH, 4)
    assert np.array_equal(saved[..., 3], np.where(mask[0].numpy() >= 0.5, 0, 255))
    assert np.array_equal(saved[..., :3], (image[0] * 255).round().byte().numpy())
    assert any("transparent = repaint" in line for line in text)


def test_a_layout_says_the_same_thing_once(context):
    _, text = save(context, 3, layout="VITON-HD", each_garment=True)
    assert len(set(text[3:])) == len(text[3:])


# --- stopping --------------------------------------------------------------------------------------------------------


def test_a_stop_between_two_pictures_leaves_whole_sets_only(context, tmp_path):
    polls = iter([None, KeyboardInterrupt()])

    def check():
        error = next(polls)
        if error:
            raise error

    with pytest.raises(KeyboardInterrupt):
        save(replace(context, check_cancelled=check), 2, psd="8 bit")
    assert files_in(tmp_path) == [f"coat_0001{end}" for end in
                                  (".json", ".psd", "_cutout.png", "_mask.png", "_overlay.png")]  # fmt: skip

"""ComfyUI's core nodes without ComfyUI: their documented behaviour."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hemline.context import Context
from hemline.hosts.core_nodes import CORE_NODES
from hemline.hosts.files import FolderStore
from hemline.hosts.headless_context import headless_context
from hemline.hosts.lettering import letter
from hemline.tensors import BadFile, BadWorkflow, HemlineError, RangeError, ShapeError, UnknownName

NODES = {node.id: node for node in CORE_NODES}


@pytest.fixture
def context(tmp_path):
    (tmp_path / "input").mkdir()
    return headless_context(tmp_path / "output", device="cpu", input_folder=tmp_path / "input")


def call(name, **values):
    return NODES[name](**values).outputs


def save_rgba(path, shape=(3, 5, 4)):
    levels = np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path)
    return torch.as_tensor(levels) / 255


# --- files -----------------------------------------------------------------------------------------------------------


def test_load_image_gives_colours_and_one_minus_alpha(context):
    levels = save_rgba(context.input_folder / "a.png")
    image, mask = call("LoadImage", image="a.png", context=context)
    assert torch.equal(image[0], levels[..., :3])
    assert torch.equal(mask[0], 1 - levels[..., 3])


def test_load_image_understands_annotated_names(context):
    inside, made = (
        save_rgba(context.input_folder / "sub" / "a.png"),
        save_rgba(context.output_folder / "a.png", (2, 2, 4)),
    )
    assert torch.equal(call("LoadImage", image="sub/a.png [input]", context=context)[0][0], inside[..., :3])
    assert torch.equal(call("LoadImage", image="a.png [output]", context=context)[0][0], made[..., :3])
    with pytest.raises(BadFile, match="temp folder"):
        call("LoadImage", image="a.png [temp]", context=context)


def test_load_image_stays_in_its_folder_unless_the_user_named_the_file(context, tmp_path, monkeypatch):
    save_rgba(tmp_path / "secret.png")
    for name in ("../secret.png", str(tmp_path / "secret.png"), "../secret.png [output]"):
        with pytest.raises(BadFile, match=r"lies outside .* name it on the command line"):
            call("LoadImage", image=name, context=context)
    names = [str(tmp_path / "secret.png"), "secret.png"]
    allowed = headless_context(tmp_path, device="cpu", input_folder=context.input_folder, given_files=names)
    monkeypatch.chdir(tmp_path)
    for name in names:
        assert call("LoadImage", image=name, context=allowed)[0].shape == (1, 3, 5, 3)


@pytest.mark.parametrize("name", ["missing.png", "", "a\0b.png", "."])
def test_load_image_tells_what_is_no_picture(context, name):
    with pytest.raises(BadFile):
        call("LoadImage", image=name, context=context)


@pytest.mark.parametrize("channel, index", [("red", 0), ("green", 1), ("blue", 2)])
def test_load_image_mask_gives_one_channel(context, channel, index):
    levels = save_rgba(context.input_folder / "a.png")
    (mask,) = call("LoadImageMask", image="a.png", channel=channel, context=context)
    assert torch.equal(mask[0], levels[..., index])


def test_load_image_mask_gives_alpha_inverted(context):
    levels = save_rgba(context.input_folder / "a.png")
    assert torch.equal(call("LoadImageMask", image="a.png", channel="alpha", context=context)[0][0], 1 - levels[..., 3])


def test_save_image_counts_on_and_keeps_the_workflow(context):
    images = torch.rand(2, 3, 5, 3)
    for _ in range(2):
        result = NODES["SaveImage"](images=images, filename_prefix="sub/coat_%width%x%height%", context=context)
        assert torch.equal(result.outputs[0], images)
    names = sorted(path.name for path in (context.output_folder / "sub").iterdir())
    assert names == [f"coat_5x3_{number:05}_.png" for number in range(1, 5)]
    with Image.open(context.output_folder / "sub" / names[0]) as saved:
        assert "prompt" not in saved.info
        assert np.array_equal(np.array(saved), (images[0] * 255).to(torch.uint8).numpy())


def test_save_image_fills_in_the_date(context):
    result = NODES["SaveImage"](images=torch.rand(1, 3, 5, 3), filename_prefix="%year%-%month%/%day%", context=context)
    path = Path(result.text[0])
    assert abs(time.mktime(time.strptime(f"{path.parent.name}-{path.name[:2]}", "%Y-%m-%d")) - time.time()) < 2 * 86400


def test_save_image_never_overwrites_a_batch_of_its_own(context):
    for _ in range(2):
        NODES["SaveImage"](images=torch.rand(2, 3, 5, 3), filename_prefix="n%batch_num%", context=context)
    names = sorted(path.name for path in context.output_folder.iterdir())
    assert names == ["n0_00001_.png", "n0_00003_.png", "n1_00002_.png", "n1_00004_.png"]


def test_save_image_counts_from_the_highest_number_of_its_own_prefix(context):
    context.output_folder.mkdir()
    for name in ("a_00007_.png", "a_00003_.jpg", "ab_00009_.png", "a_x_00012_.png", "a_.png", "a(1)_00020_.png"):
        (context.output_folder / name).touch()
    (path,) = NODES["SaveImage"](images=torch.rand(1, 1, 1, 3), filename_prefix="a", context=context).text
    assert Path(path).name == "a_00008_.png"


@pytest.mark.parametrize("prefix", ["../a", "/a", "a/../../b", ""])
def test_save_image_stays_in_its_folder(context, prefix):
    with pytest.raises(BadFile):
        NODES["SaveImage"](images=torch.rand(1, 1, 1, 3), filename_prefix=prefix, context=context)


def test_nodes_with_files_need_the_headless_context(tmp_path):
    context = Context(torch.device("cpu"), FolderStore(tmp_path), letter)
    with pytest.raises(BadWorkflow, match="headless_context"):
        NODES["SaveImage"](images=torch.rand(1, 1, 1, 3), context=context)


def test_preview_image_shows_and_writes_nothing(context, tmp_path):
    images = torch.rand(2, 3, 5, 3)
    result = NODES["PreviewImage"](images=images)
    assert result.images is images
    assert list(tmp_path.rglob("*.png")) == []


# --- tensors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["nearest-exact", "bilinear", "area", "bicubic"])
def test_scaling_to_the_same_size_changes_nothing(method):
    image = torch.rand(2, 5, 7, 4)
    (same,) = call("ImageScale", image=image, upscale_method=method, width=7, height=5)
    assert torch.allclose(same, image, atol=1e-6)


@pytest.mark.parametrize("method", ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"])
def test_scaling_keeps_batch_channels_and_flat_colours(method):
    (scaled,) = call("ImageScale", image=torch.full((2, 5, 7, 4), 0.6), upscale_method=method, width=3, height=11)
    assert tuple(scaled.shape) == (2, 11, 3, 4)
    assert torch.allclose(scaled, torch.full_like(scaled, 0.6), atol=1 / 255 if method == "lanczos" else 1e-6)


@pytest.mark.parametrize("width, height, size", [(0, 10, (10, 14)), (14, 0, (10, 14)), (0, 0, (5, 7)), (0, 1, (1, 1))])
def test_a_side_of_zero_follows_from_the_other(width, height, size):
    (scaled,) = call("ImageScale", image=torch.rand(1, 5, 7, 3), width=width, height=height)
    assert tuple(scaled.shape[1:3]) == size


def test_center_crop_takes_the_middle():
    image = torch.zeros(1, 4, 8, 3)
    image[:, :, 2:6] = 1
    assert call("ImageScale", image=image, width=2, height=2, crop="center")[0].min() == 1
    assert call("ImageScale", image=image, width=2, height=2, crop="disabled")[0].min() == 0
    assert call("ImageScale", image=image.movedim(1, 2), width=2, height=2, crop="center")[0].min() == 1


def test_center_crop_leaves_at_least_one_pixel():
    for size in ((1, 2, 64, 3), (1, 64, 2, 3), (1, 1, 1, 3)):
        for width, height in ((1, 900), (900, 1)):
            (scaled,) = call("ImageScale", image=torch.rand(size), width=width, height=height, crop="center")
            assert tuple(scaled.shape[1:3]) == (height, width)


def test_masks_and_images_become_each_other():
    mask = torch.rand(2, 3, 5)
    (image,) = call("MaskToImage", mask=mask)
    assert tuple(image.shape) == (2, 3, 5, 3)
    for channel in ("red", "green", "blue"):
        assert torch.equal(call("ImageToMask", image=image, channel=channel)[0], mask)
    assert tuple(call("MaskToImage", mask=mask[0])[0].shape) == (1, 3, 5, 3)


def test_a_missing_alpha_channel_is_told():
    with pytest.raises(ShapeError, match="no alpha"):
        call("ImageToMask", image=torch.rand(1, 3, 5, 3), channel="alpha")
    image = torch.rand(1, 3, 5, 4)
    assert torch.equal(call("ImageToMask", image=image, channel="alpha")[0], image[..., 3])


def test_inverting_twice_changes_nothing():
    mask = torch.tensor([[[0.0, 0.25, 1.0]]])
    (inverted,) = call("InvertMask", mask=mask)
    assert torch.equal(inverted, torch.tensor([[[1.0, 0.75, 0.0]]]))
    assert torch.equal(call("InvertMask", mask=inverted)[0], mask)


def test_compositing_writes_the_window_only_and_leaves_its_inputs():
    below, above = torch.zeros(1, 4, 6, 3), torch.ones(1, 2, 3, 3)
    (result,) = call("ImageCompositeMasked", destination=below, source=above, x=4, y=1)
    expected = torch.zeros(1, 4, 6, 3)
    expected[:, 1:3, 4:6] = 1
    assert torch.equal(result, expected)
    assert below.sum() == 0


@pytest.mark.parametrize("x, y", [(6, 0), (0, 4), (16384, 16384)])
def test_a_source_wholly_outside_changes_nothing(x, y):
    below = torch.rand(1, 4, 6, 3)
    assert torch.equal(
        call("ImageCompositeMasked", destination=below, source=torch.ones(1, 2, 3, 3), x=x, y=y)[0], below
    )


def test_the_mask_blends():
    half = torch.full((1, 2, 2), 0.25)
    (result,) = call(
        "ImageCompositeMasked", destination=torch.zeros(1, 2, 2, 3), source=torch.ones(1, 2, 2, 3), mask=half
    )
    assert torch.equal(result, torch.full((1, 2, 2, 3), 0.25))


def test_sources_and_masks_are_repeated_to_the_destinations_batch():
    sources = torch.tensor([1.0, 0.5]).view(2, 1, 1, 1).expand(2, 2, 2, 3)
    (result,) = call("ImageCompositeMasked", destination=torch.zeros(3, 2, 2, 3), source=sources)
    assert result[:, 0, 0, 0].tolist() == [1.0, 0.5, 1.0]
    assert len(call("ImageCompositeMasked", destination=torch.zeros(1, 2, 2, 3), source=sources)[0]) == 1


def test_channels_follow_the_destination():
    (result,) = call("ImageCompositeMasked", destination=torch.zeros(1, 2, 2, 4), source=torch.rand(1, 2, 2, 3))
    assert torch.equal(result[..., 3], torch.ones(1, 2, 2))
    (result,) = call("ImageCompositeMasked", destination=torch.zeros(1, 2, 2, 3), source=torch.rand(1, 2, 2, 4))
    assert tuple(result.shape) == (1, 2, 2, 3)


@pytest.mark.parametrize("error, name, values", [
    (UnknownName, "ImageScale", {"image": torch.rand(1, 2, 2, 3), "upscale_method": "lancsoz"}),
    (UnknownName, "ImageScale", {"image": torch.rand(1, 2, 2, 3), "crop": "centre"}),
    (RangeError, "ImageScale", {"image": torch.rand(1, 2, 2, 3), "width": -1}),
    (ShapeError, "ImageScale", {"image": torch.rand(2, 2)}),
    (UnknownName, "ImageToMask", {"image": torch.rand(1, 2, 2, 3), "channel": "r"}),
    (ShapeError, "MaskToImage", {"mask": torch.rand(1, 2, 2, 3)}),
    (ShapeError, "InvertMask", {"mask": torch.rand(2)}),
    (RangeError, "ImageCompositeMasked",
     {"destination": torch.rand(1, 2, 2, 3), "source": torch.rand(1, 2, 2, 3), "x": -1}),
])  # fmt: skip
def test_wrong_values_are_told(error, name, values):
    with pytest.raises(error) as caught:
        call(name, **values)
    assert isinstance(caught.value, HemlineError)

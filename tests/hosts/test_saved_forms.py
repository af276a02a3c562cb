"""The forms in which a store keeps pictures: depth, WebP, JPEG, layered PSD, and the workflow inside the file."""

from __future__ import annotations

import errno
import json
import os

import numpy as np
import pytest
import torch
from PIL import Image
from psd_tools import PSDImage

from hemline.context import PictureLayer
from hemline.hosts import layered
from hemline.hosts.files import FolderStore
from hemline.hosts.headless import run_headless
from hemline.hosts.picture_values import read_picture
from hemline.tensors import BadFile, RangeError, UnknownName

NOTES = {"prompt": json.dumps({"1": {"class_type": "LoadImage"}}), "workflow": json.dumps({"nodes": []})}


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "out")


def noise(*shape: int, top: int = 255) -> torch.Tensor:
    return torch.randint(0, top + 1, shape, generator=torch.Generator().manual_seed(0)) / top


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_16_bits_come_back_exactly(store, shape):
    image = noise(*shape, top=65535)
    picture = read_picture(store.save_image("coat", image, bits=16))
    assert picture.info.depth == 16 and picture.info.channels == (1 if len(shape) == 2 else shape[-1])
    kept = picture.image[0, ..., 0] if len(shape) == 2 else picture.image[0]
    assert torch.allclose(kept, image, atol=1e-7)


@pytest.mark.parametrize("channels", [3, 4])
def test_webp_loses_nothing_not_even_under_transparency(store, channels):
    image = noise(31, 17, channels)
    image[:9, ..., 3:] = 0
    path = store.save_image("coat", image, suffix=".webp")
    with Image.open(path) as saved:
        assert saved.format == "WEBP" and np.array_equal(np.array(saved), (image * 255).round().byte().numpy())


def test_jpeg_is_what_a_data_sets_folder_wants(store):
    with Image.open(store.save_image("coat", torch.full((8, 9, 4), 0.5), suffix=".jpg")) as saved:
        assert (saved.format, saved.mode, saved.size) == ("JPEG", "RGB", (9, 8))


def test_a_depth_or_format_that_is_not_there_is_told(store):
    with pytest.raises(RangeError, match="WebP has no depth 16"):
        store.save_image("a", torch.ones(2, 2, 3), suffix=".webp", bits=16)
    with pytest.raises(UnknownName):
        store.save_image("a", torch.ones(2, 2, 3), suffix=".gif")
    assert not store.folder.exists()


# --- the workflow inside the file -------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 16])
def test_a_png_keeps_the_workflow_as_comfyuis_own_save_image_does(store, bits):
    path = store.save_image("coat", noise(4, 5, 3), bits=bits, notes=NOTES)
    with Image.open(path) as saved:
        saved.load()
        assert {name: saved.text[name] for name in NOTES} == NOTES
    assert path.read_bytes().count(b"tEXt") == 2


@pytest.mark.parametrize("bits", [8, 16])
def test_texts_beyond_latin_1_come_back_too(store, bits):
    notes = {"prompt": '{"text": "裙子 Mäntel"}'}
    with Image.open(store.save_image("coat", noise(4, 5, 3), bits=bits, notes=notes)) as saved:
        saved.load()
        assert saved.text["prompt"] == notes["prompt"]


def test_a_webp_keeps_the_workflow_where_comfyui_looks_for_it(store):
    notes = {**NOTES, "more": "{}"}
    with Image.open(store.save_image("coat", noise(4, 5, 3), suffix=".webp", notes=notes)) as saved:
        exif = saved.getexif()
    assert exif[0x0110] == f"prompt:{NOTES['prompt']}" and exif[0x010F] == f"workflow:{NOTES['workflow']}"
    assert exif[0x010E] == "more:{}"


@pytest.mark.parametrize(("suffix", "bits"), [(".png", 8), (".png", 16), (".webp", 8)])
def test_without_notes_nothing_is_added(store, suffix, bits):
    with Image.open(store.save_image("coat", noise(4, 5, 3), suffix=suffix, bits=bits)) as saved:
        saved.load()
        assert not getattr(saved, "text", {}) and not saved.getexif()


def test_a_picture_saved_by_a_workflow_opens_as_that_workflow(tmp_path):
    FolderStore(tmp_path).save_image("photo", noise(70, 60, 4))
    workflow = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
        "2": {"class_type": "HemlineSaveGarmentSet", "inputs": {"image": ["1", 0], "mask": ["1", 1], "name": "coat"}},
    }
    run_headless(workflow, tmp_path / "out", input_folder=tmp_path, device="cpu")
    for name in ("mask", "cutout", "overlay"):
        with Image.open(tmp_path / f"out/coat_{name}.png") as saved:
            saved.load()
            assert json.loads(saved.text["prompt"]) == workflow
    run_headless(json.loads(saved.text["prompt"]), tmp_path / "again", input_folder=tmp_path, device="cpu")
    for path in (tmp_path / "out").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


# --- layers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 16])
def test_layers_come_back_in_their_groups_with_their_masks(store, bits):
    photo, mask = noise(30, 20, 3, top=2**bits - 1), noise(9, 8, top=2**bits - 1)
    layers = [
        PictureLayer("photo", photo),
        PictureLayer("coat", photo[4:13, 6:14], 6, 4, mask, group="garments"),
        PictureLayer("shirt", photo[4:13, 6:14], 6, 4, mask, opacity=0.5, group="garments"),
        PictureLayer("mask", photo, visible=False),
    ]
    read = PSDImage.open(store.save_psd("spring/coat", photo, layers, bits=bits))
    bottom, group, top = read
    coat, shirt = group
    assert [layer.name for layer in read.descendants()] == ["photo", "garments", "coat", "shirt", "mask"]
    assert (bottom.visible, top.visible, shirt.opacity, read.depth) == (True, False, 128, bits)
    assert coat.bbox == (6, 4, 14, 13) == coat.mask.bbox
    assert np.allclose(coat.numpy("mask")[..., 0], mask.numpy(), atol=1e-6)
    assert np.allclose(coat.numpy("color"), photo[4:13, 6:14].numpy(), atol=1e-6)
    assert np.allclose(read.numpy("color"), photo.numpy(), atol=1e-6)


def test_a_transparent_picture_lies_on_white_for_programs_that_know_no_layers(store):
    image = torch.tensor([[[0.2, 0.4, 0.6, 0.0], [0.2, 0.4, 0.6, 1.0]]])
    path = store.save_psd("coat", image, [PictureLayer("photo", image)])
    with Image.open(path) as flat:
        assert np.array(flat).tolist() == [[[255, 255, 255], [51, 102, 153]]]
    (photo,) = PSDImage.open(path)
    assert photo.numpy("shape")[..., 0].tolist() == [[0.0, 1.0]]


def test_a_psd_that_fails_half_way_leaves_nothing(store, monkeypatch):
    def half_way(file, merged, layers):
        file.write(b"8BPS")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store.save_psd("coat", torch.ones(3, 3, 3), [])
    before = (store.folder / "coat.psd").read_bytes()
    monkeypatch.setattr(layered, "write_psd", half_way)
    with pytest.raises(BadFile, match="nothing was saved"):
        store.save_psd("coat", torch.zeros(3, 3, 3), [])
    assert [path.name for path in store.folder.iterdir()] == ["coat.psd"]
    assert (store.folder / "coat.psd").read_bytes() == before


def test_a_psd_stays_inside_the_folder(store):
    with pytest.raises(BadFile, match="leaves the output folder"):
        store.save_psd("../coat", torch.ones(3, 3, 3), [])

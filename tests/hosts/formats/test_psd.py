"""PSD as psd-tools and Pillow read it: layers, masks, names and the flat picture come back as they were given."""

from __future__ import annotations

import io

import numpy as np
import PIL
import pytest
from PIL import Image, ImageCms
from psd_tools import PSDImage
from psd_tools.constants import BlendMode

from hemline.errors import BadFile, RangeError, UnknownName
from hemline.hosts.formats import psd
from hemline.hosts.formats.psd import MODE_KEYS, PsdGroup, PsdLayer, PsdMask, write_psd

both_depths = pytest.mark.parametrize("dtype", [np.uint8, np.uint16])


def noise(*shape: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


def written(merged: np.ndarray, layers: list, **options) -> io.BytesIO:
    file = io.BytesIO()
    write_psd(file, merged, layers, **options)
    file.seek(0)
    return file


def levels(layer, channel: str, dtype: type) -> np.ndarray:
    values = layer.numpy(channel)
    return np.rint(values * np.iinfo(dtype).max).astype(dtype)


@both_depths
@pytest.mark.parametrize("size", [(97, 61), (1, 1), (3, 7), (130, 259)])
def test_pixels_and_mask_of_a_small_layer_come_back(size, dtype):
    photo, mask = noise(*size, 3, dtype=dtype), noise(*size, dtype=dtype, seed=1)
    coat = PsdLayer("coat", photo[size[0] // 2 :], y=size[0] // 2, mask=PsdMask(mask[size[0] // 2 :], y=size[0] // 2))
    read = PSDImage.open(written(photo, [PsdLayer("background", photo), coat]))
    background, layer = read
    assert (read.size, read.depth) == ((size[1], size[0]), 8 * np.dtype(dtype).itemsize)
    assert layer.bbox == layer.mask.bbox == (0, size[0] // 2, size[1], size[0])
    assert np.array_equal(levels(background, "color", dtype), photo) and background.mask is None
    assert np.array_equal(levels(layer, "color", dtype), photo[size[0] // 2 :])
    assert np.array_equal(levels(layer, "mask", dtype)[..., 0], mask[size[0] // 2 :])
    assert np.array_equal(levels(read, "color", dtype), photo)


@both_depths
def test_layers_cut_out_of_the_photo_look_together_as_the_photo(dtype):
    photo, mask = noise(40, 50, 3, dtype=dtype), noise(20, 20, dtype=dtype, seed=1)
    garments = [PsdLayer("coat", photo[5:25, 7:27], 7, 5, PsdMask(mask, 7, 5))]
    read = PSDImage.open(written(photo, [PsdLayer("background", photo), PsdGroup("garments", garments)]))
    together = np.asarray(read.composite(force=True))[..., :3].astype(int)
    assert np.abs(together - (photo >> (8 * (np.dtype(dtype).itemsize - 1)))).max() <= 1


def test_a_mask_has_its_own_rectangle_and_a_value_beyond_it():
    photo, mask = noise(30, 40, 3), noise(4, 6)
    (layer,) = PSDImage.open(written(photo, [PsdLayer("a", photo, mask=PsdMask(mask, 11, 12, outside=255))]))
    assert layer.mask.bbox == (11, 12, 17, 16) and layer.mask.background_color == 255
    assert np.array_equal(np.asarray(layer.mask.topil()), mask)


def test_an_alpha_comes_back_beside_a_mask():
    photo = noise(9, 8, 4)
    (layer,) = PSDImage.open(written(photo[..., :3], [PsdLayer("a", photo, mask=PsdMask(photo[..., 0]))]))
    assert np.array_equal(levels(layer, "shape", np.uint8)[..., 0], photo[..., 3])
    assert np.array_equal(levels(layer, "mask", np.uint8)[..., 0], photo[..., 0])


def test_names_groups_opacity_mode_and_visibility_come_back():
    photo = noise(6, 5, 3)
    inner = PsdGroup("nah 近", [PsdLayer("Mäntel", photo, opacity=0.5, mode="soft-light")], mode="multiply")
    outer = PsdGroup("garments", [inner, PsdLayer("x" * 300, photo, visible=False)], opacity=0.25, visible=False)
    read = PSDImage.open(written(photo, [PsdLayer("background", photo), outer]))
    background, group = read
    folder, hidden = group
    (coat,) = folder
    assert [background.name, group.name, folder.name, hidden.name] == ["background", "garments", "nah 近", "x" * 300]
    assert (coat.name, coat.opacity, coat.blend_mode) == ("Mäntel", 128, BlendMode.SOFT_LIGHT)
    assert (group.opacity, group.visible, group.blend_mode) == (64, False, BlendMode.PASS_THROUGH)
    assert folder.blend_mode == BlendMode.MULTIPLY and (background.visible, hidden.visible) == (True, False)


@pytest.mark.parametrize("mode", MODE_KEYS)
def test_every_blend_mode_is_photoshops_of_that_name(mode):
    photo = noise(2, 2, 3)
    (layer,) = PSDImage.open(written(photo, [PsdGroup("g", [PsdLayer("a", photo)], mode=mode)]))
    assert layer.blend_mode.name.replace("_", "-").lower() == mode


@pytest.mark.skipif(int(PIL.__version__.split(".")[0]) < 11, reason="old Pillows read no PSD that has layer masks")
def test_pillow_reads_the_flat_picture_and_the_profile():
    photo = noise(31, 17, 3)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(written(photo, [PsdLayer("a", photo, mask=PsdMask(photo[..., 0]))], icc=profile)) as read:
        assert np.array_equal(np.asarray(read), photo) and read.info["icc_profile"] == profile


def test_the_same_layers_give_the_same_bytes_and_nothing_is_written_to():
    photo = noise(20, 20, 3, dtype=np.uint16)
    before = photo.copy()
    files = [written(photo, [PsdLayer("a", photo)]).getvalue() for _ in range(2)]
    assert files[0] == files[1] and np.array_equal(photo, before)


def test_flat_layers_take_little_room():
    assert len(written(np.zeros((512, 512, 3), np.uint8), []).getvalue()) < 3 * 512 * 12


@pytest.mark.parametrize(
    ("merged", "layers", "error", "says"),
    [
        (np.zeros((1, 30_001, 3), np.uint8), [], BadFile, "30000 px"),
        (np.zeros((4, 4, 4), np.uint8), [], BadFile, "uint8 or uint16"),
        (np.zeros((4, 4, 3), np.float32), [], BadFile, "float32"),
        (noise(4, 4, 3), [PsdLayer("coat", noise(4, 4, 3, dtype=np.uint16))], BadFile, "'coat' holds uint16"),
        (noise(4, 4, 3), [PsdLayer("coat", noise(4, 4, 3), mask=PsdMask(noise(0, 4)))], BadFile, "not empty"),
        (noise(4, 4, 3), [PsdLayer("coat", noise(4, 4, 3), mode="multply")], UnknownName, "'multiply'"),
        (noise(4, 4, 3), [PsdLayer("coat", noise(4, 4, 3), opacity=1.5)], RangeError, "opacity"),
    ],
    ids=["too wide", "alpha in the flat picture", "floats", "mixed types", "empty mask", "mode", "opacity"],
)
def test_what_the_format_cannot_hold_is_refused(merged, layers, error, says):
    with pytest.raises(error, match=says):
        written(merged, layers)


def test_a_file_beyond_the_formats_limit_is_refused(monkeypatch):
    monkeypatch.setattr(psd, "LARGEST_FILE", 1000)
    with pytest.raises(BadFile, match="2 GB"):
        written(noise(40, 40, 3), [PsdLayer("a", noise(40, 40, 3))])

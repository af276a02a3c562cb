"""Reading picture files of every kind, and refusing what is none."""

from __future__ import annotations

import io
import os
import random
import struct
import zlib

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from support.png16 import png16

from hemline.hosts.pictures import load_image
from hemline.tensors import BadFile


def picture(height=5, width=7, channels=3, seed=0, top=256, dtype=np.uint8):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, top, shape).astype(dtype)


def encoded(image, suffix="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, suffix, **options)
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path):
    def read(data, name="a.png"):
        path = tmp_path / name
        path.write_bytes(data)
        return load_image(path)

    return read


def no_mask(loaded):
    return tuple(loaded.mask.shape) == (1, 64, 64) and not loaded.mask.any() and not loaded.has_alpha


# --- what comes out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("size", [(1, 1), (3, 7), (65, 33)])
def test_colours_come_exactly_and_without_alpha_the_mask_is_the_hosts_empty_one(read, suffix, size):
    levels = picture(*size)
    loaded = read(encoded(Image.fromarray(levels), suffix))
    assert loaded.image.dtype == loaded.mask.dtype == torch.float32
    assert torch.equal(loaded.image[0], torch.as_tensor(levels) / 255)
    assert no_mask(loaded)
    assert loaded.bits == 8


def test_the_mask_is_one_minus_alpha_and_colours_stay_straight(read):
    levels = picture(channels=4)
    loaded = read(encoded(Image.fromarray(levels, "RGBA")))
    assert torch.equal(loaded.image[0], torch.as_tensor(levels[..., :3]) / 255)
    assert torch.equal(loaded.mask[0], 1 - torch.as_tensor(levels[..., 3]) / 255)
    assert loaded.has_alpha


def test_grey_comes_as_three_equal_channels(read):
    levels = picture(channels=1)
    loaded = read(encoded(Image.fromarray(levels)))
    assert torch.equal(loaded.image[0], (torch.as_tensor(levels) / 255).unsqueeze(-1).expand(-1, -1, 3))
    assert no_mask(loaded)


def test_grey_with_alpha_has_a_mask(read):
    levels = picture(channels=2)
    loaded = read(encoded(Image.fromarray(levels, "LA")))
    assert torch.equal(loaded.mask[0], 1 - torch.as_tensor(levels[..., 1]) / 255)


def test_one_bit_pictures_are_black_and_white(read):
    bits = picture(channels=1, top=2).astype(bool)
    assert torch.equal(read(encoded(Image.fromarray(bits))).image[0, ..., 0], torch.as_tensor(bits).float())


@pytest.mark.parametrize("transparent", [None, 1])
def test_palettes_have_a_mask_of_their_own_size(read, transparent):
    indexed = Image.fromarray(picture(channels=1, top=3), "P")
    indexed.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    options = {} if transparent is None else {"transparency": transparent}
    loaded = read(encoded(indexed, **options))
    expected = np.array(indexed) == transparent if transparent is not None else np.zeros((5, 7))
    assert torch.equal(loaded.mask[0], torch.as_tensor(expected).float())
    assert torch.equal(loaded.image[0], torch.as_tensor(np.array(indexed.convert("RGB"))) / 255)


def test_a_transparent_colour_counts_as_alpha(read):
    levels = picture()
    loaded = read(encoded(Image.fromarray(levels), transparency=tuple(int(level) for level in levels[2, 3])))
    assert loaded.mask[0, 2, 3] == 1
    assert loaded.mask.sum() < loaded.mask.numel()


def test_cmyk_becomes_rgb(read):
    assert read(encoded(Image.new("CMYK", (4, 3), (0, 255, 255, 0)), "JPEG")).image[0, 0, 0, 0] > 0.9


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("filter_type", [0, 1, 2])
def test_16_bit_pngs_keep_all_their_bits(read, channels, filter_type):
    levels = picture(13, 11, channels, top=65536, dtype=np.uint16).reshape(13, 11, channels)
    loaded = read(png16(levels, filter_type))
    values = torch.as_tensor(levels.astype(np.float32)) / 65535
    colours = values[..., :3] if channels > 2 else values[..., :1].expand(-1, -1, 3)
    assert torch.equal(loaded.image[0], colours)
    assert loaded.bits == 16
    assert torch.equal(loaded.mask[0], 1 - values[..., -1]) if channels in (2, 4) else no_mask(loaded)


def test_16_bit_tiffs_keep_all_their_bits(read):
    levels = picture(channels=1, top=65536, dtype=np.uint16)
    loaded = read(encoded(Image.fromarray(levels), "TIFF"))
    assert torch.equal(loaded.image[0, ..., 1], torch.as_tensor(levels.astype(np.float32)) / 65535)


def test_float_tiffs_come_as_they_are(read):
    levels = picture().astype(np.float32)[..., 0] / 64
    loaded = read(encoded(Image.fromarray(levels), "TIFF"))
    assert torch.equal(loaded.image[0, ..., 0], torch.as_tensor(levels))
    assert loaded.bits == 32


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["JPEG", "PNG"])
def test_pictures_are_turned_upright(read, orientation, suffix):
    corners = Image.new("RGB", (48, 32), "black")
    corners.paste("white", (0, 0, 24, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if suffix == "JPEG" else {}
    bright = read(encoded(corners, suffix, exif=exif, **options)).image[0, ..., 0]
    assert tuple(bright.shape) == ((32, 48) if orientation < 5 else (48, 32))
    ends = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    row, column = ends[orientation]
    assert bright[row, column] > 0.9
    assert bright[[0, 0, -1, -1], [0, -1, 0, -1]].sum() < 1.2, "one corner only is white"


def test_of_an_animation_the_first_frame_is_read(read):
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert torch.equal(read(data, "a.gif").image[0, 0, 0], torch.tensor([1.0, 0.0, 0.0]))


def test_the_content_decides_not_the_suffix(read):
    assert read(encoded(Image.fromarray(picture())), "photo.jpg").image.shape == (1, 5, 7, 3)


# --- what is refused -------------------------------------------------------------------------------------------------

NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8))
SAMPLES = {
    "jpeg": encoded(NOISE, "JPEG"), "png": encoded(NOISE), "webp": encoded(NOISE, "WEBP"), "gif": encoded(NOISE, "GIF"),
    "tiff": encoded(NOISE, "TIFF"), "png16": png16(picture(9, 9, 3, top=65536, dtype=np.uint16)),
}  # fmt: skip


def refused(path, *words):
    with pytest.raises(BadFile) as caught:
        load_image(path)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_a_missing_file_is_told(tmp_path):
    refused(tmp_path / "coat.png", "coat.png does not exist", "check the name")
    refused(tmp_path / "no" / "coat.png", "does not exist")


def test_a_folder_is_told(tmp_path):
    refused(tmp_path, "is a folder", "give one picture file")


def test_an_empty_file_is_told(tmp_path):
    (tmp_path / "a.png").touch()
    refused(tmp_path / "a.png", "a.png is empty (0 bytes)")


def test_a_text_called_jpg_is_told(tmp_path):
    (tmp_path / "a.jpg").write_text("hello, I am a letter")
    refused(tmp_path / "a.jpg", "a.jpg is not a picture", "JPEG")


def test_a_file_within_a_file_is_told(tmp_path):
    (tmp_path / "a.png").write_text("x")
    refused(tmp_path / "a.png" / "b.png", "cannot be read")


def test_a_name_with_nul_is_told():
    refused("a\0b", "no file name")


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_truncated_picture_is_told(tmp_path, kind, share):
    path = tmp_path / f"a.{kind}"
    path.write_bytes(SAMPLES[kind][: int(len(SAMPLES[kind]) * share)])
    refused(path, "a." + kind)


def test_a_picture_too_big_to_be_meant_is_told(tmp_path):
    head = encoded(Image.new("L", (1, 1)))
    size = struct.pack(">II", 60_000, 60_000)
    bomb = head[:16] + size + head[24:29] + struct.pack(">I", zlib.crc32(b"IHDR" + size + head[24:29])) + head[33:]
    (tmp_path / "a.png").write_bytes(bomb)
    refused(tmp_path / "a.png", "a.png")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_is_told(tmp_path):
    (tmp_path / "a.png").write_bytes(SAMPLES["png"])
    (tmp_path / "a.png").chmod(0)
    refused(tmp_path / "a.png", "cannot be read")


@pytest.mark.filterwarnings("ignore", "error::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("kind", SAMPLES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), count=st.integers(1, 12))
def test_broken_bytes_give_a_picture_or_a_bad_file(tmp_path, kind, seed, count):
    data, dice = bytearray(SAMPLES[kind]), random.Random(seed)
    for _ in range(count):
        data[dice.randrange(min(len(data), 400) if dice.random() < 0.7 else len(data))] = dice.randrange(256)
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    try:
        loaded = load_image(path)
    except BadFile as error:
        assert "\n" not in str(error)
    else:
        assert loaded.image.shape[-1] == 3

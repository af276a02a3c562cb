"""Pictures as tensors with their sidecar: exact there and back, converted where a format means other values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.levels import info_of, read, samples, write

from hemline.hosts.memory import available_bytes
from hemline.hosts.picture_values import Picture, as_stored, read_picture, straight_srgb, to_values, write_picture
from hemline.tensors import ShapeError


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_png_comes_back_sample_by_sample(tmp_path, channels, depth):
    info = info_of(23, 190, channels, depth, icc=b"p" * 300)
    pixels = samples(info)
    write(tmp_path / "a.png", info, pixels)
    picture = read_picture(tmp_path / "a.png")
    assert picture.image.dtype == torch.float32 and picture.image.shape[-1] == (4 if channels in (2, 4) else 3)
    write_picture(tmp_path / "b.png", picture)
    kept, again = read(tmp_path / "b.png")
    assert np.array_equal(again, pixels) and kept.icc == info.icc


@pytest.mark.parametrize(("suffix", "depth"), [(".exr", "f16"), (".exr", "f32"), (".tif", "f32"), (".jxl", 16)])
def test_deep_formats_come_back_sample_by_sample(tmp_path, suffix, depth):
    for package in ("tifffile", "imagecodecs", "OpenEXR"):
        pytest.importorskip(package, reason="these formats need the extra io")
    info = info_of(9, 8, 4, depth, alpha="premultiplied" if suffix == ".exr" else "straight")
    pixels = samples(info)
    write(tmp_path / f"a{suffix}", info, pixels)
    write_picture(tmp_path / f"b{suffix}", read_picture(tmp_path / f"a{suffix}"))
    assert np.array_equal(read(tmp_path / f"b{suffix}")[1], pixels)


@given(st.floats(0.0078125, 1, width=32), st.floats(0, 4, width=32))
@settings(deadline=None)
def test_straight_srgb_and_back_is_the_identity(alpha, value):
    info = info_of(1, 1, 4, "f32", alpha="premultiplied", transfer="linear")
    stored = torch.tensor([[[[value * alpha, 0.0, alpha, alpha]]]])
    assert torch.allclose(as_stored(straight_srgb(stored, info), info), stored, rtol=1e-4, atol=1e-6)


def test_half_covered_grey_light_has_the_encoded_colour_of_its_own():
    info = info_of(1, 1, 4, "f32", alpha="premultiplied", transfer="linear")
    straight = straight_srgb(torch.tensor([[[[0.10702057] * 3 + [0.5]]]]), info)
    assert torch.allclose(straight[0, 0, 0], torch.tensor([0.5, 0.5, 0.5, 0.5]), atol=1e-6)


def test_a_straight_picture_is_converted_on_its_way_into_an_exr(tmp_path):
    pytest.importorskip("OpenEXR", reason="EXR needs the extra io")
    image = torch.tensor([[[[0.5, 0.5, 0.5, 0.5]]]])
    write_picture(tmp_path / "a.exr", Picture(image, info_of(1, 1, 4, "f32")))
    assert np.allclose(read(tmp_path / "a.exr")[1], [0.10702057] * 3 + [0.5])


def test_nan_and_values_beyond_the_range_become_samples(tmp_path):
    image = torch.tensor([[[[float("nan"), -1.0, 3.0], [0.5, 1.0, 0.0]]]])
    write_picture(tmp_path / "a.png", Picture(image, info_of(2, 1, 3)))
    assert read(tmp_path / "a.png")[1].tolist() == [[[0, 0, 255], [128, 255, 0]]]


def test_a_batch_is_refused(tmp_path):
    with pytest.raises(ShapeError, match=r"give \[1, height, width, 3 or 4\]"):
        write_picture(tmp_path / "a.png", Picture(torch.zeros(2, 4, 4, 3), info_of(4, 4, 3)))


def test_the_values_never_share_memory_with_the_samples():
    info = info_of(2, 2, 3, "f32")
    pixels = samples(info)
    before = pixels.copy()
    to_values(pixels, info).zero_()
    assert np.array_equal(pixels, before)


def test_the_memory_that_is_free_is_a_sensible_number():
    free = available_bytes()
    assert free is None or 1 << 20 < free < 1 << 50

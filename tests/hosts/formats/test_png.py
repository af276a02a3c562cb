"""PNG at 8 and 16 bits: exact both ways, strip by strip, and told when it is damaged."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.levels import info_of, read, samples, write
from support.png16 import png16

from hemline.errors import BadFile
from hemline.hosts.formats.deflate import Deflater
from hemline.hosts.formats.png import read_png_head, read_png_strips, write_png
from hemline.hosts.formats.reading import open_picture
from hemline.hosts.formats.strips import rows_per_strip

SIZES = [(1, 1), (1, 9), (9, 1), (3, 7), (101, 77)]


def packed(info, pixels, rows=3):
    file = io.BytesIO()
    write_png(file, info, (pixels[top : top + rows] for top in range(0, info.height, rows)))
    return file.getvalue()


def unpacked(data):
    head = read_png_head(io.BytesIO(data))
    return np.concatenate(list(read_png_strips(io.BytesIO(data), head)))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_chunk(data, name, content):
    """The PNG with one more chunk right behind its header."""
    return data[:33] + chunk(name, content) + data[33:]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_what_is_written_comes_back_exactly(size, channels, depth):
    info = info_of(*size, channels, depth)
    pixels = samples(info)
    assert np.array_equal(unpacked(packed(info, pixels)), pixels)


@given(rows=st.integers(1, 40), seed=st.integers(0, 99), flat=st.booleans())
@settings(max_examples=40, deadline=None)
def test_how_the_rows_are_cut_into_strips_does_not_count(rows, seed, flat):
    info = info_of(13, 40, 3, 16)
    pixels = samples(info, seed) // (60000 if flat else 1)
    assert np.array_equal(unpacked(packed(info, pixels, rows)), pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pillow_reads_our_8_bits(channels):
    info = info_of(33, 21, channels)
    pixels = samples(info)
    seen = np.asarray(Image.open(io.BytesIO(packed(info, pixels)))).reshape(pixels.shape)
    assert np.array_equal(seen, pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_another_decoder_reads_our_16_bits(channels):
    codecs = pytest.importorskip("imagecodecs", reason="the extra io brings the second PNG decoder")
    info = info_of(33, 21, channels, 16)
    pixels = samples(info)
    assert np.array_equal(codecs.png_decode(packed(info, pixels)).reshape(pixels.shape), pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_we_read_what_another_encoder_writes_with_every_filter(channels, depth):
    codecs = pytest.importorskip("imagecodecs", reason="the extra io brings the second PNG encoder")
    info = info_of(90, 71, channels, depth)
    smooth = np.cumsum(samples(info).astype(np.int64) % 7, axis=1).astype(info.dtype)
    levels = smooth[..., 0] if channels == 1 else smooth
    assert np.array_equal(unpacked(codecs.png_encode(np.ascontiguousarray(levels))), smooth)


@pytest.mark.parametrize("filter_type", [0, 1, 2])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_simple_filter_is_undone(filter_type, channels):
    levels = np.random.default_rng(3).integers(0, 65536, (300, 11, channels)).astype(np.uint16)
    assert np.array_equal(unpacked(png16(levels, filter_type)), levels)


def test_pictures_of_many_strips_have_no_seams():
    info = info_of(9000, 130, 4, 16)
    assert rows_per_strip(info) < 130 // 3
    pixels = samples(info)
    assert np.array_equal(unpacked(packed(info, pixels, 50)), pixels)


def test_the_profile_and_linear_light_are_kept(tmp_path):
    info = info_of(5, 4, 3, 16, icc=b"a profile" * 99, transfer="linear")
    write(tmp_path / "a.png", info, samples(info))
    kept, _ = read(tmp_path / "a.png")
    assert kept.icc == info.icc
    # A profile says more than a gamma; without one the gamma says linear.
    write(tmp_path / "b.png", info_of(5, 4, 3, 16, transfer="linear"), samples(info))
    assert read(tmp_path / "b.png")[0].transfer == "linear"
    assert Image.open(tmp_path / "a.png").info["icc_profile"] == info.icc


def test_a_broken_profile_does_not_lose_the_picture(tmp_path):
    info = info_of(5, 4, 3)
    pixels = samples(info)
    (tmp_path / "a.png").write_bytes(with_chunk(packed(info, pixels), b"iCCP", b"x\0\0nonsense"))
    kept, seen = read(tmp_path / "a.png")
    assert kept.icc == b"" and np.array_equal(seen, pixels)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_transparent_colour_becomes_alpha(tmp_path, depth):
    info = info_of(6, 5, 3, depth)
    pixels = samples(info)
    key = struct.pack(">HHH", *pixels[2, 3].tolist())
    (tmp_path / "a.png").write_bytes(with_chunk(packed(info, pixels), b"tRNS", key))
    kept, seen = read(tmp_path / "a.png")
    assert (kept.channels, kept.alpha) == (4, "straight")
    assert np.array_equal(seen[..., :3], pixels)
    assert seen[2, 3, 3] == 0 and (seen[..., 3] == info.white).sum() == 29


@pytest.mark.parametrize("mode", ["1", "P"])
def test_palettes_and_single_bits_are_read_whole(tmp_path, mode):
    levels = np.random.default_rng(0).integers(0, 2, (9, 7)).astype(np.uint8) * 255
    Image.fromarray(levels).convert(mode).save(tmp_path / "a.png")
    with open_picture(tmp_path / "a.png") as reader:
        assert reader.whole
        assert np.array_equal(reader.pixels()[..., 0], levels)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_interlaced_16_bits_are_read_whole_and_in_full(tmp_path, channels):
    # Of a single pixel all passes but the first are empty, so that only the header says how it is stored.
    info = info_of(1, 1, channels, 16)
    pixels = samples(info)
    data = packed(info, pixels)
    head = data[16:28] + b"\1"
    (tmp_path / "a.png").write_bytes(data[:8] + chunk(b"IHDR", head) + data[33:])
    with open_picture(tmp_path / "a.png") as reader:
        assert reader.whole and np.array_equal(reader.pixels(), pixels)


def test_the_file_is_about_as_small_as_pillows_on_drawings_and_smaller_on_photos():
    def sizes(pixels):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", compress_level=6)
        return len(packed(info_of(400, 300, 3), pixels, 64)), len(file.getvalue())

    ramp = np.linspace(40, 200, 400)[None, :, None] + np.zeros((300, 400, 3))
    photo = (ramp + np.random.default_rng(0).normal(0, 5, ramp.shape)).astype(np.uint8)
    drawing = np.kron(np.random.default_rng(1).integers(0, 255, (3, 4, 3)), np.ones((100, 100, 1))).astype(np.uint8)
    ours, pillows = sizes(photo)
    assert ours < pillows
    ours, pillows = sizes(drawing)
    assert ours < 4 * pillows


@given(st.lists(st.binary(max_size=3000), max_size=8), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_deflated_stream_is_one_zlib_stream_whatever_its_pieces_are(pieces, fast):
    deflater = Deflater(fast=fast)
    pieces = [piece * (1 + 9 * (number % 2)) for number, piece in enumerate(pieces)]
    stream = b"".join([*map(deflater.compress, pieces), deflater.finish()])
    assert zlib.decompress(stream) == b"".join(pieces)


# --- what is refused -------------------------------------------------------------------------------------------------

INFO = info_of(40, 30, 3, 16)
WHOLE = packed(INFO, samples(INFO))


def header(width, height, bits=8, kind=2):
    return WHOLE[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))


@pytest.mark.parametrize("share", [0.002, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_told(tmp_path, share):
    (tmp_path / "a.png").write_bytes(WHOLE[: int(len(WHOLE) * share)])
    with pytest.raises(BadFile, match=r"a\.png is"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (header(2**31 - 1, 2**31 - 1) + chunk(b"IDAT", zlib.compress(b"\0" * 50)) + chunk(b"IEND", b""), "claims"),
        (header(0, 5) + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "header"),
        (header(4, 4) + chunk(b"IDAT", b"no zlib at all") + chunk(b"IEND", b""), "damaged"),
        (header(4, 4) + chunk(b"IDAT", zlib.compress(b"\0" * 13)) + chunk(b"IEND", b""), "end too early"),
        (header(4, 4) + chunk(b"IDAT", zlib.compress((b"\x09" + b"\0" * 12) * 4)) + chunk(b"IEND", b""), "rows"),
        (header(4, 4) + chunk(b"IEND", b""), "no pixels"),
        (WHOLE[:60] + b"\xff" + WHOLE[61:], "damaged"),
    ],
)
def test_a_damaged_or_lying_file_is_told(tmp_path, data, said):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(BadFile, match=said):
        read(tmp_path / "a.png")


def test_a_bomb_is_inflated_no_further_than_its_rows(tmp_path):
    bomb = zlib.compress(b"\0" * 50_000_000)
    (tmp_path / "a.png").write_bytes(header(4, 4) + chunk(b"IDAT", bomb) + chunk(b"IEND", b""))
    _, pixels = read(tmp_path / "a.png")
    assert pixels.shape == (4, 4, 3) and not pixels.any()


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_broken_bytes_give_rows_or_a_bad_file(changes):
    data = bytearray(WHOLE)
    for place, value in changes:
        data[place] = value
    try:
        head = read_png_head(io.BytesIO(bytes(data)))
        strips = list(read_png_strips(io.BytesIO(bytes(data)), head)) if head.is_streamable else []
    except BadFile:
        return
    assert not strips or sum(map(len, strips)) == head.height

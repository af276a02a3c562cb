"""Every format at every depth: there and back, with profile, alpha and orientation, or a clear refusal."""

from __future__ import annotations

import dataclasses
import os
import sys

import numpy as np
import pytest
from PIL import Image
from support.levels import info_of, picture_file, read, samples, write

from hemline.errors import BadFile, MissingModel, RangeError, UnknownName
from hemline.hosts.formats.pillow import has_avif
from hemline.hosts.formats.reading import open_picture
from hemline.hosts.formats.writing import (
    FORMATS,
    WriteOptions,
    create_picture,
    info_for,
    lost_between,
)

PROFILE = b"a colour profile " * 40
CASES = [(kind.suffixes[0], depth, channels) for kind in FORMATS for depth in kind.depths for channels in kind.channels]
LOSSY = (".jpg",)


def need(suffix, depth=8):
    """Skips where the extra that the format needs is not there."""
    kind = next(one for one in FORMATS if suffix in one.suffixes)
    more = {".avif": ("imagecodecs",), ".tif": ("tifffile", "imagecodecs")}
    for package in kind.packages + more.get(suffix, ()):
        pytest.importorskip(package, reason=f"{kind.name} needs the extra io")


@pytest.mark.parametrize(("suffix", "depth", "channels"), [case for case in CASES if case[0] not in LOSSY])
def test_samples_come_back_exactly(tmp_path, suffix, depth, channels):
    need(suffix)
    info = info_of(67, 301, channels, depth)
    pixels = samples(info)
    kept = write(tmp_path / f"a{suffix}", info, pixels)
    seen, back = read(tmp_path / f"a{suffix}")
    assert back.dtype == pixels.dtype and np.array_equal(back, pixels)
    assert (seen.depth, seen.channels, seen.alpha, seen.transfer) == (
        kept.depth, kept.channels, kept.alpha, kept.transfer,
    )  # fmt: skip


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_comes_back_nearly(tmp_path, channels):
    rows = np.linspace(30, 220, 64, dtype=np.uint8)[:, None, None] + np.zeros((64, 48, channels), np.uint8)
    write(tmp_path / "a.jpg", info_of(48, 64, channels), rows)
    assert np.abs(read(tmp_path / "a.jpg")[1].astype(int) - rows).max() <= 2


@pytest.mark.parametrize(("suffix", "depth"), [(kind.suffixes[0], depth) for kind in FORMATS for depth in kind.depths])
def test_the_profile_is_kept_where_the_format_says_so(tmp_path, suffix, depth):
    need(suffix)
    info = info_of(9, 8, 3, depth, icc=PROFILE)
    if suffix == ".avif" and not has_avif():
        pytest.skip("this Pillow has no AVIF, which alone writes its profile")
    kept = write(tmp_path / f"a{suffix}", info, samples(info))
    assert read(tmp_path / f"a{suffix}")[0].icc == kept.icc
    assert ("the colour profile" in lost_between(info, kept)) == (not kept.icc)
    expected = {".png", ".tif", ".webp", ".jpg"} | ({".avif"} if depth == 8 else set())
    assert bool(kept.icc) == (suffix in expected)


@pytest.mark.parametrize("suffix", [".tif", ".exr"])
def test_premultiplied_alpha_is_kept_and_said(tmp_path, suffix):
    need(suffix)
    info = info_of(5, 4, 4, "f32", alpha="premultiplied")
    pixels = samples(info)
    write(tmp_path / f"a{suffix}", info, pixels)
    seen, back = read(tmp_path / f"a{suffix}")
    assert seen.alpha == "premultiplied" and np.array_equal(back, pixels)


@pytest.mark.parametrize(
    ("suffix", "depth", "got"),
    [
        (".png", 8, 8), (".png", 10, 16), (".png", "f16", 16), (".png", "f32", 16), (".jpg", 16, 8), (".exr", 8, "f16"),
        (".exr", 16, "f32"), (".avif", 16, 12), (".avif", 10, 10), (".tif", 12, 16), (".jxl", "f16", 16),
    ],
)  # fmt: skip
def test_a_depth_that_the_format_lacks_becomes_the_nearest(tmp_path, suffix, depth, got):
    assert info_for(tmp_path / f"a{suffix}", info_of(2, 2, 3, depth)).depth == got


def test_a_depth_that_was_asked_for_and_is_not_there_is_told(tmp_path):
    with pytest.raises(RangeError, match="JPEG has no depth 16; choose 8"):
        info_for(tmp_path / "a.jpg", info_of(2, 2, 3), 16)


def test_an_unknown_suffix_points_at_the_nearest(tmp_path):
    with pytest.raises(UnknownName, match=r"Did you mean '\.tiff'"):
        info_for(tmp_path / "a.tifff", info_of(2, 2, 3))


def test_what_is_lost_is_said():
    info = info_of(4, 4, 4, "f32", icc=PROFILE)
    kept = dataclasses.replace(info, channels=3, alpha="none", depth=8, icc=b"")
    words = lost_between(info, kept)
    assert words == ["the colour profile", "transparency", "depth (f32 to 8)", "values outside 0..1"]


# --- orientation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_pictures_come_upright_as_pillow_turns_them(tmp_path, orientation, suffix):
    need(suffix)
    blocks = np.kron(np.random.default_rng(0).integers(0, 2, (3, 5, 3)) * 200 + 20, np.ones((16, 16, 1)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(blocks.astype(np.uint8))
    options = {"lossless": True} if suffix == ".webp" else {"quality": 98, "subsampling": 0} if suffix == ".jpg" else {}
    picture.save(tmp_path / f"a{suffix}", exif=exif, **options)
    info, pixels = read(tmp_path / f"a{suffix}")
    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(orientation)  # fmt: skip
    upright = np.asarray(picture if turned is None else picture.transpose(turned))
    assert info.orientation == orientation and (info.height, info.width) == upright.shape[:2]
    assert np.abs(pixels.astype(int) - upright).max() <= (12 if suffix == ".jpg" else 0)


# --- TIFF ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tifffile():
    pytest.importorskip("imagecodecs", reason="TIFF needs the extra io")
    return pytest.importorskip("tifffile", reason="TIFF needs the extra io")


@pytest.mark.parametrize("compression", ["deflate", "zstd", "none"])
@pytest.mark.parametrize("depth", [8, 16, "f16", "f32"])
@pytest.mark.parametrize("size", [(1, 1), (255, 3), (256, 256), (257, 513)])
def test_tiffs_of_all_sizes_are_tiled_and_read_by_tifffile(tmp_path, tifffile, compression, depth, size):
    info = info_of(*size, 3, depth, icc=PROFILE)
    pixels = samples(info)
    write(tmp_path / "a.tif", info, pixels, 100, WriteOptions(compression=compression))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages.first.is_tiled and np.array_equal(file.pages.first.asarray(), pixels)
    assert np.array_equal(read(tmp_path / "a.tif")[1], pixels)


@pytest.mark.parametrize(
    "options",
    [
        {"rowsperstrip": 7}, {"rowsperstrip": 1000}, {"tile": (16, 32)}, {"bigtiff": True, "tile": (64, 64)},
        {"byteorder": ">"}, {"planarconfig": "separate"}, {"compression": "zstd", "predictor": True},
        {"compression": "lzw"}, {"compression": "packbits"},
        {"byteorder": ">", "compression": "zlib", "predictor": True},
    ],
)  # fmt: skip
def test_every_layout_of_tiffs_is_read(tmp_path, tifffile, options):
    pixels = samples(info_of(70, 50, 3, 16))
    layout = {key: value for key, value in options.items() if key in ("bigtiff", "byteorder")}
    rest = {key: value for key, value in options.items() if key not in layout}
    stored = np.moveaxis(pixels, -1, 0) if "planarconfig" in rest else pixels
    with tifffile.TiffWriter(tmp_path / "a.tif", **layout) as file:
        file.write(stored, photometric="rgb", metadata=None, **rest)
    info, seen = read(tmp_path / "a.tif")
    assert seen.dtype.isnative and np.array_equal(seen, pixels) and info.depth == 16


def test_white_is_white_whatever_the_file_calls_it(tmp_path, tifffile):
    pixels = samples(info_of(9, 8, 1))[..., 0]
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")
    assert np.array_equal(read(tmp_path / "a.tif")[1][..., 0], 255 - pixels)


def test_a_palette_and_cmyk_come_as_rgb(tmp_path, tifffile):
    picture = Image.fromarray(samples(info_of(20, 10, 3)))
    picture.quantize(8).save(tmp_path / "a.tif")
    picture.convert("CMYK").save(tmp_path / "b.tif")
    assert read(tmp_path / "a.tif")[1].shape == read(tmp_path / "b.tif")[1].shape == (10, 20, 3)


def test_a_tiff_that_lies_about_its_size_is_told(tmp_path, tifffile):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), np.uint8), metadata=None)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        tags = file.pages.first.tags
        for name in ("ImageWidth", "ImageLength"):
            place = tags[name].valueoffset
            data[place : place + 4] = (2**30).to_bytes(4, "little")
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(BadFile, match=r"a\.tif"):
        read(tmp_path / "a.tif")


# --- EXR -------------------------------------------------------------------------------------------------------------


def test_an_exr_is_linear_light_with_its_data_placed_in_the_display_window(tmp_path):
    openexr = pytest.importorskip("OpenEXR", reason="EXR needs the extra io")
    corner, far = np.array([2, 1], np.int32), np.array([4, 2], np.int32)
    windows = {"dataWindow": (corner, far), "displayWindow": (np.zeros(2, np.int32), np.array([9, 5], np.int32))}
    pixels = np.random.default_rng(0).random((2, 3)).astype(np.float32)
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage, **windows}
    openexr.File(header, {"Y": pixels}).write(str(tmp_path / "a.exr"))
    info, seen = read(tmp_path / "a.exr")
    assert (info.width, info.height, info.transfer) == (10, 6, "linear")
    assert np.array_equal(seen[1:3, 2:5, 0], pixels) and np.count_nonzero(seen) == pixels.size


def test_an_exr_without_colours_says_what_it_has(tmp_path):
    openexr = pytest.importorskip("OpenEXR", reason="EXR needs the extra io")
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    openexr.File(header, {"depth": np.zeros((2, 3), np.float32)}).write(str(tmp_path / "a.exr"))
    with pytest.raises(BadFile, match="channels depth; wanted R, G, B"):
        read(tmp_path / "a.exr")


# --- strips ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("rows", [1, 7, 64, 1000])
def test_strips_of_any_height_are_the_whole_picture(tmp_path, suffix, rows):
    need(suffix)
    pixels = picture_file(tmp_path / f"a{suffix}", 300, 270)
    with open_picture(tmp_path / f"a{suffix}") as reader:
        strips = list(reader.strips(rows))
        assert reader.whole == (suffix == ".webp")
    assert {len(strip) for strip in strips[:-1]} <= {rows}
    assert np.array_equal(np.concatenate(strips), pixels)


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [kind.suffixes[0] for kind in FORMATS])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_told(tmp_path, suffix, share):
    need(suffix)
    info = info_of(90, 80, 3)
    path = tmp_path / f"a{suffix}"
    kept = info_for(path, info)
    write(path, info, samples(dataclasses.replace(kept, transfer="sRGB")))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadFile, match=r"^[^\n]*$"):
        read(path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", [kind.suffixes[0] for kind in FORMATS])
def test_broken_bytes_give_a_picture_or_a_bad_file(tmp_path, suffix):
    need(suffix)
    info = info_of(20, 20, 3)
    path = tmp_path / f"a{suffix}"
    write(path, info, samples(info_for(path, info)))
    whole, dice = path.read_bytes(), np.random.default_rng(5)
    for _ in range(60):
        data = bytearray(whole)
        for place in dice.integers(0, min(len(data), 600), dice.integers(1, 8)):
            data[place] = dice.integers(0, 256)
        path.write_bytes(data)
        try:
            seen, pixels = read(path)
        except BadFile as error:
            assert "\n" not in str(error)
        else:
            assert pixels.shape == (seen.height, seen.width, seen.channels)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("a.png", b"", "is empty"), ("a.jpg", b"hello, I am a letter", "not a picture"), ("b/c.png", None, "not exist")],
)
def test_what_is_no_picture_is_told(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadFile, match=said):
        open_picture(tmp_path / name)


PACKAGES = {".tif": "tifffile imagecodecs", ".exr": '"OpenEXR>=3.3"', ".jxl": "imagecodecs"}


@pytest.mark.parametrize("suffix", PACKAGES)
def test_a_format_whose_package_is_missing_names_the_command_that_adds_it(tmp_path, monkeypatch, suffix):
    for package in ("tifffile", "imagecodecs", "OpenEXR"):
        monkeypatch.setitem(sys.modules, package, None)
    with (
        pytest.raises(MissingModel, match=rf"pip install .*{PACKAGES[suffix]}"),
        create_picture(tmp_path / f"a{suffix}", info_of(2, 2, 3, "f32")),
    ):
        pass
    starts = {".exr": b"v/1\x01rest", ".jxl": b"\xff\x0arest", ".tif": None}
    if starts[suffix] is not None:
        (tmp_path / f"b{suffix}").write_bytes(starts[suffix])
        with pytest.raises(MissingModel, match=rf"pip install .*{PACKAGES[suffix]}"):
            open_picture(tmp_path / f"b{suffix}")
    assert not list(tmp_path.glob(f"a{suffix}"))


def test_without_the_extra_png_is_whole_and_deep_colour_tiffs_say_what_they_need(tmp_path, monkeypatch):
    deep = tmp_path / "deep.tif"
    if "tifffile" in sys.modules or pytest.importorskip("tifffile", reason="makes the file"):
        need(".tif")
        picture_file(deep, depth=16)
        grey = picture_file(tmp_path / "grey.tif", channels=1, depth=16)
    for package in ("tifffile", "imagecodecs", "OpenEXR", "zlib_ng"):
        monkeypatch.setitem(sys.modules, package, None)
    pixels = picture_file(tmp_path / "a.png", channels=4, depth=16)
    assert np.array_equal(read(tmp_path / "a.png")[1], pixels)
    with pytest.raises(MissingModel, match=r"deep\.tif.*pip install tifffile imagecodecs"):
        open_picture(deep)
    with open_picture(tmp_path / "grey.tif") as reader:
        assert reader.info.channels == 1 and grey.shape == reader.pixels().shape


@pytest.mark.parametrize(
    ("depth", "channels"), [(8, 1), (8, 2), (8, 3), (8, 4), (16, 1), ("f32", 1)],
)  # fmt: skip
def test_without_the_extra_pillow_writes_the_tiffs_that_it_can(tmp_path, monkeypatch, depth, channels):
    for package in ("tifffile", "imagecodecs"):
        monkeypatch.setitem(sys.modules, package, None)
    info = info_of(9, 8, channels, depth, icc=PROFILE)
    pixels = samples(info)
    write(tmp_path / "a.tif", info, pixels)
    seen, back = read(tmp_path / "a.tif")
    assert np.array_equal(back, pixels) and (seen.depth, seen.icc) == (depth, PROFILE)


# --- whole or not at all ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [kind.suffixes[0] for kind in FORMATS])
@pytest.mark.parametrize("error", [BadFile("the base is damaged"), KeyboardInterrupt()])
def test_a_picture_that_is_not_completed_leaves_nothing_and_keeps_the_older_one(tmp_path, suffix, error):
    need(suffix)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"older")
    info = info_for(path, info_of(8, 2000, 3))
    with pytest.raises(type(error)), create_picture(path, info) as give:
        give(samples(info)[:900])
        raise error
    assert [file.name for file in tmp_path.iterdir()] == [path.name] and path.read_bytes() == b"older"


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize(
    ("rows", "change"),
    [(7, lambda strip: strip), (9, lambda strip: strip), (8, lambda strip: strip[:, 1:]), (8, np.float32)],
)
def test_rows_that_are_not_those_of_the_sidecar_are_refused(tmp_path, suffix, rows, change):
    need(suffix)
    with (
        pytest.raises(BadFile, match=r"a\.(png|tif|webp)"),
        create_picture(tmp_path / f"a{suffix}", info_of(8, 8, 3)) as give,
    ):
        give(change(samples(info_of(8, rows, 3))))
    assert not list(tmp_path.iterdir())


def test_an_encoder_that_fails_is_told_in_the_callers_thread(tmp_path, monkeypatch):
    def full(path, info, pixels, *rest):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hemline.hosts.formats.writing.write_with_pillow", full)
    info = info_of(8, 8, 3)
    with (
        pytest.raises(BadFile, match=r"a\.bmp cannot be written \(No space left on device\); nothing was saved"),
        create_picture(tmp_path / "a.bmp", info) as give,
    ):
        give(samples(info))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(BadFile, match="cannot be written"):
        picture_file(tmp_path / "a.png")


@pytest.mark.parametrize(
    "options", [WriteOptions(quality=0), WriteOptions(quality=101), WriteOptions(compression="rar")]
)
def test_wrong_options_are_told_before_anything_is_made(tmp_path, options):
    with pytest.raises((RangeError, UnknownName)), create_picture(tmp_path / "a.tif", info_of(2, 2, 3), options):
        pass
    assert not list(tmp_path.iterdir())

"""Pictures out of folders and archives: full depth, upright, and never from anywhere else."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.batches import save_colours, smooth, write_catalogue, zip_folder
from support.commands import files_below
from support.levels import info_of, samples, write

from hemline.hosts import batch_files
from hemline.hosts.batch_files import InputFolders, inside, open_files
from hemline.tensors import BadFile, ShapeError

ORIENTATION = 0x0112


@pytest.fixture
def host(tmp_path):
    for folder in ("input", "output", "elsewhere"):
        (tmp_path / folder).mkdir()
    return InputFolders(tmp_path / "input", tmp_path / "output")


def png_bytes(size=(4, 3), colour=(255, 0, 0)):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def make_zip(path, entries, **options):
    """An archive of (name, data); names are written as they are, however bad."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo("x")
            info.filename, info.compress_type = name, zipfile.ZIP_DEFLATED
            for key, value in options.items():
                setattr(info, key, value)
            archive.writestr(info, data)
    return path


def read_all(path):
    with open_files(path) as source:
        return {name: source.read_image(name)[0] for name in source.find("**/*")}


# --- reading ---------------------------------------------------------------------------------------------------------


def test_an_archive_gives_what_the_folder_gives_and_writes_nothing(tmp_path):
    write_catalogue(tmp_path / "in")
    path = zip_folder(tmp_path / "in", tmp_path / "in.zip")
    before = files_below(tmp_path)
    folder, archive = read_all(tmp_path / "in"), read_all(path)
    assert folder.keys() == archive.keys() and len(folder) == 9
    assert all(torch.equal(folder[name], archive[name]) for name in folder)
    assert files_below(tmp_path) == before


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_pictures_masks_and_overlays_are_turned_upright(tmp_path, packed):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    save_colours(tmp_path / "in" / "photo.jpg", (40, 24), exif=exif.tobytes(), quality=98)
    mask = Image.fromarray(np.rint(smooth((40, 24), 1, 3)[..., 0] * 255).astype(np.uint8))
    mask.save(tmp_path / "in" / "mask.png", exif=exif.tobytes())
    path = zip_folder(tmp_path / "in", tmp_path / "in.zip") if packed else tmp_path / "in"
    with open_files(path) as source:
        image, alpha = source.read_image("photo.jpg")
        upright = source.read_mask("mask.png", 40, 24, channel="luma", fit="error")
    wanted = np.rot90(smooth((40, 24), 3, 0), -1)
    assert image.shape == (1, 40, 24, 3) and alpha is None
    assert np.abs(image[0].numpy() - wanted).mean() < 0.02
    assert np.abs(upright[0].numpy() - np.rot90(smooth((40, 24), 1, 3)[..., 0], -1)).max() < 0.003


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_16_bits_come_in_full(tmp_path, packed):
    (tmp_path / "in").mkdir()
    Image.fromarray(np.full((3, 5), 40000, np.uint16)).save(tmp_path / "in" / "mask.png")
    info = info_of(5, 3, 4, 16)
    pixels = samples(info)
    write(tmp_path / "in" / "photo.png", info, pixels)
    path = zip_folder(tmp_path / "in", tmp_path / "in.zip") if packed else tmp_path / "in"
    with open_files(path) as source:
        mask = source.read_mask("mask.png", 3, 5, channel="luma", fit="error")
        image, alpha = source.read_image("photo.png")
    assert mask.unique().item() == pytest.approx(40000 / 65535, abs=1e-7)
    both = torch.cat([image, alpha[..., None]], dim=-1)
    assert np.array_equal(np.rint(both[0].numpy() * 65535), pixels)


@pytest.mark.parametrize(
    ("suffix", "depth", "channels"),
    [(".tif", 16, 3), (".tif", "f32", 4), (".jxl", 16, 3), (".avif", 10, 3), (".webp", 8, 4), (".bmp", 8, 3)],
)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_other_formats_come_in_full(tmp_path, packed, suffix, depth, channels):
    for package in ("tifffile", "imagecodecs"):
        pytest.importorskip(package, reason="deep formats need the extra io")
    (tmp_path / "in").mkdir()
    info = info_of(7, 5, channels, depth)
    pixels = samples(info)
    kept = write(tmp_path / "in" / f"a{suffix}", info, pixels)
    path = zip_folder(tmp_path / "in", tmp_path / "in.zip") if packed else tmp_path / "in"
    with open_files(path) as source:
        image, alpha = source.read_image(f"a{suffix}")
    both = image if alpha is None else torch.cat([image, alpha[..., None]], dim=-1)
    assert kept.depth == depth
    assert np.abs(both[0].numpy() * kept.white - pixels.astype(np.float64)).max() <= 2e-3 * (not kept.is_float)


def test_exr_is_light_and_comes_out_of_folders_only(tmp_path):
    pytest.importorskip("OpenEXR", reason="EXR needs the extra io")
    (tmp_path / "in").mkdir()
    info = info_of(2, 1, 3, "f32", transfer="linear")
    write(tmp_path / "in" / "a.exr", info, np.array([[[0.21404114] * 3, [4.0] * 3]], np.float32))
    image = read_all(tmp_path / "in")["a.exr"]
    assert image[0, 0, 0, 0].item() == pytest.approx(0.5, abs=1e-5) and image[0, 0, 1, 0] > 1.5
    with pytest.raises(BadFile, match=r"in.zip: a.exr .*cannot be read out of an archive; unpack it"):
        read_all(zip_folder(tmp_path / "in", tmp_path / "in.zip"))


def test_a_mask_may_be_alpha_and_is_stretched_only_on_request(tmp_path):
    rgba = (smooth((8, 6), 4, 1) * 255).astype(np.uint8)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    with open_files(tmp_path) as source:
        mask = source.read_mask("a.png", 6, 8, channel="alpha", fit="error")
        assert np.array_equal(np.rint(mask[0].numpy() * 255), rgba[..., 3])
        assert source.read_mask("a.png", 12, 16, channel="alpha", fit="stretch").shape == (1, 12, 16)
        with pytest.raises(ShapeError, match=r"a.png is 8 x 6 but the base is 16 x 12"):
            source.read_mask("a.png", 12, 16, channel="luma", fit="error")
        Image.new("RGB", (8, 6)).save(tmp_path / "b.png")
        with pytest.raises(BadFile, match=r"b.png has no alpha"):
            source.read_mask("b.png", 6, 8, channel="alpha", fit="error")


def test_a_file_that_is_no_picture_is_named(tmp_path):
    make_zip(tmp_path / "a.zip", [("sub/bad.png", b"not a picture"), ("sub/empty.jpg", b"")])
    with open_files(tmp_path / "a.zip") as source:
        for name in ("sub/bad.png", "sub/empty.jpg"):
            with pytest.raises(BadFile, match=rf"a.zip: {name} is (not a picture|empty)"):
                source.read_image(name)


# --- hostile archives ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/evil.png", "..\\evil.png", "C:\\evil.png", "\\x.png"]
)
def test_an_archive_whose_names_lead_out_is_refused(tmp_path, name):
    path = make_zip(tmp_path / "a.zip", [("good.png", png_bytes()), (name, png_bytes())])
    with pytest.raises(BadFile, match=r"a.zip: the entry .*\.png. leads out"):
        read_all(path)


@given(st.text("./\\ab:", min_size=1, max_size=10))
def test_no_name_in_an_archive_is_ever_found_outside_it(name):
    buffer = io.BytesIO()
    make_zip(buffer, [(name, b"")])
    with zipfile.ZipFile(buffer) as archive:
        try:
            files = batch_files.ZipFiles(Path("a.zip"), archive)
        except BadFile:
            return
        for found in [*files.find("**/*"), *files._entries]:
            assert ".." not in found.split("/") and not found.startswith("/") and "\\" not in found


def test_an_entry_that_claims_too_much_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_files, "MOST_ENTRY_BYTES", 1 << 20)
    path = make_zip(tmp_path / "bomb.zip", [("a.png", bytes(1 << 21)), ("b.png", png_bytes())])
    with open_files(path) as source:
        with pytest.raises(BadFile, match=r"bomb.zip: a.png has 2097152 bytes; at most 1048576"):
            source.read_image("a.png")
        assert source.read_image("b.png")[0].shape == (1, 3, 4, 3)


def test_an_entry_that_unpacks_to_more_than_it_claims_is_refused(tmp_path):
    path = make_zip(tmp_path / "liar.zip", [("a.png", bytes(1 << 22))])
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\x01\x02")
    for place in (central + 24, 22):  # the uncompressed size in the directory and before the entry
        data[place : place + 4] = struct.pack("<I", 100)
    path.write_bytes(data)
    with open_files(path) as source, pytest.raises(BadFile, match=r"liar.zip: a.png cannot be unpacked|claims"):
        source.read_image("a.png")


def test_what_is_unpacked_is_counted_though_the_header_lies(tmp_path, monkeypatch):
    """The library stops at the size in the header; this is the second line, should it ever not."""
    path = make_zip(tmp_path / "liar.zip", [("a.png", bytes(1 << 22))])
    with zipfile.ZipFile(path) as archive:
        files = batch_files.ZipFiles(path, archive)
        opened = archive.open("a.png")
        monkeypatch.setattr(archive, "open", lambda entry: opened)
        files._entries["a.png"].file_size = 100
        with pytest.raises(BadFile, match="unpacks to more than the 100 bytes that it claims"):
            files.file("a.png")


def test_encrypted_damaged_and_linked_entries_are_named(tmp_path):
    make_zip(tmp_path / "locked.zip", [("a.png", png_bytes())])
    data = bytearray((tmp_path / "locked.zip").read_bytes())
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(data)
    make_zip(tmp_path / "damaged.zip", [("a.png", png_bytes((400, 300)))])
    data = bytearray((tmp_path / "damaged.zip").read_bytes())
    data[60:90] = bytes(30)
    (tmp_path / "damaged.zip").write_bytes(data)
    make_zip(tmp_path / "linked.zip", [("a.png", b"/etc/passwd")], external_attr=(stat.S_IFLNK | 0o777) << 16)
    make_zip(tmp_path / "odd.zip", [("a.png", png_bytes())])
    data = bytearray((tmp_path / "odd.zip").read_bytes())
    data[8:10] = struct.pack("<H", 99)
    at = data.rindex(b"PK\x01\x02") + 10
    data[at : at + 2] = struct.pack("<H", 99)
    (tmp_path / "odd.zip").write_bytes(data)
    for name, message in {
        "locked": "is encrypted",
        "damaged": "cannot be",
        "linked": "is a link",
        "odd": "cannot",
    }.items():
        with pytest.raises(BadFile, match=rf"{name}.zip: a.png {message}"):
            read_all(tmp_path / f"{name}.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_one_name_twice_is_refused(tmp_path):
    path = make_zip(tmp_path / "a.zip", [("a.png", png_bytes()), ("./a.png", png_bytes())])
    with pytest.raises(BadFile, match=r"a.zip holds 'a.png' twice"):
        read_all(path)


@pytest.mark.parametrize("data", [b"", b"PK", b"no archive", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_archive_is_told(tmp_path, data):
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(BadFile, match=r"a.zip is no ZIP file .*give a folder, a ZIP file or a job file"):
        read_all(tmp_path / "a.zip")


def test_an_entry_without_a_name_is_no_picture(tmp_path):
    content = io.BytesIO()
    make_zip(content, [("a.png", png_bytes((30, 30))), ("b.png", png_bytes((30, 30)))])
    data = bytearray(content.getvalue())
    record = data.index(b"PK\x01\x02")  # of a.png, in the directory
    data[record + 46] = 0  # a name ends at a NUL
    (tmp_path / "a.zip").write_bytes(data)
    with open_files(tmp_path / "a.zip") as source:
        assert source.find("**/*") == ["b.png"]


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_archive_never_raises_anything_else(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "a.zip"
    buffer = io.BytesIO()
    make_zip(buffer, [("a.png", png_bytes((30, 30))), ("b/c.png", png_bytes())])
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        with open_files(path) as source:
            for name in source.find("**/*"):
                source.stamp(name)
                source.read_image(name)
    except BadFile as error:
        assert "a.zip" in str(error)


# --- ways out of the folders -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    ["..", "../elsewhere", "a/../../elsewhere", "/", "/etc", "C:\\x", "..\\elsewhere", ".. [output]", "/etc [input]"],
)
def test_a_source_outside_the_folders_is_refused(host, source):
    with pytest.raises(BadFile, match="leads out"), host.open(source):
        pass


def test_a_link_that_leads_out_is_refused(host, tmp_path):
    save_colours(tmp_path / "elsewhere" / "secret.png", (5, 5))
    (tmp_path / "input" / "good").mkdir()
    save_colours(tmp_path / "input" / "good" / "a.png", (5, 5))
    (tmp_path / "input" / "way out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "input" / "b.png").symlink_to(tmp_path / "elsewhere" / "secret.png")
    with pytest.raises(BadFile, match="leads out"), host.open("way out"):
        pass
    with host.open("") as source:
        for pattern in ("*", "b.png", "**/*", "way out/*", "way */secret.png"):
            with pytest.raises(BadFile, match=r"leads out of .* over a link"):
                source.find(pattern)
        with pytest.raises(BadFile, match="over a link"):
            source.read_image("b.png")
        assert source.find("good/*") == ["good/a.png"]


def test_links_within_the_folder_are_followed_and_circles_end(host, tmp_path):
    save_colours(tmp_path / "input" / "real" / "a.png", (5, 5))
    (tmp_path / "input" / "other").symlink_to(tmp_path / "input" / "real")
    (tmp_path / "input" / "real" / "again").symlink_to(tmp_path / "input")
    with host.open("") as source:
        assert sorted(source.find("**/*")) == ["other/a.png", "real/a.png"]


def test_only_what_the_user_typed_may_lie_elsewhere(tmp_path):
    save_colours(tmp_path / "elsewhere" / "a.png", (5, 5))
    typed = str(tmp_path / "elsewhere")
    with InputFolders(tmp_path, tmp_path, frozenset([typed])).open(typed) as source:
        assert source.find("*") == ["a.png"]
    with pytest.raises(BadFile, match="leads out"), InputFolders(tmp_path / "x", tmp_path).open(typed):
        pass


def test_the_output_folder_is_named_as_in_comfyui(host, tmp_path):
    save_colours(tmp_path / "output" / "run 1" / "a.png", (5, 5))
    with host.open("run 1 [output]") as source:
        assert source.find("*") == ["a.png"]
    with pytest.raises(BadFile, match="temp folder"), host.open("x [temp]"):
        pass


def test_what_is_not_there_is_told_with_what_there_is(host, tmp_path):
    (tmp_path / "input" / "photos").mkdir()
    with pytest.raises(BadFile, match=r"photo does not exist; .* There are: photos\."), host.open("photo"):
        pass


@given(st.lists(st.sampled_from(["..", ".", "a", "", "b c", "\\", "~", "C:"]), max_size=5))
def test_no_name_leads_out(parts):
    root = Path(os.sep) / "root" / "input"
    try:
        path = inside(root, "/".join(parts))
    except BadFile:
        return
    assert path.resolve().is_relative_to(root)


# --- results that are there ------------------------------------------------------------------------------------------


def test_a_result_is_found_by_the_name_under_which_it_was_saved(host, tmp_path):
    for name in ("coat_1.png", "sub/a [x]_00001_.png", "a_b.png"):
        (tmp_path / "output" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "output" / name).touch()
    (tmp_path / "output" / "folder.png").mkdir()
    there = ["coat_1.png", "coat_*", "coat_?.png", "sub/a [x]_*.png", "sub\\a [x]_00001_.png", "a|b.png"]
    assert host.existing_results(there) == set(there)
    missing = ["coat.png", "*/coat_1.png", "sub/b*", "folder.png", "none/x.png", "a [y]*"]
    assert not host.existing_results(missing)


@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a/../../x*", ""])
def test_a_result_outside_the_output_folder_is_refused(host, name):
    with pytest.raises(BadFile):
        host.existing_results([name])

"""Writing results: whole files or none, nothing outside the folder; and what the headless context lends."""

from __future__ import annotations

import errno
import os
import threading

import numpy as np
import pytest
import torch
from PIL import Image

from hemline.hosts.files import FolderStore, model_folders
from hemline.hosts.headless_context import HeadlessContext, headless_context
from hemline.hosts.lettering import letter
from hemline.hosts.pictures import load_image
from hemline.tensors import BadFile, RangeError, ShapeError, UnknownName


def files_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "out")


# --- writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape, mode", [((3, 7), "L"), ((3, 7, 1), "L"), ((3, 7, 3), "RGB"), ((1, 1, 4), "RGBA")])
def test_an_image_comes_back_as_it_was_written(store, shape, mode):
    levels = torch.randint(0, 256, shape)
    path = store.save_image("coat", levels / 255)
    assert path == store.folder / "coat.png"
    with Image.open(path) as saved:
        assert saved.mode == mode
        assert np.array_equal(np.array(saved), levels.squeeze(-1).numpy() if shape[-1] == 1 else levels.numpy())


def test_levels_are_rounded_and_clamped(store):
    values = torch.tensor([[0.0, 0.5, 0.9999, 1.0, -3.0, 7.0, float("nan"), float("inf"), 1.4 / 255, 1.6 / 255]])
    with Image.open(store.save_image("a", values)) as saved:
        assert list(np.array(saved)[0]) == [0, 128, 255, 255, 0, 255, 0, 255, 1, 2]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_float_types_are_written(store, dtype):
    with Image.open(store.save_image("a", torch.ones(2, 3, dtype=dtype))) as saved:
        assert np.array(saved).min() == 255


def test_a_view_in_another_order_is_written(store):
    image = torch.rand(3, 5, 7).permute(1, 2, 0)
    path = store.save_image("a", image)
    assert torch.allclose(load_image(path).image[0], image, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("shape", [(2, 3, 4, 3), (3,), (3, 4, 2), (0, 4), (0, 4, 3)])
def test_what_is_no_picture_is_refused(store, shape):
    with pytest.raises(ShapeError):
        store.save_image("a", torch.zeros(shape))


def test_the_same_image_gives_the_same_bytes(store):
    image = torch.rand(31, 17, 3)
    assert store.save_image("a", image).read_bytes() == store.save_image("b", image).read_bytes()


def test_text_is_written_as_utf8_with_its_own_line_ends(store):
    assert store.save_text("a.json", "Mäntel\r\n\n").read_bytes() == "Mäntel\r\n\n".encode()


def test_subfolders_are_made(store):
    assert store.save_image("a/b\\c", torch.ones(1, 1)) == store.folder / "a" / "b" / "c.png"


def test_an_older_file_is_replaced(store):
    store.save_text("a.txt", "old")
    assert store.save_text("a.txt", "new").read_text() == "new"
    assert files_in(store.folder) == ["a.txt"]


def test_many_writers_of_one_name_leave_one_whole_file(store):
    texts = [str(number) * 100_000 for number in range(8)]
    threads = [threading.Thread(target=store.save_text, args=("a.txt", text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (store.folder / "a.txt").read_text() in texts
    assert files_in(store.folder) == ["a.txt"]


# --- failing ---------------------------------------------------------------------------------------------------------


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FullDisk:
    """A file that takes some bytes and then no more."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, data):
        self.file.write(data[:3])
        no_space()


@pytest.mark.parametrize("fails", ["open", "write", "replace"])
def test_a_full_disk_leaves_nothing_but_the_old_file(store, monkeypatch, fails):
    store.save_text("a.txt", "old")
    if fails == "replace":
        monkeypatch.setattr(os, "replace", no_space)
    else:
        opened = no_space if fails == "open" else lambda path, mode: FullDisk(open(path, mode))
        monkeypatch.setattr("hemline.hosts.files.open", opened, raising=False)
    with pytest.raises(BadFile, match=r"a\.txt cannot be written \(No space left on device\); nothing was saved\.$"):
        store.save_text("a.txt", "new")
    monkeypatch.undo()
    assert files_in(store.folder) == ["a.txt"]
    assert (store.folder / "a.txt").read_text() == "old"


def test_an_interrupt_while_writing_leaves_nothing(store, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.save_text("a.txt", "new")
    assert files_in(store.folder) == []


def test_a_file_in_the_folders_place_is_told(tmp_path):
    (tmp_path / "out").write_text("in the way")
    for name in ("a", "b/c"):
        with pytest.raises(BadFile, match="cannot be written") as caught:
            FolderStore(tmp_path / "out").save_image(name, torch.ones(1, 1))
        assert "\n" not in str(caught.value)


def test_a_folder_in_the_files_place_is_told(store):
    (store.folder / "a.png").mkdir(parents=True)
    with pytest.raises(BadFile, match="cannot be written"):
        store.save_image("a", torch.ones(1, 1))
    assert files_in(store.folder) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told(store):
    store.folder.mkdir(parents=True, mode=0o500)
    with pytest.raises(BadFile, match="cannot be written"):
        store.save_image("a", torch.ones(1, 1))


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [
    "..", "../a", "a/../../b", "a/../b", "..\\a", "/a", "\\a", "\\\\server\\share\\a", "C:\\a", "c:a", "a\0b", "\0",
    "", ".", "/", " ", "a/ /b", "...", "a/...", "\ud800",
])  # fmt: skip
def test_names_that_lead_out_or_nowhere_are_refused(store, name):
    for write in (lambda: store.path_of(name), lambda: store.save_text(name, "x"), lambda: store.unused_name(name)):
        with pytest.raises(BadFile) as caught:
            write()
        assert "\n" not in str(caught.value)
    assert not store.folder.exists()


@pytest.mark.parametrize("name, written", [
    ("ab:c", "ab_c"), ('<>"|?*', "______"), ("tab\there", "tab_here"), ("a. ", "a"), ("a./b", "a/b"), ("con", "_con"),
    ("COM1.txt", "_COM1.txt"), ("console", "console"), ("./a//b", "a/b"), ("a..b", "a..b"), ("..a", "..a"),
    ("Mäntel 外套", "Mäntel 外套"), ("~/a", "~/a"), ("-rf", "-rf"), ("%date:yyyy%", "%date_yyyy%"),
])  # fmt: skip
def test_names_are_made_safe_for_every_system(store, name, written):
    assert store.path_of(name) == store.folder.joinpath(*written.split("/"))


def test_a_name_that_is_too_long_is_told(store):
    with pytest.raises(BadFile, match="cannot be written"):
        store.save_image("a" * 300, torch.ones(1, 1))
    assert files_in(store.folder) == []


def link(path, target):
    try:
        path.symlink_to(target, target_is_directory=True)
    except OSError:
        pytest.skip("this system lets nobody make links")


def test_a_link_out_of_the_folder_is_not_followed(store, tmp_path):
    store.folder.mkdir()
    (tmp_path / "secret").mkdir()
    link(store.folder / "door", tmp_path / "secret")
    for name in ("door/a", "door/new/a"):
        with pytest.raises(BadFile, match="over a link"):
            store.save_image(name, torch.ones(1, 1))
    assert files_in(tmp_path / "secret") == []


def test_a_linked_file_is_replaced_not_written_through(store, tmp_path):
    store.folder.mkdir()
    (tmp_path / "secret.txt").write_text("mine")
    link(store.folder / "a.txt", tmp_path / "secret.txt")
    store.save_text("a.txt", "new")
    assert (tmp_path / "secret.txt").read_text() == "mine"
    assert (store.folder / "a.txt").read_text() == "new"


def test_a_link_in_a_circle_is_told(store):
    store.folder.mkdir()
    link(store.folder / "loop", store.folder / "loop")
    with pytest.raises(BadFile):
        store.save_image("loop/a", torch.ones(1, 1))


def test_the_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    link(tmp_path / "out", tmp_path / "real")
    FolderStore(tmp_path / "out").save_image("sub/a", torch.ones(1, 1))
    assert files_in(tmp_path / "real") == ["sub/a.png"]


def test_unused_names_count_on(store):
    assert store.unused_name("sub/coat") == "sub/coat"
    for other in ("sub/coats", "sub/coat_red_mask", "sub/coat_3"):
        store.save_image(other, torch.ones(1, 1))
    assert store.unused_name("sub/coat") == "sub/coat", "these are other names"
    store.save_image("sub/Coat_mask", torch.ones(1, 1))
    assert store.unused_name("sub/coat") == "sub/coat_2"
    store.save_text("sub/coat_2.json", "{}")
    assert store.unused_name("sub/coat") == "sub/coat_4"
    assert store.unused_name("coat") == "coat"


# --- the context -----------------------------------------------------------------------------------------------------


def test_the_context_creates_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HEMLINE_MODELS", str(tmp_path / "models"))
    context = headless_context(tmp_path / "out")
    assert isinstance(context, HeadlessContext)
    assert list(tmp_path.iterdir()) == []


def test_the_device_is_the_best_there_is_unless_named(tmp_path):
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert headless_context(tmp_path).device.type == best
    assert headless_context(tmp_path, device="cpu").device == torch.device("cpu")


@pytest.mark.parametrize("device", ["cudda", "cuda:99", "xla", "cpu:x"])
def test_a_device_that_is_not_there_is_told(tmp_path, device):
    with pytest.raises(UnknownName, match="this machine has"):
        headless_context(tmp_path, device=device)


def test_model_folders_named_by_the_user_come_first():
    roots = {"HEMLINE_MODELS": os.pathsep.join(["one", "", "two", "one"]), "XDG_DATA_HOME": "data"}
    folders = model_folders(roots)
    assert [path.as_posix() for path in folders["sams"]] == ["one/sams", "two/sams", "data/hemline/models/sams"]
    boxes = [path.as_posix() for path in folders["ultralytics_bbox"]]
    assert boxes[:2] == ["one/ultralytics_bbox", "one/ultralytics/bbox"]


def test_without_variables_models_lie_in_the_users_data_folder():
    (folder,) = model_folders({})["sams"]
    assert folder.as_posix().endswith(".local/share/hemline/models/sams")
    assert folder.is_absolute()


# --- lettering -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("height_px", [8, 12, 40, 200])
def test_letters_are_about_as_high_as_asked(height_px):
    coverage = letter("Ag|", height_px)
    assert coverage.dtype == torch.float32
    assert coverage.dim() == 2
    assert 0 <= coverage.min() and coverage.max() <= 1
    inked = coverage.amax(1).nonzero().flatten()
    assert 0.6 * height_px <= inked[-1] - inked[0] + 1 <= 1.3 * height_px


def test_every_text_has_the_same_height_and_its_own_width():
    assert letter("a", 20).shape[0] == letter("Äg|", 20).shape[0]
    assert letter("coat", 20).shape[1] < letter("coat coat", 20).shape[1]


def test_no_ink_is_cut_off_at_the_edges():
    wide = letter("jW", 60)
    assert wide.sum() > 0
    assert letter("jWj", 60).sum() > wide.sum()


def test_an_empty_text_gives_no_ink():
    assert letter("", 20).sum() == 0
    assert 0 not in letter("", 20).shape


@pytest.mark.parametrize("text", ["a\nb", "a\tb\0", "外套 👗", "\ud800", "é"])
def test_any_text_is_drawn_in_one_line(text):
    assert letter(text, 16).shape[0] == letter("a", 16).shape[0]


@pytest.mark.parametrize("height_px", [0, -3, 100_000])
def test_a_senseless_height_is_told(height_px):
    with pytest.raises(RangeError, match="height_px"):
        letter("a", height_px)


def test_old_pillow_without_a_scalable_font_letters_too(monkeypatch):
    from PIL import ImageFont

    bitmap = getattr(ImageFont, "load_default_imagefont", ImageFont.load_default)()

    def load_default(*sizes):
        if sizes:
            raise TypeError("load_default() takes 0 positional arguments but 1 was given")
        return bitmap

    monkeypatch.setattr(ImageFont, "load_default", load_default)
    assert letter("coat 外", 33).shape[0] == 33
    assert letter("coat", 33).max() > 0.5

"""Folders: the batch tab's two folders, and the step in Extras."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support.contexts import CONTEXT
from support.webui_host import pixels

from hemline.errors import BadFile
from hemline.hosts.webui import batch_tab, extras
from hemline.hosts.webui.batch_tab import mask_folder
from hemline.hosts.webui.mask_settings import MaskSettings
from hemline.hosts.webui.masking import GarmentMask
from hemline.segmentation.garments import Garments

STUB = Path(__file__).resolve().parent / "stub"
SQUARE = (8, 8, 24, 40)


def red_mask(image: torch.Tensor, settings: Any, *, context: Any) -> GarmentMask:
    context.check_cancelled()
    mask = (image[..., 0] > image[..., 1] + 0.4).float()
    found = Garments(image.shape[2], image.shape[1], len(image), (), "red")
    return GarmentMask(mask, found, ("red found" if bool(mask.any()) else "nothing found",), ())


@pytest.fixture(autouse=True)
def red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_tab, "garment_mask", red_mask)
    monkeypatch.setattr(extras, "garment_mask", red_mask)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "spring").mkdir(parents=True)
    for name, dressed in (("a.png", True), ("b.png", False), ("spring/c.jpg", True)):
        image = Image.new("RGB", (32, 48), (110, 120, 130))
        if dressed:
            image.paste((230, 30, 30), SQUARE)
        image.save(folder / name, quality=95)
    return folder


def report(photos: Path, target: Path, **settings: Any) -> list[str]:
    return list(mask_folder(photos, target, MaskSettings(**settings), CONTEXT))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_pictures_and_masks_lie_as_the_hosts_batch_reads_them(photos: Path, tmp_path: Path):
    lines = report(photos, tmp_path / "out", nothing_found="skip")
    assert names(tmp_path / "out" / "input") == names(tmp_path / "out" / "masks") == ["a.png", "spring_c.png"]
    mask = pixels(Image.open(tmp_path / "out" / "masks" / "a.png"))[..., 0]
    assert int(mask[8:40, 8:24].min()) == 255
    assert int(mask.sum()) == 255 * 16 * 32
    assert "2 of 3 photos done" in lines[-2]
    assert "b: left out: nothing found" in lines


def test_masks_are_as_soft_as_they_were_found(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def soft(image: torch.Tensor, settings: Any, *, context: Any) -> GarmentMask:
        found = red_mask(image, settings, context=context)
        return GarmentMask(found.mask / 2, found.garments, found.badges, found.notes)

    monkeypatch.setattr(batch_tab, "garment_mask", soft)
    report(photos, tmp_path / "out")
    assert int(pixels(Image.open(tmp_path / "out" / "masks" / "a.png")).max()) == 128


def test_whole_picture_gives_a_white_mask(photos: Path, tmp_path: Path):
    report(photos, tmp_path / "out", nothing_found="whole picture")
    assert int(pixels(Image.open(tmp_path / "out" / "masks" / "b.png")).min()) == 255


def test_stop_ends_at_the_first_photo_without_anything(photos: Path, tmp_path: Path):
    lines = report(photos, tmp_path / "out", nothing_found="stop")
    assert names(tmp_path / "out" / "input") == ["a.png"]
    assert any(line.startswith("Stopped") for line in lines)


def test_a_damaged_photo_is_told_and_does_not_stop_the_others(photos: Path, tmp_path: Path):
    (photos / "b.png").write_bytes(b"no picture")
    lines = report(photos, tmp_path / "out")
    assert any(line.startswith("b.png: failed") for line in lines)
    assert names(tmp_path / "out" / "input") == ["a.png", "spring_c.png"]


def test_photos_that_would_get_one_name_are_refused(photos: Path, tmp_path: Path):
    (photos / "spring" / "c.jpg").rename(photos / "spring_a.jpg")
    Image.open(photos / "a.png").save(photos / "spring" / "a.png")
    with pytest.raises(BadFile, match="one name"):
        report(photos, tmp_path / "out")


def test_an_empty_folder_is_said(tmp_path: Path):
    with pytest.raises(BadFile, match="holds no photo"):
        report(tmp_path, tmp_path / "out")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The stand-in host's modules."""
    monkeypatch.syspath_prepend(str(STUB))
    monkeypatch.setattr(sys, "argv", ["launch.py"])
    before = {name for name in sys.modules if name.split(".")[0] == "modules"}
    for name in before:
        del sys.modules[name]
    import_module("modules.devices")
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "modules"]:
        del sys.modules[name]


def test_the_tab_reports_after_each_photo(host: None, photos: Path, tmp_path: Path):
    reports = list(batch_tab.run_tab(str(photos), str(tmp_path / "out"), {"nothing_found": "skip"}))
    assert reports[0].startswith("a: red found")
    assert all(later.startswith(f"{earlier}\n") for earlier, later in pairwise(reports))
    assert "2 of 3 photos done" in reports[-1]
    assert import_module("modules.shared").state.job == ""


def test_stop_ends_the_folder_and_what_is_done_stays(host: None, photos: Path, tmp_path: Path):
    def mask_and_stop(image: torch.Tensor, settings: Any, *, context: Any) -> GarmentMask:
        found = red_mask(image, settings, context=context)
        batch_tab.stop_tab()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_tab, "garment_mask", mask_and_stop)
        *_, report = batch_tab.run_tab(str(photos), str(tmp_path / "out"), {})
    assert report.splitlines()[-1].startswith("Interrupted")
    assert names(tmp_path / "out" / "input") == ["a.png"]


def test_stop_leaves_a_generation_alone(host: None):
    state = import_module("modules.shared").state
    state.begin(job="scripts_img2img")
    batch_tab.stop_tab()
    assert not state.interrupted


@pytest.mark.parametrize("source", ["", "{tmp}/nowhere"])
def test_what_goes_wrong_is_a_line_of_the_report(host: None, tmp_path: Path, source: str):
    *_, report = batch_tab.run_tab(source.format(tmp=tmp_path), str(tmp_path / "out"), {})
    assert report.startswith("Error: ")


def test_a_fault_of_ours_does_not_leave_the_page_waiting(
    host: None, monkeypatch: pytest.MonkeyPatch, photos: Path, tmp_path: Path
):
    monkeypatch.setattr(batch_tab, "garment_mask", lambda *args, **kwargs: 1 / 0)
    *_, report = batch_tab.run_tab(str(photos), str(tmp_path / "out"), {})
    assert "ZeroDivisionError" in report


@pytest.fixture
def step(host: None) -> Any:
    """The Extras step of the stand-in host."""
    return extras.postprocessing_class()()


def processed(step: Any, dressed: bool = True, **values: Any) -> Any:
    image = Image.new("RGB", (32, 48), (110, 120, 130))
    if dressed:
        image.paste((230, 30, 30), SQUARE)
    pp = import_module("modules.scripts_postprocessing").PostprocessedImage(image)
    step.process(pp, **{"enabled": True, **values})
    return pp


def test_extras_gives_a_cut_out_a_mask_or_both(step: Any):
    cut = processed(step, output="cut-out")
    assert cut.image.mode == "RGBA"
    assert cut.image.getchannel("A").getbbox() == SQUARE
    assert processed(step, output="mask").image.getbbox() == SQUARE
    both = processed(step, output="picture and mask")
    assert both.extra_images[0].image.getbbox() == SQUARE
    assert both.extra_images[0].nametags == ["mask"]
    assert "red found" in both.info["Hemline found"]


def test_extras_does_nothing_unless_switched_on(step: Any):
    pp = processed(step, enabled=False, output="mask")
    assert pp.image.mode == "RGB"
    assert pp.info == {}


def test_extras_stops_leaves_out_or_takes_all_where_nothing_is_found(step: Any):
    with pytest.raises(ValueError, match="nothing found"):
        processed(step, dressed=False, nothing_found="stop")
    state = import_module("modules.shared").state
    assert not state.skipped
    processed(step, dressed=False, nothing_found="skip")
    assert state.skipped
    white = processed(step, dressed=False, nothing_found="whole picture", output="mask").image
    assert white.getextrema() == (255, 255)


def test_extras_leaves_out_what_was_interrupted(step: Any):
    state = import_module("modules.shared").state
    state.interrupted = True
    processed(step, output="mask")
    assert state.skipped

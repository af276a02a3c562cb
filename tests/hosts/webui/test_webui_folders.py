"""Folders in the pages of the hosts: our tab, Extras, and the host's own Batch tab with our panel and without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from figures import draw_person
from PIL import Image
from support.webui_host import mask_of, painted, pixels
from support.webui_page import BATCH, WebuiPage

from hemline.hosts.pictures import from_bytes, to_bytes

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.xdist_group("folders")]
SIZE = (256, 320)
# What the panel asks for in these tests; all else as usual.
ASKED = {"what": "outfit"}


@pytest.fixture
def photos(tmp_path: Path, wall: Image.Image) -> Path:
    """Two drawn people and an empty wall, of one size."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, seed in (("ann", 3), ("bob", 5)):
        from_bytes(to_bytes(draw_person(480, 360, seed=seed)[0][0])).resize(SIZE).save(folder / f"{name}.png")
    wall.resize(SIZE).save(folder / "wall.png")
    (tmp_path / "out").mkdir()
    return folder


def read(file: Path) -> Image.Image:
    with Image.open(file) as picture:
        picture.load()
        return picture


def by_photo(folder: Path, *names: str) -> dict[str, torch.Tensor]:
    """The pictures in a folder by the photo that they were made of; not all hosts keep its name, but its order."""
    files = sorted(folder.iterdir())
    assert len(files) == len(names)
    return {name: pixels(read(file)) for name, file in zip(names, files, strict=True)}


class TestOurTab:
    def make(self, shown: WebuiPage, photos: Path, nothing_found: str = "skip") -> Path:
        """The folder of what the tab has made of the photos."""
        out = photos.parent / "made"
        shown.go("Hemline")
        shown.type("#hemline_batch_input", str(photos))
        shown.type("#hemline_batch_output", str(out))
        shown.choose("", nothing_found, selector="#hemline_batch_nothing_found")
        report = shown.page.locator("#hemline_batch_report textarea")
        before = report.input_value()
        shown.page.locator("#hemline_batch_start").click()
        shown.wait(lambda: "photos done" in report.input_value() and report.input_value() != before)
        assert "2 of 3 photos done" in report.input_value()
        assert "wall: left out" in report.input_value()
        return out

    def test_it_makes_the_two_folders_of_the_hosts_batch(self, shown: WebuiPage, photos: Path):
        out = self.make(shown, photos)
        for folder in ("input", "masks"):
            assert {file.name for file in (out / folder).iterdir()} == {"ann.png", "bob.png"}
        mask = mask_of(shown.webui, read(photos / "ann.png"), **ASKED)
        assert torch.equal(pixels(read(out / "masks" / "ann.png"))[..., 0], mask)

    def test_the_hosts_batch_repaints_by_them_without_our_panel(self, shown: WebuiPage, photos: Path):
        out = self.make(shown, photos)
        target = photos.parent / "out"
        HostBatch().run(shown, out / "input", target, masks=out / "masks", ticked=False)
        made = by_photo(target, "ann", "bob")
        for name, image in made.items():
            mask = pixels(read(out / "masks" / f"{name}.png"))[..., 0]
            far = mask_of(shown.webui, read(photos / f"{name}.png"), **ASKED, grow=40, protect="nothing") == 0
            assert int((image - pixels(read(photos / f"{name}.png")))[far].abs().amax()) <= 1  # as exact as hosts are
            assert float(painted(image)[mask == 255].float().mean()) > 0.9


class HostBatch:
    """The Batch tab of img2img."""

    def run(
        self, shown: WebuiPage, source: Path, target: Path, *, masks: Path | None = None, ticked: bool = True
    ) -> str:
        shown.open(BATCH)
        folders = shown.page.locator("#img2img_batch_source button", has_text="From directory")
        if folders.count():  # a host that takes uploaded files, too
            folders.click()
        shown.type("#img2img_batch_input_dir", str(source))
        shown.type("#img2img_batch_output_dir", str(target))
        shown.type("#img2img_batch_inpaint_mask_dir", str(masks or ""))
        shown.size(*SIZE)
        shown.tick(ticked)
        return shown.generate()[1]


class TestHostsBatch:
    def run(self, shown: WebuiPage, photos: Path, nothing_found: str) -> dict[str, torch.Tensor]:
        """What lies in the output folder afterwards, by name."""
        shown.open(BATCH)
        shown.choose("nothing_found", nothing_found)
        target = photos.parent / "out"
        HostBatch().run(shown, photos, target)
        return by_photo(target, "ann", "bob", "wall")

    def each_has_its_own_mask(self, shown: WebuiPage, photos: Path, made: dict[str, torch.Tensor]) -> None:
        for name in ("ann", "bob"):
            photo = read(photos / f"{name}.png")
            mask = mask_of(shown.webui, photo, **ASKED)
            assert torch.equal(made[name][mask == 0], pixels(photo)[mask == 0])
            assert bool(painted(made[name])[mask == 255].all())

    def test_each_file_has_its_own_mask_and_an_empty_one_comes_out_as_it_was(self, shown: WebuiPage, photos: Path):
        made = self.run(shown, photos, "skip")
        self.each_has_its_own_mask(shown, photos, made)
        assert torch.equal(made["wall"], pixels(read(photos / "wall.png")))

    def test_the_mask_of_a_picture_does_not_hold_for_the_next_that_is_repainted_whole(
        self, shown: WebuiPage, photos: Path
    ):
        made = self.run(shown, photos, "whole picture")
        self.each_has_its_own_mask(shown, photos, made)
        assert bool(painted(made["wall"]).all())


class TestExtras:
    def open(self, shown: WebuiPage, tab: str, output: str, nothing_found: str = "stop") -> None:
        page = shown.page
        shown.go("Extras")
        page.locator("#mode_extras button", has_text=tab).first.click()
        if not page.locator("#hemline_extras_output:visible").count():
            page.locator("#hemline_extras .label-wrap").first.click()
        page.locator("#hemline_extras_enabled input").set_checked(True)
        shown.choose("", output, selector="#hemline_extras_output")
        shown.choose("", nothing_found, selector="#hemline_extras_nothing_found")

    def run(self, shown: WebuiPage) -> list[Image.Image]:
        """The pictures in the gallery."""
        before = self.seen(shown)
        shown.page.locator("#extras_generate").click()
        shown.wait(lambda: self.seen(shown) != before)
        shown.page.wait_for_timeout(1500)
        return shown.results("extras")

    def seen(self, shown: WebuiPage) -> list[str]:
        return [shown.said("html_info_extras"), shown.said("html_log_extras")]

    def test_a_single_picture_becomes_a_cut_out(self, shown: WebuiPage, photos: Path):
        photo = read(photos / "ann.png")
        self.open(shown, "Single Image", "cut-out")
        shown.upload("extras_image", photo)
        made = self.run(shown)[0]
        assert made.mode == "RGBA"
        mask = mask_of(shown.webui, photo, **ASKED)
        assert torch.equal(torch.from_numpy(_alpha(made)), mask)
        assert torch.equal(pixels(made)[mask == 255], pixels(photo)[mask == 255])

    @pytest.mark.parametrize("output", ["mask", "overlay", "picture and mask"])
    def test_a_folder_becomes_files_without_the_photo_of_nothing(self, shown: WebuiPage, photos: Path, output: str):
        target = photos.parent / "out"
        self.open(shown, "Batch from Directory", output, "skip")
        shown.type("#extras_batch_input_dir", str(photos))
        shown.type("#extras_batch_output_dir", str(target))
        shown.page.locator("#extras_generate").click()
        wanted = 4 if output == "picture and mask" else 2
        # What the page says of two folders may be the same words.
        shown.wait(lambda: len(list(target.glob("*"))) >= wanted)
        shown.page.wait_for_timeout(1500)
        files = sorted(target.iterdir())
        assert len(files) == wanted
        first = pixels(read(files[0]))
        photo = read(photos / "ann.png")
        mask = mask_of(shown.webui, photo, **ASKED)
        if output == "mask":
            assert torch.equal(first[..., 0], mask)
        elif output == "overlay":
            assert first.shape == pixels(photo).shape
            assert 0.02 < float((first != pixels(photo)).any(-1).float().mean()) < 0.9
        else:
            shown_both = [pixels(read(file)) for file in files[:2]]
            assert any(torch.equal(one, pixels(photo)) for one in shown_both)
            assert any(torch.equal(one[..., 0], mask) for one in shown_both)

    def test_stop_says_so(self, shown: WebuiPage, photos: Path):
        self.open(shown, "Single Image", "cut-out")
        shown.upload("extras_image", read(photos / "wall.png"))
        shown.page.locator("#extras_generate").click()
        shown.wait(lambda: "nothing found" in shown.said("html_log_extras"))


def _alpha(picture: Image.Image) -> Any:
    from numpy import asarray

    return asarray(picture.getchannel("A")).astype("int32")

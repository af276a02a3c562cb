"""The panel, its buttons and the Generate button in the pages of the hosts."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
import torch
from support.webui_host import Host, mask_of, painted, pixels
from support.webui_page import IMG2IMG, INPAINT, WebuiPage

from hemline.hosts.webui.mask_settings import NAMES

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.xdist_group("panel")]
TOPS = {"what": "tops", "grow": 8, "feather": 16}


def look(shown: WebuiPage, name: str) -> None:
    """A picture of the page, for looking at it by hand."""
    if folder := os.environ.get("WEBUI_PICTURES"):
        shown.page.screenshot(path=f"{folder}/{name}_{shown.webui.name.replace(' ', '_')}.png", full_page=True)


class TestPanel:
    def test_is_in_both_tabs_with_every_setting(self, shown: WebuiPage):
        for kind in ("txt2img", "img2img"):
            ids = f"[...document.querySelectorAll('[id^=script_{kind}_hemline_]')].map((e) => e.id)"
            there = {name.rpartition("hemline_")[2] for name in shown.page.evaluate(ids)}
            hidden = {"denoising", "prompt"} if kind == "img2img" else set[str]()
            assert set(NAMES) - there <= hidden

    def test_preview_shows_mask_and_badge(self, shown: WebuiPage, person: Any):
        shown.upload("img2img_image", person)
        assert "method: parser" in shown.badge()
        shown.page.locator(f"{shown.id('picture')} img").first.wait_for()
        look(shown, "preview")

    def test_send_fills_inpaint_upload_and_shows_it(self, shown: WebuiPage, person: Any):
        shown.upload("img2img_image", person)
        shown.badge("send")
        shown.page.locator("#img_inpaint_mask img").first.wait_for()
        shown.page.locator("#img_inpaint_base img").first.wait_for()
        shown.page.wait_for_function("get_tab_index('mode_img2img') === 4")

    def test_a_tab_without_a_picture_says_so(self, shown: WebuiPage):
        shown.open(INPAINT)
        assert "holds no picture" in shown.badge()

    def test_the_settings_page_the_batch_tab_and_the_step_in_extras_are_there(self, shown: WebuiPage):
        for part in ("#setting_hemline_device", "#hemline_batch_start", "#hemline_extras_output"):
            assert shown.page.locator(part).count() == 1


class TestGenerate:
    """The host's own Generate button, with the panel ticked."""

    def start(self, shown: WebuiPage, person: Any) -> None:
        shown.open(IMG2IMG)
        shown.upload("img2img_image", person)
        shown.size()
        shown.tick()

    def test_the_garment_is_repainted_and_the_text_below_says_how(self, shown: WebuiPage, person: Any):
        self.start(shown, person)
        shown.choose("what", "tops")
        pictures, text = shown.generate()
        look(shown, "generated")
        assert re.search(r"Hemline: what = tops", text)
        assert "Hemline found" in text
        image, mask = pixels(pictures[0]), mask_of(shown.webui, person, **TOPS)
        assert torch.equal(image[mask == 0], pixels(person)[mask == 0])
        assert bool(painted(image)[mask == 255].all())

    def test_what_goes_wrong_is_shown_in_place_of_a_picture(self, shown: WebuiPage, person: Any, wall: Any):
        self.start(shown, wall)
        pictures, text = shown.generate()
        look(shown, "nothing")
        assert pictures == []
        assert "nothing to repaint" in text

    def test_reading_the_parameters_of_the_last_one_brings_the_settings_back(self, shown: WebuiPage, person: Any):
        self.start(shown, person)
        shown.choose("what", "bottoms")
        shown.number(shown.id("grow"), 3)
        shown.generate()
        shown.choose("what", "outfit")
        shown.number(shown.id("grow"), 20)
        shown.tick(on=False)
        self.read_parameters(shown)
        assert shown.ticked()
        assert shown.chosen("what") == "bottoms"
        assert float(shown.page.locator(f"{shown.id('grow')} input[type=number]").first.input_value()) == 3

    def read_parameters(self, shown: WebuiPage, text: str = "") -> None:
        """The button that reads an infotext in the prompt, or the last generation's where the prompt is empty."""
        shown.type(f"#{shown.kind}_prompt", text)
        shown.page.locator(f"#{shown.kind}_tools #paste").click()
        shown.wait(shown.ticked)
        shown.page.wait_for_timeout(1000)

    def test_txt2img_does_a_second_pass(self, page: Any, webui: Host, person: Any, tmp_path: Any):
        shown = WebuiPage(page, webui, tmp_path, "txt2img")
        person.resize((256, 320)).save(tmp_path / "drawn.png")
        shown.open()
        shown.type("#txt2img_prompt", str(tmp_path / "drawn.png"))
        shown.size()
        shown.tick()
        shown.choose("what", "tops")
        page.locator(f"{shown.id('panel')} .label-wrap", has_text="Detection and edges").click()
        shown.choose("detector", "heuristic")  # what the stand-in draws is blurred
        pictures, text = shown.generate()
        look(shown, "txt2img")
        assert "Hemline: what = tops" in text
        assert "Hemline found" in text
        assert pictures[0].size == (256, 320)
        assert 0.02 < float(painted(pixels(pictures[0])).float().mean()) < 0.5

    def test_txt2img_reads_the_settings_of_the_second_pass_from_an_infotext(
        self, page: Any, webui: Host, tmp_path: Any
    ):
        shown = WebuiPage(page, webui, tmp_path, "txt2img")
        shown.open()
        shown.choose("what", "outfit")
        shown.tick(on=False)
        told = "Hemline: what = footwear; nothing_found = skip; denoising = 0.5"
        self.read_parameters(shown, f"boots\nSteps: 7, Sampler: Euler a, CFG scale: 5, Seed: 42, Size: 384x448, {told}")
        assert shown.ticked()
        assert (shown.chosen("what"), shown.chosen("nothing_found")) == ("footwear", "skip")
        assert float(page.locator(f"{shown.id('denoising')} input[type=number]").first.input_value()) == 0.5

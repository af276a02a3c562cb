"""One contract on every host: the stand-in on real gradio 3 and 4, and real A1111 and Forge where they are named.

The stand-in paints everything one colour and shifts the tone of all that it gives out, so what is not put back exactly
is seen at once.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support.webui_host import Host, from_text, pixels, request_of, to_text
from torch import Tensor

from hemline.hosts.webui.settings import NAMES, MaskSettings

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
PAINT = torch.tensor((0.9, 0.1, 0.6)) * 255


def mask_of(webui: Host, picture: Image.Image, **settings: Any) -> Tensor:
    """Levels ``[H,W]`` of the mask that the API gives for these settings."""
    answer = webui.ask("/hemline/v1/mask", {"image": to_text(picture), "settings": settings})
    return pixels(from_text(answer["mask"]))[..., 0]


def painted(image: Tensor) -> Tensor:
    """Where the stand-in's colour is, tone aside."""
    return (image - PAINT).abs().amax(-1) < 60


class TestGeneration:
    def test_only_the_garment_is_repainted_and_all_else_is_bit_for_bit_the_source(self, webui: Host, person: Any):
        settings = {"what": "tops", "grow": 4, "feather": 8}
        image, source = webui.img2img(person, settings).image, pixels(person)
        mask = mask_of(webui, person, **settings)
        assert 0.02 < float((mask > 0).float().mean()) < 0.5
        assert torch.equal(image[mask == 0], source[mask == 0])
        assert bool(painted(image)[mask == 255].all())

    def test_the_edge_is_soft(self, webui: Host, person: Any):
        settings = {"what": "tops", "grow": 4, "feather": 20, "match_colours": "none"}
        image, source = webui.img2img(person, settings).image.float(), pixels(person).float()
        mask = mask_of(webui, person, **settings)
        inside = image[mask == 255].mean(0)
        share = ((image - source) * (inside - source)).sum(-1) / (inside - source).square().sum(-1)
        for low, high in ((40, 90), (90, 160), (160, 220)):
            band = (mask > low) & (mask < high)
            assert abs(float(share[band].mean()) - float(mask[band].float().mean()) / 255) < 0.05

    def test_a_whole_picture_generation_comes_out_at_its_own_size(self, webui: Host, person: Any):
        done = webui.img2img(person, {"area": "whole picture", "protect": "nothing"})
        assert done.pictures[0].size == (256, 320)
        resized = pixels(person.resize((256, 320), Image.Resampling.LANCZOS))
        far = mask_of(webui, person, grow=24, feather=40, protect="nothing")
        kept = pixels(Image.fromarray(far.byte().numpy()).resize((256, 320)))[..., 0] == 0
        assert torch.equal(done.image[kept], resized[kept])

    def test_a_shift_of_tone_is_undone(self, webui: Host, person: Any):
        def lightest(match: str) -> float:
            image = webui.img2img(person, {"what": "tops", "match_colours": match}).image
            return float((image[painted(image)].float().mean(0) - PAINT).abs().max())

        assert lightest("mean and std") < 0.6 * lightest("none")

    def test_every_picture_of_a_batch_is_done(self, webui: Host, person: Any):
        done = webui.img2img(person, {"what": "tops"}, batch_size=2)
        assert len(done.pictures) >= 2
        first, second = (pixels(picture) for picture in done.pictures[-2:])
        assert torch.equal(first, second)

    def test_each_source_picture_of_a_batch_has_a_mask_of_its_own(self, webui: Host, person: Any):
        mirrored = person.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        moved = Image.new("RGB", person.size, (200, 205, 208))
        moved.paste(mirrored.crop((0, 0, person.width - 60, person.height)), (60, 0))
        request = request_of({"what": "tops"}, init_images=[to_text(person), to_text(moved)], batch_size=2)
        answer = webui.ask("/sdapi/v1/img2img", request)
        for text, source in zip(answer["images"][-2:], (person, moved), strict=True):
            mask = mask_of(webui, source, what="tops")
            assert torch.equal(pixels(from_text(text))[mask == 0], pixels(source)[mask == 0])
            assert bool(painted(pixels(from_text(text)))[mask == 255].all())

    def test_a_drawn_mask_is_used_as_the_panel_says(self, webui: Host, person: Any):
        hand = Image.new("L", person.size, 0)
        hand.paste(255, (20, 20, 60, 60))
        common = {"grow": 0, "feather": 0, "protect": "nothing", "match_colours": "none"}
        corner = {
            way: bool(painted(webui.img2img(person, {"drawn": way, **common}, mask=to_text(hand)).image)[40, 40])
            for way in ("replace", "add", "subtract")
        }
        assert corner == {"replace": False, "add": True, "subtract": False}

    def test_it_leaves_alone_what_it_is_not_asked_to_do(self, webui: Host, person: Any):
        done = webui.generate("img2img", [], init_images=[to_text(person)])
        assert "Hemline" not in done.infotext
        assert bool(painted(done.image).all())

    def test_txt2img_paints_the_garment_in_a_second_pass(self, webui: Host, person: Any, tmp_path: Path):
        file = tmp_path / "drawn.png"
        person.resize((256, 320)).save(file)
        fields = {"prompt": str(file), "width": 256, "height": 320}
        first = webui.generate("txt2img", [], **fields)
        settings = {"what": "tops", "detector": "heuristic", "feather": 8, "match_colours": "none"}
        done = webui.generate("txt2img", settings, **fields)
        mask = mask_of(webui, first.pictures[0], **settings)
        assert "Hemline found" in done.infotext
        assert torch.equal(done.image[mask == 0], first.image[mask == 0])
        assert float(painted(done.image)[mask == 255].float().mean()) > 0.95


class TestNothingFound:
    def test_stop_is_an_error_that_says_so(self, webui: Host, wall: Any):
        code, text = webui.refusal("/sdapi/v1/img2img", request_of({}, init_images=[to_text(wall)]))
        assert code == 500
        assert "nothing to repaint" in text
        assert "on nothing found: stop" in text

    def test_skip_hands_the_picture_out_unchanged_and_says_so(self, webui: Host, wall: Any):
        done = webui.img2img(wall, {"nothing_found": "skip"})
        assert torch.equal(done.image, pixels(wall))
        assert "nothing found" in done.infotext

    def test_whole_picture_repaints_all_and_says_so(self, webui: Host, wall: Any):
        done = webui.img2img(wall, {"nothing_found": "whole picture"})
        assert bool(painted(done.image).all())
        assert "nothing found" in done.infotext

    def test_after_it_the_host_goes_on_as_before(self, webui: Host, person: Any, wall: Any):
        webui.refusal("/sdapi/v1/img2img", request_of({}, init_images=[to_text(wall)]))
        assert "Hemline found" in webui.img2img(person, {}).infotext


class TestSettings:
    def test_a_list_and_a_dict_do_the_same(self, webui: Host, person: Any):
        values = {name: getattr(MaskSettings(what="tops", enabled=True), name) for name in NAMES}
        by_list = webui.img2img(person, list(values.values()))
        assert torch.equal(by_list.image, webui.img2img(person, {"what": "tops"}).image)

    @pytest.mark.parametrize("wrong", [{"whta": "tops"}, {"what": "skin"}, {"grow": 10000}, {"detector": "../x.pt"}])
    def test_what_is_wrong_reaches_the_user_in_place_of_a_picture_without_a_mask(
        self, webui: Host, person: Any, wrong: dict[str, Any]
    ):
        code, text = webui.refusal("/sdapi/v1/img2img", request_of(wrong, init_images=[to_text(person)]))
        assert code == 500
        assert next(iter(wrong)) in text or str(next(iter(wrong.values()))) in text

    def test_an_infotext_brings_the_settings_back(self, webui: Host, person: Any):
        settings = {"what": "tops", "grow": 12, "parts": "hands 4 soft 6; hair", "match_colours": "none"}
        done = webui.img2img(person, settings)
        text = re.sub(r"Model( hash)?: [^,]*, ", "", done.infotext)  # no host finds the stand-in among its files
        request = request_of([], init_images=[to_text(person)], infotext=text)
        again = webui.ask("/sdapi/v1/img2img", request)
        assert torch.equal(pixels(from_text(again["images"][0])), done.image)


class TestApi:
    def test_version_tells_every_setting(self, webui: Host):
        assert set(webui.ask("/hemline/v1/version")["settings"]) == set(NAMES)

    def test_models_tells_what_can_be_chosen(self, webui: Host):
        known = webui.ask("/hemline/v1/models")
        assert "shipped parser" in known["detectors"]
        assert "long sleeve" in known["target_cuts"]
        assert "skin" not in known["what"]

    def test_mask_gives_mask_overlay_and_badge(self, webui: Host, person: Any):
        answer = webui.ask(
            "/hemline/v1/mask", {"image": to_text(person), "overlay": True, "settings": {"what": "tops"}}
        )
        assert answer["found"]
        assert "method: parser" in answer["badges"][0]
        assert from_text(answer["mask"]).size == from_text(answer["overlay"]).size == person.size

    def test_detect_gives_each_garment(self, webui: Host, person: Any):
        answer = webui.ask("/hemline/v1/detect", {"image": to_text(person)})
        assert {"upper", "pants"} <= {garment["label"] for garment in answer["garments"]}
        assert all(garment["polygons"] for garment in answer["garments"])

    def test_what_is_cropped_stitches_back_to_the_picture(self, webui: Host, person: Any):
        mask = webui.ask("/hemline/v1/mask", {"image": to_text(person)})["mask"]
        crop = webui.ask("/hemline/v1/crop", {"image": to_text(person), "mask": mask, "target": "SD 1.5"})
        body = {"image": to_text(person), "mask": mask, "crop": crop["image"], "box": crop["box"]}
        whole = pixels(from_text(webui.ask("/hemline/v1/stitch", {**body, "match_colours": "none"})["image"]))
        outside = pixels(from_text(mask))[..., 0] == 0
        assert torch.equal(whole[outside], pixels(person)[outside])
        assert float((whole - pixels(person)).abs().float().mean()) < 2

    def test_nothing_found_is_an_answer(self, webui: Host, wall: Any):
        answer = webui.ask("/hemline/v1/mask", {"image": to_text(wall)})
        assert not answer["found"]
        assert "nothing found" in answer["badges"][0]

    @pytest.mark.parametrize(
        ("route", "body", "said"),
        [
            ("mask", {"image": "no picture"}, "base64"),
            ("mask", {}, "image"),
            ("mask", {"image": "", "colour": "red"}, "colour"),
            ("mask", {"image": "", "settings": {"what": "skin"}}, "what"),
            ("mask", {"image": "", "settings": {"grow": 1e9}}, "grow"),
            ("crop", {"image": "", "mask": "", "width": 100000}, "width"),
            ("stitch", {"image": "", "mask": "", "crop": "", "box": "everywhere"}, "box"),
        ],
    )
    def test_a_wrong_request_is_refused_with_the_reason(self, webui: Host, route: str, body: object, said: str):
        code, text = webui.refusal(f"/hemline/v1/{route}", body)
        assert code == 422
        assert said in text

    def test_a_box_far_outside_is_refused(self, webui: Host, wall: Any):
        text = to_text(wall)
        body = {"image": text, "mask": text, "crop": text, "box": [0, 0, 10**6, 10**6]}
        assert webui.refusal("/hemline/v1/stitch", body)[0] == 422

    def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(self, webui: Host):
        code, said = webui.refusal("/hemline/v1/mask", {"image": to_text(Image.new("1", (9000, 9000)))})
        assert code == 413
        assert "9000x9000" in said

    def test_the_schema_is_published(self, webui: Host):
        schema = webui.ask("/openapi.json")
        assert {f"/hemline/v1/{name}" for name in ("mask", "detect", "crop", "stitch", "models", "version")} <= set(
            schema["paths"]
        )
        settings = schema["components"]["schemas"]["HemlineSettings"]["properties"]
        assert set(settings) == set(NAMES)
        assert all(entry.get("description") or entry.get("type") for entry in settings.values())


def test_the_api_asks_for_name_and_password_where_the_host_does(guarded: Host):
    for route in ("version", "models"):
        assert guarded.refusal(f"/hemline/v1/{route}")[0] == 401
        assert guarded.refusal(f"/hemline/v1/{route}", user="ann:thread")[0] == 401
        assert guarded.refusal(f"/hemline/v1/{route}", user="eve:")[0] == 401
        assert guarded.ask(f"/hemline/v1/{route}", user="bob:thread")
    assert guarded.refusal("/hemline/v1/mask", {"image": ""})[0] == 401


class TestPage:
    """The panel as a browser shows it."""

    PANEL = "#script_img2img_hemline_panel"

    def id(self, name: str) -> str:
        return f"#script_img2img_hemline_{name}"

    def open(self, page: Any, webui: Host, person: Any, folder: Path) -> None:
        page.evaluate("document.querySelector('#tabs').querySelectorAll('button')[1].click()")
        page.evaluate("switch_to_img2img_tab(0)")
        file = folder / "person.png"
        person.save(file)
        if not page.locator(f"{self.id('preview')}:visible").count():
            page.locator(f"{self.PANEL} .label-wrap").first.click()
        page.locator("#img2img_image input[type=file]").first.set_input_files(str(file))
        page.locator("#img2img_image img").first.wait_for()
        page.wait_for_timeout(1500)  # until the host has the file

    def badge(self, page: Any, press: str) -> str:
        """What the panel says after a button was pressed."""
        field = page.locator(f"{self.id('badge')} textarea")
        before = field.input_value()
        page.locator(self.id(press)).click()
        page.wait_for_function(
            "([id, before]) => { const now = document.querySelector(id).value; return now && now !== before; }",
            arg=[f"{self.id('badge')} textarea", before],
        )
        return field.input_value()

    def test_the_panel_is_in_both_tabs_with_every_setting(self, page: Any, webui: Host):
        for kind in ("txt2img", "img2img"):
            there = page.evaluate(f"[...document.querySelectorAll('[id^=script_{kind}_hemline_]')].map((e) => e.id)")
            shown = {name.rpartition("hemline_")[2] for name in there}
            hidden = {"denoising", "prompt"} if kind == "img2img" else set[str]()
            assert set(NAMES) - shown <= hidden

    def test_preview_shows_mask_and_badge(self, page: Any, webui: Host, person: Any, tmp_path: Path):
        self.open(page, webui, person, tmp_path)
        assert "method: parser" in self.badge(page, "preview")
        page.locator(f"{self.id('picture')} img").first.wait_for()
        if folder := os.environ.get("WEBUI_PICTURES"):  # for looking at it by hand
            page.locator(self.PANEL).screenshot(path=f"{folder}/{webui.name.replace(' ', '_')}.png")

    def test_send_fills_inpaint_upload_and_shows_it(self, page: Any, webui: Host, person: Any, tmp_path: Path):
        self.open(page, webui, person, tmp_path)
        page.locator(self.id("send")).click()
        page.locator("#img_inpaint_mask img").first.wait_for()
        page.locator("#img_inpaint_base img").first.wait_for()
        page.wait_for_function("get_tab_index('mode_img2img') === 4")

    def test_a_tab_without_a_picture_says_so(self, page: Any, webui: Host):
        page.evaluate("switch_to_img2img_tab(2)")
        assert "holds no picture" in self.badge(page, "preview")

    def test_generate_with_the_panel_ticked(self, page: Any, webui: Host, person: Any, tmp_path: Path):
        if webui.real:
            pytest.skip("the real hosts' own buttons are theirs; their API is used instead")
        self.open(page, webui, person, tmp_path)
        page.locator(f"{self.id('enabled')} input").check()
        page.locator("#img2img_generate").click()
        field = "#img2img_infotext textarea"
        page.wait_for_function("(id) => document.querySelector(id).value", arg=field)
        text = page.locator(field).input_value()
        assert re.search(r"Hemline: what = outfit", text)
        page.locator(f"{self.id('enabled')} input").uncheck()
        page.locator("#img2img_paste").click()
        page.wait_for_function(f"document.querySelector('{self.id('enabled')} input').checked")

    def test_the_batch_tab_makes_the_two_folders_of_the_hosts_batch(
        self, page: Any, webui: Host, person: Any, tmp_path: Path
    ):
        (tmp_path / "photos").mkdir()
        person.save(tmp_path / "photos" / "ann.png")
        page.evaluate(
            "[...document.querySelectorAll('#tabs button')].find((tab) => tab.textContent.trim() === 'Hemline').click()"
        )
        page.locator("#hemline_batch_input textarea").fill(str(tmp_path / "photos"))
        page.locator("#hemline_batch_output textarea").fill(str(tmp_path / "out"))
        page.locator("#hemline_batch_start").click()
        page.wait_for_function("document.querySelector('#hemline_batch_report textarea').value")
        assert "1 of 1 photos done" in page.locator("#hemline_batch_report textarea").input_value()
        assert (tmp_path / "out" / "input" / "ann.png").is_file()
        assert (tmp_path / "out" / "masks" / "ann.png").is_file()

    def test_the_settings_page_and_the_batch_tab_are_there(self, page: Any, webui: Host):
        assert page.locator("#setting_hemline_device").count() == 1
        assert page.locator("#hemline_batch_start").count() == 1
        assert page.locator("#hemline_extras_output").count() == 1

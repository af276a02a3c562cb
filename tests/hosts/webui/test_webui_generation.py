"""A generation on every host: the stand-in on real gradio 3 and 4, and real A1111 and Forge where they are named.

The stand-in paints everything one colour and shifts the tone of all that it gives out, so what is not put back exactly
is seen at once.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support.webui_host import PAINT, Host, from_text, mask_of, painted, pixels, request_of, to_text

from hemline.hosts.webui.mask_settings import NAMES, MaskSettings

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


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

    def test_the_second_pass_leaves_the_hosts_options_as_they_were(self, webui: Host, person: Any):
        fields = {"mask": to_text(mask_picture(person)), "inpaint_full_res": True, "inpaint_full_res_padding": 8}
        webui.generate("txt2img", {"nothing_found": "whole picture"}, width=64, height=64)
        done = webui.generate("img2img", [], init_images=[to_text(person)], **fields)
        assert done.pictures[0].size == person.size
        assert int((done.image[:100] - pixels(person)[:100]).abs().amax()) <= 1


def mask_picture(picture: Image.Image) -> Image.Image:
    """A square in the lower half, drawn by hand."""
    mask = Image.new("L", picture.size, 0)
    mask.paste(255, (120, 300, 240, 420))
    return mask


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

    def test_an_infotext_brings_the_settings_of_the_second_pass_back(self, webui: Host):
        if webui.real and not webui.old:
            pytest.skip("Forge's own API raises a TypeError for any infotext of txt2img (a field of type list[str])")
        text = "a coat\nSteps: 2, Size: 64x64, Hemline: what = tops; detector = heuristic; nothing_found = skip"
        done = webui.generate("txt2img", [], width=64, height=64, infotext=text)
        assert "Hemline: what = tops; detector = heuristic; nothing_found = skip" in done.infotext

    def test_an_infotext_brings_the_settings_back(self, webui: Host, person: Any):
        settings = {"what": "tops", "grow": 12, "parts": "hands 4 soft 6; hair", "match_colours": "none"}
        done = webui.img2img(person, settings)
        text = re.sub(r"Model( hash)?: [^,]*, ", "", done.infotext)  # no host finds the stand-in among its files
        request = request_of([], init_images=[to_text(person)], infotext=text)
        again = webui.ask("/sdapi/v1/img2img", request)
        assert torch.equal(pixels(from_text(again["images"][0])), done.image)

"""The API on every host: what it answers, what it refuses, who may ask."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from PIL import Image
from support.webui_host import Host, from_text, pixels, to_text

from hemline.hosts.webui.mask_settings import NAMES

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


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


class TestGuarded:
    def test_the_api_asks_for_name_and_password_where_the_host_does(self, guarded: Host):
        for route in ("version", "models"):
            assert guarded.refusal(f"/hemline/v1/{route}")[0] == 401
            assert guarded.refusal(f"/hemline/v1/{route}", user="ann:thread")[0] == 401
            assert guarded.refusal(f"/hemline/v1/{route}", user="eve:")[0] == 401
            assert guarded.ask(f"/hemline/v1/{route}", user="bob:thread")
        assert guarded.refusal("/hemline/v1/mask", {"image": ""})[0] == 401

    def test_it_does_as_the_hosts_own(self, guarded: Host):
        for path in ("/sdapi/v1/progress", "/hemline/v1/version"):
            assert guarded.refusal(path)[0] == 401
            assert guarded.refusal(path, user="eve:page")[0] == 401
            assert guarded.ask(path, user="ann:needle")

    def test_the_name_for_the_page_opens_the_page_only(self, guarded: Host):
        assert guarded.refusal("/config")[0] == 401
        assert guarded.refusal("/config", user="ann:needle")[0] == 401
        assert guarded.refusal("/hemline/v1/version", user="eve:page")[0] == 401

"""The API's records: the models that hosts check by, and the reference page."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from hemline.hosts.webui.api import ROUTES
from hemline.hosts.webui.api_models import RECORDS, REQUIRED, models
from hemline.hosts.webui.mask_settings import NAMES

ROOT = Path(__file__).parents[3]


def test_the_reference_page_is_what_the_routes_declare():
    spec = importlib.util.spec_from_file_location("make_webui_api", ROOT / "docs" / "make_webui_api.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), "run python docs/make_webui_api.py"


def test_every_route_names_records_that_there_are():
    assert all(route.answer in RECORDS and (not route.request or route.request in RECORDS) for route in ROUTES)


def test_the_settings_are_those_of_the_panel():
    assert set(RECORDS["HemlineSettings"]) == set(NAMES)


class TestModels:
    @pytest.fixture
    def made(self) -> dict[str, Any]:
        pytest.importorskip("pydantic", reason="needs pydantic, which every WebUI has")
        return models()

    @pytest.mark.parametrize("name", RECORDS)
    def test_what_must_be_given_is_refused_when_it_is_not(self, made: dict[str, Any], name: str):
        needed = {field for field, of in RECORDS[name].items() if of.default is REQUIRED}
        if not needed:
            made[name]()
            return
        with pytest.raises(ValueError, match=min(needed)):
            made[name]()

    @pytest.mark.parametrize("name", RECORDS)
    def test_other_names_are_refused(self, made: dict[str, Any], name: str):
        with pytest.raises(ValueError, match="hue"):
            made[name](hue=1)

    @pytest.mark.parametrize(("setting", "wrong"), [("grow", 1e9), ("what", "skin"), ("number", 0), ("composite", 5)])
    def test_wrong_values_are_refused(self, made: dict[str, Any], setting: str, wrong: object):
        with pytest.raises(ValueError, match=setting):
            made["HemlineSettings"](**{setting: wrong})

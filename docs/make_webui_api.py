"""Writes docs/webui_api.md, the reference of the WebUI extension's API, from what the routes declare.

python docs/make_webui_api.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from hemline.hosts.webui.api import ROUTES
from hemline.hosts.webui.api_models import MOST_PIXELS, RECORDS, REQUIRED, Field, Record

PAGE = Path(__file__).resolve().parent / "webui_api.md"
SETTINGS = "HemlineSettings"
_JSON = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
HEAD = f"""# The API of Hemline in Stable Diffusion WebUI

Made by `python docs/make_webui_api.py`; [webui.md](webui.md) says how to use it. A running host shows
the same under `/docs`.

Bodies and answers are JSON. Pictures are base64 of PNG, JPEG or WebP, at most {MOST_PIXELS // 10**6} million pixels;
answers hold PNG. What is wrong is answered with 422 and the reason, what is too large with 413, a wrong name or
password with 401. A field without a default must be given; other names than these are refused.
"""


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The page as Markdown."""
    return "\n".join((HEAD, *(line for route in ROUTES for line in _route(route)), *_settings()))


def _route(route: Any) -> Iterator[str]:
    yield f"## {route.method} {route.path}\n\n{route.says}\n"
    if route.request:
        yield "Takes:\n"
        yield from _table(RECORDS[route.request])
    yield "Gives:\n"
    yield from _table(RECORDS[route.answer], given=True)


def _settings() -> Iterator[str]:
    yield "## Settings\n"
    yield "In the field `settings` of a request, and in `args` of a generation, where `enabled` counts.\n"
    yield from _table(RECORDS[SETTINGS])


def _table(record: Record, *, given: bool = False) -> Iterator[str]:
    yield "| field | type | |" if given else "| field | type | default | values | |"
    yield "|---|---|---|" if given else "|---|---|---|---|---|"
    for name, field in record.items():
        cells = (name, _type(field), field.says) if given else (name, _type(field), *_value(field), field.says)
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
    yield ""


def _type(field: Field) -> str:
    """In JSON's words."""
    if isinstance(field.type, str):
        return "object"
    kind = get_origin(field.type) or field.type
    inner = get_args(field.type) if kind is list else ()
    return f"{_JSON[kind]} of {_JSON[get_origin(inner[0]) or inner[0]]}s" if inner else _JSON[kind]


def _value(field: Field) -> tuple[str, str]:
    """Default and permitted values."""
    default = "" if field.default is REQUIRED else f"`{json.dumps(field.default)}`"
    if field.choices:
        return default, ", ".join(f"`{choice}`" for choice in field.choices)
    return default, "" if field.low is None else f"{field.low:g} to {field.high:g}"


if __name__ == "__main__":
    main()

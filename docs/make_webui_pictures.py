"""Takes the panel's pictures for docs/webui.md, on gradio 3 and gradio 4, with a drawn person in the stand-in host.

python docs/make_webui_pictures.py   (needs Chromium, hemline[test] and the two environments of `bash .ci/webui FOLDER`:
HEMLINE_GRADIO3=FOLDER/gradio3/bin/python HEMLINE_GRADIO4=FOLDER/gradio4/bin/python)
"""

from __future__ import annotations

import importlib
import io
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pictures.scenes import sweater
from PIL import Image

from hemline.hosts.pictures import from_bytes, to_bytes

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests"))
PANEL, NAME = "#script_img2img_hemline_panel", "#script_img2img_hemline"
WIDTH_PX, QUALITY, LARGEST_BYTES = 720, 85, 100_000


def main() -> None:
    """Writes docs/webui_gradio3.webp and docs/webui_gradio4.webp."""
    from support.frontend import chromium
    from support.webui_host import STUBS, started

    for name in STUBS:
        with (
            tempfile.TemporaryDirectory() as folder,
            contextmanager(started)(name, Path(folder), []) as host,
            chromium(importlib.import_module("playwright.sync_api")) as browser,
        ):
            page = browser.new_page(viewport={"width": WIDTH_PX, "height": 1600})
            page.goto(host.url)
            target = DOCS / f"webui_{name.replace(' ', '')}.webp"
            Image.open(io.BytesIO(shot(page, Path(folder)))).convert("RGB").save(target, quality=QUALITY, method=6)
            page.close()
        assert target.stat().st_size < LARGEST_BYTES, f"{target.name} has {target.stat().st_size} bytes"


def shot(page: Any, folder: Path) -> bytes:
    """The panel after a preview, as PNG."""
    photo = folder / "photo.png"
    from_bytes(to_bytes(sweater()[0][0])).save(photo)
    page.wait_for_function("() => typeof get_tab_index === 'function' && document.getElementById('mode_img2img')")
    page.evaluate("document.querySelector('#tabs').querySelectorAll('button')[1].click()")
    page.locator(f"{PANEL} .label-wrap").first.click()
    page.locator("#img2img_image input[type=file]").first.set_input_files(str(photo))
    page.locator("#img2img_image img").first.wait_for()
    page.wait_for_timeout(1500)  # until the host has the file
    page.locator(f"{NAME}_enabled input").check()
    page.locator(f"{NAME}_preview").click()
    page.locator(f"{NAME}_picture img").first.wait_for()
    page.wait_for_timeout(1000)
    return page.locator(PANEL).screenshot()


if __name__ == "__main__":
    main()

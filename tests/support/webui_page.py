"""A host's page as its users handle it: tabs, pictures, settings, buttons, what comes out."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from support.webui_host import PATIENCE_S, Host, from_text

IMG2IMG, SKETCH, INPAINT, INPAINT_SKETCH, INPAINT_UPLOAD, BATCH = range(6)
# The file is read by the page and sent to the host; nothing on the page says when the host has it.
UPLOAD_MS = 1500
# Hosts redraw components after an event; a click in between is lost.
SETTLE_MS = 400


class WebuiPage:
    """page: playwright's. kind: the tab whose panel is meant, txt2img or img2img."""

    def __init__(self, page: Any, webui: Host, folder: Path, kind: str = "img2img") -> None:
        self.page, self.webui, self.folder, self.kind = page, webui, folder, kind

    def id(self, name: str) -> str:
        """The selector of a part of our panel."""
        return f"#script_{self.kind}_hemline_{name}"

    def go(self, title: str) -> None:
        """Opens one of the host's own tabs."""
        self.page.evaluate(
            """title => [...document.querySelector('#tabs').querySelectorAll('button')]
                .find(tab => tab.textContent.trim().toLowerCase() === title.toLowerCase()).click()""",
            title,
        )
        self.page.wait_for_timeout(SETTLE_MS)

    def open(self, tab: int = IMG2IMG) -> None:
        """Opens the tab with the panel unfolded. tab: of img2img."""
        self.go(self.kind)
        if self.kind == "img2img":
            self.page.evaluate("number => switch_to_img2img_tab(number)", tab)
        inside = self.id("preview") if self.kind == "img2img" else self.id("what")
        if not self.page.locator(f"{inside}:visible").count():
            self.page.locator(f"{self.id('panel')} .label-wrap").first.click()
        self.page.locator(inside).wait_for(state="visible")
        self.page.wait_for_timeout(SETTLE_MS)

    def upload(self, elem_id: str, picture: Image.Image, name: str = "picture") -> None:
        """Puts a picture into a component, in the place of what was there."""
        file = self.folder / f"{name}.png"
        picture.save(file)
        remove = self.page.locator(
            f"#{elem_id} button[aria-label='Remove Image'], #{elem_id} button[aria-label='Clear']"
        )
        if remove.count():
            remove.first.click()
            self.page.locator(f"#{elem_id} img").first.wait_for(state="detached")
        self.page.locator(f"#{elem_id} input[type=file]").first.set_input_files(str(file))
        self.page.locator(f"#{elem_id} img").first.wait_for(state="attached")
        self.page.wait_for_timeout(UPLOAD_MS)

    def tick(self, on: bool = True, name: str = "enabled") -> None:
        self.page.locator(f"{self.id(name)} input").first.set_checked(on)
        self.page.wait_for_timeout(SETTLE_MS)

    def ticked(self) -> bool:
        return self.page.locator(f"{self.id('enabled')} input").first.is_checked()

    def choose(self, name: str, value: str, selector: str = "") -> None:
        """Takes an entry of a menu."""
        field = self.page.locator(f"{selector or self.id(name)} input").first
        field.click()
        self.page.locator(f"li[aria-label='{value}']").first.click()
        self.page.wait_for_timeout(SETTLE_MS)

    def chosen(self, name: str) -> str:
        return self.page.locator(f"{self.id(name)} input").first.input_value()

    def number(self, selector: str, value: float) -> None:
        field = self.page.locator(f"{selector} input[type=number]").first
        field.fill(str(value))
        field.blur()
        self.page.wait_for_timeout(SETTLE_MS)

    def type(self, selector: str, text: str) -> None:
        field = self.page.locator(f"{selector} textarea, {selector} input").first
        field.fill(text)
        field.blur()
        self.page.wait_for_timeout(SETTLE_MS)

    def size(self, width: int = 256, height: int = 320) -> None:
        """The size of the generation."""
        self.number(f"#{self.kind}_width", width)
        self.number(f"#{self.kind}_height", height)

    def badge(self, press: str = "preview") -> str:
        """What the panel says after one of its buttons was pressed."""
        field = self.page.locator(f"{self.id('badge')} textarea")
        self.page.locator(self.id(press)).click()
        self.page.wait_for_timeout(UPLOAD_MS)  # gradio has marked the field as being worked on by then
        self.wait(lambda: bool(self.page.locator(f"{self.id('badge')} > .wrap.hide").count()))
        self.page.wait_for_timeout(SETTLE_MS)
        return field.input_value()

    def preview(self) -> Image.Image:
        """The picture that the panel shows after Preview."""
        self.badge()
        return self.fetch(self.page.locator(f"{self.id('picture')} img").first)

    def generate(self, kind: str = "") -> tuple[list[Image.Image], str]:
        """The pictures that come out of the Generate button, and their text, or what went wrong in its place."""
        kind = kind or self.kind
        names = [f"html_info_{kind}", f"html_log_{kind}"]
        before = [self.said(name) for name in names]
        self.page.locator(f"#{kind}_generate").click()
        self.wait(lambda: [self.said(name) for name in names] != before)
        self.page.wait_for_timeout(UPLOAD_MS)
        error = self.page.locator(f"#html_log_{kind} .error")
        if error.count():
            return [], error.first.inner_text()
        return self.results(kind), self.said(names[0])

    def said(self, elem_id: str) -> str:
        """The text of one of the host's HTML components, without what gradio shows while it works."""
        inner = f"[...document.querySelectorAll('#{elem_id} .prose, #{elem_id}.prose')].pop()"
        return self.page.evaluate(f"({inner} || {{}}).textContent || ''")

    def results(self, kind: str) -> list[Image.Image]:
        """The pictures in the gallery, each once."""
        found = self.page.evaluate(
            "id => [...new Set([...document.querySelectorAll(id)].map(image => image.src))]", f"#{kind}_gallery img"
        )
        return [self.load(source) for source in found]

    def fetch(self, image: Any) -> Image.Image:
        """The picture that an element shows."""
        return self.load(image.evaluate("image => image.src"))

    def load(self, source: str) -> Image.Image:
        """The picture at an address of the host, or in the address itself."""
        if source.startswith("data:"):
            return from_text(source)
        return Image.open(io.BytesIO(self.page.request.get(source).body()))

    def watched(self, selector: str) -> str:
        """What a part of the page holds now."""
        return self.page.evaluate(
            "id => [...document.querySelectorAll(id)].map(part => part.src || part.innerHTML).join('|')", selector
        )

    def wait(self, seen: Callable[[], bool]) -> None:
        """Until something is seen; as long as the page waits for anything."""
        for _ in range(10 * PATIENCE_S):
            if seen():
                return
            self.page.wait_for_timeout(100)
        raise TimeoutError("the page does not answer")

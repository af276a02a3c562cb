"""A mask drawn or sent by hand in the pages of the hosts: what becomes of it with the panel, and without it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from PIL import Image
from support.webui_host import mask_of, painted, pixels, to_text
from support.webui_page import INPAINT, INPAINT_UPLOAD, SETTLE_MS, UPLOAD_MS, WebuiPage
from torch import Tensor

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.xdist_group("panel")]
SIZE = (256, 320)
# How far down the stroke is drawn, and how much of the picture the thickest brush of a host covers.
HEIGHT, BRUSH_PX = 0.65, 60


def drawn_on(shown: WebuiPage, picture: Image.Image) -> None:
    """Puts the picture on the canvas of tab Inpaint and draws a stroke over the trousers, from left to right."""
    page = shown.page
    if not shown.webui.real and not shown.webui.old:
        draw_on_stand_in(shown, picture)
        return
    file = shown.folder / "canvas.png"
    picture.save(file)
    page.locator("#img2maskimg input[type=file]").first.set_input_files(str(file))
    page.locator("#img2maskimg img, #img2maskimg canvas").first.wait_for(state="attached")
    page.wait_for_timeout(2 * UPLOAD_MS)
    shown.wait(lambda: is_drawn_on(shown, picture))
    page.wait_for_timeout(UPLOAD_MS)


def is_drawn_on(shown: WebuiPage, picture: Image.Image) -> bool:
    """Draws the stroke; whether the canvas has taken it. That of gradio 3 drops one that comes while it still grows."""
    box, mouse = place_of_picture(shown, picture), shown.page.mouse
    y = box["y"] + box["height"] * HEIGHT
    mouse.move(box["x"] + box["width"] * 0.1, y)
    mouse.down()
    for share in (0.2, 0.4, 0.6, 0.8, 0.9):
        mouse.move(box["x"] + box["width"] * share, y, steps=4)
    mouse.up()
    shown.page.wait_for_timeout(SETTLE_MS)
    return not shown.page.locator("#img2maskimg", has_text="Start drawing").count()


def place_of_picture(shown: WebuiPage, picture: Image.Image) -> dict[str, float]:
    """Where on the page the picture is drawn on."""
    shown.page.locator("#img2maskimg").scroll_into_view_if_needed()
    shape = "#img2maskimg canvas.forge-drawing-canvas" if not shown.webui.old else "#img2maskimg canvas"
    boxes = [one.bounding_box() for one in shown.page.locator(shape).all()]
    box = next(box for box in boxes if box and box["width"] > 10)
    aspect = picture.width / picture.height
    width = min(box["width"], box["height"] * aspect)  # shown whole, in the middle
    height = width / aspect
    return {
        "x": box["x"] + (box["width"] - width) / 2, "y": box["y"] + (box["height"] - height) / 2,
        "width": width, "height": height,
    }  # fmt: skip


def draw_on_stand_in(shown: WebuiPage, picture: Image.Image) -> None:
    """The stand-in has no canvas on gradio 4, but its two hidden text boxes."""
    stroke = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    left, right, middle = round(0.1 * picture.width), round(0.9 * picture.width), round(HEIGHT * picture.height)
    stroke.paste((0, 0, 0, 255), (left, middle - 4, right, middle + 4))
    for name, one in (("background", picture), ("foreground", stroke)):
        shown.page.locator(f"#canvas_logical_image_{name} textarea").evaluate(
            """(field, text) => {
                field.value = 'data:image/png;base64,' + text;
                field.dispatchEvent(new Event('input', { bubbles: true }));
            }""",
            to_text(one),
        )


@pytest.fixture
def canvas(shown: WebuiPage, person: Any) -> WebuiPage:
    """Tab Inpaint with a stroke across a picture in which the panel finds trousers."""
    shown.open(INPAINT)
    drawn_on(shown, person.resize(SIZE))
    shown.size(*SIZE)
    shown.choose("what", "bottoms")
    shown.number(shown.id("grow"), 0)
    shown.number(shown.id("feather"), 0)
    return shown


def stroke_rows(picture: Image.Image) -> slice:
    middle = round(HEIGHT * picture.height)
    return slice(middle - 1, middle + 2)


def covered(shown: WebuiPage, person: Image.Image, drawn: str) -> Tensor:
    """Where the preview differs between that way of using the drawn mask and the found mask alone."""
    shown.choose("drawn", "replace")
    alone = pixels(shown.preview())
    shown.choose("drawn", drawn)
    return (pixels(shown.preview()) - alone).abs().amax(-1) > 20


class TestDrawn:
    def test_added_it_is_in_the_preview_and_in_the_result(self, canvas: WebuiPage, person: Any):
        small = person.resize(SIZE)
        more = covered(canvas, small, "add")
        rows = stroke_rows(small)
        assert float(more[rows].float().mean()) > 0.3
        assert not bool(more[: rows.start - BRUSH_PX, 26:60].any())
        canvas.tick()
        image = pixels(canvas.generate()[0][0])
        assert bool((image != pixels(small)).any(-1)[rows, 30:60].any())
        mask = mask_of(canvas.webui, small, what="bottoms", grow=0, feather=0)
        far = mask.clone()
        far[rows.start - BRUSH_PX : rows.stop + BRUSH_PX] = 255
        assert torch.equal(image[far == 0], pixels(small)[far == 0])

    def test_subtracted_it_is_missing(self, canvas: WebuiPage, person: Any):
        small = person.resize(SIZE)
        mask = mask_of(canvas.webui, small, what="bottoms", grow=0, feather=0)
        rows = stroke_rows(small)
        inside = (mask[rows] == 255).all(0)
        less = covered(canvas, small, "subtract")
        canvas.tick()
        image = pixels(canvas.generate()[0][0])
        middle = rows.start + 1
        assert bool(inside.any())
        assert bool(less[middle][inside].any())
        assert float((image[middle] == pixels(small)[middle]).all(-1)[inside].float().mean()) > 0.9
        below = mask[rows.stop + BRUSH_PX :] == 255
        assert float(painted(image[rows.stop + BRUSH_PX :])[below].float().mean()) > 0.9


class TestSent:
    def send(self, shown: WebuiPage, person: Image.Image) -> None:
        shown.choose("what", "outfit")
        shown.number(shown.id("grow"), 8)
        shown.number(shown.id("feather"), 16)
        shown.upload("img2img_image", person)
        shown.badge("send")
        shown.page.locator("#img_inpaint_mask img").first.wait_for()
        shown.page.wait_for_timeout(UPLOAD_MS)
        shown.open(INPAINT_UPLOAD)
        shown.size(*SIZE)

    def retouched(self, shown: WebuiPage, person: Image.Image) -> tuple[int, int, int, int]:
        """The sent mask with a square added by hand in a corner where no garment is."""
        sent = shown.fetch(shown.page.locator("#img_inpaint_mask img").first).convert("L")
        square = (8, 8, 56, 56)
        sent.paste(255, square)
        shown.upload("img_inpaint_mask", sent, "retouched")
        return square

    def test_unticked_the_host_uses_what_was_sent_and_retouched(self, shown: WebuiPage, person: Any):
        small = person.resize(SIZE)
        self.send(shown, small)
        self.retouched(shown, small)
        shown.tick(on=False)
        pictures, text = shown.generate()
        image, mask = pixels(pictures[0]), mask_of(shown.webui, small)
        assert "Hemline" not in text
        assert bool(painted(image)[16:48, 16:48].all())
        assert float(painted(image)[mask == 255].float().mean()) > 0.9

    def test_ticked_the_panel_uses_it_as_a_drawn_mask(self, shown: WebuiPage, person: Any):
        small = person.resize(SIZE)
        self.send(shown, small)
        self.retouched(shown, small)
        shown.tick()
        shown.choose("protect", "nothing")
        corner: dict[str, bool] = {}
        for way in ("replace", "add"):
            shown.choose("drawn", way)
            pictures, text = shown.generate()
            assert "Hemline" in text
            image = pixels(pictures[0])
            corner[way] = bool(painted(image)[24:40, 24:40].all())
            if way == "replace":
                mask = mask_of(shown.webui, small, protect="nothing")
                assert torch.equal(image[mask == 0], pixels(small)[mask == 0])
        assert corner == {"replace": False, "add": True}

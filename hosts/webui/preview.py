"""What the panel's buttons do: the mask over the picture of the tab, and the mask handed to Inpaint upload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from PIL import Image

from ...errors import HemlineError
from .host import LOG, HostInterrupted, lent_context
from .masking import GarmentMask, draw_preview, garment_mask
from .pixels import to_image, to_mask, to_picture
from .settings import parse_settings


@dataclass(frozen=True)
class Tabs:
    """Where a tab of img2img has its picture and its mask. by_number: the host's tab -> component of each."""

    by_number: dict[int, tuple[str, str]]
    upload: tuple[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """Every component, once."""
        return tuple(dict.fromkeys(name for pair in self.by_number.values() for name in pair if name))


TABS = Tabs(
    {0: ("img2img_image", ""), 2: ("img2maskimg", "img2maskimg drawn"), 4: ("img_inpaint_base", "img_inpaint_mask")},
    ("img_inpaint_base", "img_inpaint_mask"),
)


def show_mask(names: Sequence[str], *args: Any) -> tuple[Any, str]:
    """The picture of the tab with the mask over it, and a line about it; what goes wrong comes as that line."""
    gr: Any = import_module("gradio")
    try:
        _, found, drawn = _look(names, args)
    except Exception as error:  # noqa: BLE001 - pages show no more than "Error" of what they are not told
        return gr.update(value=None, visible=False), _told(error)
    return gr.update(value=drawn, visible=True), "\n".join((*found.badges, *found.notes))


def upload_mask(names: Sequence[str], *args: Any) -> tuple[Any, Any, Any, str]:
    """Picture and mask for Inpaint upload, the preview, and a line about it; on an error the tab stays as it is."""
    gr: Any = import_module("gradio")
    try:
        picture, found, drawn = _look(names, args)
    except Exception as error:  # noqa: BLE001 - as above
        return gr.update(), gr.update(), gr.update(), _told(error)
    shown = gr.update(value=drawn, visible=True)
    if all(found.empty):
        return gr.update(), gr.update(), shown, f"Nothing was sent: {found.badges[0]}"
    return picture, to_picture(found.mask), shown, "\n".join((*found.badges, *found.notes))


def _told(error: Exception) -> str:
    if isinstance(error, (HemlineError, HostInterrupted)):
        LOG.warning("preview: %s", error)
        return f"Error: {error}"
    LOG.error("preview", exc_info=error)
    return f"Error: {type(error).__name__}: {error}"


def _look(names: Sequence[str], args: Sequence[Any]) -> tuple[Image.Image, GarmentMask, Image.Image]:
    """The tab's picture, its mask, and the one over the other. args: the tab's number, the pictures, the settings."""
    number = int(float(args[0] or 0))
    if number not in TABS.by_number:
        raise HemlineError("the preview looks at the tabs img2img, Inpaint and Inpaint upload; open one of them.")
    given = dict(zip(names, args[1:], strict=False))
    picture, mask = (_picture(given.get(name)) for name in TABS.by_number[number])
    if isinstance(given.get(TABS.by_number[number][0]), dict):  # gradio 3 hands out picture and sketch together
        mask = _picture(given[TABS.by_number[number][0]].get("mask"))
    if picture is None:
        raise HemlineError("this tab holds no picture yet.")
    settings = parse_settings(args[1 + len(names) :])
    flat = import_module("modules.images").flatten(
        picture, getattr(import_module("modules.shared").opts, "img2img_background_color", "#ffffff")
    )
    queue: Any = import_module("modules.call_queue")
    with queue.queue_lock, lent_context(stops=False) as context:
        image = to_image(flat)
        drawn = None if mask is None else to_mask(mask, flat.size)
        found = garment_mask(image, settings, drawn, context=context)
        return flat, found, to_picture(draw_preview(image, found, context=context))


def _picture(value: Any) -> Image.Image | None:
    value = cast("dict[str, Any]", value).get("image") if isinstance(value, dict) else value
    return value if isinstance(value, Image.Image) else None

"""The entry in Extras: masks, cut-outs and overlays of single pictures, batches and folders."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import torch
from PIL import Image

from ...blending.compare import cut_out
from ...errors import check_name
from .host import LOG, HostInterrupted, lent_context, warn
from .mask_settings import NAMES, SKIP, STOP, MaskSettings
from .masking import GarmentMask, draw_preview, garment_mask
from .panel import build_settings
from .pixels import to_image, to_picture
from .settings import parse_settings

CUT_OUT, MASK, OVERLAY, AND_MASK = OUTPUTS = ("cut-out", "mask", "overlay", "picture and mask")
_NAME = "Hemline: garment mask"


def postprocessing_class() -> type:
    """The host's ScriptPostprocessing class with our step."""
    module: Any = import_module("modules.scripts_postprocessing")
    body = {"name": _NAME, "order": 30000, "ui": _ui, "process": _process}
    return type("HemlinePostprocessing", (module.ScriptPostprocessing,), {"__doc__": "Hemline in Extras.", **body})


def _ui(self: Any) -> dict[str, Any]:
    gr: Any = import_module("gradio")
    with gr.Accordion(_NAME, open=False, elem_id="hemline_extras"):
        made = build_settings(lambda name: f"hemline_extras_{name}", generates=False)
        output = gr.Dropdown(
            choices=list(OUTPUTS), value=CUT_OUT, label="Output", elem_id="hemline_extras_output",
            info="What becomes of the picture: the garment alone, its mask, the mask over the picture, or both.",
        )  # fmt: skip
    return {**{name: made[name] for name in NAMES}, "output": output}


def _process(self: Any, pp: Any, output: str | None = None, **values: Any) -> None:
    settings = parse_settings(values)
    if not settings.enabled:
        return
    check_name("Output", output or CUT_OUT, OUTPUTS)
    try:
        _replace(pp, settings, output or CUT_OUT)
    except HostInterrupted:
        _leave_out()  # what the folder has given so far is shown


def _replace(pp: Any, settings: MaskSettings, output: str) -> None:
    """Puts what is wanted in the place of the picture."""
    picture: Image.Image = pp.image.convert("RGB")
    image = to_image(picture)
    with lent_context() as context:
        found = garment_mask(image, settings, context=context)
        pp.info["Hemline"], pp.info["Hemline found"] = settings.infotext(), found.badges[0]
        LOG.info("%s", found.badges[0])
        if found.empty[0]:
            found = _whole(found, settings)
            if found is None:
                return
        if output == AND_MASK:
            extra = pp.create_copy(to_picture(found.mask), nametags=["mask"], disable_processing=True)
            pp.extra_images.append(extra)
        elif output == MASK:
            pp.image = to_picture(found.mask)
        elif output == OVERLAY:
            pp.image = to_picture(draw_preview(image, found, context=context))
        else:
            pp.image = to_picture(cut_out(image, found.mask))


def _whole(found: GarmentMask, settings: MaskSettings) -> GarmentMask | None:
    """The mask of the whole picture, or None for a picture that is left out; raises where the settings say stop."""
    badge = found.badges[0]
    warn(f"{badge}; on nothing found: {settings.nothing_found}")
    if settings.nothing_found == STOP:
        raise ValueError(f"Hemline: {badge}; choose 'skip' to go on with the other pictures.")
    if settings.nothing_found == SKIP:
        _leave_out()
        return None
    return replace(found, mask=torch.ones_like(found.mask))


def _leave_out() -> None:
    """Has the host give out nothing for this picture: a photo among cut-outs or masks would be taken for one."""
    import_module("modules.shared").state.skipped = True

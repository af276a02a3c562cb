"""The second pass of txt2img: the garment of the picture just made is found and painted anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from importlib import import_module
from typing import Any

from PIL import Image

from ...context import Context
from .host import check_interrupted, lent_context, tell
from .mask_settings import AS_SET, FILLS, ONLY_MASKED, STOP, WHOLE, MaskSettings
from .masking import composite, garment_mask, sampling_mask
from .pixels import to_image, to_picture
from .run import FOUND, Run, forget_told

# Of the first pass, taken over where the running host has them.
_SAME = (
    "outpath_samples", "outpath_grids", "subseed_strength", "seed_resize_from_h", "seed_resize_from_w",
    "sampler_name", "scheduler", "steps", "cfg_scale", "distilled_cfg_scale", "tiling",
)  # fmt: skip


def second_pass(run: Run, p: Any, pp: Any, context: Context) -> None:
    """Replaces the picture by one whose garment was painted again; where nothing is found it stays as it is."""
    settings = run.settings
    forget_told(p)
    picture: Image.Image = pp.image.convert("RGB")
    found = garment_mask(to_image(picture), settings, context=context)
    tell(p, found.badges[0])
    p.extra_generation_params[FOUND] = found.badges[0]
    if found.empty[0]:
        tell(p, f"nothing to repaint; on nothing found: {settings.nothing_found}")
        if settings.nothing_found == STOP:
            import_module("modules.shared").state.interrupted = True
        if settings.nothing_found != WHOLE:
            return
    check_interrupted()
    mask = None if found.empty[0] else found.mask
    inner = _processing(p, picture, None if mask is None else to_picture(sampling_mask(mask, settings)), settings)
    result = import_module("modules.processing").process_images(inner).images
    if not result:
        return
    if mask is None:
        pp.image = result[0].convert("RGB")
        return
    x, y, width, height = inner.paste_to or (0, 0, *picture.size)
    box = (x, y, x + width, y + height)
    with lent_context(stops=False) as finishing:
        whole, lines = composite(to_image(picture), mask, to_image(result[0]), box, settings, context=finishing)
    for line in lines:
        tell(p, line)
    pp.image = to_picture(whole)


def _processing(p: Any, picture: Image.Image, mask: Image.Image | None, settings: MaskSettings) -> Any:
    """The host's own img2img of one picture, which saves nothing and runs no scripts."""
    kind: Any = import_module("modules.processing").StableDiffusionProcessingImg2Img
    number = int(getattr(p, "batch_index", 0))
    wanted: dict[str, Any] = {
        **{name: getattr(p, name) for name in _SAME if hasattr(p, name)},
        "prompt": settings.prompt.strip() or p.prompts[number], "negative_prompt": p.negative_prompts[number],
        "seed": p.seeds[number], "subseed": p.subseeds[number], "batch_size": 1, "n_iter": 1,
        "width": picture.width, "height": picture.height, "init_images": [picture], "mask": mask, "resize_mode": 0,
        "inpainting_fill": 1 if settings.fill == AS_SET else FILLS.index(settings.fill),
        "inpaint_full_res": settings.area in (ONLY_MASKED, AS_SET), "inpaint_full_res_padding": settings.padding,
        "denoising_strength": settings.denoising, "do_not_save_samples": True, "do_not_save_grid": True,
    }  # fmt: skip
    taken = {one.name for one in dataclasses.fields(kind) if one.init}
    inner = kind(**{name: value for name, value in wanted.items() if name in taken})
    inner.mask_blur_x = inner.mask_blur_y = 0
    # A runner without scripts, as reForge asks for one.
    inner.scripts, inner.script_args = import_module("modules.scripts").ScriptRunner(), ()
    inner.init = _without_overlay(inner, inner.init)
    return inner


def _without_overlay(inner: Any, init: Callable[..., Any]) -> Callable[..., Any]:
    """The host's init, after which it gives out the bare result, which is put into the picture here.

    Options that say so would outlast the generation: hosts put back only those that the user has once saved.
    """

    def init_without_overlay(*args: Any, **kwargs: Any) -> Any:
        result = init(*args, **kwargs)
        inner.overlay_images = inner.mask_for_overlay = None
        return result

    return init_without_overlay

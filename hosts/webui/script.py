"""The always-on script: hooks that call `run`, and surface what goes wrong instead of a picture without a mask.

The host calls hooks in this order: before_process, its own init, sampling, then for each result postprocess_image,
postprocess_maskoverlay, postprocess_image_after_composite, and postprocess at the end.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import run as steps
from .axes import AXES
from .host import LOG, HostInterrupted, lent_context, tell, warn
from .mask_settings import MaskSettings
from .panel import Panel, build_panel
from .run import Run
from .second_pass import second_pass
from .settings import parse_settings, with_setting

TITLE = "Hemline"
# On the host's processing object, so that pictures that are made at the same time do not mix.
_RUN = "_hemline_run"
# What images the preview can look at, by the elem_id of the component; Forge draws on canvases of its own, whose hidden
# text boxes hold the pictures.
_SOURCES = ("img2img_image", "img2maskimg", "img_inpaint_base", "img_inpaint_mask")
_CANVAS_PARTS = {"logical_image_background": "", "logical_image_foreground": " drawn"}


def script_class() -> type:
    """The host's Script class with our hooks; made once per load of the script file."""
    scripts: Any = import_module("modules.scripts")

    def title(self: Any) -> str:
        return TITLE

    def show(self: Any, is_img2img: bool) -> Any:
        return scripts.AlwaysVisible

    hooks: dict[str, Any] = {
        "title": title,
        "show": show,
        "ui": _ui,
        "after_component": _after_component,
        "before_process": _before_process,
        "postprocess_image": _postprocess_image,
        "postprocess_maskoverlay": _postprocess_maskoverlay,
        "postprocess_image_after_composite": _after_composite,
        "postprocess": _postprocess,
    }
    return type("HemlineScript", (scripts.Script,), {"__doc__": "Hemline's garment mask.", **hooks})


def settings_of(p: Any, args: tuple[Any, ...]) -> MaskSettings:
    """The settings of a generation, with those that a grid varies; a grid that varies one switches them on."""
    settings = parse_settings(args)
    varied = getattr(p, AXES, {})
    for name, value in varied.items():
        settings = with_setting(settings, name, value)
    return with_setting(settings, "enabled", True) if varied else settings


def _ui(self: Any, is_img2img: bool) -> list[Any]:
    panel: Panel = build_panel(self.elem_id, is_img2img, getattr(self, "hemline_sources", {}))
    self.infotext_fields = panel.infotext_fields
    self.paste_field_names = ["Hemline"]
    return panel.inputs


def _after_component(self: Any, component: Any, **kwargs: Any) -> None:
    """Remembers the tab's picture components, which the preview looks at."""
    if not self.is_img2img:
        return
    known: dict[str, Any] = self.__dict__.setdefault("hemline_sources", {})
    elem_id = str(getattr(component, "elem_id", "") or "")
    part = next((_CANVAS_PARTS[name] for name in _classes(component) if name in _CANVAS_PARTS), None)
    if part is not None and known.get("canvas"):
        known[f"{known['canvas']}{part}"] = component
    elif elem_id in _SOURCES:
        known[elem_id] = component
        known["canvas"] = elem_id if type(component).__name__ == "HTML" else ""
    elif type(component).__name__ == "HTML":
        known["canvas"] = ""


def _classes(component: Any) -> list[str]:
    classes: Any = getattr(component, "elem_classes", None) or []
    return [classes] if isinstance(classes, str) else [str(name) for name in classes]


def _before_process(self: Any, p: Any, *args: Any) -> None:
    earlier: Run | None = p.__dict__.pop(_RUN, None)
    if earlier is not None:
        steps.end(earlier, p)
    try:
        settings = settings_of(p, args)
        if not settings.enabled:
            return
        if not _is_img2img(p):
            setattr(p, _RUN, Run(settings))
            p.extra_generation_params["Hemline"] = settings.infotext()
            return
        with lent_context() as context:
            setattr(p, _RUN, steps.begin(p, settings, context))
    except HostInterrupted:
        LOG.info("interrupted while looking for garments")
    except Exception as error:  # noqa: BLE001 - the host swallows it; `fail` makes it raise where users see it
        warn(str(error))
        LOG.debug("no mask", exc_info=True)
        steps.fail(p, error)


def _postprocess_image(self: Any, p: Any, pp: Any, *args: Any) -> None:
    run = _run(p)
    if run is None or _is_img2img(p):
        return
    try:
        with lent_context() as context:
            second_pass(run, p, pp, context)
    except HostInterrupted:
        tell(p, "interrupted before the second pass; the picture is that of the first")
    except Exception as error:  # noqa: BLE001 - the picture of the first pass is still there
        LOG.exception("second pass")
        _say(p, f"second pass failed, the picture is that of the first: {error}")


def _postprocess_maskoverlay(self: Any, p: Any, ppmo: Any, *args: Any) -> None:
    run = _run(p)
    if run is not None and _is_img2img(p):
        steps.take_overlay(run, ppmo)


def _after_composite(self: Any, p: Any, pp: Any, *args: Any) -> None:
    run = _run(p)
    if run is None or not _is_img2img(p) or not run.composites:
        return
    try:
        with lent_context(stops=False) as context:
            steps.finish_picture(run, p, pp, context)
    except Exception as error:  # noqa: BLE001 - the picture is too dear to be lost
        LOG.exception("composite")
        steps.fall_back(run, p, pp)
        _say(p, f"the exact composite failed, the host's own is used: {error}")


def _postprocess(self: Any, p: Any, processed: Any, *args: Any) -> None:
    run: Run | None = p.__dict__.pop(_RUN, None)
    if run is not None:
        steps.end(run, p)


def _run(p: Any) -> Run | None:
    return p.__dict__.get(_RUN)


def _is_img2img(p: Any) -> bool:
    return hasattr(p, "init_images")


def _say(p: Any, line: str) -> None:
    """To the user: below the picture, in the picture's own text, and as a toast."""
    tell(p, line)
    warn(line)
    p.extra_generation_params[steps.ERROR] = line

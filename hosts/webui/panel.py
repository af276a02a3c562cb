"""The accordion, of parts that gradio 3 and 4 share: Accordion, Row, Checkbox, Slider, Dropdown, Textbox, Image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from ...nodes.spec import Port
from ...settings import Value
from .axes import menu
from .mask_settings import NAMES, MaskSettings
from .panel_ports import GROUPS, INPAINTING, LABELS, SECOND_PASS, SLIDERS
from .preview import TABS, show_mask, upload_mask
from .settings import from_infotext

ElemId = Callable[[str], str]
# A preview that fits the window beside the settings; a click shows it large.
_PREVIEW_PX = 640
_READ_TAB = (
    "(...args) => { args[0] = String(typeof get_tab_index === 'function' ? get_tab_index('mode_img2img') : 0);"
    " return args; }"
)
_SHOW_UPLOAD = "() => { if (typeof switch_to_img2img_tab === 'function') switch_to_img2img_tab(4); return []; }"


@dataclass(frozen=True)
class Panel:
    """inputs: the components in the order of `MaskSettings`; infotext_fields: how a picture's text fills them."""

    inputs: list[Any]
    infotext_fields: list[tuple[Any, Any]]


def build_panel(elem_id: ElemId, is_img2img: bool, sources: Mapping[str, Any]) -> Panel:
    """The accordion in a tab that is being built. sources: the tab's picture components by name, for the preview."""
    gr: Any = import_module("gradio")
    with gr.Accordion("Hemline: garment mask", open=False, elem_id=elem_id("panel")):
        made = build_settings(elem_id, is_img2img=is_img2img)
        inputs = [made[name] for name in NAMES]
        here = {name: sources[name] for name in TABS.names if name in sources and _is_here(gr, sources[name])}
        if is_img2img:
            _add_preview(gr, elem_id, here, inputs)
    return Panel(inputs, [(made[name], _pasted(name)) for name in NAMES])


def build_settings(
    elem_id: ElemId, *, is_img2img: bool = True, switch: bool = True, generates: bool = True
) -> dict[str, Any]:
    """A component for each setting by its name, under their headings.

    switch: whether "enabled" is shown; generates: whether the settings of the generation are, beside those of the mask.
    """
    gr: Any = import_module("gradio")
    made: dict[str, Any] = {}
    hidden = {*(() if switch else ("enabled",)), *(() if generates else ("drawn",))}
    for heading, ports in GROUPS.items():
        second = heading == SECOND_PASS
        shown = generates and not is_img2img if second else generates or heading != INPAINTING
        with gr.Accordion(heading, open=second, visible=shown) if heading else nullcontext():
            for row in _rows(ports):
                with gr.Row() if len(row) > 1 else nullcontext():
                    made |= {port.name: _component(gr, port, elem_id, port.name not in hidden) for port in row}
    return made


def _rows(ports: Sequence[Port]) -> list[list[Port]]:
    """Sliders and menus two in a row, as they come; ticks and texts have the width for themselves."""
    rows: list[list[Port]] = []
    for port in ports:
        narrow = port.type not in ("BOOLEAN", "STRING")
        if narrow and rows and len(rows[-1]) == 1 and rows[-1][0].type not in ("BOOLEAN", "STRING"):
            rows[-1].append(port)
        else:
            rows.append([port])
    return rows


def event_script(gr: Any, text: str) -> dict[str, str]:
    """The keyword by which an event runs JavaScript first: gradio 4 has given it another name."""
    return {"_js" if str(gr.__version__).startswith("3.") else "js": text}


def _component(gr: Any, port: Port, elem_id: ElemId, visible: bool = True) -> Any:
    named = {"label": _label(port), "value": port.default, "elem_id": elem_id(port.name), "visible": visible}
    if port.type == "BOOLEAN":
        return gr.Checkbox(info=port.tooltip, **named)
    if port.type == "COMBO":
        return gr.Dropdown(choices=list(menu(port)), info=port.tooltip, **named)
    if port.type == "STRING":
        return gr.Textbox(info=port.tooltip, lines=2 if port.multiline else 1, **named)
    low, high = SLIDERS.get(port.name, (port.minimum, port.maximum))
    return gr.Slider(minimum=low, maximum=high, step=port.step, info=port.tooltip, **named)


def _label(port: Port) -> str:
    return LABELS.get(port.name) or port.name.replace("_", " ").capitalize()


def _add_preview(gr: Any, elem_id: ElemId, sources: Mapping[str, Any], inputs: list[Any]) -> None:
    with gr.Row():
        look = gr.Button("Preview mask", elem_id=elem_id("preview"))
        send = gr.Button("Send to Inpaint upload", elem_id=elem_id("send"))
    tab = gr.Textbox("0", visible=False, elem_id=elem_id("tab"))
    badge = gr.Textbox("", label="Found", interactive=False, elem_id=elem_id("badge"), lines=2)
    picture = gr.Image(
        label="Mask preview", interactive=False, visible=False, type="pil", height=_PREVIEW_PX,
        elem_id=elem_id("picture"),
    )  # fmt: skip
    names = tuple(sources)
    wires = [tab, *sources.values(), *inputs]
    look.click(partial(show_mask, names), wires, [picture, badge], **event_script(gr, _READ_TAB))
    targets = [sources[name] for name in TABS.upload if name in sources]
    if len(targets) != len(TABS.upload):
        return
    sent = send.click(partial(upload_mask, names), wires, [*targets, picture, badge], **event_script(gr, _READ_TAB))
    sent.then(None, None, None, **event_script(gr, _SHOW_UPLOAD))


def _is_here(gr: Any, component: Any) -> bool:
    """Whether the component is part of what is being built; hosts build panels aside to learn their defaults."""
    root = import_module("gradio.context").Context.root_block
    return root is not None and getattr(component, "_id", None) in root.blocks


def _pasted(name: str) -> Callable[[Mapping[str, Any]], Value | None]:
    """What the text of a picture says of a setting; None leaves the component as it is."""

    def read(parameters: Mapping[str, Any]) -> Value | None:
        text = parameters.get("Hemline")
        if not text:
            return False if name == "enabled" and parameters.get("Steps") else None
        settings: MaskSettings = from_infotext(str(text))
        return getattr(settings, name)

    return read

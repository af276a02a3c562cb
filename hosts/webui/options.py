"""The settings page: where networks run, how much memory loaded models may take, further model folders."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .host import OPTIONS

_SECTION = ("hemline", "Hemline")


def add_options() -> None:
    """Adds the page to the host's settings."""
    gr: Any = import_module("gradio")
    shared: Any = import_module("modules.shared")
    rows: tuple[tuple[str, str, Any, dict[str, Any]], ...] = (
        ("hemline_device", "Where garments are looked for", gr.Dropdown, {"choices": ["automatic", "cpu"]}),
        (
            "hemline_model_gib", "GiB of main memory that loaded YOLO, SegFormer and SAM files may take together",
            gr.Slider, {"minimum": 0.5, "maximum": 64, "step": 0.5},
        ),
        (
            "hemline_folders", "Further model folders, one a line, laid out as ComfyUI's or the WebUI's models folder",
            gr.Textbox, {"lines": 2},
        ),
    )  # fmt: skip
    for name, label, component, fields in rows:
        shared.opts.add_option(name, shared.OptionInfo(OPTIONS[name], label, component, fields, section=_SECTION))

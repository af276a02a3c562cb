"""Inputs and outputs of the small `comfy_api.latest`: a class per widget, parameters in the host's names and order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Input:
    io_type = "*"

    def __init__(
        self, id: str, display_name: str | None = None, optional: bool = False, tooltip: str | None = None,
        lazy: bool | None = None, extra_dict: dict[str, Any] | None = None, raw_link: bool | None = None,
        advanced: bool | None = None,
    ) -> None:  # fmt: skip
        self.id, self.optional = id, optional
        self.shown = {"display_name": display_name, "tooltip": tooltip, "lazy": lazy, "rawLink": raw_link}
        self.shown |= {"advanced": advanced, **(extra_dict or {})}

    def as_dict(self) -> dict[str, Any]:
        return {key: value for key, value in self.shown.items() if value is not None}


class WidgetInput(Input):
    def __init__(
        self, id: str, display_name: str | None = None, optional: bool = False, tooltip: str | None = None,
        lazy: bool | None = None, default: Any = None, socketless: bool | None = None, widget_type: str | None = None,
        force_input: bool | None = None, extra_dict: dict[str, Any] | None = None, raw_link: bool | None = None,
        advanced: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(id, display_name, optional, tooltip, lazy, extra_dict, raw_link, advanced)
        self.shown |= {"default": default, "socketless": socketless, "widgetType": widget_type}
        self.shown["forceInput"] = force_input


class IntInput(WidgetInput):
    io_type = "INT"

    def __init__(
        self, id: str, display_name: str | None = None, optional: bool = False, tooltip: str | None = None,
        lazy: bool | None = None, default: int | None = None, min: int | None = None, max: int | None = None,
        step: int | None = None, control_after_generate: Any = None, display_mode: Any = None,
        socketless: bool | None = None, force_input: bool | None = None, extra_dict: dict[str, Any] | None = None,
        raw_link: bool | None = None, advanced: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            id, display_name, optional, tooltip, lazy, default, socketless, None, force_input, extra_dict, raw_link,
            advanced,
        )  # fmt: skip
        self.shown |= {"min": min, "max": max, "step": step, "control_after_generate": control_after_generate}
        self.shown["display"] = display_mode


class FloatInput(WidgetInput):
    io_type = "FLOAT"

    def __init__(
        self, id: str, display_name: str | None = None, optional: bool = False, tooltip: str | None = None,
        lazy: bool | None = None, default: float | None = None, min: float | None = None, max: float | None = None,
        step: float | None = None, round: float | None = None, display_mode: Any = None, gradient_stops: Any = None,
        socketless: bool | None = None, force_input: bool | None = None, extra_dict: dict[str, Any] | None = None,
        raw_link: bool | None = None, advanced: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            id, display_name, optional, tooltip, lazy, default, socketless, None, force_input, extra_dict, raw_link,
            advanced,
        )  # fmt: skip
        self.shown |= {"min": min, "max": max, "step": step, "round": round, "display": display_mode}
        self.shown["gradient_stops"] = gradient_stops


class StringInput(WidgetInput):
    io_type = "STRING"

    def __init__(
        self, id: str, display_name: str | None = None, optional: bool = False, tooltip: str | None = None,
        lazy: bool | None = None, multiline: bool = False, placeholder: str | None = None, default: str | None = None,
        dynamic_prompts: bool | None = None, socketless: bool | None = None, force_input: bool | None = None,
        extra_dict: dict[str, Any] | None = None, raw_link: bool | None = None, advanced: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            id, display_name, optional, tooltip, lazy, default, socketless, None, force_input, extra_dict, raw_link,
            advanced,
        )  # fmt: skip
        self.shown |= {"multiline": multiline, "placeholder": placeholder, "dynamicPrompts": dynamic_prompts}


class BooleanInput(WidgetInput):
    io_type = "BOOLEAN"

    def __init__(
        self, id: str, display_name: str | None = None, optional: bool = False, tooltip: str | None = None,
        lazy: bool | None = None, default: bool | None = None, label_on: str | None = None,
        label_off: str | None = None, socketless: bool | None = None, force_input: bool | None = None,
        extra_dict: dict[str, Any] | None = None, raw_link: bool | None = None, advanced: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            id, display_name, optional, tooltip, lazy, default, socketless, None, force_input, extra_dict, raw_link,
            advanced,
        )  # fmt: skip
        self.shown |= {"label_on": label_on, "label_off": label_off}


class ComboInput(WidgetInput):
    io_type = "COMBO"

    def __init__(
        self, id: str, options: Sequence[Any] | None = None, display_name: str | None = None, optional: bool = False,
        tooltip: str | None = None, lazy: bool | None = None, default: Any = None, control_after_generate: Any = None,
        upload: Any = None, image_folder: Any = None, remote: Any = None, socketless: bool | None = None,
        extra_dict: dict[str, Any] | None = None, raw_link: bool | None = None, advanced: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            id, display_name, optional, tooltip, lazy, default, socketless, None, None, extra_dict, raw_link, advanced
        )
        self.shown |= {"multiselect": False, "options": options, "control_after_generate": control_after_generate}


class Output:
    io_type = "*"

    def __init__(
        self, id: str | None = None, display_name: str | None = None, tooltip: str | None = None,
        is_output_list: bool = False,
    ) -> None:  # fmt: skip
        self.id, self.display_name, self.tooltip = id, display_name or id, tooltip
        self.is_output_list = is_output_list


def custom_type(io_type: str, input_class: type[Input] = Input) -> Any:
    """A type of the API: a class with its `Input` and `Output`."""
    ports = {
        "Input": type("Input", (input_class,), {"io_type": io_type}),
        "Output": type("Output", (Output,), {"io_type": io_type}),
    }
    return type(io_type, (), {"io_type": io_type, **ports})


def custom(io_type: str) -> Any:
    return custom_type(io_type)

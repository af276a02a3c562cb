"""All that the host is told when it loads the extension: classes to register, and callbacks."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

from .api import add_routes
from .axes import add_axes
from .batch_tab import build_tab
from .extras import postprocessing_class
from .options import add_options
from .script import script_class


class Published(NamedTuple):
    """The classes that the host looks for in the script file."""

    script: type
    postprocessing: type


def publish() -> Published:
    """Registers the callbacks with the host and hands out the classes; once per load of the script file."""
    callbacks: Any = import_module("modules.script_callbacks")
    callbacks.on_ui_settings(add_options)
    callbacks.on_before_ui(add_axes)
    callbacks.on_ui_tabs(build_tab)
    callbacks.on_app_started(add_routes)
    return Published(script_class(), postprocessing_class())

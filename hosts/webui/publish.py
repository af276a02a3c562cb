"""All that the host is told when it loads the extension: classes to register, and callbacks."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, NamedTuple

from .api import add_routes
from .axes import add_axes
from .batch_tab import build_tab
from .extras import postprocessing_class
from .options import add_options
from .script import script_class

# What a host must call so that the result can be put back exactly. A1111 before 1.8 and SD.Next do not.
_HOOKS = ("before_process", "postprocess_maskoverlay", "postprocess_image_after_composite")


class Published(NamedTuple):
    """The classes that the host looks for in the script file."""

    script: type
    postprocessing: type


def publish() -> Published | None:
    """Registers the callbacks with the host and hands out the classes; once per load of the script file.

    None, and one line that says why, where the host cannot do what is needed: it goes on as if Hemline were not there.
    """
    kind: Any = import_module("modules.scripts").Script
    if missing := [name for name in _HOOKS if not hasattr(kind, name)]:
        # SD.Next logs what a script prints; of loggers it hears only its own.
        sys.stdout.write(
            f"Hemline is not loaded: this WebUI does not call {missing[0]}. "
            "It needs A1111 1.9 or later, Forge or reForge; SD.Next is not supported.\n"
        )
        return None
    callbacks: Any = import_module("modules.script_callbacks")
    callbacks.on_ui_settings(add_options)
    callbacks.on_before_ui(add_axes)
    callbacks.on_ui_tabs(build_tab)
    callbacks.on_app_started(add_routes)
    return Published(script_class(), postprocessing_class())

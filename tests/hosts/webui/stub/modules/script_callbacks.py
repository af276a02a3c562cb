"""Callbacks without a script."""

from collections import defaultdict

registered = defaultdict(list)


def _registrar(name):
    def register(callback, *, name_=None):
        registered[name].append(callback)

    return register


on_ui_settings, on_before_ui, on_ui_tabs, on_app_started, on_infotext_pasted = map(
    _registrar, ("ui_settings", "before_ui", "ui_tabs", "app_started", "infotext_pasted")
)

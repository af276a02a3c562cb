"""Starts the stand-in host: loads extensions, builds the page, serves the API. Runs on gradio 3.41 and 4.40."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import gradio as gr
from modules import script_callbacks, scripts, shared
from page import JS, PAGE_SCRIPT, build_extras, build_tab
from served import add_routes


def main():
    scripts.load_scripts()
    for callback in script_callbacks.registered["ui_settings"]:
        callback()
    for callback in script_callbacks.registered["before_ui"]:
        callback()
    tabs = [tab for callback in script_callbacks.registered["ui_tabs"] for tab in callback() or []]
    with gr.Blocks(analytics_enabled=False) as demo:
        with gr.Tabs(elem_id="tabs"):
            for kind in ("txt2img", "img2img"):
                with gr.TabItem(kind):
                    build_tab(kind)
            with gr.TabItem("Extras"):
                build_extras()
            with gr.TabItem("Settings"):
                for name, info in shared.opts.data_labels.items():
                    info.component(
                        label=info.label, value=info.default, elem_id=f"setting_{name}", **info.component_args
                    )
            for interface, title, elem_id in tabs:
                with gr.TabItem(title, elem_id=elem_id):
                    interface.render()
        demo.load(None, None, None, **{JS: PAGE_SCRIPT})
    pairs = [tuple(pair.split(":", 1)) for pair in (shared.cmd_opts.gradio_auth or "").split(",") if pair]
    app, _, _ = demo.queue().launch(
        server_name="127.0.0.1", server_port=shared.cmd_opts.port, prevent_thread_lock=True, quiet=True,
        auth=pairs or None,
    )  # fmt: skip
    if shared.cmd_opts.api:
        add_routes(app)
    for callback in script_callbacks.registered["app_started"]:
        callback(demo, app)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    demo.block_thread()


if __name__ == "__main__":
    main()

"""Starts the stand-in host: loads extensions, builds the page, serves the API. Runs on gradio 3.41 and 4.40."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import gradio as gr
from fastapi import Body, FastAPI, HTTPException
from modules import processing, script_callbacks, scripts, shared
from modules.call_queue import queue_lock
from modules.scripts_postprocessing import PostprocessedImage
from PIL import Image

OLD = gr.__version__.startswith("3.")
JS = "_js" if OLD else "js"
PAGE_SCRIPT = """() => {
  window.get_tab_index = (id) => {
    const buttons = [...document.getElementById(id).querySelector('div').querySelectorAll('button')];
    return Math.max(0, buttons.findIndex((button) => button.classList.contains('selected')));
  };
  window.switch_to_img2img_tab = (number) =>
    document.getElementById('mode_img2img').querySelectorAll('button')[number].click();
  document.body.dataset.ready = 'yes';
}"""
BODY = Body(...)
runners = {}


def parse(text):
    """The parameters in the last line of an infotext."""
    pattern = r'(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)'
    pairs = re.findall(pattern, text.splitlines()[-1])
    return {key: json.loads(value) if value.startswith('"') else value for key, value in pairs}


def picture_of(text):
    return Image.open(io.BytesIO(base64.b64decode(text.split(",")[-1])))


def text_of(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def arguments(runner, request):
    """The components' values, those that an infotext says, those that the request names."""
    values = [None, *(component.value for component in runner.inputs[1:])]
    said = parse(request["infotext"]) if request.get("infotext") else {}
    for script in runner.alwayson_scripts:
        for component, read in (script.infotext_fields or []) if said else []:
            value = read(said) if callable(read) else said.get(read)
            values[runner.inputs.index(component)] = component.value if value is None else value
    for name, given in (request.get("alwayson_scripts") or {}).items():
        script = next((one for one in runner.alwayson_scripts if one.name == name.lower()), None)
        if script is None:
            raise HTTPException(422, f"always on script {name} not found")
        for index, value in enumerate(given.get("args", [])[: script.args_to - script.args_from]):
            values[script.args_from + index] = value
    return tuple(values)


def generate(kind, request):
    is_img2img = kind == "img2img"
    taken = ("prompt", "width", "height", "batch_size", "n_iter", "resize_mode", "mask_blur", "seed", "steps")
    fields = {name: request[name] for name in taken if name in request and name != "mask_blur"}
    if is_img2img:
        for name in ("inpainting_fill", "inpaint_full_res", "inpaint_full_res_padding", "inpainting_mask_invert"):
            fields |= {name: request[name]} if name in request else {}
        mask = picture_of(request["mask"]) if request.get("mask") else None
        pictures = [picture_of(text) for text in request["init_images"]]
        p = processing.StableDiffusionProcessingImg2Img(init_images=pictures, mask=mask, **fields)
    else:
        p = processing.StableDiffusionProcessingTxt2Img(**fields)
    p.scripts, p.script_args = runners[kind], arguments(runners[kind], request)
    with queue_lock:
        shared.state.begin()
        try:
            return processing.process_images(p)
        finally:
            shared.state.end()


def endpoint(kind, request: dict = BODY):
    try:
        done = generate(kind, request)
    except HTTPException:
        raise
    except Exception as error:
        raise HTTPException(500, f"{type(error).__name__}: {error}") from error
    info = {"infotexts": done.infotexts, "comments": done.comments}
    return {"images": [text_of(picture) for picture in done.images], "info": json.dumps(info)}


def after_component(runner, component):
    runner.after_component(component, elem_id=component.elem_id)
    return component


def build_tab(kind):
    """One tab with the picture components that the real ones have, our scripts, and what came out."""
    runner = runners[kind] = scripts.ScriptRunner(kind == "img2img")
    sources = []
    if kind == "img2img":
        with gr.Tabs(elem_id="mode_img2img"):
            for title, ids in {
                "img2img": ["img2img_image"],
                "Sketch": ["img2img_sketch"],
                "Inpaint": ["img2maskimg"],
                "Inpaint sketch": ["inpaint_sketch"],
                "Inpaint upload": ["img_inpaint_base", "img_inpaint_mask"],
            }.items():
                with gr.TabItem(title):
                    sources += [
                        after_component(runner, gr.Image(label=name, elem_id=name, type="pil", image_mode="RGBA"))
                        for name in ids
                    ]
    prompt = gr.Textbox("", label="Prompt", elem_id=f"{kind}_prompt")
    with gr.Row():
        run = gr.Button("Generate", elem_id=f"{kind}_generate")
        paste = gr.Button("Paste", elem_id=f"{kind}_paste")
    runner.setup_ui()
    result = gr.Image(label="Result", elem_id=f"{kind}_result", type="pil", interactive=False)
    text = gr.Textbox("", label="Infotext", elem_id=f"{kind}_infotext", lines=4)
    fields = [field for script in runner.alwayson_scripts for field in script.infotext_fields or []]
    paste.click(partial(pasted, [read for _, read in fields]), [text], [component for component, _ in fields])
    if kind == "img2img":
        run.click(partial(pressed, runner), [prompt, sources[0], *runner.inputs[1:]], [result, text])


def pressed(runner, prompt, picture, *values):
    p = processing.StableDiffusionProcessingImg2Img(init_images=[picture], prompt=prompt, width=256, height=256)
    p.scripts, p.script_args = runner, (None, *values)
    try:
        with queue_lock:
            done = processing.process_images(p)
    except Exception as error:  # noqa: BLE001 - shown, as hosts do
        return None, f"{type(error).__name__}: {error}"
    return done.images[0], done.infotexts[0]


def pasted(reads, text):
    parameters = parse(text)
    values = [read(parameters) if callable(read) else parameters.get(read) for read in reads]
    return [gr.update() if value is None else gr.update(value=value) for value in values]


def build_extras():
    """Extras: one picture through each step, and what came out of it."""
    source = gr.Image(label="Source", elem_id="extras_image", type="pil")
    run = gr.Button("Generate", elem_id="extras_generate")
    steps = [data.script_class() for data in scripts.postprocessing_scripts_data]
    controls = [step.ui() for step in steps]
    result = gr.Image(label="Result", elem_id="extras_result", type="pil", interactive=False)

    def process(picture, *values):
        left = iter(values)
        pp = PostprocessedImage(picture)
        for step, named in zip(steps, controls, strict=True):
            step.process(pp, **{name: next(left) for name in named})
        return pp.image

    run.click(process, [source, *(one for named in controls for one in named.values())], [result])


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
    app, _, _ = demo.queue().launch(
        server_name="127.0.0.1", server_port=shared.cmd_opts.port, prevent_thread_lock=True, quiet=True
    )
    serve(demo, app)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    demo.block_thread()


def serve(demo, app: FastAPI):
    if shared.cmd_opts.api:
        for kind in runners:
            route = partial(endpoint, kind)
            app.add_api_route(f"/sdapi/v1/{kind}", route, methods=["POST"])
    for callback in script_callbacks.registered["app_started"]:
        callback(demo, app)


if __name__ == "__main__":
    main()

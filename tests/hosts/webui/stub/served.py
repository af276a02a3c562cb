"""The routes of the stand-in host: generations, X/Y/Z plot, interrupt, progress."""

import base64
import io
import json
import re
from functools import partial

from fastapi import Body, Depends, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from modules import processing, scripts, shared
from modules.call_queue import queue_lock
from PIL import Image

BODY = Body(...)
# By the kind of generation; the page fills it.
runners: dict[str, scripts.ScriptRunner] = {}


def parse(text):
    """The parameters in the last line of an infotext."""
    pattern = r'(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)'
    pairs = re.findall(pattern, text.strip().splitlines()[-1])
    return {key: json.loads(value) if value.startswith('"') else value for key, value in pairs}


def picture_of(text):
    return Image.open(io.BytesIO(base64.b64decode(text.split(",")[-1])))


def text_of(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def run(runner, p):
    """The chosen script, or one generation."""
    done = runner.run(p)
    return processing.process_images(p) if done is None else done


def arguments(runner, request):
    """The components' values, those that an infotext says, those that the request names."""
    values = [0, *(component.value for component in runner.inputs[1:])]
    said = parse(request["infotext"]) if request.get("infotext") else {}
    for script in runner.alwayson_scripts:
        for component, read in (script.infotext_fields or []) if said else []:
            value = read(said) if callable(read) else said.get(read)
            values[runner.inputs.index(component)] = component.value if value is None else value
    for number, script in enumerate(runner.selectable_scripts):
        if script.name == str(request.get("script_name") or "").lower():
            values[0] = number + 1
            values[script.args_from : script.args_to] = request["script_args"]
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
            return run(runners[kind], p)
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


def interrupt():
    shared.state.interrupt()
    return {}


def progress():
    state = shared.state
    share = 0.0
    if state.job_count:
        share = 0.01 + (state.job_no + state.sampling_step / max(1, state.sampling_steps)) / max(1, state.job_count)
    told = {name: value for name, value in vars(state).items() if name != "textinfo"}
    return {"progress": min(share, 1.0), "state": told, "textinfo": state.textinfo}


def script_info():
    """Every script with the labels and the choices of its components."""
    told = []
    for runner in runners.values():
        for script in [*runner.selectable_scripts, *runner.alwayson_scripts]:
            own = runner.inputs[script.args_from : script.args_to]
            args = [{"label": one.label, "choices": [*map(choice_of, getattr(one, "choices", []))]} for one in own]
            told.append({"name": script.name, "is_img2img": runner is runners["img2img"], "args": args})
    return told


def choice_of(entry):
    """What gradio 3 keeps as text and gradio 4 as a pair."""
    return entry[0] if isinstance(entry, tuple) else entry


def guard(credentials: HTTPBasicCredentials = Depends(HTTPBasic())):  # noqa: B008 - as FastAPI wants it
    pairs = [tuple(pair.split(":", 1)) for pair in shared.cmd_opts.api_auth.split(",")]
    if (credentials.username, credentials.password) not in pairs:
        raise HTTPException(401, "Incorrect username or password", {"WWW-Authenticate": "Basic"})


def add_routes(app):
    common = {"dependencies": [Depends(guard)] if shared.cmd_opts.api_auth else []}
    for kind in runners:
        app.add_api_route(f"/sdapi/v1/{kind}", partial(endpoint, kind), methods=["POST"], **common)
    app.add_api_route("/sdapi/v1/interrupt", interrupt, methods=["POST"], **common)
    app.add_api_route("/sdapi/v1/progress", progress, methods=["GET"], **common)
    app.add_api_route("/sdapi/v1/script-info", script_info, methods=["GET"], **common)

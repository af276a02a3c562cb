"""The page of the stand-in host: the tabs, ids and buttons that an extension and its users meet."""

import html
import random
import time
from functools import partial
from pathlib import Path

import gradio as gr
from canvas import canvas
from modules import processing, scripts, scripts_postprocessing, shared
from modules.call_queue import queue_lock
from PIL import Image
from served import parse, run, runners

OLD = gr.__version__.startswith("3.")
JS = "_js" if OLD else "js"
# Hosts hand out their own files; gradio 4 alone would make WebPs of them.
EXACT = {} if OLD else {"format": "png"}
UPLOAD = {"source": "upload"} if OLD else {}
PAGE_SCRIPT = """() => {
  window.get_tab_index = (id) => {
    const buttons = [...document.getElementById(id).querySelector('div').querySelectorAll('button')];
    return Math.max(0, buttons.findIndex((button) => button.classList.contains('selected')));
  };
  window.switch_to_img2img_tab = (number) =>
    document.getElementById('mode_img2img').querySelectorAll('button')[number].click();
  document.body.dataset.ready = 'yes';
}"""
READ_TAB = "(...args) => {{ args[0] = String(get_tab_index('{}')); return args; }}"
IMG2IMG, SKETCH, INPAINT, INPAINT_SKETCH, UPLOADED, BATCH = range(6)
LAST = {}
FOLDERS = ("img2img_batch_input_dir", "img2img_batch_output_dir", "img2img_batch_inpaint_mask_dir")


def picture_component(elem_id):
    return gr.Image(label=elem_id, elem_id=elem_id, type="pil", image_mode="RGBA", **UPLOAD, **EXACT)


def build_tab(kind):
    """One tab with the components that the real ones have, our scripts, and what came out."""
    runner = runners[kind] = scripts.ScriptRunner()
    runner.initialize_scripts(kind == "img2img")
    told = runner.after_component
    sources = build_sources(lambda one: told(one, elem_id=one.elem_id)) if kind == "img2img" else []
    prompt = gr.Textbox("", label="Prompt", elem_id=f"{kind}_prompt")
    size = [gr.Slider(64, 2048, 512, step=8, label=name, elem_id=f"{kind}_{name}") for name in ("width", "height")]
    with gr.Row(elem_id=f"{kind}_tools"):
        start = gr.Button("Generate", elem_id=f"{kind}_generate")
        paste = gr.Button("Paste", elem_id="paste")
    runner.setup_ui()
    gallery = gr.Gallery(label="Result", elem_id=f"{kind}_gallery", **EXACT)
    text = gr.HTML("", elem_id=f"html_info_{kind}")
    log = gr.HTML("", elem_id=f"html_log_{kind}")
    fields = [field for script in runner.alwayson_scripts for field in script.infotext_fields or []]
    paste.click(
        partial(pasted, [read for _, read in fields]), [prompt], [prompt, *(component for component, _ in fields)]
    )
    tab = gr.Textbox("0", visible=False)
    start.click(
        partial(pressed, runner, len(sources)), [tab, prompt, *size, *sources, *runner.inputs[1:]],
        [gallery, text, log], **{JS: READ_TAB.format("mode_img2img") if sources else "(...args) => args"},
    )  # fmt: skip


def build_sources(tell):
    """The tabs of img2img: for each the component of the picture, of what is drawn on it, or of the mask."""
    made = []
    with gr.Tabs(elem_id="mode_img2img"):
        for title, ids in {"img2img": ["img2img_image"], "Sketch": ["img2img_sketch"], "Inpaint": ["img2maskimg"],
                           "Inpaint sketch": ["inpaint_sketch"],
                           "Inpaint upload": ["img_inpaint_base", "img_inpaint_mask"]}.items():  # fmt: skip
            with gr.TabItem(title):
                for name in ids:
                    if name == "img2maskimg":
                        made += canvas(name, tell)
                    else:
                        made.append(picture_component(name))
                        tell(made[-1])
        with gr.TabItem("Batch"):
            made += [gr.Textbox("", label=name, elem_id=name) for name in FOLDERS]
    return made


def pressed(runner, count, tab, prompt, width, height, *values):
    """What the Generate button does."""
    sources, values = values[:count], values[count:]
    fields = {
        "prompt": prompt,
        "width": int(width),
        "height": int(height),
        "inpaint_full_res": False,
        "seed": random.randrange(2**31),
    }
    try:
        with queue_lock:
            shared.state.begin()
            done = batch(runner, fields, sources, values) if int(tab) == BATCH and sources else None
            done = done or run(runner, prepared(runner, int(tab), fields, sources, values))
            LAST["infotext"] = done.infotexts[0]
            texts = [done.infotexts[0]], done.comments.splitlines()
            return done.images, *("".join(f"<p>{html.escape(line)}</p>" for line in lines) for lines in texts)
    except Exception as error:  # noqa: BLE001 - shown, as hosts do
        return [], "", f"<div class='error'>{html.escape(f'{type(error).__name__}: {error}')}</div>"
    finally:
        shared.state.end()


def prepared(runner, tab, fields, sources, values):
    if not sources:
        p = processing.StableDiffusionProcessingTxt2Img(**{k: v for k, v in fields.items() if k != "inpaint_full_res"})
    else:
        pictures = {IMG2IMG: (sources[0], None), INPAINT: sources[2:4], UPLOADED: sources[5:7], BATCH: (None, None)}
        picture, mask = pictures[tab]
        if isinstance(picture, dict):
            picture, mask = picture["image"], picture["mask"]
        elif tab == INPAINT and mask is not None:
            mask = mask.getchannel("A")
        p = processing.StableDiffusionProcessingImg2Img(init_images=[picture], mask=mask, **fields)
    p.scripts, p.script_args = runner, (0, *values)
    return p


def batch(runner, fields, sources, values):
    """A folder through one processing object, as hosts do."""
    source, target, masks = (str(value or "").strip() for value in sources[-3:])
    p = prepared(runner, BATCH, fields, sources, values)
    everything = None
    for file in sorted(Path(source).iterdir()):
        p.init_images = [Image.open(file)]
        if masks:
            p.image_mask = Image.open(Path(masks) / file.name)
        done = run(runner, p)
        for picture in done.images:
            picture.save(Path(target) / f"{file.stem}.png")
        if everything is None:
            everything = done
        else:
            everything.images += done.images
            everything.infotexts += done.infotexts
    return everything


def pasted(reads, text):
    """What the button beside Generate reads: the text in the prompt, or that of the last generation."""
    text = text or LAST.get("infotext", "")
    parameters = parse(text)
    values = [read(parameters) if callable(read) else parameters.get(read) for read in reads]
    return [text.splitlines()[0], *(gr.update() if value is None else gr.update(value=value) for value in values)]


def build_extras():
    """Extras: a picture or a folder through each step, and what came out."""
    with gr.Tabs(elem_id="mode_extras"):
        with gr.TabItem("Single Image"):
            source = picture_component("extras_image")
        with gr.TabItem("Batch Process"):
            gr.HTML("not in the stand-in")
        with gr.TabItem("Batch from Directory"):
            folders = [gr.Textbox("", label=name, elem_id=f"extras_batch_{name}_dir") for name in ("input", "output")]
    start = gr.Button("Generate", elem_id="extras_generate")
    steps = [data.script_class() for data in scripts.postprocessing_scripts_data]
    controls = [step.ui() for step in steps]
    gallery = gr.Gallery(label="Result", elem_id="extras_gallery", **EXACT)
    log = gr.HTML("", elem_id="html_log_extras")

    def process(tab, picture, source, target, *values):
        left = iter(values)
        work = [(step, {name: next(left) for name in named}) for step, named in zip(steps, controls, strict=True)]
        pictures = {"": picture}
        if int(tab) == 2:
            pictures = {file.stem: Image.open(file) for file in sorted(Path(source).iterdir())}
        shown = []
        try:
            for name, one in pictures.items():
                for made in scripts_postprocessing.run_steps(work, one):
                    shown.append(made.image)
                    if name:
                        made.image.save(Path(target) / f"{'-'.join([name, *made.nametags])}.png")
        except Exception as error:  # noqa: BLE001 - shown, as hosts do
            return shown, f"<div class='error'>{html.escape(f'{type(error).__name__}: {error}')}</div>"
        return shown, f"<p>done at {time.time()}</p>"

    wires = [gr.Textbox("0", visible=False), source, *folders, *(one for named in controls for one in named.values())]
    start.click(process, wires, [gallery, log], **{JS: READ_TAB.format("mode_extras")})

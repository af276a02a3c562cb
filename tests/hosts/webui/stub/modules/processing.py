"""Generation: the order of hooks and the fields of the processing object, around latents that hold pictures."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn import functional

from . import images, scripts
from .shared import opts, state

CELL, SLOW_STEP_S = 8, 0.2
PAINT, GAIN, OFFSET = (0.9, 0.1, 0.6), 0.94, 0.02


@dataclass
class StableDiffusionProcessing:
    outpath_samples: str = ""
    outpath_grids: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    styles: list = None
    seed: int = 1
    subseed: int = 1
    subseed_strength: float = 0
    sampler_name: str = "Euler"
    scheduler: str = None
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 20
    cfg_scale: float = 7.0
    width: int = 512
    height: int = 512
    tiling: bool = None
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    override_settings: dict = field(default_factory=dict)
    scripts: Any = field(default=None, init=False)
    script_args: tuple = field(default=(), init=False)
    paste_to: Any = field(default=None, init=False)
    extra_generation_params: dict = field(default_factory=dict, init=False)
    comments: list = field(default_factory=list, init=False)

    def comment(self, text):
        self.comments.append(text)


@dataclass
class StableDiffusionProcessingTxt2Img(StableDiffusionProcessing):
    def init(self, *args):
        pass

    def sample(self, **kwargs):
        """A picture from a file that the prompt names, or grey."""
        try:
            picture = Image.open(Path(self.prompt)).convert("RGB").resize((self.width, self.height))
        except (OSError, ValueError):
            picture = Image.new("RGB", (self.width, self.height), "grey")
        return encode(picture).expand(self.batch_size, -1, -1, -1)


@dataclass
class StableDiffusionProcessingImg2Img(StableDiffusionProcessing):
    init_images: list = None
    resize_mode: int = 0
    denoising_strength: float = 0.75
    mask: Any = None
    mask_blur_x: int = 4
    mask_blur_y: int = 4
    mask_round: bool = True
    inpainting_fill: int = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0
    image_mask: Any = field(default=None, init=False)
    nmask: Any = field(default=None, init=False)
    mask_for_overlay: Any = field(default=None, init=False)
    overlay_images: Any = field(default=None, init=False)

    def __post_init__(self):
        self.image_mask, self.mask = self.mask, None

    def init(self, *args):
        region, mask = None, self.image_mask  # without one, what an earlier picture left stays, as in hosts
        if mask is not None:
            mask = mask.convert("L")
            mask = ImageOps.invert(mask) if self.inpainting_mask_invert else mask
            if self.inpaint_full_res and mask.getbbox():
                region = _grown(mask.getbbox(), self.inpaint_full_res_padding, mask.size, self.width / self.height)
                self.mask_for_overlay, mask = mask, mask.crop(region).resize((self.width, self.height))
                self.paste_to = (region[0], region[1], region[2] - region[0], region[3] - region[1])
            else:
                mask = images.resize_image(self.resize_mode, mask, self.width, self.height)
                self.mask_for_overlay = mask.point(lambda value: min(255, 2 * value))
            self.overlay_images = []
        self.init_latent = torch.cat([self._latent(picture, region, mask) for picture in self.init_images])
        if len(self.init_images) == 1:
            self.init_latent = self.init_latent.expand(self.batch_size, -1, -1, -1)
            self.overlay_images = self.overlay_images and self.overlay_images * self.batch_size
        self.batch_size = len(self.init_latent)
        if mask is not None:
            plane = torch.from_numpy(np.asarray(mask.resize(self.init_latent.shape[:1:-1]), np.float32) / 255)
            self.nmask = plane.round().expand(4, -1, -1) if self.mask_round else plane.expand(4, -1, -1)
            self.mask = 1 - self.nmask

    def _latent(self, picture, region, mask):
        picture = images.flatten(picture, opts.img2img_background_color)
        if region is None:
            picture = images.resize_image(self.resize_mode, picture, self.width, self.height)
        if mask is not None:
            kept = picture.convert("RGBA")
            kept.putalpha(ImageOps.invert(self.mask_for_overlay.resize(picture.size)))
            self.overlay_images.append(kept)
        return encode(picture.crop(region).resize((self.width, self.height)) if region else picture)

    def sample(self, **kwargs):
        colour = torch.tensor((*PAINT, 0.0)).view(1, 4, 1, 1) * 2 - 1
        painted = self.init_latent + (colour - self.init_latent) * self._steps_done() / self.steps
        return painted if self.nmask is None else painted * self.nmask + self.init_latent * self.mask

    def _steps_done(self):
        """How many of the steps are done when it is over; a prompt with the word "slowly" takes its time."""
        state.sampling_steps = self.steps
        for step in range(self.steps):
            if state.interrupted:
                return step
            state.sampling_step = step
            time.sleep(SLOW_STEP_S if "slowly" in self.prompt else 0)
        return self.steps


class Processed:
    def __init__(self, p, pictures, infotexts):
        self.images, self.infotexts, self.info = pictures, infotexts, infotexts[0] if infotexts else ""
        self.comments = "".join(f"{line}\n" for line in p.comments)


def process_images(p):
    if p.scripts is not None:
        p.scripts.call("before_process", p)
    kept = {name: opts.data[name] for name in p.override_settings if name in opts.data}
    for name in p.override_settings:
        setattr(opts, name, p.override_settings[name])
    try:
        return _process(p)
    finally:
        for name, value in kept.items():
            setattr(opts, name, value)


def _process(p):
    count = p.batch_size * p.n_iter
    p.prompts, p.negative_prompts = [p.prompt] * p.batch_size, [p.negative_prompt] * p.batch_size
    p.seeds, p.subseeds = [p.seed] * p.batch_size, [p.subseed] * p.batch_size
    if p.scripts is not None:
        p.scripts.call("process", p)
    list(p.scripts.alwayson_scripts)  # reForge looks through them without asking whether there is a runner
    pictures, infotexts = [], []
    p.init([p.prompt] * count, p.seeds, p.subseeds)
    state.job_count = p.n_iter if state.job_count == -1 else state.job_count
    for _ in range(p.n_iter):
        if state.interrupted or state.stopping_generation:
            break
        samples = p.sample()
        state.nextjob()
        for number, picture in enumerate(decode(samples)):
            p.batch_index = number
            pictures.append(_finish(p, number, picture))
            infotexts.append(_infotext(p))
    processed = Processed(p, pictures, infotexts or [_infotext(p)])
    if p.scripts is not None:
        p.scripts.call("postprocess", p, processed)
    return processed


def _finish(p, number, picture):
    if p.scripts is not None:
        pp = scripts.PostprocessImageArgs(picture)
        p.scripts.call("postprocess_image", p, pp)
        picture = pp.image
    overlays = getattr(p, "overlay_images", None) if opts.overlay_inpaint else None
    overlay = overlays[number] if overlays and number < len(overlays) else None
    if p.scripts is not None:
        ppmo = scripts.PostProcessMaskOverlayArgs(number, getattr(p, "mask_for_overlay", None), overlay)
        p.scripts.call("postprocess_maskoverlay", p, ppmo)
        overlay = ppmo.overlay_image
    if overlay is not None:
        canvas = Image.new("RGBA", overlay.size)
        x, y, width, height = p.paste_to or (0, 0, *overlay.size)
        canvas.paste(picture.resize((width, height)), (x, y))
        canvas.alpha_composite(overlay)
        picture = canvas.convert("RGB")
    if p.scripts is not None:
        pp = scripts.PostprocessImageArgs(picture)
        p.scripts.call("postprocess_image_after_composite", p, pp)
        picture = pp.image
    return picture


def _infotext(p):
    import json

    told = {"Steps": p.steps, "Seed": p.seed, "Size": f"{p.width}x{p.height}", **p.extra_generation_params}
    quoted = {key: json.dumps(text) if {",", ":", "\n"} & set(str(text)) else text for key, text in told.items()}
    return f"{p.prompt}\n" + ", ".join(f"{key}: {text}" for key, text in quoted.items())


def _grown(box, padding, size, aspect):
    """The box with padding, in the aspect of the generation as far as the picture allows."""
    x0, y0, x1, y1 = box[0] - padding, box[1] - padding, box[2] + padding, box[3] + padding
    x0, y0, x1, y1 = max(0, x0), max(0, y0), min(size[0], x1), min(size[1], y1)
    if (x1 - x0) / (y1 - y0) > aspect:
        high = min(size[1], round((x1 - x0) / aspect))
        y0 = min(max(0, (y0 + y1 - high) // 2), size[1] - high)
        return x0, y0, x1, y0 + high
    wide = min(size[0], round((y1 - y0) * aspect))
    x0 = min(max(0, (x0 + x1 - wide) // 2), size[0] - wide)
    return x0, y0, x0 + wide, y1


def encode(picture):
    pixels = torch.from_numpy(np.asarray(picture.convert("RGB"), np.float32) / 255).permute(2, 0, 1)[None]
    small = functional.interpolate(pixels * 2 - 1, scale_factor=1 / CELL, mode="area")
    return torch.cat([small, torch.zeros_like(small[:, :1])], 1)


def decode(latents):
    large = functional.interpolate(latents[:, :3], scale_factor=CELL, mode="bilinear")
    values = ((large + 1) / 2 * GAIN + OFFSET).clamp(0, 1) * 255
    return [Image.fromarray(np.ascontiguousarray(one.permute(1, 2, 0).byte().numpy())) for one in values]

"""An extension for tests only: the host generates without a checkpoint.

"Latents" are the picture itself at an eighth of its size, the "sampler" paints everything one colour, and the "decoder"
gives all that comes out a tone of its own, as real ones do. All the rest of the host runs as it is. A prompt with the
word "slowly" takes its time; an interrupt then leaves a picture that is half painted, as real samplers do.
"""

import contextlib
import time
from pathlib import Path
from types import SimpleNamespace

import torch
from modules import processing, sd_models, sd_samplers, sd_vae_approx, shared
from torch.nn import functional

PAINT = (0.9, 0.1, 0.6)
GAIN, OFFSET = 0.94, 0.02
CELL = 8
SLOW_STEP_S = 0.2


class Objects(SimpleNamespace):
    def shallow_copy(self):
        return self


class Model:
    """What the host asks of a model while it generates."""

    cond_stage_key = "txt"
    sd_model_hash = "0123456789"
    sd_checkpoint_info = SimpleNamespace(
        name_for_extra="stand-in",
        model_name="stand-in",
        name="stand-in",
        title="stand-in",
        filename="stand-in",
        shorthash="0123456789",
        sha256=None,
    )
    dtype = torch.float32
    lowvram = False
    is_sdxl = is_sd1 = is_sd2 = is_sd3 = is_inpaint = use_distilled_cfg_scale = False
    comments = ()
    cond_stage_model = first_stage_model = None
    model_config = SimpleNamespace(ztsnr=False)

    def __init__(self):
        self.extra_generation_params = {}
        self.forge_objects = Objects(vae=SimpleNamespace(latent_channels=4))
        self.forge_objects_original = self.forge_objects_after_applying_lora = self.forge_objects

    def is_webui_legacy_model(self):
        return True

    def ema_scope(self):
        return contextlib.nullcontext()

    def get_prompt_lengths_on_ui(self, prompt):
        return 1, 75


class Sampler:
    conditioning_key = "crossattn"

    def sample_img2img(self, p, x, noise, *args, **kwargs):
        return x + (paint(x) - x) * steps_done(p) / p.steps

    def sample(self, p, x, *args, **kwargs):
        return functional.interpolate(encode(picture_of(p)), x.shape[-2:], mode="bilinear").expand(len(x), -1, -1, -1)


def steps_done(p):
    """How many of the steps are done when it is over: all, unless the user has pressed Interrupt."""
    state = shared.state
    state.sampling_steps = p.steps
    for step in range(p.steps):
        if state.interrupted or state.skipped:
            return step
        state.sampling_step = step
        time.sleep(SLOW_STEP_S if "slowly" in str(p.prompt) else 0)
    return p.steps


def picture_of(p):
    """What txt2img "draws": the picture of a file that the prompt names, or grey."""
    import numpy as np
    from PIL import Image

    with contextlib.suppress(OSError, ValueError):
        pixels = np.asarray(Image.open(Path(p.prompts[0])).convert("RGB").resize((p.width, p.height)))
        return torch.from_numpy(pixels / 255).float().permute(2, 0, 1)[None]
    return torch.full((1, 3, p.height, p.width), 0.5)


def paint(latent):
    colour = torch.tensor((*PAINT, 0.0)).view(1, 4, 1, 1)
    return (colour * 2 - 1).to(latent).expand_as(latent).clone()


def encode(image, *args, **kwargs):
    small = functional.interpolate(image.float() * 2 - 1, scale_factor=1 / CELL, mode="area")
    return torch.cat([small, torch.zeros_like(small[:, :1])], 1)


def decode(model, latents, *args, **kwargs):
    large = functional.interpolate(latents[:, :3].float(), scale_factor=CELL, mode="bilinear")
    shifted = ((large + 1) / 2 * GAIN + OFFSET) * 2 - 1
    return list(shifted.cpu())


def no_conds(p, *args, **kwargs):
    p.c = p.uc = None


def no_image_conditioning(p, *args, **kwargs):
    return torch.zeros(1, 5, 1, 1)


MODEL = Model()
data = sd_models.model_data
data.sd_model, data.was_loaded_at_least_once = MODEL, True
data.get_sd_model = lambda: MODEL
for module in (sd_models, processing):
    for name, stand_in in {
        "reload_model_weights": lambda *args, **kwargs: MODEL,
        "forge_model_reload": lambda *args, **kwargs: (MODEL, False),
        "apply_circular_forge": lambda *args, **kwargs: None,
        "apply_token_merging": lambda *args, **kwargs: None,
        "decode_latent_batch": decode,
        "images_tensor_to_samples": encode,
    }.items():
        if hasattr(module, name):
            setattr(module, name, stand_in)
if hasattr(sd_models, "forge_model_reload") and shared.opts.sd_model_checkpoint is None:
    shared.opts.data["sd_model_checkpoint"] = "stand-in"  # Forge reads no parameters back without one
sd_vae_approx.model = lambda: None  # would be downloaded for live previews
sd_samplers.create_sampler = lambda *args, **kwargs: Sampler()
for kind in (
    processing.StableDiffusionProcessing,
    processing.StableDiffusionProcessingTxt2Img,
    processing.StableDiffusionProcessingImg2Img,
):
    kind.setup_conds = no_conds
    kind.img2img_image_conditioning = kind.txt2img_image_conditioning = no_image_conditioning

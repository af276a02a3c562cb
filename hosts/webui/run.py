"""One generation: the mask before it, what the host is told, and the exact composite after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from ...blending.stitch import CropBox
from ...context import Context
from ...errors import HemlineError, ShapeError
from ...tensors import NOTHING, resize_mask
from .host import tell
from .mask_settings import AS_SET, FILLS, ONLY_MASKED, SKIP, STOP, MaskSettings
from .masking import composite, garment_mask, sampling_mask
from .pixels import to_image, to_mask, to_picture

# What of the host's processing object is set, and put back afterwards: it goes on to the next picture of a batch.
_FIELDS = (
    "image_mask", "mask_blur_x", "mask_blur_y", "inpainting_fill", "inpaint_full_res", "inpaint_full_res_padding",
    "inpainting_mask_invert",
)  # fmt: skip
_METHODS = ("init", "sample")
# What the host itself makes of a picture and keeps where the next one has no mask.
_MADE = ("mask", "nmask", "mask_for_overlay", "overlay_images", "paste_to")
# What the picture's text tells of one picture; hosts keep such lines for the whole batch.
FOUND, ERROR = TOLD = ("Hemline found", "Hemline error")
# The host's number for its resize mode that enlarges latents: pixels are then only stretched.
_LATENT_UPSCALE = 3
# A pixel of a resized hard mask that is covered by more than this; Lanczos rings up to a tenth.
_COVERED = 0.25


class NothingFound(HemlineError):
    """The mask is empty, and the user wants to stop then."""


@dataclass
class Run:
    """What is known of one generation. pictures, masks: of each source picture; masks is empty for plain img2img."""

    settings: MaskSettings
    pictures: list[Image.Image] = field(default_factory=list[Image.Image])
    masks: list[Tensor] = field(default_factory=list[Tensor])
    saved: dict[str, Any] = field(default_factory=dict[str, Any])
    overlay: Any = None
    index: int = 0
    skipped: bool = False

    @property
    def composites(self) -> bool:
        """Whether the result is put together here."""
        return bool(self.masks) and (self.settings.composite or self.skipped)


def begin(p: Any, settings: MaskSettings, context: Context) -> Run:
    """Finds the mask of each source picture and tells the host to repaint just that.

    Raises `NothingFound` where there is none and the settings say stop, and as `garment_mask` does.
    """
    run = Run(settings)
    forget_told(p)
    for name in _MADE:
        setattr(p, name, None)
    run.pictures = _sources(p)
    drawn = p.image_mask
    empty: list[bool] = []
    badges: list[str] = []
    known: dict[int, tuple[Tensor, bool, str]] = {}
    for picture, given in zip(run.pictures, p.init_images, strict=True):
        if id(given) not in known:  # hosts repeat one picture for each of a batch
            known[id(given)] = _look(picture, drawn, settings, context)
        mask, nothing, badge = known[id(given)]
        run.masks.append(mask)
        empty.append(nothing)
        badges.append(badge)
    for badge in dict.fromkeys(badges):
        tell(p, badge)
    _apply_policy(run, empty, badges, p)
    p.extra_generation_params["Hemline"] = settings.infotext()
    p.extra_generation_params[FOUND] = " | ".join(dict.fromkeys(badges))
    _hand_over(run, p)
    return run


def forget_told(p: Any, *names: str) -> None:
    """Takes what is told of the picture before out of the text. names: of `TOLD`, all where none is named."""
    for name in names or TOLD:
        p.extra_generation_params.pop(name, None)


def take_overlay(run: Run, ppmo: Any) -> None:
    """Keeps the host from compositing, as that is done here; the hook runs once for each result."""
    run.index = ppmo.index
    run.overlay = ppmo.overlay_image
    if run.composites:
        ppmo.overlay_image = None


def finish_picture(run: Run, p: Any, pp: Any, context: Context) -> None:
    """Puts what was generated into its source picture, exactly."""
    forget_told(p, ERROR)
    number = min(run.index, len(run.pictures) - 1)
    picture, mask, box = _frame(p, run.pictures[number], run.masks[number], skipped=run.skipped)
    if run.skipped:
        pp.image = picture
        return
    width, height = box[2] - box[0], box[3] - box[1]
    generated = to_image(pp.image)
    if abs(generated.shape[2] * height - generated.shape[1] * width) > max(width, height, *generated.shape[1:3]):
        generated = to_image(pp.image.resize((width, height), Image.Resampling.LANCZOS))
    whole, lines = composite(to_image(picture), mask, generated, box, run.settings, context=context)
    pp.image = to_picture(whole)
    for line in lines:
        tell(p, line)


def fall_back(run: Run, p: Any, pp: Any) -> None:
    """The host's own composite, for where ours has failed: never a bare crop in the place of a picture."""
    if run.overlay is None:
        return
    canvas = Image.new("RGBA", run.overlay.size)
    x, y, width, height = p.paste_to or (0, 0, *run.overlay.size)
    canvas.paste(pp.image.resize((width, height), Image.Resampling.LANCZOS), (x, y))
    canvas.alpha_composite(run.overlay)
    pp.image = canvas.convert("RGB")


def end(run: Run, p: Any) -> None:
    """Puts everything back that `begin` has set, so that the next picture starts as the user has set it."""
    for name in _METHODS:
        p.__dict__.pop(name, None)
    for name, value in run.saved.items():
        setattr(p, name, value)
    run.saved.clear()


def fail(p: Any, error: Exception) -> None:
    """Has the host raise the error where it shows errors to the user: it swallows those of hooks."""

    def init(*args: Any, **kwargs: Any) -> None:
        p.__dict__.pop("init", None)
        raise error

    p.init = init


def _sources(p: Any) -> list[Image.Image]:
    """The source pictures without transparency, as the host flattens them."""
    if not p.init_images or any(picture is None for picture in p.init_images):
        raise HemlineError("there is no picture to find garments in; put one into this tab.")
    images, shared = import_module("modules.images"), import_module("modules.shared")
    colour = getattr(shared.opts, "img2img_background_color", "#ffffff")
    pictures = [images.flatten(picture, colour) for picture in p.init_images]
    sizes = {picture.size for picture in pictures}
    if len(sizes) > 1:
        raise ShapeError(f"the pictures have {len(sizes)} sizes, but one mask area; send those of one size together.")
    return pictures


def _look(picture: Image.Image, drawn: Any, settings: MaskSettings, context: Context) -> tuple[Tensor, bool, str]:
    """The mask of one picture, whether it is empty, and what to tell of it."""
    hand = None if drawn is None else to_mask(drawn, picture.size)
    found = garment_mask(to_image(picture), settings, hand, context=context)
    return found.mask, found.empty[0], found.badges[0]


def _apply_policy(run: Run, empty: Sequence[bool], badges: Sequence[str], p: Any) -> None:
    """What happens where there is nothing to repaint."""
    if not any(empty):
        return
    policy = run.settings.nothing_found
    which = "" if len(empty) == 1 else f" in picture {', '.join(str(n) for n, none in enumerate(empty, 1) if none)}"
    line = f"nothing to repaint{which} ({badges[list(empty).index(True)]}); on nothing found: {policy}"
    if policy == STOP:
        raise NothingFound(f"{line}. Ask for something else, or choose 'skip' or 'whole picture'.")
    tell(p, line)
    if policy == SKIP:
        run.skipped = all(empty)
    elif all(empty):
        run.masks = []
    else:
        run.masks = [torch.ones_like(mask) if none else mask for mask, none in zip(run.masks, empty, strict=True)]


def _hand_over(run: Run, p: Any) -> None:
    """Sets the host's own fields; `end` puts them back."""
    run.saved = {name: getattr(p, name) for name in _FIELDS if hasattr(p, name)}
    settings = run.settings
    if p.inpainting_mask_invert and run.masks:
        tell(p, "Mask mode 'Inpaint not masked' is not used: what the panel names is repainted")
    p.inpainting_mask_invert = 0
    p.mask_blur_x = p.mask_blur_y = 0  # the mask is soft as it is
    if settings.area != AS_SET:
        p.inpaint_full_res = settings.area == ONLY_MASKED
        p.inpaint_full_res_padding = settings.padding
    if settings.fill != AS_SET:
        p.inpainting_fill = FILLS.index(settings.fill)
    if not run.masks:  # the whole picture, so what is drawn counts no longer either
        p.image_mask = None
        return
    if run.skipped:
        p.image_mask = None
        p.sample = partial(_unchanged, p)
        return
    union = torch.stack(run.masks).amax(0)
    p.image_mask = to_picture(sampling_mask(union, settings))
    alike = all(torch.equal(mask, union) for mask in run.masks)
    if not alike or (settings.composite and getattr(p, "mask_round", True)):
        p.init = _with_own_masks(p, run.masks, settings, p.init)


def _unchanged(p: Any, *args: Any, **kwargs: Any) -> Any:
    """What the host's sampler is replaced by where nothing is to be repainted."""
    return p.init_latent


def _with_own_masks(
    p: Any, masks: Sequence[Tensor], settings: MaskSettings, init: Callable[..., Any]
) -> Callable[..., Any]:
    """The host's init, after which each latent has the mask of its own picture, as far as any part of its cell has it.

    The host rounds: of a cell that is covered by less than one half nothing would be sampled, and the edge of the
    composite would find nothing new there.
    """

    def init_with_masks(*args: Any, **kwargs: Any) -> Any:
        result = init(*args, **kwargs)
        if p.nmask is not None:
            planes = [_latent_mask(p, mask, settings, p.nmask.shape[-2:]) for mask in masks]
            planes = planes if any(not torch.equal(plane, planes[0]) for plane in planes) else planes[:1]
            own = torch.stack(planes).unsqueeze(1).expand(-1, p.nmask.shape[-3], -1, -1).to(p.nmask)
            own = own if len(planes) > 1 else own[0]  # one for all has no batch axis
            p.nmask, p.mask = own, 1 - own
        return result

    return init_with_masks


def _latent_mask(p: Any, mask: Tensor, settings: MaskSettings, size: Sequence[int]) -> Tensor:
    """One picture's mask ``[h,w]`` at the size of its latents, cut as the host cuts it."""
    if p.paste_to is not None:
        x, y, width, height = p.paste_to
        plane = resize_mask(sampling_mask(mask, settings)[:, y : y + height, x : x + width], p.height, p.width)
    else:
        plane = _resized_mask(p, sampling_mask(mask, settings))
    if not settings.composite:
        return resize_mask(plane, size[0], size[1])[0].round()
    return functional.adaptive_max_pool2d((plane > _COVERED).float(), (size[0], size[1]))[0]


def _frame(p: Any, picture: Image.Image, mask: Tensor, *, skipped: bool) -> tuple[Image.Image, Tensor, CropBox]:
    """Picture and mask at the size of the result, and the place of what was generated in it."""
    if p.paste_to is not None or (skipped and p.inpaint_full_res):
        x, y, width, height = p.paste_to or (0, 0, *picture.size)
        return picture, mask, (x, y, x + width, y + height)
    picture = _resized(p, picture)
    return picture, _resized_mask(p, mask), (0, 0, *picture.size)


def _resized_mask(p: Any, mask: Tensor) -> Tensor:
    """The mask ``[1,H,W]`` at the size of the generation, by the host's resize mode, and 0 where it was 0.

    Hosts resize with Lanczos, which rings: faint traces of a mask would lie where there was none.
    """
    soft, support = (to_mask(_resized(p, to_picture(plane))) for plane in (mask, (mask > NOTHING).float()))
    return torch.where(support > _COVERED, soft, 0)


def _resized(p: Any, picture: Image.Image) -> Image.Image:
    """The picture at the size of the generation, by the host's resize mode."""
    mode = 0 if p.resize_mode == _LATENT_UPSCALE else p.resize_mode
    return import_module("modules.images").resize_image(mode, picture, p.width, p.height)

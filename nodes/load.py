"""Before stage 1: whole folders of pictures, overlays and masks, paired by their names."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..blending.modes import MODE_REGISTRY, blend_mode
from ..context import Context, PictureSource
from ..pairing import Pair, check_template, fill_template, stem_of
from ..tensors import BadFile, HemlineError, check_name
from .jobs import (
    MISSING_POLICIES,
    BatchJob,
    describe_lookalikes,
    describe_missing,
    describe_unused,
    pair_job,
    parse_jobs,
)
from .spec import NotGiven, Port, Result, node

MASK_CHANNELS = ("luma", "alpha")
MASK_FITS = ("error", "stretch")
MOST_PICTURES = 1_000_000
_SKIP_PLACEHOLDERS = ("name", "job", "output")
_IMAGES = "*"


@dataclass(frozen=True)
class _Request:
    """What the widgets ask for."""

    source: str = ""
    images: str = _IMAGES
    overlays: str = ""
    masks: str = ""
    start: int = 0
    limit: int = 0
    missing: str = "error"
    skip_existing: str = ""


@dataclass(frozen=True)
class _Task:
    """A picture that is to be loaded; output: its result's name, without suffix."""

    job: BatchJob
    pair: Pair
    output: str


@dataclass(frozen=True)
class _Loaded:
    """A picture and what belongs to it."""

    image: Tensor
    mask: Tensor
    overlay: Tensor | NotGiven
    exclude: Tensor


def _fingerprint(context: Context, mask_channel: str = "", mask_fit: str = "", **widgets: Any) -> str:
    """A text that changes when one of the files does, or which of them are to be loaded.

    Another one each time where a widget comes over a wire (as None), because then it cannot be known before the run.
    """
    if None in widgets.values():
        return secrets.token_hex(16)
    request = _Request(**widgets)
    marks: list[str] = []
    try:
        with _open(request.source, context) as opened:
            tasks, _ = _plan(request, opened, context)
            for task in tasks:
                marks += [repr(task), *(f"{file} {opened.stamp(file)}" for file in _files(task.pair))]
    except HemlineError as error:  # which the run is going to say
        marks.append(str(error))
    return hashlib.sha256("\n".join(marks).encode("utf-8", "surrogatepass")).hexdigest()


@node(
    id="HemlineBatchLoad",
    name="Batch Load",
    category="Hemline/0 Load",
    aliases=("load images from folder", "batch", "zip", "yaml", "load image list", "directory", "catalogue"),
    inputs=(
        Port(
            "source", "STRING",
            "A folder, a ZIP file or a job file (.yaml) in the input folder; empty: the whole input folder. 'name "
            "[output]' takes it from the output folder.",
            default="",
        ),
        Port(
            "images", "STRING",
            "A pattern for the pictures: * is every one in the folder, *.jpg, photos/*, **/* also those in folders "
            "below.",
            default="*",
        ),
        Port(
            "overlays", "STRING",
            "A pattern for the pictures to blend above them, paired by name: overlays/*. Empty: no overlays.",
            default="",
        ),
        Port(
            "masks", "STRING",
            "A pattern for their masks, paired by name: masks/*, *_mask.png; a name without * is for all. Empty: what "
            "is transparent in the pictures.",
            default="",
        ),
        Port(
            "start", "INT", "How many pictures to skip at the beginning, in natural order (img2 before img10).",
            default=0, minimum=0, maximum=MOST_PICTURES, step=1,
        ),
        Port(
            "limit", "INT", "How many pictures at most; 0: all. All are in memory at once.",
            default=0, minimum=0, maximum=MOST_PICTURES, step=1,
        ),
        Port(
            "missing", "COMBO",
            "A picture without its overlay or mask. error: stop and name it; skip: leave it out; empty: give it a "
            "mask of zeros, so that nothing is blended.",
            default="error", options=MISSING_POLICIES,
        ),
        Port(
            "skip_existing", "STRING",
            "Leave out pictures whose result lies in the output folder already: {name}_composite.png, or "
            "{output}_*.png for what Save Image writes. Empty: load all.",
            default="",
        ),
        Port(
            "mask_channel", "COMBO",
            "What of a mask file counts. luma: its brightness, white is masked; alpha: its opacity.",
            default="luma", options=MASK_CHANNELS,
        ),
        Port(
            "mask_fit", "COMBO",
            "A mask of another size than its picture. error: stop; stretch: scale it to the picture.",
            default="error", options=MASK_FITS,
        ),
    ),
    outputs=(
        Port("image", "IMAGE", "The pictures, one after the other, each of its own size.", is_list=True),
        Port("mask", "MASK", "The mask of each picture.", is_list=True),
        Port("overlay", "IMAGE", "The overlay of each picture: for layer of Blend Layers.", is_list=True),
        Port(
            "name", "STRING", "Each picture's name with its folder, without suffix: for the name of a node that saves.",
            is_list=True,
        ),
        Port(
            "output", "STRING",
            "The job file's output_template filled in, without suffix; without a job file the name.",
            is_list=True,
        ),
        Port("normalize", "FLOAT", "From the job file: for normalise of Refine Mask.", is_list=True),
        Port(
            "blend_mode", "COMBO", "From the job file: for mode of Blend Layers.",
            options=MODE_REGISTRY.names, is_list=True,
        ),
        Port("job", "STRING", "The job's name in the job file.", is_list=True),
        Port("opacity", "FLOAT", "From the job file: for opacity of Blend Layers.", is_list=True),
        Port("invert", "BOOLEAN", "From the job file: for invert_a of Combine Masks.", is_list=True),
        Port("grow", "FLOAT", "From the job file: for grow of Grow & Feather Mask.", is_list=True),
        Port("feather", "FLOAT", "From the job file: for feather of Grow & Feather Mask.", is_list=True),
        Port(
            "exclude", "MASK", "Where the job file keeps the overlay away: subtract it in Combine Masks.",
            is_list=True,
        ),
    ),
    fingerprint=_fingerprint,
)  # fmt: skip
def batch_load(
    source: str = "", images: str = "*", overlays: str = "", masks: str = "", start: int = 0, limit: int = 0,
    missing: str = "error", skip_existing: str = "", mask_channel: str = "luma", mask_fit: str = "error",
    *, context: Context,
) -> Result:  # fmt: skip
    """Loads pictures with their overlays and masks from a folder, a ZIP file or a job file, paired by name, as lists:
    what follows runs once for each picture.
    """
    check_name("missing", missing, MISSING_POLICIES)
    check_name("mask_channel", mask_channel, MASK_CHANNELS)
    check_name("mask_fit", mask_fit, MASK_FITS)
    request = _Request(source, images, overlays, masks, start, limit, missing, skip_existing)
    loaded: list[_Loaded] = []
    with _open(source, context) as opened:
        tasks, text = _plan(request, opened, context)
        for task in tasks:  # each has a size of its own
            context.check_cancelled()
            loaded.append(_load(task, opened, mask_channel, mask_fit))
            context.progress(len(loaded), len(tasks))
    jobs = [task.job for task in tasks]
    outputs = (
        [one.image for one in loaded], [one.mask for one in loaded], [one.overlay for one in loaded],
        [task.pair.name for task in tasks], [task.output for task in tasks], [job.normalize for job in jobs],
        [blend_mode(job.blend_mode).name for job in jobs], [job.name for job in jobs], [job.opacity for job in jobs],
        [job.invert for job in jobs], [job.grow for job in jobs], [job.feather for job in jobs],
        [one.exclude for one in loaded],
    )  # fmt: skip
    return Result(outputs, text=tuple(text))


def _open(source: str, context: Context) -> AbstractContextManager[PictureSource]:
    if context.sources is None:
        raise BadFile("this host lends no input folder; load pictures by its own node.")
    return context.sources.open(source)


def _plan(request: _Request, opened: PictureSource, context: Context) -> tuple[list[_Task], list[str]]:
    """The pictures to load, and what is to be said about them; raises `BadFile` where none are left."""
    tasks, text = _found(request, opened)
    if request.start >= len(tasks):
        raise BadFile(f"start is {request.start} but {opened.label} has {len(tasks)} such pictures; lower it.")
    tasks = tasks[request.start :]
    if request.skip_existing:
        left = _not_done(request.skip_existing, tasks, context)
        if not left:
            raise BadFile(f"nothing to do: all {len(tasks)} results exist ({request.skip_existing}).")
        text += [f"{len(tasks) - len(left)} left out, their results exist"] if len(left) < len(tasks) else []
        tasks = left
    if request.missing == "skip":
        whole = [task for task in tasks if not task.pair.missing]
        lines = _lacking(tasks)
        if not whole:
            raise BadFile("nothing to load: " + "; ".join(lines) + ".")
        tasks, text = whole, [*text, *(f"left out, {line}" for line in lines)]
    tasks = tasks[: request.limit] if request.limit else tasks
    lines = _lacking(tasks)
    if lines and request.missing == "error":
        cure = "add the files, change the pattern, or choose missing = skip or empty"
        raise BadFile(f"{'; '.join(lines)}; {cure}.")
    text += [f"nothing is blended, {line}" for line in lines]
    everywhere = dict.fromkeys(task.job for task in tasks if task.job.overlay_pattern and not task.job.mask_pattern)
    text += [f"{job.named()}no masks are asked for: the overlays are seen everywhere" for job in everywhere]
    return tasks, [f"{len(tasks)} pictures from {opened.label}", *text]


def _found(request: _Request, opened: PictureSource) -> tuple[list[_Task], list[str]]:
    """All pictures of all jobs, and which overlays and masks belong to none."""
    widgets = (request.images, request.overlays, request.masks)
    if opened.job_text is None:
        jobs = (BatchJob("", *widgets),)
    elif widgets == (_IMAGES, "", ""):
        jobs = parse_jobs(opened.job_text, request.source)
    else:
        raise BadFile(f"{request.source} names its files; set images to {_IMAGES}, overlays and masks to nothing.")
    tasks: list[_Task] = []
    text: list[str] = []
    for job in jobs:
        pairing = pair_job(job, opened.find, opened.label)
        tasks += [_Task(job, pair, stem_of(job.output_of(pair))) for pair in pairing.pairs]
        text += describe_unused(job, pairing)
        text += describe_lookalikes(job, pairing)
    return tasks, text


def _not_done(template: str, tasks: list[_Task], context: Context) -> list[_Task]:
    """The pictures whose result is not in the output folder."""
    assert context.sources is not None
    check_template(template, _SKIP_PLACEHOLDERS)
    values = [{"name": task.pair.name, "job": task.job.name, "output": task.output} for task in tasks]
    names = [fill_template(template, one) for one in values]
    there = context.sources.existing_results(names)
    return [task for task, name in zip(tasks, names, strict=True) if name not in there]


def _lacking(tasks: list[_Task]) -> list[str]:
    jobs = dict.fromkeys(task.job for task in tasks)
    return [line for job in jobs for line in describe_missing(job, [one.pair for one in tasks if one.job == job])]


def _files(pair: Pair) -> list[str]:
    return [pair.image, *pair.partners.values()]


def _load(task: _Task, opened: PictureSource, channel: str, fit: str) -> _Loaded:
    """The picture with its mask: of a file, else everywhere below an overlay, else what is transparent in it."""
    pair, job = task.pair, task.job
    image, alpha = opened.read_image(pair.image)
    height, width = image.shape[1:3]

    def plain(value: float) -> Tensor:
        return torch.full((1, 1, 1), value, dtype=torch.float32).expand(1, height, width)

    def mask_of(kind: str) -> Tensor:
        return opened.read_mask(pair.partners[kind], height, width, channel=channel, fit=fit)

    exclude = mask_of("exclude") if "exclude" in pair.partners else plain(0)
    if pair.missing:
        return _Loaded(image, plain(0), image if job.overlay_pattern else _no_overlay(), exclude)
    if "mask" in pair.partners:
        mask = mask_of("mask")
    elif job.overlay_pattern:
        mask = plain(1)
    else:
        mask = plain(0) if alpha is None else 1 - alpha
    return _Loaded(image, mask, _overlay(pair, opened) if job.overlay_pattern else _no_overlay(), exclude)


def _overlay(pair: Pair, opened: PictureSource) -> Tensor:
    """The overlay, with its alpha where it has one."""
    colours, alpha = opened.read_image(pair.partners["overlay"])
    return colours if alpha is None else torch.cat([colours, alpha.unsqueeze(-1)], dim=-1)


def _no_overlay() -> NotGiven:
    return NotGiven("Batch Load was asked for no overlays; set overlays to a pattern such as enhanced/*.")

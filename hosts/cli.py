"""The `hemline` command. Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 some photos failed, 130 interrupted."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from ..errors import HemlineError
from .events import Events

FAILED, WRONG_USAGE, SOME_FAILED, INTERRUPTED = 1, 2, 3, 130

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
models_app = typer.Typer(no_args_is_help=True, help="Look at model files of your own, and convert them.")
app.add_typer(models_app, name="models")

OutputFolder = Annotated[Path, typer.Option("-o", "--output", help="Folder for the results; it is made if missing.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON event a line on standard output.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda or mps; the fastest there is if left out.")]
What = Annotated[str, typer.Option(help="A preset or labels: outfit, tops, bottoms, 'upper, footwear', ...")]
Method = Annotated[str, typer.Option(help="How garments are found: auto, parser or heuristic.")]
Flip = Annotated[bool, typer.Option("--flip/--no-flip", help="Also look at the mirrored photo: better, half as fast.")]
Fallback = Annotated[str, typer.Option(help="Where the parser's file is missing: error or heuristic.")]
Labels = Annotated[bool, typer.Option("--labels", help="Also write NAME_labels.png, a number for what lies where.")]
PersonBoxes = Annotated[str, typer.Option("--person-boxes", help="'x0 y0 x1 y1; ...' in pixels or shares from 0 to 1.")]
ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="A .pt, .pth or .safetensors file.")]
OwnModel = Annotated[
    Path | None, typer.Option("--model", metavar="FILE", help="A YOLO, SegFormer or parser file of your own.")
]
OwnSam = Annotated[
    Path | None, typer.Option("--sam", metavar="FILE", help="A SAM file, which draws each garment's outline anew.")
]
ClassMap = Annotated[
    str, typer.Option("--class-map", help="What the model's words mean: 'short sleeve top = upper; *dress* = dress'.")
]
Classes = Annotated[str, typer.Option(help="Of a YOLO: which of its own classes count, such as '*dress*, !vest'.")]
Confidence = Annotated[float, typer.Option(help="Of a YOLO: how sure it must be, 0 to 1.")]
Grow = Annotated[float, typer.Option(help="Pixels to grow the mask by; negative shrinks.")]
Feather = Annotated[float, typer.Option(help="Width in pixels of the mask's soft edge.")]


def main() -> None:
    """Runs the command line and exits with its code."""
    app()


@app.callback(invoke_without_command=True)
def _about(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Garment masks for diffusion: detect, refine, grow and feather, blend, crop for inpainting, stitch back."""
    logging.basicConfig(format="%(message)s")
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def mask(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos, or folders of photos.")],
    output: OutputFolder,
    what: What = "outfit",
    method: Method = "auto",
    person_boxes: PersonBoxes = "",
    grow: Grow = 0.0,
    feather: Feather = 0.0,
    flip: Flip = True,
    fallback: Fallback = "error",
    labels: Labels = False,
    model: OwnModel = None,
    sam: OwnSam = None,
    class_map: ClassMap = "",
    classes: Classes = "*",
    confidence: Confidence = 0.25,
    device: Device = None,
    json: AsJson = False,
) -> None:
    """Write NAME_mask.png, NAME_overlay.png, NAME_cutout.png and NAME.json of every photo."""
    from .photos import mask_photos
    from .recipes import MaskSettings, check_settings

    events = Events(json)
    own = (str(model or ""), str(sam or ""), class_map, classes, confidence)
    settings = MaskSettings(what, method, person_boxes, grow, feather, flip, fallback, labels, *own)
    with _exit_codes(events):
        with _usage_errors():
            check_settings(settings)
        done, failed = mask_photos(photos, output, settings, device=device, events=events)
        if failed:
            raise typer.Exit(SOME_FAILED if done else FAILED)


@app.command()
def run(
    workflow: Annotated[Path, typer.Argument(metavar="WORKFLOW.json", help="As ComfyUI saves or exports it.")],
    output: OutputFolder,
    inputs: Annotated[
        list[str] | None, typer.Option("-i", "--input", metavar="NODE.INPUT=VALUE", help="Set an input of a node.")
    ] = None,
    device: Device = None,
    json: AsJson = False,
) -> None:
    """Run a ComfyUI workflow made of Hemline's and some core nodes, without ComfyUI."""
    from .headless import run_file

    events = Events(json)
    with _exit_codes(events):
        run_file(workflow, output, inputs or [], device=device, events=events)


@app.command()
def nodes(json: AsJson = False) -> None:
    """List the nodes and their ports."""
    from ..nodes import NODES

    events = Events(json)
    for record in NODES:
        takes = ", ".join(port.name for port in record.inputs)
        gives = ", ".join(port.name for port in record.outputs)
        events.tell("node", f"{record.name} ({record.id}): {takes} -> {gives}", **record.describe())


@app.command()
def doctor(json: AsJson = False) -> None:
    """Show versions, devices, models found, and what is missing with the command that adds it."""
    from .doctor import examine

    events = Events(json)
    for finding in examine():
        events.tell("finding", finding.line(), **finding.entry())


@app.command()
def demo(
    output: OutputFolder,
    photo: Annotated[Path | None, typer.Option(help="Another photo than the one an installed package ships.")] = None,
    what: Annotated[str | None, typer.Option(help="What to change the colour of; a top if left out.")] = None,
    person_boxes: PersonBoxes = "",
    device: Device = None,
    json: AsJson = False,
) -> None:
    """Run the whole chain on a real photo and write a contact sheet."""
    from .demo import run_demo

    events = Events(json)
    with _exit_codes(events):
        run_demo(output, photo=photo, what=what, person_boxes=person_boxes, device=device, events=events)


@app.command()
def blend(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="The picture below.")],
    layer: Annotated[Path, typer.Argument(metavar="LAYER", help="The picture above.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write; its suffix is its format.")],
    masks: Annotated[
        list[Path] | None, typer.Option("--mask", metavar="M", help="Where the layer is seen; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[Path] | None, typer.Option("--exclude", metavar="M", help="Where it is not, whatever the masks say.")
    ] = None,
    mode: Annotated[str, typer.Option(help="Blend mode: normal, multiply, screen, soft-light, ...")] = "normal",
    opacity: Annotated[float, typer.Option(help="How strongly the layer is seen, 0 to 1.")] = 1.0,
    space: Annotated[str, typer.Option(help="sRGB as image editors blend, linear for light, OKLab, auto.")] = "sRGB",
    combine: Annotated[str, typer.Option(help="How several masks become one: union, intersect, ...")] = "union",
    invert: Annotated[bool, typer.Option("--invert", help="Use 1 - mask.")] = False,
    normalise: Annotated[float, typer.Option(help="Harden each mask: 0 not at all, 5 most.")] = 0.0,
    grow: Grow = 0.0,
    feather: Feather = 0.0,
    side: Annotated[str, typer.Option(help="Where the soft edge lies: centred, inside or outside.")] = "centred",
    mask_channel: Annotated[str, typer.Option(help="What of a mask file counts: luma or alpha.")] = "luma",
    fit: Annotated[
        str, typer.Option(help="Another size: error, stretch (masks too), and for the layer cover, contain, none.")
    ] = "error",
    seed: Annotated[int, typer.Option(help="Which pixels the mode dissolve takes.")] = 0,
    depth: Annotated[str, typer.Option(help="8, 10, 12, 16, f16 or f32, as the format has it; else the base's.")] = "",
    quality: Annotated[int | None, typer.Option(help="1 to 100 for JPEG, WebP, AVIF and JPEG XL.")] = None,
    compression: Annotated[str, typer.Option(help="Of TIFF: deflate, zstd or none.")] = "deflate",
    json: AsJson = False,
) -> None:
    """Blend LAYER onto BASE through masks; pictures larger than memory are worked on in strips."""
    from .blend_files import BlendSettings, blend_files, check_blend_settings
    from .coverage import CoverageSettings
    from .formats.writing import WriteOptions

    events = Events(json)
    coverage = CoverageSettings(combine, invert, normalise, grow, feather, side, mask_channel, fit)
    settings = BlendSettings(mode, opacity, space, seed, depth, coverage, WriteOptions(quality, compression))
    with _exit_codes(events):
        with _usage_errors():
            check_blend_settings(settings, output)
        blend_files(
            base, layer, output, settings, masks=tuple(masks or ()), excluded=tuple(exclude or ()), events=events
        )


@models_app.command()
def inspect(model: ModelFile, json: AsJson = False) -> None:
    """Show which network a model file holds, without running anything in it."""
    from .model_files import inspect_model

    events = Events(json)
    with _exit_codes(events):
        inspect_model(model, events)


@models_app.command()
def convert(
    model: ModelFile,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="MODEL.safetensors beside the file, if left out.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    json: AsJson = False,
) -> None:
    """Write a model as safetensors with its classes and architecture, so that no pickle is needed any more."""
    from .model_files import convert_model

    events = Events(json)
    with _exit_codes(events):
        convert_model(model, output, overwrite=overwrite, events=events)


@app.command()
def batch(
    jobs: Annotated[Path, typer.Argument(metavar="JOBS.yaml", help="What to blend: patterns, mode, output.")],
    output: OutputFolder,
    source: Annotated[
        Path | None,
        typer.Option("-i", "--input", help="Folder or ZIP file of the pictures; else the jobs' own."),
    ] = None,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing/--overwrite", help="Leave out pictures whose result is there.")
    ] = False,
    missing: Annotated[
        str, typer.Option(help="A picture without overlay or mask: error, skip, or empty (nothing is blended).")
    ] = "error",
    mask_channel: Annotated[str, typer.Option(help="What of a mask file counts: luma or alpha.")] = "luma",
    fit: Annotated[
        str, typer.Option(help="Another size: error, stretch (masks too), and for the overlay cover, contain, none.")
    ] = "error",
    quality: Annotated[int | None, typer.Option(help="1 to 100 for JPEG, WebP, AVIF and JPEG XL.")] = None,
    compression: Annotated[str, typer.Option(help="Of TIFF: deflate, zstd or none.")] = "deflate",
    json: AsJson = False,
) -> None:
    """Blend many overlays onto many pictures through masks, paired by name, as a job file says."""
    from .batch_jobs import BatchSettings, check_batch_settings, run_jobs
    from .formats.writing import WriteOptions

    events = Events(json)
    settings = BatchSettings(missing, skip_existing, mask_channel, fit, WriteOptions(quality, compression))
    with _exit_codes(events):
        with _usage_errors():
            check_batch_settings(settings)
        counts = run_jobs(jobs, output, settings, input_path=source, events=events)
        if counts.failed:
            raise typer.Exit(SOME_FAILED if counts.done or counts.skipped else FAILED)


@app.command()
def maskilayer(
    back: Annotated[Path, typer.Option(help="The picture below.")],
    comp: Annotated[Path, typer.Option(help="The picture above, which the masks let through.")],
    out: Annotated[Path, typer.Option(help="The file to write; its suffix is its format.")],
    masks: Annotated[str, typer.Option(help="Mask files, separated by ; (or by , where there is no ;).")] = "",
    imasks: Annotated[str, typer.Option(help="Mask files that are inverted, likewise.")] = "",
    smask: Annotated[Path | None, typer.Option(help="Also write the mean of all masks to this file.")] = None,
    norm: Annotated[int, typer.Option(help="Harden each mask: 0 not at all, 5 most.")] = 0,
    round_: Annotated[
        str, typer.Option("--round", help="nearest, or truncate for the very bytes of maskilayer.")
    ] = "nearest",
    fast: Annotated[bool, typer.Option("--fast", help="Write sooner, and larger files.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Also tell the range of each mask.")] = False,
    json: AsJson = False,
) -> None:
    """Mix two pictures by the mean of masks, with the flags and the results of maskilayer."""
    from .maskilayer import MaskilayerSettings, check_maskilayer_settings, composite_files, split_paths

    events = Events(json)
    with _exit_codes(events):
        with _usage_errors():
            settings = MaskilayerSettings(
                back, comp, out, split_paths(masks), split_paths(imasks), smask, norm, fast, round_
            )
            check_maskilayer_settings(settings)
        composite_files(settings, events=events, verbose=verbose)


@contextmanager
def _exit_codes(events: Events) -> Generator[None]:
    """Our errors as one line and code 1, the user's interruption as code 130."""
    try:
        yield
    except HemlineError as error:
        events.fail("failed", str(error))
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt:
        events.fail("interrupted", "interrupted")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        events.close()


@contextmanager
def _usage_errors() -> Generator[None]:
    """Wrong values on the command line as code 2."""
    try:
        yield
    except HemlineError as error:
        raise typer.BadParameter(str(error)) from error

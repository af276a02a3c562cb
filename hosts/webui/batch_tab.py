"""The batch tab: a folder of photos becomes the two folders that the host's own img2img batch reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from ...context import Context
from ...errors import BadFile, HemlineError
from ...nodes.layouts import LAYOUTS, Entry
from ..files import FolderStore
from ..photos import name_photos
from ..pictures import load_image
from .host import LOG, HostInterrupted, lent_context, output_folder
from .mask_settings import NAMES, STOP, WHOLE, MaskSettings
from .masking import garment_mask
from .panel import build_settings
from .settings import parse_settings

_LAYOUT = "A1111 batch"
_JOB = "hemline"


def build_tab() -> list[tuple[Any, str, str]]:
    """The tab as the host wants it: interface, title, id."""
    gr: Any = import_module("gradio")
    hidden = bool(getattr(import_module("modules.shared").cmd_opts, "hide_ui_dir_config", False))
    with gr.Blocks(analytics_enabled=False) as interface:
        with gr.Row():
            source = gr.Textbox("", label="Folder of photos", elem_id="hemline_batch_input", interactive=not hidden)
            target = gr.Textbox("", label="Folder for results", elem_id="hemline_batch_output", interactive=not hidden)
        made = build_settings(lambda name: f"hemline_batch_{name}", switch=False, generates=False)
        with gr.Row():
            start = gr.Button("Make masks", elem_id="hemline_batch_start", interactive=not hidden)
            stop = gr.Button("Stop", elem_id="hemline_batch_stop")
        report = gr.Textbox("", label="Report", lines=8, interactive=False, elem_id="hemline_batch_report")
        wires = [source, target, *(made[name] for name in NAMES)]
        start.click(_refuse if hidden else run_tab, wires, [report])
        stop.click(stop_tab, [], [], queue=False)
    return [(interface, "Hemline", "hemline")]


def _refuse(*args: Any) -> str:
    return "The host was started with --hide-ui-dir-config, so no folder can be named here."


def mask_folder(source: Path, target: Path, settings: MaskSettings, context: Context) -> Iterator[str]:
    """Writes ``input/NAME.png`` and ``masks/NAME.png`` for each photo below `source`; a line about each, and the sum.

    A photo that fails is told and does not stop the others. One without anything to repaint is left out (skip), gets
    a white mask (whole picture), or ends the work (stop). Raises `BadFile` where there is no photo.
    """
    if not source.exists():
        raise BadFile(f"{source} does not exist; check the path.")
    store = FolderStore(target)
    done = 0
    # The host looks for pictures and masks of one name, beside each other.
    photos = {name.replace("/", "_"): photo for name, photo in name_photos([source]).items()}
    if len(photos) < len(name_photos([source])):
        raise BadFile(f"photos in different folders below {source} have one name; do folder by folder.")
    for name, photo in photos.items():
        context.check_cancelled()
        try:
            line, empty = _mask_photo(photo, name, settings, store, context)
        except HemlineError as error:
            yield f"{photo.name}: failed: {error}"
            continue
        yield f"{name}: {line}"
        if empty and settings.nothing_found == STOP:
            yield "Stopped, because nothing was found; choose 'skip' or 'whole picture' to go on."
            break
        done += not empty or settings.nothing_found == WHOLE
    yield f"{done} of {len(photos)} photos done. In img2img > Batch: input directory {target / 'input'}, inpaint batch "
    yield f"mask directory {target / 'masks'}. Set Mask blur to 0 there: the masks are soft already."


def _mask_photo(
    photo: Path, name: str, settings: MaskSettings, store: FolderStore, context: Context
) -> tuple[str, bool]:
    image = load_image(photo).image
    found = garment_mask(image, settings, context=context)
    if found.empty[0] and settings.nothing_found != WHOLE:
        return f"left out: {found.badges[0]}", True
    mask = found.mask.new_ones(found.mask.shape) if found.empty[0] else found.mask
    files, _ = LAYOUTS[_LAYOUT].lay_out(Entry(image, mask))
    for piece, file in files.items():
        made = mask[0] if piece == "mask" else file.image  # the layout's own is hard; hosts take soft ones
        store.save_image(file.name.format(name), made, suffix=file.suffix, bits=file.bits)
    return found.badges[0], found.empty[0]


def stop_tab() -> None:
    """Ends the work on the folder; a generation that runs is not ours to end."""
    state = import_module("modules.shared").state
    if state.job == _JOB:
        state.interrupt()


def run_tab(source: str, target: str, *values: Any) -> Iterator[str]:
    """What the button does: the report so far, after each photo; everything that goes wrong is a line of it.

    The work has a thread of its own: pages ask for one line after another from any thread, and what torch is told
    (inference mode, gradients) counts for one thread only. A page that is closed does not end it.
    """
    lines: SimpleQueue[str | None] = SimpleQueue()  # None: it is over
    Thread(target=_report, args=(source, target, values, lines), name="hemline folder", daemon=True).start()
    told: list[str] = []
    while (line := lines.get()) is not None:
        told.append(line)
        yield "\n".join(told)


def _report(source: str, target: str, values: Sequence[Any], lines: SimpleQueue[str | None]) -> None:
    try:
        for line in _work(source, target, values):
            lines.put(line)
    except HostInterrupted:
        lines.put("Interrupted. What is done stays.")
    except HemlineError as error:
        LOG.warning("batch: %s", error)
        lines.put(f"Error: {error}")
    except Exception as error:  # noqa: BLE001 - the page would wait for ever
        LOG.exception("batch")
        lines.put(f"Error: {type(error).__name__}: {error}")
    finally:
        lines.put(None)


def _work(source: str, target: str, values: Sequence[Any]) -> Iterator[str]:
    if not source.strip():
        raise BadFile("no folder of photos is named; type its path.")
    settings = parse_settings(values)
    folder = Path(target.strip()).expanduser() if target.strip() else output_folder()
    queue, shared = import_module("modules.call_queue"), import_module("modules.shared")
    with queue.queue_lock:
        shared.state.begin(job=_JOB)
        try:
            with lent_context() as context:
                yield from mask_folder(Path(source.strip()).expanduser(), folder, settings, context)
        finally:
            shared.state.end()

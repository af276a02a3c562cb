"""`hemline batch`: the jobs of a job file, picture after picture, each on its own feet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import BadFile, HemlineError, check_name
from ..nodes.jobs import MISSING_POLICIES, BatchJob, describe_unused, pair_job, parse_jobs
from ..pairing import Pair, suffix_of
from .batch_files import FileSource, open_files, read_job_text
from .blend_files import BlendSettings, blend_files, check_blend_settings
from .coverage import CoverageSettings
from .events import Events
from .files import FolderStore
from .formats.writing import WriteOptions


@dataclass(frozen=True)
class BatchSettings:
    """What the user can turn beside the job file.

    missing: what to do with a picture without its overlay or mask, a name of `MISSING_POLICIES`. skip_existing: leave
    out pictures whose result is there. channel, fit: of the masks, as in `CoverageSettings`.
    """

    missing: str = "error"
    skip_existing: bool = False
    channel: str = "luma"
    fit: str = "error"
    write: WriteOptions = field(default_factory=WriteOptions)


@dataclass(frozen=True)
class BatchCounts:
    """How many pictures were written, left out, and failed; a job that finds no picture counts as one that failed."""

    done: int = 0
    skipped: int = 0
    failed: int = 0


@dataclass(frozen=True)
class _Task:
    job: BatchJob
    pair: Pair
    output: Path


def check_batch_settings(settings: BatchSettings) -> None:
    """Raises `UnknownName` or `RangeError` for settings that no job could be run with."""
    check_name("Policy", settings.missing, MISSING_POLICIES)
    check_blend_settings(_blend_settings(BatchJob("", "*"), settings), Path("any.png"))


def run_jobs(
    job_file: Path, output: Path, settings: BatchSettings, *, input_path: Path | None = None, events: Events
) -> BatchCounts:
    """Writes the blended pictures of all jobs below `output`; what fails is told by name and stops no other.

    input_path: the folder or ZIP file that the patterns are searched in; the job file's own folder if None.
    Raises `BadFile` and its kin for a job file that cannot be run, and where two results would have one name.
    """
    jobs = parse_jobs(read_job_text(job_file), str(job_file))
    for job in jobs:
        if not job.overlay_pattern:
            raise BadFile(f"{job_file}, {job.named()}overlay_pattern is missing; give one such as 'enhanced/*.jpg'.")
        check_blend_settings(_blend_settings(job, settings), Path(_template(job)))
    with open_files(input_path or job_file.resolve().parent) as source:
        tasks, failed = _plan(jobs, source, FolderStore(output), events)
        counts = BatchCounts(failed=failed)
        for number, task in enumerate(tasks):
            events.step(task.output.name, number, len(tasks))
            counts = _run(task, source, settings, _OneOfMany(events, number, len(tasks), task), counts)
    values = {"done": counts.done, "skipped": counts.skipped, "failed": counts.failed}
    parts = [f"{counts.done} of {len(tasks)} pictures done"]
    parts += [f"{number} {what}" for what, number in values.items() if number and what != "done"]
    events.tell("done", f"{', '.join(parts)}, results in {output}", **values, output=str(output))
    return counts


class _OneOfMany(Events):
    """The messages of one picture among those of many: its strips do not move the bar, its end is not the end."""

    def __init__(self, outer: Events, number: int, total: int, task: _Task) -> None:
        super().__init__(outer.as_json)
        self._outer, self._place = outer, (number, total)
        self._named = {"job": task.job.name, "picture": task.pair.image}

    def tell(self, event: str, line: str, **values: Any) -> None:
        self._outer.tell("picture" if event == "done" else event, line, **self._named, **values)

    def fail(self, event: str, line: str, **values: Any) -> None:
        self._outer.fail(event, line, **self._named, **values)

    def warn(self, event: str, line: str, **values: Any) -> None:
        self._outer.warn(event, line, **self._named, **values)

    def step(self, title: str, done: int, total: int) -> None:
        self._outer.step(title, *self._place)


def _plan(
    jobs: tuple[BatchJob, ...], source: FileSource, store: FolderStore, events: Events
) -> tuple[list[_Task], int]:
    """The pictures of all jobs with their results' places, and how many jobs find none."""
    tasks: dict[str, _Task] = {}
    failed = 0
    for job in jobs:
        try:
            pairing = pair_job(job, source.find, source.label)
        except HemlineError as error:
            events.fail("failed", str(error), job=job.name)
            failed += 1
            continue
        for line in describe_unused(job, pairing):
            events.warn("unused", line, job=job.name)
        for pair in pairing.pairs:
            path = store.path_of(replace(job, output_template=_template(job)).output_of(pair))
            other = tasks.setdefault(str(path).casefold(), _Task(job, pair, path))
            if (other.job, other.pair) != (job, pair):
                both = f"{other.pair.image} (job {other.job.name!r}) and {pair.image} (job {job.name!r})"
                raise BadFile(f"{both} would both be written to {path}; use {{name}} and {{job}} in output_template.")
    return [*tasks.values()], failed


def _template(job: BatchJob) -> str:
    """The output template with a suffix: PNG where it has none."""
    return job.output_template if suffix_of(job.output_template) else f"{job.output_template}.png"


def _run(task: _Task, source: FileSource, settings: BatchSettings, events: Events, counts: BatchCounts) -> BatchCounts:
    """Blends one picture, or says why not."""
    pair = task.pair
    lacking = f"{pair.image} has no {' and no '.join(pair.missing)}"
    if settings.skip_existing and task.output.exists():
        events.tell("skipped", f"{task.output} exists", output=str(task.output))
        return replace(counts, skipped=counts.skipped + 1)
    if pair.missing and settings.missing == "skip":
        events.warn("missing", f"{lacking}; left out", missing=list(pair.missing))
        return replace(counts, skipped=counts.skipped + 1)
    try:
        if pair.missing and settings.missing == "error":
            raise BadFile(f"{lacking}; add the file, or choose missing = skip or empty.")
        if pair.missing:
            events.warn("missing", f"{lacking}; nothing is blended", missing=list(pair.missing))
        _blend(task, source, settings, events)
    except HemlineError as error:
        said = str(error)
        events.fail("failed", said if pair.image in said else f"{pair.image}: {said}")
        return replace(counts, failed=counts.failed + 1)
    return replace(counts, done=counts.done + 1)


def _blend(task: _Task, source: FileSource, settings: BatchSettings, events: Events) -> None:
    """Writes the result; a picture that lacks something is written as it is."""
    files = {kind: source.files.file(name) for kind, name in task.pair.partners.items()}
    base, blend = source.files.file(task.pair.image), _blend_settings(task.job, settings)
    if task.pair.missing:
        blend_files(base, base, task.output, replace(blend, mode="normal", opacity=0.0), events=events)
        return
    masks, excluded = (tuple(files[kind] for kind in (one,) if kind in files) for one in ("mask", "exclude"))
    blend_files(base, files["overlay"], task.output, blend, masks=masks, excluded=excluded, events=events)


def _blend_settings(job: BatchJob, settings: BatchSettings) -> BlendSettings:
    coverage = CoverageSettings(
        invert=job.invert, normalise=job.normalize, grow_px=job.grow, feather_px=job.feather,
        channel=settings.channel, fit=settings.fit,
    )  # fmt: skip
    return BlendSettings(job.blend_mode, job.opacity, coverage=coverage, write=settings.write)

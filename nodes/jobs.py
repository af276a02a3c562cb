"""What a batch is to do: which files by which patterns, blended how, written where. Read from YAML or from widgets."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, cast

from ..blending.modes import blend_mode
from ..errors import BadFile, HemlineError, MissingModel, check_range, name_some, pip_line, unknown_name
from ..pairing import (
    Pair,
    Pairing,
    Pattern,
    check_inside,
    check_template,
    fill_template,
    natural_key,
    pair_files,
    partner_stems,
    stem_of,
)
from ..segmentation.levels import MOST_NORMALISATION
from ..segmentation.shape import GROW_LIMIT_PX

MISSING_POLICIES = ("error", "skip", "empty")
PLACEHOLDERS = ("name", "job")
# A job file is a page of text; what is larger was chosen by mistake, or to harm.
MOST_JOB_BYTES = 1 << 20
_PATTERNS = {"overlay": "overlay_pattern", "mask": "mask_pattern", "exclude": "exclude_pattern"}

Find = Callable[[str], Sequence[str]]
"""Pattern -> the pictures that it finds."""


@dataclass(frozen=True)
class BatchJob:
    """One entry of a job file.

    *_pattern: see `pairing.Pattern`; "" for none. exclude: where the overlay is not seen, whatever the mask says.
    output_template: with {name} (of the picture) and {job}. normalize: 0 to 5.
    grow, feather: in pixels.
    """

    name: str
    background_pattern: str
    overlay_pattern: str = ""
    mask_pattern: str = ""
    exclude_pattern: str = ""
    output_template: str = "{name}"
    normalize: float = 0.0
    blend_mode: str = "normal"
    opacity: float = 1.0
    invert: bool = False
    grow: float = 0.0
    feather: float = 0.0

    def output_of(self, pair: Pair) -> str:
        """The template filled in for a picture, its suffix included."""
        return fill_template(self.output_template, {"name": pair.name, "job": self.name})

    def named(self) -> str:
        """How messages begin that speak of the job; nothing where it has no name."""
        return f"job {self.name!r}: " if self.name else ""


def parse_jobs(text: str, origin: str) -> tuple[BatchJob, ...]:
    """The jobs of a YAML text with the one key "jobs", a list of entries of `BatchJob`'s fields.

    origin: the file's name, for messages. Only plain YAML is read, nothing in it is ever run.
    Raises `BadFile` for what is no such text, unknown keys (with the nearest known one) and values out of range,
    `MissingModel` where PyYAML is missing.
    """
    if len(text) > MOST_JOB_BYTES:
        raise BadFile(f"{origin} has {len(text)} characters; a job file has at most {MOST_JOB_BYTES}.")
    content = _load_yaml(text, origin)
    if not isinstance(content, Mapping) or "jobs" not in content:
        raise BadFile(f"{origin} is no job file; it must begin with 'jobs:' and a list of jobs.")
    _check_keys(cast("Mapping[Any, Any]", content), ("jobs",), origin)
    entries = cast("Any", content["jobs"])
    if not isinstance(entries, list) or not entries:
        raise BadFile(f"{origin} has no jobs; list at least one below 'jobs:', each beginning with '-'.")
    jobs = [_job(entry, number, origin) for number, entry in enumerate(cast("list[Any]", entries), start=1)]
    names = [job.name for job in jobs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadFile(f"{origin} has two jobs called {twice!r}; give each a name of its own.")
    return tuple(jobs)


def pair_job(job: BatchJob, find: Find, where: str) -> Pairing:
    """The job's pictures with their partners, in natural order.

    where: what is searched, for messages. Raises `BadFile` where no picture is found, an exact file name is not there,
    or files do not pair (see `pair_files`).
    """
    pattern = Pattern(job.background_pattern)
    wanted = {kind: getattr(job, field) for kind, field in _PATTERNS.items() if getattr(job, field)}
    partners = {kind: (find(text), Pattern(text)) for kind, text in wanted.items()}
    for kind, (files, one) in partners.items():
        if one.is_exact and not files:
            raise BadFile(f"{job.named()}the {kind} {one.text!r} is not in {where}.{_nearest(one.text, find)}")
    found = find(job.background_pattern)
    pairing = pair_files(found, pattern, partners)
    if not pairing.pairs and found:
        raise BadFile(f"{job.named()}the pictures of {pattern.text!r} are all overlays or masks; narrow the patterns.")
    if not pairing.pairs:
        raise BadFile(f"{job.named()}no picture fits {pattern.text!r} in {where}.{_nearest(pattern.text, find)}")
    return pairing


def describe_missing(job: BatchJob, pairs: Sequence[Pair]) -> list[str]:
    """A line for each kind of partner that pictures lack, with their names and the pattern that found none."""
    lines: list[str] = []
    for kind, field in _PATTERNS.items():
        names = [pair.image for pair in pairs if kind in pair.missing]
        if names:
            lines.append(f"{job.named()}no {kind} by {getattr(job, field)!r} for {name_some(names)}")
    return lines


def describe_unused(job: BatchJob, pairing: Pairing) -> list[str]:
    """A line for each kind of partner of which some belong to no picture, with their names."""
    lines: list[str] = []
    for kind in _PATTERNS:
        names = [file for one, file in pairing.unused if one == kind]
        if names:
            lines.append(f"{job.named()}{kind} without a picture: {name_some(names)}")
    return lines


def describe_lookalikes(job: BatchJob, pairing: Pairing) -> list[str]:
    """A line for each kind of partner that was not asked for though pictures are called so, such as "coat_mask"."""
    there = {pair.name.casefold() for pair in pairing.pairs}
    lines: list[str] = []
    for kind in _PATTERNS:
        stems = {pair.image: partner_stems(pair.name, kind)[1:] for pair in pairing.pairs}
        names = [image for image, shorter in stems.items() if shorter and shorter[0].casefold() in there]
        if names and not getattr(job, _PATTERNS[kind]):
            lines.append(f"{job.named()}loaded as pictures though called as {kind}: {name_some(names)}; give a pattern")
    return lines


def _nearest(text: str, find: Find) -> str:
    """What there is instead, the most alike first: the rest of an error message."""
    there = sorted(find("**/*"), key=natural_key)
    if not there:
        return " There is no picture at all."
    near = get_close_matches(text, there, n=3, cutoff=0.5)
    return f" There are: {name_some([*near, *(path for path in there if path not in near)])}."


def _load_yaml(text: str, origin: str) -> Any:
    try:
        yaml: Any = importlib.import_module("yaml")
    except ImportError as error:
        raise MissingModel(f"{origin}: job files need PyYAML: {pip_line('pyyaml')}") from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadFile(f"{origin} is no YAML: {' '.join(str(error).split())}") from error
    except (RecursionError, ValueError) as error:  # nested too deeply, an impossible date, thousands of digits
        raise BadFile(f"{origin} cannot be read as YAML ({error}).") from error


def _job(entry: Any, number: int, origin: str) -> BatchJob:
    if not isinstance(entry, Mapping):
        raise BadFile(f"{origin}: job {number} is no list of keys and values; write 'name: ...' and so on.")
    values = dict(cast("Mapping[Any, Any]", entry))
    where = f"{origin}, job {values.get('name', number)!r}"
    known = {field.name: str(field.type) for field in fields(BatchJob)}
    _check_keys(values, tuple(known), where)
    if "background_pattern" not in values:
        raise BadFile(f"{where}: background_pattern is missing; give one such as 'originals/*.jpg'.")
    checked = {key: _value(key, value, known[key], where) for key, value in values.items()}
    defaults: dict[str, Any] = {"name": f"job{number}", "output_template": "{name}_composite.png"}
    return _checked(BatchJob(**{**defaults, **checked}), where)


def _checked(job: BatchJob, where: str) -> BatchJob:
    """The job, if a picture could be blended by it."""
    try:
        _check_values(job)
    except HemlineError as error:
        error.args = (f"{where}: {error}",)
        raise
    return job


def _check_values(job: BatchJob) -> None:
    blend_mode(job.blend_mode)
    for field, high in (("normalize", MOST_NORMALISATION), ("opacity", 1), ("feather", GROW_LIMIT_PX)):
        check_range(field, getattr(job, field), 0, high)
    check_range("grow", job.grow, -GROW_LIMIT_PX, GROW_LIMIT_PX)
    for field in ("background_pattern", *_PATTERNS.values()):
        if getattr(job, field) or field == "background_pattern":
            Pattern(getattr(job, field))
    check_inside(check_template(job.output_template, PLACEHOLDERS), "the output template")
    if not stem_of(job.output_template):
        raise BadFile("output_template is empty; give one such as '{name}_composite.png'.")
    if job.invert and not job.mask_pattern:
        raise BadFile("invert needs a mask_pattern; without masks the overlay is seen everywhere.")


def _value(key: str, value: Any, kind: str, where: str) -> Any:
    """The value in the field's own type; a name may be a number."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "float" and number:
        return float(value)
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "str" and (isinstance(value, str) or (number and key == "name")):
        return str(value)
    wanted = {"float": "a number", "bool": "true or false", "str": "a text"}[kind]
    raise BadFile(f"{where}: {key} is {value!r}; give {wanted}.")


def _check_keys(values: Mapping[Any, Any], known: Sequence[str], where: str) -> None:
    for key in values:
        if key not in known:
            raise BadFile(f"{where}: {unknown_name('the key', str(key), known)}")

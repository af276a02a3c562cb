"""Job files: what is read out of them, and what is refused."""

from __future__ import annotations

import json
import sys
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.batches import JOBS

from hemline.nodes.jobs import BatchJob, describe_missing, describe_unused, pair_job, parse_jobs
from hemline.pairing import Pattern
from hemline.tensors import BadFile, HemlineError, MissingModel

FILES = ("originals/a.jpg", "originals/b.jpg", "enhanced/a.jpg", "enhanced/b.jpg", "masks/a.png", "masks/z.png")


def find(pattern):
    return [file for file in FILES if Pattern(pattern).matches(file)]


def job_with(lines):
    return "jobs:\n  - background_pattern: 'originals/*'\n" + "".join(f"    {line}\n" for line in lines)


def test_the_users_job_file_is_read_as_it_stands():
    assert parse_jobs(JOBS, "jobs.yaml") == (
        BatchJob(
            "portrait_enhancement", "originals/*.jpg", "enhanced/*.jpg", "masks/*.png",
            output_template="output/{name}_composite.png", normalize=3.0, blend_mode="normal",
        ),
    )  # fmt: skip


def test_all_but_the_pictures_may_be_left_out():
    (job,) = parse_jobs(job_with([]), "jobs.yaml")
    assert job == BatchJob("job1", "originals/*", output_template="{name}_composite.png")


def test_every_other_key_is_read():
    numbers = ["opacity: 0.5", "invert: true", "grow: -3", "feather: 4"]
    (job,) = parse_jobs(job_with(["name: 7", "mask_pattern: '*'", "exclude_pattern: 'x/*'", *numbers]), "jobs.yaml")
    assert (job.name, job.exclude_pattern) == ("7", "x/*")
    assert (job.opacity, job.invert, job.grow, job.feather) == (0.5, True, -3.0, 4.0)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["blend_mdoe: screen"], r"job 1: the key 'blend_mdoe' is not known. Did you mean 'blend_mode'\?"),
        (["normalise: 3"], "Did you mean 'normalize'"),
        (["blend_mode: sotf-light"], "job 1: .*'sotf-light'.*soft-light"),
        (["normalize: 6"], "normalize is 6.0; give a number from 0 to 5"),
        (["normalize: .nan"], "normalize is nan"),
        (["normalize: high"], "normalize is 'high'; give a number"),
        (["normalize: true"], "normalize is True; give a number"),
        (["opacity: 2"], "opacity is 2.0"),
        (["grow: 900"], "grow is 900"),
        (["feather: -1"], "feather is -1"),
        (["invert: 'yes'"], "invert is 'yes'; give true or false"),
        (["invert: true"], "invert needs a mask_pattern"),
        (["mask_pattern:"], "mask_pattern is None; give a text"),
        (["mask_pattern: [a, b]"], "give a text"),
        (["mask_pattern: '../*'"], "leads out"),
        (["output_template: '../{name}.png'"], "leads out"),
        (["output_template: '/{name}.png'"], "leads out"),
        (["output_template: '{nmae}.png'"], "Did you mean '{name}'"),
        (["output_template: '{name.__class__}'"], "placeholder"),
        (["output_template: ''"], "output_template is empty"),
    ],
)
def test_what_is_wrong_in_a_job_is_told(lines, message):
    with pytest.raises(HemlineError, match=message) as caught:
        parse_jobs(job_with(lines), "jobs.yaml")
    assert "jobs.yaml" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no job file"),
        ("- a", "is no job file"),
        ("jobs: 3", "has no jobs"),
        ("jobs: []", "has no jobs"),
        ("jobs:\n  - 3", "job 1 is no list of keys"),
        ("jobs: [{}]\nmode: x", "the key 'mode' is not known"),
        ("jobs:\n  - name: a", "background_pattern is missing"),
        ("jobs:\n  - {", "is no YAML.*line 2"),
        ("jobs: !!python/object/apply:os.system ['touch hacked']", "is no YAML"),
        ("jobs: [{name: a, background_pattern: '*'}, {name: a, background_pattern: '*'}]", "two jobs called 'a'"),
        ("jobs: " + "[" * 20_000, "cannot be read as YAML|is no YAML"),
        ("x" * (1 << 21), "at most"),
    ],
)
def test_what_is_no_job_file_is_told(text, message):
    with pytest.raises(BadFile, match=message):
        parse_jobs(text, "jobs.yaml")


def test_a_text_that_unfolds_without_end_does_no_harm():
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))
    with pytest.raises(BadFile, match="jobs"):
        parse_jobs(f"a0: &a0 [1, 1]\n{levels}\njobs: *a11", "jobs.yaml")


FIELDS = [field.name for field in fields(BatchJob)]
values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.text(max_size=3))
entries = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=9), values, max_size=6)


@given(st.lists(entries, max_size=3))
def test_whatever_a_job_file_holds_it_is_read_or_refused_in_one_line(jobs):
    try:
        parse_jobs(json.dumps({"jobs": jobs}), "jobs.yaml")
    except HemlineError as error:
        assert "jobs.yaml" in str(error)


@given(st.text(max_size=60))
def test_whatever_a_file_holds_it_is_read_or_refused(text):
    try:
        parse_jobs(text, "jobs.yaml")
    except HemlineError as error:
        assert "jobs.yaml" in str(error)


def test_without_pyyaml_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingModel, match="pip install pyyaml"):
        parse_jobs(JOBS, "jobs.yaml")


# --- pairing by jobs -------------------------------------------------------------------------------------------------


def test_a_picture_without_its_mask_and_a_mask_without_its_picture_are_named():
    (job,) = parse_jobs(JOBS, "jobs.yaml")
    pairing = pair_job(job, find, "in/")
    assert describe_missing(job, pairing.pairs) == [
        "job 'portrait_enhancement': no mask by 'masks/*.png' for originals/b.jpg"
    ]
    assert describe_unused(job, pairing) == ["job 'portrait_enhancement': mask without a picture: masks/z.png"]
    assert [job.output_of(pair) for pair in pairing.pairs] == ["output/a_composite.png", "output/b_composite.png"]


def test_nothing_found_is_told_with_what_there_is():
    with pytest.raises(BadFile, match=r"no picture fits 'original/\*' in in/. There are: .*originals/a.jpg"):
        pair_job(BatchJob("", "original/*"), find, "in/")
    with pytest.raises(BadFile, match="There is no picture at all"):
        pair_job(BatchJob("", "*"), lambda pattern: [], "in/")


def test_a_single_mask_that_is_not_there_is_told():
    with pytest.raises(BadFile, match=r"the mask 'masks/b.png' is not in in/. There are: masks/[az].png"):
        pair_job(BatchJob("", "originals/*", mask_pattern="masks/b.png"), find, "in/")


def test_patterns_that_find_the_same_files_are_told():
    with pytest.raises(BadFile, match="are all overlays or masks; narrow the patterns"):
        pair_job(BatchJob("", "originals/*", mask_pattern="originals/*.jpg"), find, "in/")

"""`hemline batch`: what the nodes give, file after file."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image
from support.batches import JOBS, ORDERED, SIZES, save_colours, save_mask, write_catalogue, zip_folder
from support.commands import events, files_below, hemline
from support.levels import info_of, picture_file, read, samples, write

from hemline.hosts import blend_files as blend_module
from hemline.hosts.headless import run_headless

RESULTS = [f"output/{name}_composite.png" for name in sorted(SIZES)]


@pytest.fixture
def catalogue(tmp_path):
    return write_catalogue(tmp_path / "in")


def run(jobs, tmp_path, *more):
    return hemline("batch", jobs, "-o", tmp_path / "out", *more)


def composite(folder, name):
    return read(folder / "output" / f"{name}_composite.png")[1].astype(int)


def test_the_users_job_file_runs(catalogue, tmp_path):
    done = run(catalogue, tmp_path)
    assert done.returncode == 0, done.stderr
    assert files_below(tmp_path / "out") == sorted(RESULTS)
    assert re.search(r"3 of 3 pictures done, results in .*out", done.stdout.splitlines()[-1])
    sizes = [Image.open(tmp_path / "out" / "output" / f"{name}_composite.png").size for name in ORDERED]
    assert sizes == [SIZES[name] for name in ORDERED]


def graph(source):
    """Load -> Refine (normalise) -> invert -> Grow & Feather -> exclude -> Blend -> Save, all as the jobs say."""
    refine = {"mask": ["load", 1], "islands_percent": 0.0, "holes_percent": 0.0, "edge_px": 0, "normalise": ["load", 5]}
    turned = {"mask_a": ["refine", 0], "mask_b": ["refine", 0], "invert_a": ["load", 9], "invert_b": ["load", 9]}
    grown = {"mask": ["turn", 0], "grow": ["load", 10], "feather": ["load", 11]}
    kept = {"mask_a": ["grow", 0], "mask_b": ["load", 12], "operation": "exclude"}
    blend = {
        "base": ["load", 0],
        "layer": ["load", 2],
        "mask": ["keep", 0],
        "mode": ["load", 6],
        "opacity": ["load", 8],
    }
    entries = {
        "load": ("HemlineBatchLoad", {"source": source}), "refine": ("HemlineRefineMask", refine),
        "turn": ("HemlineCombineMasks", turned), "grow": ("HemlineGrowFeatherMask", grown),
        "keep": ("HemlineCombineMasks", kept), "blend": ("HemlineBlendLayers", blend),
        "save": ("SaveImage", {"images": ["blend", 0], "filename_prefix": ["load", 4]}),
    }  # fmt: skip
    return {id: {"class_type": kind, "inputs": inputs} for id, (kind, inputs) in entries.items()}


FULL = (
    "  - name: 'more'\n    background_pattern: 'originals/*'\n    overlay_pattern: 'enhanced/*'\n"
    "    mask_pattern: 'masks/*'\n    exclude_pattern: 'excluded/*'\n    output_template: '{job}/{name}.png'\n"
    "    blend_mode: 'soft-light'\n    opacity: 0.7\n    invert: true\n    grow: 1.5\n    feather: 4\n"
)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_the_nodes_and_the_command_give_the_same_pictures(tmp_path, packed):
    jobs = write_catalogue(tmp_path / "in", JOBS + FULL)
    for seed, name in enumerate(SIZES):
        save_mask(tmp_path / "in" / "excluded" / f"{name}_exclude.png", SIZES[name], seed + 50)
    given = ("-i", zip_folder(tmp_path / "in", tmp_path / "in.zip")) if packed else ()
    assert run(jobs, tmp_path, *given).returncode == 0
    result = run_headless(graph("in/jobs.yaml"), tmp_path / "nodes", input_folder=tmp_path)
    assert len(result["save"].text) == 6
    for name in ORDERED:
        for ours in (f"output/{name}_composite", f"more/{name}"):
            by_command = read(tmp_path / "out" / f"{ours}.png")[1].astype(int)
            by_nodes = read(tmp_path / "nodes" / f"{ours}_00001_.png")[1].astype(int)
            difference = by_command - by_nodes  # Save Image cuts levels off, the command rounds them
            assert difference.min() >= 0 and difference.max() <= 1
            base = np.asarray(Image.open(tmp_path / "in" / "originals" / f"{name}.jpg"), int)
            assert np.abs(by_command - base).max() > 20


def test_what_is_there_is_left_out_or_replaced(catalogue, tmp_path):
    place = tmp_path / "out" / RESULTS[0]
    place.parent.mkdir(parents=True)
    place.write_text("older")
    told = events(run(catalogue, tmp_path, "--skip-existing", "--json"))
    assert [event["event"] for event in told] == ["skipped", "picture", "picture", "done"]
    assert (told[-1]["done"], told[-1]["skipped"]) == (2, 1) and place.read_text() == "older"
    assert run(catalogue, tmp_path, "--overwrite").returncode == 0 and place.read_bytes()[:4] == b"\x89PNG"


# --- what fails stops no other ---------------------------------------------------------------------------------------


def test_a_missing_mask_fails_by_name_and_the_others_are_done(catalogue, tmp_path):
    (tmp_path / "in" / "masks" / "img2_mask.png").unlink()
    done = run(catalogue, tmp_path)
    assert done.returncode == 3 and "originals/img2.jpg has no mask" in done.stderr
    assert files_below(tmp_path / "out") == ["output/Img1_composite.png", "output/img10_composite.png"]
    assert "2 of 3 pictures done, 1 failed" in done.stdout


def test_a_missing_mask_can_be_skipped_or_leave_the_picture_as_it_is(catalogue, tmp_path):
    (tmp_path / "in" / "masks" / "img2_mask.png").unlink()
    done = run(catalogue, tmp_path, "--missing", "skip")
    assert done.returncode == 0 and "img2.jpg has no mask; left out" in done.stderr
    assert "output/img2_composite.png" not in files_below(tmp_path / "out")
    done = run(catalogue, tmp_path, "--missing", "empty")
    assert done.returncode == 0 and "img2.jpg has no mask; nothing is blended" in done.stderr
    base = np.asarray(Image.open(tmp_path / "in" / "originals" / "img2.jpg"), int)
    assert np.array_equal(composite(tmp_path / "out", "img2"), base)


def test_a_damaged_picture_and_a_job_without_pictures_stop_no_other(tmp_path):
    text = JOBS + "  - name: none\n    background_pattern: 'nothing/*'\n    overlay_pattern: 'enhanced/*'\n"
    jobs = write_catalogue(tmp_path / "in", text)
    (tmp_path / "in" / "enhanced" / "img2.jpg").write_bytes(b"no picture")
    told = events(run(jobs, tmp_path, "--json"))
    failed = [event for event in told if event["event"] == "failed"]
    assert [event["job"] for event in failed] == ["none", "portrait_enhancement"]
    assert failed[1]["picture"] == "originals/img2.jpg" and "is not a picture" in failed[1]["error"]
    assert told[-1] == {**told[-1], "done": 2, "skipped": 0, "failed": 2}


def test_nothing_done_at_all_is_a_failure(catalogue, tmp_path):
    for file in (tmp_path / "in" / "masks").iterdir():
        file.unlink()
    assert run(catalogue, tmp_path).returncode == 1


def test_masks_of_no_picture_are_named(catalogue, tmp_path):
    save_mask(tmp_path / "in" / "masks" / "img3_mask.png", (4, 4))
    done = run(catalogue, tmp_path)
    assert done.returncode == 0 and "mask without a picture: masks/img3_mask.png" in done.stderr


def test_an_interruption_ends_all(catalogue, tmp_path, monkeypatch):
    calls, plain = [], blend_module.blend_images

    def interrupt(*given, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return plain(*given, **options)

    monkeypatch.setattr(blend_module, "blend_images", interrupt)
    assert run(catalogue, tmp_path).returncode == 130
    assert files_below(tmp_path / "out") == ["output/Img1_composite.png"]


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"masks/*.png"', '"../masks/*.png"', "leads out"),
        ('"output/{name}', '"../{name}', "leads out"),
        ('"output/{name}', '"/tmp/{name}', "leads out"),
        ("blend_mode", "blend_mdoe", "Did you mean 'blend_mode'"),
        ('    overlay_pattern: "enhanced/*.jpg"\n', "", "overlay_pattern is missing"),
        ("{name}_composite.png", "one.png", "would both be written to .*use {name} and {job}"),
        ("_composite.png", ".psdx", "Picture format"),
        ("jobs:", "job:", "is no job file"),
    ],
)
def test_a_job_file_that_cannot_be_run_is_told_before_any_work(tmp_path, old, new, message):
    jobs = write_catalogue(tmp_path / "in", JOBS.replace(old, new))
    done = run(jobs, tmp_path)
    assert done.returncode == 1 and re.search(message, done.stderr), done.stderr
    assert not (tmp_path / "out").exists() and files_below(tmp_path) == [
        f"in/{one}" for one in files_below(tmp_path / "in")
    ]


def test_two_jobs_that_write_to_one_place_are_told(tmp_path):
    again = JOBS.replace("jobs:\n", "").replace("portrait_enhancement", "again")
    done = run(write_catalogue(tmp_path / "in", JOBS + again), tmp_path)
    assert done.returncode == 1 and "would both be written to" in done.stderr


def test_no_input_is_overwritten(tmp_path):
    jobs = write_catalogue(tmp_path / "in", JOBS.replace("output/{name}_composite.png", "originals/{name}.jpg"))
    before = (tmp_path / "in" / "originals" / "img2.jpg").read_bytes()
    done = hemline("batch", jobs, "-o", tmp_path / "in")
    assert done.returncode == 1 and "also read" in done.stderr
    assert (tmp_path / "in" / "originals" / "img2.jpg").read_bytes() == before


@pytest.mark.parametrize("flags", [["--missing", "x"], ["--fit", "x"], ["--mask-channel", "x"], ["--quality", "0"]])
def test_a_wrong_option_is_wrong_usage(catalogue, tmp_path, flags):
    assert run(catalogue, tmp_path, *flags).returncode == 2 and not (tmp_path / "out").exists()


def test_a_job_file_that_is_not_there_is_told(tmp_path):
    done = run(tmp_path / "jobs.yaml", tmp_path)
    assert done.returncode == 1 and "jobs.yaml cannot be read" in done.stderr


# --- maskilayer's faults ---------------------------------------------------------------------------------------------


@pytest.fixture
def one_picture(tmp_path):
    """A picture stored on its side, its overlay, and a white mask; a function that writes the job and runs it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = np.rot90(np.asarray(Image.open(save_colours(tmp_path / "plain.png", (24, 40)))))
    (tmp_path / "originals").mkdir()
    Image.fromarray(np.ascontiguousarray(sideways)).save(tmp_path / "originals" / "a.png", exif=exif.tobytes())
    save_colours(tmp_path / "enhanced" / "a.png", (24, 40), 1)
    for folder in ("masks", "excluded"):
        (tmp_path / folder).mkdir()
    Image.new("L", (24, 40), 255).save(tmp_path / "masks" / "a.png")

    def blended(*lines):
        jobs = tmp_path / "jobs.yaml"
        text = JOBS.replace("*.jpg", "*.png").replace("    normalize: 3\n", "")
        jobs.write_text(text + "".join(f"    {line}\n" for line in lines))
        done = run(jobs, tmp_path)
        assert done.returncode == 0, done.stderr
        return composite(tmp_path / "out", "a")

    return blended


@pytest.mark.parametrize("level", range(6))
def test_a_white_mask_shows_the_whole_overlay_at_every_level(one_picture, tmp_path, level):
    wanted = np.asarray(Image.open(tmp_path / "enhanced" / "a.png"), int)
    assert np.array_equal(one_picture(f"normalize: {level}"), wanted)


def test_what_is_excluded_stays_as_it_was_and_upright(one_picture, tmp_path):
    half = np.zeros((40, 24), np.uint8)
    half[:20] = 255
    Image.fromarray(half).save(tmp_path / "excluded" / "a.png")
    seen = one_picture("exclude_pattern: 'excluded/*'")
    assert np.array_equal(seen[:20], np.asarray(Image.open(tmp_path / "plain.png"), int)[:20])
    assert np.array_equal(seen[20:], np.asarray(Image.open(tmp_path / "enhanced" / "a.png"), int)[20:])


# --- depth, formats --------------------------------------------------------------------------------------------------


def test_depth_and_profile_of_the_picture_stay(tmp_path):
    text = JOBS.replace("*.jpg", "*.png").replace("normalize: 3", "normalize: 0")
    jobs = tmp_path / "jobs.yaml"
    jobs.write_text(text)
    for folder in ("originals", "enhanced", "masks"):
        (tmp_path / folder).mkdir()
    info = info_of(9, 7, 3, 16, icc=b"p" * 200)
    base = samples(info)
    write(tmp_path / "originals" / "a.png", info, base)
    layer = picture_file(tmp_path / "enhanced" / "a.png", 9, 7, 3, 16, seed=1)
    Image.fromarray(np.full((7, 9), 40000, np.uint16)).save(tmp_path / "masks" / "a.png")
    assert run(jobs, tmp_path).returncode == 0
    kept, seen = read(tmp_path / "out" / "output" / "a_composite.png")
    wanted = base + (layer.astype(float) - base) * (40000 / 65535)
    assert (kept.depth, kept.icc) == (16, b"p" * 200) and np.abs(seen - wanted).max() <= 1


def test_a_template_without_a_suffix_writes_png_and_names_keep_their_dots(tmp_path):
    jobs = tmp_path / "jobs.yaml"
    jobs.write_text(JOBS.replace("output/{name}_composite.png", "{job}/{name}"))
    for folder in ("originals", "enhanced"):
        save_colours(tmp_path / folder / "coat v1.2.jpg", (9, 7))
    save_mask(tmp_path / "masks" / "coat v1.2.png", (9, 7))
    assert run(jobs, tmp_path).returncode == 0
    assert files_below(tmp_path / "out") == ["portrait_enhancement/coat v1.2.png"]


def test_every_event_is_one_line_of_json(catalogue, tmp_path):
    done = run(catalogue, tmp_path, "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in told] == ["picture"] * 3 + ["done"]
    assert told[0]["picture"] == "originals/Img1.jpg" and told[0]["job"] == "portrait_enhancement"

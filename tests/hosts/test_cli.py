from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from figures import draw_person
from PIL import Image
from support.commands import events, files_below, hemline

import hemline as hemline_package
from hemline.hosts.photos import name_photos
from hemline.hosts.pictures import from_bytes, to_bytes
from hemline.nodes import NODES
from hemline.tensors import BadFile

ROOT = Path(__file__).resolve().parents[2]


# conftest makes the checkout importable where it is not installed.
START = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); import conftest; "
    "runpy.run_module('hemline', run_name='__main__')"
)
COMMAND = [sys.executable, "-c", START, str(ROOT / "tests")]


@pytest.fixture(scope="module")
def drawn_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drawn") / "photo.png"
    from_bytes(to_bytes(draw_person(320, 200)[0][0])).save(path)
    return path


@pytest.fixture
def photo(tmp_path: Path, drawn_photo: Path) -> Path:
    path = tmp_path / "in" / "look 1.png"
    path.parent.mkdir()
    path.write_bytes(drawn_photo.read_bytes())
    return path


def test_mask_writes_the_four_files_of_a_photo(photo, tmp_path):
    run = hemline("mask", photo, "-o", tmp_path / "out", "--grow", 4, "--feather", 6)
    assert run.returncode == 0, run.stderr
    names = [f"look 1{ending}" for ending in (".json", "_cutout.png", "_mask.png", "_overlay.png")]
    assert files_below(tmp_path / "out") == names
    assert Image.open(tmp_path / "out" / "look 1_mask.png").size == (200, 320)
    assert json.loads((tmp_path / "out" / "look 1.json").read_text())["method"] == "parser"


def test_mask_tells_programs_one_json_event_a_line(photo, tmp_path):
    told = events(hemline("mask", photo, "-o", tmp_path / "out", "--json"))
    assert [event["event"] for event in told] == ["photo", "done"]
    assert told[0]["count"] >= 1
    assert told[1] == {"event": "done", "done": 1, "failed": 0, "output": str(tmp_path / "out")}


def test_mask_writes_labels_with_their_legend_when_asked(photo, tmp_path):
    run = hemline("mask", photo, "-o", tmp_path / "out", "--labels", "--what", "footwear", "--no-flip")
    assert run.returncode == 0, run.stderr
    labels = Image.open(tmp_path / "out" / "look 1_labels.png")
    told = json.loads((tmp_path / "out" / "look 1.json").read_text())
    assert labels.mode == "L" and labels.size == (200, 320)
    names = {told["legend"][str(number)] for number, count in enumerate(labels.histogram()) if count}
    assert {"background", "hair", "face"} <= names and names & {"pants", "skirt", "dress"}
    assert told["files"]["labels"] == "look 1_labels.png"


def test_labels_need_the_parser(photo, tmp_path):
    run = hemline("mask", photo, "-o", tmp_path / "out", "--labels", "--method", "heuristic")
    assert run.returncode == 1 and "method = 'parser'" in run.stderr
    assert not (tmp_path / "out").exists()


def test_the_heuristic_is_still_there(photo, tmp_path):
    assert hemline("mask", photo, "-o", tmp_path / "out", "--method", "heuristic").returncode == 0
    assert json.loads((tmp_path / "out" / "look 1.json").read_text())["method"] == "heuristic"


def test_mask_keeps_subfolders(photo, tmp_path):
    (photo.parent / "spring").mkdir()
    photo.rename(photo.parent / "spring" / "look.png")
    assert hemline("mask", photo.parent, "-o", tmp_path / "out").returncode == 0
    assert "spring/look_mask.png" in files_below(tmp_path / "out")


def test_one_bad_photo_of_several_is_told_and_the_others_are_done(photo, tmp_path):
    fake = tmp_path / "in" / "notes.jpg"
    fake.write_text("no picture")
    run = hemline("mask", photo, fake, "-o", tmp_path / "out")
    assert run.returncode == 3
    assert len(run.stderr.splitlines()) == 1 and "notes.jpg" in run.stderr
    assert "look 1_mask.png" in files_below(tmp_path / "out")
    assert not [name for name in files_below(tmp_path / "out") if "notes" in name or "tmp" in name]


def truncated(photo: Path) -> Path:
    path = photo.with_name("cut.png")
    path.write_bytes(photo.read_bytes()[:2000])
    return path


def text_file(photo: Path) -> Path:
    path = photo.with_name("text.jpg")
    path.write_text("hello")
    return path


@pytest.mark.parametrize("make", [truncated, text_file, lambda photo: photo.with_name("missing.png")])
def test_a_photo_that_cannot_be_read_is_one_clear_line_and_code_1(photo, tmp_path, make):
    run = hemline("mask", make(photo), "-o", tmp_path / "out")
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1 and "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_is_a_file_is_one_clear_line_and_code_1(photo, tmp_path):
    (tmp_path / "out").write_text("in the way")
    run = hemline("mask", photo, "-o", tmp_path / "out")
    assert run.returncode == 1 and len(run.stderr.splitlines()) == 1 and "cannot be written" in run.stderr
    assert (tmp_path / "out").read_text() == "in the way"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--what", "tosp"],
        ["--method", "magic"],
        ["--fallback", "x"],
        ["--feather", "-1"],
        ["--grow", "x"],
        ["--no-such-option"],
    ],
)
def test_a_wrong_option_is_wrong_usage(photo, tmp_path, arguments):
    run = hemline("mask", photo, "-o", tmp_path / "out", *arguments)
    assert run.returncode == 2 and not (tmp_path / "out").exists()


def test_an_unknown_garment_points_at_the_nearest(photo, tmp_path):
    run = hemline("mask", photo, "-o", tmp_path / "out", "--what", "tosp")
    assert "Did you mean 'tops'" in " ".join(run.stderr.split())


def test_nothing_found_is_a_zero_mask_and_said(tmp_path):
    flat = tmp_path / "flat.png"
    Image.new("RGB", (60, 80), (120, 120, 120)).save(flat)
    run = hemline("mask", flat, "-o", tmp_path / "out")
    assert run.returncode == 0 and "nothing found" in run.stdout
    assert Image.open(tmp_path / "out" / "flat_mask.png").getextrema() == (0, 0)


def test_photos_that_differ_only_in_suffix_keep_it(tmp_path):
    for name in ("a.jpg", "a.png", "b.png"):
        (tmp_path / name).write_bytes(b"x")
    assert set(name_photos([tmp_path])) == {"a_jpg", "a_png", "b"}


def test_photos_of_one_name_from_two_folders_are_an_error_before_anything_runs(tmp_path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(b"x")
    with pytest.raises(BadFile, match="both be written"):
        name_photos([tmp_path / "x" / "a.png", tmp_path / "y" / "a.png"])


def test_a_folder_without_photos_says_so(tmp_path):
    run = hemline("mask", tmp_path, "-o", tmp_path / "out")
    assert run.returncode == 1 and "holds no photo" in run.stderr


WORKFLOW = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "missing.png"}},
    "2": {"class_type": "HemlineDetectGarments", "inputs": {"image": ["1", 0], "what": "tops"}},
    "3": {"class_type": "HemlineGrowFeatherMask", "inputs": {"mask": ["2", 1], "grow": 5}},
    "4": {"class_type": "HemlineInpaintCrop", "inputs": {"image": ["1", 0], "mask": ["3", 0], "target": "SD 1.5"}},
    "5": {"class_type": "HemlineInpaintStitch", "inputs": {"stitch": ["4", 3], "image": ["4", 0]}},
    "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "look"}},
}


def test_run_executes_a_workflow_with_inputs_from_the_command_line(photo, tmp_path):
    workflow = tmp_path / "workflow.json"
    workflow.write_text(json.dumps(WORKFLOW))
    run = hemline("run", workflow, "-i", f"1.image={photo}", "-i", "3.grow=9", "-o", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    saved = Image.open(tmp_path / "out" / "look_00001_.png")
    assert saved.size == (200, 320) and json.loads(saved.text["prompt"])["3"]["inputs"]["grow"] == 9


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("{", "no JSON"),
        (json.dumps({"nodes": [], "links": []}), "Export (API)"),
        (json.dumps({**WORKFLOW, "7": {"class_type": "KSampler", "inputs": {}}}), "KSampler"),
        (json.dumps({**WORKFLOW, "3": {"class_type": "HemlineGrowFeatherMask", "inputs": {"mask": ["3", 0]}}}), "3"),
    ],
)
def test_a_workflow_that_cannot_run_says_why_and_writes_nothing(tmp_path, content, said):
    (tmp_path / "workflow.json").write_text(content)
    run = hemline("run", tmp_path / "workflow.json", "-o", tmp_path / "out")
    assert run.returncode == 1 and said in run.stderr and "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()


def test_nodes_lists_every_node_for_programs():
    told = events(hemline("nodes", "--json"))
    assert [entry["id"] for entry in told] == [node.id for node in NODES]
    (detect,) = (entry for entry in told if entry["id"] == "HemlineDetectGarments")
    assert detect["inputs"][0]["name"] == "image"


def test_doctor_names_versions_and_the_command_that_adds_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("HEMLINE_MODELS", str(tmp_path))
    (tmp_path / "sams").mkdir()
    (tmp_path / "sams" / "mine.pth").write_bytes(b"x")
    findings = events(hemline("doctor", "--json"))
    assert any(finding["name"] == "torch" and finding["state"] == "ok" for finding in findings)
    assert all(finding["cure"] for finding in findings if finding["state"] == "missing")
    assert any(finding["name"] == "sams" and "mine.pth cannot be read" in finding["detail"] for finding in findings)


def test_demo_runs_the_whole_chain_and_writes_a_contact_sheet(photo, tmp_path):
    run = hemline("demo", "--photo", photo, "-o", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    sheet = Image.open(tmp_path / "out" / "demo_sheet.png")
    assert sheet.height > 600 and sheet.width > sheet.height
    again = hemline("run", tmp_path / "out" / "demo_workflow.json", "-i", f"1.image={photo}", "-o", tmp_path / "again")
    assert again.returncode == 0, again.stderr


def test_the_module_runs_as_a_command():
    run = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == hemline_package.__version__


def test_notes_are_told_once_to_people(photo, tmp_path):
    second = photo.with_name("second.png")
    second.write_bytes(photo.read_bytes())
    run = hemline("mask", photo, second, "-o", tmp_path / "out", "--method", "heuristic")
    assert run.stdout.count("No model was used") == 1 and run.stdout.count("method: heuristic") == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
@pytest.mark.parametrize("as_json", [False, True])
def test_the_bar_is_drawn_on_a_terminal_and_results_still_go_to_the_pipe(photo, tmp_path, as_json):
    terminal, stderr = os.openpty()
    command = [*COMMAND, "mask", str(photo), "-o", str(tmp_path / "out"), *(["--json"] if as_json else [])]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, text=True, check=True)
    os.close(stderr)
    try:
        drawn = os.read(terminal, 65536)
    except OSError:  # how Linux says that a closed terminal holds nothing
        drawn = b""
    assert (b"0/1" in drawn) is not as_json
    assert "1 of 1 photos done" in run.stdout or json.loads(run.stdout.splitlines()[-1])["done"] == 1
    assert "\x1b" not in run.stdout


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise on Windows")
def test_an_interruption_gives_code_130_and_leaves_no_half_written_file(photo, tmp_path):
    many = [photo.with_name(f"{number}.png") for number in range(60)]
    for path in many:
        path.write_bytes(photo.read_bytes())
    command = [*COMMAND, "mask", "--json", "-o", str(tmp_path / "out"), *map(str, many)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # the first photo is done
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not [name for name in files_below(tmp_path / "out") if name.endswith(".tmp")]

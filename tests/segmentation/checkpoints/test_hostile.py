"""Nothing in a model file ever runs: each hostile file is refused, in a process that watches what Python does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.commands import PYTHON
from support.hostile import HARMLESS, HOSTILE
from support.pickles import Stored, legacy_file, torch_zip, yolo

from hemline.errors import HemlineError
from hemline.segmentation.checkpoints.checkpoint import Checkpoint, read_checkpoint, save_checkpoint

MOST_SECONDS = 120

# Reads every file that is named on standard input, and tells what came of it and what the process did meanwhile.
WATCH = """
import json, sys, time
from pathlib import Path
from hemline.errors import BadFile
from hemline.segmentation.checkpoints.checkpoint import Checkpoint, read_checkpoint
paths = [Path(line) for line in sys.stdin.read().splitlines()]
watched = ("import", "pickle.find_class", "exec", "compile", "marshal.", "os.", "subprocess.", "socket.", "shutil.",
           "ctypes.", "tempfile.", "urllib.", "webbrowser.", "code.", "sys._", "object.__", "pty.", "fcntl.", "signal.")
seen, on = [], False
def hook(event, arguments):
    if on and (event.startswith(watched) or (event == "open" and str(arguments[1]) not in ("r", "rb", "None"))):
        seen.append(f"{event} {arguments!r:.80}")
def read(path):
    try:
        return type(read_checkpoint(path)).__name__, ""
    except BadFile as error:
        return "BadFile", str(error)
    except BaseException as error:
        return type(error).__name__, str(error)[:200]
read(paths[0])  # what is loaded at first use only
sys.addaudithook(hook)
for path in paths[1:]:
    seen.clear()
    start, on = time.perf_counter(), True
    kind, message = read(path)
    on = False
    print(json.dumps([kind, message, list(seen), time.perf_counter() - start]))
"""


def _watch(folder: Path, files: dict[str, Path]) -> dict[str, tuple[str, str, list[str], float]]:
    first = torch_zip(folder / "first.pt", yolo())
    run = subprocess.run(
        [*PYTHON, WATCH], cwd=folder, capture_output=True, text=True,
        input="\n".join(map(str, [first, *files.values()])),
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return dict(zip(files, map(json.loads, run.stdout.splitlines()), strict=True))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, tuple[str, str, list[str], float]]:
    folder = tmp_path_factory.mktemp("hostile")
    makes = {name: make for name, (make, _) in HOSTILE.items()} | HARMLESS
    files = {}
    for number, (name, make) in enumerate(makes.items()):
        files[name] = folder / f"{number}.pt"
        make(files[name])
    found = _watch(folder, files)
    assert not (folder / "ran").exists()
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_nothing_runs(outcomes, name):
    kind, message, seen, seconds = outcomes[name]
    assert kind == "BadFile", message
    assert seen == []
    assert seconds < MOST_SECONDS
    assert any(word in message for word in HOSTILE[name][1].split("|")), message
    assert len(message) < 800 and message.isprintable()


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_odd_in_a_corner_neither_runs_nor_stops_the_model(outcomes, name):
    kind, message, seen, _ = outcomes[name]
    assert kind == "Checkpoint", message
    assert seen == []


def test_the_watch_sees_a_command_that_does_run(tmp_path):
    """Else the tests above would show nothing."""
    (tmp_path / "x.pt").write_bytes(b"")
    betrayed = WATCH.replace("kind, message = read(path)", "kind, message = 'x', ''; import os; os.system('cd .')")
    betrayed = betrayed.replace("read(paths[0])", "")
    run = subprocess.run(
        [*PYTHON, betrayed], cwd=tmp_path, capture_output=True, text=True, input=f"{tmp_path}/x.pt\n{tmp_path}/x.pt"
    )
    assert "os.system" in run.stdout, run.stderr


# Mutations of good files: anything may come out, but only a checkpoint or our own error, and soon.

PARSER = {"stem.conv.weight": (2, 3), "context.weight": (2,), "classify.weight": (2, 1, 1, 1)}
WEIGHTS = {"model": {name: Stored(size, key=name) for name, size in PARSER.items()}}


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("good")
    torch_zip(folder / "zip", yolo())
    legacy_file(folder / "legacy", yolo())
    torch_zip(folder / "plain", WEIGHTS)
    save_checkpoint(read_checkpoint(folder / "zip"), folder / "safetensors")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


edits = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "drop", "repeat", "set"]), st.floats(0, 1), st.integers(0, 255)),
    min_size=1,
    max_size=4,
)


def mutate(data: bytes, changes: list[tuple[str, float, int]]) -> bytes:
    changed = bytearray(data)
    for kind, place, value in changes:
        at = min(int(place * len(changed)), len(changed) - 1)
        if kind == "flip":
            changed[at] ^= 1 << value % 8
        elif kind == "set":
            changed[at] = value
        elif kind == "cut":
            del changed[max(at, 1) :]
        elif kind == "drop":
            del changed[at : at + value % 16 + 1]
        else:
            changed[at:at] = changed[at : at + value]
        if not changed:
            return b"\0"
    return bytes(changed)


@pytest.mark.parametrize("kind", ["zip", "legacy", "plain", "safetensors"])
@settings(max_examples=150, deadline=5000, derandomize=True)
@given(changes=edits)
def test_a_damaged_file_gives_a_checkpoint_or_our_error(tmp_path_factory, good, kind, changes):
    path = tmp_path_factory.getbasetemp() / "mutated.pt"
    path.write_bytes(mutate(good[kind], changes))
    try:
        assert isinstance(read_checkpoint(path), Checkpoint)
    except HemlineError as error:
        assert str(error)

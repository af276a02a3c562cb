"""The command line run in this process and in a new one."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from hemline.hosts.cli import main

_TESTS = Path(__file__).resolve().parents[1]
# conftest makes the checkout importable where it is not installed; then the code in the last argument runs.
PYTHON = [
    sys.executable,
    "-c",
    "import sys; sys.path.insert(0, sys.argv[1]); import conftest; exec(sys.argv[2])",
    str(_TESTS),
]


def hemline(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in this process, which saves importing torch each time."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with mock.patch.object(sys, "argv", ["hemline", *map(str, arguments)]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def events(run: subprocess.CompletedProcess[str]) -> list[dict]:
    return [json.loads(line) for line in run.stdout.splitlines()]


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())

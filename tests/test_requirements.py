"""What the program tells users to install: real packages, of the versions that the extras name."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from hemline.errors import pip_line
from hemline.hosts.doctor import OPTIONAL
from hemline.hosts.formats.extras import REQUIREMENTS as OF_FORMATS
from hemline.segmentation.sam.foreign import REQUIREMENTS as OF_SAM
from hemline.segmentation.yolo.quiet_import import REQUIREMENT

ROOT = Path(__file__).parents[1]
EXTRAS = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[project.scripts]")[0]
TOLD = sorted({REQUIREMENT, *OPTIONAL, *OF_FORMATS.values(), *(one for some in OF_SAM.values() for one in some)})


@pytest.mark.parametrize("requirement", TOLD)
def test_what_is_told_to_be_installed_is_what_an_extra_names(requirement: str):
    assert f'"{requirement}"' in EXTRAS


def test_the_line_installs_into_the_python_that_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/opt/a b/python")
    assert pip_line("timm", "OpenEXR>=3.3") == '"/opt/a b/python" -m pip install timm "OpenEXR>=3.3"'


def test_no_text_sends_users_to_a_package_index_for_hemline_itself():
    """In a host it is a clone; what an index holds under that name may be anything."""
    places = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "web" / "docs").glob("*.md")]
    places += [
        file for folder in ("hosts", "nodes", "segmentation", "blending") for file in (ROOT / folder).rglob("*.py")
    ]
    told = [file.name for file in places if re.search(r"pip install\W+hemline\b", file.read_text(encoding="utf-8"))]
    assert not told

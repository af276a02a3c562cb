"""Options, command line, state."""

from __future__ import annotations

import argparse
from typing import Any

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=7860)
parser.add_argument("--data-dir", default=".")
parser.add_argument("--api", action="store_true")
parser.add_argument("--nowebui", action="store_true")
parser.add_argument("--api-auth", default=None)
parser.add_argument("--gradio-auth", default=None)
parser.add_argument("--hide-ui-dir-config", action="store_true")
parser.add_argument("--use-cpu", nargs="*", default=["all"])
cmd_opts, _ = parser.parse_known_args()  # tests that load these modules have a command line of their own


class OptionInfo:
    def __init__(self, default=None, label="", component=None, component_args=None, section=None, **others: Any):
        self.default, self.label, self.component = default, label, component
        self.component_args, self.section = component_args, section


class Options:
    def __init__(self) -> None:
        self.data_labels: dict[str, OptionInfo] = {}
        self.data: dict[str, Any] = {}  # what the user has saved; all else is as usual
        self.overlay_inpaint = True
        self.img2img_background_color = "#ffffff"

    def add_option(self, key: str, info: OptionInfo) -> None:
        self.data_labels[key] = info
        if not hasattr(self, key):
            setattr(self, key, info.default)


class State:
    def __init__(self) -> None:
        self.begin()

    def begin(self, job: str = "") -> None:
        self.job, self.job_count, self.textinfo = job, -1, None
        self.job_no = self.sampling_step = self.sampling_steps = 0
        self.skipped = self.interrupted = self.stopping_generation = False

    def interrupt(self) -> None:
        self.interrupted = True

    def nextjob(self) -> None:
        self.job_no, self.sampling_step = self.job_no + 1, 0

    def end(self) -> None:
        self.job, self.job_count = "", 0


opts = Options()
state = State()

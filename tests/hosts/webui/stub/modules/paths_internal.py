"""Folders."""

from pathlib import Path

from .shared import cmd_opts

data_path = str(Path(cmd_opts.data_dir).resolve())
models_path = str(Path(data_path) / "models")

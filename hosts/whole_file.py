"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ..errors import BadFile


@contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """A temporary file beside `path`, to be written inside the `with`; moved there at its end, over an older one.

    After an error or an interruption nothing of it stays, and an older file is as it was. Missing folders are made.
    Raises `BadFile` where the system refuses.
    """
    temporary = path.parent / f".hemline-{secrets.token_hex(8)}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        _remove(temporary)
        raise BadFile(f"{path} cannot be written ({error.strerror or error}); nothing was saved.") from error
    except BaseException:
        _remove(temporary)
        raise


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # the folder itself is gone or forbidden, so there is nothing of ours in it
        return

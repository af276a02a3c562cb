"""What made a result, for the descriptions that are saved with it."""

from __future__ import annotations

import torch

from .. import __version__


def versions() -> dict[str, str]:
    """Package -> version of what a result depends on."""
    return {"hemline": __version__, "torch": str(torch.__version__)}

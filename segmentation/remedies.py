"""The commands that mend what stands in the way of somebody else's networks."""

from __future__ import annotations

import re

import torch

from ..errors import pip_line


def torchvision_remedy() -> str:
    """The line that installs the torchvision which was built for the torch that is here, and leaves torch as it is."""
    version = str(torch.__version__)
    built = re.search(r"\+(cpu|cu\d+|rocm[\d.]+|xpu)$", version)
    index = ("--index-url", f"https://download.pytorch.org/whl/{built[1]}") if built else ()
    return pip_line("--upgrade", f"torch=={version}", "torchvision", *index)

"""Laws of the commands that users are told to run."""

from __future__ import annotations

import sys

import torch

from hemline.segmentation.remedies import torchvision_remedy


def test_the_remedy_pins_torch_and_leaves_torchvision_to_pip(monkeypatch):
    for version, line in {
        "2.6.0": 'python -m pip install --upgrade "torch==2.6.0" torchvision',
        "2.9.1+cu128": 'python -m pip install --upgrade "torch==2.9.1+cu128" torchvision --index-url '
        "https://download.pytorch.org/whl/cu128",
    }.items():
        monkeypatch.setattr(sys, "executable", "python")
        monkeypatch.setattr(torch, "__version__", version)
        assert torchvision_remedy() == line

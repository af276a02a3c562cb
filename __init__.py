"""Hemline: finds garments in a picture, makes an exact mask, and puts the changed garment back without a seam."""

import sys

__version__ = "0.7.0"

# ComfyUI has loaded its own folder_paths before any pack. No package name means that a test runner looked in.
if __package__ and "folder_paths" in sys.modules:
    from .hosts.comfyui import publish

    globals().update(publish())

"""A context for nodes that write nothing."""

from __future__ import annotations

from pathlib import Path

from hemline.hosts.headless_context import headless_context

CONTEXT = headless_context(Path("nowhere"), device="cpu")

from __future__ import annotations

MOST_FRAMES = 8
"""How far a window may reach to each side."""

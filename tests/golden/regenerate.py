"""Writes the golden files of this folder anew; run it only after a change that is meant, and review the difference.

python tests/golden/regenerate.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def node_surface() -> Any:
    """Ids, ports, defaults and options of every node."""
    from support.surface import describe_surface

    from hemline.nodes import NODES

    return describe_surface(NODES)


def blend_modes() -> Any:
    """What every blend mode makes of a few pixels, opaque and with alpha."""
    from support.blend_golden import describe_modes

    return describe_modes()


def tryon_contracts() -> Any:
    """What every try-on target is handed."""
    from support.tryon_golden import describe_contracts

    return describe_contracts()


def strokes() -> Any:
    """What the strokes of Edit Mask make of a small mask, in Python and in the browser."""
    from support.stroke_golden import describe_strokes

    return describe_strokes()


GOLDEN: dict[str, Callable[[], Any]] = {
    "node_surface.json": node_surface,
    "blend_modes.json": blend_modes,
    "tryon_contracts.json": tryon_contracts,
    "strokes.json": strokes,
}


def main() -> None:
    """Regenerates every golden file."""
    sys.path.insert(0, str(HERE.parent))
    for name, make in GOLDEN.items():
        (HERE / name).write_text(json.dumps(make(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        sys.stdout.write(f"{name} written\n")


if __name__ == "__main__":
    main()

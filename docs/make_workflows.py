"""Writes the example workflows and the blueprints from the short descriptions in `workflows/`.

python docs/make_workflows.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workflows.blueprints import BLUEPRINTS
from workflows.canvas import blueprint_format, ui_format
from workflows.models import OUTFIT_SWAP, SEVERAL_GARMENTS, TRY_ON
from workflows.pictures import COMPOSITE, FIRST_MASK, FOLDER_OF_COMPOSITES, STUDIO
from workflows.steps import ROOT

EXAMPLES = {
    "colour_and_background_studio": STUDIO,
    "composites_of_a_folder": FOLDER_OF_COMPOSITES,
    "first_mask": FIRST_MASK,
    "maskilayer_composite": COMPOSITE,
    "outfit_swap_with_an_inpaint_model": OUTFIT_SWAP,
    "several_garments_in_one_picture": SEVERAL_GARMENTS,
    "try_on_hand_off": TRY_ON,
}


def main() -> None:
    """Writes every workflow and every blueprint."""
    for path, content in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def files() -> dict[Path, dict[str, Any]]:
    """The content of every file by its path."""
    examples = {ROOT / "example_workflows" / f"{name}.json": ui_format(groups) for name, groups in EXAMPLES.items()}
    made = {ROOT / "subgraphs" / f"{name}.json": blueprint_format(name, one) for name, one in BLUEPRINTS.items()}
    return {**examples, **made}


if __name__ == "__main__":
    main()

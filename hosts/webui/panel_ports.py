"""The panel's declaration: what each setting means, its range, its choices, and where it stands.

What a node has as well is taken from the node, so that it is said once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...nodes import (
    agnostic_mask,
    detect_garments,
    grow_feather_mask,
    inpaint_stitch,
    load_garment_model,
    protect_parts,
    select_garments_node,
)
from ...nodes.models import SHIPPED
from ...nodes.spec import Node, Port
from ...segmentation.protection import PROTECTIONS
from ...segmentation.select import ALL, FROM_LEFT, FROM_RIGHT, LARGEST
from .mask_settings import (
    ADD,
    AS_FOUND,
    AS_SET,
    FILLS,
    HEURISTIC,
    INTERSECT,
    ONLY_MASKED,
    REPLACE,
    SKIP,
    STOP,
    SUBTRACT,
    UNPROTECTED,
    WHAT,
    WHOLE,
    MaskSettings,
    cuts,
)

INPAINTING, SECOND_PASS = "Inpainting", "Second pass"
"""Headings of the settings that only a generation has."""

SLIDERS: dict[str, tuple[float, float]] = {
    "grow": (-128.0, 128.0), "feather": (0.0, 128.0), "margin": (-50.0, 50.0), "number": (1, 20),
}  # fmt: skip
"""Ends of sliders for the hand, where the setting itself takes more: from the API, an infotext or an axis."""

# Where a node's own words name its ports, or promise what is no target here.
_SAID = {
    "what": "What is repainted: a preset (outfit: clothes from top to skirt or trousers; garments: also shoes, "
    "legwear, hats, scarves), or one kind of garment.",
    "labels": "Several kinds, by commas, such as 'tops, footwear'; then 'What' does not count.",
    "grow": "How far the mask grows, the same distance in every direction; negative shrinks it.",
    "feather": "Width of the soft edge, over which the mask runs from full to nothing.",
    "person": "Whose garments.",
    "margin": "How far beyond a part the mask keeps away, in percent of the head's height; negative lets it reach "
    "under the rim.",
    "parts": "One per line or separated by ';', each with its own margin and soft edge if you like: 'hands 4 soft 6; "
    "hair; face -2'. Then 'Protect' does not count. Parts: head, hair, face, neck, hands, arms, legs, feet, bag, other "
    "garments.",
    "classes": "For a YOLO: which of its own classes count, by name, wildcard or number, separated by commas; "
    "'!word' leaves one out. 'What' chooses among what they mean.",
    "class_map": "What the file's own words mean, one a line: 'short sleeve top = upper'. Wildcards: '*dress* = "
    "dress'. 'ignore' leaves a word out.",
}


def _of(node: Node, name: str, **changes: Any) -> Port:
    """A node's port, with the setting's default."""
    port = next(port for port in node.inputs if port.name == name)
    return replace(port, default=getattr(MaskSettings(), name), tooltip=_SAID.get(name, port.tooltip), **changes)


def _own(name: str, kind: Any, tooltip: str, **fields: Any) -> Port:
    return Port(name, kind, tooltip, default=getattr(MaskSettings(), name), **fields)


GROUPS: dict[str, tuple[Port, ...]] = {
    "": (
        _own("enabled", "BOOLEAN", "Find the garment in the picture and repaint just that."),
        _of(detect_garments, "what", options=WHAT),
        _own(
            "target_cut", "COMBO",
            "as found: the garment itself. Otherwise what the new garment is: the mask then covers what it needs, "
            "sleeves over bare arms or a hem further down.",
            options=cuts(),
        ),
        _of(grow_feather_mask, "grow"),
        _of(grow_feather_mask, "feather"),
        _of(protect_parts, "protect", options=(*PROTECTIONS, UNPROTECTED)),
        _own(
            "nothing_found", "COMBO",
            "Where the mask is empty. stop: with an error. skip: the picture comes out unchanged. whole picture: as "
            "if no mask were wanted. The result tells which.",
            options=(STOP, SKIP, WHOLE),
        ),
        _own(
            "drawn", "COMBO",
            "What becomes of a mask drawn or uploaded by hand: the found mask replaces it; or it is added to the found "
            "mask, subtracted from it, or only what both cover counts. Protected parts stay protected.",
            options=(REPLACE, ADD, SUBTRACT, INTERSECT),
        ),
    ),
    INPAINTING: (
        _own(
            "area", "COMBO", "What the model sees: the mask with its surroundings, enlarged, or the whole picture.",
            options=(ONLY_MASKED, WHOLE, AS_SET),
        ),
        _own("padding", "INT", "only masked: pixels around the mask.", minimum=0, maximum=1024, step=4),
        _own("fill", "COMBO", "What the model starts from inside the mask.", options=(*FILLS, AS_SET)),
        _own(
            "composite", "BOOLEAN",
            "Put the result into the picture along the soft mask: what lies outside stays bit for bit. Off: the host "
            "puts it back in its own way.",
        ),
        _of(inpaint_stitch, "match_colours"),
        _of(inpaint_stitch, "seam"),
    ),
    "Detection and edges": (
        _of(load_garment_model, "detector", options=(SHIPPED, HEURISTIC)),
        _of(load_garment_model, "sam"),
        _of(detect_garments, "labels"),
        _of(select_garments_node, "person", options=(ALL, LARGEST, FROM_LEFT, FROM_RIGHT)),
        _of(select_garments_node, "number"),
        _own(
            "edges", "COMBO",
            "as found: small islands and holes go, the edge stays. guided: the edge moves to the picture's edge. "
            "matte: the share of each pixel that is garment, for fur, fringe and lace. Only for target cut as found.",
            options=(AS_FOUND, "guided", "matte"),
        ),
        _of(grow_feather_mask, "unit"),
        _of(agnostic_mask, "silhouette"),
        _of(agnostic_mask, "looseness"),
        _of(agnostic_mask, "shadow"),
        _of(protect_parts, "margin"),
        _of(protect_parts, "parts"),
        _of(detect_garments, "classes"),
        _of(load_garment_model, "class_map"),
        _of(detect_garments, "confidence"),
    ),
    SECOND_PASS: (
        _own(
            "denoising", "FLOAT", "How much the second pass changes of the garment; 1 is all.",
            minimum=0.0, maximum=1.0, step=0.01,
        ),
        _own("prompt", "STRING", "What the second pass paints; empty: the picture's own prompt."),
    ),
}  # fmt: skip
"""Heading -> the settings below it; what has none is always in sight."""

LABELS: dict[str, str] = {
    "enabled": "Garment mask", "drawn": "Mask drawn by hand", "nothing_found": "On nothing found",
    "area": "Inpaint area", "fill": "Masked content", "composite": "Exact composite", "sam": "SAM",
    "labels": "Garments by name", "number": "Which person from that side", "parts": "Protected parts of your own",
    "margin": "Protection margin", "shadow": "Margin for shadow", "unit": "Unit of grow and feather",
    "denoising": "Denoising of the second pass", "prompt": "Prompt of the second pass",
}  # fmt: skip
"""How the panel calls a setting whose own name would not say it."""

PORTS: dict[str, Port] = {port.name: port for ports in GROUPS.values() for port in ports}
"""The settings by name."""

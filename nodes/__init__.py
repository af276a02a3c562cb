"""The product's table of contents: every node, in menu order."""

from __future__ import annotations

from .agnostic import agnostic_mask
from .blend import apply_filter_node, blend_layers
from .color import estimate_foreground_node, match_colours_node
from .compare import preview_compare
from .detect import detect_garments
from .edit import edit_mask
from .export import save_garment_set
from .frames import stabilise_mask_node
from .generate import generate_mask_node
from .inpaint import inpaint_crop, inpaint_stitch
from .inspect import preview_mask
from .load import batch_load
from .mask import combine_masks_node, grow_feather_mask
from .models import load_garment_model
from .protect import protect_parts
from .refine import refine_mask
from .select import garments_from_masks_node, garments_to_segs, select_garments_node
from .spec import Node
from .tryon import try_on_inputs

NODES: tuple[Node, ...] = (
    batch_load,
    load_garment_model,
    detect_garments,
    select_garments_node,
    garments_from_masks_node,
    garments_to_segs,
    generate_mask_node,
    refine_mask,
    protect_parts,
    agnostic_mask,
    stabilise_mask_node,
    edit_mask,
    grow_feather_mask,
    combine_masks_node,
    blend_layers,
    apply_filter_node,
    match_colours_node,
    estimate_foreground_node,
    inpaint_crop,
    inpaint_stitch,
    try_on_inputs,
    preview_mask,
    preview_compare,
    save_garment_set,
)

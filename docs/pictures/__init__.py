"""The pictures of the help pages: drawn people in retail clothes, and what our own nodes make of them."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from . import compare, layers, masks

PICTURES: dict[str, Callable[[], Tensor]] = {
    "HemlineBatchLoad": layers.batch_load,
    "HemlineLoadGarmentModel": masks.load_garment_model,
    "HemlineDetectGarments": masks.detect_garments,
    "HemlineSelectGarments": masks.select_garments,
    "HemlineGarmentsFromMasks": masks.garments_from_masks,
    "HemlineGarmentsToSEGS": masks.garments_to_segs,
    "HemlineGenerateMask": masks.generate_mask,
    "HemlineRefineMask": masks.refine_mask,
    "HemlineProtectParts": masks.protect_parts,
    "HemlineAgnosticMask": masks.agnostic_mask,
    "HemlineStabiliseMask": masks.stabilise_mask,
    "HemlineEditMask": masks.edit_mask,
    "HemlineGrowFeatherMask": masks.grow_feather,
    "HemlineCombineMasks": masks.combine_masks,
    "HemlineBlendLayers": layers.blend_layers,
    "HemlineApplyFilter": layers.apply_filter,
    "HemlineMatchColours": layers.match_colours,
    "HemlineEstimateForeground": layers.estimate_foreground,
    "HemlineInpaintCrop": layers.inpaint_crop,
    "HemlineInpaintStitch": layers.inpaint_stitch,
    "HemlineTryOnInputs": layers.try_on_inputs,
    "HemlinePreviewMask": masks.preview_mask,
    "HemlinePreviewCompare": compare.preview_compare,
    "HemlineSaveGarmentSet": masks.save_garment_set,
}
"""Node id -> what draws the picture ``[H,W,3]`` of its help page."""

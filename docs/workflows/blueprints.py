"""The blueprints: subgraphs that users find in the node search and put on a canvas like a node."""

from __future__ import annotations

from .steps import Blueprint, step

PHOTO_TO_INPAINT_READY = Blueprint(
    "Finds a garment in a photo, makes the area where a new one may lie, keeps head, hair and hands out of it, and "
    "cuts out what an inpaint model wants. The stitch goes to Stitch Back.",
    ("inpaint", "garment mask", "outfit", "crop"),
    (
        (step("found", "HemlineDetectGarments", what="tops"),),
        (step("area", "HemlineAgnosticMask", garments=("found", 0)),
         step("grown", "HemlineGrowFeatherMask", mask=("area", 0), grow=0.0, feather=12.0)),
        (step("kept", "HemlineProtectParts", mask=("grown", 0), garments=("found", 0)),
         step("crop", "HemlineInpaintCrop", mask=("kept", 0), garments=("found", 0))),
    ),
    inputs={
        "image": (("found", "image"), ("crop", "image")),
        "model": (("found", "model"),),
        "what": (("found", "what"),),
        "target_cut": (("area", "target_cut"),),
        "looseness": (("area", "looseness"),),
        "grow": (("grown", "grow"),),
        "feather": (("grown", "feather"),),
        "protect": (("kept", "protect"),),
        "target": (("crop", "target"),),
    },
    outputs={
        "image": ("crop", 0), "mask": ("crop", 1), "stitch": ("crop", 3), "soft_mask": ("crop", 2),
        "whole_mask": ("kept", 0), "garments": ("found", 0),
    },
)  # fmt: skip

STITCH_BACK = Blueprint(
    "Puts what an inpaint model has painted back into the photo: shift and zoom are undone, the tone is matched, and "
    "outside of the mask the photo stays as it was.",
    ("inpaint", "paste back", "uncrop"),
    ((step("stitched", "HemlineInpaintStitch", align="shift and zoom", match_colours="affine"),),
     (step("changed", "MaskToImage", mask=("stitched", 1)),)),
    inputs={
        "stitch": (("stitched", "stitch"),),
        "image": (("stitched", "image"),),
        "seam": (("stitched", "seam"),),
        "match_colours": (("stitched", "match_colours"),),
        "align": (("stitched", "align"),),
    },
    outputs={"image": ("stitched", 0), "changed_mask": ("stitched", 1), "changed": ("changed", 0)},
)  # fmt: skip

BLUEPRINTS = {"Photo to Inpaint-Ready": PHOTO_TO_INPAINT_READY, "Stitch Back": STITCH_BACK}

"""The workflows that hand over to a model: an inpaint checkpoint, or a try-on model."""

from __future__ import annotations

from .steps import ANY_PICTURE, Group, Step, note, step


def _repaint(what: str) -> tuple[tuple[Step, ...], ...]:
    """Two columns: the conditions for an inpaint model and its run, between the steps "crop" and "decoded"."""
    return (
        (step("prompt", "CLIPTextEncode", "What to wear", clip=("model", 1), text=what),
         step("avoid", "CLIPTextEncode", "What to avoid", clip=("model", 1), text="text, logo"),
         step("conditions", "InpaintModelConditioning", positive=("prompt", 0), negative=("avoid", 0),
              vae=("model", 2), pixels=("crop", 0), mask=("crop", 1))),
        (step("sampler", "KSampler", model=("model", 0), positive=("conditions", 0), negative=("conditions", 1),
              latent_image=("conditions", 2)),
         step("decoded", "VAEDecode", samples=("sampler", 0), vae=("model", 2))),
    )  # fmt: skip


FIND = Group("1 Find the garment", (
    (step("photo", "LoadImage", "Photo", image=ANY_PICTURE),
     note("hint", "Load a photo. **what** says which garments are to be changed, **target_cut** what the new one is: "
          "the area then covers its sleeves and its hem. Face, hair and hands stay out of it.")),
    (step("found", "HemlineDetectGarments", image=("photo", 0), what="tops"),
     step("area", "HemlineAgnosticMask", garments=("found", 0), target_cut="long sleeve"),),
    (step("grown", "HemlineGrowFeatherMask", mask=("area", 0), grow=0.0, feather=12.0, image=("photo", 0)),
     step("kept", "HemlineProtectParts", mask=("grown", 0), garments=("found", 0))),
))  # fmt: skip

OUTFIT_SWAP = (
    FIND,
    Group("2 Hand the crop to the model", (
        (step("crop", "HemlineInpaintCrop", image=("photo", 0), mask=("kept", 0), target="SD 1.5"),
         step("model", "CheckpointLoaderSimple", "Your inpaint model", ckpt_name="your inpaint model.safetensors"),
         note("choose", "Choose an **inpaint** checkpoint, and its family as **target** of Inpaint Crop.")),
        *_repaint("a dark green knitted sweater"),
    )),
    Group("3 Back into the photo", (
        (step("stitched", "HemlineInpaintStitch", stitch=("crop", 3), image=("decoded", 0), align="shift and zoom",
              match_colours="affine"),
         step("saved", "SaveImage", images=("stitched", 0), filename_prefix="outfit")),
    )),
)  # fmt: skip

SEVERAL_GARMENTS = (
    Group("1 Find all garments", (
        (step("photo", "LoadImage", "Photo", image=ANY_PICTURE),
         note("hint", "Every garment becomes a crop of its own; the nodes of group 2 run once for each, and Inpaint "
              "Stitch puts them all into one photo.")),
        (step("found", "HemlineDetectGarments", image=("photo", 0), what="outfit"),
         step("grown", "HemlineGrowFeatherMask", mask=("found", 1), grow=8.0, feather=12.0, image=("photo", 0)),
         step("kept", "HemlineProtectParts", mask=("grown", 0), garments=("found", 0))),
    )),
    Group("2 One crop per garment, through the model", (
        (step("crop", "HemlineInpaintCrop", image=("photo", 0), mask=("kept", 0), garments=("found", 0),
              target="SD 1.5", split="per garment"),
         step("model", "CheckpointLoaderSimple", "Your inpaint model", ckpt_name="your inpaint model.safetensors")),
        *_repaint("blue denim"),
    )),
    Group("3 All of them back into one photo", (
        (step("stitched", "HemlineInpaintStitch", stitch=("crop", 3), image=("decoded", 0), align="shift and zoom",
              match_colours="affine"),
         step("saved", "SaveImage", images=("stitched", 0), filename_prefix="garments"),
         step("changed", "MaskToImage", mask=("stitched", 1)),
         step("seen", "PreviewImage", "What was changed", images=("changed", 0))),
    )),
)  # fmt: skip

TRY_ON = (
    Group("1 Person and garment", (
        (step("person", "LoadImage", "Person", image=ANY_PICTURE),
         step("garment", "LoadImage", "Garment", image=ANY_PICTURE)),
        (step("found", "HemlineDetectGarments", image=("person", 0), what="tops"),
         step("area", "HemlineAgnosticMask", garments=("found", 0), target_cut="long sleeve")),
    )),
    Group("2 Exactly what the try-on model wants", (
        (step("inputs", "HemlineTryOnInputs", person=("person", 0), garment=("garment", 0), mask=("area", 0),
              target="CatVTON"),
         note("choose", "Choose your try-on model as **target** and, on Agnostic Mask, the new garment's cut; the "
              "picture on the node says what the model gets.")),
    )),
    Group("3 Your try-on node here", (
        (note("here", "Put your try-on node here: **person**, **garment** and **mask** of Try-On Inputs go in, its "
              "picture goes to **image** of Inpaint Stitch. As it is, the person goes straight through."),),
    )),
    Group("4 Back into the photo", (
        (step("stitched", "HemlineInpaintStitch", stitch=("inputs", 6), image=("inputs", 0), align="shift and zoom",
              match_colours="affine"),
         step("saved", "SaveImage", images=("stitched", 0), filename_prefix="try-on")),
        (step("kept", "HemlineSaveGarmentSet", "For training or batch use", image=("person", 0), mask=("area", 0),
              garment=("garment", 0), name="try-on set", layout="VITON-HD"),),
    )),
)  # fmt: skip

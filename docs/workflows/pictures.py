"""The workflows that need no model beside Hemline's own: masks, colours, backgrounds, composites."""

from __future__ import annotations

from .steps import ANY_PICTURE, Group, note, step

FIRST_MASK = (
    Group("1 Your photo", (
        (step("photo", "LoadImage", "Photo", image=ANY_PICTURE),
         note("hint", "**Choose a photo** of somebody in clothes, then press **Run**. Nothing has to be downloaded. "
              "Each node has a help page: select it and press **?**.")),
    )),
    Group("2 Find the garment", (
        (step("found", "HemlineDetectGarments", image=("photo", 0), what="tops"),
         note("what", "**what** chooses the garment: tops, bottoms, dress, footwear ... Names of your own go into "
              "**labels**, such as `skirt, bag`.")),
        (step("refined", "HemlineRefineMask", mask=("found", 1), image=("photo", 0)),
         note("edge", "Lays the edge of the mask on the edge of the cloth. **edge_px** is how far it may move.")),
    )),
    Group("3 Correct it by hand, then soften it", (
        (note("paint", "Run once, then **paint** what is missing and **erase** what is too much. The strokes stay in "
              "the workflow and replay on the next photo, too. Nothing to correct? Leave it as it is."),
         step("edited", "HemlineEditMask", picture=("photo", 0), mask=("refined", 0))),
        (step("grown", "HemlineGrowFeatherMask", mask=("edited", 0), grow=4.0, feather=8.0, image=("photo", 0)),
         note("soft", "**grow** moves the edge outwards by so many pixels, **feather** makes it soft. After the first "
              "run the picture follows the sliders at once.")),
    )),
    Group("4 Look at it and keep it", (
        (step("seen", "HemlinePreviewCompare", image=("photo", 0), mask=("grown", 0), garments=("found", 0)),),
        (step("kept", "HemlineSaveGarmentSet", image=("photo", 0), mask=("grown", 0), garments=("found", 0),
              name="first mask"),
         note("next", "Mask, cut-out, overlay and a JSON are in ComfyUI's output folder. Drop a saved PNG on the "
              "canvas and this workflow comes back.\n\nNext: the template **outfit swap with an inpaint model**.")),
    )),
)  # fmt: skip

STUDIO = (
    Group("1 Photo, and the tone of another", (
        (step("photo", "LoadImage", "Photo", image=ANY_PICTURE),
         step("look", "LoadImage", "A photo whose tone you like", image=ANY_PICTURE)),
        (step("toned", "HemlineMatchColours", image=("photo", 0), reference=("look", 0), strength=0.5, space="OKLab"),
         note("tone", "All photos of a range in one tone: **strength** is how far the photo follows the other one, 0 "
              "leaves it as it is. No checkpoint is needed for this workflow; it runs on a CPU in seconds.")),
    )),
    Group("2 A new colour for the garment", (
        (step("cloth", "LoadImage", "A swatch of the new colour", image=ANY_PICTURE),
         note("swatch", "A plain swatch gives its colour, a photo of cloth its pattern, too. Folds and shadows stay "
              "those of the photo. On grey, white or black cloth choose the mode **color**, for a darker dye "
              "**multiply**.")),
        (step("found", "HemlineDetectGarments", "Which garment", image=("photo", 0), what="tops"),
         step("edge", "HemlineRefineMask", mask=("found", 1), image=("photo", 0))),
        (step("recoloured", "HemlineBlendLayers", "New colour", base=("toned", 0), layer=("cloth", 0), mask=("edge", 0),
              mode="hue", fit="cover"),),
    )),
    Group("3 A plain studio background", (
        (step("person", "HemlineDetectGarments", "The whole person", image=("photo", 0), what="person"),
         step("matte", "HemlineRefineMask", "Matte with hair", mask=("person", 1), image=("photo", 0), method="matte")),
        (step("clean", "HemlineEstimateForeground", image=("recoloured", 0), mask=("matte", 0)),
         step("light", "HemlineGenerateMask", "Light on the wall", image=("photo", 0), generator="radial gradient",
              settings="stops = 0 0.97 1 0.78\neasing = smoothstep"),
         step("wall", "MaskToImage", mask=("light", 0))),
        (step("placed", "HemlineBlendLayers", "In front of the wall", base=("wall", 0), layer=("clean", 0),
              mask=("matte", 0)),
         note("wall_hint", "The wall is a **radial gradient**: the numbers behind `stops` are place and lightness, `0 "
              "1 1 1` is pure white. A picture of your own on **base** works as well; set **fit** to `cover`.")),
    )),
    Group("4 One grain over all", (
        (step("grain", "HemlineApplyFilter", "Fine grain", image=("placed", 0), filter="grain", amount=0.1),
         step("saved", "SaveImage", images=("grain", 0), filename_prefix="studio")),
    )),
)  # fmt: skip

COMPOSITE = (
    Group("1 Two pictures of one size, and masks", (
        (step("original", "LoadImage", "Original", image=ANY_PICTURE),
         step("enhanced", "LoadImage", "Enhanced", image=ANY_PICTURE)),
        (step("mask", "LoadImageMask", "Where the enhanced one shows", image=ANY_PICTURE, channel="red"),
         step("exclude", "LoadImageMask", "Where it never shows", image=ANY_PICTURE, channel="red"),
         note("hint", "White is where the enhanced picture shows. What is white in the lower mask stays as in the "
              "original, whatever the upper one says.")),
    )),
    Group("2 One mask", (
        (step("combined", "HemlineCombineMasks", mask_a=("mask", 0), mask_b=("exclude", 0), operation="exclude"),
         step("hardened", "HemlineRefineMask", mask=("combined", 0), islands_percent=0.0, holes_percent=0.0, edge_px=0,
              normalise=3.0)),
        (step("soft", "HemlineGrowFeatherMask", mask=("hardened", 0), grow=0.0, feather=5.0,
              image=("original", 0)),
         note("steps", "**normalise** makes a grey mask decided, from 0 (as it is) to 5 (black and white). **feather** "
              "softens its edge.")),
    )),
    Group("3 The enhanced picture through the mask", (
        (step("blended", "HemlineBlendLayers", base=("original", 0), layer=("enhanced", 0), mask=("soft", 0),
              mode="soft-light", space="linear", opacity=0.8),
         note("modes", "Any of the modes goes here; `normal` replaces. Whole folders: the template **composites of a "
              "folder**.")),
        (step("seen", "HemlinePreviewCompare", image=("original", 0), image_b=("blended", 0), mask=("soft", 0),
              view="A/B"),
         step("saved", "SaveImage", images=("blended", 0), filename_prefix="composite")),
    )),
)  # fmt: skip

FOLDER_OF_COMPOSITES = (
    Group("1 Pictures, overlays and masks, paired by name", (
        (step("loaded", "HemlineBatchLoad", source="composites/jobs.yaml"),
         note("hint", "Put originals, enhanced pictures and masks into folders of the input folder, and a job file "
              "beside them: its keys are on the help page of Batch Load. What follows runs once for each picture.")),
    )),
    Group("2 The enhanced picture through the mask", (
        (step("hardened", "HemlineRefineMask", mask=("loaded", 1), islands_percent=0.0, holes_percent=0.0, edge_px=0,
              normalise=("loaded", 5)),),
        (step("blended", "HemlineBlendLayers", base=("loaded", 0), layer=("loaded", 2), mask=("hardened", 0),
              mode=("loaded", 6), opacity=("loaded", 8)),),
    )),
    Group("3 Each under its name", (
        (step("saved", "SaveImage", images=("blended", 0), filename_prefix=("loaded", 4)),),
    )),
)  # fmt: skip

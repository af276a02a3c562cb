"""What inpainting and try-on models, nodes, folders and services want to be handed: one record per target.

Only contracts are written down here: sizes, polarity, values, padding. Where a contract is known from a project's code,
`source` says what was read; none of that code is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import check_name
from .crop_sizes import Size

Fit = Literal["context", "crop", "pad"]

# Networks trained with values from -1 to 1 blank the repainted part with 0, which is this grey.
MID_GREY = 0.5
BODY_SIZE: Size = (768, 1024)
# About one megapixel in steps of 64, from 1:2 to 2:1, which every latent network takes.
MEGAPIXEL_SIZES: tuple[Size, ...] = (
    (1024, 1024), (960, 1088), (1088, 960), (896, 1152), (1152, 896), (832, 1280), (1280, 832), (768, 1344),
    (1344, 768), (704, 1472), (1472, 704),
)  # fmt: skip


@dataclass(frozen=True)
class TryOnTarget:
    """One target's contract.

    sizes: (width, height) that it takes, its usual one first; none: the picture's own size. multiple: any other size
    of this multiple may be asked for too; 0: no other.
    fit: how the person gets to the size. "context": a crop around the mask; "crop": the largest part of the frame;
    "pad": the whole frame. padding: grey level beyond the frame; None: the frame's border pixels go on. The mask is 0
    there, a pose picture black.
    transparent: the hole in the alpha of `agnostic` is what is repainted; otherwise the mask's white is. binary: the
    mask is 0 or 1, cut at 0.5. box: the mask is widened to its bounding box.
    grey: what replaces the masked part of the person picture in `agnostic`; None: `agnostic` is the plain person.
    greyed_by_target: the target does that itself and wants the plain person.
    garment: whether it takes a picture of the garment; it is letterboxed on white. diptych: garment left, person right
    in one picture. pose: the kind of pose picture that it takes, "" for none. single: it takes one picture per run.
    files: (piece, path) of a folder target; {id} and {category} stand for names.
    own_steps: what the target does to the mask by itself. to_set: what to set in the target.
    """

    name: str
    source: str
    sizes: tuple[Size, ...] = ()
    multiple: int = 0
    fit: Fit = "context"
    padding: float | None = None
    transparent: bool = False
    binary: bool = True
    box: bool = False
    grey: float | None = None
    greyed_by_target: bool = False
    garment: bool = True
    diptych: bool = False
    pose: str = ""
    single: bool = False
    files: tuple[tuple[str, str], ...] = ()
    own_steps: tuple[str, ...] = ()
    to_set: tuple[str, ...] = ()


_ALL = (
    TryOnTarget(
        name="InpaintModelConditioning",
        source="ComfyUI nodes.py",
        sizes=MEGAPIXEL_SIZES,
        multiple=16,  # 8 would do for SD and SDXL; FLUX packs latents by two
        binary=False,
        grey=MID_GREY,
        greyed_by_target=True,
        garment=False,
        own_steps=("it rounds the mask at 0.5 for its grey fill and keeps it soft for the noise",),
        to_set=("connect person to pixels and mask to mask", "an SD or SDXL inpaint checkpoint, or FLUX Fill"),
    ),
    TryOnTarget(
        name="VAEEncodeForInpaint",
        source="ComfyUI nodes.py",
        sizes=MEGAPIXEL_SIZES,
        multiple=16,
        grey=MID_GREY,
        greyed_by_target=True,
        garment=False,
        own_steps=("it rounds the mask at 0.5 and grows it by a square of grow_mask_by pixels (6)",),
        to_set=("connect person to pixels and mask to mask", "denoise 1.0"),
    ),
    TryOnTarget(
        name="SetLatentNoiseMask + DifferentialDiffusion",
        source="ComfyUI nodes.py, comfy_extras/nodes_differential_diffusion.py",
        sizes=MEGAPIXEL_SIZES,
        multiple=16,
        binary=False,
        garment=False,
        own_steps=("it takes soft values as how much of the denoising a pixel gets",),
        to_set=("person through VAEEncode, mask to SetLatentNoiseMask, the model through DifferentialDiffusion",),
    ),
    TryOnTarget(
        name="diffusers inpainting",
        source="diffusers documentation of the inpaint pipelines",
        sizes=MEGAPIXEL_SIZES,
        multiple=8,
        garment=False,
        own_steps=("it cuts the mask at 0.5: a soft edge only moves the edge",),
        to_set=("image = person, mask_image = mask, width and height as printed; FLUX wants multiples of 16",),
    ),
    TryOnTarget(
        name="CatVTON",
        source="Zheng-Chong/CatVTON app.py, utils.py, inference.py",
        sizes=(BODY_SIZE,),
        multiple=8,
        fit="crop",
        padding=1.0,
        grey=MID_GREY,
        greyed_by_target=True,
        own_steps=("its app blurs the mask by 9 and cuts it at 0.5 again",),
        to_set=("give the mask yourself: then no DensePose is needed",),
    ),
    TryOnTarget(
        name="CatVTON Wrapper",
        source="chflame163/ComfyUI_CatVTON_Wrapper py/cat_vton.py, py/func.py",
        sizes=(BODY_SIZE,),
        fit="pad",
        padding=1.0,
        grey=MID_GREY,
        greyed_by_target=True,
        single=True,
        own_steps=("it grows the mask by mask_grow (25)", "it would pad other sizes with white, the mask too"),
        to_set=("mask_grow 0", "connect garment to refer_image"),
    ),
    TryOnTarget(
        name="IDM-VTON",
        source="yisol/IDM-VTON inference.py, gradio_demo/app.py",
        sizes=(BODY_SIZE,),
        multiple=8,
        fit="crop",
        padding=1.0,
        grey=MID_GREY,
        greyed_by_target=True,
        pose="DensePose render",
        own_steps=("its demo stretches pictures of another aspect",),
        to_set=("the mask is the binary one, not the grey picture",),
    ),
    TryOnTarget(
        name="ComfyUI-IDM-VTON",
        source="TemryL/ComfyUI-IDM-VTON src/nodes/idm_vton.py",
        sizes=(BODY_SIZE,),
        multiple=8,
        fit="crop",
        padding=1.0,
        grey=MID_GREY,
        greyed_by_target=True,
        pose="DensePose render",
        single=True,
        own_steps=("it stretches every picture to its width and height",),
        to_set=("connect mask_image to mask_img, pose to pose_img", "width and height as printed"),
    ),
    TryOnTarget(
        name="OOTDiffusion",
        source="levihsu/OOTDiffusion run/run_ootd.py, run/utils_ootd.py, ootd/pipelines_ootd/pipeline_ootd.py",
        sizes=(BODY_SIZE,),
        fit="crop",
        padding=1.0,
        grey=127 / 255,
        own_steps=("it cuts the mask at 127 of 255",),
        to_set=("image_vton = agnostic, image_ori = person", "model HD for tops only, DC for all"),
    ),
    TryOnTarget(
        name="Leffa",
        source="franciszzj/Leffa leffa_utils/utils.py, leffa/transform.py, leffa/pipeline.py",
        sizes=(BODY_SIZE,),
        fit="pad",
        padding=1.0,
        grey=MID_GREY,
        greyed_by_target=True,
        pose="DensePose render",
        own_steps=("it cuts the mask at 0.5",),
    ),
    TryOnTarget(
        name="FitDiT",
        source="BoyuanJiang/FitDiT gradio_sd3.py, src/utils_mask.py, src/pipeline_stable_diffusion_3_tryon.py",
        sizes=(BODY_SIZE, (1152, 1536), (1536, 2048)),
        fit="pad",
        padding=1.0,
        box=True,
        grey=128 / 255,
        greyed_by_target=True,
        pose="DWPose render",
        own_steps=("it cuts the mask at 0.5 to blank the person",),
        to_set=(
            "resolution as printed; the mask is the alpha of the editor's layer",
            "connect head and hands to protected here: the box would repaint them",
        ),
    ),
    TryOnTarget(
        name="CatVTON-FLUX",
        source="nftblackmagic/catvton-flux tryon_inference.py",
        sizes=((576, 768), BODY_SIZE),
        multiple=16,
        fit="crop",
        padding=1.0,
        grey=MID_GREY,
        greyed_by_target=True,
        diptych=True,
        own_steps=("it cuts the mask at 0.5",),
        to_set=("give the whole picture and mask to FLUX Fill", "Inpaint Stitch cuts the right half out of the result"),
    ),
    TryOnTarget(
        name="VITON-HD folder",
        source="VITON-HD data set; read by yisol/IDM-VTON inference.py and Zheng-Chong/CatVTON inference.py",
        sizes=(BODY_SIZE,),
        fit="crop",
        padding=1.0,
        grey=128 / 255,
        pose="DensePose render",
        files=(
            ("person", "image/{id}.jpg"),
            ("garment", "cloth/{id}.jpg"),
            ("garment_mask", "cloth-mask/{id}.jpg"),
            ("mask", "agnostic-mask/{id}_mask.png"),
            ("agnostic", "agnostic-v3.2/{id}.jpg"),
            ("pose", "image-densepose/{id}.jpg"),
        ),
        to_set=("test_pairs.txt has one line per pair: <person>.jpg <cloth>.jpg",),
    ),
    TryOnTarget(
        name="DressCode folder",
        source="Dress Code data set; read by Zheng-Chong/CatVTON inference.py",
        sizes=(BODY_SIZE,),
        fit="pad",
        padding=1.0,
        grey=128 / 255,
        pose="OpenPose skeleton",
        files=(
            ("person", "{category}/images/{id}_0.jpg"),
            ("garment", "{category}/images/{id}_1.jpg"),
            ("mask", "{category}/agnostic_masks/{id}_0.png"),
            ("pose", "{category}/skeletons/{id}_5.jpg"),
        ),
        to_set=(
            "category is upper_body, lower_body or dresses",
            "test_pairs_unpaired.txt in each category has one line per pair: <person>_0.jpg <cloth>_1.jpg",
        ),
    ),
    TryOnTarget(
        name="A1111 inpaint upload",
        source="AUTOMATIC1111/stable-diffusion-webui",
        fit="pad",
        garment=False,
        own_steps=("it blurs the mask by Mask blur (4) and pads Only masked by 32 px",),
        to_set=(
            "Inpaint masked",
            "width and height of the picture's aspect, or Only masked",
            "Mask blur 0 to stitch here",
        ),
    ),
    TryOnTarget(
        name="A1111 batch folder",
        source="AUTOMATIC1111/stable-diffusion-webui pull request 7295",
        fit="pad",
        garment=False,
        files=(("person", "input/{id}.png"), ("mask", "masks/{id}.png")),
        own_steps=("it blurs the mask by Mask blur (4)",),
        to_set=(
            "Input directory = input, Inpaint batch mask directory = masks",
            "masks are found by the same file name",
        ),
    ),
    TryOnTarget(
        name="FLUX.1 Fill API",
        source="docs.bfl.ai, FLUX.1 Fill [pro]",
        fit="pad",
        transparent=True,
        garment=False,
        single=True,
        to_set=("image = agnostic as PNG or WebP without a mask, or image = person and mask = mask_image (white)",),
    ),
    TryOnTarget(
        name="gpt-image edits API",
        source="OpenAI API reference, images/edits",
        sizes=((1024, 1024), (1024, 1536), (1536, 1024)),
        multiple=16,
        fit="pad",
        transparent=True,
        garment=False,
        single=True,
        own_steps=("it repaints the whole picture and only leans on the hole",),
        to_set=("image = person, mask = agnostic as PNG, size as printed", "stitch with align: it may shift and scale"),
    ),
)

TRYON_TARGETS: dict[str, TryOnTarget] = {target.name: target for target in _ALL}
"""Name -> contract."""


def tryon_target(name: str) -> TryOnTarget:
    """The record of this name. Raises `UnknownName` with the nearest one."""
    return TRYON_TARGETS[check_name("Target", name, TRYON_TARGETS)]

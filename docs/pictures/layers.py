"""Pictures of the nodes that work on pictures through masks: blending, colour, crops, files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hemline.hosts.files import FolderStore
from hemline.hosts.headless_context import headless_context
from hemline.kernels import gaussian_blur
from hemline.nodes.load import batch_load as batch_load_node

from .figure import NAVY, RED, draw, person
from .panels import call, frame, grey, grid, over, row
from .scenes import CROWN, HEIGHT, TALL, WIDTH, bust, coat, drawn, found, only, pattern, shirt_on_white, skirt, sweater

PERSON = ("upper", "pants", "hair", "skin", "footwear")
GREEN, NIGHT = (0.25, 0.72, 0.30), torch.tensor((0.16, 0.17, 0.24))


def batch_load() -> Tensor:
    """A folder's photos and the masks that belong to them by name."""
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder))
        for name, scene in (("red", sweater), ("sand", coat), ("teal", skirt)):
            store.save_image(f"photos/{name}", scene()[0][0])
            store.save_image(f"masks/{name}_mask", grey(drawn(scene, "upper", *({"outer"} & set(scene()[1])))))
        context = headless_context(Path(folder) / "out", device="cpu", input_folder=Path(folder))
        got = batch_load_node(images="photos/*", masks="masks/*", context=context).outputs
    images, masks, names = got[0], got[1], got[3]
    window = (slice(39, 299), slice(55, 385))
    return grid([
        [(f"{name}.png", image[0][window]) for name, image in zip(names, images, strict=True)],
        [(f"{name}_mask.png", grey(mask)[window]) for name, mask in zip(names, masks, strict=True)],
    ])  # fmt: skip


def blend_layers() -> Tensor:
    """A photo, a layer, and four modes through the garment's mask."""
    photo, layer, mask = sweater()[0], pattern(*sweater()[0].shape[1:3]), drawn(sweater, "upper")
    tiles = [("base", bust(photo[0])), ("layer", bust(layer[0])), ("mask", bust(grey(mask)))]
    for mode in ("normal", "multiply", "overlay"):
        tiles.append(
            (mode, bust(call("HemlineBlendLayers", base=photo, layer=layer, mask=mask, mode=mode)["image"][0]))
        )
    return grid([tiles[:3], tiles[3:]])


def apply_filter() -> Tensor:
    """Five filters: behind the person, on all of it, and on the cloth alone."""
    photo, cloth = scene_with_wall(), drawn(sweater, "upper")
    noise = 0.035 * torch.randn(photo.shape, generator=torch.Generator().manual_seed(5))
    grainy = (photo + noise * (1 - cloth.unsqueeze(-1))).clamp(0, 1)
    ways = (
        ("gaussian blur", photo, {"mask": 1 - drawn(sweater, *PERSON), "radius": 9.0}),
        ("unsharp mask", photo, {"radius": 5.0}), ("high pass", photo, {"radius": 5.0, "amount": 1.5}),
        ("grainy photo", grainy, None), ("match grain", grainy, {"mask": cloth}),
    )  # fmt: skip
    tiles = [("image", photo)]
    for name, image, values in ways:
        tiles.append(
            (name, image if values is None else call("HemlineApplyFilter", image=image, filter=name, **values)["image"])
        )
    tiles = [(name, image[0, 60:300, 90:350]) for name, image in tiles]
    return grid([tiles[:3], tiles[3:]])


def scene_with_wall() -> Tensor:
    """The sweater before a wall of tiles, so that a blur is seen."""
    photo, person = sweater()[0], drawn(sweater, *PERSON)[0]
    y, x = torch.meshgrid(torch.arange(photo.shape[1]), torch.arange(photo.shape[2]), indexing="ij")
    joint = ((y % 48 < 4) | ((x + 40 * ((y // 48) % 2)) % 80 < 4)).float().unsqueeze(-1)
    wall = torch.tensor((0.72, 0.60, 0.52)) * (1 - joint) + torch.tensor((0.90, 0.87, 0.84)) * joint
    return photo * person.unsqueeze(-1) + wall * (1 - person.unsqueeze(-1))


def match_colours() -> Tensor:
    """A picture with a tint, the one whose tone it is to get, and the result."""
    reference = sweater()[0]
    tinted = (reference * torch.tensor((0.98, 0.90, 0.72)) + torch.tensor((0.02, 0.01, 0.0))).clamp(0, 1)
    got = call("HemlineMatchColours", image=tinted, reference=reference)["image"]
    return row(
        [(name, bust(image[0])) for name, image in (("image", tinted), ("reference", reference), ("result", got))]
    )


def estimate_foreground() -> Tensor:
    """A cut-out from a green wall on a new background, with its fringe and without."""
    photo, masks = draw(HEIGHT, WIDTH, [(person(RED, NAVY), CROWN, TALL)], wall=GREEN)
    cover = torch.stack([masks[part] for part in PERSON]).sum(0).clamp(0, 1)
    out_of_focus = gaussian_blur(torch.cat([photo[0].movedim(-1, 0), cover.unsqueeze(0)]).unsqueeze(0), 1.6)[0]
    shot, mask = out_of_focus[:3].movedim(0, -1), out_of_focus[3]
    clean = call("HemlineEstimateForeground", image=shot.unsqueeze(0), mask=mask.unsqueeze(0))["image"][0]
    window, share = (slice(60, 230), slice(140, 300)), mask.unsqueeze(-1)
    tiles = (("photo", shot), ("cut out", shot * share + NIGHT * (1 - share)),
             ("own colours", clean * share + NIGHT * (1 - share)))  # fmt: skip
    return row([(name, picture[window]) for name, picture in tiles])


def inpaint_crop() -> Tensor:
    """The region around a mask, the crop, its mask and the filled crop."""
    photo, mask = sweater()[0], soft_mask()
    got = cropped(photo)
    box = got["stitch"][0].boxes[0]
    return row([
        ("photo", frame(over(photo, mask), box)[:520]), ("image", got["image"][0][0]),
        ("sampling_mask", grey(got["sampling_mask"][0])), ("agnostic", got["agnostic"][0][0]),
    ])  # fmt: skip


def inpaint_stitch() -> Tensor:
    """A repainted crop with another tone, and how it comes back."""
    photo = sweater()[0]
    repainted = cropped(recoloured(photo))["image"][0]
    shifted = (repainted * torch.tensor((0.88, 0.97, 1.0)) - 0.03).clamp(0, 1)
    tiles = [("crop", cropped(photo)["image"][0][0]), ("repainted", shifted[0])]
    for name, match in (("stitched", "none"), ("match_colours", "mean and std")):
        values = {"stitch": cropped(photo)["stitch"], "image": [shifted], "match_colours": match}
        image = call("HemlineInpaintStitch", **values)["image"][0]
        tiles.append((name, bust(image[0])))
    return row(tiles)


def soft_mask() -> Tensor:
    """The sweater as the parser finds it, a little grown."""
    return call("HemlineGrowFeatherMask", mask=only(sweater, "upper"), grow=8.0, feather=16.0)["soft_mask"]


def cropped(photo: Tensor) -> dict[str, Any]:
    """The crop for a model of 512 pixels."""
    values = {"target": "custom", "width": 512, "height": 512, "context_factor": 1.3, "fill": "blur"}
    return call("HemlineInpaintCrop", image=photo, mask=soft_mask(), **values)


def recoloured(photo: Tensor) -> Tensor:
    """The photo with a green sweater of another cloth: what a model might have painted."""
    mask = drawn(sweater, "upper").unsqueeze(-1)
    light = sweater()[0].mean(-1, keepdim=True) / 0.39
    cloth = (pattern(*photo.shape[1:3]) * light).clamp(0, 1)
    return sweater()[0] * (1 - mask) + cloth * mask


def try_on_inputs() -> Tensor:
    """Person, mask and garment, and what a try-on target takes."""
    photo = sweater()[0]
    mask = call("HemlineAgnosticMask", garments=found(sweater)["garments"], target_cut="as worn", region="upper body")[
        "mask"
    ]
    shirt, cover = shirt_on_white()
    got = call("HemlineTryOnInputs", person=photo, mask=mask, garment=shirt, garment_mask=cover, target="OOTDiffusion")
    return row([
        ("person, mask", over(photo, mask)), ("garment", got["garment"][0]), ("agnostic", got["agnostic"][0]),
        ("mask_image", got["mask_image"][0]),
    ])  # fmt: skip
